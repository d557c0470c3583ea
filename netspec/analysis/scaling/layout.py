"""What each device of a mesh holds in a training step, from shapes alone.

Input: the arrays of a step, a mesh, and how the weights are split over it. Output: bytes of a device. All devices hold
the same, since a mesh divides everything equally or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from netspec.analysis.scaling.step_shapes import Leaf, StepShapes
from netspec.analysis.scaling.traffic import trained_weights
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.rules import Axes, Path, axes_of

GRADIENT = 4
"""Bytes of a number of a gradient, which the optimizer takes in f32."""


@dataclass(frozen=True)
class Layout:
    """Bytes of a device in a training step.

    `parameters`, `gradients` and `optimizer` are its parts of them; `gathered`: weights as the layers use them, where
    these are not those that are stored: whole ones of an axis `fsdp`, and those in a lower precision; `activations`:
    what the forward pass keeps for the backward pass, of the examples of the device; `batch`: these; `rest`: running
    statistics, metrics and counters.
    """

    parameters: int
    gradients: int
    optimizer: int
    gathered: int
    activations: int
    batch: int
    rest: int

    @property
    def total(self) -> int:
        return sum(vars(self).values())

    def as_json(self) -> dict[str, int]:
        return {**vars(self), "total": self.total}


def layout_of(shapes: StepShapes, mesh: Mesh, weights: Mapping[Path, Axes], held_fraction: float) -> Layout:
    """What a device holds.

    Args:
        shapes: the arrays of the step.
        mesh: the devices.
        weights: how each weight is split, by the names of its blocks and its layer.
        held_fraction: the part of the activations of its examples that a device holds (`Traffic.held_fraction`).
    """
    split = {shapes.places[path]: axes for path, axes in weights.items()}
    kept, parts = shapes.kept, mesh.batch_parts
    between = 1.0 if shapes.recomputes else held_fraction  # what goes from one block to the next is whole
    return Layout(
        parameters=_held(shapes.weights, split, mesh),
        gradients=_gradients(shapes, mesh, weights),
        optimizer=_held(shapes.optimizer, split, mesh),
        gathered=_gathered(shapes, mesh, weights),
        activations=round((kept.activations * between + kept.recomputed * held_fraction) / parts),
        batch=-(-shapes.batch // parts),
        rest=_held(shapes.rest, split, mesh),
    )


def _held(leaves: Iterable[Leaf], split: Mapping[Path, Axes], mesh: Mesh) -> int:
    """Bytes that a device holds of some arrays."""
    return sum(leaf.bytes // parts_of(axes_of(leaf.path, leaf.shape, split, mesh), mesh) for leaf in leaves)


def parts_of(axes: Axes, mesh: Mesh) -> int:
    """The number of parts that an array is split into."""
    return prod(mesh.get(name) for name in axes if name is not None)


def _gradients(shapes: StepShapes, mesh: Mesh, weights: Mapping[Path, Axes]) -> int:
    return sum(
        prod(shape) * GRADIENT // parts_of(weights.get(path, ()), mesh)
        for path, shape, is_trained in trained_weights(shapes.graph, shapes.freeze)
        if is_trained
    )


def _gathered(shapes: StepShapes, mesh: Mesh, weights: Mapping[Path, Axes]) -> int:
    if mesh.get("fsdp") == 1:
        return shapes.kept.copies // mesh.get("model")
    total = 0
    for path, shape, _ in trained_weights(shapes.graph):
        axes = weights.get(path, ())
        if "fsdp" in axes or shapes.precision == "mixed":
            total += prod(shape) * shapes.number // (mesh.get("model") if "model" in axes else 1)
    return total
