"""How many examples are held out, by fractions or numbers.

Comes in: the settings `test` and `val`. Goes out: counts, the same for who splits and for who must know beforehand.
"""

from __future__ import annotations

from netspec.language.record import Frozen

DEFAULT_TEST = 0.2
"""The part that is held out for the test when a source has no test split and `test` is not written."""


class HoldOut(Frozen):
    """What is held out: fractions below 1, or whole numbers of examples. `test` is None when it is not written."""

    test: float | None = None
    val: float = 0

    def test_portion(self, examples: int) -> float:
        """`test`, or what holds where it is not written: of small data one example, rather than none of them."""
        if self.test is not None:
            return self.test
        return DEFAULT_TEST if examples * DEFAULT_TEST >= 0.5 or examples < 2 else 1

    def left(self, examples: int, gap: int = 0) -> int:
        """How many examples are left to train on, where `gap` of them are left out before each part that is held out;
        at least one, as splitting tells of the rest."""
        for portion in (self.test_portion(examples), self.val):
            held = portion_count(portion, examples)
            examples -= held + (gap if held else 0)
        return max(examples, 1)


def portion_count(portion: float, examples: int) -> int:
    """A fraction, or a whole number of examples, as a number of examples."""
    return portion if isinstance(portion, int) else int(portion * examples + 0.5)
