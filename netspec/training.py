"""From a spec and data to a run, and from a run back to a model: compile, load data, check, train, write.

Comes in: a `Compilation` and data (or the source that the spec names). Goes out: `Result`, with the folder of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.data.arrays import from_arrays
from netspec.data.base import BadData, Dataset, Facts
from netspec.data.errors import NoData, NoSplit, SourceNotUsed
from netspec.data.normalise import Normalisation
from netspec.data.predict_inputs import CannotPredict, check_scale, read_inputs
from netspec.data.prepare import prepare_data
from netspec.data.split import Splits
from netspec.diagnostics import Diagnostic, Problems, fail
from netspec.graph.cost import rows
from netspec.graph.expect import check_measured
from netspec.heads import data_heads, input_shapes, input_spans, recipe_heads
from netspec.model import Model
from netspec.pipeline import Compilation
from netspec.source import Source
from netspec.train.evaluate import Weights, evaluate
from netspec.train.heads import HeadInfo
from netspec.train.job import Job
from netspec.train.loop import fit
from netspec.train.recipe import Recipe, make_recipe
from netspec.train.reporting import Reporter
from netspec.train.run import Run, read_run
from netspec.train.weights import fit_weights, load_weights, put_weights


@dataclass(frozen=True)
class Result:
    """A finished (or interrupted) training.

    `metrics` are those of the kept weights, `test_…` on the test split; `history` has a record for each epoch; `run` is
    the run folder; `problems` are warnings about the data and expectations that were not met.
    """

    model: Model
    run: Path
    metrics: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    seconds: float
    interrupted: bool
    problems: tuple[Diagnostic, ...]

    @property
    def epochs(self) -> int:
        return len(self.history)

    def __repr__(self) -> str:
        shown = ", ".join(f"{k} {v:.4g}" for k, v in self.metrics.items() if isinstance(v, float) and "test" in k)
        return f"<Result {self.run.name}: {self.epochs} epochs, {shown}>"


@dataclass(frozen=True)
class Prepared:
    """A spec and its data, found to fit together; nothing is trained yet."""

    compilation: Compilation
    model: Model
    splits: Splits
    recipe: Recipe
    warnings: tuple[Diagnostic, ...]

    @property
    def job(self) -> Job:
        """What the loop wants."""
        return Job(
            make_module=lambda rngs: self.model.module_class(rngs=rngs),
            recipe=self.recipe,
            inputs=list(input_shapes(self.compilation.optimised)),
            train=self.splits.train,
            val=self.splits.val,
            test=self.splits.test,
            penalties=list(_penalties(self.model)),
            shuffle=self.compilation.data.shuffle,
            locate_nonfinite=self.model.locate_nonfinite,
        )


# ---------------------------------------------------------------- before the first step


def prepare(spec: Compilation | Source, data: Any = None, overrides: Mapping[str, str] | None = None) -> Prepared:
    """Compile, load the data, and check that they fit.

    Args:
        spec: what to train.
        data: arrays (see `netspec.train`), a `Dataset`, or None for the source that the spec names.
        overrides: settings by name, such as `{"train.epochs": "3"}`.

    Raises:
        CompileError: with everything that is wrong in the spec, the settings, or the data.
    """
    dataset = _as_dataset(data)
    compilation = _with_overrides(spec, overrides or {}, dataset)
    compilation.check()
    graph = compilation.optimised
    dataset = dataset if dataset is not None else _load(compilation)
    problems = Problems()
    splits, warnings = prepare_data(
        dataset,
        compilation.data,
        input_shapes(graph),
        data_heads(graph),
        input_spans=input_spans(graph),
        source_span=compilation.setting_spans("data").get("source"),
        setting_spans=compilation.setting_spans("data"),
    )
    problems.raise_errors()
    if data is not None and compilation.data.source is not None:
        warnings.append(SourceNotUsed(span=compilation.setting_spans("data").get("source")))
    recipe = make_recipe(
        compilation.train,
        recipe_heads(graph),
        splits.facts.targets,
        has_val=splits.val is not None,
        spans=compilation.setting_spans("train"),
    )
    return Prepared(compilation, Model(compilation, seed=recipe.seed), splits, recipe, tuple(warnings))


def _as_dataset(data: Any) -> Dataset | None:
    if data is None or isinstance(data, Dataset):
        return data
    if isinstance(data, Mapping):
        data = (data["x"], data["y"], *([data["x_test"], data["y_test"]] if "x_test" in data else []))
    try:
        return from_arrays(*data)
    except BadData as bad:
        raise fail(bad.diagnostic()) from None


def _with_overrides(spec: Compilation | Source, overrides: Mapping[str, str], dataset: Dataset | None) -> Compilation:
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
    )


def _load(compilation: Compilation) -> Dataset:
    source = compilation.data.source
    if source is None:
        raise fail(NoData())
    try:
        return source.load(compilation.source.folder)
    except BadData as bad:
        compilation.report_bad_data(bad)
        compilation.problems.raise_errors()
        raise


def _penalties(model: Model) -> Iterator[tuple[tuple[str, ...], float, float]]:
    """The kernels with an L1 or L2 penalty, by their place in the module; a shared one counts once."""
    places = None
    for row in rows(model.graph):
        layer = row.node.operation
        l1, l2 = getattr(layer, "l1", 0.0), getattr(layer, "l2", 0.0)
        if not (l1 or l2) or row.frozen or row.is_shared_again:
            continue
        places = model.weight_places() if places is None else places
        yield places[(*row.path, "kernel")], l1, l2


# ---------------------------------------------------------------- training


def train_model(
    spec: Compilation | Source,
    data: Any = None,
    *,
    runs: str | Path = "runs",
    reporter: Reporter | None = None,
    **overrides: Any,
) -> Result:
    """Train a spec; see `netspec.train`."""
    from netspec.api import spell_value

    named = {key if "." in key else f"train.{key}": spell_value(value) for key, value in overrides.items()}
    return train_prepared(prepare(spec, data, named), Path(runs), reporter)


def train_prepared(prepared: Prepared, runs: Path, reporter: Reporter | None = None) -> Result:
    """Train what `prepare` has made, in a new run folder under `runs`.

    Raises:
        CompileError: the loss is not finite, or the folder cannot be written.
    """
    run = Run.create(runs, prepared.compilation.name, _run_files(prepared), settings_in_force(prepared))
    return _result(prepared, run, resume=False, reporter=reporter)


def resume_run(path: Path, reporter: Reporter | None = None, overrides: Mapping[str, str] | None = None) -> Result:
    """Go on with a run where it stopped; the result is the one that it would have had.

    Args:
        path: the run folder.
        reporter: who follows.
        overrides: `{"train.epochs": "20"}` to go on for longer.

    Raises:
        CompileError: there is no such run, it is damaged, or its data have changed.
    """
    prepared = prepare(read_compilation(path, overrides))
    return _result(prepared, Run.open(path), resume=True, reporter=reporter)


def _result(prepared: Prepared, run: Run, *, resume: bool, reporter: Reporter | None) -> Result:
    trained = fit(prepared.job, run=run, resume=resume, reporter=reporter)
    problems = Problems()
    if not trained.interrupted:
        figures = {name: value for name, value in trained.metrics.items() if isinstance(value, float)}
        check_measured(prepared.compilation.measured, figures, problems)
    prepared.model.adopt(trained.module, prepared.splits.normalisation)
    return Result(
        model=prepared.model,
        run=run.path,
        metrics=trained.metrics,
        history=trained.history,
        seconds=trained.seconds,
        interrupted=trained.interrupted,
        problems=(*prepared.warnings, *problems),
    )


def settings_in_force(prepared: Prepared) -> dict[str, Any]:
    """Every setting with its value, defaults too."""
    data = prepared.compilation.data
    return {
        "train": prepared.recipe.describe(),
        "data": {option.name: option.kind.spell(getattr(data, option.name)) for option in data.options()},
        "parts": {
            "train": len(prepared.splits.train),
            "val": len(prepared.splits.val) if prepared.splits.val is not None else 0,
            "test": len(prepared.splits.test) if prepared.splits.test is not None else 0,
        },
    }


def _run_files(prepared: Prepared) -> dict[str, str]:
    """What a run needs to be read again: the spec, what it uses, the source, and how inputs and answers are coded."""
    compilation, splits = prepared.compilation, prepared.splits
    spec = {
        "name": compilation.name,
        "file": compilation.source.name,
        "folder": str(compilation.source.folder.resolve()),
        "overrides": compilation.overrides,
        "input": compilation.input,
        "used": compilation.used_texts,
        "facts": splits.facts.as_json(),
    }
    coding = {
        "normalisation": {name: n.as_json() for name, n in splits.normalisation.items()},
        "columns": {name: list(columns) for name, columns in splits.dataset.columns.items()},
        "ranges": _ranges(splits),
        "class_names": {name: list(t.names) for name, t in splits.facts.targets.items() if t.names is not None},
    }
    return {
        "spec.net": compilation.source.text,
        "spec.json": json.dumps(spec, indent=2) + "\n",
        "coding.json": json.dumps(coding, indent=2) + "\n",
        "model.py": prepared.model.source,
        "summary.txt": prepared.model.summary() + "\n",
    }


def _ranges(splits: Splits) -> dict[str, list[float]]:
    """The smallest and the largest number of each input in training, as they were before normalising."""
    raw = splits.dataset.train.inputs
    return {name: [float(array.min()), float(array.max())] for name, array in raw.items()}


# ---------------------------------------------------------------- reading runs


@dataclass(frozen=True)
class Coding:
    """How raw inputs become those of the network, and answers get their names."""

    normalisation: Mapping[str, Normalisation]
    columns: Mapping[str, list[str]]
    ranges: Mapping[str, list[float]]
    class_names: Mapping[str, list[str]]


def read_compilation(path: Path, overrides: Mapping[str, str] | None = None) -> Compilation:
    """The spec of a run, as it was run.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    record = read_run(path)
    spec = record.json("spec.json")
    source = Source(f"{path}/spec.net", record.text("spec.net"), Path(spec["folder"]) / f"{spec['name']}.net")
    return Compilation(
        source,
        overrides={**spec["overrides"], **(overrides or {})},
        input=spec["input"],
        facts=Facts.from_json(spec["facts"]),
        used=spec["used"],
    )


def read_coding(path: Path) -> Coding:
    """How a run codes its inputs and answers."""
    coding = read_run(path).json("coding.json")
    return Coding(
        {name: Normalisation.from_json(value) for name, value in coding["normalisation"].items()},
        coding["columns"],
        coding["ranges"],
        coding["class_names"],
    )


def load_model(path: Path) -> Model:
    """The model of a run, with its best weights; see `netspec.load`."""
    model = Model(read_compilation(path))
    put_weights(model.module, load_weights(path), str(path))
    model.normalisation = read_coding(path).normalisation
    return model


# ---------------------------------------------------------------- using runs


def evaluate_run(path: Path, split: str = "test", source: str | None = None) -> dict[str, Any]:
    """Every figure of the best weights on a split of the run's data.

    Args:
        path: the run folder.
        split: `train`, `val` or `test`.
        source: another data source, as it is written in a spec.

    Raises:
        CompileError: there is no such run, it is damaged, its data are not there, or it has no such split.
    """
    prepared = prepare(read_compilation(path, {"data.source": source} if source is not None else None))
    arrays = getattr(prepared.splits, split)
    if arrays is None:
        raise fail(NoSplit(split=split, advice="the run holds nothing out for it; use another `--split`"))
    engine = prepared.job.engine()
    weights = fit_weights(load_weights(path), Weights(*engine.first_weights), str(path))
    return dict(evaluate(engine, weights, arrays, prefix=f"{split}_"))


@dataclass(frozen=True)
class Predictions:
    """What a network answers: one entry for each example, and warnings about the inputs."""

    answers: list[dict[str, Any]]
    warnings: list[Diagnostic]


def predict_run(path: Path, texts: Sequence[str]) -> Predictions:
    """What the network answers for files or rows of numbers: `{"input", "outputs": {name: …}}` for each example.

    An output with classes has `class` and `probabilities` by name; a yes/no output `answer` and the `probability` of
    `yes`, the name of the second class; others have `values`.

    Raises:
        CompileError: an input cannot be read or has another shape, or there is no such run.
    """
    import numpy as np

    model, coding = load_model(path), read_coding(path)
    if len(model.inputs) != 1:
        reason = f"the network has {len(model.inputs)} inputs ({', '.join(model.inputs)})"
        advice = "load it in Python: `netspec.load(run)(first, second)`"
        raise fail(CannotPredict(name=", ".join(texts), reason=reason, advice=advice))
    ((name, shape),) = model.inputs.items()
    batch, called = read_inputs(texts, shape, coding.columns.get(name))
    low, high = coding.ranges[name]
    warnings = check_scale(batch, called, (low, high)) if not shape.is_tokens else []
    found = model(batch)
    outputs = {k: np.asarray(v) for k, v in (found if isinstance(found, dict) else {"output": found}).items()}
    heads = recipe_heads(model.compilation.optimised)
    answers = [
        {
            "input": example,
            "outputs": {k: _answer(v[i], heads[k], coding.class_names.get(k)) for k, v in outputs.items()},
        }
        for i, example in enumerate(called)
    ]
    return Predictions(answers, warnings)


def _answer(values: Any, head: HeadInfo, names: Sequence[str] | None) -> dict[str, Any]:
    if head.activation == "softmax" and values.ndim == 1:
        shown = list(names) if names is not None else [str(i) for i in range(len(values))]
        return {"class": shown[int(values.argmax())], "probabilities": dict(zip(shown, values.tolist(), strict=True))}
    if head.activation == "sigmoid" and values.shape == (1,):
        yes = float(values[0])
        shown = list(names) if names is not None and len(names) == 2 else ["no", "yes"]
        return {"answer": shown[int(yes > 0.5)], "yes": shown[1], "probability": yes}
    return {"values": values.tolist()}
