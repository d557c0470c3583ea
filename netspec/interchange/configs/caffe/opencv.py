"""A prototxt that OpenCV runs, of the layers that predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.interchange.configs.caffe.layers.ends import LOSSES, MEASURES
from netspec.interchange.configs.caffe.network import DATA_LAYERS, CaffeLayer
from netspec.interchange.configs.caffe.prototxt import Field, Message, Scalar
from netspec.language.shape import Size

RUNS = {
    *("Convolution", "Deconvolution", "Pooling", "InnerProduct", "Flatten", "Reshape", "Permute", "ShuffleChannel"),
    *("BatchNorm", "Scale", "LRN", "Sigmoid", "TanH", "BNLL", "ReLU", "PReLU", "ELU", "AbsVal", "Power", "Dropout"),
    *("Eltwise", "Concat", "Slice", "Split", "Softmax", "Crop", "Silence", *DATA_LAYERS, *MEASURES, *LOSSES),
}
"""Types of layers that OpenCV computes as Caffe does, or that are left out."""
_TRAINING = {
    *("name", "type", "bottom", "top", "include", "exclude", "phase", "loss_weight", "param", "blobs_lr"),
    *("weight_decay", "propagate_down", "transform_param", "loss_param"),
}
_ACTIVATIONS = {"SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"}


def is_run(layer: CaffeLayer) -> bool:
    """Whether OpenCV computes a layer as Caffe does; it has no transposed kernels of dense layers."""
    is_transposed = layer.message.message("inner_product_param").flag("transpose", False)
    return layer.type in RUNS and not is_transposed


def deploy_text(layers: Sequence[CaffeLayer], inputs: Mapping[str, Sequence[Size]]) -> str:
    """The text of a network.

    Args:
        layers: its layers, in today's form or that of before 2014.
        inputs: the sizes of its inputs, without the batch.
    """
    lines = []
    for name, sizes in inputs.items():
        dims = " ".join(f"dim: {size}" for size in (1, *sizes))
        lines.append(f"input: {_quoted(name)} input_shape {{ {dims} }}")
    for layer in layers:
        if layer.type in LOSSES and layer.type in _ACTIVATIONS:
            lines.append(_line(layer, _ACTIVATIONS[layer.type], layer.bottoms[:1], (f"{layer.name} prediction",)))
        elif layer.type not in (*DATA_LAYERS, *MEASURES, *LOSSES, "Silence"):
            lines.append(_line(layer, layer.type, layer.bottoms, layer.tops))
    return "\n".join(lines)


def _line(layer: CaffeLayer, type: str, bottoms: Sequence[str], tops: Sequence[str]) -> str:
    parts = [f"name: {_quoted(layer.name)}", f"type: {_quoted(type)}"]
    parts += [f"bottom: {_quoted(name)}" for name in bottoms] + [f"top: {_quoted(name)}" for name in tops]
    parts += [_field(found) for found in layer.message.fields if found.name not in _TRAINING]
    return f"layer {{ {' '.join(parts)} }}"


def _field(field: Field) -> str:
    if isinstance(field.value, Message):
        return f"{field.name} {{ {' '.join(map(_field, field.value.fields))} }}"
    return f"{field.name}: {_scalar(field.value)}"


def _scalar(scalar: Scalar) -> str:
    return _quoted(scalar.text) if scalar.kind == "string" else scalar.text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
