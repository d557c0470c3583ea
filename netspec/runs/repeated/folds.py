"""A cross-validation: a run for each fold of the examples, trained on the others and evaluated on it.

Input: a prepared spec with `data.folds`. Output: `FoldsResult`, with the mean and the spread of each metric, and a
prediction for each example by the network that was not trained on it. The folder holds the spec as every run folder
does, `folds.json` with the metrics, `out_of_fold.csv`, and a whole run for each fold, `fold-1`, `fold-2`, …, which is
the run of `data { fold = 1 }` alone, bit for bit. The data are read once; what is learned from them, such as the
statistics of `normalize` or the values of a category, is learned from the training examples of each fold. The test
split is in no fold: it is evaluated once, with the mean of all networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from netspec.data.dataset.dataset import Dataset
from netspec.data.errors.folds import FoldsUnfit
from netspec.data.settings import folds_of
from netspec.data.splits.folds import fold_count
from netspec.language.diagnostics import Diagnostic, Diagnostics, fail
from netspec.language.record import Frozen
from netspec.runs.evaluate_predict import evaluate_ensemble
from netspec.runs.repeated.members import Members
from netspec.runs.repeated.out_of_fold import FoldPredictions, OutOfFold, join_folds, out_of_fold_csv
from netspec.runs.repeated.seed_runs import Spread, spreads
from netspec.spec.experiment import SpecExperiment, load_init, prepare, pretty, run_files, settings_in_force
from netspec.spec.saved import as_trained, load_model, read_compilation
from netspec.storage.run_files import FOLDS
from netspec.storage.run_folder import Run
from netspec.training.distributed.shared_run import shared_run
from netspec.training.loop.callback import Reporter, Several

OUT_OF_FOLD = "out_of_fold.csv"
"""The file with a prediction for each example by the network that was not trained on it."""


class FoldsResult(Frozen):
    """The result of a cross-validation.

    `run` is the folder of all folds; that of a fold is `fold-1`, `fold-2`, … in it. `netspec.load(run)` is the ensemble
    of all networks. `metrics` has those of each finished fold, by its number: those that begin with `test_` are of the
    examples of the fold, which the network was not trained on. `spreads` are their mean and spread, `ensemble` the
    metrics of the ensemble on the test split, if there is one. `out_of_fold` has the prediction for each example by the
    network that was not trained on it; None where folds differ in what they predict, or are not finished. `division`
    says how the examples were divided. `problems` are warnings, and expectations that a fold does not meet. `signal` is
    set if one interrupted the runs, which `netspec.resume_cross_validation` completes.
    """

    run: Path
    division: str
    folds: tuple[int, ...]
    metrics: Mapping[int, Mapping[str, Any]]
    spreads: Mapping[str, Spread]
    problems: tuple[Diagnostic, ...]
    ensemble: Mapping[str, Any] | None = None
    out_of_fold: Any = None
    signal: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "event": "folds" if self.signal is None else "interrupted",
            "run": str(self.run),
            "division": self.division,
            "folds": list(self.metrics),
            "metrics": {name: structs.asdict(spread) for name, spread in self.spreads.items()},
            "ensemble": self.ensemble,
        }


def train_folds(
    prepared: SpecExperiment, runs: Path, reporter: Reporter | None = None, *, name: str | None = None, **options: Any
) -> FoldsResult:
    """Train a run for each fold of `data.folds`, in a new folder under `runs`.

    Args:
        prepared: the spec and its data.
        runs: the folder of all runs.
        reporter: called during training; its records have the fold.
        name: of the new folder; None: that of the spec with a number.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: a fold does not fit the network, a loss is not finite, or the folder cannot be written.
    """
    _check_seeds(prepared)
    folds = _Folds(prepared)
    folds.check()
    files = {**run_files(prepared), FOLDS: pretty({"folds": folds.numbers, "division": folds.division})}
    chosen, settings = name or prepared.compilation.name, settings_in_force(prepared)
    parent = shared_run(lambda: Run.create(runs, chosen, files, settings, exact=name is not None))
    return folds.train(parent, reporter or Several(), options)


def resume_folds(path: Path, reporter: Reporter | None = None, data: Any = None, **options: Any) -> FoldsResult:
    """Complete the runs in a folder that `train_folds` created: an interrupted fold is resumed, others are started.

    Args:
        path: the folder.
        reporter: called during training; its records have the fold.
        data: the same arrays again, for runs on arrays.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: a folder is damaged, or the data have changed.
    """
    spec = as_trained(path, read_compilation(path))
    if data is None:  # what is known of the data is that of all examples: found again, and for each fold
        spec = spec.again()
    return _Folds(prepare(spec, data)).train(shared_run(lambda: Run.open(path)), reporter or Several(), options)


def _check_seeds(prepared: SpecExperiment) -> None:
    """Raises CompileError for several seeds (NS601)."""
    spec = prepared.compilation
    if spec.train.seeds > 1:
        assert spec.data.folds is not None
        span = spec.setting_spans("train").get("seeds")
        raise fail(FoldsUnfit(span=span, folds=fold_count(spec.data.folds), case="seeds"))


class _Folds:
    """The folds of a prepared spec."""

    def __init__(self, prepared: SpecExperiment) -> None:
        settings = prepared.compilation.data
        assert settings.folds is not None
        self.prepared = prepared
        self.numbers = list(range(1, fold_count(settings.folds) + 1))
        self.division = folds_of(settings, prepared.splits.facts).to_source()

    def check(self) -> None:
        """Raises CompileError, before the first step, where a fold does not fit the network."""
        for fold in self.numbers:
            self.prepared.with_fold(fold)

    def train(self, parent: Run, reporter: Reporter, options: Mapping[str, Any]) -> FoldsResult:
        """Train every fold that is not finished, up to an interruption, and write the record of all."""
        data = self.prepared.loaded if self.prepared.is_given else None
        members = Members(parent, "fold", reporter, options, data)
        metrics: dict[int, Mapping[str, Any]] = {}
        predictions: list[FoldPredictions] = []
        warnings = list(self.prepared.warnings)
        signal = None
        for fold in self.numbers:
            experiment = self.prepared.with_fold(fold)
            warnings += [warning for warning in experiment.warnings if warning not in warnings]
            found, signal = members.train(fold, partial(load_init, experiment))
            if signal is not None:
                break
            metrics[fold] = found
            predictions.append(FoldPredictions.of(fold, experiment, load_model(parent.path / f"fold-{fold}")))
        joined = join_folds(predictions) if signal is None else None
        result = FoldsResult(
            run=parent.path,
            division=self.division,
            folds=tuple(self.numbers),
            metrics=metrics,
            spreads=spreads(list(metrics.values())),
            problems=Diagnostics([*warnings, *members.problems]),
            out_of_fold=joined,
            signal=signal,
        )
        record = {**result.as_json(), "folds": self.numbers, "done": list(metrics)}
        parent.write_text(FOLDS, pretty(record))
        return result if signal is not None else self._finish(parent, result, joined, record, data)

    def _finish(
        self,
        parent: Run,
        result: FoldsResult,
        joined: OutOfFold | None,
        record: Mapping[str, Any],
        data: Dataset | None,
    ) -> FoldsResult:
        """Write the predictions, and evaluate all networks together on the test split, if there is one."""
        if joined is not None:
            parent.write_text(OUT_OF_FOLD, out_of_fold_csv(joined))
        if joined is None or not self._has_test:
            return result
        ensemble = evaluate_ensemble(parent.path, own=data).metrics
        result = result.replace(ensemble=ensemble)
        parent.write_text(FOLDS, pretty({**record, "ensemble": ensemble}))
        return result

    @property
    def _has_test(self) -> bool:
        return self.prepared.splits.dataset.test is not None or bool(self.prepared.compilation.data.test)


def fold_metrics(result: FoldsResult) -> Sequence[str]:
    """The names of the metrics of a cross-validation, those of the held-out examples first."""
    return sorted(result.spreads, key=lambda name: not name.startswith("test_"))
