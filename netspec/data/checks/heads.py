"""The last layer against the targets, by kinds and counts; no values are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netspec.data.dataset.dataset import Target
from netspec.data.errors import network as errors
from netspec.language.diagnostics import Diagnostic, Note
from netspec.language.source import Span


@dataclass(frozen=True)
class Head:
    """The end of one output of a net: its units, the activation that stands last, and whether it answers at each step.
    0 units stand for a number that is not known.

    `head_span` is where the last layer stands in the text, `input_span` where the input is declared. `answering` is how
    the loss that is asked for takes the units (`training.losses.base.Answering`). `reshaped_by` is the last layer
    where that only gives numbers another shape.
    """

    units: int
    activation: Literal["softmax", "sigmoid"] | None = None
    per_step: bool = False
    input_span: Span | None = None
    head_span: Span | None = None
    answering: Literal["answers", "shares", "scores", "sequence", "embedding"] = "answers"
    reshaped_by: str | None = None

    def activated(self, activation: str, units: int) -> str:
        """How the last layer is written with an activation: in it, or behind one that takes none, such as `flatten`."""
        return f"dense({units}, {activation})" if self.reshaped_by is None else f"{self.reshaped_by} -> {activation}"

    @property
    def units_text(self) -> str:
        return "1 unit" if self.units == 1 else f"{self.units} units"

    @property
    def text(self) -> str:
        """What the last layer is, behind the words "the last layer"."""
        if self.activation is None:
            return f"has {self.units_text} and no activation"
        return f"is a {self.activation} of {self.units_text}"


def source_notes(source_span: Span | None, label: str, but: Span | None) -> tuple[Note, ...]:
    """The data source as the second place of a diagnostic."""
    return (Note(source_span, label),) if source_span is not None and source_span != but else ()


def check_head(target: Target, head: Head, source_span: Span | None = None) -> list[Diagnostic]:
    """Whether the last layer can answer what the targets ask; one whose size is not known is believed."""
    if head.units < 1:
        return []
    if head.activation == "softmax" and head.units == 1:
        return [errors.SoftmaxOfOne(span=head.head_span, advice=_instead_of_one(target))]
    if head.answering == "embedding":
        return []  # points are of any size, whatever the targets are
    if head.answering == "shares" and target.kind != "class":
        notes = source_notes(source_span, f"gives {describe(target)}", head.head_span)
        is_fit = target.size == head.units or _fits_steps(target, head)
        return [] if is_fit else [_unit_count(target, head, notes, f"dense({target.size}, softmax)")]
    check = {"class": _check_classes, "binary": _check_binary, "numbers": _check_numbers}[target.kind]
    wrong = check(target, head, source_notes(source_span, f"gives {describe(target)}", head.head_span))
    return [wrong] if wrong is not None else []


def describe(target: Target) -> str:
    """Targets as a noun phrase."""
    if target.kind == "class":
        places = f" at each of {target.size} steps" if target.size > 1 else ""
        return f"{target.classes} classes{places}"
    kind = "0 or 1" if target.kind == "binary" else "numbers"
    return kind if target.size == 1 else f"{target.size} numbers" + (", each 0 or 1" if target.kind == "binary" else "")


def _instead_of_one(target: Target) -> str:
    if target.kind == "numbers":
        return "for numbers leave the activation out: `dense(1)`"
    if target.kind == "class" and target.classes is not None and target.classes > 2:
        return f"write `dense({target.classes}, softmax)`, or `dense(classes, softmax)`"
    return "for yes or no write `dense(1, sigmoid)`"


Notes = tuple[Note, ...]


def _check_classes(target: Target, head: Head, notes: Notes) -> Diagnostic | None:
    classes = target.classes or 0
    if head.per_step != (target.size > 1) and head.answering != "sequence":
        advice = "the targets have a class for each step: leave `last`, `gap` and `flatten` out before the last layer"
        if head.per_step:
            advice = "put `gap` or `flatten` before the last layer, so that it answers once for each example"
        answers = "an answer for each step" if head.per_step else "one answer for each example"
        return errors.WrongHead(
            span=head.head_span, notes=notes, found=describe(target), head=f"{head.text}, {answers}", advice=advice
        )
    right = f"dense({classes}, softmax)"
    if head.units == 1 and classes <= 2:
        if head.activation == "sigmoid" or head.answering == "scores":
            return None
        advice = head.activated("sigmoid", 1)
        return errors.NoActivation(span=head.head_span, notes=notes, found="2 classes", advice=advice)
    if head.units == 1 and head.activation is None:
        advice = f"write `{right}`\nto predict the number itself, give `task = numbers` for csv, floats for arrays"
        return errors.WrongHead(span=head.head_span, notes=notes, found=describe(target), head=head.text, advice=advice)
    if classes > head.units or (classes < head.units and target.names is not None):
        units = "1 unit, which tells 2 of them apart" if head.units == 1 else head.units_text
        advice = f"write `{right}`, or `dense(classes, softmax)`"
        return errors.ClassCount(span=head.head_span, notes=notes, classes=classes, units=units, advice=advice)
    if head.activation is None and head.answering not in ("scores", "sequence"):
        advice = head.activated("softmax", classes)
        return errors.NoActivation(span=head.head_span, notes=notes, found=describe(target), advice=advice)
    return None


def _check_binary(target: Target, head: Head, notes: Notes) -> Diagnostic | None:
    right = f"dense({target.size}, sigmoid)"
    if head.activation == "softmax":
        if target.size == 1:
            return errors.WrongHead(
                span=head.head_span, notes=notes, found="0 or 1", head=head.text, advice=f"write `{right}`"
            )
        advice = f"for one class of several give ids: `y.argmax(axis=1)`; for several yes or no answers write `{right}`"
        return errors.LabelsNotIds(span=head.head_span, notes=notes, found="rows of zeros and ones", advice=advice)
    if target.size != head.units and not _fits_steps(target, head):
        return _unit_count(target, head, notes, right)
    if head.activation is None and head.answering != "scores":
        advice = head.activated("sigmoid", target.size)
        return errors.NoActivation(span=head.head_span, notes=notes, found="0 or 1", advice=advice)
    return None


def _check_numbers(target: Target, head: Head, notes: Notes) -> Diagnostic | None:
    if head.activation == "softmax":
        advice = (
            f"to predict numbers write `dense({target.size})`\n"
            'to predict classes give whole numbers: `task = classes` for csv, `y.astype("int32")` for arrays'
        )
        return errors.LabelsNotIds(span=head.head_span, notes=notes, found=describe(target), advice=advice)
    if target.size != head.units and not _fits_steps(target, head):
        return _unit_count(target, head, notes, f"dense({target.size})")
    return None


def _fits_steps(target: Target, head: Head) -> bool:
    """Whether numbers can be those of a head that answers at each step (how many there are is not known here)."""
    return head.per_step and target.size % head.units == 0


def _unit_count(target: Target, head: Head, notes: Notes, right: str) -> Diagnostic:
    numbers = "1 number" if target.size == 1 else f"{target.size} numbers"
    return errors.UnitCount(
        span=head.head_span, notes=notes, found=numbers, units=str(head.units), advice=f"write `{right}`"
    )
