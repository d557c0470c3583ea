"""The plainest text: one line for each layer."""

from __future__ import annotations

from netspec.interchange.reading.sketch import Sketch
from netspec.interchange.reading.text.names import Names
from netspec.language.shape import Shape
from netspec.layers.sequence.unembed import TiedOutput


def flat_lines(sketch: Sketch) -> list[str]:
    """The statements, without blocks."""
    names = Names()
    known: dict[int, str] = {}
    lines = []
    for step in sketch.inputs:
        known[id(step)] = names.take("x")
        lines.append(f"input {known[id(step)]}: {input_shape(step.shape)}")
    shared = {id(step.shared) for step in sketch.steps if step.shared is not None}
    layers: dict[int, str] = {}
    for step in sketch.steps:
        if step.layer is None:
            continue
        given = [known[id(i)] for i in step.inputs]
        start = given[0] if len(given) == 1 else f"({' | '.join(given)})"
        root = step.shared if step.shared is not None else step
        layer = step.layer.to_source()
        if isinstance(step.layer, TiedOutput):
            layer = f"unembed({layers[id(root)]})"
        elif id(root) in shared:
            if id(root) not in layers:
                layers[id(root)] = names.take("shared_layer")
                lines.append(f"share {layers[id(root)]} = {layer}")
            layer = layers[id(root)]
        known[id(step)] = names.take("h")
        lines.append(f"{known[id(step)]} = {start} -> {layer}")
    if len(sketch.outputs) == 1:
        return [*lines, known[id(sketch.outputs[0][1])]]
    return [*lines, *(f"output {names.take(name)} = {known[id(step)]}" for name, step in sketch.outputs)]


def input_shape(shape: Shape) -> str:
    """A shape as it is written after `input`."""
    sizes = "x".join(map(str, shape.sizes))
    if not shape.is_known:
        sizes = f"({', '.join(map(str, shape.sizes))})"
    return f"{sizes} tokens({shape.vocabulary})".strip() if shape.is_tokens else sizes
