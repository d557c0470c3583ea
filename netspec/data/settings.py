"""The section `data { … }`: where examples come from and how they are divided.

Comes in: checked values. Goes out: `DataSettings`, which `split.py` follows, and what can be said about them without
loading anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from netspec.data import sources  # noqa: F401  # fills the vocabulary
from netspec.data.base import Facts, Source
from netspec.data.errors import NoEffect
from netspec.diagnostics import Diagnostic
from netspec.kinds import Choice, Count, Flag, Kind, Mismatch, OneWord
from netspec.source import Span
from netspec.values import Word
from netspec.vocabulary import option, register

DEFAULT_TEST = 0.2
"""The part that is held out for the test when a source has no test split and `test` is not written."""


class Portion(Kind):
    """A part of the examples: a fraction below 1, or a whole number of examples; 0 is none."""

    def accept(self, value: object) -> int | float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and value == 0:
            return 0
        if isinstance(value, int) and is_number and value > 0:
            return value
        if isinstance(value, float) and 0 < value < 1:
            return value
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return "a fraction below 1 such as 10%, or a whole number of examples"


@register("section", "data")
class DataSettings(Word):
    """Where the examples come from and how they are divided. Every key has a default; only `source` is needed to train.

    Nothing is held out for validation unless `val` says so: `stop = early(val_loss)` needs it.

    Example: data {
                 source    = digits
                 val       = 10%
                 normalize = standard
             }
    """

    category: ClassVar[str] = "section"

    source: Source | None = option(OneWord("source"), "where the examples come from", default=None)
    val: int | float = option(
        Portion(),
        "held out of the training examples for validation, as a fraction or a number; 0: none",
        default=0,
        elsewhere=("validation", "validation_split", "valid"),
    )
    test: int | float | None = option(
        Portion(), "held out for the test, if the source has no test split (none: 20%); 0: no test", default=None
    )
    seed: int = option(Count(0), "which examples are held out; the same seed holds out the same ones", default=0)
    normalize: str = option(
        Choice(("none", "standard")),
        "`standard`: subtract the mean of the training part and divide by its deviation, by feature or channel",
        default="none",
    )
    stratify: bool | None = option(
        Flag(), "hold out the same share of every class (none: wherever there is one target with classes)", default=None
    )
    shuffle: bool = option(Flag(), "a new order of the training examples in every epoch", default=True)
    limit: int | None = option(
        Count(), "train on this many examples only, drawn with the seed (none: all)", default=None
    )


def check_settings(settings: DataSettings, facts: Facts, spans: Mapping[str, Span] | None = None) -> list[Diagnostic]:
    """Warnings for settings that change nothing for these data; `spans` are those of the values by key."""
    found: list[Diagnostic] = []

    def warn(key: str, reason: str, advice: str) -> None:
        found.append(NoEffect(span=(spans or {}).get(key), option=key, reason=reason, advice=advice))

    if settings.test is not None and facts.has_test:
        warn("test", "the source has a test split of its own", "remove it; the test uses the split of the source")
    if settings.stratify and stratum(facts) is None:
        warn("stratify", "the data have no single target with one class for each example", "remove it")
    elif settings.stratify and not settings.val and (facts.has_test or settings.test == 0 or facts.is_complete):
        warn("stratify", "nothing is held out of the training examples", "remove it, or set `val = 10%`")
    if settings.limit is not None and facts.examples is not None and settings.limit >= facts.examples:
        warn("limit", f"there are {facts.examples} examples in all", "remove it, or lower it")
    return found


def stratum(facts: Facts) -> str | None:
    """The target whose classes a split keeps in proportion: the only one with one class or 0/1 for each example."""
    names = [name for name, t in facts.targets.items() if t.kind in ("class", "binary") and t.size == 1]
    return names[0] if len(names) == 1 else None
