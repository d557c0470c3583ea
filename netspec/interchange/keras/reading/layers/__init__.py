"""The layers of Keras by family: each file fills `READERS` with functions by the class of the layer."""

from netspec.interchange.keras.reading.layers import activations, attention, convolution, merges, norms, operations
from netspec.interchange.keras.reading.layers import pooling, recurrent, regularization, reshaping

__all__ = [
    *("activations", "attention", "convolution", "merges", "norms", "operations"),
    *("pooling", "recurrent", "regularization", "reshaping"),
]
