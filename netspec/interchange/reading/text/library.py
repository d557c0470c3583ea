"""Blocks that the standard library has already: `use std.resnet (bottleneck)`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from netspec.compiler.ir.graph import Graph, Input
from netspec.compiler.names.imports import LIBRARY
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.interchange.reading.text.printing import call_text
from netspec.interchange.reading.text.terms import Block, Call, at
from netspec.language.diagnostics import CompileError, Problems
from netspec.language.record import Frozen
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

SIZE = 64
"""The height and width of the images that blocks are compared with."""


class LibraryBlock(Frozen):
    """A `def` of the standard library: its file without the ending, its name, and its parameters."""

    file: str
    name: str
    parameters: tuple[str, ...]
    required: int


@cache
def library_blocks() -> tuple[LibraryBlock, ...]:
    """Every block of the standard library."""
    found = []
    for path in sorted(LIBRARY.glob("*.net")):
        for statement in parse_source(Source.read(path), Problems()).statements:
            if isinstance(statement, tree.Define):
                parameters = statement.parameters or ()
                required = sum(parameter.default is None for parameter in parameters)
                names = tuple(parameter.name.name for parameter in parameters)
                found.append(LibraryBlock(path.stem, statement.name.name, names, required))
    return tuple(found)


def library_equals(block: Block, definitions: list[str], call: Call) -> Iterator[LibraryBlock]:
    """The blocks of the library that may be the same: they are for one use of the block.

    Args:
        block: the block, which has a name.
        definitions: the text of all blocks.
        call: a use of it.
    """
    call = call.replaced(values=tuple(at(value, 0) for value in call.values))
    if call.rank != 3 or any(not isinstance(v, int | float) for v in call.values):
        return
    before = f"input {SIZE}x{SIZE}x{call.channels[0] or SIZE}"
    own = _layers("\n".join([before, *definitions, call_text(call)]))
    names = [name for name, _ in block.parameters]
    for found in library_blocks():
        if list(found.parameters[: len(names)]) != names or found.required > len(names) or own is None:
            continue
        arguments = ", ".join(f"{n} = {v}" for n, v in zip(names, call.values, strict=True))
        use = f"use std.{found.file} ({found.name})"
        if own == _layers("\n".join([use, before, f"{found.name}({arguments})" if names else found.name])):
            yield found


def _layers(text: str) -> list[str] | None:
    """The layers of a spec, out of their blocks; None if it does not compile."""
    try:
        return _flat(Compilation(Source("block.net", text)).network)
    except CompileError:
        return None


def _flat(graph: Graph) -> list[str]:
    found: list[str] = []
    for node in graph.nodes:
        if isinstance(node.operation, Graph):
            found += _flat(node.operation)
        elif not isinstance(node.operation, Input):
            found.append(f"{node.word} {node.shape}")
    return sorted(found)
