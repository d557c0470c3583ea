"""By what examples are divided into folds: their classes, groups or times.

Input: a `Dataset` and the settings of `data`. Output: `Division`, with a value for each training example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.folds import FoldsUnfit, MissingClasses
from netspec.data.settings import DataSettings, folds_of, stratum
from netspec.data.splits.folds import ByTime, Folds, Grouped, Stratified, fold_numbers
from netspec.data.transforms.dates import detect_formats, parse_dates
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True, eq=False)
class Division:
    """How examples are divided, with the class, the group or the time of each training example (None: none)."""

    folds: Folds
    values: Array | None

    def numbers(self, rng: Generator, rest: Array) -> Array:
        """The fold of each of the examples `rest`, from 1; 0 for those that are never held out."""
        return fold_numbers(self.folds, rng, None if self.values is None else self.values[rest], len(rest))

    def hold_out(self, rng: Generator, rest: Array, count: int) -> Array | None:
        """About `count` of `rest` for the test or the validation: whole groups, or the last ones; None where any may
        be drawn."""
        if isinstance(self.folds, ByTime):
            order = rest if self.values is None else rest[np.argsort(self.values[rest], kind="stable")]
            last: Array = order[-count:]
            return last
        if not isinstance(self.folds, Grouped):
            return None
        assert self.values is not None
        groups, members, sizes = np.unique(self.values[rest], return_inverse=True, return_counts=True)
        drawn = rng.permutation(len(groups))
        before = np.cumsum(sizes[drawn]) - sizes[drawn]
        held: Array = rest[np.isin(members.reshape(-1), drawn[before < count])]
        return held


def find_division(dataset: Dataset, settings: DataSettings) -> Division | None:
    """How the examples of a data set are divided; None without folds.

    Raises:
        Unplaced: they cannot be divided in this way.
    """
    if settings.folds is None:
        return None
    folds = folds_of(settings, dataset.facts)
    unfit = partial(Unplaced, FoldsUnfit, option="folds", folds=folds.count, source=dataset.name)
    if dataset.gap is not None and not isinstance(folds, ByTime):
        raise unfit(case="consecutive")
    if isinstance(folds, Stratified):
        target = stratum(dataset.facts)
        if target is None:
            raise unfit(case="classes")
        return Division(folds, in_memory(dataset.train.targets[target]).reshape(-1))
    if folds.column is not None and dataset.divided_by is None:
        raise unfit(case="columns", column=folds.column)
    if isinstance(folds, Grouped):
        if dataset.divided_by is None:
            raise unfit(case="groups")
        return Division(folds, _groups(dataset, folds, dataset.divided_by))
    if isinstance(folds, ByTime) and dataset.divided_by is not None and folds.column is not None:
        return Division(folds, _times(dataset, folds, dataset.divided_by))
    return Division(folds, None)


def _groups(dataset: Dataset, folds: Folds, values: Sequence[Any]) -> Array:
    """The number of the group of each example."""
    _check_given(dataset, folds, values)
    numbers: Array = np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)
    return numbers


def _times(dataset: Dataset, folds: Folds, cells: Sequence[str]) -> Array:
    """Times as numbers that are in their order: of dates the seconds from 1970."""
    _check_given(dataset, folds, cells)
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        formats = detect_formats(cells)
    if len(formats) != 1:
        wrong = next((cell for cell in cells if len(detect_formats([cell])) == 0), cells[0])
        raise Unplaced(FoldsUnfit, option="folds", folds=folds.count, column=folds.column, cell=wrong[:40], case="time")
    return parse_dates(cells, formats[0])


def _check_given(dataset: Dataset, folds: Folds, values: Sequence[Any]) -> None:
    missing = next((row for row, value in enumerate(values) if value is None or value == "" or value != value), None)
    if missing is not None:
        column, where = folds.column or "groups", dataset.where(missing)
        raise Unplaced(FoldsUnfit, option="folds", folds=folds.count, column=column, where=where, case="missing")


def check_classes(dataset: Dataset, settings: DataSettings, train_index: Array) -> list[Unplaced]:
    """Warnings about classes that some folds have no example of, or that are not trained on."""
    target = stratum(dataset.facts)
    if not settings.held_out_fold or settings.folds is None or target is None:
        return []
    folds, known = folds_of(settings, dataset.facts), dataset.facts.targets[target]
    labels = in_memory(dataset.train.targets[target]).reshape(-1).astype(np.int64)
    sizes, trained = np.bincount(labels), np.unique(labels[train_index])

    def shown(ids: Array) -> str:
        return ", ".join(f"`{known.names[i] if known.names is not None else i}`" for i in ids[:5].tolist())

    found = partial(Unplaced, MissingClasses, option="folds", folds=folds.count)
    rare = np.flatnonzero((sizes > 0) & (sizes < folds.count))
    warnings = [found(classes=shown(rare))] if isinstance(folds, Stratified) and len(rare) else []
    untrained = np.setdiff1d(np.flatnonzero(sizes), trained)
    if len(untrained):
        warnings.append(found(classes=shown(untrained), fold=settings.held_out_fold, case="training"))
    return warnings
