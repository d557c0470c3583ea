"""Code data to Python text. Leaves are printed by `repr` from checked numbers and enumerated names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType

from netspec.layers.code import Code, PythonCall, PythonName

WIDTH = 100
"""Lines are broken when they get longer."""

OPERATORS = ("+", "*")
"""Functions that are written between their arguments, which are names or calls."""

NO_NAMES: Mapping[str, str] = MappingProxyType({})


def to_python(code: Code, indent: int = 0, room: int = WIDTH, functions: Mapping[str, str] = NO_NAMES) -> str:
    """An expression as text; broken over lines, one argument each, when it is longer than `room`.

    `functions` has the names under which the file knows functions, where they differ from those in the code.
    """
    flat = _flat(code, functions)
    if len(flat) <= room or not isinstance(code, PythonCall | list) or code == []:
        return flat
    inner = " " * (indent + 4)
    if isinstance(code, list):
        items = [to_python(item, indent + 4, WIDTH - indent - 4, functions) for item in code]
        opening, closing = "[", "]"
    else:
        items = [to_python(a, indent + 4, WIDTH - indent - 4, functions) for a in code.args]
        items += [f"{n}={to_python(v, indent + 4, WIDTH - indent - 5 - len(n), functions)}" for n, v in code.kwargs]
        opening, closing = f"{functions.get(code.function, code.function)}(", ")"
    if opening[:-1] in OPERATORS:
        joint = f"\n{inner}{opening[:-1]} "
        return "(\n" + joint.join([f"{inner}{items[0]}", *items[1:]]) + f"\n{' ' * indent})"
    return f"{opening}\n" + "".join(f"{inner}{item},\n" for item in items) + f"{' ' * indent}{closing}"


def _flat(code: Code, functions: Mapping[str, str]) -> str:
    match code:
        case PythonName(text=text):
            return functions.get(text, text)
        case PythonCall(function=operator) if operator in OPERATORS:
            return f" {operator} ".join(_flat(a, functions) for a in code.args)
        case PythonCall():
            parts = [_flat(a, functions) for a in code.args]
            parts += [f"{name}={_flat(value, functions)}" for name, value in code.kwargs]
            return f"{functions.get(code.function, code.function)}({', '.join(parts)})"
        case tuple():
            inner = ", ".join(_flat(c, functions) for c in code)
            return f"({inner},)" if len(code) == 1 else f"({inner})"
        case list():
            return f"[{', '.join(_flat(c, functions) for c in code)}]"
        case str():
            return json.dumps(code)
        case float() if not math.isfinite(code):
            return f'float("{code}")'
        case None | bool() | int() | float():
            return repr(code)
    raise TypeError(f"no Python text for {type(code).__name__}")


def functions_in(code: Code) -> set[str]:
    """Every function that an expression calls, and what else of `jnp`, `nn` and other packages it names."""
    if isinstance(code, PythonName):
        return {code.text} if ":" in code.text or code.text.startswith(("jnp.", "nn.")) else set()
    if isinstance(code, PythonCall):
        inner = (functions_in(c) for c in (*code.args, *(v for _, v in code.kwargs)))
        return {code.function}.union(*inner)
    if isinstance(code, tuple | list):
        return set().union(*(functions_in(c) for c in code))
    return set()
