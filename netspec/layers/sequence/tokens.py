"""Token ids and the steps of series as inputs, and the masks of their padding."""

from __future__ import annotations

from netspec.language.kinds import Count, Flag
from netspec.language.shape import Shape
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.layers.base import Layer
from netspec.layers.code import Code, Names, PythonName, Shapes, call


@register("shape", "tokens")
class Tokens(Word):
    """Integer ids from 0 to the vocabulary size minus 1; the length comes first: `128 tokens(30522)`.

    Example: input 128 tokens(30522)
    """

    vocabulary: int = option(Count(), "the number of different ids", position=0)
    pad: int | None = option(Count(0), "the padding id; padded steps are ignored", default=None)


@register("shape", "steps")
class Steps(Word):
    """Steps with some features each; the length comes first: `24 steps(6)` is `24x6`.

    With `pad = true` series may be shorter: they are padded at the end to the length, and layers, losses and metrics
    leave the padded steps out. How long a series is comes from the data, so a 0 is a number like any other.

    Example: input 200 steps(6, pad = true)
    """

    features: int = option(Count(), "the numbers of a step", position=0)
    pad: bool = option(Flag(), "series are padded at their ends; padded steps are ignored", default=False)


class FilledSteps(Layer):
    """Zeros in the place of padded steps, which are NaN in the input.

    netspec inserts it after an input with padding; it is never written in a spec.
    """

    function = "nn.filled_steps"
    takes_rngs = False

    def to_source(self, *, full: bool = False) -> str:
        return "filled_steps"

    def infer(self, x: Shape) -> Shape:
        return x


class PaddingMask(Layer):
    """The mask of real steps: true where the id is not the padding id, or where a number is not NaN.

    netspec inserts it for layers that read it; it is never written in a spec.
    """

    id: int | None = option(Count(0), "the padding id (none: numbers, which are NaN)", default=None, position=0)

    takes_rngs = False

    def to_source(self, *, full: bool = False) -> str:
        return f"padding_mask({self.id})" if self.id is not None else "padding_mask"

    def infer(self, x: Shape) -> Shape:
        return x.without_tokens if self.id is not None else Shape(x.sizes[:1])

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.not_equal", *tensors, self.id) if self.id is not None else call("nn.is_reading", *tensors)
