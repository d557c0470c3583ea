"""Windows over the series of a table: from the last rows to those that follow them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, source
from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.dataset.options import Names
from netspec.data.dataset.order import Order, Timeline
from netspec.data.dataset.precision import narrowed
from netspec.data.errors.series import KnownOfNoRow, Leak, NoWindow
from netspec.data.errors.sources import NoTarget
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.tables.table import Table
from netspec.data.sources.series.cut import (
    WindowRows,
    baseline_forecasts,
    fill_forward,
    longest_stretch,
    window_begins,
)
from netspec.data.sources.series.features import Features, features_of
from netspec.data.sources.series.rows import SeriesRows, order_rows
from netspec.data.sources.series.tables import COLUMN, SeriesSource, SeriesTargets, read_targets
from netspec.data.sources.tables.encoding import scales
from netspec.data.transforms.columns import names_in_metrics
from netspec.data.transforms.encoders import CodedBy, Encoder, WindowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count
from netspec.language.lazy import np
from netspec.language.word import option


@source("windows")
class Windows(SeriesSource):
    """Windows over the rows of a table in the order of time: from `past` rows the next `ahead` are predicted.

    With `ahead = 0` the target is that of the last row of a window, such as an activity.

    An example has the shape past x features, its target ahead x targets. A file may hold several series, which `group`
    tells apart: no window reaches from one to the other, nor over a gap in the times. The test and validation splits
    are the ends of the series, `test = last(10%)`, and the windows before them that overlap their targets are left out;
    with `ahead = 0` those that share any row with them. `folds = grouped(5, by = "…")` with the column of `group` holds
    out whole series.
    The last value before a window, and with `season` the value a season before, are forecasts to compare with.

    Example: data { source = windows("load.csv", past = 24, inputs = ["load", "degrees"], targets = "load")
                    test   = last(10%)
                    val    = last(20%) }
    Reference: Hyndman and Athanasopoulos 2021, Forecasting: principles and practice, 3rd edition, section 5.2.
    """

    aliases = ("timeseries_dataset_from_array", "TimeSeriesDataSet", "sliding_windows")
    stream_above: ClassVar[int | None] = 64 << 20

    past: int = option(
        Count(), "the rows of an input", aliases=("sequence_length", "window", "input_length", "lookback")
    )
    ahead: int = option(
        Count(0), "the rows that are predicted; 0: the last row of the input", default=1, aliases=("horizon",)
    )
    step: int = option(
        Count(), "how many rows after a window the next one begins", default=1, aliases=("stride", "sequence_stride")
    )
    targets: tuple[str, ...] = option(
        Names(), "the columns to predict; numbers, or one column of classes", default=(), aliases=("target", "y")
    )
    known: tuple[str, ...] = option(
        Names(),
        "columns that are known in advance, such as the time or a holiday: an input with those of the rows ahead",
        default=(),
        aliases=("future", "time_varying_known_reals"),
    )
    group: str | None = option(
        COLUMN, "the column that tells series apart (none: there is one)", default=None, aliases=("series", "group_ids")
    )
    season: int | None = option(
        Count(),
        "rows of a season, such as 24 of hours, for the seasonal naive forecast (none: no season)",
        default=None,
    )
    gaps: str = option(
        Choice(("skip", "error")), "gaps in the times: leave out windows across them, or an error", default="skip"
    )

    def as_of_run(self, encoder: Encoder | None) -> Source:
        return self.replace(coded_by=CodedBy(encoder)) if isinstance(encoder, WindowEncoder) else self

    def facts(self, folder: Path) -> Facts:
        return self._cut(folder, self.file).facts(has_test=self.test is not None)

    def load(self, folder: Path) -> Dataset:
        return self._dataset(folder, streamed=False)

    def stream(self, folder: Path) -> Dataset | None:
        return self._dataset(folder, streamed=True)

    def remarks(self, folder: Path) -> list[Unplaced]:
        files = [self.file, *([self.test] if self.test is not None else [])]
        cuts = [self._cut(folder, file) for file in files]
        found = [cut.rows.gap_problem(windows=cut.left_out_by_gaps(self.step)) for cut in cuts]
        return [problem for problem in found if problem is not None]

    def _dataset(self, folder: Path, *, streamed: bool) -> Dataset:
        cut = self._cut(folder, self.file)
        test = self._cut(folder, self.test) if self.test is not None else None
        if test is not None:
            _check_later(cut, test)
        encoder = cut.encoder
        return Dataset(
            cut.table.file,
            cut.facts(has_test=test is not None),
            cut.arrays(streamed=streamed),
            test.arrays(streamed=streamed) if test is not None else None,
            noun="window from row",
            rows=cut.first_lines,
            test_name=test.table.file if test is not None else None,
            test_rows=test.first_lines if test is not None else None,
            encoder=encoder,
            scales=encoder.by_input(scales),
            order=cut.order(self.time),
            test_order=test.order(self.time) if test is not None else None,
            baselines=cut.baselines(self.season),
            divided_by=cut.series if self.group is not None else None,
            test_baselines=test.baselines(self.season) if test is not None else {},
        )

    def _cut(self, folder: Path, file: str) -> Cut:
        """The windows over a file; that of the training is read first, since it says how others are encoded, and what
        their targets are."""
        path = folder / file
        if file == self.file:
            return _cut(self, folder, file, file_stamp(path), None, None)
        first = self._cut(folder, self.file)
        return _cut(self, folder, file, file_stamp(path), CodedBy(first.encoder), first.targets.of_row)

    def columns_of(self) -> tuple[list[str], list[str]]:
        """The columns that are features, and the others that are read: targets, time and group."""
        features = [*dict.fromkeys((*self.inputs, *self.known))]
        others = [name for name in (*self.targets, self.time, self.group) if name is not None and name not in features]
        return features, [*dict.fromkeys(others)]

    def check(self) -> None:
        """Raises Unplaced when the options do not go together."""
        if not self.targets:
            raise Unplaced(NoTarget, option="targets", source=self.word, case="windows")
        if self.known and not self.ahead:
            raise Unplaced(KnownOfNoRow, option="known", column=self.known[0])
        for name in self.targets:
            role = "known" if name in self.known else "inputs" if name in self.inputs and not self.ahead else ""
            if role:
                raise Unplaced(Leak, option=role, case="column", column=name, role=role)


@lru_cache(maxsize=4)
def _cut(
    windows: Windows, folder: Path, file: str, stamp: FileStamp, coded_by: CodedBy | None, known: Target | None
) -> Cut:
    """The windows over a file, cached from its check to its training as long as the file has the same stamp."""
    windows.check()
    features, others = windows.columns_of()
    if not windows.inputs:
        raise Unplaced(NoTarget, option="inputs", source=windows.word, case="inputs")
    table = windows.read(folder, file, features, others)
    coding = coded_by or windows.coded_by
    of_run = coding.encoder if coding is not None and isinstance(coding.encoder, WindowEncoder) else None
    rows = order_rows(
        table,
        windows.time,
        windows.group,
        date_format=of_run.format if of_run is not None else windows.date_format(),
        interval=of_run.interval if of_run is not None else None,
    )
    if windows.gaps == "error" and (problem := rows.gap_problem()) is not None:
        raise problem
    encoder = of_run if of_run is not None else _make_encoder(windows, table, rows, folder)
    said = windows.said(features, others)
    targets = read_targets(table, rows, windows.targets, said, forecasts=windows.ahead > 0, known=known)
    is_open = windows.missing == "previous" and targets.of_row.names is None
    is_missing = targets.is_missing
    if is_open:  # a forecast is never measured against a number that was filled in
        targets = SeriesTargets(fill_forward(targets.values, rows.segment), targets.of_row, is_missing)
    found = features_of(encoder, table, rows)
    bad_ahead = is_missing | found.is_bad_ahead
    begins = window_begins(rows.segment, found.is_bad, bad_ahead, windows.past, windows.ahead, windows.step)
    if not len(begins):
        longest = longest_stretch(rows.segment, found.is_bad | bad_ahead)
        needed = windows.past + windows.ahead
        raise Unplaced(NoWindow, option="past", file=table.file, needed=needed, longest=longest)
    return Cut(table, rows, encoder, found, targets, begins, windows.targets)


def _make_encoder(windows: Windows, table: Table, rows: SeriesRows, folder: Path) -> WindowEncoder:
    features, others = windows.columns_of()
    every = windows.encoder(table, features, others, (folder / windows.file).parent)
    by_name = {column.name: column for column in every.columns}
    past, known = (
        every.replace(columns=tuple(by_name[name] for name in names)) for names in (windows.inputs, windows.known)
    )
    return WindowEncoder(
        past,
        windows.past,
        windows.ahead,
        windows.targets,
        known if windows.known else None,
        windows.time,
        rows.format,
        rows.interval,
        windows.group,
        windows.missing,
    )


@dataclass(frozen=True, eq=False)
class Cut:
    """A table cut into windows, which begin at the rows `begins` in the order of time."""

    table: Table
    rows: SeriesRows
    encoder: WindowEncoder
    features: Features
    targets: SeriesTargets
    begins: Array
    names: tuple[str, ...]

    @property
    def first_lines(self) -> list[int]:
        """The lines of the file in which the windows begin."""
        lines: list[int] = self.rows.line[self.begins].tolist()
        return lines

    @property
    def series(self) -> list[str]:
        """The name of the series of each window."""
        return [self.rows.names[number] for number in self.rows.series[self.begins].tolist()]

    def facts(self, *, has_test: bool) -> Facts:
        """What the windows are."""
        return Facts(
            self.encoder.shapes(),
            {"output": self._target()},
            len(self.begins),
            has_test=has_test,
            in_time=True,
            group=self.encoder.group,
        )

    def _target(self) -> Target:
        of_row, ahead = self.targets.of_row, self.encoder.ahead
        if of_row.names is not None:
            return of_row.replace(size=max(1, ahead))
        columns: tuple[str, ...] = ()
        if len(self.names) > 1:
            steps = [f"_{step}" for step in range(1, ahead + 1)] if ahead > 1 else [""]
            columns = names_in_metrics([f"{name}{step}" for step in steps for name in self.names])
        return Target(of_row.kind, max(1, ahead) * len(self.names), columns=columns)

    def arrays(self, *, streamed: bool) -> Arrays:
        """The examples; `streamed` reads the inputs on demand."""
        windows = self.features.windows(self.encoder, self.begins)
        inputs = {name: part if streamed else read_all(part) for name, part in windows.items()}
        return Arrays(inputs, {"output": self._target_values()})

    def _target_values(self) -> Array:
        """Windows x steps x targets, or ids of classes."""
        encoder = self.encoder
        first, length = (self.begins + encoder.past, encoder.ahead) if encoder.ahead else (self.last, 1)
        values = read_all(WindowRows(self.targets.values, first, length))
        if self.targets.of_row.names is not None:
            return values.astype(np.int32)[:, 0] if length == 1 else values.astype(np.int32)
        return narrowed(values.reshape(len(values), -1))

    @property
    def last(self) -> Array:
        """The last row of the past of each window."""
        return self.begins + self.encoder.past - 1

    def order(self, time: str | None) -> Order:
        """Which rows the windows hold, and when these are by the column `time`."""
        rows, encoder, begins = self.rows, self.encoder, self.begins
        at = (rows.line, "row") if rows.times is None or time is None else (rows.times, time)
        values = self.targets.values if self.targets.of_row.names is None else self.targets.values[:, None]
        timeline = Timeline(*at, rows.format, values, self.names, rows.names)
        first_target = begins + encoder.past if encoder.ahead else self.last
        end = begins + encoder.past + encoder.ahead - 1
        return Order(rows.series[begins], begins, first_target, end, timeline, is_ahead=encoder.ahead > 0)

    def baselines(self, season: int | None) -> dict[str, Array]:
        """By name, forecasts without a network, in the form of the targets."""
        encoder = self.encoder
        if self.targets.of_row.names is not None:
            return {}
        found = baseline_forecasts(self.targets.values, self.rows, self.begins, encoder.past, encoder.ahead, season)
        return {name: values.reshape(len(values), -1) for name, values in found.items()}

    def left_out_by_gaps(self, step: int) -> int:
        """How many more windows there would be if no series had a gap."""
        length = self.encoder.past + self.encoder.ahead
        places = [np.unique(part, return_counts=True)[1] for part in (self.rows.series, self.rows.segment)]
        counts = [int(np.maximum(0, (part - length) // step + 1).sum()) for part in places]
        return counts[0] - counts[1]


def _check_later(train: Cut, test: Cut) -> None:
    """Raises Unplaced when a row of the training is a target of the test file, or without rows ahead in any of its
    windows: the same time of the same series."""
    if train.rows.times is None or test.rows.times is None:
        return
    encoder = test.encoder
    number = {name: index for index, name in enumerate(train.rows.names)}
    first, length = (test.begins + encoder.past, encoder.ahead) if encoder.ahead else (test.begins, encoder.past)
    targets = np.unique((first[:, None] + np.arange(length)).reshape(-1))
    series = np.array([number.get(name, -1) for name in test.rows.names])[test.rows.series[targets]]
    keys = {*zip(series.tolist(), test.rows.times[targets].tolist(), strict=True)}
    is_shared = np.array(
        [key in keys for key in zip(train.rows.series.tolist(), train.rows.times.tolist(), strict=True)]
    )
    shared = np.concatenate([[0], np.cumsum(is_shared)])
    spans = shared[train.begins + encoder.past + encoder.ahead] - shared[train.begins]
    leaking = np.flatnonzero(spans > 0)
    if len(leaking):
        row = train.first_lines[int(leaking[0])]
        where = f"the window from row {row} of {train.table.file}"
        case = "file" if encoder.ahead else "file of labels"
        raise Unplaced(Leak, option="test", case=case, part="test", count=len(leaking), first=where)
