"""The standard streams of a command, which may be closed, full, or a pipe that nobody reads any more.

A command whose output cannot be written ends: quietly after a closed pipe, with a message after any other error. A
training continues without its output (`continue_unread`), since its result is the run folder. What cannot be written to
the error stream is dropped.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any

import click

from netspec.cli.errors import OutputNotWritten
from netspec.display.text import line_width
from netspec.language.diagnostics import render
from netspec.language.files.atomic_files import reason_of

CLOSED_PIPE = 141
"""The exit status of a program that a closed pipe ends, as a shell shows it: 128 + SIGPIPE."""


class OutputLost(Exception):
    """The output of a command cannot be written."""


class _Stream(io.FileIO):
    """A standard stream; after an error what is written to it is dropped."""

    def __init__(self, number: int, *, may_fail: bool) -> None:
        super().__init__(number, "wb", closefd=False)
        self.may_fail = may_fail
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
                if not self.may_fail:
                    raise OutputLost from error
        return memoryview(data).nbytes


_output: _Stream | None = None


def guard_streams() -> None:
    """Make the standard streams of this process safe to use, whatever they are connected to."""
    global _output
    for number in range(3):  # otherwise the next file that is opened would be taken for the output
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if os.name == "nt":  # consoles there are written to in another way
        return
    _output, errors = _Stream(1, may_fail=False), _Stream(2, may_fail=True)
    sys.stdout, sys.stderr = _text(_output, sys.stdout), _text(errors, sys.stderr)


def _text(stream: _Stream, like: Any) -> io.TextIOWrapper:
    """The text layer of a stream: as it was, but a character that its encoding lacks is written as an escape."""
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding=getattr(like, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=stream.isatty() or getattr(like, "line_buffering", False),
        write_through=getattr(like, "write_through", False),
    )


def separate_output() -> None:
    """From now on only Python writes to the output: libraries in C++ that print there (Gloo does) would break the lines
    of JSON of a command."""
    global _output
    if _output is None:
        return
    sys.stdout.flush()
    output = _Stream(os.dup(1), may_fail=_output.may_fail)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout, _output = _text(output, sys.stdout), output


def continue_unread() -> None:
    """From now on a command continues when its output cannot be written."""
    if _output is not None:
        _output.may_fail = True


def status_after(status: int) -> int:
    """The exit status of a command that ended with `status`, once its output is written."""
    with suppress(OutputLost):  # which `_output.error` says below
        sys.stdout.flush()
    error = _output.error if _output is not None else None
    if error is None or _output is None:
        return status
    if error.errno == errno.EPIPE:
        return status if _output.may_fail else CLOSED_PIPE
    click.echo(render(OutputNotWritten(reason=reason_of(error)), width=line_width()), err=True)
    return status or 1
