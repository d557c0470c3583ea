"""What a function that reads a layer is given, and the table of these functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from netspec.interchange.configs.caffe.network import CaffeLayer
from netspec.interchange.configs.caffe.prototxt import Message
from netspec.interchange.configs.input_files import InputFile
from netspec.interchange.errors import NotImported
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.corrections import nearest


@dataclass
class Blobs:
    """The weights of all layers by their names, and those layers that the file lacks."""

    file: InputFile
    by_layer: dict[str, list[Any]]
    missing: list[str] = field(default_factory=list)

    def take(self, layer: CaffeLayer, index: int, shape: tuple[int, ...], what: str) -> Any:
        """A blob of a layer in this shape, or None if the file does not have it.

        Raises:
            CompileError: it has another number of numbers (NS570).
        """
        found = self.by_layer.get(layer.name, [])
        if index >= len(found):
            if layer.name not in self.missing:
                self.missing.append(layer.name)
            return None
        blob, count = found[index], 1
        for size in shape:
            count *= size
        if blob.size != count:
            has, wants = (" x ".join(map(str, sizes)) or "1" for sizes in (blob.shape, shape))
            reason = f"the {what} of layer `{layer.name}` is {has}, where the prototxt says {wants}"
            raise self.file.bad(reason, "give the caffemodel of this prototxt", layer.span)
        return blob.reshape(shape)


@dataclass
class Site:
    """A layer that is read: what it reads, and where its steps go.

    `scale` is a layer `Scale` that follows a `BatchNorm`, and is read with it. `blobs` is None without a file of
    weights.
    """

    builder: Builder
    layer: CaffeLayer
    inputs: list[Value]
    blobs: Blobs | None
    scale: CaffeLayer | None = None

    @property
    def x(self) -> Value:
        """The only or first input."""
        return self.inputs[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the first input without the batch, which are all known in Caffe."""
        return tuple(size for size in self.x.sizes if isinstance(size, int))

    def options(self, name: str) -> Message:
        """The parameters of the layer; empty if there are none."""
        return self.layer.message.message(name)

    def blob(self, index: int, shape: tuple[int, ...], what: str, layer: CaffeLayer | None = None) -> Any:
        """A weight, or None if it is not known."""
        return None if self.blobs is None else self.blobs.take(layer or self.layer, index, shape, what)

    def axis(self, options: Message, default: int = 1) -> int:
        """The option `axis`, counted from 0 with the batch.

        Raises:
            CompileError: the input has no such axis (NS570).
        """
        axis = options.integer("axis", default, low=-32)
        rank = self.x.rank
        if not -rank <= axis < rank:
            reason = f"layer `{self.layer.name}` has the axis {axis}, and its input {rank} axes"
            raise options.file.bad(reason, "", options.place("axis"))
        return axis % rank

    def lost(self, reason: str, advice: str = "") -> Value:
        """What the language cannot say: it is reported (NS571)."""
        return self.builder.lost(self.layer.title, reason, self.layer.span, advice)

    def warn(self, reason: str, advice: str = "") -> None:
        """What is left out is reported (NS572)."""
        span = self.layer.span
        self.builder.sketch.report(NotImported(what=self.layer.title, reason=reason, advice=advice, span=span))


Reader = Callable[[Site], Value | list[Value]]
READERS: dict[str, Reader] = {}
"""The functions by the types of layers. They return the values of the tops."""
INPUTS: dict[str, tuple[int, int]] = {}
"""How many inputs a layer has, at least and at most."""
MANY = 10**6


def reads(*types: str, inputs: tuple[int, int] = (1, 1)) -> Callable[[Reader], Reader]:
    """The decorator of a function that reads layers of these types."""

    def declare(function: Reader) -> Reader:
        for type in types:
            READERS[type], INPUTS[type] = function, inputs
        return function

    return declare


def type_advice(type: str) -> str:
    """The hint for an unknown type: the nearest one, however it is capitalized."""
    lower = {name.lower(): name for name in READERS}
    found = nearest(type, lower)
    return "" if found is None else f"did you mean `{lower[found]}`?"
