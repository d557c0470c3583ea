"""What a function that reads a class of layers works with: the layer's options and weights, and the sketch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, TypeVar

from netspec.interchange.errors import NotImported
from netspec.interchange.keras.reading.config import LayerSpec
from netspec.interchange.keras.reading.options import make, tidy
from netspec.interchange.keras.reading.problems import Damaged, Unreadable
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.lazy import np
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.base import Layer
from netspec.layers.reshape import Permute, Reshape

L = TypeVar("L", bound=Layer)


@dataclass(frozen=True)
class Value:
    """A tensor of Keras, and the step that computes it.

    `is_first`: Keras has its channels first, the step has them last. `is_masked`: Keras knows which steps are padding;
    `is_unmasked`: it has forgotten them, where netspec has not. `is_mask`: the tensor is that mask, of the input of
    token ids that is the step. A value that the language cannot say has a `reason`, which is reported when it is used.
    """

    step: Step
    is_first: bool = False
    is_masked: bool = False
    is_unmasked: bool = False
    is_mask: bool = False
    reason: str = ""

    @property
    def rank(self) -> int:
        return self.step.shape.rank


@dataclass
class Notes:
    """What is left out, once for each kind, with the layers that it is left out of."""

    found: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def add(self, layer: str, what: str, reason: str, advice: str = "") -> None:
        self.found.setdefault((what, reason, advice), []).append(layer)

    def report(self, sketch: Sketch) -> None:
        for (what, reason, advice), layers in self.found.items():
            names = list(dict.fromkeys(layers))
            where = f"in `{names[0]}`" if len(names) == 1 else f"in {len(names)} layers"
            sketch.report(NotImported(what=what, reason=f"{reason} ({where})", advice=advice))


@dataclass
class Site:
    """A use of a layer that is read.

    `arrays` are its weights by their paths in Keras; `made` collects the steps that have weights, and `twins` are those
    of the first use of the layer. `is_weighted`: the file has weights.
    """

    sketch: Sketch
    layer: LayerSpec
    arrays: Mapping[str, Any]
    notes: Notes
    scope: tuple[str, ...] = ()
    name: str = ""
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    twins: list[Step] | None = None
    made: list[Step] = field(default_factory=list)
    version: str = ""
    is_weighted: bool = True

    def get(self, name: str, default: Any = None) -> Any:
        """An option; the default where it is missing or null."""
        found = self.layer.config.get(name)
        return default if found is None else found

    def flag(self, name: str, default: bool = True) -> bool:
        return bool(self.get(name, default))

    def number(self, name: str, default: float) -> float:
        """An option that is a number, as it was written before it was rounded to float32."""
        found = self.get(name, default)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Damaged(f"`{name}` of the layer `{self.layer.title}` is not a number")
        return float(tidy(found))

    def axes(self, name: str, count: int, default: Any = 1) -> tuple[int, ...]:
        """An option with an integer for each axis, or one for all; above 0, but for `output_padding`."""
        found = self.get(name, default)
        found = [found] * count if isinstance(found, int) else found
        if not isinstance(found, list) or any(type(n) is not int for n in found) or len(found) != count:
            raise Damaged(f"`{name}` of the layer `{self.layer.title}` does not have {count} integers")
        if min(found) < (name != "output_padding"):
            raise Damaged(f"`{name}` of the layer `{self.layer.title}` is {found}")
        return tuple(found)

    def array(self, path: str, *shape: int) -> Any:
        """Weights, in this shape; None where there are none.

        Raises:
            Damaged: they have another number of values.
        """
        found = self.arrays.get(path)
        if found is None or not shape:
            return found
        if prod(shape) != found.size:
            raise Damaged(f"the weights of the layer `{self.layer.title}` have the shape {found.shape}")
        return found.reshape(shape)

    def note(self, what: str, reason: str, advice: str = "") -> None:
        """Something of this layer is left out, without a change of predictions."""
        self.notes.add(self.layer.name, what, reason, advice)

    # ------------------------------------------------------------ steps

    def add(self, kind: type[L], *inputs: Step, weights: Mapping[str, Any] | None = None, **options: Any) -> Step:
        """The use of a layer of netspec. `weights` leaves out those that are None; `name` is that of the Keras layer.

        Raises:
            Unreadable: an option has a value that the language does not take.
        """
        name = options.pop("name", self.name)
        layer = make(kind, **options)
        given = {path: array for path, array in (weights or {}).items() if array is not None}
        index = len(self.made)
        shared = self.twins[index] if weights is not None and self.twins and index < len(self.twins) else None
        step = self.sketch.add(layer, *inputs, name=name, scope=self.scope, weights=given, shared=shared)
        if weights is not None:
            self.made.append(step)
            self._check(step, given)
        return step

    def _check(self, step: Step, given: Mapping[str, Any]) -> None:
        """Whether the weights are those that the layer needs."""
        if step.is_lost or not given:
            return
        assert step.layer is not None
        shapes = [source.shape for source in step.inputs]
        expected = {**step.layer.parameters(*shapes), **step.layer.state(*shapes)}
        found = {path: np.shape(array) for path, array in given.items()}
        if found != expected:
            raise Damaged(f"the layer `{self.layer.title}` needs weights of other shapes than those in the file")

    def activated(self, step: Step, activation: Activation | None) -> Step:
        """The step after an activation without weights."""
        if activation is None:
            return step
        return self.sketch.add(ActivationLayer(activation=activation), step, scope=self.scope)

    # ------------------------------------------------------------ layouts

    @property
    def is_first(self) -> bool:
        """Whether the layer takes images with their channels first."""
        return bool(self.get("data_format") == "channels_first")

    def spatial(self, x: Value) -> Step:
        """The step with channels last, of a tensor whose channels are where the layer expects them."""
        if x.is_first == self.is_first or x.rank < 2:
            return x.step
        return self.permuted(x.step, _to_last(x.rank)) if self.is_first else self.plain(x)

    def spread(self, step: Step, x: Value) -> Value:
        """The value of a layer that has taken `spatial(x)`."""
        return replace(x, step=step, is_first=self.is_first and step.shape.rank > 1)

    def plain(self, x: Value) -> Step:
        """The step with its axes in the order of Keras."""
        return self.permuted(x.step, [x.rank, *range(1, x.rank)]) if x.is_first else x.step

    def first(self, x: Value) -> Step:
        """The step with channels last, of a tensor of Keras with channels first."""
        return x.step if x.is_first or x.rank < 2 else self.permuted(x.step, _to_last(x.rank))

    def on_axis(self, x: Value, axis: Any) -> Value:
        """The same tensor, as a step whose last axis is this one of Keras.

        Raises:
            Unreadable: it is neither the last nor the first one.
        """
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        if not isinstance(axis, int):
            raise Unreadable("it works on several axes")
        axis = axis + x.rank + 1 if axis < 0 else axis
        if axis == x.rank:
            return replace(x, step=self.plain(x), is_first=False)
        if axis == 1:
            return replace(x, step=self.first(x), is_first=True)
        raise Unreadable(f"it works on axis {axis}, which does not have the channels")

    def permuted(self, step: Step, order: list[int]) -> Step:
        """The step with its axes in another order, counted from 1; twice is never."""
        if order == sorted(order):
            return step
        sizes = tuple(step.shape.sizes[axis - 1] for axis in order)
        if isinstance(step.layer, Permute):
            before = step.layer.order
            return self.permuted(step.inputs[0], [before[axis - 1] for axis in order])
        if isinstance(step.layer, Reshape) and sum(size != 1 for size in sizes) <= 1:
            return self.add(Reshape, step.inputs[0], shape=sizes, name="")
        return self.add(Permute, step, order=order, name="")


def _to_last(rank: int) -> list[int]:
    """The order that moves the first axis to the end."""
    return [*range(2, rank + 1), 1]
