"""What files cannot compute, for those who read them: names of classes, encoders, thresholds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.normalization import Normalization
from netspec.language.shape import Shape
from netspec.runs.evaluate_predict import Decoder
from netspec.spec.model import Model
from netspec.training.losses.distributions import unit_scales
from netspec.training.metrics.base import DEFAULT_THRESHOLD


def metadata_of(model: Model) -> dict[str, str]:
    """JSON by key, such as `class_names:output`; nothing for a model that was not trained."""
    preprocessing, inputs, outputs = model.preprocessing, model.inputs, model.outputs
    if preprocessing is None:
        return {}
    decoder = Decoder(model)
    found: dict[str, Any] = {
        "inputs": {name: _input(name, shape, preprocessing) for name, shape in inputs.items()},
        "outputs": {name: _output(name, shape, decoder) for name, shape in outputs.items()},
        **_named("class_names", preprocessing.class_names),
        **_named("range", {name: ends for name, ends in preprocessing.ranges.items() if not inputs[name].is_tokens}),
        **_named("columns", preprocessing.columns),
        **_named("threshold", _thresholds(model, decoder)),
        **_named("normalization", preprocessing.normalization),
        **_named("target_scaling", {name: s for name, s in output_scales(model).items() if name in outputs}),
    }
    if preprocessing.encoder is not None:
        found["encoder"] = {**msgspec.to_builtins(preprocessing.encoder)}
        found["encoder"].pop("folders", None)  # of this machine
    return {key: json.dumps(msgspec.to_builtins(value)) for key, value in found.items()}


def output_scales(model: Model) -> dict[str, Normalization]:
    """The scale of each unit of the last layer, by output; of those that predict normalized numbers."""
    scales = model.preprocessing.outputs if model.preprocessing is not None else {}
    return unit_scales(scales, model.compilation.train.loss)


def _input(name: str, shape: Shape, preprocessing: Preprocessing) -> dict[str, Any]:
    """The shape of an example, whether it has ids, and what the encoder calls this input."""
    return {"sizes": _sizes(shape), "tokens": shape.is_tokens, "from": preprocessing.raw_names.get(name, name)}


def _output(name: str, shape: Shape, decoder: Decoder) -> dict[str, Any]:
    """The shape of a prediction, and what its numbers are: probabilities of classes (`softmax`), of yes (`sigmoid`), or
    numbers, of target columns where they have names; `blank` is the id of no class in sequences of classes."""
    head, targets = decoder.heads[name], [*decoder.columns.get(name, ())]
    return {"sizes": _sizes(shape), "activation": head.activation, "blank": head.blank, "targets": targets}


def _sizes(shape: Shape) -> list[int | str]:
    return [size if isinstance(size, int) else str(size) for size in shape.sizes]


def _thresholds(model: Model, decoder: Decoder) -> dict[str, float]:
    """Those of the outputs that answer yes or no, where they were chosen or are not the usual one."""
    chosen = model.preprocessing.thresholds if model.preprocessing is not None else {}
    heads = {name: head for name, head in decoder.heads.items() if head.activation == "sigmoid"}
    found = {name: decoder.thresholds[name] for name in heads}
    return {name: t for name, t in found.items() if name in chosen or t != DEFAULT_THRESHOLD}


def _named(what: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{what}:{name}": value for name, value in values.items()}


def range_text(model: Model, name: str) -> str:
    """What the numbers of an input were like in the training: images may be from 0 to 1, or from 0 to 255."""
    ranges = model.preprocessing.ranges if model.preprocessing is not None else {}
    if name not in ranges or model.inputs[name].is_tokens:
        return ""
    low, high = ranges[name]
    return f", {low:.4g} to {high:.4g} in the training"
