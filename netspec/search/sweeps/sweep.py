"""A sweep: a run for each combination of given values, one after another.

Input: a prepared spec, and values by name. Output: `SweepResult`. Everything is checked before the first run. The data
are read once. Runs that differ in their learning rate or seed alone share compiled programs: the rate is a number of
the state, also when such a run is resumed by itself. A run that fails is marked, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from netspec.language.diagnostics import CompileError, Diagnostic, Diagnostics, Problems, fail
from netspec.language.files.atomic_files import reason_of
from netspec.runs.repeated.members import Members
from netspec.runs.repeated.sweep_runs import Combination, Failure, SweepRecord, SweepResult, SweepRun, read_sweep
from netspec.runs.resume import check_same_meaning
from netspec.search.errors import WrongSweep
from netspec.search.folder import data_checksum
from netspec.search.spaces.space import Point
from netspec.search.sweeps.axes import points_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, load_init, prepare, pretty, run_files, settings_in_force
from netspec.spec.saved import as_trained, read_compilation
from netspec.storage.errors import CannotWrite, CheckpointNotWritten, OtherData, RunIsBusy
from netspec.storage.run_files import SWEEP, repeated_by
from netspec.storage.run_folder import Run, read_run
from netspec.training.loop.callback import Reporter, Several

ENDING = (CannotWrite, CheckpointNotWritten, RunIsBusy)
"""Errors that are not of a single combination: the sweep ends, and is resumed later."""
MAX_SHOWN = 5
"""Combinations with an error that are reported."""

Tell = Callable[[SweepRun, int], None]
"""Is called with each run before it is trained or resumed, and how many there are."""


def train_sweep(
    prepared: SpecExperiment,
    values: Mapping[str, Sequence[str]],
    runs: Path,
    reporter: Reporter | None = None,
    *,
    name: str | None = None,
    tell: Tell | None = None,
    **options: Any,
) -> SweepResult:
    """Train every combination of values, in a new folder under `runs`.

    Args:
        prepared: the spec and its data.
        values: by the name of a param, a setting or an option its values, as they are written in a spec.
        runs: the folder of all runs.
        reporter: called during training; its records have the `number` of the run.
        name: of the new folder; None: that of the spec with `-sweep` and a number.
        tell: called before each run.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: a name, a value or a combination is wrong (NS599), or the folder cannot be written.
    """
    points, warnings = check_sweep(prepared, values)
    combinations = [Combination(point.values_as_text, point.overrides) for point in points]
    numbers = list(range(1, len(points) + 1))
    record = SweepRecord([*values], numbers, combinations, data_checksum(prepared))
    files, settings = {**run_files(prepared), SWEEP: _text(record)}, settings_in_force(prepared)
    chosen = name or f"{prepared.compilation.name}-sweep"
    parent = Run.create(runs, chosen, files, settings, exact=name is not None)
    return _Sweep(prepared, parent, reporter or Several(), tell, options).train(warnings)


def resume_sweep(
    path: Path, reporter: Reporter | None = None, data: Any = None, *, tell: Tell | None = None, **options: Any
) -> SweepResult:
    """Complete a sweep: an interrupted run is resumed, those that have not begun are started.

    Args:
        path: its folder.
        reporter: called during training; its records have the `number` of the run.
        data: the same arrays again, for a sweep on arrays.
        tell: called before each run.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: the folder is not that of a sweep (NS599), is damaged, or the data have changed (NS478).
    """
    if repeated_by(path) != "run":
        reason = "it was not made by `netspec train --sweep`"
        raise fail(WrongSweep(case="folder", text=str(path), reason=reason, advice="see `netspec runs`"))
    spec = as_trained(path, read_compilation(path))
    if data is None:  # what is known of the data is found again, for each combination
        spec = spec.again()
    prepared = prepare(spec, data)
    if data_checksum(prepared) != read_run(path).read(SWEEP, SweepRecord).data:
        raise fail(OtherData(case="several", run=str(path), command="netspec train --sweep"))
    return _Sweep(prepared, Run.open(path), reporter or Several(), tell, options).train(prepared.warnings)


def check_same_sweep(path: Path, spec: Compilation, values: Mapping[str, Sequence[str]]) -> None:
    """A folder with a name is continued by the same command alone.

    Raises:
        CompileError: it is not a sweep, or one of other values (NS599) or of another spec (NS494).
    """
    reason = ""
    if repeated_by(path) != "run":
        reason = "it was not made by `netspec train --sweep`"
    else:
        check_same_meaning(path, spec)
        before = [one.overrides for one in read_run(path).read(SWEEP, SweepRecord).combinations]
        if before != [point.overrides for point in points_of(spec, values)]:
            reason = "it is a sweep over other values"
    if reason:
        raise fail(WrongSweep(case="folder", text=str(path), reason=reason, advice="choose another folder"))


def check_sweep(
    prepared: SpecExperiment, values: Mapping[str, Sequence[str]]
) -> tuple[list[Point], tuple[Diagnostic, ...]]:
    """Every combination of the values, and the warnings about them, once for all.

    Raises:
        CompileError: with everything that is wrong (NS599).
    """
    points = points_of(prepared.compilation, values)
    problems, warnings = Problems(), {(w.code, w.message): w for w in prepared.warnings}
    seen: set[str] = set()
    for point in points:
        try:
            experiment = load_init(prepared.with_settings(point.overrides))
        except CompileError as wrong:
            error = next(problem for problem in wrong.diagnostics if problem.is_error)
            if error.message not in seen and len(seen) < MAX_SHOWN:
                seen.add(error.message)
                shown = combination_text(point.values_as_text)
                reason, advice = f"{error.code}: {error.message}", error.hint_text
                problems.add(WrongSweep(case="fails", text=shown, reason=reason, advice=advice))
            continue
        repeated = "folds" if experiment.compilation.data.is_cross_validation else ""
        repeated = "seeds" if experiment.compilation.train.seeds > 1 else repeated
        if repeated:
            raise fail(WrongSweep(case="repeated", name=repeated))
        warnings |= {(w.code, w.message): w for w in experiment.warnings}
    problems.raise_errors()
    return points, tuple(warnings.values())


def combination_text(values: Mapping[str, str]) -> str:
    """`rate = 1e-3, width = 32`"""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _text(record: SweepRecord) -> str:
    return pretty(msgspec.to_builtins(record))


class _Sweep:
    """A sweep in progress."""

    def __init__(
        self,
        prepared: SpecExperiment,
        parent: Run,
        reporter: Reporter,
        tell: Tell | None,
        options: Mapping[str, Any],
    ) -> None:
        self.prepared, self.parent, self.tell = prepared, parent, tell
        data = prepared.loaded if prepared.is_given else None
        self.members = Members(parent, "run", reporter, options, data, shares_rate=True)

    def train(self, warnings: Sequence[Diagnostic]) -> SweepResult:
        """Train every run that has not ended, up to an interruption."""
        signal = None
        runs = read_sweep(self.parent.path).runs
        for one in runs:
            if one.state == "finished" or (one.state == "failed" and one.code):
                continue
            if self.tell is not None:
                self.tell(one, len(runs))
            failure, signal = self._train(one)
            self._write(one.number, failure)
            if signal is not None:
                break
        problems = Diagnostics([*warnings, *self.members.problems])
        return read_sweep(self.parent.path).replace(problems=problems, signal=signal)

    def _train(self, one: SweepRun) -> tuple[Failure | None, str | None]:
        """Why a run has failed, if it has, and the signal that interrupted it."""
        try:
            _, signal = self.members.train(one.number, partial(self._experiment, one))
            return None, signal
        except CompileError as error:
            first = error.diagnostics[0]
            if isinstance(first, ENDING):
                raise
            return Failure(first.code, first.message), None
        except OSError as error:
            raise fail(CannotWrite(path=str(self.parent.path), reason=reason_of(error))) from error
        except Exception as error:  # noqa: BLE001  # memory, user-defined layers: the other runs go on
            return Failure("", f"{type(error).__name__}: {reason_of(error)}"), None

    def _experiment(self, one: SweepRun) -> SpecExperiment:
        return load_init(self.prepared.with_settings(one.overrides))

    def _write(self, number: int, failure: Failure | None) -> None:
        record = read_run(self.parent.path).read(SWEEP, SweepRecord)
        failed = {n: one for n, one in record.failed.items() if n != str(number)}
        failed |= {str(number): failure} if failure is not None else {}
        result = read_sweep(self.parent.path)
        best = result.best.number if result.best is not None else None
        changed = record.replace(failed=failed, best=best, metric=result.metric)
        self.parent.write_text(SWEEP, _text(changed))
