"""The canonical form of a spec as a run saved it: its types are checked, and references."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from netspec.spec.canonical import FORMAT, Meaning, meaning_of
from netspec.spec.saved import read_compilation
from netspec.storage.errors import damaged
from netspec.storage.run_folder import RunRecord

FILE = "meaning.json"


def read_meaning(record: RunRecord) -> Meaning:
    """The canonical form of the spec of a run when it was started; computed again for runs of an older netspec.

    Raises:
        CompileError: a file of the run is damaged (NS475).
    """
    if not os.path.lexists(record.path / FILE) or record.json(FILE).get("format") != FORMAT:
        return meaning_of(read_compilation(record.path))
    parts = record.read(FILE, _MeaningRecord)
    if (wrong := _inconsistency(parts)) is not None:
        raise damaged(record.path / FILE, wrong)
    return Meaning(**msgspec.structs.asdict(parts))


class _MeaningRecord(msgspec.Struct):
    """The fields of a `Meaning`."""

    name: str
    inputs: dict[str, str]
    layers: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    train: dict[str, Any]
    data: dict[str, Any]
    expect: list[str]
    params: dict[str, str]
    totals: dict[str, int | str]


class _LayerRecord(msgspec.Struct):
    """A layer of a `Meaning`, for types."""

    name: str
    word: str
    text: str
    options: dict[str, Any]
    inputs: list[int | str]
    mask: int | str | None
    shared: int | str | None
    shape: str
    parameters: int
    has_name: bool


def _wrong_layer(layer: Mapping[str, Any], index: int) -> str | None:
    try:
        record = msgspec.convert(layer, _LayerRecord)
    except msgspec.ValidationError as error:
        return str(error)
    if not all(_is_source(source, index) for source in (*record.inputs, record.mask, record.shared)):
        return "an input that no layer before it makes"
    return next((f"`{name}`: not a value" for name, value in record.options.items() if not _is_value(value)), None)


def _is_source(source: object, count: int) -> bool:
    """Whether it is None, the name of an input, or the index of one of the first layers."""
    return source is None or isinstance(source, str) or (type(source) is int and 0 <= source < count)


def _is_value(value: object) -> bool:
    """Whether it is a `Value`."""
    if isinstance(value, dict):
        words = isinstance(value.get("word"), str) and isinstance(value.get("text"), str)
        return words and isinstance(options := value.get("options"), dict) and all(map(_is_value, options.values()))
    return all(map(_is_value, value)) if isinstance(value, list) else isinstance(value, str)


def _inconsistency(parts: _MeaningRecord) -> str | None:
    """What is wrong with a meaning that was read from a file, or None."""
    for index, layer in enumerate(parts.layers):
        if (wrong := _wrong_layer(layer, index)) is not None:
            return f"`layers[{index}]`: {wrong}"
    for output in parts.outputs:
        padding = output.get("padding", "")
        if not (isinstance(output.get("name"), str) and isinstance(padding, str | None) and "padding" in output):
            return "`outputs`: expected `name` and `padding`"
        if output.get("from") is None or not _is_source(output["from"], len(parts.layers)):
            return "`outputs`: expected where each comes from"
    settings = [*parts.train.items(), *parts.data.items()]  # some are in both, such as `seed`
    return next((f"`{name}`: not the value of a setting" for name, v in settings if not _is_value(v)), None)
