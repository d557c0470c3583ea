"""What `netspec show --memory` says of a training step beside what it takes: the specs of the zoo, a process for each.

Measured is the most that is resident during three steps, above what was there just before them, with weights, state
and batch, which were there already. What compiling leaves behind is thus not in it, nor the code of the libraries: a
step runs before. The C library is told to hand back at once what is freed, so that what is in use is seen.

    python -m benchmarks.memory [--batch N] [SPEC ...]
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.worker import memory
from netspec.analysis.step_memory import footprint_of, step_of
from netspec.spec.compilation import Compilation, read_source

SPECS = Path(__file__).parents[1] / "specs"
NETS = Path(__file__).parent / "nets"
BATCH = 32
"""Examples in a step of a net that does not say how many."""
GIVE_BACK = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072"}
SEEN = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""Written to `SEEN`, it makes the kernel count the peak anew."""
STEPS = 3
MIB = 2**20


def zeros(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), tree)


def is_trained(path: Path) -> bool:
    """Whether a spec says how it is trained, and so how many examples a step takes."""
    return "train {" in path.read_text(encoding="utf-8")


def measure(path: Path, batch: int | None) -> tuple[int, int, int]:
    """The examples of a step, its bytes as estimated, and as measured."""
    spec = Compilation(read_source(path), overrides={} if batch is None else {"train.batch": str(batch)})
    estimated = footprint_of(spec)
    engine, _, shapes = step_of(spec)
    state, data, order = engine.start(), zeros(shapes), jnp.arange(estimated.examples)
    program = engine.step_program(estimated.examples).lower(state, data, order).compile()
    state, loss = program(state, data, order)  # brings the code that runs into memory
    loss.block_until_ready()
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    SEEN.write_text(FORGET_PEAK, encoding="ascii")
    before = memory("VmRSS") - (estimated.total - estimated.work)
    for _ in range(STEPS):
        state, loss = program(state, data, order)
        loss.block_until_ready()
    return estimated.examples, estimated.total, memory("VmHWM") - before


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument(
        "specs",
        nargs="*",
        type=Path,
        help="by default those of the zoo that are trained, and the nets of the benchmarks",
    )
    parser.add_argument("--batch", type=int, help="examples in a step; by default those of each spec")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        print(*measure(asked.specs[0], asked.batch))
        return
    trained = [path for path in sorted(SPECS.glob("*.net")) if is_trained(path)]
    specs: Sequence[Path] = asked.specs or [*trained, *sorted(NETS.glob("*.net"))]
    print(f"{'spec':<26}{'examples':>9}{'estimated':>13}{'measured':>13}{'ratio':>8}")
    failed = False
    for path in specs:
        examples = asked.batch or (None if is_trained(path) else BATCH)
        batch = [] if examples is None else ["--batch", str(examples)]
        command = [sys.executable, "-m", "benchmarks.memory", "--here", *batch, str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **GIVE_BACK})
        if told.returncode:
            print(f"{path.stem:<26} {told.stderr.strip().splitlines()[-1]}", flush=True)
            failed = True
            continue
        count, estimated, measured = map(int, told.stdout.split())
        row = f"{path.stem:<26}{count:>9}{estimated / MIB:>9.1f} MiB{measured / MIB:>9.1f} MiB"
        print(f"{row}{estimated / measured:>8.2f}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
