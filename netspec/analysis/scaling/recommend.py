"""The mesh to train on: every one of a number of devices is planned, and the one that sends least is taken.

Input: the arrays of a step, a number of devices, and the memory of each. Output: a `Recommendation`, with the plans
that it was chosen from and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netspec.analysis.scaling.errors import CannotPlan
from netspec.analysis.scaling.plan import MeshPlan, plan_step
from netspec.analysis.scaling.step_shapes import StepShapes
from netspec.compiler.ir.printer import memory
from netspec.language.corrections import nearest
from netspec.language.diagnostics import fail
from netspec.training.distributed.mesh import Mesh

USABLE = 0.9
"""The part of the memory of a device that a step may take; the rest is for the runtime, and for fragments."""
MAX_MODEL = 64
"""Devices of the axis `model`: its exchanges wait for each other in every layer."""
LARGEST_FIRST = ("activations", "optimizer", "parameters", "gradients", "gathered", "batch", "rest")

DEVICE_GB = {
    "t4": 16,
    "v100-16gb": 16,
    "v100-32gb": 32,
    "l4": 24,
    "a10": 24,
    "rtx3090": 24,
    "rtx4090": 24,
    "rtx5090": 32,
    "l40s": 48,
    "a100-40gb": 40,
    "a100-80gb": 80,
    "h100": 80,
    "h200": 141,
    "b200": 180,
    "mi250x": 64,
    "mi300x": 192,
    "tpu-v2": 8,
    "tpu-v3": 16,
    "tpu-v4": 32,
    "tpu-v5e": 16,
    "tpu-v5p": 95,
    "tpu-v6e": 32,
}
"""Memory of a device in GB, as its manufacturer gives it; of a TPU that of what JAX counts as a device."""

UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def device_memory(text: str) -> int:
    """Bytes of memory that are written as `80GB` or `16 GiB`, or those of a device with this name.

    Raises:
        CompileError: it is neither (NS552).
    """
    name = text.strip().lower().replace(" ", "")
    if name in DEVICE_GB:
        return DEVICE_GB[name] * 10**9
    size = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([kmgt]i?b|b)", name)
    if size is not None and size[2] in UNITS and float(size[1]) > 0:
        return int(float(size[1]) * UNITS[size[2]])
    near = nearest(name, DEVICE_GB)
    more = f"did you mean `{near}`?" if near else f"give a size such as `80GB`, or one of {', '.join(DEVICE_GB)}"
    raise fail(CannotPlan(case="memory", reason=text, advice=more))


@dataclass(frozen=True)
class Recommendation:
    """The mesh to take.

    Args:
        best: its plan.
        plans: those of all meshes, the best first, then those that fit, then the others, least memory first.
        available: bytes of a device that a step may take; None: not known.
        why: the reason.
    """

    best: MeshPlan
    plans: tuple[MeshPlan, ...]
    available: int | None
    why: str

    def fits(self, plan: MeshPlan) -> bool:
        return self.available is None or plan.layout.total <= self.available

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data; sizes in bytes of one device."""
        meshes = [
            {
                "mesh": str(plan.mesh),
                "memory": plan.layout.total,
                "sent": plan.total_sent,
                "fits": self.fits(plan) if self.available is not None else None,
            }
            for plan in self.plans
        ]
        return {
            "recommended": str(self.best.mesh),
            "why": self.why,
            "available": self.available,
            "meshes": meshes,
            "plan": self.best.as_json(),
        }


def recommend(shapes: StepShapes, devices: int, available: int | None = None) -> Recommendation:
    """The mesh of a number of devices that fits and sends least; of equal ones that with fewer axes.

    Args:
        shapes: the arrays of the step.
        devices: how many there are.
        available: bytes of memory of each; None: not known, every mesh fits.

    Raises:
        CompileError: no mesh divides the batch, or none fits (NS552).
    """
    plans = [plan_step(shapes, mesh) for mesh in meshes_of(devices, shapes.examples)]
    if not plans:
        advice = str(-(-shapes.examples // devices) * devices)
        raise fail(CannotPlan(case="none", devices=devices, batch=shapes.examples, advice=advice))
    usable = None if available is None else int(USABLE * available)
    fitting = [plan for plan in plans if usable is None or plan.layout.total <= usable]
    if not fitting:
        raise fail(_nothing_fits(plans, devices, usable or 0))
    ordered = sorted(fitting, key=lambda plan: (plan.total_sent, len(plan.mesh.axes), plan.layout.total))
    rest = sorted((plan for plan in plans if plan not in fitting), key=lambda plan: plan.layout.total)
    best = ordered[0]
    return Recommendation(best, (*ordered, *rest), usable, _reason(best, plans, fitting, usable))


def meshes_of(devices: int, batch: int) -> Iterator[Mesh]:
    """Every mesh of this many devices whose axes `data` and `fsdp` divide the batch."""
    for data in _divisors(devices):
        for fsdp in _divisors(devices // data):
            model = devices // data // fsdp
            if batch % (data * fsdp) or model > MAX_MODEL:
                continue
            axes = tuple((name, n) for name, n in (("data", data), ("fsdp", fsdp), ("model", model)) if n > 1)
            yield Mesh(axes or (("data", 1),))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def _reason(best: MeshPlan, plans: list[MeshPlan], fitting: list[MeshPlan], usable: int | None) -> str:
    if len(plans) == 1:
        return f"no other mesh of {best.mesh.size} devices divides a batch of {best.shapes.examples}"
    parts = []
    least = min(plans, key=lambda plan: plan.total_sent)
    if usable is not None and least not in fitting:
        needed, part = memory(least.layout.total), _largest(least)
        parts.append(f"`{least.mesh}` sends less, but needs {needed}, mostly {part}; {memory(usable)} can be used")
    others = "of those that fit " if len(fitting) < len(plans) else ""
    parts.append(f"it sends least {others}({memory(round(best.total_sent))} in a step)")
    return ", and ".join(parts)


def _largest(plan: MeshPlan) -> str:
    sizes = vars(plan.layout)
    return max(LARGEST_FIRST, key=lambda name: sizes[name])


def _nothing_fits(plans: list[MeshPlan], devices: int, usable: int) -> CannotPlan:
    smallest = min(plans, key=lambda plan: plan.layout.total)
    largest, shapes = _largest(smallest), smallest.shapes
    ways = [] if shapes.precision == "bf16" else ["-D train.precision=bf16"]
    if largest == "activations":
        ways = ["a smaller batch", *ways] if shapes.recomputes else ["-D train.remat=true", "a smaller batch", *ways]
    advice = f"most of it is {largest}: try more devices, or {' or '.join(ways) or 'a smaller network'}"
    return CannotPlan(
        case="full",
        mesh=str(smallest.mesh),
        devices=devices,
        needed=memory(smallest.layout.total),
        available=memory(usable),
        advice=advice,
    )
