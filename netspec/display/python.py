"""What the Python API shows of a training: its progress, warnings, and expectations that are not met."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from netspec.display.kernel import notebook_display
from netspec.display.notebook import NotebookReporter
from netspec.display.problems import each_once, print_problems
from netspec.display.progress import LiveReporter, make_reporter
from netspec.language.diagnostics import CompileError, Diagnostic, render_all
from netspec.training.loop.callback import METHODS, Callback, Several

Expect = Literal["warn", "raise", "ignore"]


class UnmetExpectation(UserWarning):
    """A training ended without meeting an expectation (`expect`) of its spec."""


def _guarded(method: str) -> Any:
    def call(self: _WhileItCanWrite, argument: Any) -> None:
        try:
            if self.reporter is not None:
                getattr(self.reporter, method)(argument)
        except OSError:
            self.reporter = None

    return call


class _WhileItCanWrite(Callback):
    """A reporter until its output is lost, as after a closed pipe: the training goes on, since its result is the run
    folder."""

    def __init__(self, reporter: Callback) -> None:
        self.reporter: Callback | None = reporter

    start, progress, epoch, done, warning = map(_guarded, (*METHODS, "warning"))


@contextmanager
def showing(verbose: int, callbacks: Sequence[Callback]) -> Iterator[Several]:
    """The callbacks of a training from Python, with a reporter unless `verbose` is 0."""
    display = notebook_display()
    reporter = NotebookReporter(display, verbose) if display is not None else make_reporter(verbose)
    try:
        yield Several([_WhileItCanWrite(reporter), *callbacks] if verbose else callbacks)
    finally:
        if isinstance(reporter, LiveReporter):
            reporter.stop()


def show_warnings(verbose: int, *groups: Iterable[Diagnostic]) -> None:
    """Print warnings, each once, unless `verbose` is 0."""
    if verbose:
        print_problems(each_once(*groups))


def report_unmet(problems: Iterable[Diagnostic], expect: Expect, run: Path) -> None:
    """Raise or warn if a finished run does not meet expectations.

    Raises:
        CompileError: with `expect = "raise"`.
    """
    unmet = [problem for problem in problems if problem.is_error]
    if not unmet or expect == "ignore":
        return
    if expect == "raise":
        error = CompileError(unmet)
        error.add_note(f"the training is complete; its run is in {run}")
        raise error
    warnings.warn(f"{render_all(unmet)}\n", UnmetExpectation, stacklevel=4)
