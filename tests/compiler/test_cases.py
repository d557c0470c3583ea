"""Golden cases: what each file under tests/cases makes the compiler say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.compiler.ir.printer import graph_text
from netspec.compiler.ir.repeats import find_repeats
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import KINDS, render
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

CASES = Path(__file__).parents[1] / "cases"
GOOD = sorted((CASES / "good").glob("*.net"))
BAD = sorted((CASES / "bad").glob("*.net"))
PASSES = sorted((CASES / "passes").glob("*.net"))


def compilation(path: Path) -> Compilation:
    """A first line such as `#! --input 8 -D n=3` stands for the command line."""
    text = path.read_text(encoding="utf-8")
    match = re.match(r"#! (.*)", text)
    words = match[1].split() if match else []
    overrides = dict(words[i + 1].split("=", 1) for i, w in enumerate(words) if w == "-D")
    given = next((words[i + 1] for i, w in enumerate(words) if w == "--input"), None)
    return Compilation(Source(path.name, text, path), overrides=overrides, input=given)


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good(path: Path, golden) -> None:
    spec = compilation(path)
    assert [render(d) for d in spec.diagnose()] == []
    assert spec.graph is not None
    golden(graph_text(spec.graph) + "\n", path.with_suffix(".graph"))
    golden(spec.python, path.with_suffix(".py"))


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good_is_formatted(path: Path) -> None:
    source = Source.read(path)
    assert format_source(source) == source.text


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad(path: Path, golden) -> None:
    spec = compilation(path)
    text = "\n\n".join(render(d) for d in spec.diagnose()) + "\n"
    golden(text.replace(str(path.parent) + "/", ""), path.with_suffix(".err"))
    code = path.stem.split("_")[0].upper()
    assert code in [d.code for d in spec.problems], f"the file's name promises {code}"


@pytest.mark.parametrize("path", PASSES, ids=lambda p: p.stem)
def test_passes(path: Path, golden) -> None:
    spec = compilation(path)
    graph = spec.inference if path.stem.startswith("inference_") else spec.optimized
    golden(graph_text(graph, find_repeats(graph)) + "\n", path.with_suffix(".graph"))


def test_there_are_enough_cases() -> None:
    assert len(BAD) >= 60
    assert len(GOOD) >= 25


def test_every_code_of_the_front_half_has_a_case() -> None:
    shown = {path.stem.split("_")[0].upper() for path in BAD}
    wanted = {code for code in KINDS if code < "NS400"} - WITHOUT_A_FILE
    assert wanted - shown == set()


WITHOUT_A_FILE = {
    "NS109",  # a file that cannot be read: tests/cli/test_commands.py
}
