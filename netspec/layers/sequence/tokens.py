"""Token ids as an input, and the mask of padding ids."""

from __future__ import annotations

from netspec.language.kinds import Count
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


class PaddingMask(Layer):
    """The mask of real steps: true where the id is not the padding id.

    netspec inserts it for layers that read it; it is never written in a spec.
    """

    id: int = option(Count(0), "the padding id", position=0)

    takes_rngs = False

    def to_source(self, *, full: bool = False) -> str:
        return f"padding_mask({self.id})"

    def infer(self, x: Shape) -> Shape:
        return x.without_tokens

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.not_equal", *tensors, self.id)
