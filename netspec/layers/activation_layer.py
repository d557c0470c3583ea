"""An activation that stands as a layer of its own."""

from __future__ import annotations

from netspec.language.shape import Shape
from netspec.language.word import hidden
from netspec.layers.activations import Activation
from netspec.layers.base import Layer, check_numbers
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes


class ActivationLayer(Layer):
    """An activation that stands as a layer of its own; made by netspec for the bare word."""

    function: Activation = hidden()

    takes_rngs = False

    @property
    def activation_word(self) -> Activation:
        return self.function

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x

    def to_source(self, *, full: bool = False) -> str:
        return self.function.to_source(full=full)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return self.function.parameters(x)

    def module(self, x: Shape) -> PythonCall | None:
        return self.function.module(x)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        # Other activations are applied by the emitter, as those of every layer.
        return PythonCall(module.text, tensors) if module is not None else tensors[0]
