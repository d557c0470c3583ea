"""What files cannot compute, for those who read them: names of classes, encoders, thresholds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from netspec.spec.model import Model


def metadata_of(model: Model) -> dict[str, str]:
    """JSON by key, such as `class_names:output`; nothing for a model that was not trained."""
    preprocessing, inputs, outputs = model.preprocessing, model.inputs, model.outputs
    if preprocessing is None:
        return {}
    found: dict[str, Any] = {
        **_named("class_names", preprocessing.class_names),
        **_named("range", {name: ends for name, ends in preprocessing.ranges.items() if not inputs[name].is_tokens}),
        **_named("columns", preprocessing.columns),
        **_named("threshold", {name: t for name, t in preprocessing.thresholds.items() if name in outputs}),
        **_named("normalization", preprocessing.normalization),
        **_named("target_scaling", {name: s for name, s in preprocessing.outputs.items() if name in outputs}),
    }
    if preprocessing.encoder is not None:
        found["encoder"] = {**msgspec.to_builtins(preprocessing.encoder)}
        found["encoder"].pop("folders", None)  # of this machine
    return {key: json.dumps(msgspec.to_builtins(value)) for key, value in found.items()}


def _named(what: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{what}:{name}": value for name, value in values.items()}


def range_text(model: Model, name: str) -> str:
    """What the numbers of an input were like in the training: images may be from 0 to 1, or from 0 to 255."""
    ranges = model.preprocessing.ranges if model.preprocessing is not None else {}
    if name not in ranges or model.inputs[name].is_tokens:
        return ""
    low, high = ranges[name]
    return f", {low:.4g} to {high:.4g} in the training"
