"""Graphs as text: counts, the JSON of `netspec show`, and the listing of `--stage graph`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from netspec.compiler.ir.cost import BYTES_PER_NUMBER, Totals, rows, total_cost
from netspec.compiler.ir.graph import Edge, Graph, Input
from netspec.compiler.ir.receptive_field import receptive_fields
from netspec.compiler.ir.repeats import Repeat
from netspec.language.shape import Shape, Size
from netspec.layers.base import Layer


def count(size: Size) -> str:
    """A number with separators, or a formula."""
    return f"{size:,}" if isinstance(size, int) else str(size)


def memory(size: Size) -> str:
    """Bytes in the unit that reads best."""
    if not isinstance(size, int):
        return f"{size} bytes"
    value = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.2f} GiB"


def total_lines(totals: Totals) -> list[tuple[str, str]]:
    """The lines below the table, as pairs of a name and a value."""
    return [
        ("trainable parameters", count(totals.trainable)),
        *([("frozen parameters", count(totals.frozen))] if totals.frozen else []),
        *([("state (not trained)", count(totals.state))] if totals.state else []),
        ("multiply-adds per example", count(totals.macs)),
        ("memory of the weights", memory(totals.weight_bytes)),
        ("memory of the activations", f"{memory(totals.activation_bytes)} per example"),
    ]


def full_text(graph: Graph) -> str:
    """Every layer with every option in force, defaults too."""
    layers = [(row.name, row.node.operation) for row in rows(graph) if not row.is_shared_again]
    return "\n".join(f"{name} = {layer.to_source(full=True)}" for name, layer in layers if isinstance(layer, Layer))


def size_json(size: Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def shape_json(shape: Shape) -> list[int | str]:
    return [size_json(size) for size in shape.sizes]


def graph_json(graph: Graph, freeze: Sequence[str] = ()) -> dict[str, Any]:
    """The object of `show --json`; unknown sizes are formulas as texts.

    Of each layer, `memory` is that of its output in bytes, `field` its receptive field, such as `5x5`, or None.
    """
    totals = total_cost(graph, freeze)
    fields = receptive_fields(graph)
    return {
        "name": graph.name,
        "inputs": {node.name: shape_json(node.shape) for node in graph.input_nodes},
        "outputs": {o.name or "output": shape_json(graph.shape_of(o.edge)) for o in graph.outputs},
        "parameters": {"trainable": totals.trainable, "state": totals.state, "frozen": totals.frozen},
        "macs": size_json(totals.macs),
        "layers": [
            {
                "name": row.name,
                "op": row.word,
                "shape": shape_json(row.shape),
                "parameters": row.parameters,
                "macs": size_json(row.macs),
                "memory": size_json(row.shape.count * BYTES_PER_NUMBER),
                "field": str(fields[row.path]) if row.path in fields else None,
            }
            for row in rows(graph)
        ],
    }


def graph_text(graph: Graph, repeats: Iterable[Repeat] = ()) -> str:
    """Every block with its nodes, where their inputs come from, and their shapes; inner blocks first.

    The given `repeats` are listed at the end of their blocks.
    """
    blocks = list(graph.subgraphs())
    numbers = dict(zip(map(id, blocks), _numbered([block.name for block in blocks], "#"), strict=True))
    notes: dict[int, list[str]] = {}
    for repeat in repeats:
        notes.setdefault(id(repeat.block), []).append(_repeat_line(repeat))
    return "\n\n".join("\n".join([*_block_lines(block, numbers), *notes.get(id(block), ())]) for block in blocks)


def _block_lines(block: Graph, numbers: dict[int, str]) -> Iterator[str]:
    labels = _labels(block)

    def source(edge: Edge) -> str:
        return labels[edge.node] + (f".{edge.port}" if len(block.nodes[edge.node].shapes) > 1 else "")

    yield f"block {numbers[id(block)]}"
    for label, node in zip(labels, block.nodes, strict=True):
        inputs = ", ".join(source(edge) for edge in node.inputs)
        if node.mask is not None:
            inputs += f" where {source(node.mask)}"
        operation = "input"
        if not isinstance(node.operation, Input):
            inner = node.operation
            operation = f"block {numbers[id(inner)]}" if isinstance(inner, Graph) else inner.to_source()
            operation = f"shared {operation}" if node.shared is not None else operation
        text = f"  {label} = {operation}" + (f" <- {inputs}" if inputs else "")
        absorbed = f"  # with {', '.join(norm.name for norm in node.absorbed)}" if node.absorbed else ""
        yield f"{text} : {', '.join(map(str, node.shapes))}{absorbed}"
    for output in block.outputs:
        head = f" -> {output.head.to_source()}" if output.head is not None else ""
        name = f"{output.name} = " if output.name is not None else ""
        yield f"  output {name}{source(output.edge)}{head} : {block.shape_of(output.edge)}"


def _repeat_line(repeat: Repeat) -> str:
    labels = _labels(repeat.block)

    def copy(nodes: tuple[int, ...]) -> str:
        names = [labels[index] for index in nodes]
        return names[0] if len(names) == 1 else f"({names[0]}{', ' if len(names) == 2 else ' … '}{names[-1]})"

    between = " … " if len(repeat.copies) > 2 else ", "
    shown = between.join(map(copy, (repeat.copies[0], repeat.copies[-1])))
    return f"  # {len(repeat.copies)} alike in a row: {shown} : {repeat.shape}"


def _labels(block: Graph) -> list[str]:
    """The name of every node; the second use of a shared layer, which has the same one, gets a number."""
    return list(_numbered([f"%{node.name}" for node in block.nodes], "@"))


def _numbered(names: Iterable[str], sign: str) -> Iterator[str]:
    used: Counter[str] = Counter()
    for name in names:
        used[name] += 1
        yield name if used[name] == 1 else f"{name}{sign}{used[name]}"
