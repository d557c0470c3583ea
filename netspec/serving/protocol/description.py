"""What a model takes and gives, as plain data: for the page in the browser, for OpenAPI, and for programs.

Input: a `Served` model. Output: JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.predict.rows import row_encoder
from netspec.data.transforms.columns import Column
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder, TextEncoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.serving.models.served import Served
from netspec.serving.protocol.inference import model_metadata


def describe(served: Served, versions: Sequence[str]) -> dict[str, Any]:
    """The metadata of the Open Inference Protocol, and what an example is: an `image`, a `sound`, a `row` with
    `columns`, a `text`, or `numbers`."""
    metadata = model_metadata(served, versions)
    found: dict[str, Any] = {
        "name": served.name,
        "version": served.version,
        "versions": [*versions],
        "takes": _kind(served),
    }
    encoder = served.preprocessing.encoder
    if isinstance(encoder, RowEncoder) and encoder.only_text is not None:
        coder = encoder.texts[encoder.only_text]
        found["text"] = {"unit": coder.unit.removesuffix("s"), "length": coder.length}
    elif served.takes_rows:
        found["columns"] = _columns(served)
    elif served.takes_images:
        found["image"] = _image(served)
    elif isinstance(encoder, SoundEncoder):
        found["sound"] = {"rate": encoder.rate, "seconds": encoder.seconds}
    elif isinstance(encoder, TextEncoder):
        found["text"] = {"unit": "character" if encoder.by == "char" else "word", "length": encoder.length}
    if served.generator is not None:
        found["generates"] = {"ids": served.generator.ends.vocabulary, "steps": served.generator.ends.max_steps}
    names = served.preprocessing.class_names
    outputs = [
        {**output, **({"classes": [*names[output["name"]]]} if output["name"] in names else {})}
        for output in metadata["outputs"]
    ]
    return {**found, "inputs": metadata["inputs"], "outputs": outputs}


def _kind(served: Served) -> str:
    kinds = {"text": served.takes_text, "sound": served.takes_sounds, "row": served.takes_rows}
    return next((kind for kind, takes in kinds.items() if takes), "image" if served.takes_images else "numbers")


def _image(served: Served) -> dict[str, Any]:
    """The size of the images; None where it is any."""
    encoder = served.preprocessing.encoder
    sizes = encoder.shape.sizes if isinstance(encoder, ImageEncoder) else next(iter(served.inputs.values())).sizes
    height, width, channels = (size if isinstance(size, int) else None for size in sizes)
    return {"height": height, "width": width, "channels": channels}


def _columns(served: Served) -> list[dict[str, Any]]:
    """The columns of an example, with what is known of their values."""
    rows = row_encoder(served.inputs, served.preprocessing)
    return [_column(column, rows, served) for column in rows.columns]


def _column(column: Column, rows: RowEncoder, served: Served) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if column.values is not None:
        found["values"] = [*column.values]
    if column.kind == "set":
        found["separator"] = column.separator
    if column.dates is not None:
        found["format"] = column.dates.format
    if column.kind == "number":
        found |= _statistics(column, rows, served)
    return found


def _statistics(column: Column, rows: RowEncoder, served: Served) -> dict[str, float]:
    """The mean and the standard deviation of a number in the training data, where its input was normalized."""
    features = rows.feature_names()
    for name, raw_name in (served.preprocessing.raw_names or dict.fromkeys(served.inputs, rows.main_input)).items():
        scale, names = served.preprocessing.normalization.get(name), features.get(raw_name, ())
        if scale is not None and column.name in names and len(scale.mean) == len(names) == len(scale.std):
            position = names.index(column.name)
            return {"mean": scale.mean[position], "std": scale.std[position]}
    return {}
