"""The last layer against the targets, by kinds and counts; no values are read."""

from __future__ import annotations

import re
from functools import partial

from msgspec import structs

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.data.errors import network as errors
from netspec.data.errors.labels import LabelsFrom
from netspec.data.formats.tables.cell_advice import separator_of
from netspec.data.formats.tables.cells import number
from netspec.data.transforms.class_ids import ids_to_write
from netspec.data.transforms.columns import tags
from netspec.language.diagnostics import Diagnostic, Note
from netspec.language.source import Span
from netspec.language.vocabulary import words


def _activated(head: OutputHead, activation: str, units: int) -> str:
    """How the last layer is written with an activation: in it, or after one that takes none, such as `flatten`."""
    return f"dense({units}, {activation})" if head.reshaped_by is None else f"{head.reshaped_by} -> {activation}"


def _units_text(head: OutputHead) -> str:
    return "1 unit" if head.units == 1 else f"{head.units} units"


def _head_text(head: OutputHead) -> str:
    """What the last layer is, after the words "the last layer"."""
    if head.activation == "linear":
        given = _given_activation(head)
        return f"has {_units_text(head)} and {f'the activation `{given}`' if given else 'no activation'}"
    return f"is a {head.activation} of {_units_text(head)}"


def _given_activation(head: OutputHead) -> str:
    """The activation that is written in the last layer; empty where there is none."""
    written = re.findall(r"\w+", head.span.text) if head.span is not None and not head.is_unbounded else []
    return next((word for word in written if word in words("activation")), "")


def source_notes(source_span: Span | None, label: str, except_: Span | None) -> tuple[Note, ...]:
    """The data source as the second place of a diagnostic."""
    return (Note(source_span, label),) if source_span is not None and source_span != except_ else ()


def check_head(target: Target, head: OutputHead, source_span: Span | None = None) -> list[Diagnostic]:
    """Whether the last layer fits the targets; one whose size is not known is accepted."""
    if not head.has_units:
        return []
    if head.activation == "softmax" and head.units == 1:
        is_binary = target.kind == "class" and (target.classes is None or target.classes <= 2)
        case = "binary" if is_binary else target.kind
        return [errors.SoftmaxOfOne(span=head.span, case=case, classes=target.classes or 0)]
    if head.kind in ("embedding", "distribution"):
        return []  # points are of any size; whether a distribution fits the targets, its loss knows
    if head.kind == "probabilities" and target.kind != "class":
        notes = source_notes(source_span, f"gives {describe(target)}", head.span)
        is_fit = target.size == head.units or _fits_steps(target, head)
        one = "dense(1, sigmoid)" if target.kind == "binary" else "dense(1)"  # the loss is the next mistake
        right = one if target.size == 1 else f"dense({target.size}, softmax)"
        return [] if is_fit else [_unit_count(target, head, notes, right)]
    check = {"class": _check_classes, "binary": _check_binary, "numbers": _check_numbers}[target.kind]
    wrong = check(target, head, source_notes(source_span, f"gives {describe(target)}", head.span))
    if isinstance(wrong, errors.WrongHead | errors.LabelsNotIds) and source_span is not None:
        return [_for_source(wrong, target, source_span.text)]
    if isinstance(wrong, errors.ClassCount) and source_span is not None:
        return [_of_tags(wrong, target, head, source_span.text)]
    return [wrong] if wrong is not None else []


def _of_tags(wrong: errors.ClassCount, target: Target, head: OutputHead, source: str) -> errors.ClassCount:
    """A mistake of which the hint says how cells with several tags are read, where the classes look like that."""
    word, _, arguments = source.partition("(")
    separator = separator_of(target.names or ())
    column = re.search(r'target *= *"([^"]*)"', arguments) or re.match(r' *"[^"]*", *"([^"]*)"', arguments)
    if word not in ("csv", "parquet") or not separator or column is None or "per_column" in arguments:
        return wrong
    found = sorted({tag for name in target.names or () for tag in tags(name, separator)})
    shown = ", ".join(found[:MAX_LISTED]) + (", …" if len(found) > MAX_LISTED else "")
    option = f'per_column = of("{column[1]}", as = set("{separator}"))'
    layer = f"`{_activated(head, 'sigmoid', len(found))}`"
    return structs.replace(wrong, case="tags", tags=shown, option=option, source=word, layer=layer)


def _for_source(
    wrong: errors.WrongHead | errors.LabelsNotIds, target: Target, source: str
) -> errors.WrongHead | errors.LabelsNotIds:
    """A mistake of which the hint says how the targets of this source are read, where it can."""
    word = source.partition("(")[0]
    is_table, are_arrays = word in ("csv", "parquet"), word in ("npz", "npy")
    if wrong.case in ("class", "many classes") and (target.names is not None or not are_arrays):
        may_be_numbers = is_table and "task" not in source and all(map(_is_number, target.names or ("",)))
        return structs.replace(wrong, case="table" if may_be_numbers else "names", source=word)
    if wrong.case in ("rows", "numbers") and not are_arrays:
        return structs.replace(wrong, case="table" if is_table and target.size == 1 else "several", source=word)
    return wrong


def _is_number(name: str) -> bool:
    return number(name) is not None


def describe(target: Target) -> str:
    """Targets as a noun phrase."""
    if target.kind == "class":
        places = f" at each of {target.size} steps" if target.size > 1 else ""
        return f"{target.classes} classes{places}"
    kind = "0 or 1" if target.kind == "binary" else "numbers"
    return kind if target.size == 1 else f"{target.size} numbers" + (", each 0 or 1" if target.kind == "binary" else "")


def labels_outside(
    target: Target, head: OutputHead, units: int, label: int, where: str, limits: tuple[int, int]
) -> Diagnostic:
    """The error for labels that are not ids of the units, with the `class_ids` to write where that helps."""
    low, high = limits
    outside = partial(errors.LabelsOutside, span=head.span, label_value=label, where=where, highest=units - 1)
    labels = target.labels
    if labels is None:
        return outside(low=low, high=high, case="")
    count, low, high = len(labels), labels[0], labels[-1]
    case = "signs" if labels == (-1, 1) else "gaps" if low <= 0 or high - low + 1 > count else "from"
    layer = _activated(head, "sigmoid" if head.activation == "sigmoid" and count == 2 else "softmax", count)
    if count != units:
        case = "units"
    return outside(low=low, high=high, case=case, right=ids_to_write(labels), count=count, layer=layer)


def _check_labels(target: Target, head: OutputHead) -> Diagnostic | None:
    """Labels that are not 0, 1, 2, …: an error where the units do not suffice, a warning where some are never used."""
    labels, units = target.labels, 2 if head.units == 1 else head.units
    if labels is None or head.kind == "embedding":
        return None
    low, high = labels[0], labels[-1]
    if low < 0 or high >= units:
        wrong = next(label for label in labels if label < 0 or label >= units)
        return labels_outside(target, head, units, wrong, "the data", (low, high))
    if low == 0:
        return None
    shifted = partial(LabelsFrom, span=head.span, low=low, high=high, units=units, highest=units - 1)
    return shifted(right=ids_to_write(labels), count=len(labels))


Notes = tuple[Note, ...]
MAX_LISTED = 6
"""Names of classes that a message lists."""
MANY_CLASSES = 100
"""Integers of more values than this are rather numbers than ids of classes."""


def _check_classes(target: Target, head: OutputHead, notes: Notes) -> Diagnostic | None:
    classes = target.classes or 0
    wrong_head = partial(errors.WrongHead, span=head.span, notes=notes, found=describe(target))
    if head.is_sequence != (target.size > 1) and head.kind != "sequence":
        wanted, given = ("example", "step") if head.is_sequence else ("step", "example")
        kind = ", recurrent" if head.last_step else ", ending" if head.word != "dense" else ""
        case = f"each {wanted}{kind if head.is_sequence else ''}"
        place = {3: "pixel", 4: "voxel"}.get(len(head.sizes), given)
        text = f"{_head_text(head)}, one prediction for each {place}"
        return wrong_head(case=case, head=text, given=head.steps_from, advice=head.last_step, size=classes)
    labels = _check_labels(target, head)
    if labels is not None and (head.units > 1 or head.activation == "sigmoid"):
        return labels
    if head.units == 1 and classes <= 2:
        if head.activation == "sigmoid" or head.kind == "scores":
            return None
        return _no_activation(head, notes, "2 classes", "sigmoid", 1)
    if head.units == 1 and head.activation not in ("sigmoid", "softmax"):
        case = "many classes" if classes > MANY_CLASSES else "class"
        return wrong_head(case=case, head=_head_text(head), size=classes)
    if classes > head.units or (classes < head.units and target.names is not None):
        units = "1 unit, enough for 2 of them" if head.units == 1 else _units_text(head)
        listed = [name for name in target.names or () if not _is_number(name)]
        names = f" ({', '.join(listed)})" if 0 < len(listed) <= MAX_LISTED else ""
        return errors.ClassCount(span=head.span, notes=notes, classes=classes, units=units, names=names)
    if head.activation == "linear" and head.kind not in ("scores", "sequence"):
        return _no_activation(head, notes, describe(target), "softmax", classes)
    return None


def _no_activation(head: OutputHead, notes: Notes, found: str, activation: str, units: int) -> Diagnostic:
    """The warning about plain numbers where probabilities are expected."""
    given = _given_activation(head)
    advice, case = _activated(head, activation, units), "other" if given else ""
    warning = partial(errors.NoActivation, span=head.span, notes=notes, case=case, activation=activation)
    return warning(found=found, given=given, advice=advice)


def _check_binary(target: Target, head: OutputHead, notes: Notes) -> Diagnostic | None:
    right = f"dense({target.size}, sigmoid)"
    if head.activation == "softmax":
        wrong = partial(errors.WrongHead, head=_head_text(head)) if target.size == 1 else errors.LabelsNotIds
        found = "0 or 1" if target.size == 1 else "rows of zeros and ones"
        return wrong(span=head.span, notes=notes, case="binary", found=found, size=target.size)
    if target.size != head.units and not _fits_steps(target, head):
        return _unit_count(target, head, notes, right)
    if head.activation == "linear" and head.kind != "scores":
        return _no_activation(head, notes, "0 or 1", "sigmoid", target.size)
    return None


def _check_numbers(target: Target, head: OutputHead, notes: Notes) -> Diagnostic | None:
    if head.activation == "softmax":
        found = describe(target)
        case = "rows" if target.size == head.units > 1 else "numbers"
        return errors.LabelsNotIds(span=head.span, notes=notes, case=case, found=found, size=target.size)
    if target.size != head.units and not _fits_steps(target, head):
        return _unit_count(target, head, notes, f"dense({target.size})")
    return None


def _fits_steps(target: Target, head: OutputHead) -> bool:
    """Whether numbers can be those of a head with a prediction for each step (whose number is not known here)."""
    return head.is_sequence and target.size % head.units == 0


def _unit_count(target: Target, head: OutputHead, notes: Notes, right: str) -> Diagnostic:
    numbers = "1 number" if target.size == 1 else f"{target.size} numbers"
    units = "1 unit" if head.units == 1 else f"{head.units} units"
    return errors.UnitCount(span=head.span, notes=notes, found=numbers, units=units, right=right)
