"""The runs of a sweep (`netspec train --sweep`): their values, their metrics, and which one is the best.

Input: the folder of a sweep. Output: `SweepResult`. The folder holds the spec as every run folder does, `sweep.json`
with the values of each run, and the runs, `run-1`, `run-2`, …
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

from netspec.display.metric_text import best_value, metric_text, plain_metrics
from netspec.display.text import duration_text, each_reason, line_width, plural, table_lines
from netspec.language.diagnostics import Diagnostic
from netspec.language.files.paths import is_folder
from netspec.language.record import Frozen
from netspec.language.text import cells, wrap
from netspec.runs.catalog import look_at, main_metric
from netspec.storage.run_files import SWEEP
from netspec.storage.run_folder import read_run

MAX_METRICS = 4
"""Columns of metrics in a table."""

State = Literal["finished", "running", "interrupted", "failed", "waiting"]


class Combination(Frozen):
    """The values of a run of a sweep by the names that were given, and what they set in the spec."""

    values: dict[str, str]
    overrides: dict[str, str]


class Failure(Frozen):
    """Why a run of a sweep has no result; the code is empty for what is not an error of netspec, such as memory."""

    code: str
    reason: str


class SweepRecord(Frozen):
    """`sweep.json`: the runs with their values, the checksum of the examples, which runs have failed, and the best."""

    names: list[str]
    runs: list[int]
    combinations: list[Combination]
    data: str
    failed: dict[str, Failure] = {}
    best: int | None = None
    metric: str | None = None


class SweepRun(Frozen):
    """A run of a sweep. `values` are those that were given, by name, `overrides` what they set in the spec. A run that
    has failed has a `code` and a `reason`; one that is `waiting` has not begun."""

    number: int
    path: Path
    values: dict[str, str]
    overrides: dict[str, str]
    state: State
    metrics: dict[str, float] = {}
    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    code: str = ""
    reason: str = ""


class SweepResult(Frozen):
    """The result of a sweep.

    `run` is its folder, `names` are what it varies, and `runs` its runs in their order; each is a run folder for
    `netspec.load` and others. `metric` is what they are compared by: one on the validation split if there is one.
    `problems` are warnings, and expectations that a run does not meet. `signal` is set if one interrupted the sweep,
    which `netspec.sweep(resume=…)` continues.
    """

    run: Path
    names: tuple[str, ...]
    runs: tuple[SweepRun, ...]
    metric: str | None
    problems: tuple[Diagnostic, ...] = ()
    signal: str | None = None

    @property
    def best(self) -> SweepRun | None:
        """The finished run with the best value of `metric`, the first of several; None where no run is finished."""
        done = [one for one in self.runs if one.state == "finished" and self.metric in one.metrics]
        if self.metric is None or not done:
            return None
        best = best_value(self.metric, [one.metrics[self.metric] for one in done])
        return next((one for one in done if one.metrics[self.metric] == best), done[0])

    @property
    def table(self) -> dict[str, list[Any]]:
        """A column for each name and metric, with a row for each run, for `pandas.DataFrame(table)`; None where a run
        has no such value."""
        metrics = list(dict.fromkeys(name for one in self.runs for name in one.metrics))
        columns: dict[str, list[Any]] = {"number": [one.number for one in self.runs]}
        columns |= {name: [number_or_text(one.values.get(name)) for one in self.runs] for name in self.names}
        columns |= {name: [one.metrics.get(name) for one in self.runs] for name in metrics}
        others = ("state", "epochs", "seconds", "parameters", "reason")
        return columns | {name: [getattr(one, name) for one in self.runs] for name in others}

    def as_json(self) -> dict[str, Any]:
        best = self.best
        return {
            "event": "sweep" if self.signal is None else "interrupted",
            "run": str(self.run),
            "metric": self.metric,
            "best": best.number if best is not None else None,
            "runs": [run_json(one) for one in self.runs],
        }

    def __str__(self) -> str:
        return sweep_text(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def number_or_text(text: str | None) -> Any:
    """A value as Python has it: a number, a bool, or its text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    return text


def run_json(one: SweepRun) -> dict[str, Any]:
    """A run of a sweep for machines."""
    names = ("number", "state", "values", "metrics", "epochs", "seconds", "parameters")
    record = {name: getattr(one, name) for name in names}
    failure = {"code": one.code, "reason": one.reason} if one.reason else {}
    return {**record, "run": str(one.path), "set": one.overrides, **failure}


def read_sweep(path: Path) -> SweepResult:
    """The runs of a sweep as they are now.

    Raises:
        CompileError: the folder is damaged, or is not that of a sweep.
    """
    record = read_run(path).read(SWEEP, SweepRecord)
    runs = [
        _run(path / f"run-{number}", number, combination, record.failed.get(str(number)))
        for number, combination in zip(record.runs, record.combinations, strict=True)
    ]
    done = [look_at(one.path) for one in runs if one.state == "finished"]
    return SweepResult(path, tuple(record.names), tuple(runs), main_metric(done))


def _run(path: Path, number: int, combination: Combination, failure: Failure | None) -> SweepRun:
    made = SweepRun(number, path, combination.values, combination.overrides, "waiting")
    if is_folder(path):
        info = look_at(path)
        state: State = "failed" if info.state == "broken" else info.state
        sizes = {"epochs": info.epochs, "seconds": info.seconds, "parameters": info.parameters}
        code, colon, reason = info.reason.partition(": ")
        code, reason = (code, reason) if colon and code[:2] == "NS" else ("", info.reason)
        made = made.replace(state=state, metrics=dict(info.metrics), code=code, reason=reason, **sizes)
    if failure is not None and made.state != "finished":
        made = made.replace(state="failed", code=failure.code, reason=failure.reason)
    return made


# ---------------------------------------------------------------- as text


def sweep_rows(result: SweepResult, count: int = MAX_METRICS) -> list[list[str]]:
    """The headings, and a row for each run: its values, at most `count` metrics, those that matter most first, and its
    state. The best run has a star."""
    names = list(dict.fromkeys(name for one in result.runs for name in one.metrics))
    metrics = plain_metrics(names)
    order = [result.metric, *(f"test_{name}" for name in metrics[:1]), "val_loss", "test_loss", "loss"]
    shown = [name for name in dict.fromkeys(order) if name in names][:count]
    best = result.best
    sizes = {one.parameters for one in result.runs} - {None}
    size = ["params"] if len(sizes) > 1 else []
    rows = [["run", *result.names, *map(str, shown), *size, "epochs", "time", ""]]
    for one in result.runs:
        values = [one.values.get(name, "") for name in result.names]
        found = [metric_text(name, one.metrics[name]) if name in one.metrics else "" for name in shown if name]
        params = [f"{one.parameters:,}" if one.parameters is not None else ""] if size else []
        mark = "★ best" if best is not None and one.number == best.number else ""
        mark = mark or (one.state if one.state != "finished" else "")
        time = duration_text(one.seconds) if one.epochs else ""
        rows.append([str(one.number), *values, *found, *params, str(one.epochs), time, mark])
    return rows


def sweep_text(result: SweepResult) -> str:
    """The table of a sweep for a terminal, and why runs failed."""
    done = sum(one.state == "finished" for one in result.runs)
    total = plural(len(result.runs), "run")
    some = total if done == len(result.runs) else f"{done} of {total} finished"
    by = f", compared by {result.metric}" if result.metric is not None else ""
    tables = (sweep_rows(result, count) for count in range(MAX_METRICS, 0, -1))
    rows = next((rows for rows in tables if table_width(rows) <= line_width()), sweep_rows(result, 1))
    lines = [f"{some}{by}:", "", *table_lines(rows, width=line_width())]
    lines += [line for reason in failures(result.runs) for line in ["", *wrap(reason, line_width(), "  ")]]
    best = result.best
    if best is not None:
        lines += ["", f"the best run is {best.path}"]
    return "\n".join(lines)


def table_width(rows: Sequence[Sequence[str]]) -> int:
    """How wide a table is with nothing wrapped."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return sum(widths) + 2 * (len(widths) - 1)


def failures(runs: Sequence[SweepRun]) -> list[str]:
    """Why runs failed, each reason once."""
    return each_reason("run", ((one.number, one.code, one.reason) for one in runs if one.state == "failed"))
