"""The source of the helpers of `netspec.nn` that Flax lacks, for models that run without netspec.

Read as text, so that emitting a model never imports JAX.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

FAMILIES = ("helpers", "resampling", "norms", "attention", "recurrent")
"""The modules of `netspec.nn` whose functions and classes are self-contained; a later one may use an earlier one."""


@cache
def _helpers() -> dict[str, tuple[str, frozenset[str]]]:
    """Every helper by name: its source, and the names it uses."""
    helpers = {}
    for family in FAMILIES:
        text = (Path(__file__).parents[2] / "nn" / f"{family}.py").read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
                segment = ast.get_source_segment(text, node)
                assert segment is not None
                helpers[node.name] = (re.sub(r"  # (type: |noqa).*", "", segment), names)
    return helpers


def helper_names() -> frozenset[str]:
    """Every name that a standalone file may define besides its classes."""
    return frozenset(_helpers())


def helper_sources(names: set[str]) -> list[str]:
    """The sources of these helpers and of those they need, in the order of the files; unknown names are Flax's own."""
    helpers = _helpers()
    needed: set[str] = set()
    stack = [name for name in names if name in helpers]
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(n for n in helpers[name][1] if n in helpers)
    return [source for name, (source, _) in helpers.items() if name in needed]
