"""The text of a VGSL specification as a tree: layers in series, and layers in parallel."""

from __future__ import annotations

import re
from collections.abc import Iterator

from netspec.interchange.errors import NotAModel
from netspec.language.diagnostics import fail
from netspec.language.record import Frozen
from netspec.language.source import Source, Span

MAX_DEPTH = 40
"""Brackets inside each other."""
MAX_LAYERS = 2_000
TOKEN = re.compile(r"\s*(?:([\[\]()])|((?:S(?:\{[^{}]*\})?\d*\(\d*x\d*\)[\d,]*|[^\s\[\]()])+))")
INPUT = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})")


class Part(Frozen):
    """A layer, or layers between brackets: `[` in series, `(` in parallel."""

    span: Span
    kind: str = "layer"
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        return self.span.text


class Specification(Frozen):
    """The sizes of the input, batch, height, width and depth (0 for those that vary), and what follows."""

    source: Source
    sizes: tuple[int, int, int, int]
    parts: tuple[Part, ...]

    @property
    def layers(self) -> Iterator[Part]:
        """All layers, also those between brackets."""
        waiting = list(self.parts)
        while waiting:
            part = waiting.pop()
            waiting += part.parts
            if part.kind == "layer":
                yield part


def parse(source: Source) -> Specification:
    """The tree of a text.

    Raises:
        CompileError: it is not a specification (NS570).
    """
    found = [(match, match[1] or "") for match in TOKEN.finditer(source.text)]
    if len(found) > MAX_LAYERS:
        raise _wrong(source, 0, f"it has more than {MAX_LAYERS:,} layers and brackets")
    stack: list[tuple[int, str, list[Part]]] = [(0, "", [])]
    for match, bracket in found:
        start, end = match.span(1 if bracket else 2)
        if bracket in ("[", "("):
            if len(stack) > MAX_DEPTH:
                raise _wrong(source, start, f"more than {MAX_DEPTH} brackets are inside each other")
            stack.append((start, bracket, []))
        elif bracket:
            first, kind, parts = stack.pop()
            if kind != {"]": "[", ")": "("}[bracket]:
                raise _wrong(source, start, f"`{bracket}` closes nothing")
            stack[-1][2].append(Part(Span(source, first, end), kind, tuple(parts)))
        else:
            stack[-1][2].append(Part(Span(source, start, end)))
    start, kind, parts = stack[-1]
    if kind:
        raise _wrong(source, start, f"`{kind}` is not closed")
    return _with_input(source, parts)


def _with_input(source: Source, parts: list[Part]) -> Specification:
    """The input is the first word, before or inside the brackets around all others."""
    while parts and parts[0].kind == "[":
        parts = [*parts[0].parts, *parts[1:]]
    found = INPUT.fullmatch(parts[0].text) if parts else None
    if found is None:
        start = parts[0].span.start if parts else 0
        raise _wrong(source, start, "it does not begin with the sizes of the input")
    batch, height, width, depth = map(int, found.groups())
    if depth == 0:
        raise _wrong(source, parts[0].span.start, "the depth of the input is 0")
    if len(parts) == 1:
        raise _wrong(source, parts[0].span.start, "it has no layers")
    return Specification(source, (batch, height, width, depth), tuple(parts[1:]))


def _wrong(source: Source, offset: int, reason: str) -> Exception:
    end = min(offset + 1, len(source.text))
    return fail(
        NotAModel(
            file=source.name,
            format="VGSL",
            reason=reason,
            span=Span(source, min(offset, end), end) if source.text.strip() else None,
            advice="a specification is such as `[1,48,0,1 Cr3,3,32 Mp2,2 S1(1x0)1,3 Lbx100 O1c80]`",
        )
    )
