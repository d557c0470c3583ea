"""Graph to Python source: Flax NNX classes as a person would write them, one for each block, the network last.

Comes in: a graph after the passes. Goes out: source that `load` executes and `netspec compile` writes; with
`standalone`, source that needs Flax only.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass, field

from netspec.backend.classes import POSITIONAL_NAMES as _POSITIONAL
from netspec.backend.classes import BlockClass, Slot, camel_case, edge_labels, make_classes, shared_modules
from netspec.backend.python import functions_in, to_python
from netspec.backend.standalone import helper_sources
from netspec.graph.ir import Edge, Graph, Node, SharedModule
from netspec.layers.base import Code, Layer, PythonCall, PythonName

SPARE_NAMES = ("y", "z", "u", "v", "w")
"""What branches are called when the author has not named them."""


@dataclass
class _Source:
    """What the whole file needs, gathered while the classes are written."""

    functions: set[str] = field(default_factory=set)
    classes: list[str] = field(default_factory=list)

    def text(self, code: Code, indent: int, room: int) -> str:
        self.functions |= functions_in(code)
        return to_python(code, indent, room)


def emit_source(network: Graph, *, standalone: bool = False, probes: bool = False) -> str:
    """The source of a network.

    Args:
        network: the graph after the passes.
        standalone: import Flax only, and bring the helpers that it lacks along.
        probes: report every result to `nn.probe`, to find where a number goes wrong.
    """
    name = camel_case(network.name)
    by_graph = make_classes(network, name)
    source = _Source()
    written: set[str] = set()
    for graph in network.subgraphs():
        block = by_graph[id(graph)]
        if block.name not in written:
            written.add(block.name)
            source.classes.append("\n".join(_ClassWriter(block, by_graph, source, probes).lines()))
    return "\n\n\n".join([_header(network, source, standalone), *source.classes]) + "\n"


def _header(network: Graph, source: _Source, standalone: bool) -> str:
    flows_in = " and ".join(str(node.shape) for node in network.input_nodes)
    flows_out = " and ".join(str(network.shape_of(output.edge)) for output in network.outputs)
    lines = [f'"""{network.name}: {flows_in} -> {flows_out}. Written by netspec."""', ""]
    helpers = (
        helper_sources({f.removeprefix("nn.") for f in source.functions if f.startswith("nn.")}) if standalone else []
    )
    uses_jax = any("jax." in h for h in helpers)
    if uses_jax:
        lines.append("import jax")
    if any(f.startswith("jnp.") for f in source.functions) or any("jnp." in h for h in helpers):
        lines.append("import jax.numpy as jnp")
    lines.append("from flax import nnx as nn" if standalone else "from netspec import nn")
    lines += sorted(f"from {m} import {n}" for m, _, n in (f.partition(":") for f in source.functions) if n)
    if not helpers:
        return "\n".join(lines)
    own = {f"nn.{h.split('(')[0].split()[-1].rstrip(':')}" for h in helpers}
    source.classes[:] = [_localise(text, own) for text in source.classes]
    return "\n\n\n".join(["\n".join(lines), *helpers])


def _localise(text: str, own: set[str]) -> str:
    """Calls of the helpers that stand in the same file: `nn.flatten(` becomes `flatten(`."""
    for name in sorted(own):
        text = text.replace(f"{name}(", f"{name.removeprefix('nn.')}(")
    return text


class _ClassWriter:
    """Writes one class."""

    def __init__(self, block: BlockClass, by_graph: dict[int, BlockClass], source: _Source, probes: bool) -> None:
        self.block = block
        self.by_graph = by_graph
        self.source = source
        self.probes = probes
        self.graph = block.graphs[0]
        self.borrowed = shared_modules(self.graph)

    def lines(self) -> Iterator[str]:
        yield f"class {self.block.name}(nn.Module):"
        yield from self._constructor()
        yield ""
        yield from self._call()

    # ------------------------------------------------------------ __init__

    def _constructor(self) -> Iterator[str]:
        parameters = [f"{name}: {_type_name(values[0])}" for name, values in self.block.parameters.items()]
        parameters += [f"{shared.name}: nn.Module" for shared in self.borrowed]
        yield f"    def __init__({', '.join(['self', *parameters, '*', 'rngs: nn.Rngs'])}):"
        body = [f"self.{shared.name} = {shared.name}" for shared in self.borrowed]
        held: set[SharedModule] = set()
        for shared, node, graph in self._held_modules():
            held.add(shared)
            body += self._module_lines(node, graph, shared.name)
        for node in self.graph.nodes:
            if node.shared is None:
                body += self._module_lines(node, self.graph, node.name)
        yield from (f"        {line}" for line in body or ["pass"])

    def _held_modules(self) -> Iterator[tuple[SharedModule, Node, Graph]]:
        """The shared layers that this block holds, each with a node that uses it, wherever that stands."""
        seen: set[SharedModule] = set()
        for graph in self.graph.subgraphs():
            for node in graph.nodes:
                shared = node.shared
                if shared is not None and shared.owner is self.graph.identity and shared not in seen:
                    seen.add(shared)
                    yield shared, node, graph

    def _module_lines(self, node: Node, graph: Graph, name: str) -> list[str]:
        operation = node.operation
        if isinstance(operation, Graph):
            call = self._block_call(node, operation)
        elif isinstance(operation, Layer) and (module := operation.module(*graph.input_shapes(node))) is not None:
            call = self._with_parameters(node.name, "", module)
            if operation.takes_rngs:
                call = PythonCall(call.function, call.args, (*call.kwargs, ("rngs", PythonName("rngs"))))
            if operation.is_frozen:
                call = PythonCall("nn.frozen", (call,))
        else:
            return []
        text = self.source.text(call, 8, 92 - len(name) - 8)
        return [f"self.{name} = {text}"]

    def _block_call(self, node: Node, inner: Graph) -> PythonCall:
        block = self.by_graph[id(inner)]
        kwargs: list[tuple[str, Code]] = []
        for name, value in block.arguments(inner).items():
            text = self.block.expressions.get(Slot(node.name, name))
            kwargs.append((name, PythonName(text) if text is not None else value))
        kwargs += [(s.name, PythonName(f"self.{s.name}")) for s in shared_modules(inner)]
        return PythonCall(block.name, (), (*kwargs, ("rngs", PythonName("rngs"))))

    def _with_parameters(self, node: str, path: str, call: PythonCall) -> PythonCall:
        """The constructor with parameters of the class in the slots that differ."""
        names = _POSITIONAL.get(call.function, ())

        def fill(name: str, value: Code) -> Code:
            if isinstance(value, PythonCall):
                return self._with_parameters(node, f"{path}{name}_", value)
            text = self.block.expressions.get(Slot(node, f"{path}{name}"))
            return PythonName(text) if text is not None else value

        args = [fill(names[i] if i < len(names) else f"argument_{i}", a) for i, a in enumerate(call.args)]
        return PythonCall(call.function, tuple(args), tuple((n, fill(n, v)) for n, v in call.kwargs))

    # ------------------------------------------------------------ __call__

    def _call(self) -> Iterator[str]:
        variables = _Variables(self.graph)
        names = [variables.of_input(index) for index in self.graph.inputs]
        has_heads = any(output.head is not None for output in self.graph.outputs)
        yield f"    def {'logits' if has_heads else '__call__'}({', '.join(['self', *names])}):"
        for index, node in enumerate(self.graph.nodes):
            if index in self.graph.inputs or variables.is_alias(index):
                continue
            yield from self._statement(index, node, variables)
        yield f"        return {self._result(variables)}"
        if has_heads:
            yield ""
            yield from self._heads(names)

    def _statement(self, index: int, node: Node, variables: _Variables) -> Iterator[str]:
        tensors = tuple(PythonName(variables.read(edge)) for edge in node.inputs)
        code: Code
        if isinstance(node.operation, Graph):
            code = PythonCall(f"self.{node.name}", tensors)
        else:
            assert isinstance(node.operation, Layer)
            shapes = self.graph.input_shapes(node)
            has_module = node.operation.module(*shapes) is not None
            code = node.operation.code(PythonName(f"self.{node.name}") if has_module else None, tensors, shapes)
            activation = node.operation.activation_word
            if activation is not None and not activation.has_weights:
                code = activation.code(code)
        targets = [variables.write(Edge(index, port)) for port in range(len(node.shapes))]
        text = self.source.text(code, 8, 88 - sum(map(len, targets)))
        line = f"{', '.join(targets)} = {text}"
        comment = self._shape_comment(index)
        yield f"        {line}" + (f"  # {comment}" if comment and "\n" not in line and len(line) < 90 else "")
        if self.probes:
            for target in targets:
                yield f'        nn.probe(self, "{node.name}", {target})'

    def _shape_comment(self, index: int) -> str:
        """The shape that comes out, where it is the same for every use of the class."""
        texts = {", ".join(map(str, graph.nodes[index].shapes)) for graph in self.block.graphs}
        return texts.pop() if len(texts) == 1 else ""

    def _result(self, variables: _Variables) -> str:
        outputs = self.graph.outputs
        texts = [variables.read(output.edge) for output in outputs]
        if len(texts) == 1:
            return texts[0]
        if all(output.name is not None for output in outputs):
            return "{" + ", ".join(f'"{o.name}": {t}' for o, t in zip(outputs, texts, strict=True)) + "}"
        return ", ".join(texts)

    def _heads(self, names: list[str]) -> Iterator[str]:
        yield f"    def __call__({', '.join(['self', *names])}):"
        outputs = self.graph.outputs
        if len(outputs) == 1:
            assert outputs[0].head is not None
            code = outputs[0].head.code(PythonCall("self.logits", tuple(map(PythonName, names))))
            yield f"        return {self.source.text(code, 8, 90)}"
            return
        yield f"        logits = self.logits({', '.join(names)})"
        yield "        return {"
        for output in outputs:
            value: Code = PythonName(f'logits["{output.name}"]')
            if output.head is not None:
                value = output.head.code(value)
            yield f'            "{output.name}": {self.source.text(value, 12, 80)},'
        yield "        }"


class _Variables:
    """Gives the tensors of a body their names: the author's, or `x` as long as one thing flows, else `y`, `z` …"""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.labels = edge_labels(graph)
        self.names: dict[Edge, str] = {}
        self.left = use_counts_by_edge(graph)
        self.inputs = set(graph.inputs)

    def is_alias(self, index: int) -> bool:
        operation = self.graph.nodes[index].operation
        return isinstance(operation, Layer) and operation.is_identity

    def _root(self, edge: Edge) -> Edge:
        while self.is_alias(edge.node):
            edge = self.graph.nodes[edge.node].inputs[0]
        return edge

    def of_input(self, index: int) -> str:
        name = python_name(self.graph.nodes[index].name)
        self.names[Edge(index)] = name
        return name

    def read(self, edge: Edge) -> str:
        """The name of a tensor, read once more."""
        root = self._root(edge)
        self.left[root] -= 1
        return self.names[root]

    def write(self, edge: Edge) -> str:
        """A name for a new tensor: one that nothing alive has."""
        alive = {name for e, name in self.names.items() if self.left.get(e, 0) > 0}
        label = self.labels.get(edge)
        candidates = [python_name(label)] if label is not None else []
        first = self.graph.nodes[edge.node].inputs
        if first and edge.port == 0:
            candidates.append(self.names[self._root(first[0])])
        candidates += ["x", *SPARE_NAMES]
        name = next((c for c in candidates if c not in alive), None) or self._numbered(alive)
        for dead in [e for e, n in self.names.items() if n == name]:
            del self.names[dead]
        self.names[edge] = name
        return name

    def _numbered(self, alive: set[str]) -> str:
        number = 1
        while f"y{number}" in alive:
            number += 1
        return f"y{number}"


def use_counts_by_edge(graph: Graph) -> dict[Edge, int]:
    """How often each result is read, reads through an identity counted for what is behind it."""

    def root(edge: Edge) -> Edge:
        operation = graph.nodes[edge.node].operation
        while isinstance(operation, Layer) and operation.is_identity:
            edge = graph.nodes[edge.node].inputs[0]
            operation = graph.nodes[edge.node].operation
        return edge

    counts: dict[Edge, int] = {}
    for node in graph.nodes:
        if not (isinstance(node.operation, Layer) and node.operation.is_identity):
            for edge in node.inputs:
                counts[root(edge)] = counts.get(root(edge), 0) + 1
    for output in graph.outputs:
        counts[root(output.edge)] = counts.get(root(output.edge), 0) + 1
    return counts


def python_name(name: str) -> str:
    """A name that Python takes and the emitted source does not use otherwise."""
    reserved = {"self", "nn", "jnp", "jax", "rngs", "logits"}
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def _type_name(value: object) -> str:
    return type(value).__name__
