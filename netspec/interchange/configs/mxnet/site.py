"""What the functions of operators get: the node, its attributes, and what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.configs.mxnet.attributes import Attributes
from netspec.interchange.configs.mxnet.graph import Node
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value


@dataclass(eq=False)
class Site:
    """An operator that is read.

    `tensors` and `arrays` are what it reads: each is None where the other one is not. `names` are those of the nodes.
    Without a file of arrays, `all_arrays` is None, and so are all arrays; an array that the file lacks is added to
    `missing`.
    """

    builder: Builder
    node: Node
    attributes: Attributes
    tensors: list[Value | None]
    arrays: list[Array | None]
    names: list[str]
    all_arrays: dict[str, Array] | None
    missing: list[str]

    @property
    def x(self) -> Value:
        """The first input."""
        return self.tensor(0)

    def tensor(self, index: int) -> Value:
        """An input that is computed.

        Raises:
            CannotSay: there is none, or it is constant.
        """
        found = self.tensors[index] if index < len(self.tensors) else None
        if found is None:
            raise CannotSay(f"its input {index + 1} is {'a constant' if index < len(self.tensors) else 'missing'}")
        return found

    def values(self) -> list[Value]:
        """All inputs.

        Raises:
            CannotSay: one is constant.
        """
        if not self.tensors:
            raise CannotSay("it has no input")
        return [self.tensor(index) for index in range(len(self.tensors))]

    def array(self, index: int, sizes: Sequence[int] | None = None) -> Array | None:
        """An input that is an array of the file; None without a file.

        Raises:
            CannotSay: it is computed, or has another number of axes than `sizes`.
        """
        if index >= len(self.names):
            raise CannotSay(f"it has {len(self.names)} inputs, and reads input {index + 1}")
        if self.tensors[index] is not None:
            raise CannotSay(f"its weight `{self.names[index]}` is computed by the network")
        return self.checked(self.names[index], sizes)

    def checked(self, name: str, sizes: Sequence[int] | None = None) -> Array | None:
        """An array of the file by its name."""
        if self.all_arrays is None:
            return None
        found = self.all_arrays.get(name)
        if found is None:
            self.missing.append(name)
        elif sizes is not None and tuple(found.shape) != tuple(sizes):
            shown = ["x".join(map(str, part)) or "one number" for part in (found.shape, sizes)]
            raise CannotSay(f"its weight `{name}` is {shown[0]} where {shown[1]} is needed")
        return found
