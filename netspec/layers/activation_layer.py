"""An activation used as a layer."""

from __future__ import annotations

from netspec.language.shape import Shape
from netspec.language.word import hidden
from netspec.layers.activations import Activation
from netspec.layers.base import Elementwise
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes


class ActivationLayer(Elementwise):
    """An activation used as a layer; netspec makes it from the bare word."""

    activation: Activation = hidden()

    takes_rngs = False

    def to_source(self, *, full: bool = False) -> str:
        return self.activation.to_source(full=full)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return self.activation.parameters(x)

    def module(self, x: Shape) -> PythonCall | None:
        return self.activation.module(x)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        # Other activations are applied by the emitter, as those of every layer.
        return PythonCall(module.text, tensors) if module is not None else tensors[0]
