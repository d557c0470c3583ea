"""Evaluation and inference with the network of a run, or with a model: metrics on a split, predictions for examples.

Input: a run folder or a `Model`. Output: metrics, or `Predictions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import BLANK
from netspec.data.errors.network import InputUnlikeData
from netspec.data.errors.prediction import NoBeams
from netspec.data.errors.reading import NoData, NoSplit
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import raw_inputs
from netspec.data.predict.rows import RawInputs
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import CompileError, Diagnostic, fail
from netspec.language.record import Frozen
from netspec.runs.labeled_data import labeled_data
from netspec.runs.predictions.intervals import intervals_of, with_times
from netspec.runs.predictions.predictions import Predictions
from netspec.runs.predictions.transcripts import beam_search, best_path
from netspec.runs.repeated.ensemble import (
    Ensemble,
    finished_folds,
    is_folds_run,
    load_models,
    mean_margins,
    mean_outputs,
)
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, prepare, with_overrides
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads, target_columns
from netspec.spec.saved import as_trained, read_compilation, read_preprocessing
from netspec.spec.trained_data import SPLITS, TrainedData, trained_data
from netspec.storage.tree_paths import Weights
from netspec.storage.weights import check_one_run, fit_weights, load_weights, weights_of
from netspec.training.control.threshold import number_of
from netspec.training.errors.intervals import NoIntervals
from netspec.training.loop.baselines import baselines_of
from netspec.training.loop.evaluate import evaluate, measure_outputs, predict_split
from netspec.training.losses import Loss, loss_for
from netspec.training.losses.ctc import Ctc
from netspec.training.losses.distributions import Distribution, restored
from netspec.training.metrics.base import DEFAULT_THRESHOLD
from netspec.training.step.engine import Engine

BATCH = 500
"""Examples that are predicted together, so that a large table takes no more memory than a small one."""


WITHOUT_FOLDS = {"data.folds": "by_time(2)", "data.fold": "0"}
"""Settings for other data than those of a cross-validation: no fold is held out, and no column is needed for it."""


class Evaluation(Frozen):
    """Every metric on a split, how many examples it has, and what they are in words; `baselines` has by name the same
    metrics of forecasts without a network, where there are any."""

    metrics: dict[str, Any]
    split: str
    examples: int
    what: str
    warnings: tuple[Diagnostic, ...] = ()
    baselines: dict[str, dict[str, Any]] = {}


def evaluate_model(run: Path | Model, data: Any, split: str) -> Evaluation:
    """Every metric on a split; see `netspec.evaluate`."""
    if isinstance(run, Ensemble):
        run = run.path
    if isinstance(run, Path) and is_folds_run(run):
        return evaluate_ensemble(run, data, split)
    if isinstance(run, Model):
        spec, preprocessing, weights = run.compilation, run.preprocessing, weights_of(run.module)
    else:
        check_one_run(run)
        spec, preprocessing = as_trained(run, read_compilation(run)), read_preprocessing(run)
    overrides = _same_classes(spec, preprocessing)
    if data is None and spec.data.source is None:
        raise fail(NoData(case="evaluation"))
    what = f"the {SPLITS[split]} split"
    warnings: Sequence[Diagnostic] = ()
    if data is not None:
        given = labeled_data(with_overrides(spec, overrides, None), data, preprocessing)
        what = f"the test split of {given.dataset.name}"
        if given.is_whole:
            if split != "test":
                raise fail(NoSplit(split=split, advice="these data are evaluated whole: leave out the split"))
            what, overrides = given.dataset.name, overrides | ({"data.val": "1"} if spec.has_val else {})
        overrides = overrides | (WITHOUT_FOLDS if spec.data.folds is not None else {})
        data, warnings = given.dataset, given.warnings
    prepared = _prepared(spec, preprocessing, data, overrides)
    arrays = getattr(prepared.splits, split)
    if arrays is None:
        raise fail(NoSplit(split=split, advice="the data hold nothing out for it; use another `--split`"))
    if data is None and (trained := _trained_on(run)) is not None:
        warnings = trained.changes(prepared)
    engine = Engine(prepared)
    if not isinstance(run, Model):
        weights = fit_weights(load_weights(run), Weights(*engine.first_weights), str(run))
    metrics = dict(evaluate(engine, weights, arrays, prefix=f"{split}_"))
    baselines = baselines_of(engine.recipe, prepared, split)
    return Evaluation(metrics, split, len(arrays), what, tuple(warnings), baselines)


def evaluate_ensemble(run: Path, data: Any = None, split: str = "test", own: Any = None) -> Evaluation:
    """Every metric of the mean of the networks of a cross-validation, on its test split or on other data.

    Args:
        run: the folder of the cross-validation.
        data: other data, as for `netspec.evaluate`.
        split: only the test split is in no fold.
        own: the arrays that it was trained on, for one on arrays.

    Raises:
        CompileError: it has no test split, is not finished or damaged, or the data do not fit.
    """
    advice = f"each example is in a fold: evaluate one, such as `{run}/fold-1`, or other data"
    if split != "test":
        raise fail(NoSplit(split=split, advice=advice))
    what, warnings = "the test split", list[Diagnostic]()
    parts, first = [], None
    for fold in finished_folds(run):
        spec, preprocessing = as_trained(fold, read_compilation(fold)), read_preprocessing(fold)
        overrides, dataset = {**_same_classes(spec, preprocessing), "data.fold": "0"}, own
        if data is None and own is None and spec.data.source is None:
            raise fail(NoData(case="evaluation"))
        if data is not None:
            given = labeled_data(with_overrides(spec, overrides, None), data, preprocessing)
            overrides |= {**WITHOUT_FOLDS, **({"data.val": "1"} if spec.data.val and given.is_whole else {})}
            what = given.dataset.name if given.is_whole else f"the test split of {given.dataset.name}"
            dataset = given.dataset
            warnings += [warning for warning in given.warnings if warning not in warnings]
        prepared = _prepared(spec, preprocessing, dataset, overrides)
        arrays, engine = prepared.splits.test, Engine(prepared)
        if arrays is None:
            raise fail(NoSplit(split=split, advice=advice))
        weights = fit_weights(load_weights(fold), Weights(*engine.first_weights), str(fold))
        parts.append(
            {
                name: restored(
                    prepared.recipe.outputs[name].loss, y.astype(np.float64), preprocessing.outputs.get(name)
                )
                for name, y in predict_split(engine, weights, arrays).items()
            }
        )
        first = first or (engine, prepared, preprocessing)
    assert first is not None
    engine, prepared, preprocessing = first
    arrays = prepared.splits.test
    assert arrays is not None
    means = mean_outputs(parts)
    losses = {name: output.loss for name, output in engine.recipe.outputs.items()}
    scaled = {k: _normalized(losses[k], y, preprocessing.outputs.get(k)) for k, y in means.items()}
    margins = mean_margins([read_preprocessing(fold).margins for fold in finished_folds(run)])
    engine.recipe = engine.recipe.with_margins(margins)
    metrics = dict(measure_outputs(engine, scaled, arrays, prefix="test_"))
    baselines = baselines_of(engine.recipe, prepared, split)
    return Evaluation(metrics, split, len(arrays), what, tuple(warnings), baselines)


def _normalized(loss: Loss, outputs: Any, scale: Normalization | None) -> Any:
    """The reverse of `restored`."""
    if isinstance(loss, Distribution):
        return loss.logits(outputs, scale)
    return outputs if scale is None else scale.apply(outputs)


def _trained_on(run: Path | Model) -> TrainedData | None:
    return run.trained_on if isinstance(run, Model) else trained_data(run)


def prepared_run(run: Path, data: Any = None) -> SpecExperiment:
    """A run as it was trained, with its data (given ones, where its spec names no source) and the thresholds of its
    outputs.

    Raises:
        CompileError: there is no such run, it is damaged, or its data cannot be read.
    """
    spec, preprocessing = as_trained(run, read_compilation(run)), read_preprocessing(run)
    if data is None and spec.data.source is None:
        raise fail(NoData(case="evaluation"))
    return _prepared(spec, preprocessing, data, _same_classes(spec, preprocessing))


def open_run(run: Path, data: Any = None, prepared: SpecExperiment | None = None) -> tuple[SpecExperiment, Weights]:
    """A run as `prepared_run` gives it (`prepared`, where that was called before), and its weights.

    Raises:
        CompileError: as `prepared_run`.
    """
    prepared = prepared_run(run, data) if prepared is None else prepared
    return prepared, fit_weights(load_weights(run), Weights(*Engine(prepared).first_weights), str(run))


def _prepared(
    spec: Compilation, preprocessing: Preprocessing | None, data: Any, overrides: Mapping[str, str]
) -> SpecExperiment:
    """A spec with data that are coded as those of the training were, and with the thresholds of the run."""
    try:
        prepared = prepare(spec, data, overrides, preprocessing=preprocessing)
    except CompileError as error:  # the spec of a run is fixed
        hinted = (structs.replace(d, case="run") if isinstance(d, InputUnlikeData) else d for d in error.diagnostics)
        raise CompileError(hinted) from None
    known = preprocessing if preprocessing is not None else Preprocessing()
    recipe = prepared.recipe.with_thresholds(known.thresholds).with_margins(known.margins)
    return replace(prepared, recipe=recipe)


def _same_classes(spec: Compilation, preprocessing: Preprocessing | None) -> dict[str, str]:
    """The labels of the run in the place of `class_ids = auto`: other data may lack some of them."""
    names = list(preprocessing.class_names.values()) if preprocessing is not None else []
    if spec.data.class_ids != "auto" or len(names) != 1:
        return {}
    return {"data.class_ids": f"[{', '.join(names[0])}]"}


def predict_examples(
    run: Path | Model,
    inputs: Any,
    batch: int = BATCH,
    *,
    every_window: bool = False,
    level: float | None = None,
    beams: int = 1,
) -> Predictions:
    """The predictions for arrays, files, rows or texts, `batch` at a time, with intervals of a level; see
    `netspec.predict`."""
    model = run if isinstance(run, Model) else load_models(run)
    decoder = Decoder(model, level, beams)
    raw = raw_inputs(inputs, model.inputs, model.preprocessing or Preprocessing(), every=every_window)
    return decoder.predictions(raw, _outputs(model, raw.arrays, batch))


class Decoder:
    """What the outputs of a model mean: its classes, thresholds and target columns, found once for many predictions.

    Args:
        model: a trained model.
        level: that of the intervals of numbers; None: the usual one, where there are intervals.
        beams: of a network trained with `ctc`, the beginnings that a beam search keeps; 1: the best class at each step.

    Raises:
        CompileError: it has no interval of this level (NS651, NS652).
    """

    def __init__(self, model: Model, level: float | None = None, beams: int = 1) -> None:
        spec, preprocessing = model.compilation, model.preprocessing or Preprocessing()
        heads = output_heads(spec.optimized, spec.train.loss)
        losses = {name: loss_for(name, spec.train.loss) for name in heads}
        blanks = {name: heads[name].replace(blank=loss.blank) for name, loss in losses.items() if isinstance(loss, Ctc)}
        self.model, self.heads, self.names = model, {**heads, **blanks}, preprocessing.class_names
        self.thresholds = {**dict.fromkeys(heads, number_of(spec.train.threshold)), **preprocessing.thresholds}
        self.columns = target_columns(spec.data.source, spec.facts, [*model.outputs])
        self.beams = beams
        if beams > 1 and not blanks:
            raise fail(NoBeams())
        self.intervals, self.level = intervals_of(spec, preprocessing, heads), level
        if level is not None:
            if not self.intervals:
                are_numbers = any(head.activation == "linear" for head in heads.values())
                raise fail(NoIntervals(case="point" if are_numbers and not self.names else "classes"))
            for intervals in self.intervals.values():
                intervals.check_level(level)

    def predictions(self, raw: RawInputs, outputs: Mapping[str, Any]) -> Predictions:
        """The predictions for some examples, from the arrays that the network gives for them."""
        if raw.last is not None:
            outputs = {
                k: v if self.heads[k].blank is not None else np.stack([r[i] for r, i in zip(v, raw.last, strict=True)])
                for k, v in outputs.items()
            }
        described = {k: self.intervals[k].of(v) for k, v in outputs.items() if k in self.intervals}
        outputs = {k: described[k].points if k in described else v for k, v in outputs.items()}
        shown = {k: [self._in_words(k, one) for one in v] for k, v in outputs.items()}
        for name, each in described.items():
            shown[name] = [{**one, **each.shown(i, self.level)} for i, one in enumerate(shown[name])]
        if raw.forecasts is not None and len(shown) == 1:
            ((output, found),) = shown.items()
            shown[output] = [with_times(one, at) for one, at in zip(found, raw.forecasts, strict=True)]
        examples = [{"input": name, "outputs": {k: v[i] for k, v in shown.items()}} for i, name in enumerate(raw.names)]
        crossed = [warning for one in described.values() for warning in one.crossed("examples")]
        warnings = [*raw.warnings, *crossed]
        return Predictions(outputs, examples, warnings, self.model, raw.table, self.columns, raw.forecasts, described)

    def _in_words(self, name: str, values: Any) -> dict[str, Any]:
        columns = self.columns.get(name, ())
        head, names = self.heads[name], self.names.get(name)
        if head.blank is not None and values.ndim > 1:
            return self._transcript(values, head, head.blank, names)
        return _in_words(values, head, names, columns, self.thresholds[name])

    def _transcript(self, values: Any, head: OutputHead, blank: int, names: Sequence[str] | None) -> dict[str, Any]:
        """The sequence that the classes of the steps spell: a text, where they are characters."""
        if self.beams > 1:
            chances = values if head.activation == "softmax" else np.exp(values - values.max(axis=-1, keepdims=True))
            ids = beam_search(chances / chances.sum(axis=-1, keepdims=True), blank, self.beams)
        else:
            ids = best_path(values, blank)
        shown = names if names is not None else [str(i) for i in range(values.shape[-1])]
        found = [shown[i] for i in ids]
        return {"text": "".join(found)} if names is not None and names[0] == BLANK else {"classes": found}


def _outputs(model: Model, arrays: Mapping[str, Any], size: int) -> dict[str, Any]:
    """The outputs for all examples, by name."""
    parts = []
    for batch, count in batches([arrays[name] for name in model.inputs], size):
        parts.append({name: values[:count] for name, values in model.predictions(*batch).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def batches(arrays: Sequence[Any], size: int) -> Iterator[tuple[list[Any], int]]:
    """Batches of one size, the last one filled up with copies of its first example, and how many of each count."""
    total = len(arrays[0])
    size = min(size, total)
    for begin in range(0, total, size):
        parts = [array[begin : begin + size] for array in arrays]
        count = len(parts[0])
        yield [np.concatenate([p, np.repeat(p[:1], size - count, axis=0)]) if count < size else p for p in parts], count


def is_mask(head: OutputHead, names: Sequence[str] | None) -> bool:
    """Whether an output is a class for each pixel: by a softmax, or yes or no where the two classes have names."""
    is_binary = head.activation == "sigmoid" and head.units == 1 and names is not None and len(names) == 2
    return len(head.sizes) == 3 and head.blank is None and (head.activation == "softmax" or is_binary)


def mask_of(values: Any, threshold: float = DEFAULT_THRESHOLD) -> Any:
    """The class ids of probabilities (… x height x width x classes, or x 1 of yes), without the last axis."""
    if values.shape[-1] == 1:
        return (values[..., 0] > np.float32(threshold)).astype(np.int32)
    return values.argmax(axis=-1).astype(np.int32)


def _in_words(
    values: Any, head: OutputHead, names: Sequence[str] | None, columns: Sequence[str], threshold: float
) -> dict[str, Any]:
    """The prediction of an output for one example: `names` are those of its classes, `columns` those of its target
    columns, `threshold` is that of a yes/no output."""
    if is_mask(head, names):
        ids = mask_of(values, threshold)
        called = names if names is not None else [str(i) for i in range(max(values.shape[-1], 2))]
        areas = np.bincount(ids.reshape(-1), minlength=len(called)) / ids.size
        return {"mask": ids, "areas": dict(zip(called, areas.tolist(), strict=True))}
    if head.activation == "softmax" or head.blank is not None:
        shown = list(names) if names is not None else [str(i) for i in range(values.shape[-1])]
        if values.ndim > 1:
            return {"classes": [shown[i] for i in values.argmax(axis=-1).reshape(-1).tolist()]}
        ranked = dict(zip(shown, values.tolist(), strict=True))
        return {"class": shown[int(values.argmax())], "probabilities": ranked}
    if head.activation == "sigmoid" and values.shape == (1,):
        yes = float(values[0])
        shown = list(names) if names is not None and len(names) == 2 else ["no", "yes"]
        answer = shown[int(values[0] > np.float32(threshold))]
        probabilities = dict(zip(shown, (1 - yes, yes), strict=True))
        chosen = {"threshold": threshold} if threshold != DEFAULT_THRESHOLD else {}
        facts = {"answer": answer, "yes": shown[1], "no": shown[0], "probability": yes, **chosen}
        return {**facts, "probabilities": probabilities}
    if head.activation == "sigmoid" and names is not None and values.shape == (len(names),):
        return {"values": values.tolist(), "tags": dict(zip(names, values.tolist(), strict=True))}
    if values.shape == (len(columns),):
        return {"values": values.tolist(), "targets": dict(zip(columns, values.tolist(), strict=True))}
    return {"values": values.tolist()}
