"""Weak scaling by simulation: what each device computes and sends in a step, on 1 to 4,096 devices.

Each device has the same number of examples, however many there are. Up to 64 devices, the step is compiled ahead for
simulated devices, and operations and bytes are counted in the program; larger meshes are planned from shapes. No step
runs, so that the results do not depend on the machine.

    python -m benchmarks.weak_scaling [--simulated 64] [--out FILE] [--picture FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netspec.analysis.scaling.plan import plan_step
from netspec.analysis.scaling.simulate import MAX_DEVICES, simulate
from netspec.analysis.scaling.step_shapes import step_shapes
from netspec.display.charts.axes import axis_of
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.training.distributed.mesh import Mesh

SPEC = """
input 1024
dense(4096, relu) -> dense(4096, relu) -> dense(16)
train { optimizer = adam(0.001) }
"""
EXAMPLES = 8
"""Of each device; devices of one group of the axis `model` share theirs."""
SIZES = tuple(2**power for power in range(13))
MESHES = {
    "data(n)": "data({n})",
    "fsdp(n)": "fsdp({n})",
    "model(n)": "model({n})",
    "data(n / 8) -> model(8)": "data({n_8}) -> model(8)",
}
FOLDER = Path(__file__).parent


def mesh_for(pattern: str, devices: int) -> Mesh | None:
    """The mesh of a row for this many devices; None: it needs more."""
    if "n_8" in pattern and devices < 8:
        return None
    return Mesh.parse(pattern.format(n=devices, n_8=devices // 8))


def measure(devices: int, *, is_simulated: bool) -> list[dict[str, Any]]:
    """A row for each mesh of this many devices."""
    rows = []
    for name, pattern in MESHES.items():
        mesh = mesh_for(pattern, devices)
        if mesh is None:
            continue
        spec = Compilation(Source("mlp", SPEC), overrides={"train.batch": str(EXAMPLES * mesh.batch_parts)})
        shapes = step_shapes(spec)
        row = {"mesh": name, "devices": devices, "planned": plan_step(shapes, mesh).sent}
        row["planned_for_cpu"] = plan_step(shapes, mesh, for_cpu=True).sent
        if is_simulated:
            (found,) = simulate(spec, [mesh])
            row |= {"simulated": found.sent, "flops": found.flops}
        rows.append(row)
        print(text_of(row), flush=True)
    return rows


def text_of(row: dict[str, Any]) -> str:
    planned, on_cpu = sum(row["planned"].values()), sum(row["planned_for_cpu"].values())
    text = f"{row['mesh']:<24}{row['devices']:>6}  {planned / 1e6:>10.3f} MB planned"
    if "simulated" not in row:
        return text
    counted = sum(row["simulated"].values())
    return f"{text}{on_cpu / 1e6:>10.3f} MB for CPUs{counted / 1e6:>10.3f} MB counted{row['flops'] / 1e6:>9.1f} MFLOP"


def picture(rows: Sequence[dict[str, Any]]) -> str:
    """Bytes that a device sends over the number of devices: lines from shapes, points counted in compiled programs."""
    series = []
    for color, name in enumerate(MESHES):
        mine = [row for row in rows if row["mesh"] == name and row["devices"] > 1]
        counted = [row for row in mine if "simulated" in row]
        points = {
            "planned_for_cpu": (mine, "line", f"{name}, from shapes"),
            "simulated": (counted, "points", f"{name}, counted in the compiled program"),
        }
        for key, (chosen, kind, label) in points.items():
            sent = [sum(row[key].values()) / 1e6 for row in chosen]
            series.append(Series(label, [row["devices"] for row in chosen], sent, kind, color))
    across = axis_of([number for row in rows if (number := row["devices"]) > 1], may_be_log=True)
    up = axis_of([y for one in series for y in one.ys], may_be_log=True)
    plane = Plane(
        "Bytes that each device sends in a step",
        "devices",
        "MB",
        series,
        summary="Flat for data parallelism, from the second device on; so are the others.",
        x_axis=across,
        y_axis=up,
        size=(560.0, 320.0),
    )
    return plane_svg(plane)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulated", type=int, default=MAX_DEVICES, help="the largest number of simulated devices")
    parser.add_argument("--out", type=Path, default=FOLDER / "results" / "weak_scaling.json")
    parser.add_argument("--picture", type=Path, default=FOLDER.parent / "docs" / "pictures" / "weak_scaling.svg")
    options = parser.parse_args()
    rows = [row for n in SIZES for row in measure(n, is_simulated=n <= options.simulated)]
    options.out.write_text(json.dumps({"spec": SPEC, "examples": EXAMPLES, "rows": rows}, indent=1) + "\n")
    options.picture.write_text(picture(rows))


if __name__ == "__main__":
    main()
