"""Builds the configuration and the weights of a functional model of Keras 3.

Keras finds weights by the class of a layer and its order, not by its name: the second `Conv2D` is `layers/conv2d_1`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.keras.order import Use, layer_order
from netspec.language.lazy import np
from netspec.language.shape import Shape


@dataclass(frozen=True)
class Tensor:
    """The output of a use of a layer."""

    layer: str
    use: int
    shape: Shape
    dtype: str = "float32"

    @property
    def config(self) -> dict[str, Any]:
        """As an argument of another layer."""
        history = {"shape": batch_shape(self.shape), "dtype": self.dtype, "keras_history": [self.layer, self.use, 0]}
        return {"class_name": "__keras_tensor__", "config": history}

    @property
    def place(self) -> list[Any]:
        """As an input or output of the model."""
        return [self.layer, self.use, 0]


@dataclass
class Writer:
    """The layers so far, with their weights."""

    layers: list[dict[str, Any]] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    """The paths of layers in blocks by their names in Keras, which have no slashes."""

    def __post_init__(self) -> None:
        self._names: set[str] = set()
        self._weights: dict[str, Mapping[str, Array]] = {}
        self._parents: dict[Use, list[Use]] = {}
        self._shared: dict[int, dict[str, Any]] = {}

    def input(self, name: str, shape: Shape, dtype: str) -> Tensor:
        """Declare an input."""
        config = {"batch_shape": batch_shape(shape), "dtype": dtype}
        made = self._add("InputLayer", config, name, {})
        self._parents[made["name"], 0] = []
        return Tensor(made["name"], 0, shape, dtype)

    def layer(
        self,
        kind: str,
        config: Mapping[str, Any],
        inputs: Sequence[Tensor],
        shape: Shape,
        name: str,
        weights: Mapping[str, Array] | None = None,
        shared: object = None,
    ) -> Tensor:
        """Apply a layer.

        Args:
            kind: its class in Keras.
            config: its options, without the name.
            inputs: what it is applied to.
            shape: the shape of one example of its output.
            name: the name that it gets, with a number if it is taken.
            weights: its weights by path, such as `vars/0`.
            shared: the module that holds its weights, if other layers may share it.
        """
        made = self._shared.get(id(shared)) if shared is not None else None
        if made is None:
            made = self._add(kind, config, name, weights or {})
            if shared is not None:
                self._shared[id(shared)] = made
        given = [tensor.config for tensor in inputs]
        made["inbound_nodes"].append({"args": given if len(given) == 1 else [given], "kwargs": {}})
        use = len(made["inbound_nodes"]) - 1
        self._parents[made["name"], use] = [(tensor.layer, tensor.use) for tensor in inputs]
        return Tensor(made["name"], use, shape)

    def _add(self, kind: str, config: Mapping[str, Any], name: str, weights: Mapping[str, Array]) -> dict[str, Any]:
        path, unique = name, name.replace("/", "_")
        name = unique
        number = 1
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        if path != unique:
            self.paths[unique] = path
        made: dict[str, Any] = {
            "module": "keras.layers",
            "class_name": kind,
            "config": {"name": unique, **config},
            "registered_name": None,
            "name": unique,
            "inbound_nodes": [],
        }
        self.layers.append(made)
        self._weights[unique] = weights
        return made

    def weights(self, outputs: Sequence[Tensor]) -> dict[str, Array]:
        """The weights by their paths in the HDF5 file, for a model with these outputs."""
        kinds = {made["name"]: snake_case(made["class_name"]) for made in self.layers}
        counts: dict[str, int] = {}
        found: dict[str, Array] = {}
        for name in layer_order([(y.layer, y.use) for y in outputs], self._parents):
            kind = kinds[name]
            count = counts[kind] = counts.get(kind, -1) + 1
            path = f"layers/{kind}_{count}" if count else f"layers/{kind}"
            found |= {f"{path}/{key}": np.asarray(array) for key, array in self._weights[name].items()}
        return found


def batch_shape(shape: Shape) -> list[int | None]:
    """A shape with the batch; None for sizes that are not known."""
    return [None, *(size if isinstance(size, int) else None for size in shape.sizes)]


def snake_case(name: str) -> str:
    """The name of a class as Keras has it in files: `Conv2DTranspose` is `conv2d_transpose`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
