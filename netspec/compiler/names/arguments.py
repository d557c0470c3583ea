"""Which argument of a call goes to which option; the same for words and for definitions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from netspec.compiler.errors.names import GivenTwice, MissingArgument, TooManyArguments, UnknownOption
from netspec.compiler.errors.values import ArgumentOrder
from netspec.compiler.names.hints.advice import advise_option
from netspec.compiler.names.hints.foreign import call_text, merges, reorder
from netspec.compiler.names.hints.recurrent import is_stack
from netspec.compiler.names.scope import Scope
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections, squeeze, suggest
from netspec.language.diagnostics import Note, Problems
from netspec.language.kinds import Body, Count, NewShape, Sizes, Text
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.word import Kind, Word

MAX_POSITIONAL = 3
"""Further arguments are passed by name, so that a call can be read."""

MAX_EXAMPLE_LENGTH = 60
"""Calls longer than this are not written out again in a hint."""


SAMPLES: dict[object, str] = {Count: "64", Sizes: "2", Body: "conv(16, 3x3, relu)"}
"""Values of required options in examples."""


class Slot(Frozen):
    """An option or a parameter that an argument can set; `kind` is None for a parameter of a `def`."""

    name: str
    is_required: bool
    position: int | None
    kind: Kind | None = None
    aliases: tuple[str, ...] = ()
    former: str = ""

    @property
    def is_activation(self) -> bool:
        return self.kind is not None and self.kind.category == "activation"


class Callee(Frozen):
    """What is called, for matching and for messages."""

    word: str
    slots: tuple[Slot, ...]
    noun: str = "option"
    is_activation: bool = False
    declared: type[Word] | None = None

    @classmethod
    def of_word(cls, word: type[Word]) -> Callee:
        slots = tuple(Slot(o.name, o.is_required, o.position, o.kind, o.aliases, o.former) for o in word.options())
        return cls(word.word, slots, is_activation=word.category == "activation", declared=word)

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
class ArgumentMatcher:
    """Finds the option of every argument of a call; mistakes go to `problems`, one about the order of a call.

    `values` has the expression for each option that is given, `rejected` the arguments that fit nowhere, `explained`
    those of them of which a message says what to write instead, so that none about what is in them follows.
    """

    callee: Callee
    arguments: Sequence[tree.Argument]
    place: Span
    problems: Problems
    scope: Scope
    values: dict[str, tree.Expression] = field(default_factory=dict)
    rejected: list[tree.Expression] = field(default_factory=list)
    explained: list[tree.Expression] = field(default_factory=list)

    def __post_init__(self) -> None:
        callee, spans = self.callee, dict[str, Span]()
        if is_stack(callee.declared, self.arguments):
            self._stack()
            return
        self.arguments = _gathered(callee, self.arguments)
        positional = iter(self._positional_slots() or ())
        for argument in self.arguments:
            slot = next(positional, None) if argument.name is None else self._find_by_name(argument)
            if slot is not None and slot.name in self.values:
                notes = (Note(spans[slot.name], "given here"),)
                self.problems.add(GivenTwice(span=argument.span, notes=notes, word=callee.word, option=slot.name))
                slot = None
            if slot is None:
                self.rejected.append(argument.value)
            else:
                self.values[slot.name], spans[slot.name] = argument.value, argument.span
        missing = [s.name for s in callee.slots if s.is_required and s.name not in self.values]
        if missing and not self.rejected:  # what fits nowhere has its message, and is probably what is missing
            names = " and ".join(f"`{name}`" for name in missing)
            given = [a.span.text for a in self.arguments]
            is_mixed = callee.declared is None and any(a.name is None for a in self.arguments)
            by_name = [*given, *(f"{name} = …" for name in missing)]
            example = callee.example(by_name if is_mixed else [*missing, *given])
            values = [SAMPLES.get(type(s.kind), "") for s in callee.slots if s.name in missing]
            if all(values) and callee.declared is not None:
                example += f", such as {callee.example([*values, *given])}"
            self.problems.add(MissingArgument(span=self.place, word=callee.word, missing=names, signature=example))

    def _stack(self) -> None:
        """Report a recurrent layer that is several here, or one inside of `bidirectional`, in one message."""
        word, arguments = self.callee.declared, self.arguments
        assert word is not None
        sizes = [a.value for a in arguments if a.name is None and not self.scope.is_activation(a.value)]
        others = [a for a in arguments if a.name is not None or self.scope.is_activation(a.value)]
        advice = reorder(word, sizes, others) if len(sizes) > 1 else None
        name = next(a.name for a in arguments if a.name is not None and is_stack(word, [a]))
        advice = advice or f"write `{call_text(word, word.word, arguments)}`"
        self.problems.add(UnknownOption(span=name.span, word=word.word, noun="option", option=name.name, advice=advice))
        self.rejected = self.explained = [a.value for a in arguments]

    def _find_by_name(self, argument: tree.Argument) -> Slot | None:
        name = argument.name
        assert name is not None
        callee, known = self.callee, {slot.name: slot for slot in self.callee.slots}
        if name.name in known:
            return known[name.name]
        former = next((slot for slot in callee.slots if slot.former == name.name), None)
        if former is not None:
            return former
        aliases = {squeeze(alias): slot.name for slot in callee.slots for alias in slot.aliases}
        given = {*self.values, *(a.name.name for a in self.arguments if a.name is not None)}
        advice = advise_option(callee.declared, argument, self.arguments)
        rest = f"`netspec words {callee.word}` lists all" if callee.declared is not None else ""
        is_named = squeeze(name.name) in {*aliases, *map(squeeze, known)}
        if advice is not None:
            self.explained.append(argument.value)
        self.problems.add(
            UnknownOption(
                span=name.span,
                case="" if known or advice else "none",
                word=callee.word,
                noun=callee.noun,
                option=name.name,
                advice=advice or suggest(name.name, known, what=f"its {callee.noun}s", aliases=aliases, rest=rest),
                fixes=corrections(name.span, known.keys() - given, aliases) if is_named or not advice else (),
            )
        )
        return None

    def _positional_slots(self) -> list[Slot] | None:
        """The options of the arguments without a name, or None (and one diagnostic) if their order is wrong."""
        callee, arguments = self.callee, self.arguments
        first_named = next((i for i, a in enumerate(arguments) if a.name is not None), len(arguments))
        late = next((a for a in arguments[first_named:] if a.name is None), None)
        if late is not None:
            self.problems.add(ArgumentOrder(span=late.span))
            return None
        given = arguments[:first_named]
        activation = next((s for s in callee.positional if s.is_activation), None)
        slots: list[Slot] = []
        for index, argument in enumerate(given):
            if index >= len(callee.positional):
                self.problems.add(self._too_many(given, index))
                return None
            if activation is not None and self.scope.is_activation(argument.value):
                slots.append(activation)
            elif activation in slots:
                ordered = [a.span.text for a in sorted(given, key=lambda a: self.scope.is_activation(a.value))]
                word, advice = callee.word, callee.example(ordered)
                self.problems.add(ArgumentOrder(span=argument.span, case="activation", word=word, advice=advice))
                return None
            else:
                slots.append(callee.positional[index])
        return slots

    def _too_many(self, given: Sequence[tree.Argument], first: int) -> TooManyArguments:
        """The diagnostic for the arguments from `first` on, which are too many."""
        count, extra = len(self.callee.positional), len(given) - first
        return TooManyArguments(
            span=given[first].span.to(given[-1].span),
            case={0: "none", 1: "one"}.get(count, ""),
            word=self.callee.word,
            limit=count,
            extra="one" if extra == 1 else str(extra),
            advice=self._called(given)
            or self._in_other_order(given)
            or _by_name(self.callee, given, self.arguments[len(given) :])
            or _without_others(self.callee, given, self.arguments[len(given) :]),
        )

    def _called(self, given: Sequence[tree.Argument]) -> str | None:
        """What to write for a layer without sizes that is called with its input, such as `gap(x)`."""
        is_alone = len(given) == len(self.arguments) == 1 and not self.callee.positional
        if not is_alone or self.callee.is_activation or self.callee.declared is None:
            return None
        return f"write `{given[0].span.text} -> {self.callee.word}`" if self.scope.is_tensor(given[0].value) else None

    def _in_other_order(self, given: Sequence[tree.Argument]) -> str | None:
        """What to write for sizes in the order of another library."""
        if self.callee.declared is None or self.callee.is_activation:
            return None
        activations = [a.value for a in given if self.scope.is_activation(a.value)]
        if not activations and len(given) > MAX_POSITIONAL and isinstance(given[-1].value, tree.Name):
            activations = [given[-1].value]  # a parameter
        sizes = [a.value for a in given if a.value not in activations]
        named = [
            tree.Argument(span=e.span, name=tree.Name(span=e.span, name="activation"), value=e) for e in activations
        ]
        own = [e.span.text for e in activations]
        return reorder(self.callee.declared, sizes, [*named, *self.arguments[len(given) :]], own)


def _gathered(callee: Callee, arguments: Sequence[tree.Argument]) -> Sequence[tree.Argument]:
    """The arguments, with the positional ones as a list where the word takes any number of them."""
    given = [argument for argument in arguments if argument.name is None]
    is_list = len(given) == 1 and isinstance(given[0].value, tree.ListLiteral)
    slot = next(iter(callee.positional), None)
    if not given or is_list or slot is None or slot.kind is None or not slot.kind.takes_all:
        return arguments
    span = given[0].span.to(given[-1].span)
    values = tree.ListLiteral(span=span, items=tuple(argument.value for argument in given))
    return [tree.Argument(span=span, name=None, value=values), *(a for a in arguments if a.name is not None)]


def _by_name(callee: Callee, given: Sequence[tree.Argument], named: Sequence[tree.Argument]) -> str | None:
    """The call of a data source whose further names of arrays or files belong to the next options that take a text;
    None where they may belong to others."""
    if callee.declared is None or callee.declared.category != "source":
        return None
    count, has = len(callee.positional), {a.name.name for a in named if a.name is not None}
    free = [s for s in callee.slots if isinstance(s.kind, Text) and s.position is None and s.name not in has]
    extra = [a.value for a in given[count:]]
    is_sure = all(isinstance(value, tree.String) and re.search(r"\w", value.value) for value in extra)
    if not is_sure or len(extra) > len(free):
        return None
    options = [f"{slot.name} = {value.span.text}" for slot, value in zip(free, extra, strict=False)]
    texts = [*(a.span.text for a in given[:count]), *options, *(a.span.text for a in named)]
    return f"write `{callee.word}({', '.join(texts)})`"


def _without_others(callee: Callee, given: Sequence[tree.Argument], named: Sequence[tree.Argument]) -> str:
    """What to write instead of a call with too many arguments without a name."""
    count = len(callee.positional)
    by_name = ", ".join(s.name for s in callee.slots if s.position is None and s.name != "name")
    if callee.declared in merges():
        parts = [a.value for a in given]
        flat = [i for part in parts for i in (part.items if isinstance(part, tree.ListLiteral) else (part,))]
        return f"write the branches before it: `({' | '.join(i.span.text for i in flat)}) -> {callee.word}`"
    if callee.is_activation:
        value = given[0].value
        layer = f"dense({value.span.text})" if isinstance(value, tree.Number) else value.span.text
        return f"write the layer first: `{layer} -> {callee.word}`"
    advice = f"write {callee.example([a.span.text for a in (*given[:count], *named)])}"
    if not count and not named:
        advice = f"write `{callee.word}`"
    elif count == 1 and isinstance(callee.positional[0].kind, Body):
        advice = f"join the layers: `{callee.word}({' -> '.join(a.span.text for a in given)})`"
    elif count == 1 and isinstance(callee.positional[0].kind, Sizes | NewShape):
        advice = f"a shape is one argument: {callee.example(['x'.join(a.span.text for a in given)])}"
    return advice + (f"; by name: {by_name}" if by_name else "")
