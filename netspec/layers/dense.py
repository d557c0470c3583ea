"""Fully connected layers and embeddings."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count
from netspec.language.shape import Dim, Shape, Size
from netspec.language.word import option
from netspec.layers.activations import Activation
from netspec.layers.base import (
    Layer,
    Regularized,
    Weighted,
    activation_option,
    check_rank,
    init_option,
    known,
    layer,
    precision,
    wrong_rank,
)
from netspec.layers.code import PythonCall, call
from netspec.layers.errors.shapes import AlreadyKnown
from netspec.layers.initializers import Initializer, Normal
from netspec.layers.reshape import Flatten


@layer("dense")
class Dense(Weighted):
    """Fully connected layer.

    Applies to vectors, and to each step of a sequence; images and volumes are flattened first.

    Shape: C -> units; T x C -> T x units
    Parameters: C * units + units
    Formula: y = activation(x W + b)
    Example: dense(10, softmax)
    Reference: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
    """

    aliases = ("Linear", "InnerProduct", "FullyConnected", "fc", "Gemm")

    output_axis = -1

    units: int = option(
        Count(), "the number of output features", position=0, aliases=("out_features", "output_dim", "num_output")
    )
    activation: Activation | None = activation_option(1)

    def before(self, x: Shape) -> tuple[Layer, ...]:
        return (Flatten(),) if x.rank > 2 and not x.is_tokens else ()

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2), "flatten it, or take its mean with `gap`, first")
        self.check_weights(self.kernel_shape(x))
        return x.with_channels(self.units)

    def kernel_shape(self, x: Shape) -> tuple[int, ...]:
        return known(self, x.channels, x), self.units

    def macs(self, output: Shape, x: Shape) -> Size:
        return x.channels * output.count

    def module(self, x: Shape) -> PythonCall:
        kernel = self.kernel_shape(x)
        return call("nn.Linear", *kernel, **self.weight_arguments(kernel))


@layer("embedding")
class Embedding(Regularized):
    """Looks up a trainable vector for every token id.

    Shape: T tokens(V) -> T x features
    Parameters: V * features
    Formula: y[t] = E[x[t]], with E the table of vectors
    Example: embedding(64)
    Reference: Bengio et al. 2003, A neural probabilistic language model.
    """

    aliases = ("Embed",)

    features: int = option(Count(), "the size of each vector", position=0, aliases=("embedding_dim", "output_dim"))
    vocabulary: int | None = option(
        Count(),
        "the number of ids; inferred from the input",
        default=None,
        aliases=("vocab_size", "num_embeddings", "input_dim"),
    )
    init: Initializer = init_option("initializer of the vectors", Normal(std=0.05))

    def infer(self, x: Shape) -> Shape:
        if not x.is_tokens:
            raise wrong_rank(self, x, "token ids", "declare the input as token ids: `input 128 tokens(10000)`")
        if self.vocabulary is not None and self.vocabulary != x.vocabulary:
            raise Unplaced(AlreadyKnown, option="vocabulary", given=self.vocabulary, known=str(x.vocabulary))
        return Shape((*x.sizes, self.features))

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        vocabulary = x.vocabulary
        assert vocabulary is not None and not isinstance(vocabulary, Dim)
        return {"embedding": (vocabulary, self.features)}

    def module(self, x: Shape) -> PythonCall:
        (vocabulary, features) = self.parameters(x)["embedding"]
        return call("nn.Embed", vocabulary, features, embedding_init=self.init.code(), **precision(self.dtype))
