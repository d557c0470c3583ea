"""The search itself: trials one after the other in each process, and what follows the last one.

Input: a `Search`. Output: a `SearchResult`. Any number of processes may work on one folder; the last one to end trains
the best spec with several seeds and writes the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from netspec.display.text import plural
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.runs.repeated.seed_runs import SeedsResult, resume_seeds, train_seeds
from netspec.search.best.importance import importance_of
from netspec.search.best.result import SearchResult, front_of, trial_json
from netspec.search.best.spec_text import spec_of_trial
from netspec.search.best.table import trial_line
from netspec.search.errors import AllFailed
from netspec.search.folder import Search, progress_of
from netspec.search.page.page import search_page
from netspec.search.run_trial import OutOfTime, Trainer
from netspec.search.trials.record import Trial
from netspec.search.trials.study import Study
from netspec.search.trials.workers import workers_of, working
from netspec.spec.experiment import load_init, prepare, with_overrides
from netspec.spec.saved import read_compilation
from netspec.storage.errors import CannotWrite
from netspec.storage.run_files import SEEDS
from netspec.training.loop.callback import Callback
from netspec.training.loop.signals import Interruption, listening

MAX_FAILED = 5
"""Trials that fail at the beginning before the search is given up."""

Tell = Callable[[Mapping[str, Any]], None]
"""Is called with a record when a trial ends: plain data, with its `line` for people."""


def work(search: Search, tell: Tell) -> str | None:
    """Do trials until none is left, the time is over, or a signal comes, whose name is returned.

    Raises:
        CompileError: every trial fails (NS598), or the folder cannot be written (NS477).
    """
    deadline = time.monotonic() + search.plan.seconds if search.plan.seconds is not None else None
    try:
        with listening() as interruption, working(search.folder) as worker:
            return _work(search, search.study(worker), tell, deadline, interruption)
    except OSError as error:
        raise fail(CannotWrite(path=str(search.folder), reason=reason_of(error))) from error


def _work(search: Search, study: Study, tell: Tell, deadline: float | None, interruption: Interruption) -> str | None:
    trainer = Trainer(search.compilation, search.dataset, search.plan, deadline=deadline)
    while not interruption.requested and (deadline is None or time.monotonic() < deadline):
        trial = study.ask()
        if trial is None:
            return None
        report = None
        if search.plan.pruner is not None:
            report = _report(study, trial)
        try:
            ended, signal = trainer.train(trial, report)
        except OutOfTime:
            study.finish(trial.replace(state="interrupted", reason="the time was over"))
            return None
        study.finish(ended)
        _tell(search, study, ended, tell)
        if signal is not None:
            return signal
    return interruption.signal


def _report(study: Study, trial: Trial) -> Callable[[int, float], bool]:
    return lambda epoch, value: study.report(trial, epoch, value)


def _tell(search: Search, study: Study, ended: Trial, tell: Tell) -> None:
    trials = counted(study.trials())
    best = next(iter(front_of(trials, search.plan.goals)), None)
    search.write(**progress_of(search, trials, best))
    done = sum(trial.is_over for trial in trials)
    line = trial_line(ended, search.plan.goals, done, search.plan.trials, best)
    names = [goal.name for goal in search.plan.goals]
    tell({"event": "trial", **trial_json(ended, names), "done": done, "of": search.plan.trials, "line": line})
    failed = [trial for trial in trials if trial.state == "failed"]
    if len(failed) >= MAX_FAILED and len(failed) == done:
        raise fail(all_failed(trials))


def all_failed(trials: list[Trial]) -> AllFailed:
    """The diagnostic for a search without a complete trial."""
    last = next(trial for trial in reversed(trials) if trial.state == "failed")
    advice = " ".join(f'-D "{name}={text}"' for name, text in last.overrides.items())
    reason = f"{last.code}: {last.reason}".removeprefix(": ")
    return AllFailed(count=plural(sum(t.state == "failed" for t in trials), "trial"), reason=reason, advice=advice)


def counted(trials: list[Trial]) -> list[Trial]:
    """The trials without those that are done again as others."""
    return [trial for trial in trials if trial.counts]


# ---------------------------------------------------------------- what follows


def finish(search: Search, callback: Callback | None = None, signal: str | None = None) -> SearchResult:
    """The result of a search so far. When nothing is left to do, the best spec is written and trained with several
    seeds, once, by the process that comes first.

    Raises:
        CompileError: every trial has failed (NS598), or the folder cannot be written (NS477).
    """
    study = search.study()
    trials = counted(study.trials())
    names = tuple(goal.name for goal in search.plan.goals)
    result = SearchResult(search.folder, names, tuple(trials), importance_of(search.plan.space, trials), signal=signal)
    if signal is not None or workers_of(search.folder):
        return result
    if result.best is None:
        if any(trial.state == "failed" for trial in trials):
            raise fail(all_failed(trials))
        return result
    try:
        with FileLock(search.folder / ".finish.lock"):
            return _finished(search, result, callback)
    except OSError as error:
        raise fail(CannotWrite(path=str(search.folder), reason=reason_of(error))) from error


def _finished(search: Search, result: SearchResult, callback: Callback | None) -> SearchResult:
    best = result.best
    assert best is not None
    spec = _write_specs(search, result)
    seeds = _train_best(search, best, callback) if search.plan.seeds else None
    result = result.replace(spec=spec, seeds=seeds, signal=seeds.signal if seeds is not None else None)
    search.run.write_report(search_page(search, result))
    return result


def _write_specs(search: Search, result: SearchResult) -> Path:
    """Write the spec of the best trial, and of several goals those of the front."""
    best = search.folder / "best.net"
    replace_file(best, [_spec(search, result, result.front[0], search.folder).encode()])
    if len(search.plan.goals) > 1:
        folder = search.folder / "front"
        folder.mkdir(exist_ok=True)
        for old in folder.glob("trial-*.net"):
            old.unlink()
        for trial in result.front:
            replace_file(folder / f"trial-{trial.number}.net", [_spec(search, result, trial, folder).encode()])
    return best


def _spec(search: Search, result: SearchResult, trial: Trial, folder: Path) -> str:
    values = zip(search.plan.goals, trial.goals, strict=True)
    shown = ", ".join(f"{goal.name} {goal.text(value)}" for goal, value in values)
    remark = f"Trial {trial.number} of {plural(len(result.trials), 'trial')} of {search.folder.name}: {shown}."
    return spec_of_trial(search.compilation, trial.overrides, folder, (remark,))


def _train_best(search: Search, best: Trial, callback: Callback | None) -> SeedsResult:
    """The runs of the best trial with several seeds; what is there of them already is completed, or left as it is."""
    overrides = {**best.overrides, "train.seeds": str(search.plan.seeds)}
    spec = with_overrides(search.experiment.compilation, overrides, search.dataset)
    for path in sorted(search.folder.glob(f"*/{SEEDS}")):
        if read_compilation(path.parent).overrides == spec.overrides:
            has_source = search.compilation.data.source is not None
            return resume_seeds(path.parent, callback, None if has_source else search.dataset)
    return train_seeds(load_init(prepare(spec, search.dataset)), search.folder, callback)
