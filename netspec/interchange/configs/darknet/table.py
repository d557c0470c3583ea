"""What a function that reads a section is given, and the table of these functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netspec.interchange.configs.darknet.cfg import Section
from netspec.interchange.configs.darknet.weights import WeightsFile
from netspec.interchange.errors import NotImported
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.values import Value


@dataclass
class Site:
    """A section that is read.

    Args:
        builder: where its steps go.
        section: its options.
        index: its number, as other sections name it.
        values: what the sections before it give; None for one that gives no tensor.
        before: what it reads.
        weights: the numbers of all layers from this one on, if there are any.
    """

    builder: Builder
    section: Section
    index: int
    values: Sequence[Value | None]
    before: Value
    weights: WeightsFile | None

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.section.kind} {self.index}"

    @property
    def image(self) -> Value:
        """What it reads, as channels x height x width."""
        return self.builder.unsqueeze(self.before, (2, 3)) if self.before.rank == 2 else self.before

    def layer(self, number: int, option: str) -> Value:
        """What another layer gives, by its number, or by its distance if that is negative.

        Raises:
            CompileError: there is none before this one (NS570).
        """
        at = self.index + number if number < 0 else number
        if not 0 <= at < self.index:
            line = self.section.place(option).first.line
            reason = f"`{option}` in line {line} names layer {at}, and this is layer {self.index}"
            advice = "layers are counted from 0 after `[net]`; negative numbers count back from this one"
            raise self.section.file.bad(reason, advice, self.section.place(option))
        found = self.values[at]
        if found is None:
            return self.lost(f"it reads layer {at}, which finds boxes")
        return found

    def lost(self, reason: str, advice: str = "", option: str = "") -> Value:
        """What the language cannot say: it is reported (NS571)."""
        return self.builder.lost(self.title, reason, self.section.place(option), advice)

    def warn(self, reason: str, advice: str = "") -> None:
        """What is left out is reported (NS572)."""
        problem = NotImported(what=self.title, reason=reason, advice=advice, span=self.section.span)
        self.builder.sketch.report(problem)


Reader = Callable[[Site], Value]
READERS: dict[str, Reader] = {}
"""The functions by the kinds of sections."""


def reads(*kinds: str) -> Callable[[Reader], Reader]:
    """The decorator of a function that reads sections of these kinds."""

    def declare(function: Reader) -> Reader:
        READERS.update(dict.fromkeys(kinds, function))
        return function

    return declare
