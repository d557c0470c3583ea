"""Every layer, one file per family; importing this package fills the vocabulary.

Comes in: nothing. Goes out: declarations, which checking, inference, emission, docs and tests read.
"""

from netspec.layers import activations, conv, dense, inits, merge, norm, pool, regularise, reshape, residual, tokens, unembed
from netspec.layers.base import Layer, layer

__all__ = [
    "Layer",
    "activations",
    "conv",
    "dense",
    "inits",
    "layer",
    "merge",
    "norm",
    "pool",
    "regularise",
    "reshape",
    "residual",
    "tokens",
    "unembed",
]
