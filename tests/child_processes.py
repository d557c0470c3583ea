"""Child processes of tests: their environment, how far the training in one has come, and waiting for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 240
"""Seconds after which a test does not wait any longer."""


def child_environment(devices: int | None = None, **variables: str) -> dict[str, str]:
    """The variables of a process that imports netspec and the tests from this checkout; with `devices`, it has so many
    simulated ones."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    simulated = {} if devices is None else {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
    return {**os.environ, "PYTHONPATH": paths, **simulated, **variables}


def epochs_of(run: Path) -> int:
    """How many epochs of a run are recorded, also while it is under way or has not begun."""
    try:
        return (run / "metrics.jsonl").read_text().count('"event": "epoch"')
    except FileNotFoundError:
        return 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
