"""What is at the end of a network: probabilities, losses, and what measures them."""

from __future__ import annotations

from netspec.interchange.configs.caffe.layers.table import Site, reads
from netspec.interchange.reading.channels_first.values import Value
from netspec.layers.activations import Sigmoid

LOSSES = {
    "SoftmaxWithLoss": "softmax",
    "InfogainLoss": "probabilities",
    "MultinomialLogisticLoss": "probabilities",
    "SigmoidCrossEntropyLoss": "sigmoid",
    "EuclideanLoss": "numbers",
    "SmoothL1Loss": "numbers",
    "HingeLoss": "scores",
}
"""Losses, and what their first input is, or becomes."""
MEASURES = ("Accuracy", "ArgMax", "HDF5Output")
"""Layers that are left out at the end."""


@reads("Softmax")
def softmax(site: Site) -> Value:
    """Probabilities along an axis."""
    return site.builder.softmax(site.x, site.axis(site.options("softmax_param")))


def loss_input(site: Site) -> Value:
    """What a network with this loss predicts."""
    kind = LOSSES[site.layer.type]
    if kind == "softmax":
        site.warn("the network ends in a softmax, and the loss is that of the training")
        return site.builder.softmax(site.x, site.axis(site.options("softmax_param")))
    if kind == "sigmoid":
        site.warn("the network ends in a sigmoid, and the loss is that of the training")
        return site.builder.activation(site.x, Sigmoid())
    site.warn(f"the network ends in the {kind} before it", "set `loss` in `train` for a training")
    return site.x
