"""The rules of the house that can be checked: who imports whom, and that the front half never loads JAX."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "netspec"

LEVELS = [
    ["__about__", "source", "shape", "record", "folders"],
    ["values", "diagnostics", "kinds"],
    ["vocabulary", "lowerings"],
    ["syntax", "layers"],
    ["graph"],
    ["nn"],
    ["backend"],
    ["data"],
    ["train"],
    ["heads"],
    ["sections"],
    ["pipeline"],
    ["semantics", "alignment"],
    ["difference"],
    ["runs"],
    ["model", "reference"],
    ["testing", "pages", "planning"],
    ["training", "footprint"],
    ["asking", "tuning"],
    ["resuming", "verifying"],
    ["seeding"],
    ["api"],
    ["__init__"],
    ["cli"],
    ["__main__"],
]
"""Imports go from a later line to an earlier one, or within a folder."""

JAX_ROOMS = (
    "nn/",
    "backend/load.py",
    "backend/fold.py",
    "backend/live.py",
    "train/",
    "model.py",
    "planning.py",
    "footprint.py",
    "tuning.py",
    "testing/",
    "training.py",
)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def level(name: str) -> int:
    return next(i for i, names in enumerate(LEVELS) if name in names)


def imports(path: Path, *, everywhere: bool) -> list[str]:
    """Modules that a file imports when it is loaded, or everywhere in it, leaving out TYPE_CHECKING blocks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    nodes = ast.walk(tree) if everywhere else tree.body
    found = []
    for node in nodes:
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = level(room(path))
    for name in imports(path, everywhere=False):
        parts = name.split(".")
        if parts[0] == "netspec" and len(parts) > 1:
            other = next((i for i, names in enumerate(LEVELS) if parts[1] in names), None)
            if other is not None and parts[1] != room(path):
                assert other < own or (other == own and other <= 1), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_some_rooms_import_jax(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    if relative.startswith(JAX_ROOMS):
        return
    heavy = {"jax", "flax", "optax", "orbax"}
    assert not heavy & {name.split(".")[0] for name in imports(path, everywhere=True)}


def test_only_the_parser_imports_lark() -> None:
    users = [str(p.relative_to(PACKAGE)) for p in modules() if "lark" in imports(p, everywhere=True)]
    assert users == ["syntax/parser.py"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "specs/digits.net"],
        ["check", "specs/resnet152.net"],
        ["show", "specs/mnist_cnn.net"],
        ["show", "specs/bert_base.net"],
        ["words"],
        ["explain", "NS301"],
    ],
)
def test_the_front_half_never_loads_jax(arguments: list[str]) -> None:
    program = (
        "import sys; from netspec.cli.main import run; status = run(sys.argv[1:]);"
        "heavy = {'jax', 'flax', 'optax', 'sklearn', 'matplotlib', 'rich'} & set(sys.modules);"
        "assert status == 0 and not heavy, (status, heavy)"
    )
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, cwd=PACKAGE.parent, capture_output=True)
