"""A network as a Mermaid flowchart or a Graphviz graph: other tools place the boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, Plan, outline_of
from netspec.display.drawing.cards import frame_title


class _Names(dict[str, str]):
    """Short names of the boxes, by their keys."""

    def of(self, box: Box) -> str:
        return self.setdefault(box.key, f"n{len(self)}")


def mermaid(network: Graph) -> str:
    """The text of a Mermaid flowchart (mermaid.js.org), blocks as subgraphs."""
    plan, names = outline_of(network), _Names()

    def block(box: Box, inner: Iterator[str]) -> Iterator[str]:
        yield f'subgraph {names.of(box)}["{_quoted(frame_title(box))}"]'
        yield from (f"  {line}" for line in inner)
        yield "end"

    boxes = _boxes(plan, lambda box: f'{names.of(box)}["{_quoted(_label(box))}"]', block)
    wires = (f'{names.of(source)} -->|"{label}"| {names.of(target)}' for source, target, label in _wires(plan))
    return "\n".join(["flowchart TD", *(f"  {line}" for line in (*boxes, *wires))]) + "\n"


def graphviz(network: Graph) -> str:
    """The text of a graph in the DOT language of Graphviz, blocks as clusters."""
    plan, names = outline_of(network), _Names()

    def block(box: Box, inner: Iterator[str]) -> Iterator[str]:
        yield f"subgraph cluster_{names.of(box)} {{"
        yield f'  label="{_escaped(frame_title(box))}"'
        yield from (f"  {line}" for line in inner)
        yield "}"

    boxes = _boxes(plan, lambda box: f'{names.of(box)} [label="{_escaped(_label(box))}"]', block)
    wires = (
        f'{names.of(source)} -> {names.of(target)} [label="{_escaped(label)}"]'
        for source, target, label in _wires(plan)
    )
    fonts = ["  node [shape=box, fontname=monospace]", "  edge [fontname=monospace]"]
    head = [f'digraph "{_escaped(network.name)}" {{', *fonts]
    return "\n".join([*head, *(f"  {line}" for line in (*boxes, *wires)), "}"]) + "\n"


def _label(box: Box) -> str:
    return box.title if box.count == 1 else f"{box.title} × {box.count}"


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _boxes(
    plan: Plan, layer: Callable[[Box], str], block: Callable[[Box, Iterator[str]], Iterator[str]]
) -> Iterator[str]:
    for box in plan.boxes:
        if box.inside is not None:
            yield from block(box, _boxes(box.inside, layer, block))
        elif not box.is_port:
            yield layer(box)


Source = tuple[Box, str]
"""The layer that gives what comes out of a port, and its shape."""


def _wires(plan: Plan) -> list[tuple[Box, Box, str]]:
    """The wires between layers, through the borders of blocks."""
    found: list[tuple[Box, Box, str]] = []
    _follow(plan, [], found)
    return found


def _follow(plan: Plan, entries: list[Source], found: list[tuple[Box, Box, str]]) -> list[Source]:
    """Adds the wires of a plan whose entries are fed as given; what its exits give."""
    outputs: dict[tuple[int, int], Source] = {}
    exits: list[Source] = []
    given = iter(entries)
    for index, box in enumerate(plan.boxes):
        arriving = sorted((w for w in plan.wires if w.target == index), key=lambda w: w.target_port)
        sources = [outputs[wire.source, wire.source_port] for wire in arriving]
        if box.kind == "entry":
            outputs[index, 0] = next(given)
        elif box.kind == "exit":
            exits += sources
        elif box.inside is not None:
            for port, source in enumerate(_follow(box.inside, sources, found)):
                outputs[index, port] = source
        else:
            found += [(source, box, label) for source, label in sources]
            outputs[index, 0] = box, "" if box.shape is None else str(box.shape)
    return exits
