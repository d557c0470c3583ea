"""Arguments of the Python API: a wrong type is a `TypeError` that says what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.language.source import Source
from netspec.spec.compilation import read_source


def kind_of(value: object) -> str:
    """`a list`, `an int`, `None`"""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def check_type(name: str, value: object, types: type | tuple[type, ...], wanted: str) -> None:
    """Raises TypeError unless a value has one of the types; `True` is not a number."""
    is_bool = isinstance(value, bool) and bool not in (types if isinstance(types, tuple) else (types,))
    if is_bool or not isinstance(value, types):
        raise TypeError(f"`{name}` is {wanted}, not {kind_of(value)}")


def check_optional(name: str, value: object, types: type | tuple[type, ...], wanted: str) -> None:
    """As `check_type`; None stands for the default."""
    if value is not None:
        check_type(name, value, types, wanted)


def check_params(params: Mapping[str, Any] | None) -> None:
    """Raises TypeError unless `params` is a mapping from names."""
    check_optional("params", params, Mapping, 'a dict such as {"width": 64}')
    for name in params or ():
        check_type("a key of params", name, str, "a str")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raises TypeError for another type than that of the choices, ValueError for another value."""
    shown = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
    check_type(name, value, type(choices[0]), shown)
    if value not in choices:
        raise ValueError(f"`{name}` is {shown}, not {value!r}")


def check_one_data(function: str, others: tuple[Any, ...]) -> None:
    """Raises TypeError for `train(model, x, y)`, as other libraries take data."""
    if others:
        raise TypeError(f"data are one argument, a tuple of arrays: `netspec.{function}(…, (x, y))`")


def read_spec(spec: str | Path) -> Source:
    """A `Path`, or a one-line string that ends in `.net`, is a file; any other string is the text itself.

    Raises:
        CompileError: the file cannot be read.
        TypeError: it is neither a string nor a path.
    """
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith(".net") and "\n" not in spec):
        return read_source(Path(spec))
    if not isinstance(spec, str):
        raise TypeError(f"a spec is a file (str or Path) or a text (str), not {kind_of(spec)}")
    return Source("<spec>", spec)


def run_folder(run: str | Path, name: str = "run") -> Path:
    """The path of a run folder; raises TypeError for anything else than a path."""
    check_type(name, run, (str, Path), "a run folder (str or Path)")
    return Path(run)
