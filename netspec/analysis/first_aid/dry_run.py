"""One step of everything that a training does, so that nothing that comes late fails late.

Input: a prepared experiment. Output: `DryRun`, with the seconds of each part and the memory. The run is written into a
temporary folder, which is removed; trackers of experiments hear nothing of it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from netspec.compiler.ir.printer import memory
from netspec.data.dataset.dataset import Arrays
from netspec.display.text import duration_text, plural
from netspec.spec.experiment import SpecExperiment, run_files, settings_in_force
from netspec.storage.run_folder import Run
from netspec.training.distributed.placement import check_devices
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import predict
from netspec.training.loop.loop import fit

STEPS = 2
"""Steps of training: the first one is compiled, the second one shows how long a step takes."""


@dataclass(frozen=True)
class DryRun:
    """What one step of everything took.

    Args:
        name: what was tried, in words.
        device: where it was computed.
        batch: the examples of a step.
        steps: those of a whole epoch.
        seconds: how long each part took, in its order; with its compilation.
        step_seconds: how long a step takes once it is compiled; None: there is only one.
        bytes: of the weights, of the whole state of training, of a checkpoint on the disk, and the most that the device
            (None: it does not say) and this process had in use.
        metrics: of the step, which mean nothing yet.
        is_good: always; what fails is raised.
    """

    name: str
    device: str
    batch: int
    steps: int
    seconds: dict[str, float]
    step_seconds: float | None
    bytes: dict[str, int | None]
    metrics: dict[str, Any]
    is_good: bool = True

    def record(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        found = {name: value for name, value in vars(self).items() if name != "is_good"}
        return {"event": "dry_run", **found}

    def __str__(self) -> str:
        lines = [f"{self.name}: one step of everything with {plural(self.batch, 'example')}, on {self.device}", ""]
        width = max(map(len, self.seconds))
        lines += [f"{part:{width}}  {seconds:8.2f} s" for part, seconds in self.seconds.items()]
        known = {name: count for name, count in self.bytes.items() if count is not None}
        lines += ["", *(f"{name:{max(map(len, known))}}  {memory(count):>10}" for name, count in known.items()), ""]
        if self.step_seconds is not None:
            seconds = self.step_seconds * self.steps
            epoch = duration_text(seconds) if seconds >= 60 else f"{seconds:.2g} s"
            lines.append(f"an epoch of {plural(self.steps, 'step')} takes about {epoch}, without validation")
        return "\n".join([*lines, "everything works; nothing was kept"])


def dry_run(job: SpecExperiment, *, name: str = "") -> DryRun:
    """Load the data, take a step, validate, write a checkpoint and the weights, evaluate and predict, each once.

    Args:
        job: what is trained on what; with its first batch, and as many examples of the other splits.
        name: what the text of the result calls the network.

    Raises:
        CompileError: as a training would, such as for a loss that is not finite (NS460).
    """
    check_devices(job.recipe)
    small = _with_one_batch(job)
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="netspec-dry-run-") as folder:
        run = Run.create(Path(folder), job.compilation.name, run_files(small), settings_in_force(small))
        result = fit(small, run=run, reporter=clock, save_seconds=0)
        clock.lap("test metrics and weights" if small.test is not None else "final metrics and weights")
        inputs = {key: np.asarray(small.train.take(np.arange(1)).loaded().inputs[key]) for key in small.inputs}
        predict(result.engine, result.weights, inputs)
        clock.lap("predict")
        written = sum(file.stat().st_size for file in run.checkpoints.rglob("*") if file.is_file())
    return DryRun(
        name=name,
        device=result.engine.placement.description,
        batch=small.examples,
        steps=job.steps_per_epoch,
        seconds=clock.seconds,
        step_seconds=clock.step_seconds,
        bytes={**clock.bytes, "checkpoints": written, **_peaks()},
        metrics={key: value for key, value in result.metrics.items() if isinstance(value, float)},
    )


def _with_one_batch(job: SpecExperiment) -> SpecExperiment:
    batch = job.recipe.batch

    def first(arrays: Arrays | None) -> Arrays | None:
        return None if arrays is None else arrays.take(np.arange(min(batch, len(arrays))))

    rows = job.order_of_rows(0, job.examples)[:batch]
    return replace(job, train=job.train.take(rows), val=first(job.val), test=first(job.test), baselines={})


class _Clock(TrainingCallback):
    """Measures the parts of a training, and ends it after some steps."""

    def __init__(self) -> None:
        self.at = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.bytes: dict[str, int | None] = {}
        self.step_seconds: float | None = None

    def lap(self, part: str) -> None:
        """Add the seconds since the last call to a part."""
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self.at
        self.at = now

    def on_begin(self, training: Any) -> None:
        sizes = {"weights": training.state["params"], "state of training": training.state}
        self.bytes = {name: sum(x.nbytes for x in jax.tree.leaves(tree)) for name, tree in sizes.items()}
        self.lap("data and first weights")

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        if record["epoch"] == 1:
            now, step = time.perf_counter(), record["train_seconds"]
            self.seconds["training step"] = step
            self.seconds["validation and checkpoint"] = now - self.at - step
            self.at = now
        else:
            self.step_seconds = record["train_seconds"]
            self.lap("second step, validation and checkpoint")
        if record["epoch"] >= STEPS:
            training.progress.stopped_by = "dry run"


def _peaks() -> dict[str, int | None]:
    """The most bytes in use so far, on the device and by this process."""
    if sys.platform == "win32":
        return {}
    import resource

    stats = jax.local_devices()[0].memory_stats() or {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "most on the device": stats.get("peak_bytes_in_use"),
        "most in this process": peak if sys.platform == "darwin" else peak * 1024,
    }
