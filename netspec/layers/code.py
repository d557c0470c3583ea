"""Emitted code as data: calls and names that a declaration enumerates; text from a spec never becomes code."""

from __future__ import annotations

from typing import Any

from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.language.word import Word


class PythonName(Frozen):
    """A name that a declaration enumerates or the emitter makes; never text from a spec."""

    text: str


class PythonCall(Frozen):
    """A call in emitted code. `function` is dotted (`nn.Linear`), or `package.module:name` for user-defined words."""

    function: str
    args: tuple[Code, ...] = ()
    kwargs: tuple[tuple[str, Code], ...] = ()


Code = Any
"""None, bool, int, float, str, tuples and lists of code, `PythonName` or `PythonCall`."""


Names = tuple[PythonName, ...]
Shapes = tuple[Shape, ...]


def call(function: str, *args: Code, **kwargs: Code) -> PythonCall:
    """A call as data; keyword arguments keep their order."""
    return PythonCall(function, args, tuple(kwargs.items()))


def given(**arguments: Code) -> dict[str, Code]:
    """Keyword arguments without those that are None."""
    return {name: value for name, value in arguments.items() if value is not None}


def changed_options(word: Word) -> dict[str, Any]:
    """The options of a word that differ from their defaults, without `name`."""
    values = {o.name: (getattr(word, o.field), o.default) for o in word.options() if o.name != "name"}
    return {name: given for name, (given, default) in values.items() if given != default}
