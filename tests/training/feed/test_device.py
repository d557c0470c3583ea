"""What is set up before a run: programs are kept for the next process, where that is possible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = "input 4\ndense(16, relu) -> dense(classes, softmax)\ndata { source = iris }\ntrain { epochs = 2 }\n"


def train(folder: Path, **environment: str) -> None:
    (folder / "net.net").write_text(SPEC)
    command = [sys.executable, "-m", "netspec", "train", "net.net"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        command, cwd=folder, env={**clean, **environment}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "rror" not in done.stderr


def programs(folder: Path) -> dict[Path, int]:
    """Those that are kept, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*-cache") if path.stat().st_size}


def steps(found: dict[Path, int]) -> list[Path]:
    return sorted(path for path in found if path.name.startswith("jit_step"))


def test_programs_are_kept_and_used(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    train(tmp_path, XDG_CACHE_HOME=str(cache))
    (folder,) = (cache / "netspec").glob("programs-*")
    first = programs(folder)
    assert steps(first)
    train(tmp_path, XDG_CACHE_HOME=str(cache))
    second = programs(folder)
    assert {path: second.get(path) for path in first} == first
    # Beside them a small one may stand, of which the machine was too busy to compile it in a tenth of a second.
    assert steps(second) == steps(first)


@pytest.mark.parametrize("where", ["/dev/null/cache", "/proc/cache"])
def test_a_home_that_cannot_be_written_to(tmp_path: Path, where: str) -> None:
    train(tmp_path, XDG_CACHE_HOME=where)


def test_what_jax_is_told_goes_first(tmp_path: Path) -> None:
    own = tmp_path / "own"
    train(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), JAX_COMPILATION_CACHE_DIR=str(own))
    assert not list((tmp_path / "cache").glob("netspec/programs-*"))
