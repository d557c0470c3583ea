"""Bidirectional recurrent layers."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Choice, OneWord
from netspec.language.shape import Shape, Size
from netspec.language.values import LayerValue
from netspec.language.word import Mismatch, option
from netspec.layers.base import Layer, known, layer
from netspec.layers.code import PythonCall, PythonName, call
from netspec.layers.sequence.recurrent import Recurrent, check_sequence


class OneRecurrent(OneWord):
    """A single recurrent layer."""

    of: str = "layer"

    takes_layers = True

    def accept(self, value: object) -> Recurrent:
        layer = value.as_word("layer") if isinstance(value, LayerValue) else value
        if not isinstance(layer, Recurrent):
            raise Mismatch(self.describe(), value, advice="write the layer itself, such as `bidirectional(lstm(64))`")
        if layer.name is not None:
            inner = layer.replace(name=None).to_source()
            advice = f'name the whole instead: `bidirectional({inner}, name = "{layer.name}")`'
            raise Mismatch("a recurrent layer without a name", value, advice=advice)
        return layer

    def describe(self) -> str:
        return "one recurrent layer, `rnn`, `lstm` or `gru`"

    @property
    def category(self) -> str | None:
        return None  # most layers are not allowed here: `accept` tells which are


@layer("bidirectional")
class Bidirectional(Layer):
    """Processes a sequence forward and backward with two copies of a recurrent layer, and merges their outputs.

    The output of the backward layer at a step depends on that step and the ones after it. With `return = last` each
    direction returns its state after its own last step. Padded steps are skipped in both directions.

    Shape: T x C -> T x 2 units; with return = last: T x C -> 2 units; without concat: units
    Parameters: twice those of the layer, as `forward` and `backward`
    Formula: y[t] = merge(forward(x[0], …, x[t]), backward(x[T - 1], …, x[t]))
    Example: bidirectional(lstm(64))
    Reference: Schuster and Paliwal 1997, Bidirectional recurrent neural networks.
    """

    aliases = ("BiLSTM", "BiGRU", "BiRNN")

    layer: Recurrent = option(OneRecurrent(), "the recurrent layer; each direction has separate weights", position=0)
    merge: str = option(
        Choice(("concat", "add", "mul", "average")),
        "how the two outputs are merged",
        default="concat",
        aliases=("merge_mode",),
    )

    reads_mask: ClassVar[int | None] = 0
    takes_rngs: ClassVar[bool] = False  # its layers do

    @property
    def is_frozen(self) -> bool:
        return self.layer.frozen

    @property
    def l1(self) -> float:
        return self.layer.l1

    @property
    def l2(self) -> float:
        return self.layer.l2

    def infer(self, x: Shape) -> Shape:
        check_sequence(self, x)
        factor = 2 if self.merge == "concat" else 1
        return self.layer.infer(x).with_channels(factor * self.layer.units)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        inner = self.layer.parameters(x)
        return {f"{way}.{name}": shape for way in ("forward", "backward") for name, shape in inner.items()}

    def macs(self, output: Shape, x: Shape) -> Size:
        return 2 * self.layer.macs(self.layer.infer(x), x)

    def module(self, x: Shape) -> PythonCall:
        merge = {} if self.merge == "concat" else {"merge": self.merge}
        return call(
            "nn.Bidirectional",
            forward=self._direction(x, reverse=self.layer.reverse),
            backward=self._direction(x, reverse=not self.layer.reverse),
            **merge,
        )

    def _direction(self, x: Shape, *, reverse: bool) -> PythonCall:
        arguments = {**self.layer.arguments(), "reverse": True, "rngs": PythonName("rngs")}
        if not reverse:
            del arguments["reverse"]
        return call(self.layer.function, known(self, x.channels, x), self.layer.units, **arguments)
