"""Position embeddings and encodings, and class tokens."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Number
from netspec.language.shape import Dim, Shape
from netspec.language.word import option
from netspec.layers.base import FROZEN, BiasInit, Layer, check_rank, init_option, known, layer
from netspec.layers.code import PythonCall, call
from netspec.layers.errors.shapes import NeedsKnownSize, OddRotation
from netspec.layers.initializers import Initializer, Normal, Zeros
from netspec.layers.sequence.steps import make_a_sequence

BASE = 10000.0
"""The base of the angles in Vaswani et al. and Su et al."""


@layer("posembed")
class PositionEmbedding(Layer):
    """Learned position embedding: adds a trained vector for each step of a sequence or each position of an image.

    Shape: T x C -> the same; H x W x C -> the same
    Parameters: T * C; H * W * C
    Formula: y = x + E, with E the table
    Example: posembed
    Reference: Gehring et al. 2017, arXiv:1705.03122; Dosovitskiy et al. 2020, arXiv:2010.11929.
    """

    aliases = ("PositionEmbedding", "position_embedding", "positional_embedding", "pos_embed", "wpe")

    init: Initializer = init_option("initializer of the table", Normal(std=0.02))
    frozen: bool = FROZEN

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2, 3), make_a_sequence(x))
        unknown = next((size for size in x.sizes if isinstance(size, Dim)), None)
        if unknown is not None:
            advice = "write sizes as numbers in the `input` line"
            if x.rank == 2 and unknown is x.sizes[0]:
                advice += ", or use `sinusoidal`, which works for every length"
            size = str(unknown)
            raise Unplaced(
                NeedsKnownSize,
                word=self.word,
                what="a fixed size for its table",
                size=size,
                shape=str(x),
                advice=advice,
            )
        return x

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {"embedding": tuple(known(self, size, x) for size in x.sizes)}

    def module(self, x: Shape) -> PythonCall:
        return call("nn.PositionEmbedding", self.parameters(x)["embedding"], embedding_init=self.init.code())


@layer("sinusoidal")
class Sinusoidal(Layer):
    """Sinusoidal position encoding: adds sines and cosines of the position at C / 2 wavelengths, 2 pi to 2 pi * base.

    It has no weights and works for any length. With an odd number of features the last one has a sine only.

    Shape: T x C -> the same
    Formula: y[t, 2i] = x[t, 2i] + sin(t / base^(2i / C)); y[t, 2i + 1] = x[t, 2i + 1] + cos(t / base^(2i / C))
    Example: sinusoidal
    Reference: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762, section 3.5.
    """

    aliases = ("SinePositionEncoding", "PositionalEncoding", "positional_encoding", "pos_encoding")

    base: float = option(
        Number(1, open_low=True), "the longest wavelength is 2 pi * base", default=BASE, aliases=("max_wavelength",)
    )

    function = "nn.sinusoidal"

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2,), make_a_sequence(x))
        known(self, x.channels, x, "a fixed number of features")
        return x


@layer("rope")
class Rope(Layer):
    """Rotary position embedding: rotates pairs of features by angles proportional to the step.

    It has no weights. The pairs are (i, i + C/2), as in GPT-NeoX and Llama; the original paper pairs neighbors, which
    is the same up to the order of the features. `attention(heads, rope = true)` rotates the queries and keys of each
    head.

    Shape: T x C -> the same
    Formula: (y[i], y[i + C/2]) = (x[i], x[i + C/2]) rotated by t * base^(-2i / C), for step t
    Example: rope
    Reference: Su et al. 2021, RoFormer, arXiv:2104.09864.
    """

    aliases = ("RotaryEmbedding", "rotary", "RotaryPositionalEmbeddings")

    base: float = option(
        Number(1, open_low=True),
        "the slowest pair rotates by about 1 / base radians per step",
        default=BASE,
        aliases=("theta", "rope_theta", "max_wavelength"),
    )

    function = "nn.rope"

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2,), make_a_sequence(x))
        features = known(self, x.channels, x, "a fixed number of features")
        if features % 2:
            advice = f"put `dense({features + 1})` before it"
            raise Unplaced(OddRotation, what="each step has", count=features, advice=advice)
        return x


@layer("class_token")
class ClassToken(Layer):
    """Class token: prepends a trained vector to a sequence, to summarize the whole.

    Read it with `first`. The steps move by one, so a mask of padded steps ends here.

    Shape: T x C -> T + 1 x C
    Parameters: C
    Formula: y[0] = v; y[t + 1] = x[t], with v the trained vector
    Example: class_token
    Reference: Devlin et al. 2018, BERT, arXiv:1810.04805; Dosovitskiy et al. 2020, arXiv:2010.11929.
    """

    aliases = ("cls_token", "ClassToken", "cls")

    moves_steps = True

    init: Initializer = option(BiasInit(), "initializer of the vector", default=Zeros(), aliases=("initializer",))
    frozen: bool = FROZEN

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2,), make_a_sequence(x))
        known(self, x.channels, x, "a fixed number of features")
        return Shape((x.sizes[0] + 1, x.channels))

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {"embedding": (known(self, x.channels, x),)}

    def module(self, x: Shape) -> PythonCall:
        return call("nn.ClassToken", known(self, x.channels, x), embedding_init=self.init.code())
