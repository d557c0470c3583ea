"""How plans read in a terminal: who holds what, the memory of a device, what it sends, and the mesh to take."""

from __future__ import annotations

import re
from math import prod

from netspec.analysis.scaling.plan import MeshPlan, PlannedWeight
from netspec.analysis.scaling.recommend import Recommendation
from netspec.analysis.scaling.simulate import Simulated
from netspec.compiler.ir.printer import count, memory
from netspec.display.text import plural, table_lines

MAX_SHOWN = 8
"""Devices along each side of the grid that are drawn, and meshes that are listed."""

MEMORY_ROWS = {
    "parameters": "",
    "gradients": "",
    "optimizer": "its state, such as moments",
    "gathered": "weights as the layers use them",
    "activations": "for the backward pass",
    "batch": "its examples",
    "rest": "running statistics, metrics",
}


def plan_text(plan: MeshPlan, width: int) -> str:
    """A plan: the devices, the weights of each, its memory, and what it sends."""
    parts = [heading(plan), *_grid(plan), "", *weights_lines(plan, width), "", *memory_lines(plan)]
    return "\n".join([*parts, "", *traffic_lines(plan, width)])


def heading(plan: MeshPlan) -> str:
    """The mesh, and what is split."""
    shapes = plan.shapes
    more = f", {shapes.precision}" + (", blocks recomputed" if shapes.recomputes else "")
    examples = f"{plan.examples} of {plural(shapes.examples, 'example')} on each"
    return f"{plan.mesh}: {plural(plan.mesh.size, 'device')}, {examples}{more}"


def _grid(plan: MeshPlan) -> list[str]:
    """The numbers of the devices by their place in the mesh: the last axis across, the others down."""
    if plan.mesh.size == 1:
        return []
    *down, (name, across) = plan.mesh.axes
    rows, shown = prod(n for _, n in down), min(across, MAX_SHOWN)
    more = ["…"] if across > shown else []
    lines = [["", *(f"{name} {i}" for i in range(shown)), *more]]
    for row in range(min(rows, MAX_SHOWN)):
        label, rest = list[str](), row
        for axis, size in reversed(down):
            rest, index = divmod(rest, size)
            label.insert(0, f"{axis} {index}")
        lines.append([", ".join(label) or "device", *(str(row * across + i) for i in range(shown)), *more])
    if rows > MAX_SHOWN:
        lines.append(["…", *[""] * (shown + len(more))])
    return ["", *table_lines(lines)]


# ---------------------------------------------------------------- weights


def weights_lines(plan: MeshPlan, width: int) -> list[str]:
    """Which weights are split over which axes: one line for those that are alike."""
    groups: dict[tuple[str, tuple[int, ...], tuple[str | None, ...]], list[PlannedWeight]] = {}
    for one in plan.weights:
        groups.setdefault((re.sub(r"_\d+(?=/)", "", one.name), one.shape, one.axes), []).append(one)
    rows = [["weights", "shape", "on a device", "split over", "memory"]]
    for (name, shape, axes), same in groups.items():
        part = [size // plan.mesh.get(axis) if axis else size for size, axis in zip(shape, axes, strict=True)]
        over = ", ".join(axis for axis in axes if axis is not None)
        title = f"{len(same)} x {name}" if len(same) > 1 else same[0].name
        held = memory(sum(one.bytes for one in same))
        rows.append([title, "x".join(map(str, shape)), "x".join(map(str, part)), over or "whole", held])
    return table_lines(rows, width=width)


# ---------------------------------------------------------------- memory and traffic


def memory_lines(plan: MeshPlan) -> list[str]:
    """The memory of a device."""
    sizes = plan.layout.as_json()
    rows = [(name, sizes[name], why) for name, why in MEMORY_ROWS.items() if sizes[name]]
    rows.append(("total", sizes["total"], "without training data on the device"))
    return ["memory of each device in a step", *(f"  {a:<12}{memory(b):>11}  {c}".rstrip() for a, b, c in rows)]


def traffic_lines(plan: MeshPlan, width: int) -> list[str]:
    """What a device sends in a step."""
    if not plan.sent:
        return ["each device sends nothing in a step"]
    rows = [["each device sends in a step", "for", "bytes"]]
    rows += [[kind, why, memory(round(n))] for (why, kind), n in plan.sent_by_reason.items() if n]
    rows.append(["total", "", memory(round(plan.total_sent))])
    return table_lines(rows, left=2, width=width)


def memory_text(plan: MeshPlan, width: int) -> str:
    """The memory of a device and what it sends, without the weights."""
    return "\n".join([heading(plan), "", *memory_lines(plan), "", *traffic_lines(plan, width)])


def recommendation_text(found: Recommendation, width: int) -> str:
    """The mesh to take with the reason, the others, and its plan."""
    known = found.available is not None
    rows = [["mesh", "memory of each", "sends in a step", *(["fits"] if known else [])]]
    for plan in found.plans[:MAX_SHOWN]:
        fits = ["yes" if found.fits(plan) else "no"] if known else []
        rows.append([str(plan.mesh), memory(plan.layout.total), memory(round(plan.total_sent)), *fits])
    more = len(found.plans) - MAX_SHOWN
    lines = [f"recommended: mesh = {found.best.mesh}", f"  because {found.why}", "", *table_lines(rows, width=width)]
    lines += [f"… and {more:,} more {'mesh' if more == 1 else 'meshes'}"] if more > 0 else []
    return "\n".join([*lines, "", memory_text(found.best, width)])


def simulated_text(plan: MeshPlan, simulated: Simulated, width: int) -> str:
    """What the compiled program sends, beside the plan of it.

    Args:
        plan: a plan for CPUs (`plan_step`).
        simulated: the program.
        width: columns of the terminal.
    """
    rows = [["each device sends in a step", "compiled", "from shapes"]]
    for kind in dict.fromkeys([*simulated.sent, *plan.sent]):
        rows.append([kind, memory(round(simulated.sent.get(kind, 0))), memory(round(plan.sent.get(kind, 0)))])
    rows.append(["total", memory(round(sum(simulated.sent.values()))), memory(round(plan.total_sent))])
    title = f"compiled ahead for {plural(simulated.mesh.size, 'simulated device')} in {simulated.seconds:.0f} s"
    held = f"{memory(simulated.arguments)} of state and examples, {memory(simulated.temporary)} of temporary memory"
    notes = ["On a CPU gradients of split weights are summed by all-reduce, and bf16 is computed in f32."]
    differs = plan.shapes.number < 4 or any("fsdp" in one.axes for one in plan.weights)
    lines = [title, f"  {count(round(simulated.flops))} floating-point operations and {held} on each", ""]
    return "\n".join([*lines, *table_lines(rows, width=width), *(["", *notes] if differs else [])])
