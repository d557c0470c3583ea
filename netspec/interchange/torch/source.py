"""Writes a network as PyTorch classes, one for each block, and collects its state dict.

Input: the graph without what is for training only, and the live module. Output: source, and arrays by their names in
PyTorch. Blocks of different sizes are different classes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from netspec.compiler.backend.classes import SharedUses, make_classes
from netspec.compiler.backend.variables import Variables
from netspec.compiler.ir.graph import Edge, Graph, Node
from netspec.compiler.ir.naming import python_name, unique_name
from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotInFormat, Unsupported
from netspec.interchange.torch.layers import (  # noqa: F401  # these fill the table
    basic,
    norms,
    sequence,
    spatial,
)
from netspec.interchange.torch.table import ACTIVATIONS, LAYERS, Site, channel_axis
from netspec.language.diagnostics import Problems
from netspec.language.shape import Shape
from netspec.layers.activations import Activation
from netspec.layers.base import Layer

ATTRIBUTES = frozenset(
    [
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "half",
        "ipu",
        "modules",
        "mtia",
        "parameters",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""Attributes of an `nn.Module`; a layer of that name would hide it."""
FIXED = frozenset({"self", "nn", "F", "torch", "load", "Any", "load_file"})
"""Names that every file may use."""


class Writer:
    """Writes the classes of a network.

    Args:
        network: the graph.
        module: the live module with its weights.

    `classes` are their sources, `state` the state dict, `helpers` the functions of `helpers.py` that they call.
    """

    def __init__(self, network: Graph, module: Any) -> None:
        self.reserved = FIXED | frozenset(helper_sources())
        self.classes: list[str] = []
        self.state: dict[str, Array] = {}
        self.helpers: set[str] = set()
        self.problems = Problems()
        self.shared: Mapping[int, SharedUses] = make_classes(network, self.reserved).shared
        self._names: dict[int, str] = {}
        self.name = self._block(network, module, "")
        self.problems.raise_errors()

    def _block(self, graph: Graph, module: Any, prefix: str) -> str:
        """The class of a block; the weights of this use of it become part of the state dict."""
        uses = self.shared[id(graph)]
        lines: list[str] = []
        for shared, (node, home) in uses.held.items():
            lines += self._constructor(node, home, shared.name, getattr(module, shared.name), prefix)
        for node in graph.nodes:
            if node.shared is not None and node.shared in uses.borrowed:
                lines.append(f"self.{attribute(node.name)} = {python_name(node.shared.name)}")
        variables = Variables(graph, self.reserved)
        names = [variables.of_input(index) for index in graph.inputs]
        body: list[str] = []
        for index, node in enumerate(graph.nodes):
            if index in graph.inputs or variables.is_alias(index):
                continue
            made, text, flowing = self._statement(graph, node, module, prefix, variables)
            lines += made if node.shared is None else []
            targets = ", ".join(variables.write(Edge(index, port), flowing) for port in range(len(node.shapes)))
            body.append(f"{targets} = {text}  # {', '.join(map(shown, node.shapes))}")
        body += self._heads(graph, variables)
        if id(graph) not in self._names:
            name = unique_name(_class_name(graph.name), self._names.values(), self.reserved)
            self._names[id(graph)] = name
            arguments = [python_name(shared.name) for shared in uses.borrowed]
            self.classes.append(_class(name, graph, arguments, lines, names, body))
        return self._names[id(graph)]

    def _constructor(self, node: Node, home: Graph, name: str, module: Any, prefix: str) -> list[str]:
        """The lines that make a shared layer or block."""
        if isinstance(node.operation, Graph):
            return [self._call_of_block(home, node.operation, module, attribute(name), prefix)]
        site = Site(attribute(name), prefix, module)
        self._expression(site, node, [("x", shape) for shape in home.input_shapes(node)])
        return site.constructors

    def _call_of_block(self, graph: Graph, inner: Graph, module: Any, name: str, prefix: str) -> str:
        """The line that makes a block; shared layers that it borrows are kept by `graph`, or borrowed by it too."""
        made, held = self._block(inner, module, f"{prefix}{name}."), self.shared[id(graph)].held
        borrowed = (
            f"self.{attribute(shared.name)}" if shared in held else python_name(shared.name)
            for shared in self.shared[id(inner)].borrowed
        )
        return f"self.{name} = {made}({', '.join(borrowed)})"

    def _statement(
        self, graph: Graph, node: Node, module: Any, prefix: str, variables: Variables
    ) -> tuple[list[str], str, str]:
        """The lines in the constructor, the expression that computes a node, and the variable of its first input."""
        inputs = [(variables.read(edge), graph.shape_of(edge)) for edge in node.inputs]
        name = attribute(node.name)
        if isinstance(node.operation, Graph):
            line = self._call_of_block(graph, node.operation, getattr(module, node.name), name, prefix)
            return [line], f"self.{name}({', '.join(text for text, _ in inputs)})", inputs[0][0]
        assert isinstance(node.operation, Layer)
        has_module = node.operation.module(*graph.input_shapes(node)) is not None
        mask = None if node.mask is None else variables.read(node.mask)
        site = Site(name, prefix, getattr(module, node.name) if has_module else None, mask)
        return site.constructors, self._expression(site, node, inputs), inputs[0][0]

    def _expression(self, site: Site, node: Node, inputs: list[tuple[str, Shape]]) -> str:
        layer = node.operation
        assert isinstance(layer, Layer)
        try:
            write = LAYERS.get(type(layer))
            if write is None:
                raise Unsupported(f"the layer `{node.word}`")
            if (dtype := getattr(layer, "dtype", None)) not in (None, "f32"):
                raise Unsupported(f"`dtype = {dtype}`")
            text = activated(layer.activation_word, write(site, layer, *inputs), node.shape.rank)
        except Unsupported as reason:
            self.problems.add(NotInFormat(span=node.span, format="PyTorch", what=str(reason)))
            return "x"
        self.state |= site.state
        self.helpers |= site.helpers
        return text

    def _heads(self, graph: Graph, variables: Variables) -> list[str]:
        """The statement that returns the outputs, with their heads."""
        outputs = graph.outputs
        texts = [
            activated(output.head, variables.read(output.edge), graph.shape_of(output.edge).rank) for output in outputs
        ]
        if len(texts) > 1 and all(output.name is not None for output in outputs):
            return ["return {" + ", ".join(f'"{o.name}": {t}' for o, t in zip(outputs, texts, strict=True)) + "}"]
        return [f"return {', '.join(texts)}"]


def activated(activation: Activation | None, text: str, rank: int) -> str:
    """An expression after an activation.

    Raises:
        Unsupported: the activation is user-defined.
    """
    if activation is None:
        return text
    write = ACTIVATIONS.get(type(activation))
    if write is None:
        raise Unsupported(f"the activation `{activation.word}`")
    return write(activation, text, channel_axis(rank))


def attribute(name: str) -> str:
    """The name of a layer as an attribute of a module."""
    return python_name(name, ATTRIBUTES)


def shown(shape: Shape) -> str:
    """A shape in the order of PyTorch, for comments."""
    sizes = (shape.sizes[-1], *shape.sizes[:-1]) if shape.rank > 2 else shape.sizes
    return "x".join(str(size) if str(size).isidentifier() or isinstance(size, int) else f"({size})" for size in sizes)


def _class_name(name: str) -> str:
    text = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return text if text[:1].isalpha() else f"Net{text}"


def _class(name: str, graph: Graph, borrowed: list[str], lines: list[str], inputs: list[str], body: list[str]) -> str:
    """The source of a class."""
    given = ", ".join(["self", *(f"{argument}: nn.Module" for argument in borrowed)])
    flow = f"{' and '.join(shown(node.shape) for node in graph.input_nodes)}"
    results = " and ".join(shown(graph.shape_of(output.edge)) for output in graph.outputs)
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            f'    """{flow} -> {results}"""',
            "",
            f"    def __init__({given}) -> None:",
            "        super().__init__()",
            *(f"        {line}" for line in dict.fromkeys(lines)),
            "",
            f"    def forward({', '.join(['self', *inputs])}):",
            *(f"        {line}" for line in body),
        ]
    )


@cache
def helper_sources() -> dict[str, str]:
    """The functions and classes of `helpers.py` as text, which is read and not imported."""
    text = (Path(__file__).parent / "helpers.py").read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            segment = ast.get_source_segment(text, node)
            assert segment is not None
            found[node.name] = re.sub(r"  # (type: |noqa).*", "", segment)
    return found
