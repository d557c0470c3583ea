"""Attention."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, Either, Flag, Number, OneWord
from netspec.language.shape import Shape, Size
from netspec.language.word import option
from netspec.layers.base import BiasInit, Layer, check_rank, dtype_option, known, layer, precision
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.errors.shapes import HeadsDoNotDivide, OddRotation
from netspec.layers.initializers import Init

ROPE_BASE = 10000.0
"""The base of rotary positions where none is given (Su et al. 2021)."""


@layer("attention")
class Attention(Layer):
    """Each step takes a mean of all steps, weighted by how well its query goes with their keys, in several heads.

    Of one input it is self attention. Of two, `(x | memory)`, the queries come from x, the keys and values from memory.
    Padded steps of the last input are left out; a step with none to see gets zeros before the last projection.

    Shape: T x C -> T x C; T x C | S x M -> T x C
    Parameters: 4 * (C * C + C); with q = heads * head_size and k = kv_heads * head_size of one's own,
        (C * q + q) + 2 * (M * k + k) + (q * out + out)
    Formula: softmax(Q K^T / sqrt(head_size)) V for each head, the heads side by side times the last matrix
    Example: attention(4)
    Reference: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245.
    """

    aliases = (
        "MultiHeadAttention",
        "SelfAttention",
        "CrossAttention",
        "MultiHeadDotProductAttention",
        "GroupedQueryAttention",
        "mha",
    )

    input_count = (1, 2)
    reads_mask = -1

    heads: int = option(Count(), "how many heads", position=0, aliases=("num_heads", "n_heads", "nhead", "n_head"))
    causal: bool = option(
        Flag(),
        "step t sees the steps up to t only",
        default=False,
        aliases=("is_causal", "use_causal_mask"),
    )
    kv_heads: int | None = option(
        Count(),
        "heads of keys and values, each for heads / kv_heads heads of queries (none: as many as `heads`)",
        default=None,
        aliases=("num_kv_heads", "num_key_value_heads", "n_kv_heads", "num_query_groups"),
    )
    head_size: int | None = option(
        Count(),
        "how many numbers a query and a key have (none: features // heads)",
        default=None,
        aliases=("head_dim", "key_dim", "d_k"),
    )
    out: int | None = option(
        Count(),
        "how many features come out (none: those of the first input)",
        default=None,
        aliases=("out_features", "output_dim", "units"),
    )
    dropout: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop a weight of the mean while training",
        default=0.0,
        aliases=("dropout_rate", "attention_dropout", "attn_dropout", "rate", "p"),
    )
    rope: bool | float = option(
        Either((Flag(), Number(1, open_low=True))),
        "turn queries and keys by their positions, as `rope` does; a number is the base (true: 10000)",
        default=False,
        aliases=("rotary", "rope_theta", "use_rope"),
    )
    bias: bool = option(
        Flag(), "add a trainable vector in each projection", default=True, aliases=("use_bias", "qkv_bias")
    )
    init: Init | None = option(
        OneWord("init"),
        "how the kernels begin (none: `lecun_normal`)",
        default=None,
        aliases=("kernel_initializer", "kernel_init"),
    )
    bias_init: Init | None = option(
        BiasInit(), "how the biases begin (none: `zeros`)", default=None, aliases=("bias_initializer",)
    )
    frozen: bool = option(
        Flag(), "keep the weights as they begin: they are not trained", default=False, aliases=("trainable",)
    )
    l1: float = option(Number(0), "L1 penalty on the four kernels: l1 * sum(|w|) is added to the loss", default=0.0)
    l2: float = option(Number(0), "L2 penalty on the four kernels: l2 * sum(w * w) is added to the loss", default=0.0)
    dtype: str | None = dtype_option()

    def implied_defaults(self) -> dict[str, str]:
        return {"kv_heads": str(self.heads), "init": "lecun_normal", "bias_init": "zeros"}

    def infer(self, x: Shape, memory: Shape | None = None) -> Shape:
        for index, shape in enumerate((x,) if memory is None else (x, memory)):
            check_rank(self, shape, (2,), _make_a_sequence(shape), input=index)
            known(self, shape.channels, shape, "the features")
        self._check_heads(x)
        return x.with_channels(self.out or x.channels)

    def _check_heads(self, x: Shape) -> None:
        """The heads divide the features, `kv_heads` the heads, and rotary positions find pairs.

        Raises:
            Unplaced: they do not.
        """
        features = known(self, x.channels, x)
        if self.head_size is None and features % self.heads:
            advice = _nearest(self.heads, features, "heads")
            if self.heads < features:
                advice += f", or say how long a head is: head_size = {features // self.heads}"
            raise Unplaced(
                HeadsDoNotDivide,
                option="heads",
                count=self.heads,
                what="heads",
                total=features,
                of="features",
                advice=advice,
            )
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise Unplaced(
                HeadsDoNotDivide,
                option="kv_heads",
                count=self.kv_heads,
                what="heads of keys and values",
                total=self.heads,
                of="heads",
                advice=_nearest(self.kv_heads, self.heads, "kv_heads"),
            )
        size = self._head_size(x)
        if self.rope is not False and size % 2:
            advice = f"say how long a head is: head_size = {size + 1}"
            raise Unplaced(OddRotation, option="rope", what="each head has", count=size, advice=advice)

    def _head_size(self, x: Shape) -> int:
        return self.head_size or known(self, x.channels, x) // self.heads

    def _kernels(self, x: Shape, memory: Shape | None) -> dict[str, tuple[int, int]]:
        """The inputs and outputs of each projection."""
        size = self._head_size(x)
        features = known(self, x.channels, x)
        source = features if memory is None else known(self, memory.channels, memory)
        width, kv_width = self.heads * size, (self.kv_heads or self.heads) * size
        return {
            "query": (features, width),
            "key": (source, kv_width),
            "value": (source, kv_width),
            "out": (width, self.out or features),
        }

    def parameters(self, x: Shape, memory: Shape | None = None) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for name, kernel in self._kernels(x, memory).items():
            found[f"{name}.kernel"] = kernel
            if self.bias:
                found[f"{name}.bias"] = kernel[1:]
        return found

    def macs(self, output: Shape, x: Shape, memory: Shape | None = None) -> Size:
        steps, others = x.sizes[0], (memory or x).sizes[0]
        lengths = {"query": steps, "key": others, "value": others, "out": steps}
        total: Size = 0
        for name, (inputs, outputs) in self._kernels(x, memory).items():
            total = total + lengths[name] * (inputs * outputs)
        return total

    def module(self, x: Shape, memory: Shape | None = None) -> PythonCall:
        features = known(self, x.channels, x)
        source = features if memory is None else known(self, memory.channels, memory)
        more: dict[str, Code] = {
            "kv_features": None if source == features else source,
            "kv_heads": self.kv_heads,
            "head_size": self.head_size,
            "out_features": self.out,
            "causal": self.causal or None,
            "rope": ROPE_BASE if self.rope is True else self.rope or None,
            "dropout": self.dropout or None,
            "use_bias": None if self.bias else False,
            "kernel_init": None if self.init is None else self.init.code(),
            "bias_init": self.bias_init.code() if self.bias and self.bias_init is not None else None,
        }
        given = {name: value for name, value in more.items() if value is not None}
        return call("nn.Attention", features, self.heads, **given, **precision(self.dtype))

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        assert module is not None
        return PythonCall(module.text, tensors, (("mask", mask),))


def _nearest(count: int, total: int, name: str) -> str:
    """The divisors of `total` next to `count`, as advice."""
    divisors = [n for n in range(1, total + 1) if total % n == 0]
    near = [*[n for n in divisors if n < count][-1:], *[n for n in divisors if n > count][:1]]
    return "use " + " or ".join(f"{name} = {n}" for n in near)


def _make_a_sequence(shape: Shape) -> str:
    """How to make a sequence of something else."""
    if shape.rank < 2:
        return "it wants steps x features: `reshape` makes a sequence of a vector"
    if not shape.is_known:
        return "make a sequence of its places with `reshape`, which needs numbers in the `input` line"
    *space, channels = shape.sizes
    steps = 1
    for size in space:
        steps *= size if isinstance(size, int) else 1
    return f"make a sequence of its places first: `reshape({steps}x{channels})`"
