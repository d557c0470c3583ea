"""From a spec and data to a run: compile, load the data, check, train, write.

Input: a `Compilation` and data (or the source that the spec names). Output: `Result`, with the folder of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
from flax import nnx

from netspec.compiler.elaborate.expect import check_measured
from netspec.compiler.ir.cost import rows
from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.from_batches import given_dataset
from netspec.data.errors.sources import NoTarget
from netspec.data.errors.streaming import NeedsAllExamples
from netspec.data.load import learned_source
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.prepare_batches import BatchSplit
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import Encoder
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import CompileError, Diagnostic, Diagnostics, Problems, Unplaced, fail
from netspec.language.source import Source
from netspec.language.text import json_text
from netspec.spec.canonical import Meaning, meaning_of
from netspec.spec.checks import check_start, check_training, learn_from_training, load_data, look_again
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from netspec.spec.network_ends import input_shapes, target_columns
from netspec.storage.run_folder import Run
from netspec.training.augment.pipeline import make_augmenter
from netspec.training.distributed import rules
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.placement import check_devices
from netspec.training.distributed.processes import peers
from netspec.training.distributed.shared_run import shared_run
from netspec.training.experiment import Experiment
from netspec.training.feed.device import memory_for_data, set_up
from netspec.training.loop.callback import Reporter, Several
from netspec.training.loop.checkpointing import SAVE_SECONDS
from netspec.training.loop.fit_result import FitResult
from netspec.training.loop.loop import fit
from netspec.training.loop.trackers import trackers_of
from netspec.training.loop.warm_start import start_from
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules.build import depends_on_epoch


@dataclass(frozen=True)
class Result(FitResult):
    """A finished (or interrupted) training of a spec, with the folder of the `run`.

    `model` is the compiled network with the best or last weights; `problems` are warnings about the data and
    expectations that were not met.
    """

    run: Path
    model: Model = field(kw_only=True)
    problems: tuple[Diagnostic, ...] = field(kw_only=True)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the compiled programs: in another process `engine` is None."""
        return {**vars(self), "engine": None}

    @property
    def module(self) -> Any:
        """A live module with the weights."""
        return super().module if self.engine is not None else nnx.clone(self.model.module)

    def __repr__(self) -> str:
        shown = ", ".join(f"{k} {v:.4g}" for k, v in self.metrics.items() if isinstance(v, float) and "test" in k)
        return f"<Result {self.run.name}: {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}, {shown}>"


@dataclass(frozen=True)
class SpecExperiment(Experiment):
    """An experiment with the spec that it comes from; spec and data fit together, and nothing is trained yet."""

    compilation: Compilation = field(kw_only=True)
    model: Model = field(kw_only=True)
    splits: Splits = field(kw_only=True)
    canonical: Meaning = field(kw_only=True)
    """What the spec means, by which runs are compared."""
    warnings: tuple[Diagnostic, ...] = field(kw_only=True)
    is_initialized: bool = field(kw_only=True, default=False)
    """Whether `make_module` starts from the weights that `train.init` names."""
    is_given: bool = field(kw_only=True, default=False)
    """Whether the data do not come from the source that the spec names."""
    loaded: Dataset | None = field(kw_only=True, default=None)
    """The data as they were read, before anything was done to them, for other experiments on them."""

    def with_splits(self, splits: Splits) -> SpecExperiment:
        """The same on other examples."""
        return replace(self, splits=splits, train=splits.train, val=splits.val, test=splits.test)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How raw inputs become those of the network."""
        return Preprocessing.of(self.splits)

    def with_seed(self, seed: int) -> SpecExperiment:
        """The same with one seed, as `prepare` makes it of a spec with this seed. Weights to start from stay."""
        spec = with_overrides(self.compilation, {"train.seed": str(seed), "train.seeds": "1"}, None)
        made = _assemble(spec, self.splits, self.recipe.replace(seed=seed), ())
        return replace(made, make_module=self.make_module) if self.is_initialized else made

    def with_fold(self, fold: int) -> SpecExperiment:
        """The same with a single fold, as `prepare` makes it of a spec with this fold.

        Raises:
            CompileError: the examples of the fold do not fit.
        """
        return self.with_settings({"data.fold": str(fold)})

    def with_settings(self, overrides: Mapping[str, str]) -> SpecExperiment:
        """The same with other settings, as `prepare` makes it of a spec with them; the data are read once.

        Raises:
            CompileError: with everything that is wrong with these settings.
        """
        assert self.loaded is not None
        whole = self.compilation
        spec = whole.again(overrides, facts=whole.given_facts if self.is_given else None)
        if self.is_given:
            return prepare(spec, self.loaded)
        spec.check()
        settings = ((one.data, one.data_folder) for one in (whole, spec) if one.data.source is not None)
        sources = [learned_source(data, folder) for data, folder in settings]
        is_same = len(sources) == 2 and sources[0] == sources[1]
        return prepare(spec, loaded=self.loaded if is_same else None)


def _assemble(
    compilation: Compilation, splits: Splits, recipe: Recipe, warnings: tuple[Diagnostic, ...]
) -> SpecExperiment:
    model, shapes = Model(compilation, seed=recipe.seed), input_shapes(compilation.optimized)
    chain, canonical = compilation.data.augment, meaning_of(compilation)
    return SpecExperiment(
        make_module=lambda rngs: model.module_class(rngs=rngs),
        recipe=recipe.with_columns(target_columns(compilation.data.source, compilation.facts, [*recipe.outputs])),
        inputs=list(shapes),
        train=splits.train,
        val=splits.val,
        test=splits.test,
        penalties=list(_penalties(model)),
        shuffle=compilation.data.shuffle,
        augment=make_augmenter(chain, recipe, shapes, splits.train.inputs, splits.normalization) if chain else None,
        split_weights=partial(split_weights, model),
        locate_nonfinite=model.locate_nonfinite,
        baselines=splits.baselines,
        spec_hash=canonical.hash,
        compilation=compilation,
        model=model,
        splits=splits,
        canonical=canonical,
        warnings=warnings,
    )


# ---------------------------------------------------------------- before the first step


def prepare(
    spec: Compilation | Source,
    data: Any = None,
    overrides: Mapping[str, str] | None = None,
    preprocessing: Preprocessing | None = None,
    scaling: Mapping[str, Normalization] | None = None,
    target_scaling: Mapping[str, Normalization] | None = None,
    encoder: Encoder | None = None,
    loaded: Dataset | None = None,
) -> SpecExperiment:
    """Compile, load the data, and check that they fit.

    Args:
        spec: what to train.
        data: arrays (see `netspec.train`), a `Dataset`, or None for the source that the spec names.
        overrides: settings by name, such as `{"train.epochs": "3"}`.
        preprocessing: that of a run, which the data are then coded by.
        scaling: the statistics to normalize with; None for those of `preprocessing`, or of the training split.
        target_scaling: that of a run which is continued: its targets stay in the same scale, and those of a run that
            an older version started as they are.
        encoder: that of a run which is continued: which columns of a table it has learned from.
        loaded: the data of the source, where they were read before.

    Raises:
        CompileError: with everything that is wrong in the spec, the settings, or the data.
    """
    set_up()
    dataset = as_dataset(data, spec)
    compilation = with_overrides(spec, overrides or {}, dataset)
    if dataset is not None and dataset.passes and preprocessing is None:
        looked = look_again(compilation, dataset)
        compilation = compilation if looked is dataset else with_overrides(compilation, {}, looked)
        dataset = looked
    try:
        compilation.check()
    except CompileError as wrong:  # that the number of classes is not known follows from it
        raise CompileError([d for d in wrong.diagnostics if isinstance(d, NoTarget)] or wrong.diagnostics) from None
    encoder = preprocessing.encoder if preprocessing is not None else encoder
    loaded = dataset or loaded or load_data(compilation, memory_for_data(), encoder)
    check = partial(
        check_training,
        is_given=data is not None,
        preprocessing=preprocessing,
        scaling=scaling,
        target_scaling=target_scaling,
    )
    checked = check(compilation, loaded)
    if compilation.data.fold and dataset is None and encoder is None:
        refit = learn_from_training(compilation, checked.splits.train_index, memory_for_data())
        if refit is not None and refit.encoder != checked.splits.dataset.encoder:
            compilation = with_overrides(compilation, {}, refit)
            checked = check(compilation, refit)
    if dataset is not None and dataset.passes:
        _check_iterable(compilation, checked.recipe, dataset.passes["train"].length)
    made = _assemble(compilation, checked.splits, checked.recipe, checked.warnings)
    return replace(made, is_given=data is not None, loaded=loaded)


def _check_iterable(compilation: Compilation, recipe: Recipe, length: int | None) -> None:
    """Raises CompileError where an iterable of unknown length cannot be trained on like this (NS667)."""
    if (count := peers().count) > 1:
        raise fail(NeedsAllExamples(case="processes", option=str(count)))
    if length is None and depends_on_epoch(recipe.schedule):
        span = compilation.setting_spans("train").get("schedule")
        words = " -> ".join(word.to_source() for word in recipe.schedule)
        raise fail(NeedsAllExamples(span=span, case="schedule", option=f"schedule = {words}"))


def as_dataset(data: Any, spec: Compilation | Source | None = None) -> Dataset | None:
    """Data that are handed over, in any of the forms of `netspec.train`; a `spec` names what is a target in a batch.

    Raises:
        CompileError: they are not what they should be (NS4xx).
        TypeError: they have none of the forms.
    """
    if data is None:
        return None
    spec = Compilation(spec) if isinstance(spec, Source) else spec
    try:
        dataset = given_dataset(data, spec.output_names if spec is not None else ())
    except Unplaced as bad:
        raise fail(bad.diagnostic()) from None
    if dataset is None:
        found = f"{len(data)} of them" if isinstance(data, tuple | list) else f"a {type(data).__name__}"
        forms = "(x, y), (x, y, x_test, y_test) or a dict of these, or an iterable of batches"
        raise TypeError(f"data are {forms}, not {found}")
    return dataset


def with_overrides(spec: Compilation | Source, overrides: Mapping[str, str], dataset: Dataset | None) -> Compilation:
    """The spec with settings that replace its own, and with the facts of a data set that is already loaded."""
    facts = dataset.facts if dataset is not None else None
    if isinstance(spec, Source):
        return Compilation(spec, overrides=overrides, facts=facts)
    if not overrides and facts is None:
        return spec
    return Compilation(
        spec.source,
        overrides={**spec.overrides, **overrides},
        input=spec.input,
        facts=facts or spec.given_facts,
        used=spec.used_texts,
        given_from=None if "data.source" in overrides else spec.given_from,
    )


def _penalties(model: Model) -> Iterator[tuple[tuple[str, ...], float, float]]:
    """The weights with an L1 or L2 penalty, by their place in the module: all but biases; a shared one counts once."""
    places = None
    for row in rows(model.graph):
        layer = row.node.operation
        l1, l2 = getattr(layer, "l1", 0.0), getattr(layer, "l2", 0.0)
        if not (l1 or l2) or row.frozen or row.is_shared_again:
            continue
        places = model.weight_places() if places is None else places
        for name in row.weights:
            if not name.endswith("bias"):
                yield places[(*row.path, *name.split("."))], l1, l2


def split_weights(model: Model, mesh: Mesh) -> dict[rules.Path, rules.Axes]:
    """How the weights of a model are split over a mesh, by their place in the module."""
    if not mesh.splits_weights:
        return {}
    places = model.weight_places()
    return {places[path]: axes for path, axes in rules.weight_axes(model.graph, mesh).items()}


# ---------------------------------------------------------------- training


def load_init(experiment: SpecExperiment) -> SpecExperiment:
    """With the weights that `train.init` names, and a warning about the weights of the network that it lacks.

    Raises:
        CompileError: they cannot be read, or none of them fits the network (NS452, NS508, NS509, NS511).
    """
    check_start(experiment.compilation)
    settings, spans = experiment.compilation.train, experiment.compilation.setting_spans("train")
    if settings.init is None or experiment.is_initialized:
        return experiment
    folder, seed = experiment.compilation.source.folder, experiment.recipe.seed
    make_module, warnings = start_from(experiment.make_module, seed, settings.init, settings.init_parts, folder, spans)
    warnings = (*experiment.warnings, *warnings)
    return replace(experiment, make_module=make_module, warnings=warnings, is_initialized=True)


def train_prepared(
    experiment: SpecExperiment,
    runs: Path,
    reporter: Reporter | None = None,
    *,
    name: str | None = None,
    save_seconds: float = SAVE_SECONDS,
) -> Result:
    """Train an experiment in a new run folder under `runs`, `<spec>-<n>`, or with a name that is still free.

    Raises:
        CompileError: the loss is not finite, or the folder cannot be written.
    """
    check_devices(experiment.recipe)
    experiment = load_init(experiment)
    files, settings = run_files(experiment), settings_in_force(experiment)
    name, exact = name or experiment.compilation.name, name is not None
    run = shared_run(lambda: Run.create(runs, name, files, settings, exact=exact))
    return train_in(experiment, run, reporter=reporter, save_seconds=save_seconds)


def train_in(experiment: SpecExperiment, run: Run, *, reporter: Reporter | None = None, **options: Any) -> Result:
    """Train in a run folder that exists; `options` are those of the loop (`fit`)."""
    trackers = trackers_of(experiment.compilation.train, run.path) if peers().process == 0 else []
    callbacks = Several([*([reporter] if reporter is not None else []), *trackers])
    try:
        trained = fit(experiment, run=run, reporter=callbacks, **options)
    finally:
        callbacks.close()
    problems = Problems()
    if not trained.interrupted:
        check_measured(experiment.compilation.measured, _measured_metrics(trained), problems)
    experiment.model.adopt(
        trained.module, experiment.preprocessing.replace(thresholds=trained.thresholds, margins=trained.margins)
    )
    shown = Diagnostics((*experiment.warnings, *trained.warnings, *problems))
    return Result(**vars(trained), model=experiment.model, problems=shown)


def _measured_metrics(trained: FitResult) -> dict[str, float]:
    """The metrics of a finished training that `expect` may ask for: of the saved weights, and of the last epoch."""
    last = trained.history[-1]
    training = {f"train_{k}": v for k, v in {"loss": last["loss"], **last["metrics"]}.items() if k[:4] != "val_"}
    return {name: value for name, value in {**trained.metrics, **training}.items() if isinstance(value, float)}


def settings_in_force(experiment: SpecExperiment, *, rate_in_state: bool = False) -> dict[str, Any]:
    """Every setting with its value, defaults too; and whether the learning rate is in the state of the training."""
    data, train = experiment.compilation.data, experiment.compilation.train
    parts = {name: getattr(experiment, name) for name in ("train", "val", "test")}
    return {
        **({"rate_in_state": True} if rate_in_state else {}),
        "train": {**experiment.recipe.describe(), "init": train.init, "init_parts": list(train.init_parts)},
        "data": {option.name: option.kind.to_source(getattr(data, option.name)) for option in data.options()},
        "parts": {name: len(part or ()) for name, part in parts.items() if not isinstance(part, BatchSplit)},
    }


def pretty(record: Mapping[str, Any]) -> str:
    return json_text(record)


def run_files(experiment: SpecExperiment) -> dict[str, str]:
    """The files that a run is read from: the spec, what it uses, the source, and the preprocessing."""
    compilation, splits = experiment.compilation, experiment.splits
    spec = {
        "name": compilation.name,
        "file": compilation.source.name,
        "folder": str(compilation.source.folder.resolve()),
        "given_from": str(compilation.given_from.resolve()),
        "overrides": compilation.overrides,
        "input": compilation.input,
        "used": compilation.used_texts,
        "facts": msgspec.to_builtins(splits.facts),
    }
    return {
        "spec.net": compilation.source.text,
        "spec.json": pretty(spec),
        "meaning.json": pretty(experiment.canonical.as_json()),
        "coding.json": json.dumps(msgspec.to_builtins(experiment.preprocessing), indent=2) + "\n",
        "model.py": experiment.model.source,
        "summary.txt": experiment.model.summary() + "\n",
    }
