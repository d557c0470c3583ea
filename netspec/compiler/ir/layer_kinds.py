"""The kinds of layers that drawings and tables tell apart."""

from __future__ import annotations

from netspec.layers.base import Layer

KINDS = {
    "conv": "conv",
    "transposed_conv": "conv",
    "dense": "dense",
    "unembed": "dense",
    "pool": "pool",
    "norm": "norm",
    "activation_layer": "activation",
    "recurrent": "recurrent",
    "bidirectional": "recurrent",
    "attention": "attention",
    "merge": "merge",
    "residual": "merge",
    "tokens": "embedding",
    "positions": "embedding",
    "regularization": "dropout",
    "reshape": "reshape",
    "cropping": "reshape",
    "resize": "reshape",
    "steps": "reshape",
}
"""The kind of a layer, for its color, by the module that declares it; layers of users are of the kind `other`."""
KINDS_OF_WORDS = {"embedding": "embedding", "scale": "merge"}
"""The kind of layers that differ from the others of their module: `scale` is arithmetic, as `add` is."""


def kind_of(layer: Layer) -> str:
    """The kind of a layer, such as `conv`."""
    module = type(layer).__module__.rpartition(".")[2]
    return KINDS_OF_WORDS.get(layer.word) or KINDS.get(module, "other")
