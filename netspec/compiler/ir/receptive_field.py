"""How much of an image or a sequence one position of a layer sees: Araujo, Norris and Sim 2019, Computing receptive
fields of convolutional neural networks, doi:10.23915/distill.00021.

Padding counts, and so does what dilation leaves out, as in the article.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from netspec.compiler.ir.graph import Edge, Graph, Input, Node
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.layers.base import Layer, per_axis

WHOLE = ("attention", "recurrent", "bidirectional", "steps")
"""Modules whose layers read every position."""
SAME = ("activation_layer", "norm", "regularization", "merge", "dense", "tokens", "cropping", "unembed")
"""Modules whose layers read the position that they compute alone."""


class Field(Frozen):
    """For each axis of the input: how many positions are seen, and how far neighbors of the layer are apart in it.
    `sizes` are those of the input."""

    seen: tuple[Fraction, ...]
    jump: tuple[Fraction, ...]
    sizes: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        return all(seen >= size for seen, size in zip(self.seen, self.sizes, strict=True))

    def __str__(self) -> str:
        return "all" if self.is_whole else "x".join(str(ceil(seen)) for seen in self.seen)


def receptive_fields(network: Graph) -> dict[tuple[str, ...], Field]:
    """The field of every layer and block, by its path of names.

    Left out are layers of inputs whose sizes are not known or that have no positions, and what comes after a layer that
    does not say which positions it reads.
    """
    found: dict[tuple[str, ...], Field] = {}
    entries = {Edge(index): _of_input(network.nodes[index].shape) for index in network.inputs}
    _follow(network, entries, (), found)
    return found


def _of_input(shape: Shape) -> Field | None:
    positions = shape.sizes if shape.vocabulary is not None else shape.sizes[:-1]
    sizes = tuple(size for size in positions if isinstance(size, int))
    ones = (Fraction(1),) * len(sizes)
    return Field(ones, ones, sizes) if sizes and len(sizes) == len(positions) else None


def _follow(
    graph: Graph,
    entries: Mapping[Edge, Field | None],
    path: tuple[str, ...],
    found: dict[tuple[str, ...], Field],
) -> list[Field | None]:
    """Adds the fields of a block's layers; the fields of its outputs."""
    fields: dict[Edge, Field | None] = dict(entries)
    for index, node in enumerate(graph.nodes):
        if isinstance(node.operation, Input):
            continue
        given = [fields.get(edge) for edge in node.inputs]
        here = (*path, node.name)
        if isinstance(node.operation, Graph):
            inner = {Edge(entry): field for entry, field in zip(node.operation.inputs, given, strict=True)}
            for port, field in enumerate(_follow(node.operation, inner, here, found)):
                fields[Edge(index, port)] = field
            field = fields.get(Edge(index))
        else:
            field = _after(node.operation, node, graph.input_shapes(node), given)
            fields[Edge(index)] = field
        if field is not None:
            found[here] = field
    return [fields.get(output.edge) for output in graph.outputs]


def _after(layer: Layer, node: Node, shapes: Sequence[Shape], given: Sequence[Field | None]) -> Field | None:
    known = [field for field in given if field is not None]
    if not known or len({field.sizes for field in known}) > 1:
        return None
    seen = tuple(map(max, zip(*(field.seen for field in known), strict=True)))
    field = known[0].replace(seen=seen)
    module = type(layer).__module__.rpartition(".")[2]
    is_flat = len(shapes[0].sizes) == 1
    if module in SAME or is_flat or layer.is_identity:
        return field
    steps = [*_windows(layer, module, shapes[0], node.shape)]
    if len(steps) == len(field.seen):
        seen = tuple(s + (reach - 1) * j for s, j, (reach, _) in zip(field.seen, field.jump, steps, strict=True))
        jump = tuple(j * step for j, (_, step) in zip(field.jump, steps, strict=True))
        return Field(seen, jump, field.sizes)
    is_whole = module in WHOLE or node.word in ("flatten", "gap", "gmp") or len(node.shape.sizes) == 1
    return field.replace(seen=tuple(Fraction(size) for size in field.sizes)) if is_whole else None


def _windows(layer: Layer, module: str, x: Shape, y: Shape) -> Iterator[tuple[Fraction, Fraction]]:
    """For each axis how many positions of the input a position reads, and how far neighbors are apart."""
    if module == "conv" or (module == "pool" and getattr(layer, "window", None) is not None):
        kernel: Any = getattr(layer, "kernel", None) or getattr(layer, "window", None)
        stride = getattr(layer, "stride", None) or kernel
        axes = per_axis(kernel, x, "kernel"), per_axis(stride, x, "stride")
        dilations = per_axis(getattr(layer, "dilation", 1), x, "dilation")
        for k, s, d in zip(*axes, dilations, strict=True):
            yield Fraction((k - 1) * d + 1), Fraction(s)
    elif module == "transposed_conv":
        axes = per_axis(layer.kernel, x, "kernel"), per_axis(layer.stride, x, "stride")  # type: ignore[attr-defined]
        for k, s in zip(*axes, strict=True):
            yield Fraction(ceil(k / s)), Fraction(1, s)
    elif module == "resize":
        reach = {"nearest": 1, "bilinear": 2}.get(getattr(layer, "method", ""), 4)
        for before, after in zip(x.sizes[:-1], y.sizes[:-1], strict=False):
            if isinstance(before, int) and isinstance(after, int):
                yield Fraction(reach), Fraction(before, after)
