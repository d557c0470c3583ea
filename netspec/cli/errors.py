"""NS553: what a command prints cannot be written."""

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
