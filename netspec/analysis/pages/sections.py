"""The sections of a report that need only what is in the run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.analysis.pages.network import network_section
from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.reproduce import reproduce_section
from netspec.analysis.pages.results import results_section
from netspec.analysis.pages.summary import summary_section
from netspec.analysis.pages.training import training_section
from netspec.report.page.section import Section


def run_sections(runs: Sequence[Path]) -> list[Section]:
    """What was trained, on what, and how it went.

    Args:
        runs: run folders; they may still be trained.

    Raises:
        CompileError: one of them is not a run, or is damaged.
    """
    (run,) = map(ReadRun, runs)
    return [
        summary_section(run),
        network_section(run),
        training_section(run),
        results_section(run),
        reproduce_section(run),
    ]
