"""Handing a script to the program that submits it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from netspec.language.diagnostics import fail
from netspec.training.errors.distributed import NotSubmitted

WAIT = 120
"""Seconds for an answer of the scheduler."""


def submit(command: Sequence[str], script: Path) -> str:
    """Run a command that submits a script; what it prints.

    Raises:
        CompileError: it is not installed, refuses the script, or does not answer (NS586).
    """
    program = command[0]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=WAIT)
    except FileNotFoundError:
        raise fail(NotSubmitted(script=str(script), case="missing", program=program)) from None
    except subprocess.TimeoutExpired:
        reason = f"{program} does not answer within {WAIT} s"
        raise fail(NotSubmitted(script=str(script), program=program, reason=reason)) from None
    if done.returncode != 0:
        reason = " ".join(done.stderr.split()).replace(f"{program}: error: ", "")
        raise fail(NotSubmitted(script=str(script), program=program, reason=reason or f"status {done.returncode}"))
    return done.stdout.strip()
