"""The progress of a training as JSON."""

from __future__ import annotations

from netspec.cli.output import print_json, print_problems
from netspec.language.diagnostics import Diagnostic
from netspec.training.loop.callback import Callback, Record


class JsonReporter(Callback):
    """One object for each epoch, and one at the end."""

    def start(self, record: Record) -> None:
        print_problems(record["warnings"])

    def warning(self, diagnostic: Diagnostic) -> None:
        print_problems([diagnostic])

    def epoch(self, record: Record) -> None:
        print_json(record)

    def done(self, record: Record) -> None:
        print_json(record)
