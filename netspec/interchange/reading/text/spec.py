"""The text of a sketch: the form that reads best, of those that compile to the network of the sketch."""

from __future__ import annotations

from netspec.compiler.syntax.formatter import format_source
from netspec.interchange.reading.alignment import align
from netspec.interchange.reading.sketch import Sketch
from netspec.interchange.reading.text.blocks import find_blocks, ordered_blocks, uses_of
from netspec.interchange.reading.text.chains.shares import find_shares
from netspec.interchange.reading.text.chains.shortcuts import find_shortcuts
from netspec.interchange.reading.text.chains.structure import structure_of
from netspec.interchange.reading.text.library import LibraryBlock, library_equals
from netspec.interchange.reading.text.lines import definition_of, spec_lines
from netspec.interchange.reading.text.names import Names
from netspec.interchange.reading.text.terms import Text
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.layers.sequence.unembed import TiedOutput
from netspec.spec.compilation import Compilation

FORMS = ("blocks", "chains", "flat")
"""The forms of a text, the one that reads best first: with blocks, without them, and with a line for each layer."""


def text_of(sketch: Sketch) -> str:
    """A spec of a simplified sketch, formatted."""
    return best_text(sketch)[0]


def best_text(sketch: Sketch) -> tuple[str, str]:
    """A spec, and which of the `FORMS` it has."""
    for form in FORMS[:-1]:
        draft = _Draft(sketch, form)
        text = draft.text()
        if text is not None and is_text_of(text, sketch):
            return draft.with_library(text), form
    return _formatted(_flat_lines(sketch), sketch), FORMS[-1]


def text_in_form(sketch: Sketch, form: str) -> str | None:
    """A spec in one of the `FORMS`, without the library; None if it is not even well-formed."""
    return _Draft(sketch, form).text()


class _Draft:
    """The chains and blocks of a spec."""

    def __init__(self, sketch: Sketch, form: str) -> None:
        self.sketch = sketch
        self.program = structure_of(sketch)
        find_shares(self.program)
        shares = (chain for _, chain in self.program.shares)
        self.chains = Text([*(s.chain for s in self.program.statements), *shares])
        if form == "blocks":
            find_shortcuts(self.chains)
            find_blocks(self.chains)
        self.imported: dict[int, LibraryBlock] = {}

    def text(self) -> str | None:
        """The spec; None if it is not even well-formed."""
        try:
            return _formatted(spec_lines(self.sketch, self.program, self.chains, self.imported), self.sketch)
        except CompileError:
            return None

    def with_library(self, text: str) -> str:
        """The spec, with blocks of the library instead of equal ones of its own."""
        for block in reversed(ordered_blocks(self.chains)):
            uses = uses_of(self.chains, block)
            definitions = [definition_of(other) for other in ordered_blocks(self.chains)]
            for found in library_equals(block, definitions, uses[0]):
                before = dict(self.imported)
                self.imported[id(block)] = found
                changed = self.text()
                if changed is not None and is_text_of(changed, self.sketch):
                    text = changed
                    break
                self.imported = before
            self.text()  # blocks have their names again
        return text


def is_text_of(text: str, sketch: Sketch) -> bool:
    """Whether a spec compiles to the network of a sketch."""
    compilation = Compilation(Source(f"{sketch.name}.net", text))
    try:
        align(compilation.network, sketch)
    except (CompileError, ValueError):
        return False
    return True


def _formatted(lines: list[str], sketch: Sketch) -> str:
    about = [f"# {line}".rstrip() for line in sketch.about.splitlines()]
    lines = [*about, *([""] if about else []), *lines]
    for section, entries in sketch.settings.items():
        lines += ["", f"{section} {{", *(f"    {name} = {value}" for name, value in entries.items()), "}"]
    return format_source(Source(f"{sketch.name}.net", "\n".join(lines) + "\n"))


def _flat_lines(sketch: Sketch) -> list[str]:
    """The plainest text: one line for each layer."""
    names = Names()
    known: dict[int, str] = {}
    lines = []
    for step in sketch.inputs:
        known[id(step)] = names.take("x")
        lines.append(f"input {known[id(step)]}: {step.declared_shape}")
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
