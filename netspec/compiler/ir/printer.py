"""Graphs as text: the table of `netspec show`, its JSON, and the listing of `--stage graph`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from netspec.compiler.ir.cost import Row, Totals, rows, total_cost
from netspec.compiler.ir.graph import Edge, Graph, Input
from netspec.compiler.ir.repeats import Repeat
from netspec.language.record import Frozen
from netspec.language.shape import Shape, Size
from netspec.language.text import fit_columns, wrap_row
from netspec.layers.base import Layer


class Line(Frozen):
    """One line of the table: `depth` blocks surround it; block headings have no numbers."""

    depth: int
    name: str
    layer: str
    shape: str
    parameters: str
    macs: str


def table_lines(graph: Graph) -> Iterator[Line]:
    """The lines of the summary: inputs, then every layer that does something, each block under a heading."""
    for node in graph.input_nodes:
        yield Line(0, node.name, "input", str(node.shape), "", "")
    open_blocks: tuple[str, ...] = ()
    for row in rows(graph):
        if isinstance(row.node.operation, Layer) and row.node.operation.is_identity and not row.node.operation.name:
            continue
        *around, name = row.path
        common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(around, open_blocks, strict=False))))
        for depth in range(common, len(around)):
            yield Line(depth, around[depth], "", "", "", "")
        open_blocks = tuple(around)
        yield _line(row, len(around), name)


def _line(row: Row, depth: int, name: str) -> Line:
    layer = f"{row.word} (shared, above)" if row.is_shared_again else row.call
    parameters = count(row.parameters) if row.parameters else ""
    parameters += " frozen" if row.frozen else ""
    parameters += f" + {count(row.state)} state" if row.state else ""
    return Line(depth, name, layer, str(row.shape), parameters, count(row.macs) if row.macs != 0 else "")


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


HEADINGS = ("name", "layer", "output shape", "parameters", "multiply-adds")


def full_text(graph: Graph) -> str:
    """Every layer with every option in force, defaults too."""
    layers = [(row.name, row.node.operation) for row in rows(graph) if not row.is_shared_again]
    return "\n".join(f"{name} = {layer.to_source(full=True)}" for name, layer in layers if isinstance(layer, Layer))


def summary_text(graph: Graph, freeze: Sequence[str] = (), width: int | None = None) -> str:
    """The summary as plain text; `freeze` names layers and blocks that are not trained. Texts that make the table wider
    than `width` are wrapped in their columns."""
    lines = [*table_lines(graph)]
    cells = [("  " * n.depth + n.name, n.layer, n.shape, n.parameters, n.macs) for n in lines]
    widths, right = fit_columns([HEADINGS, *cells], width), (False, False, False, True, True)
    table = [wrap_row(row, widths, right) for row in (HEADINGS, *cells)]
    totals = total_lines(total_cost(graph, freeze))
    longest = max(len(name) for name, _ in totals)
    footer = [f"{name:<{longest}}  {value}" for name, value in totals]
    rule = "  ".join("-" * w for w in widths)
    return "\n".join([*table[0], rule, *(line for row in table[1:] for line in row), "", *footer])


def summary_html(graph: Graph, freeze: Sequence[str] = ()) -> str:
    """The same as an HTML table, for notebooks."""
    from html import escape

    head = "".join(f"<th style='text-align:left'>{h}</th>" for h in HEADINGS)
    body = ""
    for line in table_lines(graph):
        cells = [line.layer, line.shape, line.parameters, line.macs]
        inner = "".join(f"<td style='text-align:left'>{escape(c)}</td>" for c in cells)
        padding = f"padding-left:{0.5 + line.depth}em"
        body += f"<tr><td style='text-align:left;{padding}'>{escape(line.name)}</td>{inner}</tr>"
    totals = "<br>".join(f"{name}: {escape(value)}" for name, value in total_lines(total_cost(graph, freeze)))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{totals}</p>"


def size_json(size: Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def shape_json(shape: Shape) -> list[int | str]:
    return [size_json(size) for size in shape.sizes]


def graph_json(graph: Graph, freeze: Sequence[str] = ()) -> dict[str, Any]:
    """The object of `show --json`; unknown sizes are formulas as texts."""
    totals = total_cost(graph, freeze)
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
