"""Every layer, one file per family; importing this package fills the vocabulary.

Comes in: nothing. Goes out: declarations, which checking, inference, emission, docs and tests read.
"""

from netspec.layers import (
    activations,
    attention,
    bidirectional,
    conv,
    cropping,
    dense,
    inits,
    merge,
    norm,
    pool,
    positions,
    recurrent,
    regularise,
    reshape,
    residual,
    resize,
    sequence,
    tokens,
    unembed,
    upconv,
)
from netspec.layers.base import Layer, layer

__all__ = [
    "Layer",
    "activations",
    "attention",
    "bidirectional",
    "conv",
    "cropping",
    "dense",
    "inits",
    "layer",
    "merge",
    "norm",
    "pool",
    "positions",
    "recurrent",
    "regularise",
    "reshape",
    "residual",
    "resize",
    "sequence",
    "tokens",
    "unembed",
    "upconv",
]
