"""Which argument of a call goes to which option; the same for words and for definitions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from netspec.compiler.errors.names import GivenTwice, MissingArgument, TooManyArguments, UnknownOption
from netspec.compiler.errors.values import ArgumentOrder
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections
from netspec.language.diagnostics import Note, Problems, squeeze, suggest
from netspec.language.kinds import NewShape, Sizes
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.word import Kind, Word

MAX_POSITIONAL = 3
"""More arguments than these go by name, so that a call can be read."""

MAX_EXAMPLE_LENGTH = 60
"""Calls longer than this are not written out again in a hint."""


class Slot(Frozen):
    """An option or a parameter that an argument can set; `kind` is None for a parameter of a `def`."""

    name: str
    is_required: bool
    position: int | None
    kind: Kind | None = None
    aliases: tuple[str, ...] = ()

    @property
    def is_activation(self) -> bool:
        return self.kind is not None and self.kind.category == "activation"


class Callee(Frozen):
    """What is called, for matching and for messages."""

    word: str
    slots: tuple[Slot, ...]
    noun: str = "option"
    is_activation: bool = False

    @classmethod
    def of_word(cls, word: type[Word]) -> Callee:
        slots = tuple(Slot(o.name, o.is_required, o.position, o.kind, o.aliases) for o in word.options())
        return cls(word.word, slots, is_activation=word.category == "activation")

    @classmethod
    def of_define(cls, define: tree.Define) -> Callee:
        parameters = define.parameters or ()
        slots = tuple(
            Slot(p.name.name, p.default is None, i if i < MAX_POSITIONAL else None) for i, p in enumerate(parameters)
        )
        return cls(define.name.name, slots, "parameter")

    @property
    def positional(self) -> list[Slot]:
        return [s for s in self.slots if s.position is not None]

    def example(self, arguments: Sequence[str]) -> str:
        """A call with these arguments, for a hint."""
        text = f"{self.word}({', '.join(arguments)})"
        if len(text) > MAX_EXAMPLE_LENGTH or "\n" in text:
            text = f"{self.word}({', '.join(s.name for s in self.slots if s.is_required)}, …)"
        return f"`{text}`"


@dataclass
class Match:
    """The expression for each option that is given, and the arguments that fit nowhere; those are reported."""

    values: dict[str, tree.Expression] = field(default_factory=dict)
    rejected: list[tree.Expression] = field(default_factory=list)


def match_arguments(
    callee: Callee,
    arguments: Sequence[tree.Argument],
    place: Span,
    problems: Problems,
    is_activation: Callable[[tree.Expression], bool],
) -> Match:
    """Find the option of every argument; what is wrong goes to `problems`, one message for each call's order."""
    match = Match()
    spans: dict[str, Span] = {}
    slots = _slots_by_place(callee, arguments, problems, is_activation)
    by_place = iter(slots or ())
    names = {a.name.name for a in arguments if a.name is not None}
    for argument in arguments:
        if argument.name is not None:
            slot = _find_by_name(callee, argument.name, match.values.keys() | names, problems)
        else:
            slot = next(by_place, None)
        if slot is not None and slot.name in match.values:
            note = Note(spans[slot.name], "given here")
            problems.add(GivenTwice(span=argument.span, notes=(note,), word=callee.word, option=slot.name))
            slot = None
        if slot is None:
            match.rejected.append(argument.value)
        else:
            match.values[slot.name], spans[slot.name] = argument.value, argument.span
    if not match.rejected:  # what fits nowhere has its message, and is probably what is missing
        _check_missing(callee, arguments, match.values, place, problems)
    return match


def _find_by_name(callee: Callee, name: tree.Name, given: Collection[str], problems: Problems) -> Slot | None:
    for slot in callee.slots:
        if slot.name == name.name:
            return slot
    aliases = {squeeze(alias): slot.name for slot in callee.slots for alias in slot.aliases}
    known = [s.name for s in callee.slots]
    problems.add(
        UnknownOption(
            span=name.span,
            case="" if callee.slots else "none",
            word=callee.word,
            noun=callee.noun,
            option=name.name,
            advice=suggest(name.name, known, what=f"its {callee.noun}s", aliases=aliases),
            fixes=corrections(name.span, [n for n in known if n not in given], aliases),
        )
    )
    return None


def _slots_by_place(
    callee: Callee,
    arguments: Sequence[tree.Argument],
    problems: Problems,
    is_activation: Callable[[tree.Expression], bool],
) -> list[Slot] | None:
    """The options of the arguments without a name, or None (and one diagnostic) if their order is wrong."""
    first_named = next((i for i, a in enumerate(arguments) if a.name is not None), len(arguments))
    late = next((a for a in arguments[first_named:] if a.name is None), None)
    if late is not None:
        problems.add(ArgumentOrder(span=late.span))
        return None
    given = arguments[:first_named]
    activation = next((s for s in callee.positional if s.is_activation), None)
    slots: list[Slot] = []
    for place, argument in enumerate(given):
        if place >= len(callee.positional):
            problems.add(_too_many(callee, given, place))
            return None
        if activation is not None and is_activation(argument.value):
            slots.append(activation)
        elif activation in slots:
            problems.add(_activation_first(callee, given, argument, is_activation))
            return None
        else:
            slots.append(callee.positional[place])
    return slots


def _activation_first(
    callee: Callee,
    given: Sequence[tree.Argument],
    behind: tree.Argument,
    is_activation: Callable[[tree.Expression], bool],
) -> ArgumentOrder:
    others = [a.span.text for a in given if not is_activation(a.value)]
    words = [a.span.text for a in given if is_activation(a.value)]
    return ArgumentOrder(
        span=behind.span, case="activation", word=callee.word, advice=callee.example([*others, *words])
    )


def _too_many(callee: Callee, given: Sequence[tree.Argument], first: int) -> TooManyArguments:
    """The diagnostic for the arguments from `first` on, which are too many."""
    count = len(callee.positional)
    by_name = ", ".join(s.name for s in callee.slots if s.position is None)
    advice = f"write {callee.example([s.name for s in callee.positional])}"
    if callee.is_activation:
        advice = f"write the layer first: `dense(10) -> {callee.word}`, or `dense(10, {callee.word})`"
    elif not count:
        advice = f"give it by name: {by_name}" if by_name else "remove the argument"
    elif count == 1 and isinstance(callee.positional[0].kind, Sizes | NewShape):
        advice = f"an extent is one argument: {callee.example(['x'.join(a.span.text for a in given)])}"
    if count and by_name and not callee.is_activation:
        advice += f"; by name: {by_name}"
    span, extra = given[first].span.to(given[-1].span), len(given) - first
    return TooManyArguments(
        span=span,
        case={0: "none", 1: "one"}.get(count, ""),
        word=callee.word,
        limit=count,
        extra="one" if extra == 1 else str(extra),
        advice=advice,
    )


def _check_missing(
    callee: Callee,
    arguments: Sequence[tree.Argument],
    matched: dict[str, tree.Expression],
    place: Span,
    problems: Problems,
) -> None:
    missing = [s.name for s in callee.slots if s.is_required and s.name not in matched]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        example = callee.example([*missing, *(a.span.text for a in arguments)])
        problems.add(MissingArgument(span=place, word=callee.word, missing=names, signature=example))
