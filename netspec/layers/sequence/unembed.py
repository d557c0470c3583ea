"""Tied output layers: token scores from a shared embedding."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Body
from netspec.language.shape import Dim, Shape, Size
from netspec.language.values import LayerValue
from netspec.language.word import hidden, option
from netspec.layers.base import Layer, check_rank, layer
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.dense import Embedding
from netspec.layers.errors.shapes import NoSharedEmbedding, TableWidth
from netspec.layers.sequence.steps import make_a_sequence


@layer("unembed")
class Unembed(Layer):
    """Tied output layer: scores each token by the product with its vector in a shared embedding.

    Shape: T x features -> T x vocabulary
    Formula: y = x E^T, with E the table of the embedding
    Example: unembed(table)
    Reference: Press and Wolf 2016, Using the output embedding to improve language models, arXiv:1608.05859.
    """

    aliases = ("tied_output", "lm_head", "attend")

    table: LayerValue = option(Body(), "the embedding, declared by `share table = embedding(…)`", position=0)

    borrows = "table"

    def bind(self, lender: Layer | None, shapes: Shapes) -> Layer:
        if not isinstance(lender, Embedding):
            raise Unplaced(NoSharedEmbedding, option="table")
        vocabulary = shapes[0].vocabulary
        assert vocabulary is not None and not isinstance(vocabulary, Dim)
        return TiedOutput(embedding=lender, vocabulary=vocabulary)


class TiedOutput(Layer):
    """The layer that `unembed` becomes once the embedding is known."""

    embedding: Embedding = hidden()
    vocabulary: int = hidden()

    takes_rngs: ClassVar[bool] = True

    @property
    def is_frozen(self) -> bool:
        return self.embedding.is_frozen

    def to_source(self, *, full: bool = False) -> str:
        return "unembed"

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2), make_a_sequence(x))
        if x.channels != self.embedding.features:
            raise Unplaced(TableWidth, found=str(x.channels), features=self.embedding.features)
        return x.with_channels(self.vocabulary)

    def _ids(self) -> Shape:
        return Shape((1,), self.vocabulary)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return self.embedding.parameters(self._ids())

    def macs(self, output: Shape, x: Shape) -> Size:
        return x.channels * output.count

    def module(self, x: Shape) -> PythonCall:
        return self.embedding.module(self._ids())

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        assert module is not None
        return call(f"{module.text}.attend", *tensors)
