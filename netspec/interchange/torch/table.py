"""Which function writes a layer as PyTorch code, by the class of the layer, and what it works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.writing.table import WriterTable
from netspec.language.lazy import np
from netspec.language.shape import Shape

Tensor = tuple[str, Shape]
"""The name of a variable, and the shape of one example as in the spec, channels last."""

LAYERS: WriterTable[Callable[..., str]] = WriterTable()
"""Each function takes a `Site`, the layer and its inputs as `Tensor`s; it returns an expression without the
activation."""
ACTIVATIONS: WriterTable[Callable[[Any, str, int], str]] = WriterTable()
"""Each function takes the activation, an expression and the axis of its channels; it returns an expression."""
writes, writes_activation = LAYERS.writes, ACTIVATIONS.writes


@dataclass
class Site:
    """A layer that is written.

    `attribute` is its name in the class, `prefix` that of the class in the state dict, `module` the live module with
    its weights (None without), `mask` the variable with the mask of its padded steps (None without). `constructors` are
    the lines that it adds to `__init__`, `state` its part of the state dict, `helpers` the functions that it calls.
    """

    attribute: str
    prefix: str
    module: Any = None
    mask: str | None = None
    constructors: list[str] = field(default_factory=list)
    state: dict[str, Array] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)

    def numbers(self, name: str) -> Array:
        """A weight by its name in the module (`kernel`, `query.kernel`)."""
        return np.asarray(reduce(getattr, name.split("."), self.module)[...])

    def add(self, constructor: str, arrays: Mapping[str, Array], suffix: str = "") -> str:
        """Add a module; the expression for it.

        Args:
            constructor: the call that makes it.
            arrays: its weights, by their names in PyTorch.
            suffix: of its name, for a layer with several modules.
        """
        name = f"{self.attribute}{suffix}"
        self.constructors.append(f"self.{name} = {constructor}")
        for key, array in arrays.items():
            self.state[f"{self.prefix}{name}.{key}"] = np.asarray(array, order="C")
        return f"self.{name}"

    def parameter(self, array: Array) -> str:
        """Add a parameter; the expression for it."""
        sizes = ", ".join(map(str, array.shape))
        self.constructors.append(f"self.{self.attribute} = nn.Parameter(torch.empty({sizes}))")
        self.state[f"{self.prefix}{self.attribute}"] = np.asarray(array, order="C")
        return f"self.{self.attribute}"

    def helper(self, name: str) -> str:
        """The name of a function or class of `helpers.py`, which becomes part of the file."""
        self.helpers.add(name)
        return name


def options(**given: Any) -> str:
    """Keyword arguments as code, without those that are None; after a comma where there are some."""
    return "".join(f", {name}={code(value)}" for name, value in given.items() if value is not None)


def code(value: Any) -> str:
    """A number, a tuple of numbers or a string as code; a tuple of equal numbers as one number."""
    if isinstance(value, tuple) and len(set(value)) == 1 and len(value) > 1:
        return repr(value[0])
    if isinstance(value, tuple) and len(value) == 1:
        return repr(value[0])
    return repr(value)


def unless(value: Any, default: Any) -> Any:
    """None for a default, which is not written."""
    same = value == default or (isinstance(value, tuple) and all(v == default for v in value))
    return None if same else value


# ---------------------------------------------------------------- the order of the axes


def turned(x: str, rank: int) -> str:
    """A sequence with its channels first, or with its channels last again; others have them first."""
    return f"{x}.transpose(1, 2)" if rank == 2 else x


def last(x: str, rank: int) -> str:
    """A tensor with its channels last."""
    return f"{x}.permute({', '.join(map(str, (0, *range(2, rank + 1), 1)))})" if rank > 2 else x


def from_last(y: str, rank: int) -> str:
    """A tensor in the usual order whose channels are last."""
    return f"{y}.permute({', '.join(map(str, (0, rank, *range(1, rank))))})" if rank > 2 else y


def channel_axis(rank: int) -> int:
    """The axis of the channels."""
    return 1 if rank > 2 else -1


def positions(rank: int) -> Sequence[int]:
    """The axes between batch and channels."""
    return range(2, rank + 1) if rank > 2 else range(1, rank)
