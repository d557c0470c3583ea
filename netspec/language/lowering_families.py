"""The families of layers that are lowered to something faster than what Flax computes.

The choices themselves are in `netspec.nn`; this is what a spec may say about them, without JAX.
"""

from __future__ import annotations

from dataclasses import dataclass

from netspec.language.values import Symbol, to_source
from netspec.language.word import Kind, Mismatch

FAMILIES = {
    "convolution": "the input of a convolution and its gradient, computed once",
    "depthwise": "a depthwise convolution as a sum of shifted products",
    "groups": "a grouped convolution as several convolutions",
    "batchnorm": "a custom gradient of batch normalization",
    "max_pool": "max pooling as the maximum of strided slices",
    "dropout": "dropout with fewer random bits",
    "dense": "a dense layer over a sequence as one matrix product",
    "attention": "a custom gradient of attention",
    "recurrent": "a custom gradient of the LSTM",
    "steps": "several short steps in one program",
}
"""What each family does."""

FAST: tuple[str, ...] = tuple(FAMILIES)
REFERENCE: tuple[str, ...] = ()
"""All families, and none."""


@dataclass(frozen=True)
class Choice:
    """How something is computed: `what` (`3x3 convolution, 16 -> 32 channels`), `how`, and the reason; its family, and
    the number of such layers."""

    what: str
    how: str
    why: str
    family: str = ""
    count: int = 1


class LoweringKind(Kind):
    """`fast`, `reference`, or a list of the families that are computed the fast way."""

    phrase = f"`fast`, `reference`, or a list of {', '.join(FAMILIES)}, each in quotes"
    names = ("fast", "reference")

    def accept(self, value: object) -> tuple[str, ...]:
        if isinstance(value, Symbol) and value.name in self.names:
            return FAST if value.name == "fast" else REFERENCE
        names = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(name, str) and name in FAMILIES for name in names):
            raise Mismatch(self.describe(), value)
        return tuple(name for name in FAST if name in names)

    def to_source(self, value: object) -> str:
        assert isinstance(value, tuple)
        if value in (FAST, REFERENCE):
            return "fast" if value == FAST else "reference"
        return to_source(list(value))
