"""What a script prints when a `CompileError` ends it: the lines of the script, then the messages as a command does."""

from __future__ import annotations

import functools
import sys
import traceback
from pathlib import Path
from types import TracebackType

from netspec.display.problems import print_problems
from netspec.language.diagnostics import CompileError

OWN = (str(Path(__file__).parents[1]), functools.__file__)
"""Files whose lines say nothing to the author of a script: those of netspec, and of its cached properties."""


def install() -> None:
    """Take over the report of uncaught errors, unless another library or the program has done so."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    if not isinstance(error, CompileError) or sys.stderr is None:
        sys.__excepthook__(kind, error, place)
        return
    frames = [frame for frame in traceback.extract_tb(place) if not frame.filename.startswith(OWN)]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    sys.stderr.write("".join(lines))
    print_problems(error.diagnostics)
    for note in getattr(error, "__notes__", ()):
        sys.stderr.write(f"{note}\n")
