"""The runs in a folder of several, such as one for each seed: one of them is trained, resumed or read.

Input: the folder of all runs, and an experiment for each. Output: the metrics of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netspec.language.diagnostics import Diagnostic
from netspec.language.files.paths import is_folder
from netspec.runs.repeated.shared_programs import SharedPrograms
from netspec.runs.resume import resume_run
from netspec.spec.experiment import SpecExperiment, run_files, settings_in_force, train_in
from netspec.storage.run_folder import Run, read_run
from netspec.training.distributed.placement import placement_of
from netspec.training.distributed.processes import peers
from netspec.training.distributed.shared_run import shared_run
from netspec.training.loop.callback import HOOKS, Record, Reporter, Several, Tick, TrainingCallback
from netspec.training.loop.checkpointing import SAVE_SECONDS

KEYS = {"run": "number"}
"""What the number of a run is called in records, where `noun` has another meaning there: `run` is its folder."""
MAX_ENGINES = 2
"""Engines whose programs are kept for others: those of folds, whose sizes differ by one example."""


class Members:
    """The runs of a folder, one after another.

    Args:
        parent: the folder.
        noun: what tells them apart, such as `seed`: their folders are `seed-0`, `seed-1`, …
        reporter: called during training; its records have the number of the run, as `seed`.
        options: of the loop, as in `train_in`.
        data: the arrays of runs on arrays.
        shares_rate: runs with other learning rates share their programs, too.
    """

    def __init__(
        self,
        parent: Run,
        noun: str,
        reporter: Reporter,
        options: Mapping[str, Any],
        data: Any = None,
        *,
        shares_rate: bool = False,
    ) -> None:
        self.parent, self.noun, self.reporter, self.data = parent, noun, reporter, data
        self.options = {"save_seconds": SAVE_SECONDS, **options}
        self.problems: list[Diagnostic] = []
        self._programs = SharedPrograms(MAX_ENGINES, shares_rate=shares_rate)

    def train(self, number: int, make: Callable[[], SpecExperiment]) -> tuple[Mapping[str, Any], str | None]:
        """The metrics of a run, and the signal that interrupted it; read if it is finished, otherwise it is resumed, or
        started on the experiment that `make` gives."""
        folder, key = self.parent.path / f"{self.noun}-{number}", KEYS.get(self.noun, self.noun)
        reporter = _Numbered(self.reporter, key, number)
        if peers().first(is_folder(folder)):
            done = read_run(folder).done
            if done is not None:
                return done["metrics"], None
            result = resume_run(folder, reporter, data=self.data, save_seconds=self.options["save_seconds"])
        else:
            experiment = make()
            engine = self._programs.engine(experiment, placement_of(experiment))
            files = run_files(experiment)
            settings = settings_in_force(experiment, rate_in_state=self._programs.shares_rate)
            run = shared_run(lambda: Run.create(self.parent.path, folder.name, files, settings, exact=True))
            result = train_in(experiment, run, engine=engine, reporter=reporter, **self.options)
        peers().gather(None)  # process 0 has written everything, which the others may read
        self.problems += [problem for problem in result.problems if problem.is_error]
        return result.metrics, result.signal


class _Numbered(TrainingCallback):
    """Calls a reporter with the number of the run in the records."""

    def __init__(self, reporter: Reporter, noun: str, number: int) -> None:
        self.reporter, self.number = reporter, {noun: number}
        others = Several([reporter])
        self.warning, self.close = others.warning, others.close  # type: ignore[method-assign]
        for hook in HOOKS:
            setattr(self, hook, getattr(others, hook))

    def start(self, record: Record) -> None:
        self.reporter.start({**record, **self.number})

    def progress(self, tick: Tick) -> None:
        self.reporter.progress(tick)

    def epoch(self, record: Record) -> None:
        self.reporter.epoch({**record, **self.number})

    def done(self, record: Record) -> None:
        self.reporter.done({**record, **self.number})
