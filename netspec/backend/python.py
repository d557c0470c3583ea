"""Code data to Python text. Leaves are printed by `repr` from checked numbers and enumerated names."""

from __future__ import annotations

import json

from netspec.layers.base import Code, PythonCall, PythonName

WIDTH = 100
"""Lines are broken when they get longer."""


def to_python(code: Code, indent: int = 0, room: int = WIDTH) -> str:
    """An expression as text; broken over lines, one argument each, when it is longer than `room`."""
    flat = _flat(code)
    if len(flat) <= room or not isinstance(code, PythonCall | list) or code == []:
        return flat
    inner = " " * (indent + 4)
    if isinstance(code, list):
        items = [to_python(item, indent + 4, WIDTH - indent - 4) for item in code]
        opening, closing = "[", "]"
    else:
        items = [to_python(a, indent + 4, WIDTH - indent - 4) for a in code.args]
        items += [f"{name}={to_python(v, indent + 4, WIDTH - indent - 5 - len(name))}" for name, v in code.kwargs]
        opening, closing = f"{function_name(code.function)}(", ")"
    return f"{opening}\n" + "".join(f"{inner}{item},\n" for item in items) + f"{' ' * indent}{closing}"


def function_name(function: str) -> str:
    """The name under which emitted code calls it: `package.module:name` is imported as `name`."""
    return function.rpartition(":")[2]


def _flat(code: Code) -> str:
    match code:
        case PythonName(text=text):
            return text
        case PythonCall(function="+"):
            return " + ".join(_flat(a) for a in code.args)
        case PythonCall():
            parts = [_flat(a) for a in code.args] + [f"{name}={_flat(value)}" for name, value in code.kwargs]
            return f"{function_name(code.function)}({', '.join(parts)})"
        case tuple():
            return f"({_flat(code[0])},)" if len(code) == 1 else f"({', '.join(_flat(c) for c in code)})"
        case list():
            return f"[{', '.join(_flat(c) for c in code)}]"
        case str():
            return json.dumps(code)
        case None | bool() | int() | float():
            return repr(code)
    raise TypeError(f"no Python text for {type(code).__name__}")


def functions_in(code: Code) -> set[str]:
    """Every function that an expression calls."""
    if isinstance(code, PythonCall):
        inner = (functions_in(c) for c in (*code.args, *(v for _, v in code.kwargs)))
        return {code.function}.union(*inner)
    if isinstance(code, tuple | list):
        return set().union(*(functions_in(c) for c in code))
    return set()
