"""Graph to Python source: readable Flax NNX classes, one for each block, the network last.

Input: a graph after the passes. Output: source that `load` executes and `netspec compile` writes; with
`standalone`, source that needs Flax only.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent

from netspec.compiler.backend.classes import BlockClass, Classes, Slot, make_classes, named_arguments
from netspec.compiler.backend.names import FileNames, file_names
from netspec.compiler.backend.pycode import to_python
from netspec.compiler.backend.standalone import helper_sources
from netspec.compiler.backend.variables import Variables
from netspec.compiler.ir.graph import Edge, Graph, Node, SharedModule
from netspec.language.record import Frozen
from netspec.layers.base import Layer
from netspec.layers.code import Code, PythonCall, PythonName


def emit_source(
    network: Graph,
    *,
    standalone: bool = False,
    probes: bool = False,
    scopes: bool = False,
    is_inference: bool = False,
) -> str:
    """The source of a network.

    Args:
        network: the graph after the passes.
        standalone: import Flax only, and include the helpers that it lacks.
        probes: pass every result through `nn.probe`, to find where a number goes wrong or to change it.
        scopes: name the operations of each layer by it, as `layer:conv1`, for profiles.
        is_inference: the graph is that of the inference form; the source says so.
    """
    names = file_names(network, standalone=standalone)
    file = _File(names, make_classes(network, names.reserved), probes, scopes)
    texts = [_header(network, names, standalone, is_inference, scopes)]
    written: set[str] = set()
    for graph in network.subgraphs():
        block = file.classes.of[id(graph)]
        if block.name not in written:
            written.add(block.name)
            texts.append("\n".join(_ClassWriter(block, file).lines()))
    return "\n\n\n".join(texts) + "\n"


class _File(Frozen):
    """What all classes of a file have in common."""

    names: FileNames
    classes: Classes
    probes: bool
    scopes: bool

    def text(self, code: Code, indent: int, room: int) -> str:
        return to_python(code, indent, room, self.names.functions)


def _header(network: Graph, names: FileNames, standalone: bool, is_inference: bool, scopes: bool) -> str:
    flows_in = " and ".join(str(node.shape) for node in network.input_nodes)
    flows_out = " and ".join(str(network.shape_of(output.edge)) for output in network.outputs)
    form = ", for inference" if is_inference else ""
    lines = [f'"""{network.name}: {flows_in} -> {flows_out}{form}. Written by netspec."""', ""]
    helpers = helper_sources({f.removeprefix("nn.") for f in names.used if f.startswith("nn.")}) if standalone else []
    if any("Any" in h for h in helpers):
        lines += ["from typing import Any", ""]
    if scopes or any("jax." in h for h in helpers):
        lines.append("import jax")
    if any(f.startswith("jnp.") for f in names.used) or any("jnp." in h for h in helpers):
        lines.append("import jax.numpy as jnp")
    lines.append("from flax import nnx as nn" if standalone else "from netspec import nn")
    lines += names.imports
    return "\n\n\n".join(["\n".join(lines), *helpers])


class _ClassWriter:
    """Writes one class."""

    def __init__(self, block: BlockClass, file: _File) -> None:
        self.block = block
        self.file = file
        self.graph = block.graphs[0]
        self.shared = file.classes.shared[id(self.graph)]

    def lines(self) -> Iterator[str]:
        yield f"class {self.block.name}(nn.Module):"
        yield from self._constructor()
        yield ""
        yield from self._call()

    # ------------------------------------------------------------ __init__

    def _constructor(self) -> Iterator[str]:
        parameters = [f"{name}: {type(values[0]).__name__}" for name, values in self.block.parameters.items()]
        parameters += [f"{name}: nn.Module" for name in self.block.borrowed]
        yield f"    def __init__({', '.join(['self', *parameters, '*', 'rngs: nn.Rngs'])}):"
        used = {node.name: node.shared for node in self.graph.nodes if node.shared in self.shared.borrowed}
        body = [f"self.{name} = {self._reference(shared)}" for name, shared in used.items() if shared is not None]
        for shared, (node, graph) in self.shared.held.items():
            body += self._module_lines(node, graph, shared.name)
        for node in self.graph.nodes:
            if node.shared is None:
                body += self._module_lines(node, self.graph, node.name)
        yield from (f"        {line}" for line in body or ["pass"])

    def _reference(self, shared: SharedModule) -> str:
        """A shared layer inside the constructor: kept here, or handed over."""
        kind, place = self.shared.place(shared)
        return f"self.{shared.name}" if kind == "held" else self.block.borrowed[place]

    def _module_lines(self, node: Node, graph: Graph, name: str) -> list[str]:
        operation = node.operation
        if isinstance(operation, Graph):
            call = self._block_call(name, operation)
        elif isinstance(operation, Layer) and (module := operation.module(*graph.input_shapes(node))) is not None:
            call = self._with_parameters(name, "", module)
            if operation.takes_rngs:
                call = PythonCall(call.function, call.args, (*call.kwargs, ("rngs", PythonName("rngs"))))
            if operation.is_frozen:
                call = PythonCall("nn.frozen", (call,))
        else:
            return []
        return [f"self.{name} = {self.file.text(call, 8, 92 - len(name) - 8)}"]

    def _block_call(self, name: str, inner: Graph) -> PythonCall:
        classes = self.file.classes
        block = classes.of[id(inner)]
        kwargs: list[tuple[str, Code]] = []
        for parameter, value in block.arguments(inner).items():
            text = self.block.expressions.get(Slot(name, parameter))
            kwargs.append((parameter, PythonName(text) if text is not None else value))
        for parameter, shared in zip(block.borrowed, classes.shared[id(inner)].borrowed, strict=True):
            kwargs.append((parameter, PythonName(self._reference(shared))))
        return PythonCall(block.name, (), (*kwargs, ("rngs", PythonName("rngs"))))

    def _with_parameters(self, name: str, path: str, call: PythonCall) -> PythonCall:
        """The constructor with parameters of the class in the slots that differ."""
        filled: list[tuple[str, Code]] = []
        for argument, value in named_arguments(call):
            if isinstance(value, PythonCall):
                value = self._with_parameters(name, f"{path}{argument}_", value)
            elif (text := self.block.expressions.get(Slot(name, f"{path}{argument}"))) is not None:
                value = PythonName(text)
            filled.append((argument, value))
        count = len(call.args)
        return PythonCall(call.function, tuple(value for _, value in filled[:count]), tuple(filled[count:]))

    # ------------------------------------------------------------ __call__

    def _call(self) -> Iterator[str]:
        variables = Variables(self.graph, self.file.names.reserved)
        names = [variables.of_input(index) for index in self.graph.inputs]
        has_heads = any(output.head is not None for output in self.graph.outputs)
        yield f"    def {'logits' if has_heads else '__call__'}({', '.join(['self', *names])}):"
        for index, node in enumerate(self.graph.nodes):
            if index not in self.graph.inputs and not variables.is_alias(index):
                yield from self._statement(index, node, variables)
        yield f"        return {self._result(variables)}"
        if has_heads:
            yield ""
            yield from self._heads(names)

    def _statement(self, index: int, node: Node, variables: Variables) -> Iterator[str]:
        tensors = tuple(PythonName(variables.read(edge)) for edge in node.inputs)
        code: Code
        if isinstance(node.operation, Graph):
            code = PythonCall(f"self.{node.name}", tensors)
        else:
            assert isinstance(node.operation, Layer)
            shapes = self.graph.input_shapes(node)
            has_module = node.operation.module(*shapes) is not None
            module = PythonName(f"self.{node.name}") if has_module else None
            mask = None if node.mask is None else PythonName(variables.read(node.mask))
            code = node.operation.applied(module, tensors, mask, shapes)
            activation = node.operation.activation_word
            if activation is not None and not activation.has_weights:
                code = activation.code(code)
        flowing = tensors[0].text if tensors else "x"
        targets = [variables.write(Edge(index, port), flowing) for port in range(len(node.shapes))]
        text = self.file.text(code, 8, 88 - sum(map(len, targets)))
        line = f"{', '.join(targets)} = {text}"
        # the output shape, where it is the same for every use of the class
        shapes_of_uses = {", ".join(map(str, graph.nodes[index].shapes)) for graph in self.block.graphs}
        comment = shapes_of_uses.pop() if len(shapes_of_uses) == 1 else ""
        line = f"        {line}" + (f"  # {comment}" if comment and "\n" not in line and len(line) < 90 else "")
        if self.file.scopes:
            yield f'        with jax.named_scope("layer:{node.name}"):'
        yield indent(line, "    ") if self.file.scopes else line
        if self.file.probes:
            for target in targets:
                yield f'        {target} = nn.probe(self, "{node.name}", {target})'

    def _result(self, variables: Variables) -> str:
        outputs = self.graph.outputs
        texts = [variables.read(output.edge) for output in outputs]
        if len(texts) > 1 and all(output.name is not None for output in outputs):
            return "{" + ", ".join(f'"{o.name}": {t}' for o, t in zip(outputs, texts, strict=True)) + "}"
        return ", ".join(texts)

    def _heads(self, names: list[str]) -> Iterator[str]:
        yield f"    def __call__({', '.join(['self', *names])}):"
        outputs = self.graph.outputs
        if len(outputs) == 1:
            assert outputs[0].head is not None
            code = outputs[0].head.code(PythonCall("self.logits", tuple(map(PythonName, names))))
            yield f"        return {self.file.text(code, 8, 90)}"
            return
        yield f"        logits = self.logits({', '.join(names)})"
        yield "        return {"
        for output in outputs:
            value: Code = PythonName(f'logits["{output.name}"]')
            if output.head is not None:
                value = output.head.code(value)
            yield f'            "{output.name}": {self.file.text(value, 12, 80)},'
        yield "        }"
