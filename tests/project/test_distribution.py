"""The name of the distribution: `netspec` on the package index is somebody else's, so no text may send people there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")]
FOLDERS = ("netspec", "docs", "examples", "specs", "benchmarks", "grammar", "tests", ".ci")

THE_OTHER = re.compile(
    r"""(?:pip|uv|poetry|pipx)\s+(?:install|add|pip\s+install)\s+(?:-\S+\s+)*['"]?netspec(?![-\w])  # a command
    |(?<![-\w.])netspec\[(?!\.)[a-z0-9,{}_]+\]  # netspec[extra]
    |(?:version|metadata|requires|files|distribution)\(["']netspec["']\)  # importlib.metadata
    """,
    re.VERBOSE,
)


def texts() -> list[Path]:
    found = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*")) if p.is_file()]
    readable = {".py", ".md", ".toml", ".net", ".err", ".lark", ".txt", ".graph", ""}
    return [
        p for p in [*TEXTS, *found] if p.suffix in readable and "__pycache__" not in p.parts and p != Path(__file__)
    ]


@pytest.mark.parametrize("line", ["pip install netspec", "pip install 'netspec[tpu]'", 'version("netspec")'])
def test_the_other_name_is_found(line: str) -> None:
    assert THE_OTHER.search(line)


@pytest.mark.parametrize("line", ["pip install 'netspec-compiler[tpu]'", "pip install .", "netspec train x.net"])
def test_ours_is_not(line: str) -> None:
    assert not THE_OTHER.search(line)


def test_no_text_names_the_package_of_somebody_else() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if THE_OTHER.search(line)
    ]
    assert wrong == []


def test_the_distribution_has_its_own_name_and_license() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "netspec-compiler"
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
