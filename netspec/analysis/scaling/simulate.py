"""The step of a spec, compiled ahead for simulated devices: what its program sends, computes and needs.

Input: a `Compilation` and meshes. Output: a `Simulated` for each. XLA compiles for as many devices as it was started
with, so that a separate process does it, whose CPU is divided into the devices of the largest mesh; it allocates no
weights and runs no step. Layers are those of Flax, as on GPUs and TPUs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax

from netspec.analysis.scaling.collectives import Collective, Kind, collectives_of, sent_by_kind
from netspec.analysis.scaling.errors import CannotPlan
from netspec.analysis.step_memory import step_of
from netspec.language.diagnostics import CompileError, fail
from netspec.language.lowering_families import REFERENCE
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import split_weights
from netspec.spec.model import Model
from netspec.training.distributed.mesh import Mesh
from netspec.training.distributed.placement import MeshPlacement

MAX_DEVICES = 64
"""XLA starts threads for each simulated device."""
MAX_SECONDS = 1800
DEVICE_FLAG = r"--xla_force_host_platform_device_count=\d+"


@dataclass(frozen=True)
class Simulated:
    """A step, compiled for a mesh; all numbers are those of one device.

    Args:
        mesh: the devices.
        collectives: what it sends.
        flops: floating-point operations, as XLA counts them.
        arguments: bytes of the state and of its examples.
        temporary: bytes of what it computes.
        seconds: how long it took to compile.
    """

    mesh: Mesh
    collectives: tuple[Collective, ...]
    flops: float
    arguments: int
    temporary: int
    seconds: float

    @property
    def sent(self) -> dict[Kind, float]:
        """Bytes that a device sends in a step, by kind."""
        return sent_by_kind(self.collectives)

    def as_json(self) -> dict[str, Any]:
        record = {**asdict(self), "mesh": str(self.mesh)}
        return {**record, "collectives": [asdict(one) for one in self.collectives], "sent": self.sent}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Simulated:
        numbers = {name: record[name] for name in ("flops", "arguments", "temporary", "seconds")}
        collectives = tuple(Collective(**one) for one in record["collectives"])
        return cls(Mesh.parse(record["mesh"]), collectives, **numbers)


def simulate(spec: Compilation, meshes: Sequence[Mesh]) -> list[Simulated]:
    """Compile the step of a spec for meshes of simulated devices.

    Args:
        spec: a spec without errors, from a file or a text.
        meshes: each of at most `MAX_DEVICES` devices.

    Raises:
        CompileError: a mesh is larger, or the program could not be compiled (NS552).
    """
    size = max(mesh.size for mesh in meshes)
    if size > MAX_DEVICES:
        raise fail(CannotPlan(case="many", mesh=str(max(meshes, key=lambda mesh: mesh.size)), limit=MAX_DEVICES))
    order = {
        "name": spec.source.name,
        "text": spec.source.text,
        "overrides": spec.overrides,
        "input": spec.input,
        "used": spec.used_texts,
        "folder": str(spec.given_from),
        "meshes": [str(mesh) for mesh in meshes],
    }
    flags = re.sub(DEVICE_FLAG, "", os.environ.get("XLA_FLAGS", ""))
    inside = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(size), "XLA_FLAGS": flags}
    command = [sys.executable, "-m", __name__]
    run = partial(subprocess.run, command, input=json.dumps(order), env=inside, capture_output=True, text=True)
    try:
        done = run(timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise fail(CannotPlan(case="slow", mesh=str(meshes[0]), limit=MAX_SECONDS // 60)) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        reason = "the system ended it, as it does when memory runs out" if done.returncode == -9 else lines[-1]
        raise fail(CannotPlan(mesh=str(meshes[0]), reason=reason))
    return [Simulated.from_json(record) for record in json.loads(done.stdout.splitlines()[-1])]


def compile_step(spec: Compilation, mesh: Mesh) -> Simulated:
    """Compile the step of a spec for the devices that JAX has in this process.

    Raises:
        CompileError: the spec has mistakes, or there are fewer devices (NS578).
    """
    started = time.perf_counter()
    placement = _MeshOfShapes(mesh, split_weights(Model(spec), mesh), batchnorm=spec.train.batchnorm)
    engine, state, data = step_of(spec, placement, lowering=REFERENCE)
    given = placement.put(state), placement.put_rows(data)
    compiled = engine.batch_program(engine.recipe.batch).lower(*given).compile()
    memory = compiled.memory_analysis()
    return Simulated(
        mesh=mesh,
        collectives=tuple(collectives_of(compiled.as_text())),
        flops=float(compiled.cost_analysis()["flops"]),
        arguments=int(memory.argument_size_in_bytes),
        temporary=int(memory.temp_size_in_bytes),
        seconds=round(time.perf_counter() - started, 3),
    )


class _MeshOfShapes(MeshPlacement):
    """A placement over a mesh for arrays that are shapes, which get their sharding."""

    def _put(self, x: Any, sharding: Any) -> Any:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)


def _main() -> None:
    """What the separate process does: a spec and meshes on standard input, the results on standard output."""
    order = json.load(sys.stdin)
    source = Source(order["name"], order["text"], Path(order["name"]) if order["name"].endswith(".net") else None)
    spec = Compilation(
        source,
        overrides=order["overrides"],
        input=order["input"],
        used=order["used"],
        given_from=Path(order["folder"]),
    )
    try:
        found = [compile_step(spec, Mesh.parse(mesh)) for mesh in order["meshes"]]
    except CompileError as error:
        sys.exit(str(error).splitlines()[0])
    sys.stdout.write(json.dumps([one.as_json() for one in found]) + "\n")


if __name__ == "__main__":
    _main()
