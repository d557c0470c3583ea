"""The folder of a search, `runs/<name>-tune-<n>`.

spec.net, spec.json, …  those of a run folder
search.json             the sampler, the goals and how far the search is
trials.jsonl            every trial; with Optuna optuna.journal
workers/                a locked file for each process that works on it
best.net, front/        the spec of the best trial; of several goals those of all that are not dominated
<name>-1/               its runs with several seeds
report.html             a page about the search
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.data.dataset.dataset import Dataset
from netspec.data.errors.reading import SourceNotUsed
from netspec.language.diagnostics import Diagnostic, Problems, fail
from netspec.language.files.paths import is_file, is_folder
from netspec.language.record import Frozen
from netspec.language.source import Source
from netspec.language.text import json_text
from netspec.runs.resume import check_same_meaning
from netspec.search.checks import Plan, plan_search
from netspec.search.errors import NoSearch
from netspec.search.trials.own import OwnStudy
from netspec.search.trials.record import Trial
from netspec.search.trials.study import Study
from netspec.spec.checks import load_data
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, as_dataset, prepare, run_files, settings_in_force
from netspec.spec.saved import read_compilation
from netspec.storage.errors import OtherData
from netspec.storage.run_files import SEARCH
from netspec.storage.run_folder import Run, read_run
from netspec.training.feed.data_checksum import fingerprint
from netspec.training.feed.device import memory_for_data, set_up

FIXED = ("sampler", "pruner", "goal", "seed")
"""Settings of a search that stay the same."""


class SearchRecord(Frozen):
    """`search.json`: what was decided at the beginning, the checksum of the examples, and how far the search is."""

    sampler: str
    trials: int
    goals: tuple[str, ...]
    done: int = 0
    best: int | None = None
    values: dict[str, float] = {}
    seconds: float = 0.0
    data: str = ""


@dataclass(frozen=True)
class Search:
    """A search in its folder, with its data; nothing is trained yet."""

    run: Run
    compilation: Compilation
    experiment: SpecExperiment
    dataset: Dataset
    plan: Plan
    warnings: tuple[Diagnostic, ...] = field(default=())

    @property
    def folder(self) -> Path:
        return self.run.path

    def study(self, worker: str = "") -> Study:
        """The trials, for one of the processes that work on them."""
        if not self.plan.uses_optuna:
            return OwnStudy(self.folder, self.plan, worker)
        from netspec.search.trials.with_optuna import OptunaStudy  # an extra

        return OptunaStudy(self.folder, self.plan, worker)

    @property
    def record(self) -> SearchRecord:
        return read_run(self.folder).read(SEARCH, SearchRecord)

    def write(self, **changes: Any) -> None:
        """Change `search.json`; several processes may do so at once."""
        with FileLock(self.folder / ".record.lock"):
            self.run.write_text(SEARCH, _text(self.record.replace(**changes)))


def _text(record: SearchRecord) -> str:
    return json_text({name: getattr(record, name) for name in record.__struct_fields__})


def begin_search(compilation: Compilation, runs: Path, data: Any = None, *, folder: Path | None = None) -> Search:
    """A new search in a new folder under `runs`, or in this one, which does not exist.

    Raises:
        CompileError: something in the spec, the data or the section `tune` is wrong, or the folder cannot be written.
    """
    compilation.check()
    _check_early(compilation)
    search = _prepared(compilation, data, None)
    names = tuple(goal.name for goal in search.plan.goals)
    checksum = data_checksum(search.experiment)
    record = SearchRecord(search.plan.sampler, search.plan.trials, names, data=checksum)
    files = {**run_files(search.experiment), SEARCH: _text(record)}
    settings = settings_in_force(search.experiment)
    name, root = (f"{compilation.name}-tune", runs) if folder is None else (folder.name, folder.parent)
    run = Run.create(root, name, files, settings, exact=folder is not None)
    return Search(run, search.compilation, search.experiment, search.dataset, search.plan, search.warnings)


def open_search(
    path: Path, overrides: Mapping[str, str] | None = None, data: Any = None, *, spec: Compilation | None = None
) -> Search:
    """A search that exists, to continue it or to take part in it.

    Args:
        path: its folder.
        overrides: other settings of `tune`: more trials, another time.
        data: the arrays that it was begun with, if any.
        spec: what it must be the search of.

    Raises:
        CompileError: it is not the folder of a search, or damaged (NS597); the spec (NS494) or the data (NS478) differ
            from those that it was begun with.
    """
    if not is_folder(path) or not is_file(path / SEARCH):
        reason = "there is no such folder" if not is_folder(path) else "it has no search.json"
        raise fail(NoSearch(run=str(path), reason=reason))
    changed = {name: text for name, text in (overrides or {}).items() if name.startswith("tune.")}
    fixed = [name for name in changed if name.partition(".")[2] in FIXED]
    other = [name for name in overrides or {} if not name.startswith("tune.")]
    if fixed or other:
        raise fail(
            NoSearch(run=str(path), reason=f"`{(fixed + other)[0]}` stays as it is", advice="begin a new search")
        )
    if spec is not None:
        check_same_spec(path, spec)
    record = read_run(path).read(SEARCH, SearchRecord)
    compilation = read_compilation(path, {**changed, "tune.sampler": record.sampler})
    search = _prepared(compilation, data, Run.open(path))
    if record.data and data_checksum(search.experiment) != record.data:
        raise fail(OtherData(case="several", run=str(path), command="netspec tune"))
    if "tune.trials" in changed:
        search.write(trials=search.plan.trials)
    elif search.plan.trials != record.trials:  # as the last call said
        return Search(**{**vars(search), "plan": search.plan.replace(trials=record.trials)})
    return search


def data_checksum(experiment: SpecExperiment) -> str:
    """That of the examples, by which it is noticed that they have changed."""
    return fingerprint(experiment.train, experiment.val, experiment.test)


def _check_early(compilation: Compilation) -> None:
    """What is wrong in the section `tune`, before data are read; what depends on them is looked at again."""
    if compilation.facts is not None:
        plan_search(compilation)


def _prepared(compilation: Compilation, data: Any, run: Run | None) -> Search:
    set_up()
    dataset = as_dataset(data, compilation)
    dataset = dataset if dataset is not None else load_data(compilation, memory_for_data())
    experiment = prepare(compilation, dataset)
    warnings = tuple(w for w in experiment.warnings if data is not None or not isinstance(w, SourceNotUsed))
    plan = plan_search(experiment.compilation, experiment.recipe)
    return Search(run or Run(Path()), experiment.compilation, experiment, dataset, plan, warnings)


def is_search(path: Path) -> bool:
    """Whether a folder is that of a search."""
    return is_file(path / SEARCH)


def progress_of(search: Search, trials: list[Trial], best: Trial | None) -> dict[str, Any]:
    """What `search.json` says of how far the search is."""
    done = [trial for trial in trials if trial.counts and trial.is_over]
    values = {} if best is None else {k: v for k, v in best.metrics.items() if k.startswith("val_")}
    return {
        "done": len(done),
        "best": best.number if best is not None else None,
        "values": values,
        "seconds": round(sum(trial.seconds for trial in trials), 1),
    }


# ---------------------------------------------------------------- the spec of a search


def check_same_spec(path: Path, spec: Compilation) -> None:
    """What a search trains and what it varies may not change; comments, the number of trials and the time may.

    Raises:
        CompileError: the spec means something else (NS494), or the section `tune` has changed (NS597).
    """
    check_same_meaning(path, spec)
    before = read_compilation(path)
    texts = [_searched(one.source) for one in (before, spec)]
    for name in FIXED:
        given = [one.overrides.get(f"tune.{name}") for one in (before, spec)]
        if given[0] != given[1]:
            reason = f"`tune.{name}` stays as it is"
            raise fail(NoSearch(run=str(path), reason=reason, advice="begin a new search"))
    if texts[0] != texts[1]:
        reason = "the section `tune` of the spec has changed"
        raise fail(NoSearch(run=str(path), reason=reason, advice="begin a new search"))


def _searched(source: Source) -> list[str]:
    """The lines of the section `tune`, without comments and spaces, and without the settings that may change."""
    file = parse_source(source, Problems())
    sections = [s for s in file.statements if isinstance(s, tree.Section) and s.name.name == "tune"]
    entries = [entry for section in sections for entry in section.entries]
    kept = [e for e in entries if not isinstance(e, tree.Assign) or e.name.name in FIXED]
    return [re.sub(r'("[^"\n]*")|#[^\n]*|\s', r"\1", entry.span.text) for entry in kept]
