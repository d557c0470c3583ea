"""The weights of a caffemodel: the blobs of each layer, by its name.

Numbers of the fields are those of `caffe.proto`: layers of today (`LayerParameter`, field 100) and those until 2014
(`V1LayerParameter`, field 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.interchange.configs.caffe.wire import BYTES, BadMessage, integers, message_fields, numbers, text_value
from netspec.interchange.configs.input_files import read_weights
from netspec.language.lazy import np

NET_LAYERS = {100: (1, 7), 2: (4, 6)}
"""The fields of a network that are layers, each with its fields for the name and the blobs."""
BLOB_SIZES = (1, 2, 3, 4)
"""Fields of a blob for the number of examples, the channels, the height and the width, which are older than shapes."""
BLOB_DATA, BLOB_SHAPE, BLOB_DOUBLES = 5, 7, 8
SHAPE_SIZES = 1


def read_blobs(path: Path) -> dict[str, list[Any]]:
    """The blobs of each layer, in float32, in the shapes that the file gives.

    Raises:
        CompileError: the file cannot be read, or is damaged (NS570).
    """
    data, file = read_weights(path, "Caffe")
    try:
        return _layers(memoryview(data))
    except BadMessage as bad:
        raise file.bad(f"it is not a caffemodel, or damaged: {bad}", "download it again") from None


def _layers(data: memoryview) -> dict[str, list[Any]]:
    """Of two layers of the same name, as those of training and test have it, the one with blobs counts."""
    found: dict[str, list[Any]] = {}
    for number, kind, value in message_fields(data):
        if number in NET_LAYERS and kind == BYTES:
            name, blobs = _layer(value, *NET_LAYERS[number])
            if blobs or name not in found:
                found[name] = blobs
    if not found:
        raise BadMessage("it has no layers")
    return found


def _layer(data: memoryview, name_field: int, blobs_field: int) -> tuple[str, list[Any]]:
    name, blobs = "", []
    for number, kind, value in message_fields(data):
        if number == name_field:
            name = text_value(value)
        elif number == blobs_field and kind == BYTES:
            try:
                blobs.append(_blob(value))
            except BadMessage as bad:
                raise BadMessage(f"layer `{name}`, blob {len(blobs)}: {bad}") from None
    return name, blobs


def _blob(data: memoryview) -> Any:
    sizes, old_sizes, parts = list[int](), dict[int, int](), []
    has_shape = False
    for number, kind, value in message_fields(data):
        if number in BLOB_SIZES:
            (old_sizes[number],) = integers(kind, value)[:1] or [0]
        elif number == BLOB_SHAPE and kind == BYTES:
            has_shape = True
            for inner, inner_kind, inner_value in message_fields(value):
                if inner == SHAPE_SIZES:
                    sizes += integers(inner_kind, inner_value)
        elif number in (BLOB_DATA, BLOB_DOUBLES):
            parts.append(numbers(kind, value, 4 if number == BLOB_DATA else 8))
    shape = sizes if has_shape or not old_sizes else [old_sizes.get(field, 1) for field in BLOB_SIZES]
    values = np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
    count = 1
    for size in shape:
        count *= size
    if len(shape) > MAX_AXES or (shape and count != len(values)):
        raise BadMessage(f"{len(values):,} numbers in the shape {' x '.join(map(str, shape[:MAX_AXES]))}")
    return values.reshape(shape) if shape else values


MAX_AXES = 32
"""As in Caffe."""
