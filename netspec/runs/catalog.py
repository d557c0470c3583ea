"""Runs in a folder: what they are, how far they came, and removing them.

Comes in: folders that `netspec train` has made. Goes out: `RunInfo`, one for each, for tables and for choosing; and the
spec of a run and its meaning. Nothing here imports JAX.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from netspec.language.diagnostics import CompileError, fail, suggest
from netspec.spec.canonical import FORMAT, Meaning, meaning_of
from netspec.spec.saved import read_compilation
from netspec.storage import errors
from netspec.storage.atomic_files import reason_of
from netspec.storage.run_folder import RunRecord, checkpoint_steps, read_run
from netspec.storage.run_lock import is_locked, locked
from netspec.training.metrics import is_higher_better

State = Literal["finished", "running", "interrupted", "broken"]
FILES = ("settings.json", "versions.json", "metrics.jsonl", "log.txt")
"""What every run folder has from its first moment on; a folder without one of them is none."""
SEEDS = "seeds.json"
"""What the folder of a run with several seeds has; the run of each seed is a folder in it."""


@dataclass(frozen=True)
class RunInfo:
    """What a table says of a run.

    `state`: `interrupted` runs can be resumed, `broken` ones cannot (`reason` says why). `epochs` are those that are
    done, `of` those that are planned. `figures` are those of the weights that are kept, `best_epoch` is theirs.
    `made` is the time of its start, `seconds` how long it has trained. `hash` is that of what its spec means.
    """

    path: Path
    spec: str
    state: State
    reason: str = ""
    made: datetime | None = None
    epochs: int = 0
    of: int | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    best_epoch: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    hash: str | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(p.stat().st_size for p in self.path.rglob("*") if p.is_file())

    def as_json(self) -> dict[str, Any]:
        made = self.made.isoformat() if self.made is not None else None
        return {"name": self.name, **asdict(self), "path": str(self.path), "made": made}


# ---------------------------------------------------------------- the spec of a run


def meaning_of_run(path: Path) -> Meaning:
    """What the spec of a run meant when it was started; worked out again for runs of an older netspec.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    record = read_run(path)
    try:
        kept = record.json("meaning.json")
        if kept["format"] == FORMAT:
            return Meaning.from_json(kept)
    except (CompileError, KeyError):
        pass  # it can be made again from the spec
    return meaning_of(read_compilation(path))


# ---------------------------------------------------------------- looking at runs


def is_run(path: Path) -> bool:
    """Whether a folder is one that `netspec train` has made; a link to one is not."""
    return path.is_dir() and not path.is_symlink() and all((path / name).is_file() for name in FILES)


def list_runs(folder: Path) -> list[RunInfo]:
    """The runs in a folder, oldest first. Other folders in it are passed over."""
    if not folder.is_dir():
        return []
    found = [look_at(path) for path in folder.iterdir() if is_run(path)]
    return sorted(found, key=lambda run: (run.made is not None, run.made or 0, _natural(run.name)))


def find_run(name: str, folder: Path) -> Path:
    """The run that is called so: a path, or a name in the folder of the runs.

    Raises:
        CompileError: there is none (NS473).
    """
    for path in (Path(name), folder / name):
        if is_run(path):
            return path
    known = [path.name for path in folder.iterdir() if is_run(path)] if folder.is_dir() else []
    there = (folder / name).exists() or Path(name).exists()
    reason = "it is not one that `netspec train` has made" if there else "there is no such folder"
    advice = suggest(name, known, what=f"runs in {folder}") or errors.NoRun.advice
    raise fail(errors.NoRun(run=name, reason=reason, advice=advice))


def look_at(path: Path) -> RunInfo:
    """What a run folder says; `broken` when it cannot be read. Runs with several seeds are told as one."""
    return _look_at_seeds(path) if (path / SEEDS).is_file() else _look_at_one(path)


def _look_at_one(path: Path) -> RunInfo:
    is_running = is_locked(path)
    try:
        record = read_run(path)
        spec = record.json("spec.json")["name"] if (path / "spec.json").exists() else path.name.rpartition("-")[0]
        train = record.settings.get("train", record.settings)
    except CompileError as error:
        return RunInfo(path, path.name.rpartition("-")[0], "broken", error.diagnostics[0].message)
    state, reason = _state(record, is_running)
    best, figures = _figures(record, train)
    made = record.versions.get("made")
    meaning = _small_meaning(record)
    return RunInfo(
        path=path,
        spec=spec,
        state=state,
        reason=reason,
        made=datetime.fromisoformat(made) if made is not None else None,
        epochs=len(record.history),
        of=train.get("epochs"),
        figures=figures,
        best_epoch=best,
        parameters=meaning.get("totals", {}).get("parameters"),
        seconds=record.done["seconds"] if record.done else sum(r.get("seconds", 0.0) for r in record.history),
        hash=meaning.get("hash"),
    )


def _look_at_seeds(path: Path) -> RunInfo:
    """Epochs and seconds of all seeds together, and the mean of their figures."""
    own = _look_at_one(path)
    seeds = [_look_at_one(seed) for seed in sorted(path.glob("seed-*"), key=lambda p: _natural(p.name)) if is_run(seed)]
    try:
        planned = len(read_run(path).json(SEEDS)["seeds"])
    except (CompileError, KeyError, TypeError):
        return replace(own, state="broken", reason=f"`{SEEDS}` cannot be read")
    states = [seed.state for seed in seeds]
    state: State = "finished" if states == ["finished"] * planned else "interrupted"
    state = "running" if "running" in states else "broken" if "broken" in states else state
    names = set.intersection(*(set(seed.figures) for seed in seeds)) if seeds else set()
    return replace(
        own,
        state=state,
        reason=next((f"{seed.name}: {seed.reason}" for seed in seeds if seed.reason), ""),
        epochs=sum(seed.epochs for seed in seeds),
        of=planned * own.of if own.of is not None else None,
        seconds=sum(seed.seconds for seed in seeds),
        figures={
            name: sum(seed.figures[name] for seed in seeds) / len(seeds)
            for name in (seeds[0].figures if seeds else ())
            if name in names
        },
    )


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


def _figures(record: RunRecord, train: Mapping[str, Any]) -> tuple[int | None, dict[str, float]]:
    """The epoch of the weights that are kept, and their figures."""
    if not record.history:
        return None, {}
    index = (record.done or {}).get("best_epoch") or len(record.history)
    index -= 1
    watched = train.get("watched")
    if record.done is None and train.get("keep") == "best" and watched:
        sign = 1 if is_higher_better(watched) else -1
        known = [(sign * v, -i) for i, r in enumerate(record.history) if _is_figure(v := r["metrics"].get(watched))]
        index = -max(known)[1] if known else index
    row = record.history[index]
    every = {"loss": row["loss"], **row["metrics"], **(record.done["metrics"] if record.done else {})}
    return row["epoch"], {name: value for name, value in every.items() if _is_figure(value)}


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _small_meaning(record: RunRecord) -> dict[str, Any]:
    """`meaning.json`, or nothing for runs without one."""
    return record.json("meaning.json") if (record.path / "meaning.json").exists() else {}


def _natural(name: str) -> tuple[str, int]:
    """digits-2 before digits-10."""
    stem, _, number = name.rpartition("-")
    return stem, int(number) if number.isdecimal() else 0


# ---------------------------------------------------------------- choosing


def main_figure(runs: Iterable[RunInfo]) -> str | None:
    """The figure that runs are best compared by: a metric on the validation split, its loss, or what else there is."""
    names = list(dict.fromkeys(name for run in runs for name in run.figures))
    metrics = [name for name in names if not name.endswith("loss") and not name.startswith(("val_", "test_"))]
    wanted = [*(f"val_{name}" for name in metrics), "val_loss", *(f"test_{name}" for name in metrics), "test_loss"]
    return next((name for name in (*wanted, *names) if name in names), None)


def sort_runs(runs: Sequence[RunInfo], key: str) -> list[RunInfo]:
    """Runs by a column (`name`, `made`, `epochs`, `seconds`, `parameters`, `state`, `spec`) or a figure, best first;
    runs without it come last.

    Raises:
        CompileError: no run has such a figure (NS495).
    """
    if key in ("epochs", "seconds", "parameters", "made"):
        return sorted(runs, key=lambda run: (getattr(run, key) is None, getattr(run, key) or 0))
    if key == "name":
        return sorted(runs, key=lambda run: _natural(run.name))
    if key in ("state", "spec"):
        return sorted(runs, key=lambda run: (getattr(run, key), _natural(run.name)))
    names = dict.fromkeys(name for run in runs for name in run.figures)
    if key not in names:
        advice = suggest(key, [*names, "name", "made", "epochs", "seconds", "parameters"], what="metrics and columns")
        raise fail(errors.NoSuchFigure(metric=key, advice=advice))
    sign = -1 if is_higher_better(key) else 1
    return sorted(runs, key=lambda run: (key not in run.figures, sign * run.figures.get(key, 0.0)))


def choose_runs(
    runs: Sequence[RunInfo],
    *,
    unfinished: bool = False,
    older_than: timedelta | None = None,
    keep_best: int | None = None,
    by: str | None = None,
) -> list[RunInfo]:
    """The runs that everything given is true of; those that are being trained are never among them.

    Args:
        runs: all there are.
        unfinished: neither finished nor being trained.
        older_than: started longer ago than this.
        keep_best: leave the best of each spec out, so many of them.
        by: the figure that says which are best; the main one when None.

    Raises:
        CompileError: no run has such a figure (NS495).
    """
    kept: set[Path] = set()
    if keep_best is not None:
        for spec in dict.fromkeys(run.spec for run in runs):
            rivals = [run for run in runs if run.spec == spec and run.figures]
            figure = by or main_figure(rivals)
            ranked = sort_runs(rivals, figure) if figure is not None and rivals else []
            kept.update(run.path for run in [r for r in ranked if figure in r.figures][:keep_best])
    now = datetime.now(UTC)
    return [
        run
        for run in runs
        if run.state != "running"
        and run.path not in kept
        and not (unfinished and run.state == "finished")
        and (older_than is None or (run.made is not None and now - run.made > older_than))
    ]


# ---------------------------------------------------------------- removing


def remove_run(path: Path) -> None:
    """Remove a run folder with everything in it. It is gone at once: it gets a hidden name before its files go.

    Raises:
        CompileError: it is none (NS473), is being trained (NS491), or cannot be removed (NS477).
    """
    if not is_run(path):
        raise fail(errors.NoRun(run=str(path), reason="it is not one that `netspec train` has made"))
    if any(is_locked(seed) for seed in path.glob("seed-*")):
        raise fail(errors.RunIsBusy(run=str(path), process=""))
    with locked(path):
        hidden = path.with_name(f".removed-{path.name}-{os.getpid()}")
        try:
            path.rename(hidden)
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(path), reason=reason_of(error))) from error
    try:
        shutil.rmtree(hidden)
    except OSError as error:
        raise fail(errors.CannotWrite(path=str(hidden), reason=reason_of(error))) from error
