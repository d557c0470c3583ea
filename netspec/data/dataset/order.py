"""Windows over series in the order of time: which rows they hold, and when these are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import np


def portion_count(portion: float, examples: int) -> int:
    """A fraction, or a whole number of examples, as a number of examples."""
    return portion if isinstance(portion, int) else int(portion * examples + 0.5)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The rows of series in the order of time, one series after the other.

    `at` has the time of each row, in seconds from 1970 or as plain numbers, or without a column of times its row in the
    file; `name` is what that is called, and `format` how times are written (None: they are rows). `values` are the
    targets of each row, rows x targets, NaN where one is missing; `targets` are their names, and `names` those of the
    series.
    """

    at: Array
    name: str
    format: str | None
    values: Array
    targets: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Order:
    """The rows of a table that the windows over its series hold: arrays with a number for each window.

    Rows are numbered in the order of time, one series after the other. `series` is the number of the series, `begin`
    the first row of the inputs, `target` the first row of the targets, and `end` the last row of a window. `timeline`
    says what the rows are. `is_ahead` says that the targets come after the inputs; otherwise each window has a label.
    """

    series: Array
    begin: Array
    target: Array
    end: Array
    timeline: Timeline
    is_ahead: bool = True

    def take(self, windows: Array) -> Order:
        """Some of the windows."""
        return replace(
            self,
            series=self.series[windows],
            begin=self.begin[windows],
            target=self.target[windows],
            end=self.end[windows],
        )

    @property
    def unseen(self) -> Array:
        """The first row of each window that no window of the training may hold, when it is held out.

        Of a forecast that is its first target: what was before is known at the time. Windows with a label each are
        examples of their own, of which no row is shared."""
        return self.target if self.is_ahead else self.begin

    def ends(self, rest: Array, portion: float) -> tuple[Array, Array]:
        """The last windows of each series among `rest`, and those before them that hold none of their `unseen` rows."""
        held, left = [], []
        for number in np.unique(self.series[rest]):
            mine = rest[self.series[rest] == number]
            count = min(portion_count(portion, len(mine)), len(mine))
            ending, before = mine[len(mine) - count :], mine[: len(mine) - count]
            held.append(ending)
            left.append(before[self.end[before] < self.unseen[ending].min()] if count else before)
        return np.concatenate(held), np.concatenate(left)

    def leaks(self, train: Array, held: Array) -> Array:
        """The windows among `train` that hold a row which is an `unseen` one of `held`."""
        rows = int(max(self.end.max(), 0)) + 2
        covered = np.zeros(rows, np.int64)
        np.add.at(covered, self.unseen[held], 1)
        np.add.at(covered, self.end[held] + 1, -1)
        is_target = np.cumsum(np.cumsum(covered) > 0)
        before = np.concatenate([[0], is_target])
        count = before[self.end[train] + 1] - before[self.begin[train]]
        leaking: Array = train[count > 0]
        return leaking
