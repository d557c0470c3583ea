"""Whether runs are reproducible on this machine: the same numbers twice, and the same numbers after a kill.

Each training runs in a separate process, so that nothing that JAX has compiled or tuned in one is used in the next.
Input: a `Task` for each. Output: run folders, and a comparison of two of them, bit for bit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from netspec.language.record import Frozen
from netspec.spec.compilation import Compilation, read_source
from netspec.spec.experiment import SpecExperiment, load_init, prepare, pretty
from netspec.storage.checkpoints.read import read_checkpoint
from netspec.storage.run_files import CHECKPOINTS, checkpoints_in
from netspec.storage.run_folder import Run, read_run
from netspec.training.loop import loop
from netspec.training.loop.callback import Callback, Record, Tick

PARTS = {
    "parameters": "state/params/",
    "optimizer state": "state/optimizer/",
    "random state": "state/random/",
    "other state": "state/other/",
    "best weights": "best/",
}
"""The parts of a checkpoint, and the prefixes of their arrays; the rest is the position."""
HELD_OUT = 512
"""The maximum number of validation and of test examples."""


class Task(Frozen):
    """One training. `kill_at` is an epoch and a step of it, both from 1, at which the process kills itself."""

    spec: str
    overrides: dict[str, str]
    input: str | None
    folder: str
    epochs: int
    steps: int
    kill_at: tuple[int, int] | None = None
    resume: bool = False


def carry_out(task: Task) -> None:
    """Train as a task says, in a folder that the first call creates.

    Raises:
        CompileError: the spec or its data are wrong.
    """
    compilation = Compilation(
        read_source(Path(task.spec)), overrides={**task.overrides, "train.epochs": str(task.epochs)}, input=task.input
    )
    prepared = _cut(load_init(prepare(compilation)), task.steps)
    folder = Path(task.folder)
    run = Run(folder) if task.resume else Run.create(folder.parent, folder.name, {}, {})
    if not task.resume:
        run = Run(run.path.rename(folder))
    loop.TICK_SECONDS = 0.0  # look at every step, and save there
    (folder / "spec.json").write_text(pretty({"name": compilation.name}), encoding="utf-8")
    loop.fit(prepared, run=run, resume=task.resume, reporter=_Killer(task.kill_at), save_seconds=0.0)


def _cut(prepared: SpecExperiment, steps: int) -> SpecExperiment:
    """The experiment with at most `steps` steps per epoch; the last one is smaller than a batch if examples are cut."""
    splits, batch = prepared.splits, prepared.recipe.batch
    wanted = steps * batch if prepared.recipe.drop_last else max(1, steps * batch - batch // 2)
    count = min(len(splits.train), wanted)
    train = splits.train.take(np.arange(count))
    val, test = (part and part.take(np.arange(min(len(part), HELD_OUT))) for part in (splits.val, splits.test))
    return prepared.with_splits(replace(splits, train=train, val=val, test=test))


class _Killer(Callback):
    """Kills this process at a step, as a crash would; at the end of the epoch before if an epoch is a single step."""

    def __init__(self, at: tuple[int, int] | None) -> None:
        self.at = at

    def start(self, record: Record) -> None:
        if self.at is not None and record["steps"] == 1:
            self.at = (self.at[0] - 1, 0)

    def progress(self, tick: Tick) -> None:
        self._reached(tick.epoch, tick.step)

    def epoch(self, record: Record) -> None:
        self._reached(record["epoch"], 0)

    def _reached(self, *position: int) -> None:
        if self.at is not None and position >= self.at:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


# ---------------------------------------------------------------- comparing


class Row(Frozen):
    """A part that was compared, the count of its numbers, and the first one that differs (empty: all are equal)."""

    what: str
    numbers: int
    differs: str = ""


def compare_runs(one: Path, other: Path) -> list[Row]:
    """Compare the last checkpoints and the metrics of two finished runs, bit for bit."""
    a, b = (_arrays(run) for run in (one, other))
    rows = []
    groups = {what: [name for name in a if name.startswith(prefix)] for what, prefix in PARTS.items()}
    grouped = {name for names in groups.values() for name in names}
    groups["data position and metric totals"] = [name for name in a if name not in grouped]
    for what, names in groups.items():
        if names:
            wrong = [_differing(name, a[name], b.get(name)) for name in names]
            rows.append(Row(what, sum(a[name].size for name in names), next((text for text in wrong if text), "")))
    if a.keys() != b.keys():
        rows.append(Row("names of the arrays", len(a), f"`{min(a.keys() ^ b.keys())}` is only in one"))
    return rows + _metric_rows(one, other)


def _arrays(run: Path) -> dict[str, Any]:
    return read_checkpoint(run, checkpoints_in(run / CHECKPOINTS)[-1])[0]


def _differing(name: str, a: Any, b: Any) -> str:
    if b is None:
        return f"`{name}` is missing"
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"`{name}` is {b.dtype} {b.shape}, not {a.dtype} {a.shape}"
    if a.tobytes() == b.tobytes():
        return ""
    largest = float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64))))
    return f"`{name.partition('/')[2]}` by up to {largest:.2g}"


def _metric_rows(one: Path, other: Path) -> list[Row]:
    a, b = read_run(one), read_run(other)
    rows = []
    epochs = [[{"loss": row["loss"], **row["metrics"]} for row in record.history] for record in (a, b)]
    ends = [record.done["metrics"] if record.done else {} for record in (a, b)]
    for what, before, after in (
        ("metrics per epoch", dict(enumerate(epochs[0])), dict(enumerate(epochs[1]))),
        ("final metrics", ends[0], ends[1]),
    ):
        wrong = next((key for key in {**before, **after} if before.get(key) != after.get(key)), None)
        text = "" if wrong is None else f"{'epoch ' + str(wrong + 1) if isinstance(wrong, int) else wrong}"
        rows.append(Row(what, _count(before), text))
    return rows


def _count(values: Any) -> int:
    """The numbers in nested records and lists."""
    if isinstance(values, Mapping):
        return sum(_count(value) for value in values.values())
    return sum(_count(value) for value in values) if isinstance(values, list) else 1
