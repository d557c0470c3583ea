"""The mesh of devices that a network is trained on: the settings `devices` and `mesh` of the section `train`.

A mesh is a grid of devices with named axes: `data(2) -> model(4)` are eight devices, two groups of four. Axes of the
same devices are written in the order in which they vary: neighboring devices, which often have the fastest connection,
belong to the last axis.

References: Shazeer et al. 2018, Mesh-TensorFlow, arXiv:1811.02084; Xu et al. 2021, GSPMD, arXiv:2105.04663.
"""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

from netspec.language.diagnostics import Problems
from netspec.language.kinds import Count
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.training.errors import distributed as errors

MAX_DEVICES = 1_000_000
SYNC, LOCAL = "sync", "local"
"""Batchnorm over the examples of all devices, and over those of each device for itself."""
BATCH_AXES = ("data", "fsdp")
"""The axes over which the examples of a batch are split."""


class Axis(Word, ABC):
    """Base of every word that is an axis of a mesh."""

    category: ClassVar[str] = "mesh"

    devices: int = option(Count(1, MAX_DEVICES), "the number of devices along this axis", position=0, aliases=("size",))


axis = Declares("mesh")
"""The decorator that declares an axis of a mesh: `@axis("name")`."""


@axis("data")
class Data(Axis):
    """Splits the examples of a batch; every device holds all weights.

    The gradients are averaged over the devices in each step.

    Example: train { mesh = data(4) }
    Reference: Goyal et al. 2017, Accurate, large minibatch SGD, arXiv:1706.02677.
    """

    aliases = ("DataParallel", "DistributedDataParallel", "ddp", "MirroredStrategy", "data_parallel", "batch")


@axis("fsdp")
class Fsdp(Axis):
    """Splits the examples of a batch, and the weights with the state of the optimizer.

    Each device holds a part of every large weight; the whole weight is gathered where a step uses it.

    Example: train { mesh = data(2) -> fsdp(4) }
    Reference: Rajbhandari et al. 2020, ZeRO, arXiv:1910.02054; Zhao et al. 2023, PyTorch FSDP, arXiv:2304.11277.
    """

    aliases = ("FullyShardedDataParallel", "zero", "zero3", "deepspeed")


@axis("model")
class Model(Axis):
    """Splits the weights of layers, and what is computed with them; the axes `data` and `fsdp` split the batch.

    Dense layers are split by columns, and the next one by rows; attention by heads, convolutions by channels,
    embeddings by ids or by features, recurrent layers by the columns of their gates. Weights whose size the devices do
    not divide are whole on each.

    Example: train { mesh = data(2) -> model(4) }
    Reference: Shoeybi et al. 2019, Megatron-LM, arXiv:1909.08053.
    """

    aliases = ("TensorParallel", "tensor", "tensor_parallel", "tp", "model_parallel")


class Mesh(Frozen):
    """A mesh: its axes in order, each with its number of devices."""

    axes: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, words: Sequence[Axis]) -> Mesh:
        """The mesh of a chain of words."""
        return cls(tuple((word.word, word.devices) for word in words))

    @classmethod
    def parse(cls, text: str) -> Mesh:
        """The mesh that is written as `data(4) -> fsdp(2)`.

        Raises:
            ValueError: it is not written so, or has an axis twice.
        """
        parts = [re.fullmatch(r"\s*(data|fsdp|model)\s*\(\s*([1-9]\d{0,6})\s*\)\s*", part) for part in text.split("->")]
        axes = tuple((part[1], int(part[2])) for part in parts if part is not None)
        if len(axes) != len(parts) or len(dict(axes)) != len(axes):
            raise ValueError(f"`{text}` is not a mesh: write axes once each, such as `data(4) -> fsdp(2)`")
        return cls(axes)

    @property
    def size(self) -> int:
        """The number of devices."""
        return prod(devices for _, devices in self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(devices for _, devices in self.axes)

    def get(self, name: str) -> int:
        """The number of devices along an axis; 1 if there is none of this name."""
        return dict(self.axes).get(name, 1)

    @property
    def batch_axes(self) -> tuple[str, ...]:
        """The axes over which a batch is split, in their order."""
        return tuple(name for name in self.names if name in BATCH_AXES)

    @property
    def batch_parts(self) -> int:
        """The number of parts that a batch is split into."""
        return prod(self.get(name) for name in self.batch_axes)

    @property
    def splits_weights(self) -> bool:
        """Whether a device may hold a part of a weight only."""
        return self.get("fsdp") > 1 or self.get("model") > 1

    def __str__(self) -> str:
        return " -> ".join(f"{name}({devices})" for name, devices in self.axes)


def mesh_of(devices: int | None, words: Sequence[Axis] | None) -> Mesh | None:
    """The mesh that the settings `devices` and `mesh` ask for, or None. Devices alone split the batch."""
    if words:
        return Mesh.of(words)
    return None if devices is None else Mesh((("data", devices),))


def devices_of(text: str | None) -> int | None:
    """The number of devices of a mesh that replaces that of a spec, so that `devices` changes with it; None: there is
    no text, or one with a mistake, which the compiler reports."""
    try:
        return None if text is None else Mesh.parse(text).size
    except ValueError:
        return None


def check_mesh(
    devices: int | None, words: Sequence[Axis] | None, batch: int, spans: Mapping[str, Span], problems: Problems
) -> None:
    """Add what is wrong with the settings `devices`, `mesh` and `batch` (NS576, NS577)."""
    mesh = mesh_of(devices, words)
    if mesh is None:
        return
    at = spans.get("mesh") or spans.get("devices")
    twice = next((name for name in mesh.names if mesh.names.count(name) > 1), None)
    if twice is not None:
        right = " -> ".join(f"{name}({prod(n for other, n in mesh.axes if other == name)})" for name in dict(mesh.axes))
        problems.add(errors.OtherMesh(span=at, case="twice", mesh=str(mesh), axis=twice, right=right))
    elif devices is not None and mesh.size != devices:
        span = spans.get("devices") or at
        problems.add(errors.OtherMesh(span=span, mesh=str(mesh), size=mesh.size, devices=devices))
    elif batch % mesh.batch_parts:
        parts, below = mesh.batch_parts, batch // mesh.batch_parts * mesh.batch_parts
        nearest = f"batch = {below}` or `batch = {below + parts}" if below else f"batch = {parts}"
        over = " -> ".join(f"{name}({mesh.get(name)})" for name in mesh.batch_axes)
        span = spans.get("batch") or at
        problems.add(errors.UnevenBatch(span=span, batch=batch, parts=parts, mesh=over, nearest=nearest))
