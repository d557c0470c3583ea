"""A training on a mesh of devices, planned from the shapes of the spec alone.

Input: a `Compilation` and a mesh. Output: a `MeshPlan`: how every weight is split, what each device holds, and what it
sends in a step. No device is touched and nothing is allocated, so that a network of any size can be planned anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from netspec.analysis.scaling.collectives import Kind, sent_by_kind
from netspec.analysis.scaling.layout import Layout, layout_of, parts_of
from netspec.analysis.scaling.step_shapes import StepShapes, step_shapes
from netspec.analysis.scaling.traffic import F32, Step, Transfer, traffic_of, trained_weights
from netspec.spec.compilation import Compilation
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.rules import Axes, Path, weight_axes


@dataclass(frozen=True)
class PlannedWeight:
    """A weight: its place, its whole shape, the axes that it is split over, and its part on a device in bytes."""

    path: Path
    shape: tuple[int, ...]
    axes: Axes
    bytes: int

    @property
    def name(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True)
class MeshPlan:
    """A training on a mesh: what each device holds and sends in a step.

    Args:
        mesh: the devices.
        shapes: the arrays of the step.
        axes: how each weight is split.
        layout: what a device holds, in bytes.
        transfers: what it sends.
    """

    mesh: Mesh
    shapes: StepShapes
    axes: Mapping[Path, Axes]
    layout: Layout
    transfers: tuple[Transfer, ...]

    @cached_property
    def sent(self) -> dict[Kind, float]:
        """Bytes that a device sends in a step, by kind."""
        return sent_by_kind(self.transfers)

    @property
    def total_sent(self) -> float:
        return sum(self.sent.values())

    @cached_property
    def sent_by_reason(self) -> dict[tuple[str, Kind], float]:
        """Bytes that a device sends in a step, by reason and kind."""
        reasons = dict.fromkeys(one.why for one in self.transfers)
        by_reason = {why: sent_by_kind(one for one in self.transfers if one.why == why) for why in reasons}
        return {(why, kind): sent for why, kinds in by_reason.items() for kind, sent in kinds.items()}

    @property
    def examples(self) -> int:
        """The examples of a batch on each device."""
        return self.shapes.examples // self.mesh.batch_parts

    @property
    def weights(self) -> list[PlannedWeight]:
        """Every weight with its part on a device, in the order of the network."""
        number = 2 if self.shapes.precision == "bf16" else 4
        found = []
        for path, shape, _ in trained_weights(self.shapes.graph):
            axes = self.axes.get(path, (None,) * len(shape))
            found.append(PlannedWeight(path, shape, axes, prod(shape) * number // parts_of(axes, self.mesh)))
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data; sizes in bytes of one device."""
        return {
            "mesh": str(self.mesh),
            "devices": self.mesh.size,
            "axes": dict(self.mesh.axes),
            "batch": self.shapes.examples,
            "examples_per_device": self.examples,
            "precision": self.shapes.precision,
            "remat": self.shapes.recomputes,
            "memory": self.layout.as_json(),
            "sent": {**self.sent, "total": self.total_sent},
            "sent_for": [{"why": why, "kind": kind, "bytes": n} for (why, kind), n in self.sent_by_reason.items()],
            "weights": [
                {"name": one.name, "shape": one.shape, "axes": one.axes, "bytes": one.bytes} for one in self.weights
            ],
        }


def plan_mesh(spec: Compilation, mesh: Mesh) -> MeshPlan:
    """Plan the training of a spec on a mesh.

    Raises:
        CompileError: the spec has mistakes, or nothing to train (NS461).
    """
    return plan_step(step_shapes(spec), mesh)


def plan_step(shapes: StepShapes, mesh: Mesh, *, for_cpu: bool = False) -> MeshPlan:
    """Plan a step whose arrays are known.

    Args:
        shapes: the arrays of the step.
        mesh: the devices.
        for_cpu: plan what the compiler for CPUs makes of it, which has no reduce-scatter for gradients
            (`Step.scatters`) and computes bf16 in f32.
    """
    axes = weight_axes(shapes.graph, mesh)
    step = Step(
        batch=shapes.examples,
        number=F32 if for_cpu else shapes.number,
        freeze=shapes.freeze,
        remat=shapes.remat,
        scatters=not for_cpu,
        has_sync=shapes.has_sync,
    )
    traffic = traffic_of(shapes.graph, mesh, axes, step)
    layout = layout_of(shapes, mesh, axes, traffic.held_fraction)
    return MeshPlan(mesh, shapes, axes, layout, tuple(traffic.transfers))
