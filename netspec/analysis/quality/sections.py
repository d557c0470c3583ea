"""The sections of a report that need the predictions of a split."""

from __future__ import annotations

from pathlib import Path

from netspec.report.page.section import Section


def quality_sections(run: Path, split: str = "test") -> list[Section]:
    """What the predictions of a run show.

    Args:
        run: a run folder.
        split: the split that is predicted.
    """
    return []
