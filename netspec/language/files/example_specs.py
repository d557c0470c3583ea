"""The files of the specs that come with netspec."""

from __future__ import annotations

from pathlib import Path


def specs_folder() -> Path:
    """In the package where it is installed, beside it in a source tree."""
    installed = Path(__file__).parents[2] / "specs"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "specs"


def example_names() -> list[str]:
    return sorted(path.stem for path in specs_folder().glob("*.net"))
