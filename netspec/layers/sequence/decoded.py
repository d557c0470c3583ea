"""Layers in the form that computes some steps of a sequence after those before, for the generation of texts."""

from __future__ import annotations

from netspec.language.shape import Shape
from netspec.language.word import hidden
from netspec.layers.activations import Activation
from netspec.layers.base import Layer
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes

HOME = "netspec.nn.lowering.decode"
FUNCTIONS = {
    f"nn.{name}": f"{HOME}:{name}"
    for name in ("Attention", "GRU", "LSTM", "PositionEmbedding", "SimpleRNN", "rope", "sinusoidal")
}
"""Functions and modules of generated code, and those that carry over what later steps need."""


class Decoded(Layer):
    """A layer that reads earlier steps or positions, computing the next steps with what it has carried over. It has
    the weights of that layer."""

    layer: Layer = hidden()

    @property
    def activation_word(self) -> Activation | None:
        return self.layer.activation_word

    @property
    def is_frozen(self) -> bool:
        return self.layer.is_frozen

    def to_source(self, *, full: bool = False) -> str:
        return self.layer.to_source(full=full)

    def infer(self, *inputs: Shape) -> Shape:
        return self.layer.infer(*inputs)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        return self.layer.parameters(*inputs)

    def module(self, *inputs: Shape) -> PythonCall | None:
        module = self.layer.module(*inputs)
        return None if module is None else _decoded(module)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        code = self.layer.code(module, tensors, shapes)
        return code if module is not None else _decoded(code)

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        return self.layer.masked_code(module, tensors, mask, shapes)


def _decoded(code: PythonCall) -> PythonCall:
    return PythonCall(FUNCTIONS[code.function], code.args, code.kwargs)
