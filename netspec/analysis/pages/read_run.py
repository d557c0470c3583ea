"""A run as the sections of a page read it: each of its files once, and only those that are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Dataset
from netspec.data.errors.streaming import NeedsAllExamples
from netspec.display.charts.history import RunHistory
from netspec.display.metric_text import numbers_of, plain_metrics
from netspec.language.diagnostics import CompileError, fail
from netspec.runs.catalog import RunInfo, look_at
from netspec.runs.evaluate_predict import prepared_run
from netspec.spec.canonical import Meaning
from netspec.spec.checks import load_data
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, as_dataset
from netspec.spec.saved import SpecRecord, read_compilation, read_preprocessing
from netspec.spec.saved_meaning import read_meaning
from netspec.spec.trained_data import trained_data
from netspec.storage.errors import ChangedData
from netspec.storage.run_files import is_run, member_folders
from netspec.storage.run_folder import RunRecord, read_run
from netspec.training.control.best_epoch import best_epoch


@dataclass(frozen=True)
class Expected:
    """Something that a spec expects, such as `test_accuracy >= 99%`: the name and the number that it is about, which is
    None where it is not known."""

    text: str
    name: str
    value: float | None
    is_met: bool


@dataclass(frozen=True)
class ReadRun:
    """A run folder, with its row in a table of runs.

    Args:
        path: the folder; it may still be trained.
        label: what it is called; empty: as its folder.
        data: the arrays that it was trained on, where its spec names no source.
    """

    path: Path
    label: str = ""
    data: Any = field(default=None, compare=False, repr=False)

    @cached_property
    def record(self) -> RunRecord:
        """Its settings, its epochs and its end.

        Raises:
            CompileError: it is not a run, or is damaged, as with all that follow.
        """
        return read_run(self.path)

    @cached_property
    def info(self) -> RunInfo:
        return look_at(self.path)

    @cached_property
    def spec(self) -> SpecRecord:
        """Where its spec comes from, and what was given with it."""
        return self.record.read("spec.json", SpecRecord)

    @cached_property
    def compilation(self) -> Compilation:
        """Its spec, as it was trained."""
        found = read_compilation(self.path)
        found.check()
        return found

    @cached_property
    def dataset(self) -> Dataset:
        """The data that it was trained on, for all sections that show them.

        Raises:
            CompileError: they cannot be read any more.
        """
        if (given := as_dataset(self.data)) is not None:
            if given.passes:
                raise fail(NeedsAllExamples(case="page", option="report"))
            return given
        trained = self._trained  # a fold has learned from some of the examples alone
        spec = self.compilation if trained == self.path else read_compilation(trained)
        return load_data(spec, encoder=read_preprocessing(trained).encoder)

    @cached_property
    def experiment(self) -> SpecExperiment:
        """The run with its data as they are now, coded as in the training; of several seeds the first.

        Raises:
            CompileError: they cannot be read any more, or do not fit the network.
        """
        return prepared_run(self._trained, self.dataset)

    @property
    def _trained(self) -> Path:
        """The run that has checkpoints, of several seeds the first."""
        return next((member for member in member_folders(self.path) if is_run(member)), self.path)

    @cached_property
    def changes(self) -> tuple[ChangedData, ...]:
        """A warning where the data are not those that it was trained on; none where they cannot be read."""
        try:
            self.dataset  # noqa: B018
        except CompileError:
            return ()
        try:
            return trained_data(self._trained).changes(self.experiment)
        except CompileError as error:
            return (ChangedData(run=str(self.path), case="unfit", counts=error.diagnostics[0].message),)

    @cached_property
    def meaning(self) -> Meaning:
        return read_meaning(self.record)

    @property
    def name(self) -> str:
        return self.label or self.path.name

    @property
    def train(self) -> dict[str, Any]:
        """The settings of the training that are in force."""
        found: dict[str, Any] = self.record.settings.get("train", {})
        return found

    @property
    def counts(self) -> dict[str, int]:
        """The examples of each split that is not empty: `train`, `val`, `test`."""
        return {name: count for name, count in self.record.settings.get("parts", {}).items() if count}

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the best weights, so far; None where the weights of the last one are kept."""
        return best_epoch(self.record)

    @property
    def history(self) -> RunHistory:
        return RunHistory(self.name, self.record.history, self.best_epoch)

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the best weights that are single numbers, without those that repeat the loss."""
        return numbers_of(self.info.metrics)

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """By name, the metrics of what predicts without a network, such as the last value of a series, on the split
        that is held out; of several seeds or folds, which may hold out different examples, none."""
        done = self.record.done
        return done.get("baselines", {}) if done is not None and not self.info.members else {}

    @property
    def expectations(self) -> list[Expected]:
        """What the spec of a finished run expects; what is known before the training was checked then."""
        if self.info.state != "finished":
            return []
        found = []
        for text in self.meaning.expect:
            name = text.partition(" ")[0].removeprefix("train_")
            measured = next((e for e in self.compilation.measured if [e.name, e.operator] == text.split()[:2]), None)
            known = self.info.metrics if measured is not None else {"params": self.info.parameters}
            value = known.get(name)
            is_met = measured is None or (value is not None and measured.check(value, "") is None)
            found.append(Expected(text, name, value, is_met))
        return found

    @property
    def main_metric(self) -> str | None:
        """The most important metric, without its split; None before the first epoch."""
        names = [name.removeprefix("val_").removeprefix("test_") for name in self.metrics]
        return next(iter(plain_metrics(dict.fromkeys(names))), "loss" if names else None)
