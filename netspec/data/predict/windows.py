"""Rows of series for `netspec predict`: the last window of each, or all of them, and the times that are forecast.

Input: a `TableFile` with the columns of the training. Output: `RawInputs`, with a `Forecast` for each example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.errors.prediction import cannot_predict
from netspec.data.errors.series import ForecastOfKnown, NoWindow, SeriesLeftOut
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.predict.rows import Forecast, RawInputs
from netspec.data.sources.series.cut import longest_stretch, window_begins
from netspec.data.sources.series.features import features_of
from netspec.data.sources.series.rows import SeriesRows, order_rows
from netspec.data.transforms.encoders import RowEncoder, WindowEncoder, unseen_categories
from netspec.data.transforms.times import times_after
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.files.paths import exists

MAX_NAMED = 5
"""How many series a warning names."""


def open_series(text: str, encoder: WindowEncoder) -> TableFile:
    """The table in a file.

    Raises:
        CompileError: the text is not the name of a table.
        Unplaced: it cannot be read.
    """
    file = Path(text)
    if not exists(file) or file.suffix.lower() not in (".csv", ".tsv", ".txt", ".parquet", ".pq"):
        names = ", ".join(columns_of(encoder))
        reason = "no such file" if not exists(file) else "not a table"
        raise cannot_predict(f"`{text}`", reason, f"give a table (.csv or .parquet) with the columns {names}")
    if file.suffix.lower() in (".parquet", ".pq"):
        return parquet_file(file, str(file))
    return CsvFile(file, str(file), encoder.rows.form)


def columns_of(encoder: WindowEncoder) -> list[str]:
    """The columns that a table for a forecast needs."""
    columns = [column.name for part in (encoder.rows, encoder.known) if part is not None for column in part.columns]
    return [*dict.fromkeys(name for name in (encoder.time, encoder.group, *columns) if name is not None)]


def read_windows(file: TableFile, encoder: WindowEncoder, raw_names: Mapping[str, str], *, every: bool) -> RawInputs:
    """The windows that forecasts are made from.

    Args:
        file: the table.
        encoder: that of the run.
        raw_names: the names that the encoder gives to the inputs of the network.
        every: all windows, not only the last of each series.

    Raises:
        Unplaced: a column is missing or wrong, or no series has enough rows.
    """
    table = read_table(file, _wanted(encoder))
    rows = order_rows(table, encoder.time, encoder.group, date_format=encoder.format, interval=encoder.interval)
    features = features_of(encoder, table, rows)
    ahead = encoder.ahead if encoder.known is not None else 0
    nothing = np.zeros(len(table), bool)
    bad_ahead = features.is_bad_ahead if ahead else nothing
    begins = window_begins(rows.segment, features.is_bad, bad_ahead, encoder.past, ahead, 1)
    warnings: list[Diagnostic] = [*_unseen(encoder, table)]
    if not every:
        begins, left_out = _last_of_each(rows, begins, encoder.past + ahead)
        if left_out and len(begins):
            shown = ", ".join(f"`{name}`" for name in left_out[:MAX_NAMED])
            more = f" and {len(left_out) - MAX_NAMED} more" if len(left_out) > MAX_NAMED else ""
            warnings.append(SeriesLeftOut(names=shown + more, needed=encoder.past + ahead))
    if not len(begins):
        longest = longest_stretch(rows.segment, features.is_bad)
        lacks = partial(Unplaced, NoWindow, file=table.file, needed=encoder.past + ahead, longest=longest)
        if ahead:
            raise lacks(case="known", past=encoder.past, ahead=ahead, known=_known_text(encoder))
        raise lacks(case="prediction")
    if ahead and not every and (target := _known_target(encoder, table, rows, begins)) is not None:
        known = _known_text(encoder)
        warnings.append(ForecastOfKnown(file=table.file, ahead=ahead, target=target, known=known))
    found = {name: read_all(part) for name, part in features.windows(encoder, begins).items()}
    forecasts = [_forecast(encoder, rows, int(begin)) for begin in begins]
    names = [_name(forecast, int(rows.line[begin + encoder.past - 1])) for forecast, begin in
             zip(forecasts, begins, strict=True)]  # fmt: skip
    arrays = {name: found[raw] for name, raw in raw_names.items()}
    return RawInputs(arrays, names, warnings, forecasts=forecasts)


def _wanted(encoder: WindowEncoder) -> Wanted:
    parts = [encoder.rows, *([encoder.known] if encoder.known is not None else [])]
    columns = {column.name: column for part in parts for column in part.columns}
    others = [name for name in (encoder.time, encoder.group) if name is not None and name not in columns]
    every = encoder.rows.replace(columns=tuple(columns.values()))
    return every.wanted(may_miss=True).replace(targets=tuple(others), on_missing=())


def _known_text(encoder: WindowEncoder) -> str:
    """The columns of which a forecast needs the values ahead, as a sentence names them."""
    columns = [] if encoder.known is None else [column.name for column in encoder.known.columns]
    names = [*dict.fromkeys(name for name in (encoder.time, encoder.group, *columns) if name is not None)]
    return ", ".join(f"`{name}`" for name in names)


def _known_target(encoder: WindowEncoder, table: Table, rows: SeriesRows, begins: Array) -> str | None:
    """A target whose values are in the table for all rows that the windows forecast; None where they are not, or where
    the table is read without it."""
    ahead = rows.place[(begins + encoder.past)[:, None] + np.arange(encoder.ahead)]
    numbers = {table.layout.header[position]: index for index, position in enumerate(table.layout.numbers)}
    for name in encoder.targets:
        if name in numbers and not np.isnan(table.numbers[:, numbers[name]][ahead]).any():
            return name
    return None


def _unseen(encoder: WindowEncoder, table: Table) -> Sequence[Diagnostic]:
    """A warning for each category that did not occur in training."""
    names = [f"{table.file} row {row}" for row in table.rows]
    parts: list[RowEncoder] = [encoder.rows, *([encoder.known] if encoder.known is not None else [])]
    seen: dict[tuple[str, str], Diagnostic] = {}
    for part in parts:
        seen |= {(w.code, w.message): w for w in unseen_categories(part, table, names)}
    return [*seen.values()]


def _last_of_each(rows: SeriesRows, begins: Array, length: int) -> tuple[Array, list[str]]:
    """The window at the end of each series, and the names of the series that have none."""
    found, left_out = [], []
    ends = {int(begin) + length - 1: int(begin) for begin in begins}
    for number, name in enumerate(rows.names):
        last = int(np.flatnonzero(rows.series == number)[-1])
        if last in ends:
            found.append(ends[last])
        else:
            left_out.append(name or "the series")
    return np.array(found, np.int64), left_out


def _forecast(encoder: WindowEncoder, rows: SeriesRows, begin: int) -> Forecast:
    """The series, the last time that is known, and the times that are predicted."""
    last = begin + encoder.past - 1
    series = rows.names[int(rows.series[last])] if encoder.group is not None else None
    if rows.times is None:
        steps = tuple(f"+{step}" for step in range(1, encoder.ahead + 1)) or ("+0",)
        return Forecast(series, None, steps, encoder.targets)
    (since,) = rows.time_texts(rows.times[last : last + 1])
    if encoder.ahead == 0:
        return Forecast(series, since, (since,), encoder.targets)
    assert rows.format is not None
    times = times_after(float(rows.times[last]), encoder.ahead, rows.interval or 1.0, rows.format)
    if encoder.known is not None:
        times = rows.times[last + 1 : last + 1 + encoder.ahead]
    return Forecast(series, since, tuple(rows.time_texts(times)), encoder.targets)


def _name(forecast: Forecast, line: int) -> str:
    """What an example is called: `north after 2024-06-28 23:00`."""
    since = f"row {line}" if forecast.since is None else forecast.since
    return f"{forecast.series} after {since}" if forecast.series is not None else f"after {since}"
