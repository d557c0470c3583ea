"""The column that is predicted: which one is recommended, and what it is.

Input: the columns of a table. Output: `TargetColumn`, or why it cannot be predicted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

from netspec.data.formats.tables.cells import MISSING, UNKNOWN_NAME
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.language.diagnostics import CompileError, fail
from netspec.language.lazy import np
from netspec.starter.errors import TargetUnfit

LIKE_TARGET = re.compile(
    r"(?i)(.*[_\W])?(target|label|labels|class|y|outcome|output|price|churn|survived|species|default|sales|score|"
    r"quality|grade|result|diagnosis|response|sentiment|income|category|type)"
)
"""Names of columns that are often predicted."""

MIN_ROWS = 10
"""With fewer rows nothing can be held out to measure by."""

MAX_INTEGER_CLASSES = 12
"""Whole numbers with at most this many different values are classes."""

RARE, UNEVEN = 0.1, 0.5
"""A class needs weights below the fraction `RARE` of an equal part of the rows, and other metrics below `UNEVEN`."""

SKEWED = 2.0
"""The skewness from which on numbers have a long tail."""


@dataclass(frozen=True)
class TargetColumn:
    """What is predicted: classes with their counts, or numbers. `task` is as the data source says it; `missing` counts
    the rows without a target, `marks` are words for that which a data source has to be told."""

    name: str
    task: str
    counts: dict[str, int]
    rows: int
    missing: int = 0
    is_skewed: bool = False
    low: float = 0.0
    high: float = 0.0
    is_whole: bool = False
    marks: tuple[str, ...] = ()

    @property
    def is_classes(self) -> bool:
        return self.task == "classes"

    def is_missing(self, cell: str) -> bool:
        """Whether a cell of the target has no value."""
        return cell.lower() in (MISSING if self.is_whole or not self.is_classes else UNKNOWN_NAME)

    @property
    def rarest(self) -> float:
        """How often the rarest class occurs, compared with equally frequent classes."""
        return min(self.counts.values()) * len(self.counts) / sum(self.counts.values())

    @property
    def has_rare(self) -> bool:
        return self.is_classes and self.rarest < RARE

    @property
    def is_uneven(self) -> bool:
        return self.is_classes and self.rarest < UNEVEN


def target_column(file: str, name: str, cells: Sequence[str], form: CsvFormat) -> TargetColumn:
    """What a target is.

    Raises:
        CompileError: nothing can be learned from it (NS662).
    """
    unfit = partial(_unfit, file, name)
    present = [cell for cell in cells if cell.lower() not in MISSING]
    values = {cell: form.number(cell) for cell in {*present}}
    is_number = bool(present) and all(value is not None and isfinite(value) for value in values.values())
    if not is_number:
        present = [cell for cell in cells if cell.lower() not in UNKNOWN_NAME]
    counts, missing = Counter(present), len(cells) - len(present)
    if not present:
        raise unfit("it is empty")
    if len(present) < MIN_ROWS:
        raise unfit(f"only {len(present)} rows have a value, and {MIN_ROWS} are needed to train and to measure")
    if len({values[cell] for cell in counts} if is_number else counts) == 1:
        raise unfit(f"every row has the same value, {present[0][:40]}")
    marks = tuple(sorted({cell for cell in cells if cell.lower() in MISSING - UNKNOWN_NAME})) if is_number else ()
    if is_number:
        numbers = np.array([values[cell] for cell in present], np.float64)
        is_whole = all(cell.replace(form.thousands, "").lstrip("+-").isdigit() for cell in counts)
        distinct = len({*numbers.tolist()})
        is_classes = is_whole and (distinct == 2 or (distinct <= MAX_INTEGER_CLASSES and 5 * distinct <= len(present)))
        if not is_classes:
            skewed = _skewness(numbers) > SKEWED and numbers.min() >= 0
            low, high = float(numbers.min()), float(numbers.max())
            return TargetColumn(name, "numbers", {}, len(present), missing, skewed, low, high, is_whole, marks)
    elif len(counts) > max(20, len(present) / 10):
        raise unfit(f"it has {len(counts):,} different texts in {len(present):,} rows, too many for classes")
    ordered = dict(sorted(counts.items(), key=lambda pair: -pair[1]))
    has_numbers = all(value is not None for value in values.values())  # infinite ones may be among them
    return TargetColumn(name, "classes", ordered, len(present), missing, is_whole=has_numbers, marks=marks)


def recommend(columns: dict[str, Sequence[str]], form: CsvFormat) -> str:
    """The column that is most likely the one to predict: by its name, else the last, else the first that can be."""
    fits = [name for name, cells in columns.items() if _fits(name, cells, form)]
    named = [name for name in fits if LIKE_TARGET.fullmatch(name)]
    return (named or fits[-1:] or list(columns)[-1:])[-1]


def _fits(name: str, cells: Sequence[str], form: CsvFormat) -> bool:
    try:
        target_column("", name, cells, form)
    except CompileError:
        return False
    return True


def _unfit(file: str, name: str, reason: str) -> CompileError:
    return fail(TargetUnfit(file=file, target=name, reason=reason))


def _skewness(numbers: object) -> float:
    """The third moment of standardized numbers."""
    values = np.asarray(numbers, np.float64)
    deviation = values - values.mean()
    spread = float(values.std())
    return float((deviation**3).mean() / spread**3) if spread > 0 else 0.0
