"""The rules of the house that can be checked: who imports whom, how full a room is, and where JAX is loaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import netspec

PACKAGE = Path(__file__).parents[2] / "netspec"

ORDER = [
    "_version",
    "language",
    "layers",
    "nn",
    "compiler",
    "data",
    "storage",
    "training",
    "display",
    "spec",
    "runs",
    "analysis",
    "search",
    "starter",
    "interchange",
    "serving",
    "testing",
    "api",
    "sklearn",
    "extend",
    "__init__",
    "cli",
    "__main__",
]
"""Rooms and doors: each imports from those before it and from itself, inside of functions and for types as well."""

JAX_ROOMS = (
    "nn/",
    "compiler/backend/load.py",
    "compiler/backend/fold_weights.py",
    "compiler/backend/live_state.py",
    "storage/",
    "training/",
    "spec/model.py",
    "spec/layer_results.py",
    "spec/experiment.py",
    "runs/",
    "analysis/",
    "search/",
    "interchange/",
    "testing/",
)
"""Where JAX, Flax and Optax may be named at all, by an import or by `lazy`."""

MAX_NAMES = 14
TABLES = {"netspec": 24, "netspec/training/optimizers": 24}
"""Folders that may hold more: the package itself, and tables of words."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """`netspec.training.loop` for the folder's `__init__.py`, `netspec.training.loop.job` for a file in it."""
    parts = ["netspec", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in modules()}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside of functions and under TYPE_CHECKING as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in NAMES else node.module)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lazy" and node.args:
            found.add(ast.literal_eval(node.args[0]))
    return found


def own_imports(path: Path) -> set[str]:
    """The modules of this package that a file imports."""
    return {name for name in imports(path) if name in NAMES and name != dotted(path)}


def room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = ORDER.index(room(dotted(path)))
    assert [name for name in own_imports(path) if ORDER.index(room(name)) > own] == []


def test_there_is_no_circle_of_files() -> None:
    graph = {name: own_imports(path) - {"netspec"} for name, path in NAMES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("folder", sorted({p.parent for p in modules()}), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_is_not_crowded(folder: Path) -> None:
    names = [p.name for p in folder.iterdir() if p.name != "__init__.py" and (p.suffix == ".py" or p.is_dir())]
    names = [name for name in names if name != "__pycache__"]
    relative = str(folder.relative_to(PACKAGE.parent))
    assert len(names) <= TABLES.get(relative, MAX_NAMES), names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_some_rooms_import_jax(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    if relative.startswith(JAX_ROOMS):
        return
    assert not {"jax", "flax", "optax", "orbax"} & {name.split(".")[0] for name in imports(path)}


def test_only_the_parser_imports_lark() -> None:
    users = [str(p.relative_to(PACKAGE)) for p in modules() if "lark" in imports(p)]
    assert users == ["compiler/syntax/parser.py"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "specs/digits.net"],
        ["check", "specs/resnet152.net"],
        ["show", "specs/mnist_cnn.net"],
        ["show", "specs/bert_base.net"],
        ["draw", "specs/resnet50.net", "-o", "NET"],
        ["draw", "specs/unet.net", "--style", "blocks", "-o", "NET"],
        ["draw", "specs/vgg16.net", "specs/vgg19.net", "-o", "NET"],
        ["diff", "specs/vgg16.net", "specs/vgg16.net"],
        ["words"],
        ["explain", "NS301"],
    ],
)
def test_the_front_half_never_loads_jax(arguments: list[str], tmp_path: Path) -> None:
    arguments = [str(tmp_path / "net.svg") if one == "NET" else one for one in arguments]
    program = (
        "import sys; from netspec.cli.main import run; status = run(sys.argv[1:]);"
        "heavy = {'jax', 'flax', 'optax', 'numpy', 'scipy', 'sklearn', 'matplotlib', 'PIL', 'rich'} & set(sys.modules);"
        "assert status == 0 and not heavy, (status, heavy)"
    )
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, cwd=PACKAGE.parent, capture_output=True)


# ---------------------------------------------------------------- what others import

DOORS = {"extend", "testing", "nn", "sklearn"}
"""What code outside of the package imports, beside `netspec` itself; `netspec.nn` is what emitted source calls."""

ROOT = PACKAGE.parent


def python_of(path: Path) -> str:
    """The code of a script, or the Python blocks of a page."""
    text = path.read_text(encoding="utf-8")
    return text if path.suffix == ".py" else "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))


OUTSIDE = [
    *sorted((ROOT / "examples").glob("*.py")),
    *sorted((ROOT / "tests" / "testing" / "own_words").glob("*.py")),
    *(path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if python_of(path)),
]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_and_docs_use_doors_only(path: Path) -> None:
    """Examples, docs and a package of user-defined words import nothing from inside a room."""
    tree, public = ast.parse(python_of(path)), {*DOORS, *netspec.__all__, "__version__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            assert all(name.removeprefix("netspec.") in DOORS for name in names if name.startswith("netspec.")), names
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "netspec":
            names = [alias.name for alias in node.names]
            assert node.module == "netspec" or str(node.module).removeprefix("netspec.") in DOORS, node.module
            assert node.module != "netspec" or public.issuperset(names), names
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "netspec":
            assert node.attr in public, node.attr


def test_user_defined_words_are_declared_without_jax() -> None:
    program = "import sys, netspec.extend; assert not {'jax', 'flax', 'optax', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True)
