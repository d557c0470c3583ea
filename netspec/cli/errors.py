"""NS553, NS569: what a command prints cannot be written, or its page cannot be served."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class OutputNotWritten(Diagnostic):
    """What a command prints cannot be written: usually the disk is full that holds the file to which it is redirected.

    A training continues to its end all the same: its run folder has everything that was not printed, in `log.txt` and
    `metrics.jsonl`. A pipe that is closed, as by `netspec words | head`, is not an error.
    """

    code = "NS553"
    title = "the output cannot be written: {reason}"
    hint = "free some space, or redirect the output to another place"
    reason: str


class PortNotUsable(Diagnostic):
    """`netspec watch` cannot use the port that `--port` names: usually another program uses it, or it is below 1024,
    where only the administrator may listen. Without `--port` one is chosen that is free.
    """

    code = "NS569"
    title = "port {port} cannot be used: {reason}"
    hint = "omit `--port`, or give another one"
    port: int
    reason: str
