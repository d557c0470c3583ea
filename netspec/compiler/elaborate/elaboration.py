"""What evaluation and application have in common: the state of an elaboration, its limits, and values of options.

`Elaboration` is the base; `evaluate.py` adds expressions, `apply_layer.py` and `apply.py` the application of layers and
blocks, and `infer.py` joins them for a whole file. Expressions apply layers to tensors, and blocks evaluate their
bodies, so the parts are one object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from netspec.compiler.elaborate.builder import Builder, Tensor, Tensors, as_tuple
from netspec.compiler.elaborate.values import BAD, Shared
from netspec.compiler.errors.names import WrongValue
from netspec.compiler.errors.values import CannotChain, NoMeaningHere, TooLarge
from netspec.compiler.names.hints.advice import Given, advise_wrong, correct_value
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.names.scope import Name, Scope
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.errors import NestedTooDeep
from netspec.language.diagnostics import Diagnostic, Note, Problems
from netspec.language.source import Span
from netspec.language.values import LayerValue, describe
from netspec.language.word import Kind, Mismatch, Option, Word

MAX_DEPTH = 120
"""The maximum nesting depth of definitions and expressions, counted together."""

MAX_NODES = 50_000
"""The maximum number of layers."""

MAX_TENSORS = 10_000
"""The maximum number of parallel tensors."""

MAX_FLAT_LENGTH = 1000
"""Nested chains are merged up to this length, so that a chain built step by step by names is not nested."""

MAX_COPIES = 10_000
"""The maximum number of copies in `layer * n`."""


class Abandon(Exception):
    """Leaves a statement whose mistake has been reported."""


@dataclass(eq=False)
class Frame:
    """Where a body is evaluated: its names, what flows in, and the graph it builds (None in settings)."""

    builder: Builder | None
    input: Any = None
    values: dict[Name, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    """The spans of the arguments of a `def`."""


class Elaboration(ABC):
    """The state of one elaboration, and what all of its parts use.

    A value that cannot be made is reported and becomes `BAD`, which everything passes on silently, so that one mistake
    gives one message.
    """

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        self.resolution = resolution
        self.problems = problems
        self.classes: Any = None
        self.has_data = False
        self.columns_of: Callable[[], Mapping[str, Sequence[str]]] = dict
        """What gives the columns of each input that is a vector of numbers from a table."""
        self.depth = 0
        self.file_frames: dict[Scope, Frame] = {}

    @abstractmethod
    def evaluate(self, node: tree.Expression, frame: Frame, kind: Kind | None = None) -> Any:
        """The value of an expression, or BAD; `kind` is what its place takes."""

    @abstractmethod
    def flow_out(self, value: Any, expression: tree.Expression, frame: Frame) -> Any:
        """The tensor that an output is; BAD after a mistake."""

    @abstractmethod
    def apply(self, value: LayerValue, inputs: Any, builder: Builder) -> Any:
        """The output of a layer: a tensor, several, or BAD after a mistake."""

    def report(self, diagnostic: Diagnostic) -> Any:
        self.problems.add(diagnostic)
        return BAD

    @contextmanager
    def deeper(self, span: Span | None) -> Iterator[None]:
        """Count one level of nesting.

        Raises:
            Abandon: it is too deep; reported.
        """
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                self.report(NestedTooDeep(span=span, limit=MAX_DEPTH))
                raise Abandon
            yield
        finally:
            self.depth -= 1

    def side_by_side(self, values: list[Any], span: Span | None) -> Any:
        """Tensors, and groups of them, as one group; BAD when one of them is bad or when there are too many."""
        if any(v is BAD for v in values):
            return BAD
        if sum(len(as_tuple(v)) for v in values) > MAX_TENSORS:
            return self.report(TooLarge(span=span, case="branches", limit=MAX_TENSORS, what="branches"))
        return Tensors(tuple(t for v in values for t in as_tuple(v)))

    def _limited(self, value: LayerValue) -> Any:
        """The layer value itself, or BAD if it has too many layers or is nested too deeply."""
        if value.size > MAX_NODES:
            return self._once(TooLarge(span=value.span, limit=MAX_NODES))
        if value.depth > MAX_DEPTH:
            return self._once(NestedTooDeep(span=value.span, limit=MAX_DEPTH))
        return value

    def _once(self, diagnostic: Diagnostic) -> Any:
        """BAD; of a network that grows from name to name, the first place beyond the limit is reported."""
        if any(isinstance(known, TooLarge | NestedTooDeep) for known in self.problems.errors):
            return BAD
        return self.report(diagnostic)

    def share(self, symbol: Name, value: Any, frame: Frame) -> Any:
        """The value of a `share` statement."""
        if value is BAD:
            return BAD
        assert symbol.expression is not None
        if not isinstance(value, LayerValue):
            span = symbol.expression.span
            return self.report(CannotChain(span=span, case="share", what=describe(value)))
        if frame.builder is None:
            return self._no_meaning(symbol.span, "a shared layer", "shared")
        return Shared(symbol.name, value, symbol.span, frame.builder)

    def _no_meaning(self, span: Span, what: str, case: str = "", name: str = "") -> Any:
        return self.report(NoMeaningHere(span=span, case=case, what=what, name=name))

    def make_word(self, word: type[Word], matched: dict[str, tree.Expression], frame: Frame) -> Any:
        """An instance of a declared word from the expressions of its options, each checked against its kind."""
        values: dict[str, Any] = {}
        is_good = True
        for item in word.options():
            expression = matched.get(item.name)
            if expression is None:
                is_good = is_good and not item.is_required
                continue
            value = self.accept(expression, item.kind, f"`{item.name}` of `{word.word}`", frame, (word, item, matched))
            is_good = is_good and value is not BAD
            values[item.field] = value
        return word(**values) if is_good else BAD

    def accept(
        self,
        expression: tree.Expression,
        kind: Kind,
        what: str,
        frame: Frame,
        given: tuple[type[Word], Option, Given] | None = None,
    ) -> Any:
        """The value of an argument in the canonical form of its kind, or BAD and a diagnostic; `what` is its name, and
        `given` the word whose option it is, that option, and the other arguments."""
        value = self.evaluate(expression, frame, kind)
        if value is BAD or (isinstance(value, list | tuple) and any(v is BAD for v in value)):
            return BAD
        try:
            return kind.accept(value)
        except Mismatch as wrong:
            advice = wrong.advice or advise_wrong(kind, value, expression, given)
            case = "" if advice else "option" if given else "number"
            return self.report(
                WrongValue(
                    span=expression.span,
                    notes=self.origin(expression, frame),
                    case=case if wrong.unknown is None else "unknown size",
                    what=what,
                    expected=wrong.expected,
                    given=wrong.given,
                    word=given[0].word if given else "",
                    unknown=str(wrong.unknown),
                    advice=advice,
                    fixes=correct_value(expression.span, kind, value),
                )
            )

    def origin(self, expression: tree.Expression, frame: Frame) -> tuple[Note, ...]:
        """Where the argument of a `def` was given, for an expression that is one of its parameters."""
        symbol = self.resolution.names.get(id(expression))
        place = frame.places.get(symbol.name) if symbol is not None and symbol.what == "parameter" else None
        return (Note(place, "given here"),) if place is not None else ()

    def builder_of(self, frame: Frame, span: Span) -> Builder:
        """The graph that a frame builds.

        Raises:
            Abandon: it builds none, as in settings; reported.
        """
        if frame.builder is None:
            self._no_meaning(span, "a tensor")
            raise Abandon
        return frame.builder


def producer_note(tensor: Tensor) -> tuple[Note, ...]:
    """The second location of a shape error: what produced the tensor."""
    return (Note(tensor.span, f"gives {tensor.shape}"),) if tensor.span is not None else ()
