"""What the emitted file calls the functions it uses, and which names are therefore not free for anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netspec.compiler.backend.pycode import functions_in
from netspec.compiler.backend.standalone import helper_names
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.naming import unique_name
from netspec.layers.base import Layer
from netspec.layers.code import Code, PythonName

FIXED = frozenset({"self", "nn", "jnp", "jax", "rngs", "logits", "Any", "None", "True", "False", "sum", "float"})
"""Names that every emitted file may use."""


@dataclass(frozen=True)
class FileNames:
    """The names of a file.

    `functions` has what differs from the name in the declaration; `used` are those names; `imports` are the lines for
    functions of other packages; nothing else may be called as in `reserved`.
    """

    used: frozenset[str]
    functions: dict[str, str]
    imports: tuple[str, ...]
    reserved: frozenset[str]


def file_names(network: Graph, *, standalone: bool) -> FileNames:
    """Names for everything that the classes of a network call."""
    used = set().union(*(functions_in(code) for code in _codes(network)))
    if any(isinstance(n.operation, Layer) and n.operation.is_frozen for g in network.subgraphs() for n in g.nodes):
        used.add("nn.frozen")
    # The helpers are reserved in every file, so that a standalone one has the same variables as any other.
    reserved = set(FIXED | helper_names())
    functions = {f"nn.{name}": name for name in helper_names()} if standalone else {}
    imported: dict[str, list[str]] = {}
    for function in sorted(f for f in used if ":" in f):
        module, _, name = function.partition(":")
        functions[function] = unique_name(name, reserved)
        reserved.add(functions[function])
        renamed = "" if functions[function] == name else f" as {functions[function]}"
        imported.setdefault(module, []).append(f"{name}{renamed}")
    imports = tuple(f"from {module} import {', '.join(names)}" for module, names in imported.items())
    return FileNames(frozenset(used), functions, imports, frozenset(reserved))


def _codes(network: Graph) -> Iterator[Code]:
    """All code of a network: constructors, calls, activations, heads."""
    for graph in network.subgraphs():
        for node in graph.nodes:
            if not isinstance(layer := node.operation, Layer):
                continue
            shapes = graph.input_shapes(node)
            yield (module := layer.module(*shapes))
            mask, tensors = None if node.mask is None else PythonName("mask"), (PythonName("x"),) * len(shapes)
            yield layer.applied(None if module is None else PythonName("m"), tensors, mask, shapes)
            activation = layer.activation_word
            if activation is not None and not activation.has_weights:
                yield activation.code(PythonName("x"))
        yield from (output.head.code(PythonName("x")) for output in graph.outputs if output.head is not None)
