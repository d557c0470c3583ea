"""Shapes of one example and the arithmetic of sizes.

A shape never has the batch in it and has its channels last; its rank says what it is: `C` a vector, `T x C` a sequence,
`H x W x C` an image, `D x H x W x C` a volume. Token ids have a shape without channels and a `vocabulary`. A size is an
int, or a `Dim`: a polynomial over named sizes, kept in a normal form so that equal formulas compare equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from netspec.language.record import Frozen

Monomial = tuple[str, ...]
"""Atoms multiplied with each other, sorted; the empty one stands for the constant."""


class Dim(Frozen):
    """A size that is not known before the program runs: a sum of monomials with integer coefficients.

    An atom is a name (`H`) or a floor division in its printed form (`((H + 1)//2)`).
    """

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def named(name: str) -> Dim:
        return Dim((((name,), 1),))

    def __add__(self, other: Size) -> Size:
        return _collect([*self.terms, *_terms(other)])

    __radd__ = __add__

    def __neg__(self) -> Size:
        return _collect((m, -c) for m, c in self.terms)

    def __sub__(self, other: Size) -> Size:
        return self + (-other)

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        return _collect((tuple(sorted(a + b)), c * d) for a, c in self.terms for b, d in _terms(other))

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        """Floor division by a positive whole number; whole multiples come out of it, so (H - 2)//2 + 1 is H//2."""
        if isinstance(other, Dim):
            return Dim((((f"({self})//({other})",), 1),))
        if other == 1:
            return self
        whole = [(m, c // other) for m, c in self.terms if c // other]
        rest = _collect((m, c % other) for m, c in self.terms)
        if isinstance(rest, int):
            return _collect([*whole, ((), rest // other)])
        return _collect([*whole, ((_floor_atom(rest, other),), 1)])

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        out = ""
        for monomial, coefficient in sorted(self.terms, key=lambda t: (not t[0], t[0])):
            sign = " - " if coefficient < 0 else " + "
            factors = [str(abs(coefficient))] if abs(coefficient) != 1 or not monomial else []
            factors.extend(a if a.isidentifier() else f"({a})" for a in monomial)
            body = "*".join(factors)
            out = f"{out}{sign}{body}" if out else ("-" if coefficient < 0 else "") + body
        if len(self.terms) == 1 and len(self.terms[0][0]) == 1 and abs(self.terms[0][1]) == 1:
            return out.replace("(", "", 1)[:-1] if out.startswith("(") else out
        return out


Size: TypeAlias = int | Dim


def _floor_atom(dividend: Dim, divisor: int) -> str:
    """The atom for dividend//divisor; (a//b)//c is written a//(b*c)."""
    if len(dividend.terms) == 1:
        ((monomial, coefficient),) = dividend.terms
        if coefficient == 1 and len(monomial) == 1 and "//" in monomial[0]:
            inner, _, last = monomial[0].rpartition("//")
            if last.isdigit():
                return f"{inner}//{int(last) * divisor}"
    text = str(dividend)
    return f"{text}//{divisor}" if text.isidentifier() else f"({text})//{divisor}"


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return size.terms if isinstance(size, Dim) else (((), size),)


def _collect(terms: Iterable[tuple[Monomial, int]]) -> Size:
    total: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, 0) + coefficient
    kept = tuple(sorted((m, c) for m, c in total.items() if c))
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Dim(kept)


class Shape(Frozen):
    """The shape of one example: `sizes` with channels last; `vocabulary` is set for integer ids below it."""

    sizes: tuple[Size, ...]
    vocabulary: Size | None = None

    def __str__(self) -> str:
        text = "x".join(str(s) if isinstance(s, int) or str(s).isidentifier() else f"({s})" for s in self.sizes)
        if self.vocabulary is not None:
            return f"{text} tokens({self.vocabulary})".strip()
        return text or "scalar"

    @property
    def rank(self) -> int:
        return len(self.sizes)

    @property
    def is_tokens(self) -> bool:
        return self.vocabulary is not None

    @property
    def without_tokens(self) -> Shape:
        """The same sizes, for numbers."""
        return Shape(self.sizes)

    @property
    def channels(self) -> Size:
        """The last size."""
        return self.sizes[-1]

    @property
    def space(self) -> tuple[Size, ...]:
        """The sizes that windows slide over: all but the channels."""
        return self.sizes[:-1]

    @property
    def is_known(self) -> bool:
        return all(isinstance(s, int) for s in self.sizes)

    @property
    def count(self) -> Size:
        """Numbers in one example."""
        return product(self.sizes)

    @property
    def kind(self) -> str:
        """What a tensor of this rank is called."""
        if self.is_tokens:
            return {0: "a token id", 1: "a sequence of token ids"}.get(self.rank, "token ids")
        names = {0: "a number", 1: "a vector", 2: "a sequence", 3: "an image", 4: "a volume"}
        return names.get(self.rank, f"a tensor of rank {self.rank}")

    def with_channels(self, channels: Size) -> Shape:
        return Shape((*self.space, channels))

    def attribute(self, name: str) -> Size | None:
        """The size of that name, as in `input.channels`, or None when this rank has no such size."""
        if self.is_tokens:
            return {"vocabulary": self.vocabulary, "length": self.sizes[0] if self.rank == 1 else None}.get(name)
        sizes = self.sizes
        names = {1: (), 2: ("length",), 3: ("height", "width"), 4: ("depth", "height", "width")}.get(self.rank, ())
        known: dict[str, Size] = {"rank": self.rank, **dict(zip(names, sizes, strict=False))}
        if sizes:
            known["features"] = known["channels"] = sizes[-1]
        return known.get(name)


ATTRIBUTES = ("channels", "features", "height", "width", "depth", "length", "rank", "vocabulary")
"""The attributes of a tensor."""


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied; 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def window(size: Size, kernel: int, stride: int, dilation: int, pad: str | int, ceil: bool = False) -> Size:
    """The number of positions of a sliding window along one axis.

    `same` is XLA's rule, ceil(n / s); a number p pads both sides: floor((n + 2p - k) / s) + 1, where k is the kernel
    with its holes, (kernel - 1) * dilation + 1. With `ceil` the division is rounded up, and a window that would start
    after the input and its left padding is left out (the rule of Caffe and PyTorch).
    """
    if pad == "same":
        return (size + (stride - 1)) // stride
    margin = 0 if pad == "valid" else int(pad)
    reach = (kernel - 1) * dilation + 1
    padded = size + (2 * margin - reach)
    if not ceil:
        return padded // stride + 1
    positions = (padded + (stride - 1)) // stride + 1
    if isinstance(positions, int) and isinstance(size, int) and (positions - 1) * stride >= size + margin:
        return positions - 1
    return positions
