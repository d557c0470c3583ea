"""The graph of a symbol: operators with the nodes that they read."""

from __future__ import annotations

import json
import re
from typing import Any

from netspec.interchange.configs.input_files import InputFile
from netspec.language.record import Frozen
from netspec.language.source import Source, Span

MAX_NODES = 100_000


class Node(Frozen):
    """An operator, or a variable (`op` is `null`); `inputs` are nodes and which of their outputs is read."""

    op: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[tuple[int, int], ...]
    span: Span | None = None

    @property
    def is_variable(self) -> bool:
        return self.op == "null"

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"{self.name} ({self.op})"


class Symbol(Frozen):
    """The nodes, each after those that it reads, and the outputs."""

    nodes: tuple[Node, ...]
    heads: tuple[tuple[int, int], ...]


def read_symbol(source: Source, file: InputFile) -> Symbol:
    """The graph in a text.

    Raises:
        CompileError: it is not a symbol (NS570).
    """
    try:
        data = json.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise file.bad("it is not JSON", "give the symbol first, and its `.params` second") from error
    nodes = data.get("nodes") if isinstance(data, dict) else None
    if not isinstance(nodes, list) or not nodes or not isinstance(data.get("heads"), list):
        raise file.bad("it has no `nodes` and `heads`", "a symbol is what `export` and `symbol.save` write")
    if len(nodes) > MAX_NODES:
        raise file.bad(f"it has more than {MAX_NODES:,} nodes")
    places = _places(source)
    found = tuple(_node(node, index, places, file) for index, node in enumerate(nodes))
    heads = tuple(_entry(head, len(found), file) for head in data["heads"])
    if not heads:
        raise file.bad("it has no output: `heads` is empty")
    return Symbol(found, heads)


def _node(node: Any, index: int, places: dict[str, Span], file: InputFile) -> Node:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("name"), str):
        raise file.bad(f"node {index} has no `op` and `name`")
    name = node["name"]
    texts: dict[str, str] = {}
    for key in ("param", "attr", "attrs"):  # the names of three versions
        given = node.get(key) or {}
        if not isinstance(given, dict):
            raise file.bad(f"`{key}` of `{name}` is not a mapping", span=places.get(name))
        texts |= {str(option): str(value) for option, value in given.items()}
    inputs = node.get("inputs") or []
    if not isinstance(inputs, list):
        raise file.bad(f"`inputs` of `{name}` is not a list", span=places.get(name))
    entries = tuple(_entry(item, index, file, places.get(name)) for item in inputs)
    return Node(node["op"], name, texts, entries, places.get(name))


def _entry(item: Any, limit: int, file: InputFile, span: Span | None = None) -> tuple[int, int]:
    """A node and one of its outputs; a node reads only those before it."""
    numbers = item if isinstance(item, list) else [item]
    if not numbers or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise file.bad("an input is not a pair of a node and an output", span=span)
    node, output = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if not 0 <= node < limit or not 0 <= output < 10_000:
        raise file.bad(f"node {node} is read before it is computed", span=span)
    return node, output


def _places(source: Source) -> dict[str, Span]:
    """Where the names of nodes are in the text."""
    found: dict[str, Span] = {}
    for match in re.finditer(r'"name"\s*:\s*"([^"\\]*)"', source.text):
        found.setdefault(match[1], Span(source, *match.span(1)))
    return found
