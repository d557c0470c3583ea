"""The inputs and outputs of the file: raw values go in, and values in the units of the targets come out.

What is arithmetic of the preprocessing is part of the graph: missing numbers are filled in, inputs are normalized,
normalized targets are converted back. What is not (names of classes, encoders of texts and categories, thresholds) is
in the metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.transforms.normalization import Normalization
from netspec.interchange.onnx.writer import DOUBLE, FLOAT, INT64, Site, Value, Writer
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Shape


class End(Frozen):
    """An input or output of the file: its type (`TensorProto.DataType`), and its sizes without the batch."""

    name: str
    type: int
    sizes: tuple[int | str, ...]


def open_input(
    writer: Writer, name: str, shape: Shape, scale: Normalization | None, *, channels_first: bool
) -> tuple[End, Value]:
    """Declare an input and normalize it.

    Args:
        writer: what is written to.
        name: the name in the spec.
        shape: the shape of one example.
        scale: the statistics to normalize with; None to take the numbers as they are.
        channels_first: whether images and volumes are given channels first.
    """
    value = Value(name, shape, channels_first and shape.rank > 2)
    if scale is None:
        return End(name, INT64 if shape.is_tokens else FLOAT, sizes_of(value)), value
    kind = np.float64 if scale.double else np.float32
    site = Site(writer, f"{name}/normalization")

    def numbers(given: Sequence[float], what: str) -> str:
        return site.constant(_spread(given, value, kind), what)

    y = name
    if scale.fill is not None:
        y = site.op("Where", site.op("IsNaN", y), numbers(scale.fill, "fill"), y)
    y = site.op("Div", site.op("Sub", y, numbers(scale.mean, "mean")), numbers(scale.std, "std"))
    y = site.op("Cast", y, to=FLOAT) if scale.double else y
    end = End(name, DOUBLE if scale.double else FLOAT, sizes_of(value))
    return end, Value(y, shape, value.channels_first)


def close_output(
    writer: Writer, name: str, y: Value, scale: Normalization | None, *, channels_first: bool
) -> tuple[End, str]:
    """Declare an output; the tensor that has it, in the units of the targets.

    Args:
        writer: what is written to.
        name: the name in the spec.
        y: what the network gives.
        scale: the statistics that the targets were normalized with, if they were.
        channels_first: whether images and volumes are given channels first.
    """
    y = writer.first(y) if channels_first and y.rank > 2 else writer.last(y)
    if scale is None:
        return End(name, FLOAT, sizes_of(y)), y.name
    kind = np.float64 if scale.double else np.float32
    site = Site(writer, f"{name}/target_scaling")
    found = site.op("Cast", y.name, to=DOUBLE) if scale.double else y.name
    found = site.op("Mul", found, site.constant(_spread(scale.std, y, kind), "std"))
    found = site.op("Add", found, site.constant(_spread(scale.mean, y, kind), "mean"))
    return End(name, DOUBLE if scale.double else FLOAT, sizes_of(y)), found


def _spread(numbers: Sequence[float], value: Value, kind: Any) -> Any:
    """Numbers of the channels, to be broadcast over a tensor."""
    array = np.array(numbers, kind)
    return array.reshape(-1, *[1] * (value.rank - 1)) if value.channels_first else array


def sizes_of(value: Value) -> tuple[int | str, ...]:
    """The sizes of one example in the order of the file; those that are not known by their formula."""
    sizes = value.shape.sizes
    order = (sizes[-1], *sizes[:-1]) if value.channels_first else sizes
    return tuple(size if isinstance(size, int) else str(size) for size in order)
