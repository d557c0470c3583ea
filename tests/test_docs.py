"""Every example of the docs compiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.diagnostics import render
from netspec.pipeline import Compilation
from netspec.source import Source

ROOT = Path(__file__).parents[1]
BLOCKS = [
    (name, int(text[: match.start()].count("\n")), match[1], match[2])
    for name in ("docs/language.md", "README.md")
    for text in [(ROOT / name).read_text(encoding="utf-8")]
    for match in re.finditer(r"^```net *([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("name", "line", "options", "text"), BLOCKS, ids=lambda v: str(v)[:24])
def test_example_compiles(name: str, line: int, options: str, text: str) -> None:
    given = options.split("--input ")[1] if "--input" in options else None
    spec = Compilation(Source(f"{name}:{line}", text), input=given)
    assert [render(d) for d in spec.diagnose()] == []
    compile(spec.python, name, "exec")


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 9
