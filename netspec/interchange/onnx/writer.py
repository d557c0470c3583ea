"""Builds an ONNX graph: operators, weights, and tensors that are channels last or channels first.

Convolutions and pools of ONNX are channels first, layers of netspec channels last. A tensor stays in the order in which
it was computed until a layer needs the other one; so a chain of convolutions has one transpose at each end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import np
from netspec.language.shape import Shape

FIRST_OPSET, DEFAULT_OPSET, LAST_OPSET = 18, 21, 25
"""Reductions take their axes as an input, and `Pad` and `Resize` work on some axes, from opset 18 on."""
FLOAT, DOUBLE, INT32, INT64 = 1, 11, 6, 7
"""The numbers of types in ONNX (`TensorProto.DataType`)."""


@dataclass(frozen=True)
class Value:
    """A tensor: its name in the file, and the shape of one example as in the spec, channels last.

    `channels_first` says that in the file the channels come right after the batch.
    """

    name: str
    shape: Shape
    channels_first: bool = False

    @property
    def rank(self) -> int:
        """The number of axes of one example."""
        return self.shape.rank

    @property
    def channel_axis(self) -> int:
        """The axis of the channels in the file."""
        return 1 if self.channels_first else self.rank

    @property
    def positions(self) -> list[int]:
        """The axes between batch and channels in the file."""
        return list(range(2, self.rank + 1) if self.channels_first else range(1, self.rank))


@dataclass
class Operator:
    """One node of the file."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


@dataclass
class Writer:
    """The graph so far. Names are unique; equal constants and shared weights are stored once.

    Args:
        opset: the version of the standard operators.
        reserved: names of inputs and outputs, which nothing else may have.
    """

    opset: int = DEFAULT_OPSET
    reserved: Iterable[str] = ()
    operators: list[Operator] = field(default_factory=list)
    initializers: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._taken = set(self.reserved)
        self._constants: dict[Any, str] = {}
        self._weights: dict[Any, str] = {}
        self._turned: dict[str, Value] = {}

    def unique(self, name: str) -> str:
        """The name, or the name with a number if it is taken; it is taken then."""
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def operator(self, kind: str, inputs: Sequence[str], path: str, count: int = 1, **attributes: Any) -> list[str]:
        """Add an operator; the names of its `count` outputs.

        Args:
            kind: its type in ONNX.
            inputs: the names of its inputs; "" leaves an optional one out.
            path: the layer that it belongs to, for names.
            count: the number of outputs.
            attributes: its attributes, without those that are None.
        """
        name = self.unique(f"{path}/{kind}")
        outputs = [self.unique(f"{name}:{index}") for index in range(count)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.operators.append(Operator(kind, name, list(inputs), outputs, given))
        return outputs

    def constant(self, array: Any, path: str) -> str:
        """The name of a constant; equal ones are stored once."""
        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._store(path, array)
        return self._constants[key]

    def weight(self, variable: Any, path: str, change: Callable[[Array], Array], key: object) -> str:
        """The name of a weight after `change`; one that several layers share is stored once for each `key`."""
        place = (id(variable), key)
        if place not in self._weights:
            self._weights[place] = self._store(path, np.asarray(change(np.asarray(variable[...])), order="C"))
        return self._weights[place]

    def _store(self, path: str, array: Array) -> str:
        name = self.unique(path)
        self.initializers[name] = array
        return name

    # ------------------------------------------------------------ the order of the axes

    def first(self, value: Value) -> Value:
        """The tensor with its channels first."""
        if value.channels_first or value.rank < 2:
            return value
        return self._turn(value, (0, value.rank, *range(1, value.rank)))

    def last(self, value: Value) -> Value:
        """The tensor with its channels last."""
        if not value.channels_first:
            return value
        return self._turn(value, (0, *range(2, value.rank + 1), 1))

    def _turn(self, value: Value, order: tuple[int, ...]) -> Value:
        if value.name not in self._turned:
            (name,) = self.operator("Transpose", [value.name], value.name.partition(":")[0], perm=order)
            turned = replace(value, name=name, channels_first=not value.channels_first)
            self._turned[value.name] = turned
            self._turned[name] = value
        return self._turned[value.name]

    # ------------------------------------------------------------ the end

    def rename(self, names: Mapping[str, str]) -> None:
        """Give tensors other names."""
        for operator in self.operators:
            operator.inputs = [names.get(name, name) for name in operator.inputs]
            operator.outputs = [names.get(name, name) for name in operator.outputs]


@dataclass(frozen=True)
class Site:
    """Where a layer is written: what its function in `layers/` works with.

    `path` is its name as in `netspec show`, `module` the live module with its weights (None without), `mask` the name
    of the mask of its padded steps, batch x T, true where a step is real (None without padding).
    """

    writer: Writer
    path: str
    module: Any = None
    mask: str | None = None

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; its name."""
        return self.writer.operator(kind, inputs, self.path, **attributes)[0]

    def ops(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add an operator with several outputs; their names."""
        return self.writer.operator(kind, inputs, self.path, count, **attributes)

    def first(self, value: Value) -> Value:
        return self.writer.first(value)

    def last(self, value: Value) -> Value:
        return self.writer.last(value)

    def integers(self, *numbers: int) -> str:
        """A constant vector of int64: axes, sizes, positions."""
        return self.writer.constant(np.array(numbers, np.int64), f"{self.path}/integers")

    def number(self, value: float) -> str:
        """A constant number of float32."""
        return self.constant(np.float32(value), "number")

    def constant(self, array: Any, name: str) -> str:
        """A constant; `name` says what it is."""
        return self.writer.constant(array, f"{self.path}/{name}")

    def variable(self, name: str) -> Any:
        """A weight of the module by its name (`kernel`, `query.kernel`); None if the layer has none of that name."""
        return reduce(getattr, name.split("."), self.module)

    def numbers(self, name: str) -> Array:
        """The values of a weight."""
        return np.asarray(self.variable(name)[...])

    def weight(self, name: str, change: Callable[[Array], Array] = lambda x: x, key: object = None) -> str:
        """A weight as it is, or after `change`.

        Args:
            name: its name in the module.
            change: what is done to its values first.
            key: what `change` is, so that uses of a shared weight with the same change share what is stored.
        """
        return self.writer.weight(self.variable(name), f"{self.path}/{name.replace('.', '/')}", change, key)

    def permuted(self, name: str, order: Sequence[int]) -> str:
        """A weight with its axes in another order."""
        return self.weight(name, lambda x: np.transpose(x, order), tuple(order))

    def reduce(self, kind: str, x: str, axes: Sequence[int], *, keep: bool = False) -> str:
        """A reduction over axes of the file."""
        return self.op(kind, x, self.integers(*axes), keepdims=int(keep))

    def sized(self, x: str, axis: int) -> str:
        """The size of one axis, as a vector of one number, while the program runs."""
        return self.op("Shape", x, start=axis, end=axis + 1)
