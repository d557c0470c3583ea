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


def test_every_name_beside_a_path_is_in_that_file() -> None:
    """`netspec/runs/diff.py` (`HARMLESS`, `compare`): a row leads to the line, not to the file alone."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = [
        (path, name)
        for path, names in re.findall(r"`([^`\s]+\.\w+)` \(([^()]*`[^()]*)\)", text)
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert len(named) > 10
    assert [pair for pair in named if not re.search(rf"\b{pair[1]}\b", (ROOT / pair[0]).read_text("utf-8"))] == []


def test_every_module_that_code_mentions_exists() -> None:
    modules = ["/" + path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/**/*.py")]
    missing = []
    for path in sorted((ROOT / "netspec").rglob("*.py")):
        for mentioned in re.findall(r"[\w/]+\.py\b", path.read_text(encoding="utf-8")):
            if not any(module.endswith("/" + mentioned) for module in modules):
                missing.append((path.name, mentioned))
    assert missing == []


def test_the_table_of_codes() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed: dict[str, str] = {}
    for codes, path in re.findall(r"^\| (NS[^|]*) \| `([^`]*)` \|$", text, re.M):
        for first, last in re.findall(r"NS(\d+)(?:–NS(\d+))?", codes):
            listed.update({f"NS{number}": path for number in range(int(first), int(last or first) + 1)})
    declared = {
        code: path.relative_to(ROOT).as_posix()
        for path in (ROOT / "netspec").rglob("*.py")
        for code in re.findall(r'^    code = "(NS\d+)"$', path.read_text(encoding="utf-8"), re.M)
    }
    assert len(declared) > 150
    assert {code: path for code, path in declared.items() if listed.get(code) != path} == {}


@pytest.mark.parametrize("command", [r"pip install \. && netspec train", r"pip install '\.\[dev\]' && pytest"])
def test_commands_that_run_on_a_clean_machine_have_lines_of_their_own(command: str) -> None:
    """The checks on a clean machine read these two from the README and run them word for word."""
    assert re.search(rf"^ *{command}", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
