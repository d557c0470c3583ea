"""Runs in a folder: their state, progress and metrics, and removing them.

Input: folders that `netspec train` has created. Output: a `RunInfo` for each, for tables and for choosing; and the
canonical form of the spec of a run. Nothing here imports JAX.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, structs

from netspec.display.charts.history import RunHistory
from netspec.display.metric_text import plain_metrics
from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError, fail
from netspec.language.files.paths import exists, is_file, is_folder
from netspec.language.record import Frozen
from netspec.language.values import is_plain_number
from netspec.runs.repeated.planned import MembersRecord, planned_members
from netspec.runs.repeated.search_head import is_searching, read_head
from netspec.spec.canonical import Meaning
from netspec.spec.saved_meaning import FILE as MEANING, read_meaning
from netspec.storage import errors
from netspec.storage.published import has_text
from netspec.storage.records import typed
from netspec.storage.run_files import (
    SEARCH,
    checkpoint_steps,
    distinct_names,
    is_run,
    member_folders,
    natural_order,
    path_of_run,
    repeated_by,
)
from netspec.storage.run_folder import RunRecord, no_run, read_run
from netspec.storage.run_lock import is_locked
from netspec.storage.weights import check_not_search
from netspec.training.control.best_epoch import best_epoch
from netspec.training.metrics import is_higher_better

State = Literal["finished", "running", "interrupted", "broken"]


class RunInfo(Frozen):
    """The row of a run in a table.

    `state`: `interrupted` runs can be resumed, `broken` ones cannot (`reason` says why). `epochs` are finished, `of`
    planned. `metrics` are those of the best weights, which are of epoch `best_epoch`. `made` is when it was started,
    `seconds` how long it has trained. `hash` identifies the meaning of its spec. `seeds` or `folds` is how many
    runs with different seeds, or of a cross-validation, the folder holds, 0 for a usual run; `metrics` are their means
    then, and `stds` their standard deviations. `runs` is how many a sweep has; `metrics` are those of its best run.
    `trials` is how many trials a search has finished, `of` how many it will; None for a run.
    """

    path: Path
    spec: str
    state: State
    reason: str = ""
    made: datetime | None = None
    epochs: int = 0
    of: int | None = None
    metrics: Mapping[str, float] = {}
    best_epoch: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    hash: str | None = None
    seeds: int = 0
    folds: int = 0
    runs: int = 0
    stds: Mapping[str, float] = {}
    trials: int | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def members(self) -> int:
        """How many runs the folder holds, 0 for a usual run."""
        return self.seeds or self.folds or self.runs

    @property
    def noun(self) -> str:
        """What tells the runs of the folder apart."""
        return "fold" if self.folds else "run" if self.runs else "seed"

    @property
    def epochs_text(self) -> str:
        """The finished epochs; of several seeds or folds that each trained as many as planned, `3 × 8`; trials of a
        search."""
        if self.trials is not None:
            return f"{self.trials}/{self.of} trials"
        if self.members and not self.runs and self.of is not None and self.epochs == self.of:
            return f"{self.members} × {self.epochs // self.members}"
        return str(self.epochs)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(p.lstat().st_size for p in self.path.rglob("*"))

    def as_json(self) -> dict[str, Any]:
        record = structs.asdict(self)
        started, planned = record.pop("made"), record.pop("of")
        return {
            "name": self.name,
            **record,
            "path": str(self.path),
            "started": started.isoformat() if started is not None else None,
            "planned_epochs": planned,
        }


# ---------------------------------------------------------------- the spec of a run


def meaning_of_run(path: Path) -> Meaning:
    """The canonical form of the spec of a run when it was started; computed again for runs of an older netspec.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    return read_meaning(read_run(path))


# ---------------------------------------------------------------- looking at runs


def list_runs(folder: Path) -> list[RunInfo]:
    """The runs in a folder, oldest first; other folders are ignored.

    Raises:
        CompileError: it is not a folder (NS473).
    """
    if exists(folder) and not is_folder(folder):
        raise fail(errors.NoRun(run=str(folder), reason="it is a file", advice="give the folder that holds the runs"))
    runs = [look_at(path) for path in _run_folders(folder)]
    return sorted(runs, key=lambda run: (run.made is not None, run.made or 0, natural_order(run.name)))


def _run_folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if is_run(path)] if is_folder(folder) else []


def find_run(name: str, folder: Path) -> Path:
    """The run with this path, or with this name in the folder of the runs.

    Raises:
        CompileError: there is no such run (NS473).
    """
    if is_run(path := path_of_run(name, folder)):
        return path
    if is_file(path):
        raise fail(no_run(path))
    is_there = exists(folder / name) or exists(path)
    reason = "it is not one that `netspec train` has made" if is_there else "there is no such folder"
    around, names = runs_beside(name, folder)
    advice = suggest(Path(name).name, names, what=f"runs in {around}")
    missing = errors.NoRun(run=name, reason=reason)
    raise fail(structs.replace(missing, advice=advice) if advice else missing)


def runs_beside(name: str, folder: Path) -> tuple[Path, list[str]]:
    """The folder in which a run of this name would be, and the names of the runs there."""
    around = Path(name).parent if len(Path(name).parts) > 1 else folder
    return around, [path.name for path in _run_folders(around)]


def look_at(path: Path) -> RunInfo:
    """The state of a run folder, `broken` if it cannot be read; runs with several seeds, and folds, count as one."""
    if is_file(path / SEARCH):
        return _look_at_search(path)
    noun = repeated_by(path)
    return _look_at_one(path) if noun is None else _look_at_members(path, noun)


class _SpecName(Frozen):
    """What a row shows of `spec.json`."""

    name: str


class _MeaningHead(Frozen):
    """What a row shows of `meaning.json`."""

    hash: str | None = None
    totals: dict[str, int | str] = {}


class _Settings(Frozen):
    """What a row needs of the settings of `train`."""

    epochs: int | None = None


class _Versions(Frozen):
    """What a row shows of `versions.json`."""

    made: Annotated[datetime, Meta(tz=True)] | None = None


def _look_at_one(path: Path) -> RunInfo:
    try:
        return _row(path, is_locked(path))
    except CompileError as error:
        return RunInfo(path, path.name.rpartition("-")[0], "broken", error.diagnostics[0].message)


def _row(path: Path, is_running: bool) -> RunInfo:
    """The row of a run.

    Raises:
        CompileError: a file of it is damaged (NS475).
    """
    record = read_run(path)
    has_spec, has_meaning = (has_text(path, file) for file in ("spec.json", MEANING))
    spec = record.read("spec.json", _SpecName).name if has_spec else path.name.rpartition("-")[0]
    settings = typed(record.settings.get("train", record.settings), _Settings, path / "settings.json")
    meaning = record.read(MEANING, _MeaningHead) if has_meaning else _MeaningHead()
    parameters = meaning.totals.get("parameters")
    state, reason = _state(record, is_running)
    best, metrics = _metrics(record)
    return RunInfo(
        path=path,
        spec=spec,
        state=state,
        reason=reason,
        made=typed(record.versions, _Versions, path / "versions.json").made,
        epochs=len(record.history),
        of=settings.epochs,
        metrics=metrics,
        best_epoch=best,
        parameters=parameters if isinstance(parameters, int) else None,
        seconds=record.done["seconds"] if record.done else sum(r.get("seconds", 0.0) for r in record.history),
        hash=meaning.hash,
    )


def _look_at_members(path: Path, noun: str) -> RunInfo:
    """The total epochs and seconds of all runs, and the means of their metrics."""
    own = _look_at_one(path)
    runs = [_look_at_one(run) for run in member_folders(path) if is_run(run)]
    try:
        record = planned_members(read_run(path), noun)
    except CompileError as error:
        return own.replace(state="broken", reason=error.diagnostics[0].message)
    planned, states = len(record.planned), [run.state for run in runs]
    state: State = "finished" if states == ["finished"] * planned else "interrupted"
    state = "running" if "running" in states else "broken" if "broken" in states else state
    if noun == "run":
        return _of_sweep(own, runs, record)
    names = [name for name in (runs[0].metrics if runs else ()) if all(name in run.metrics for run in runs)]
    return own.replace(
        state=state,
        **{f"{noun}s": planned},
        reason=next((f"{run.name}: {run.reason}" for run in runs if run.reason), ""),
        epochs=sum(run.epochs for run in runs),
        of=planned * own.of if own.of is not None else None,
        seconds=sum(run.seconds for run in runs),
        metrics={name: statistics.fmean(run.metrics[name] for run in runs) for name in names},
        stds={name: statistics.stdev(run.metrics[name] for run in runs) for name in names if len(runs) > 1},
    )


def _of_sweep(own: RunInfo, runs: Sequence[RunInfo], record: MembersRecord) -> RunInfo:
    """The totals of a sweep, in which runs may have failed, and the metrics of its best run."""
    done = [run for run in runs if run.state == "finished"]
    planned, is_over = len(record.planned), len(done) + len(record.failed) >= len(record.planned)
    metric = main_metric(done)
    best = sort_runs(done, metric)[0] if metric is not None else None
    epochs = sum(run.epochs for run in runs)
    of = sum(run.of or 0 for run in runs) + (planned - len(runs)) * (own.of or 0)
    return own.replace(
        state="running" if any(run.state == "running" for run in runs) else "finished" if is_over else "interrupted",
        runs=planned,
        epochs=epochs,
        of=epochs if is_over else of,
        seconds=sum(run.seconds for run in runs),
        metrics=best.metrics if best is not None else {},
    )


def _look_at_search(path: Path) -> RunInfo:
    """How many trials are finished, and the metrics of the best one."""
    own = _look_at_one(path)
    try:
        head = read_head(path)
    except CompileError as error:
        return own.replace(state="broken", reason=error.diagnostics[0].message)
    state: State = "running" if is_searching(path) else "finished" if head.done >= head.trials else "interrupted"
    return own.replace(state=state, trials=head.done, of=head.trials, metrics=head.values, seconds=head.seconds)


def _state(record: RunRecord, is_running: bool) -> tuple[State, str]:
    if is_running:
        return "running", ""
    if record.done is not None:
        return "finished", ""
    if record.failed is not None:
        return "broken", f"{record.failed.get('code')}: {record.failed.get('message')}"
    has_weights = (record.path / "weights.safetensors").exists()
    if has_weights and not checkpoint_steps(record.path / "checkpoints"):
        return "broken", "its checkpoints are gone"
    return "interrupted", ""


def _metrics(record: RunRecord) -> tuple[int | None, dict[str, float]]:
    """The epoch of the best weights, and their metrics."""
    if not record.history:
        return None, {}
    row = record.history[(best_epoch(record) or len(record.history)) - 1]
    every = {"loss": row.get("loss"), **row.get("metrics", {}), **(record.done["metrics"] if record.done else {})}
    return row["epoch"], {name: value for name, value in every.items() if is_plain_number(value)}


# ---------------------------------------------------------------- choosing


def metric_names(runs: Iterable[RunInfo]) -> list[str]:
    """The metrics that a run has, each once."""
    return list(dict.fromkeys(name for run in runs for name in run.metrics))


def main_metric(runs: Iterable[RunInfo]) -> str | None:
    """The metric to compare runs by: one on the validation split, the validation loss, or any other."""
    names = metric_names(runs)
    metrics = plain_metrics(names)
    wanted = [*(f"val_{name}" for name in metrics), "val_loss", *(f"test_{name}" for name in metrics), "test_loss"]
    return next((name for name in (*wanted, *names) if name in names), None)


def sort_runs(runs: Sequence[RunInfo], key: str) -> list[RunInfo]:
    """Runs by a column (`name`, `started`, `epochs`, `seconds`, `parameters`, `state`, `spec`) or a metric, best first;
    runs without it come last.

    Raises:
        CompileError: no run has such a metric (NS495).
    """
    key = "made" if key == "started" else key
    if key in ("epochs", "seconds", "parameters", "made"):
        return sorted(runs, key=lambda run: (getattr(run, key) is None, getattr(run, key) or 0))
    if key == "name":
        return sorted(runs, key=lambda run: natural_order(run.name))
    if key in ("state", "spec"):
        return sorted(runs, key=lambda run: (getattr(run, key), natural_order(run.name)))
    names = metric_names(runs)
    if key not in names:
        parts = {*key.split("_")}
        meant = [f"`{name}`" for name in names if parts <= {*name.split("_")}]
        columns = ["name", "started", "epochs", "seconds", "parameters"]
        advice = suggest(key, [*names, *columns], what="metrics and columns")
        advice = f"did you mean {' or '.join(meant)}?" if 0 < len(meant) <= 4 else advice
        raise fail(errors.NoSuchMetric(metric=key, advice=advice))
    sign = -1 if is_higher_better(key) else 1
    return sorted(runs, key=lambda run: (key not in run.metrics, sign * run.metrics.get(key, 0.0)))


# ---------------------------------------------------------------- curves


def histories_of(path: Path, name: str) -> list[RunHistory]:
    """The epochs of a run; of a folder of several seeds or folds those of each. `name` is what it is called.

    Raises:
        CompileError: it is not a run folder, or is damaged.
    """
    check_not_search(path)
    members = member_folders(path)
    group = str(path) if members else ""
    return [
        RunHistory(f"{name}/{run.path.name}" if members else name, run.history, best_epoch(run), group)
        for run in map(read_run, members or [path])
    ]


def histories(folders: Sequence[Path]) -> list[RunHistory]:
    """The epochs of runs, under names that tell them apart; raises as `histories_of`."""
    named = zip(folders, distinct_names(folders), strict=True)
    return [history for folder, name in named for history in histories_of(folder, name)]
