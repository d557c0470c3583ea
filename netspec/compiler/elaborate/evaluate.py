"""Expressions to values, walking forward with every shape known.

Names are bound already (resolve.py). A value that cannot be made is reported and becomes `BAD`, which everything passes
on silently, so that one mistake gives one message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from netspec.compiler.elaborate.builder import Builder, Tensor, Tensors
from netspec.compiler.elaborate.operators import COMPARISONS, calculate, check_list, compare, is_number
from netspec.compiler.elaborate.values import (
    BAD,
    BROKEN,
    Block,
    Composed,
    OneLayer,
    Parallel,
    Repeated,
    Shared,
    SharedUse,
    Sum,
)
from netspec.compiler.errors.names import WrongValue
from netspec.compiler.errors.values import (
    CannotChain,
    CannotCombine,
    ConditionUnknown,
    NoClasses,
    NoMeaningHere,
    TooLarge,
    UnknownAttribute,
)
from netspec.compiler.names.advice import advise_attribute, advise_chained, advise_value, correct_value
from netspec.compiler.names.resolve import Resolution
from netspec.compiler.names.scope import Name, Scope
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.errors import NestedTooDeep
from netspec.language.diagnostics import Diagnostic, Fix, Note, Problems
from netspec.language.kinds import Count, OneSize
from netspec.language.source import Span
from netspec.language.values import UNITS, Comparison, Duration, Extent, LayerValue, Symbol, describe
from netspec.language.word import Kind, Mismatch, Word
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.base import Layer

DEEPEST = 120
"""How deep definitions and expressions may stand inside each other, counted together."""

MOST_NODES = 50_000
"""More layers than this are a mistake."""

MOST_TENSORS = 10_000
"""More tensors side by side than this are a mistake."""

LONGEST_FLAT = 1000
"""Chains inside chains become one up to this length, so that a chain grown step by step by names is not nested."""

MOST_COPIES = 10_000
"""The largest number behind a layer's `*`."""


class Abandon(Exception):
    """Leaves a statement whose mistake is reported already."""


@dataclass(eq=False)
class Frame:
    """Where a body is evaluated: its names, what flows in, and the graph it builds (None in settings)."""

    builder: Builder | None
    input: Any = None
    values: dict[Name, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    """Where the arguments of a `def` were given."""


class Apply(Protocol):
    """The tensor (or tensors) that come out of a layer; BAD after a mistake."""

    def __call__(self, value: LayerValue, inputs: Any, builder: Builder, /) -> Any: ...


class Evaluator:
    """Evaluates the expressions of one compilation."""

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        self.resolution = resolution
        self.problems = problems
        self.classes: Any = None
        self.has_data = False
        self.apply: Apply
        """Feeds tensors to a layer (`Applier.apply`), for tensors that flow inside of an expression."""
        self.depth = 0
        self.file_frames: dict[Scope, Frame] = {}
        self.asking: list[Span] = []  # where the names that are being worked out are used, the outermost first

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
            if self.depth > DEEPEST:
                self.report(NestedTooDeep(span=span, limit=DEEPEST))
                raise Abandon
            yield
        finally:
            self.depth -= 1

    def evaluate(self, node: tree.Expression, frame: Frame, kind: Kind | None = None) -> Any:
        """The value of an expression; `kind` is what its place takes."""
        with self.deeper(node.span):
            match node:
                case tree.Number(value=value) | tree.String(value=value) | tree.Boolean(value=value):
                    return value
                case tree.ExtentLiteral(sizes=sizes):
                    return Extent(sizes)
                case tree.Group(inner=inner):
                    return self.evaluate(inner, frame, kind)
                case tree.Name():
                    return self._name(node, frame, kind)
                case tree.Call():
                    return self._call(node, frame, kind)
                case tree.Chain():
                    return self._chain(node, frame, kind)
                case tree.Binary(operator=operator) if operator in COMPARISONS and kind is not None and kind.compares:
                    return self._comparison(node, frame, kind)
                case tree.Binary():
                    return self._binary(node, frame)
                case tree.Unary():
                    return self._unary(node, frame)
                case tree.IfElse():
                    return self._if_else(node, frame, kind)
                case tree.Branches():
                    return self._branches(node, frame)
                case tree.InputName():
                    is_word = kind is not None and node.span.text in kind.names
                    return Symbol(node.span.text) if is_word else self._input(node, frame)
                case tree.Attribute():
                    return self._attribute(node, frame)
                case tree.ListLiteral(items=items):
                    values = [self.evaluate(item, frame, kind) for item in items]
                    return BAD if any(v is BAD for v in values) else self._checked(check_list(values, node.span))
                case tree.TupleLiteral():
                    return self._tuple(node, frame)
                case tree.DurationLiteral(amount=amount, unit=unit):
                    return Duration(amount.value, UNITS[unit.name]) if unit.name in UNITS else BAD
        raise AssertionError(f"no rule for {type(node).__name__}")

    # ------------------------------------------------------------ names and calls

    def _name(self, node: tree.Name, frame: Frame, kind: Kind | None) -> Any:
        symbol = self.resolution.names.get(id(node))
        if symbol is not None:
            return self.value_of(symbol, frame, node)
        if id(node) in self.resolution.symbols:
            return self.resolution.symbols[id(node)]
        word = self.resolution.words.get(id(node))
        if word is not None:
            return self._word(node, word, {}, frame, kind)
        return self._classes(node) if node.name == "classes" else BAD

    def _classes(self, node: tree.Name) -> Any:
        if self.classes is None and self.has_data:
            return self.report(NoClasses(span=node.span, case="numbers"))
        return self.report(NoClasses(span=node.span)) if self.classes is None else self.classes

    def value_of(self, symbol: Name, frame: Frame, node: tree.Name) -> Any:
        """What a name stands for where it is used."""
        if symbol.define is not None:
            matched = self.resolution.arguments.get(id(node), {})
            return self._definition(symbol, matched, frame, node)
        value = self._stored_or_made(symbol, frame, node.span)
        return SharedUse(value, node.span) if isinstance(value, Shared) else value

    def _stored_or_made(self, symbol: Name, frame: Frame, span: Span) -> Any:
        if symbol in frame.values:
            return frame.values[symbol]
        home = self.file_frames.get(symbol.scope)
        if home is None:
            home = self.file_frames.setdefault(symbol.scope, Frame(None, input=None))
        if symbol in home.values:
            return home.values[symbol]
        if symbol.what == "input":
            case = "early"
            if symbol.scope is not self.resolution.scope:
                case = "used file"
            elif home.builder is None:
                span, case = self._asked(span, home), ""
            return self._no_meaning(span, f"`{span.text}`", case, symbol.name)
        if symbol.expression is None:
            return BAD
        home.values[symbol] = BAD  # in case of a circle, which resolve has reported
        self.asking.append(span)
        try:
            value = self.evaluate(symbol.expression, home)
        finally:
            self.asking.pop()
        if symbol.what == "shared layer":
            value = self.share(symbol, value, home)
        home.values[symbol] = value
        return value

    def _asked(self, span: Span, frame: Frame) -> Span:
        """The place in the settings from which a tensor is asked for, perhaps through names."""
        is_main = frame is self.file_frames.get(self.resolution.scope)
        return self.asking[0] if is_main and self.asking else span

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

    def _call(self, node: tree.Call, frame: Frame, kind: Kind | None) -> Any:
        matched = self.resolution.arguments.get(id(node))
        if matched is None:
            return BAD
        assert isinstance(node.function, tree.Name)
        symbol = self.resolution.names.get(id(node.function))
        if symbol is not None:
            return self._definition(symbol, matched, frame, node)
        return self._word(node, self.resolution.words[id(node)], matched, frame, kind)

    def _definition(
        self, symbol: Name, matched: dict[str, tree.Expression], frame: Frame, node: tree.Expression
    ) -> Any:
        """A use of a `def`; defaults are filled in when it is applied, for they may ask for what flows in."""
        is_rejected = id(node) in self.resolution.rejected
        arguments = []
        for parameter in symbol.parameters:
            if parameter.name in matched:
                arguments.append((parameter.name, self.evaluate(matched[parameter.name], frame)))
            elif parameter.default is None or is_rejected:
                arguments.append((parameter.name, BAD))
        places = {name: value.span for name, value in matched.items()}
        return self._limited(Block(symbol, tuple(arguments), node.span, places))

    def _word(
        self,
        node: tree.Expression,
        word: type[Word],
        matched: dict[str, tree.Expression],
        frame: Frame,
        kind: Kind | None,
    ) -> Any:
        made = self.make_word(word, matched, frame)
        if made is BAD or id(node) in self.resolution.rejected:
            return BAD
        if isinstance(made, Layer):
            places = {name: value.span for name, value in matched.items()}
            origins = {name: note for name, value in matched.items() for note in self.origin(value, frame)}
            return self._limited(OneLayer(made, node.span, places, origins))
        if isinstance(made, Activation) and (kind is None or kind.category != "activation"):
            return OneLayer(ActivationLayer(activation=made), node.span)
        return made

    def make_word(self, word: type[Word], matched: dict[str, tree.Expression], frame: Frame) -> Any:
        """An instance of a declared word from the expressions of its options, each checked against its kind."""
        values: dict[str, Any] = {}
        is_good = True
        for item in word.options():
            expression = matched.get(item.name)
            if expression is None:
                is_good = is_good and not item.is_required
                continue
            value = self.accept(expression, item.kind, f"`{item.name}` of `{word.word}`", frame)
            is_good = is_good and value is not BAD
            values[item.field] = value
        return word(**values) if is_good else BAD

    def accept(self, expression: tree.Expression, kind: Kind, what: str, frame: Frame) -> Any:
        """The value of an argument in the canonical form of its kind, or BAD and a diagnostic; `what` is its name."""
        value = self.evaluate(expression, frame, kind)
        if value is BAD or (isinstance(value, list | tuple) and any(v is BAD for v in value)):
            return BAD
        try:
            return kind.accept(value)
        except Mismatch as wrong:
            return self.report(
                WrongValue(
                    span=expression.span,
                    notes=self.origin(expression, frame),
                    case="" if wrong.unknown is None else "unknown size",
                    what=what,
                    expected=wrong.expected,
                    given=wrong.found,
                    unknown=str(wrong.unknown),
                    advice=wrong.advice or advise_value(kind, value),
                    fixes=correct_value(expression.span, kind, value),
                )
            )

    def origin(self, expression: tree.Expression, frame: Frame) -> tuple[Note, ...]:
        """Where the argument of a `def` was given, for an expression that is one of its parameters."""
        symbol = self.resolution.names.get(id(expression))
        place = frame.places.get(symbol.name) if symbol is not None and symbol.what == "parameter" else None
        return (Note(place, "given here"),) if place is not None else ()

    # ------------------------------------------------------------ layers and tensors

    def _chain(self, node: tree.Chain, frame: Frame, kind: Kind | None) -> Any:
        if kind is not None and kind.is_chain:
            return tuple(self.evaluate(item, frame, kind) for item in node.items)
        first = self.evaluate(node.items[0], frame)
        if first is not BAD and not isinstance(first, LayerValue | Tensor | Tensors):
            first = self._cannot_chain(node.items[0], first)
        layers = [self._link(self.evaluate(item, frame), item) for item in node.items[1:]]
        if first is BAD:
            first = BROKEN
        if isinstance(first, LayerValue):
            inner = first.items if isinstance(first, Composed) and len(first.items) < LONGEST_FLAT else (first,)
            return self._limited(Composed((*inner, *layers), node.span))
        builder = self.builder_of(frame, node.span)
        return self.apply(Composed(tuple(layers), node.span), first, builder)

    def _limited(self, value: LayerValue) -> Any:
        """The layer value itself, or BAD when it stands for too many layers or is nested too deep."""
        if value.size > MOST_NODES:
            return self.report(TooLarge(span=value.span, limit=MOST_NODES))
        if value.depth > DEEPEST:
            return self.report(NestedTooDeep(span=value.span, limit=DEEPEST))
        return value

    def _link(self, value: Any, item: tree.Expression) -> LayerValue:
        """A value that stands behind a `->`: a layer, or else a mistake."""
        if isinstance(value, LayerValue):
            return value
        if isinstance(value, Tensor | Tensors):
            self.report(CannotChain(span=item.span, case="tensor"))
        elif value is not BAD:
            self._cannot_chain(item, value)
        return BROKEN

    def builder_of(self, frame: Frame, span: Span) -> Builder:
        """The graph that a frame builds.

        Raises:
            Abandon: it builds none, as in settings; reported.
        """
        if frame.builder is None:
            self._no_meaning(span, "a tensor")
            raise Abandon
        return frame.builder

    def _cannot_chain(self, item: tree.Expression, value: object) -> Any:
        if is_number(value):
            return self.report(CannotChain(span=item.span, case="number", what=describe(value)))
        advice = advise_chained(item.span.text, value)
        return self.report(CannotChain(span=item.span, what=describe(value), advice=advice))

    def _branches(self, node: tree.Branches, frame: Frame) -> Any:
        values = [self.evaluate(item, frame) for item in node.items]
        for item, value in zip(node.items, values, strict=True):
            if value is not BAD and not isinstance(value, LayerValue | Tensor | Tensors):
                return self.report(CannotChain(span=item.span, case="branch", what=describe(value)))
        if any(v is BAD or isinstance(v, LayerValue) for v in values):
            return self._limited(Parallel(tuple(BROKEN if v is BAD else v for v in values), node.span))
        return self.side_by_side(values, node.span)

    def side_by_side(self, values: list[Any], span: Span | None) -> Any:
        """Tensors, and groups of them, as one group; BAD when one of them is bad or when there are too many."""
        if any(v is BAD for v in values):
            return BAD
        if sum(len(v.items) if isinstance(v, Tensors) else 1 for v in values) > MOST_TENSORS:
            return self.report(TooLarge(span=span, limit=MOST_TENSORS, what="branches"))
        return Tensors(tuple(t for v in values for t in (v.items if isinstance(v, Tensors) else (v,))))

    def _input(self, node: tree.InputName, frame: Frame) -> Any:
        if frame.input is None:
            span = self._asked(node.span, frame)
            return self._no_meaning(span, f"`{span.text}`")
        return frame.input

    def _no_meaning(self, span: Span, what: str, case: str = "", name: str = "") -> Any:
        return self.report(NoMeaningHere(span=span, case=case, what=what, name=name))

    def _attribute(self, node: tree.Attribute, frame: Frame) -> Any:
        base = self.evaluate(node.base, frame)
        if base is BAD or (isinstance(base, Composed) and any(i is BROKEN for i in base.items)):
            return BAD
        shape = base.shape if isinstance(base, Tensor) else None
        size = shape.attribute(node.name.name) if shape is not None else None
        if size is not None:
            return size
        case, what, advice = advise_attribute(base)
        return self.report(
            UnknownAttribute(span=node.name.span, case=case, what=what, attribute=node.name.name, advice=advice)
        )

    # ------------------------------------------------------------ operators

    def _tuple(self, node: tree.TupleLiteral, frame: Frame) -> Any:
        sizes = []
        for item in node.items:
            value = self.accept(item, OneSize(), "a size in parentheses", frame)
            if value is BAD:
                return BAD
            sizes.append(value)
        return Extent(tuple(sizes))

    def _binary(self, node: tree.Binary, frame: Frame) -> Any:
        if node.operator in ("and", "or"):
            left = self.condition(node.left, frame)
            if left is BAD or left == (node.operator == "or"):
                return left
            return self.condition(node.right, frame)
        left, right = self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        if left is BAD or right is BAD:
            return BAD
        if node.operator in COMPARISONS:
            return self._checked(compare(node.operator, left, right, node.span))
        if is_number(left) and is_number(right):
            return self._checked(calculate(node.operator, left, right, node.span))
        return self._combine(node, left, right, frame)

    def _comparison(self, node: tree.Binary, frame: Frame, kind: Kind) -> Any:
        """A comparison that is kept as it stands."""
        left, right = self.evaluate(node.left, frame, kind), self.evaluate(node.right, frame)
        return BAD if left is BAD or right is BAD else Comparison(left, node.operator, right)

    def _checked(self, result: Any) -> Any:
        return self.report(result) if isinstance(result, Diagnostic) else result

    def _combine(self, node: tree.Binary, left: Any, right: Any, frame: Frame) -> Any:
        flows = (LayerValue, Tensor)
        if node.operator == "+" and isinstance(left, flows) and isinstance(right, flows):
            if isinstance(left, Tensor) and isinstance(right, Tensor):
                both = Tensors((left, right))
                return self.apply(Sum(both.items, node.span), both, self.builder_of(frame, node.span))
            return self._limited(Sum((*left.items, right) if isinstance(left, Sum) else (left, right), node.span))
        if node.operator == "*" and isinstance(left, LayerValue):
            copies = self.accept(node.right, Count(1, MOST_COPIES), "the number of copies", frame)
            return BAD if copies is BAD else self._limited(Repeated(left, copies, node.span))
        case, swapped = node.operator if node.operator in "+*" else "", ""
        if node.operator == "*" and isinstance(right, LayerValue) and is_number(left):
            case, swapped = "order", f"{node.right.span.text} * {node.left.span.text}"
        left_text, right_text = describe(left), describe(right)
        return self.report(
            CannotCombine(
                span=node.span,
                case=case,
                operator=node.operator,
                left=left_text,
                right=right_text,
                swapped=swapped,
                fixes=(Fix(node.span, swapped),) if swapped else (),
            )
        )

    def _unary(self, node: tree.Unary, frame: Frame) -> Any:
        if node.operator == "not":
            value = self.condition(node.operand, frame)
            return BAD if value is BAD else not value
        value = self.evaluate(node.operand, frame)
        if value is BAD or is_number(value):
            return value if value is BAD else -value
        return self.report(CannotCombine(span=node.span, case="unary", operator="-", right=describe(value)))

    def condition(self, node: tree.Expression, frame: Frame) -> Any:
        """The truth value of an expression."""
        value = self.evaluate(node, frame)
        if value is BAD or isinstance(value, bool):
            return value
        return self.report(ConditionUnknown(span=node.span, case="value", left=describe(value)))

    def _if_else(self, node: tree.IfElse, frame: Frame, kind: Kind | None) -> Any:
        condition = self.condition(node.condition, frame)
        if condition is BAD:
            return BAD
        return self.evaluate(node.then if condition else node.otherwise, frame, kind)


def producer_note(tensor: Tensor) -> tuple[Note, ...]:
    """The second place of a shape error: what made the tensor."""
    return (Note(tensor.span, f"gives {tensor.shape}"),) if tensor.span is not None else ()
