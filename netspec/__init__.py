"""netspec: write a neural network as on a whiteboard; get it checked, compiled to JAX/Flax, and trained.

    import netspec

    model = netspec.compile("specs/mnist_cnn.net")
    print(model.summary())
    result = netspec.train(model)

Importing this package does not import JAX; that happens when a model is used.
"""

from netspec.__about__ import __version__ as __version__
from netspec.api import check, compile, load, parse, train
from netspec.diagnostics import CompileError
from netspec.layers.base import Layer, layer
from netspec.model import Model
from netspec.vocabulary import option

__all__ = ["CompileError", "Layer", "Model", "check", "compile", "layer", "load", "option", "parse", "train"]
