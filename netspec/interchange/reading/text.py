"""The text of a sketch: one line per layer."""

from __future__ import annotations

from netspec.compiler.syntax.formatter import format_source
from netspec.interchange.reading.sketch import Sketch
from netspec.language.source import Source


def text_of(sketch: Sketch) -> str:
    """A spec, formatted."""
    names: dict[int, str] = {}
    lines = []
    for step in sketch.steps:
        if step.is_input:
            names[id(step)] = step.name
            lines.append(f"input {step.name}: {step.declared_shape}")
    for index, step in enumerate(sketch.steps):
        if step.layer is not None:
            given = [names[id(s)] for s in step.inputs]
            names[id(step)] = f"h{index}"
            start = given[0] if len(given) == 1 else f"({' | '.join(given)})"
            lines.append(f"h{index} = {start} -> {step.layer.to_source()}")
    if len(sketch.outputs) == 1:
        lines.append(names[id(sketch.outputs[0][1])])
    else:
        lines += [f"output {name} = {names[id(step)]}" for name, step in sketch.outputs]
    for section, entries in sketch.settings.items():
        lines.append(f"{section} {{")
        lines += [f"    {name} = {value}" for name, value in entries.items()]
        lines.append("}")
    return format_source(Source(f"{sketch.name}.net", "\n".join(lines) + "\n"))
