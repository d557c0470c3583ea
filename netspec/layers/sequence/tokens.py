"""The one word for shapes, integer ids as an input, and the mask of ids that only fill up."""

from __future__ import annotations

from netspec.language.kinds import Count
from netspec.language.shape import Shape
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.layers.base import Layer
from netspec.layers.code import Code, Names, PythonName, Shapes, call


@register("shape", "tokens")
class Tokens(Word):
    """Integer ids from 0 up to, not including, a vocabulary's size; a length stands in front: `128 tokens(30522)`.

    Example: input 128 tokens(30522)
    """

    vocabulary: int = option(Count(), "how many different ids there are", position=0)
    pad: int | None = option(
        Count(0), "the id that only fills a text up to the length; such steps are left out", default=None
    )


class PaddingMask(Layer):
    """Which steps of a text hold something: true where the id is not the one that fills up.

    netspec puts it where a layer reads it; nobody writes it.
    """

    id: int = option(Count(0), "the id that fills up", position=0)

    takes_rngs = False

    def to_source(self, *, full: bool = False) -> str:
        return f"padding_mask({self.id})"

    def infer(self, x: Shape) -> Shape:
        return x.without_tokens

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.not_equal", *tensors, self.id)
