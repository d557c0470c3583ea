"""Forecasts over series: curves of targets and forecasts, and errors by step ahead, by series and over time,
beside those of forecasts that need no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.analysis.quality.numbers.forecasts import NETWORK, Forecasts
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.order import Timeline
from netspec.data.transforms.encoders import WindowEncoder
from netspec.data.transforms.times import NUMBERS
from netspec.display.charts.axes import Axis, axis_of, tight_axis
from netspec.display.charts.dates import date_axis
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.page.elements import Cell, heading, paragraph, side_by_side, table_html
from netspec.display.text import name_text, number_text, plural

MAX_TARGETS = 4
"""Targets with charts of their own."""
MAX_ROWS = 160
"""Rows of a chart of what was forecast: more cannot be told apart."""
MAX_PAST = 48
"""Rows before a single window."""
MAX_STEPS, MAX_SERIES, MAX_BINS = 12, 10, 40


def forecasts_html(of: Evaluated, outcome: Outcome) -> str:
    """Charts and tables of the forecasts of each target; nothing where the examples are not windows over series, or
    classes are predicted."""
    order = of.examples.order(of.index)
    encoder = of.splits.dataset.encoder
    if order is None or outcome.kind not in ("numbers", "arrays") or not isinstance(encoder, WindowEncoder):
        return ""
    baselines = {name: values[of.index] for name, values in of.splits.baselines.get(of.split, {}).items()}
    found = [*Forecasts.of(order, of.index, outcome.expected, outcome.predicted, baselines)]
    parts = []
    for one in found[:MAX_TARGETS]:
        title = heading(name_text(one.target)) if len(found) > 1 else ""
        parts.append(title + _of_target(of, one, is_ahead=encoder.ahead > 0))
    if len(found) > MAX_TARGETS:
        parts.append(paragraph(f"The other {plural(len(found) - MAX_TARGETS, 'target')} have no charts.", "muted"))
    return "".join(parts)


def _of_target(of: Evaluated, one: Forecasts, *, is_ahead: bool) -> str:
    charts, tables = [], ""
    if one.steps > 1:
        charts.append(_steps_svg(one))
        tables += _steps_table(one)
    charts.append(_over_time_svg(one))
    series = one.by_series()
    curves = []
    if len(series) > 1:
        names, several = [*series], f" of {len(series):,} series"
        worst, median = names[0], names[len(names) // 2]
        curves = [_curves_svg(f"Worst{several}: {name_text(worst)}", series[worst])]
        if median != worst:
            curves.append(_curves_svg(f"Median{several}: {name_text(median)}", series[median]))
        tables = _series_table(one, series) + tables
    else:
        curves = [_curves_svg("Forecast and target", one)]
    if one.steps > 1:
        ranked = one.ranked()
        chosen = {"Worst": ranked[0], "Median": ranked[len(ranked) // 2]}
        curves += [_window_svg(of, title, one.take(np.array([window]))) for title, window in chosen.items()]
    text = _about(one, is_ahead=is_ahead)
    return paragraph(text) + side_by_side([*curves, *charts]) + tables


def _about(one: Forecasts, *, is_ahead: bool) -> str:
    """The errors in a sentence, and how far they are below those of the best forecast without a network."""
    mae = one.mae()
    own, others = mae[NETWORK], {name: value for name, value in mae.items() if name != NETWORK}
    text = f"The mean absolute error of {name_text(one.target)} is {number_text(own)}"
    if not others:
        return text + "." if is_ahead else f"{text}, in the last row of each window."
    best = min(others, key=lambda name: others[name])
    text += f"; that of the forecast “{best}”, which needs no network, is {number_text(others[best])}"
    if others[best] > 0:
        change = 100 * (own / others[best] - 1)
        text += f": the network is {abs(change):.0f}% {'better' if change < 0 else 'worse'}"
    return f"{text}."


# ---------------------------------------------------------------- curves


def _curves_svg(title: str, one: Forecasts) -> str:
    """The last windows of a series whose forecasts follow each other."""
    shown = one.take(one.chained(MAX_ROWS))
    times = shown.times()
    xs = times.reshape(-1)
    true = _with_gaps(xs, shown.expected.reshape(-1))
    guess = _with_gaps(xs, shown.made[NETWORK].reshape(-1)) if one.steps == 1 else _pieces(times, shown.made[NETWORK])
    count, total = len(xs), int(np.unique(one.order.target[:, None] + np.arange(one.steps)).size)
    some = f"the last {count:,} of {total:,} rows" if count < total else f"all {plural(count, 'row')}"
    mae = number_text(one.mae()[NETWORK])
    lines = [_line("target", true, None), _line("forecast", guess, 0)]
    summary = f"{some.capitalize()} that are forecast; mean absolute error {mae}."
    return _plane(title, one, lines, summary, note=some)


def _window_svg(of: Evaluated, title: str, one: Forecasts) -> str:
    """A single window: the rows before it, its targets, and all forecasts."""
    timeline, first = one.order.timeline, int(one.order.target[0])
    begin = max(int(one.order.begin[0]), first - max(2 * one.steps, MAX_PAST))
    column = timeline.targets.index(one.target)
    past = timeline.at[begin:first], timeline.values[begin:first, column]
    at = one.times()[0]
    true = np.concatenate([past[0], at]), np.concatenate([past[1], one.expected[0]])
    lines = [_line("target", true, None)]
    for number, (name, values) in enumerate(one.made.items()):
        label = "forecast" if name == NETWORK else name
        lines.append(_line(label, (at, values[0]), number, is_dashed=number > 0))
    name = of.examples.name(int(one.examples[0]))
    mae = number_text(one.mae()[NETWORK])
    return _plane(f"{title} window: error {mae}", one, lines, f"{name}.", note=name)


def _line(name: str, points: Sequence[Array], color: int | None, *, is_dashed: bool = False) -> Series:
    xs, ys = (np.asarray(part, np.float64).tolist() for part in points)
    return Series(name, xs, ys, color=color, is_dashed=is_dashed, weight="thin" if is_dashed else "")


def _pieces(xs: Array, ys: Array) -> tuple[Array, Array]:
    """A line that begins anew with each window."""
    end = np.full((len(xs), 1), np.nan)
    return np.hstack([xs, end]).reshape(-1), np.hstack([ys, end]).reshape(-1)


def _with_gaps(xs: Array, ys: Array) -> tuple[Array, Array]:
    """A line that is interrupted where rows are missing: where the distance is far from the usual one."""
    steps = np.diff(xs)
    breaks = np.flatnonzero(steps > 1.5 * np.median(steps)) + 1 if len(steps) else np.zeros(0, np.int64)
    return np.insert(xs, breaks, np.nan), np.insert(ys, breaks, np.nan)


def _plane(title: str, one: Forecasts, lines: Sequence[Series], summary: str, *, note: str = "") -> str:
    """A chart over time; the heights that it shows are those of all lines."""
    known = [x for line in lines for x in line.xs if np.isfinite(x)]
    across, name = _time_axis(one.order.timeline, known)
    up = tight_axis(y for line in lines for y in line.ys)
    return plane_svg(
        Plane(title, f"{name}; {note}" if note else name, name_text(one.target), lines, summary, across, up)
    )


def _time_axis(timeline: Timeline, values: Sequence[float]) -> tuple[Axis, str]:
    """The axis of times, and its name."""
    if timeline.format in (None, NUMBERS):
        return tight_axis(values), name_text(timeline.name)
    axis, years = date_axis(min(values), max(values))
    return axis, f"{name_text(timeline.name)} {years}".strip()


# ---------------------------------------------------------------- errors


def _errors_svg(title: str, x_name: str, xs: Iterable[float], errors: Mapping[str, Array], across: Axis | None) -> str:
    """Mean absolute errors as lines: the network, and what needs none."""
    at = [*xs]
    lines = [
        _line(name, (np.array(at), values), number, is_dashed=number > 0)
        for number, (name, values) in enumerate(errors.items())
    ]
    up = axis_of([0.0, *(y for line in lines for y in line.ys)])
    ends = "; ".join(f"{line.name}: {number_text(line.ys[0])} to {number_text(line.ys[-1])}" for line in lines)
    return plane_svg(Plane(title, x_name, "mean absolute error", lines, f"{ends}.", across, up))


def _steps_svg(one: Forecasts) -> str:
    steps = range(1, one.steps + 1)
    return _errors_svg("Error by step ahead", "steps ahead", steps, one.by_step(), tight_axis(steps))


def _over_time_svg(one: Forecasts) -> str:
    middle, errors = one.over_time(MAX_BINS)
    across, name = _time_axis(one.order.timeline, middle.tolist())
    return _errors_svg("Error over time", name, middle.tolist(), errors, across)


def _steps_table(one: Forecasts) -> str:
    errors = one.by_step()
    chosen = np.unique(np.linspace(0, one.steps - 1, min(one.steps, MAX_STEPS)).round().astype(int)).tolist()
    rows = [[str(step + 1), *_cells(values[step] for values in errors.values())] for step in chosen]
    return table_html("Mean absolute error by step ahead", ["steps ahead", *errors], rows)


def _series_table(one: Forecasts, series: Mapping[str, Forecasts]) -> str:
    """The series with the largest errors."""
    rows: list[list[str | Cell]] = []
    for name, part in [*series.items()][:MAX_SERIES]:
        rows.append([name_text(name), f"{len(part.examples):,}", *_cells(part.mae().values())])
    some = f"{MAX_SERIES} of {len(series):,} series" if len(series) > MAX_SERIES else f"All {len(series)} series"
    caption = f"Mean absolute error by series: {some}, the largest error of the network first"
    return table_html(caption, ["series", "windows", *one.made], rows)


def _cells(values: Iterable[float]) -> list[str | Cell]:
    """Numbers of which the smallest is marked."""
    found = [float(value) for value in values]
    is_clear = len({*found}) > 1
    return [Cell(number_text(value), is_best=is_clear and value == min(found)) for value in found]
