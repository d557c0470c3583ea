"""The sections of a report that need only what is in the run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netspec.report.page.section import Section


def run_sections(runs: Sequence[Path]) -> list[Section]:
    """What was trained, on what, and how it went.

    Args:
        runs: run folders; they may still be trained.
    """
    return []
