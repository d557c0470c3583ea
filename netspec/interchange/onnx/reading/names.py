"""The names of layers, and of the modules around them, in the names of nodes and weights of a file."""

from __future__ import annotations

import re
from ast import literal_eval

from netspec.interchange.onnx.reading.graph import Graph, Node


def place_of(node: Node, graph: Graph) -> tuple[tuple[str, ...], str]:
    """The modules around a node, outer first, and its name.

    PyTorch has `/layer1/layer1.0/conv1/Conv` or a list of the modules in the metadata, TensorFlow
    `model/conv1/Conv2D`, netspec `block/conv/Conv`; where a name says nothing, that of the weights may.
    """
    parts = _modules(node) or _of_weights(node, graph) or _of_path(node)
    if not parts:
        return (), node.name
    return tuple(parts[:-1]), parts[-1]


def _modules(node: Node) -> list[str]:
    """The modules that the exporter of PyTorch wrote beside the node: `['', 'layer1', 'layer1.0', 'conv2d']`."""
    if not node.scopes.startswith("["):
        return []
    try:
        found = literal_eval(node.scopes)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    names = [name for name in found if isinstance(name, str) and name][:-1] if isinstance(found, list) else []
    return _steps(names)


def _steps(names: list[str]) -> list[str]:
    """Names of modules without those of the modules around: `layer1`, `layer1.0` become `layer1`, `0`."""
    steps, before = [], ""
    for name in names:
        steps += (name.removeprefix(f"{before}.") if before else name).split(".") if name != before else []
        before = name
    return steps


def _of_weights(node: Node, graph: Graph) -> list[str]:
    """`layer1.0.conv1.weight` names the modules; so does `layer1/conv/kernel`, unless the node does."""
    for name in node.inputs[1:]:
        if name in graph.tensors and name.endswith((".weight", ".bias")) and not name.startswith("onnx::"):
            return name.split(".")[:-1]
    return []


def _of_path(node: Node) -> list[str]:
    parts = [part for part in node.name.split("/") if part]
    if len(parts) < 2:
        return []
    return _steps(parts[:-1])


def identifier(name: str) -> str:
    """A name of a size that a spec can have: it begins with an upper-case letter."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "size"
    return f"Size_{found}" if found[0].isdigit() else found[0].upper() + found[1:]
