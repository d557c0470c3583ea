"""Which function writes a layer, by the class of the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from netspec.interchange.onnx.writer import Site, Value
from netspec.layers.activations import Activation
from netspec.layers.base import Layer

LayerWriter = Callable[..., Value]
"""Takes a `Site`, the layer and its inputs as `Value`s; returns the output without the activation."""
ActivationWriter = Callable[[Site, Any, str, int], str]
"""Takes a `Site`, the activation, the name of a tensor and the axis of its channels; returns the name of the result."""

LAYERS: dict[type[Layer], LayerWriter] = {}
ACTIVATIONS: dict[type[Activation], ActivationWriter] = {}
F = TypeVar("F", bound=Callable[..., Any])


def writes(*kinds: type[Layer]) -> Callable[[F], F]:
    """Declare the function that writes layers of these classes. A subclass that computes something else needs its
    own."""

    def add(function: F) -> F:
        LAYERS.update(dict.fromkeys(kinds, function))
        return function

    return add


def writes_activation(*kinds: type[Activation]) -> Callable[[F], F]:
    """The same for activations."""

    def add(function: F) -> F:
        ACTIVATIONS.update(dict.fromkeys(kinds, function))
        return function

    return add
