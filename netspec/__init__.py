"""netspec: write a neural network as on a whiteboard; get it checked, compiled to JAX/Flax, and trained.

    import netspec

    model = netspec.compile("specs/mnist_cnn.net")
    print(model.summary())
    result = netspec.train(model)

Importing this package imports next to nothing: each name comes with its first use, and JAX when a model is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netspec._version import __version__ as __version__

if TYPE_CHECKING:
    from netspec.api import check, compile, load, parse, train
    from netspec.language.diagnostics import CompileError
    from netspec.language.word import option
    from netspec.layers.base import Layer, layer
    from netspec.spec.model import Model

__all__ = [
    "CompileError",
    "Layer",
    "Model",
    "check",
    "compile",
    "layer",
    "load",
    "option",
    "parse",
    "train",
]

_HOMES = {
    "CompileError": "netspec.language.diagnostics",
    "Layer": "netspec.layers.base",
    "Model": "netspec.spec.model",
    "check": "netspec.api",
    "compile": "netspec.api",
    "layer": "netspec.layers.base",
    "load": "netspec.api",
    "option": "netspec.language.word",
    "parse": "netspec.api",
    "train": "netspec.api",
}


def __getattr__(name: str) -> Any:
    """A public name at its first use; `netspec check` then never waits for what only a model needs."""
    if name not in _HOMES:
        raise AttributeError(f"module 'netspec' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
