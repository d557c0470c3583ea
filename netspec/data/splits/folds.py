"""The words of the setting `folds`, and how examples are divided into the parts of a cross-validation.

Input: the number of examples, their classes, groups or times. Output: the fold of each example. NumPy is imported when
examples are divided, never when this module is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.folds import CannotFold
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count
from netspec.language.lazy import np
from netspec.language.values import Symbol
from netspec.language.vocabulary import Declares
from netspec.language.word import Kind, Mismatch, Word, option

if TYPE_CHECKING:
    from numpy.random import Generator

MAX_FOLDS = 10_000

folds_word = Declares("folds")


class ColumnName(Kind):
    """The name of a column of a table: a string, or a bare word."""

    def accept(self, value: object) -> str:
        if isinstance(value, Symbol):
            return value.name
        if not isinstance(value, str) or not value:
            raise Mismatch(self.describe(), value)
        return value

    def describe(self) -> str:
        return 'the name of a column, such as "patient"'

    def takes_name(self, name: str) -> bool:
        return True


class Folds(Word):
    """Base of the ways to divide examples into folds."""

    category: ClassVar[str] = "folds"

    count: int = option(Count(2, MAX_FOLDS), "the number of folds", position=0)

    @property
    def column(self) -> str | None:
        """The column by which examples are divided."""
        return None


@folds_word("stratified")
class Stratified(Folds):
    """Every fold has the same fraction of every class, up to one example. The default if there is one target with
    classes.

    Example: data { folds = stratified(5) }
    Reference: `StratifiedKFold` of scikit-learn
    """


@folds_word("plain")
class Plain(Folds):
    """A random division into parts whose sizes differ by at most one. The default if there are no classes.

    Example: data { folds = plain(5) }
    Reference: `KFold` of scikit-learn, with `shuffle = True`
    """


@folds_word("grouped")
class Grouped(Folds):
    """All examples of a group, such as a patient, are in the same fold.

    The groups are given to the folds from the largest to the smallest, each to the smallest fold so far. The column is
    not a feature unless `columns` of the table names it. The examples that `test` and `val` hold out are whole groups,
    too. For arrays, `netspec.cross_validate` takes `groups` in the place of `by`.

    Example: data { source = csv("scans.csv", target = "finding")  # one setting a line
                    folds = grouped(5, by = patient) }
    Reference: `GroupKFold` of scikit-learn
    """

    by: str | None = option(ColumnName(), "the column with the group of each example", default=None, position=1)

    @property
    def column(self) -> str | None:
        return self.by


@folds_word("by_time")
class ByTime(Folds):
    """Every fold is evaluated on examples that came after those it was trained on.

    There is one part more than there are folds: the first is never held out, and each of the others is held out after
    training on all before it. The examples that `test` and `val` hold out are the last ones.

    Example: data { folds = by_time(5) }
    Reference: `TimeSeriesSplit` of scikit-learn
    """

    by: str | None = option(
        ColumnName(),
        "the column with the time of each example: numbers, or dates (none: the examples are in order)",
        default=None,
        position=1,
    )

    @property
    def column(self) -> str | None:
        return self.by


class FoldsKind(Kind):
    """A number of folds, or a word that says how examples are divided."""

    def accept(self, value: object) -> int | Folds:
        word = value.as_word("folds") if hasattr(value, "as_word") else value
        if isinstance(word, Folds):
            return word
        try:
            return Count(2, MAX_FOLDS).accept(value)
        except Mismatch as wrong:
            raise Mismatch(self.describe(), value, wrong.unknown) from None

    def describe(self) -> str:
        return "a number of folds such as 5, or `stratified(5)`, `plain(5)`, `grouped(5, by = patient)`, `by_time(5)`"

    @property
    def category(self) -> str | None:
        return "folds"


def folds_word_of(setting: int | Folds, *, has_classes: bool) -> Folds:
    """The word that a setting means: of a number that for classes, if there are any."""
    if isinstance(setting, Folds):
        return setting
    return Stratified(count=setting) if has_classes else Plain(count=setting)


def fold_count(setting: int | Folds) -> int:
    return setting.count if isinstance(setting, Folds) else setting


def time_fold_size(examples: int, folds: int) -> int:
    """How many examples each fold by time has."""
    return examples // (folds + 1)


def time_fold_start(examples: int, folds: int, fold: int) -> int:
    """The position of the first example of a fold (from 1) by time."""
    return examples - (folds - fold + 1) * time_fold_size(examples, folds)


# ---------------------------------------------------------------- dividing


def fold_numbers(folds: Folds, rng: Generator, values: Array | None, examples: int) -> Array:
    """The fold of each example, from 1; 0 for those that are never held out.

    Args:
        folds: how to divide.
        rng: draws what is random.
        values: the class (`stratified`), the group (`grouped`) or the time (`by_time`, None: in order) of each example.
        examples: how many there are.

    Raises:
        Unplaced: there are too few examples, or groups.
    """
    units = len(np.unique(values)) if isinstance(folds, Grouped) and values is not None else examples
    least = folds.count + 1 if isinstance(folds, ByTime) else folds.count
    if units < least:
        what = "groups" if isinstance(folds, Grouped) else "examples"
        most = units - (least - folds.count)
        case = "few" if most < 2 else ""
        raise Unplaced(CannotFold, option="folds", folds=folds.count, found=units, what=what, most=most, case=case)
    if isinstance(folds, ByTime):
        numbers = np.zeros(examples, np.int64)
        order = np.arange(examples) if values is None else np.argsort(values, kind="stable")
        first = time_fold_start(examples, folds.count, 1)
        numbers[order[first:]] = 1 + np.arange(examples - first) // time_fold_size(examples, folds.count)
        return numbers
    if isinstance(folds, Grouped) and values is not None:
        return _group_folds(values, folds.count)
    if isinstance(folds, Stratified) and values is not None:
        return _class_folds(rng, values, folds.count)
    numbers = np.empty(examples, np.int64)
    numbers[rng.permutation(examples)] = 1 + np.arange(examples) % folds.count
    return numbers


def _group_folds(groups: Array, count: int) -> Array:
    """Largest groups first, each to the fold with the fewest examples."""
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    held, fold_of = np.zeros(count, np.int64), np.empty(len(sizes), np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        fold_of[group] = held.argmin()
        held[fold_of[group]] += sizes[group]
    numbers: Array = 1 + fold_of[members.reshape(-1)]
    return numbers


def _class_folds(rng: Generator, classes: Array, count: int) -> Array:
    """How many of each class a fold has follows from dealing out the sorted examples; which ones is drawn."""
    _, members = np.unique(classes, return_inverse=True)
    dealt, numbers = np.sort(members), np.empty(len(members), np.int64)
    for one in range(int(dealt[-1]) + 1):
        sizes = [int((dealt[fold::count] == one).sum()) for fold in range(count)]
        numbers[members == one] = rng.permutation(np.repeat(np.arange(1, count + 1), sizes))
    return numbers
