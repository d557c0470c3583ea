"""The pages that lead into the code name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("netspec/", "grammar/", "docs/", "tests/", "benchmarks/", "examples/", "specs/", "pyproject.toml")


def named_paths(page: str) -> list[str]:
    """The code spans that begin like a path of the repository."""
    spans = re.findall(r"`([^`\s]+)`", (ROOT / page).read_text(encoding="utf-8"))
    return [span for span in spans if span.startswith(PLACES)]


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_exists(page: str) -> None:
    paths = named_paths(page)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_room_has_a_row() -> None:
    rooms = {f"netspec/{path.parent.name}/" for path in (ROOT / "netspec").glob("*/__init__.py")}
    assert rooms <= set(named_paths("ARCHITECTURE.md"))
