"""The families of layers that are computed otherwise than Flax does where that is faster.

The choices themselves are in `netspec.nn`; this is what a spec may say about them, without JAX.
"""

from __future__ import annotations

from dataclasses import dataclass

from netspec.language.values import Symbol, to_source
from netspec.language.word import Kind, Mismatch

FAMILIES = {
    "convolution": "what a convolution reads, and the gradient to it, computed once",
    "depthwise": "a depthwise convolution as a sum of shifted products",
    "groups": "a grouped convolution as several convolutions",
    "batchnorm": "the gradient of batch normalization by hand",
    "max_pool": "a max pool as the largest of strided slices",
    "dropout": "dropout with fewer random bits",
    "dense": "a dense layer of every step of a sequence as one product of matrices",
    "attention": "the gradient of attention by hand",
    "recurrent": "the gradient of an LSTM by hand",
    "steps": "several short steps in one program",
}
"""By name what is done."""

FAST: tuple[str, ...] = tuple(FAMILIES)
REFERENCE: tuple[str, ...] = ()
"""Every choice, and none."""


@dataclass(frozen=True)
class Choice:
    """How something is computed: `what` (`3x3 convolution, 16 -> 32 channels`), `how`, and the reason; the family that
    it is of, and how many such layers there are."""

    what: str
    how: str
    why: str
    family: str = ""
    count: int = 1


class LoweringKind(Kind):
    """`fast`, `reference`, or a list of the families that are computed the fast way."""

    def accept(self, value: object) -> tuple[str, ...]:
        if isinstance(value, Symbol) and value.name in self.names:
            return FAST if value.name == "fast" else REFERENCE
        names = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(name, str) and name in FAMILIES for name in names):
            raise Mismatch(self.describe(), value)
        return tuple(name for name in FAST if name in names)

    def describe(self) -> str:
        return f"`fast`, `reference`, or a list of {', '.join(FAMILIES)}, each in quotes"

    def to_source(self, value: object) -> str:
        assert isinstance(value, tuple)
        if value in (FAST, REFERENCE):
            return "fast" if value == FAST else "reference"
        return to_source(list(value))

    @property
    def names(self) -> tuple[str, ...]:
        return ("fast", "reference")
