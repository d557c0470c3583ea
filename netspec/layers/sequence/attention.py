"""Attention."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, Either, Flag, Number
from netspec.language.shape import Shape, Size
from netspec.language.word import option
from netspec.layers.base import WithKernels, check_rank, dropout_option, known, layer, weight_arguments
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call, given
from netspec.layers.errors.shapes import HeadsDoNotDivide, OddRotation
from netspec.layers.sequence.steps import make_a_sequence

ROPE_BASE = 10000.0
"""The default base of rotary positions (Su et al. 2021)."""


@layer("attention")
class Attention(WithKernels):
    """Multi-head scaled dot-product attention.

    With one input it is self-attention; with two, `(x | memory)`, queries come from x, keys and values from memory.
    Padded steps of the last input are masked; a step that may attend to nothing gets zeros before the output
    projection.

    Shape: T x C -> T x C; T x C | S x M -> T x C
    Parameters: 4 * (C * C + C); with q = heads * head_size and k = kv_heads * head_size given,
        (C * q + q) + 2 * (M * k + k) + (q * out + out)
    Formula: softmax(Q K^T / sqrt(head_size)) V for each head; the heads are concatenated and projected
    Example: attention(4)
    Reference: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245.
    """

    aliases = (
        *("MultiHeadAttention", "SelfAttention", "CrossAttention", "MultiHeadDotProductAttention"),
        *("GroupedQueryAttention", "mha"),
    )

    input_count = (1, 2)
    reads_mask = -1

    heads: int = option(Count(), "the number of heads", position=0, aliases=("num_heads", "n_heads", "nhead", "n_head"))
    causal: bool = option(
        Flag(), "step t attends only to steps up to t", default=False, aliases=("is_causal", "use_causal_mask")
    )
    kv_heads: int | None = option(
        Count(),
        "the number of heads of keys and values, each shared by heads / kv_heads query heads (none: `heads`)",
        default=None,
        aliases=("num_kv_heads", "num_key_value_heads", "n_kv_heads", "num_query_groups"),
    )
    head_size: int | None = option(
        Count(),
        "the size of each head (none: features // heads)",
        default=None,
        aliases=("head_dim", "key_dim", "d_k"),
    )
    out: int | None = option(
        Count(),
        "the number of output features (none: those of the first input)",
        default=None,
        aliases=("out_features", "output_dim", "units"),
    )
    dropout: float = dropout_option(
        "the probability of dropping an attention weight during training",
        default=0.0,
        aliases=("dropout_rate", "attention_dropout", "attn_dropout", "rate", "p"),
    )
    rope: bool | float = option(
        Either((Flag(), Number(1, open_low=True))),
        "rotate queries and keys by their positions, as `rope` does; a number is the base (true: 10000)",
        default=False,
        aliases=("rotary", "rope_theta", "use_rope"),
    )

    def implied_defaults(self) -> dict[str, str]:
        return {**super().implied_defaults(), "kv_heads": str(self.heads)}

    def infer(self, x: Shape, memory: Shape | None = None) -> Shape:
        for index, shape in enumerate((x,) if memory is None else (x, memory)):
            check_rank(self, shape, (2,), make_a_sequence(shape), input=index)
            known(self, shape.channels, shape, "a fixed number of features")
        self._check_heads(x)
        return x.with_channels(self.out or x.channels)

    def _check_heads(self, x: Shape) -> None:
        """Whether the heads divide the features, `kv_heads` the heads, and rotary positions can form pairs.

        Raises:
            Unplaced: they do not.
        """
        features = known(self, x.channels, x)
        if self.head_size is None and features % self.heads:
            advice = _nearest(self.heads, features, "heads")
            if self.heads < features:
                advice += f", or set the size of a head: head_size = {features // self.heads}"
            raise _not_divided("heads", self.heads, "heads", features, "features", advice)
        if self.kv_heads is not None and self.heads % self.kv_heads:
            advice = _nearest(self.kv_heads, self.heads, "kv_heads")
            raise _not_divided("kv_heads", self.kv_heads, "heads of keys and values", self.heads, "heads", advice)
        size = self._head_size(x)
        if self.rope is not False and size % 2:
            advice = f"set the size of a head: head_size = {size + 1}"
            raise Unplaced(OddRotation, option="rope", what="each head has", count=size, advice=advice)

    def _head_size(self, x: Shape) -> int:
        return self.head_size or known(self, x.channels, x) // self.heads

    def _kernels(self, x: Shape, memory: Shape | None) -> dict[str, tuple[int, int]]:
        """The input and output features of each projection."""
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
        weights: dict[str, tuple[int, ...]] = {}
        for name, kernel in self._kernels(x, memory).items():
            weights[f"{name}.kernel"] = kernel
            if self.bias:
                weights[f"{name}.bias"] = kernel[1:]
        return weights

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
        arguments = given(
            kv_features=None if source == features else source,
            kv_heads=self.kv_heads,
            head_size=self.head_size,
            out_features=self.out,
            causal=self.causal or None,
            rope=ROPE_BASE if self.rope is True else self.rope or None,
            dropout=self.dropout or None,
            **weight_arguments(self),
        )
        return call("nn.Attention", features, self.heads, **arguments)

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        assert module is not None
        return PythonCall(module.text, tensors, (("mask", mask),))


def _not_divided(option: str, count: int, what: str, total: int, of: str, advice: str) -> Unplaced:
    return Unplaced(HeadsDoNotDivide, option=option, count=count, what=what, total=total, of=of, advice=advice)


def _nearest(count: int, total: int, name: str) -> str:
    """The divisors of `total` nearest to `count`, as advice."""
    divisors = [n for n in range(1, total + 1) if total % n == 0]
    near = [*[n for n in divisors if n < count][-1:], *[n for n in divisors if n > count][:1]]
    return "use " + " or ".join(f"{name} = {n}" for n in near)
