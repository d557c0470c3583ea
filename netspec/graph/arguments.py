"""Which argument of a call goes to which option; the same for words and for definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netspec.diagnostics import Note, Problems, suggest
from netspec.graph import errors, meaning
from netspec.kinds import Kind
from netspec.source import Span
from netspec.syntax import tree
from netspec.values import Word
from netspec.vocabulary import signature

MOST_POSITIONAL = 3
"""More arguments than these go by name, so that a call can be read."""


@dataclass(frozen=True)
class Slot:
    """A place for an argument; `kind` is None for a parameter of a `def`, which takes anything."""

    name: str
    is_required: bool
    position: int | None
    kind: Kind | None = None


@dataclass(frozen=True)
class Callee:
    """What is called, for matching and for messages."""

    word: str
    slots: tuple[Slot, ...]
    signature: str

    @classmethod
    def of_word(cls, word: type[Word]) -> Callee:
        slots = tuple(Slot(o.name, o.is_required, o.position, o.kind) for o in word.options())
        required = [s.name for s in slots if s.is_required]
        short = f"{word.word}({', '.join(required)})" if required else signature(word)
        return cls(word.word, slots, f"`{short}`")

    @classmethod
    def of_define(cls, define: tree.Define) -> Callee:
        parameters = define.parameters or ()
        slots = tuple(
            Slot(p.name.name, p.default is None, i if i < MOST_POSITIONAL else None) for i, p in enumerate(parameters)
        )
        return cls(define.name.name, slots, f"`{define.name.name}({', '.join(s.name for s in slots)})`")


def match_arguments(
    callee: Callee,
    arguments: Sequence[tree.Argument],
    place: Span,
    problems: Problems,
    is_activation: Callable[[tree.Expression], bool],
) -> dict[str, tree.Expression]:
    """The expression for each option that is given; what is wrong goes to `problems`."""
    matched: dict[str, tree.Expression] = {}
    spans: dict[str, Span] = {}
    by_name_seen = False
    positional = [s for s in callee.slots if s.position is not None]
    place_number = 0
    for argument in arguments:
        if argument.name is not None:
            by_name_seen = True
            slot = _find_by_name(callee, argument.name, problems)
        elif by_name_seen:
            problems.add(meaning.ArgumentOrder(span=argument.span))
            continue
        else:
            slot = _find_by_place(callee, positional, place_number, argument, problems, is_activation)
            place_number += 1
        if slot is None:
            continue
        if slot.name in matched:
            note = Note(spans[slot.name], "given here")
            problems.add(errors.GivenTwice(span=argument.span, notes=(note,), word=callee.word, option=slot.name))
            continue
        matched[slot.name], spans[slot.name] = argument.value, argument.span
    _check_missing(callee, arguments, matched, place, problems)
    return matched


def _find_by_name(callee: Callee, name: tree.Name, problems: Problems) -> Slot | None:
    for slot in callee.slots:
        if slot.name == name.name:
            return slot
    advice = suggest(name.name, [s.name for s in callee.slots], what="its options")
    if not callee.slots:
        advice = f"`{callee.word}` takes no arguments"
    problems.add(errors.UnknownOption(span=name.span, word=callee.word, option=name.name, advice=advice))
    return None


def _find_by_place(
    callee: Callee,
    positional: list[Slot],
    place_number: int,
    argument: tree.Argument,
    problems: Problems,
    is_activation: Callable[[tree.Expression], bool],
) -> Slot | None:
    slot = positional[place_number] if place_number < len(positional) else None
    activation = next((s for s in positional if s.kind is not None and s.kind.category == "activation"), None)
    if activation is not None and slot is not activation and is_activation(argument.value):
        return activation
    if slot is not None:
        return slot
    if positional:
        count = len(positional)
        limit = f"at most {count} argument{'s' if count > 1 else ''}"
        more = ", ".join(s.name for s in callee.slots if s not in positional)
        advice = f"write {callee.signature}" + (f"; by name go: {more}" if more else "")
    else:
        limit, advice = "no arguments", "remove the argument"
        if callee.slots:
            advice = "give it by name: " + ", ".join(s.name for s in callee.slots)
    problems.add(errors.TooManyArguments(span=argument.span, word=callee.word, limit=limit, advice=advice))
    return None


def _check_missing(
    callee: Callee,
    arguments: Sequence[tree.Argument],
    matched: dict[str, tree.Expression],
    place: Span,
    problems: Problems,
) -> None:
    missing = [s.name for s in callee.slots if s.is_required and s.name not in matched]
    known = {s.name for s in callee.slots}
    has_misspelt = any(a.name is not None and a.name.name not in known for a in arguments)
    if missing and not has_misspelt:  # the misspelt name has its own message, and is probably the missing one
        names = " and ".join(f"`{name}`" for name in missing)
        problems.add(errors.MissingArgument(span=place, word=callee.word, missing=names, signature=callee.signature))
