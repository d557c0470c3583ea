"""Expressions to values, walking forward with every shape known. Names are bound already (names/resolve.py)."""

from __future__ import annotations

from typing import Any

from netspec.compiler.elaborate.builder import Tensor, Tensors
from netspec.compiler.elaborate.elaboration import MAX_COPIES, MAX_FLAT_LENGTH, Elaboration, Frame
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
from netspec.compiler.errors.values import CannotChain, CannotCombine, ConditionUnknown, NoClasses, UnknownAttribute
from netspec.compiler.names.hints.advice import advise_attribute, advise_chained
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.names.scope import Name
from netspec.compiler.syntax import tree
from netspec.language.diagnostics import Diagnostic, Fix, Problems
from netspec.language.kinds import Count, OneSize
from netspec.language.source import Span
from netspec.language.values import UNITS, Comparison, Duration, Extent, LayerValue, Symbol, describe
from netspec.language.word import Kind, Word
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.base import Layer


class Evaluator(Elaboration):
    """Evaluates the expressions of one compilation."""

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        super().__init__(resolution, problems)
        self.uses_of_names: list[Span] = []  # where the names under evaluation are used, the outermost first

    def evaluate(self, node: tree.Expression, frame: Frame, kind: Kind | None = None) -> Any:
        """The value of an expression, or BAD and a diagnostic; `kind` is that of the option it is given for, if any."""
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
                case tree.Applied():  # reported by resolve
                    return BAD
                case tree.DurationLiteral(amount=amount, unit=unit):
                    return Duration(amount.value, UNITS[unit.name]) if unit.name in UNITS else BAD
        raise AssertionError(f"no rule for {type(node).__name__}")

    def _name(self, node: tree.Name, frame: Frame, kind: Kind | None) -> Any:
        symbol = self.resolution.names.get(id(node))
        if symbol is not None:
            return self.value_of(symbol, frame, node)
        if id(node) in self.resolution.symbols:
            return self.resolution.symbols[id(node)]
        word = self.resolution.words.get(id(node))
        if word is not None:
            return self._word(node, word, {}, frame, kind)
        if node.name == "classes" and self.classes is None:
            return self.report(NoClasses(span=node.span, case="numbers" if self.has_data else ""))
        return self.classes if node.name == "classes" else BAD

    def value_of(self, symbol: Name, frame: Frame, node: tree.Name) -> Any:
        """The value of a name at its use."""
        if symbol.define is not None:
            matched = self.resolution.arguments.get(id(node), {})
            return self._definition(symbol, matched, frame, node)
        value = self._stored_or_made(symbol, frame, node.span)
        return SharedUse(value, node.span) if isinstance(value, Shared) else value

    def _stored_or_made(self, symbol: Name, frame: Frame, span: Span) -> Any:
        if symbol in frame.values:
            return frame.values[symbol]
        home = self.file_frames.setdefault(symbol.scope, Frame(None))
        if symbol in home.values:
            return home.values[symbol]
        if symbol.what == "input":
            case = "early"
            if symbol.scope is not self.resolution.scope:
                case = "used file"
            elif home.builder is None:
                span, case = self._outermost(span, home), ""
            return self._no_meaning(span, f"`{span.text}`", case, symbol.name)
        if symbol.expression is None:
            return BAD
        home.values[symbol] = BAD  # in case of a cycle, which resolve has reported
        self.uses_of_names.append(span)
        try:
            value = self.evaluate(symbol.expression, home)
        finally:
            self.uses_of_names.pop()
        if symbol.what == "shared layer":
            value = self.share(symbol, value, home)
        if symbol.what == "output":  # a tensor: what reads it must not make its layers again
            value = self.flow_out(value, symbol.expression, home)
        home.values[symbol] = value
        return value

    def _outermost(self, span: Span, frame: Frame) -> Span:
        """The span in the settings that uses a tensor, perhaps through names."""
        is_main = frame is self.file_frames.get(self.resolution.scope)
        return self.uses_of_names[0] if is_main and self.uses_of_names else span

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
        """A use of a `def`; defaults are filled in when it is applied, since they may read what flows in."""
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
            inner = first.items if isinstance(first, Composed) and len(first.items) < MAX_FLAT_LENGTH else (first,)
            return self._limited(Composed((*inner, *layers), node.span))
        builder = self.builder_of(frame, node.span)
        return self.apply(Composed(tuple(layers), node.span), first, builder)

    def _link(self, value: Any, item: tree.Expression) -> LayerValue:
        """A value after `->`: a layer, or else a mistake."""
        if isinstance(value, LayerValue):
            return value
        if isinstance(value, Tensor | Tensors):
            self.report(CannotChain(span=item.span, case="tensor"))
        elif value is not BAD:
            self._cannot_chain(item, value)
        return BROKEN

    def _cannot_chain(self, item: tree.Expression, value: object) -> Any:
        symbol = self.resolution.names.get(id(item))
        is_parameter = symbol is not None and symbol.what == "parameter"
        case, text = "parameter" if is_parameter else "number" if is_number(value) else "", item.span.text
        advice = advise_chained(text, value)
        return self.report(CannotChain(span=item.span, case=case, what=describe(value), text=text, advice=advice))

    def _branches(self, node: tree.Branches, frame: Frame) -> Any:
        values = [self.evaluate(item, frame) for item in node.items]
        for item, value in zip(node.items, values, strict=True):
            if value is not BAD and not isinstance(value, LayerValue | Tensor | Tensors):
                return self.report(CannotChain(span=item.span, case="branch", what=describe(value)))
        if any(v is BAD or isinstance(v, LayerValue) for v in values):
            return self._limited(Parallel(tuple(BROKEN if v is BAD else v for v in values), node.span))
        return self.side_by_side(values, node.span)

    def _input(self, node: tree.InputName, frame: Frame) -> Any:
        if frame.input is None:
            span = self._outermost(node.span, frame)
            return self._no_meaning(span, f"`{span.text}`")
        return frame.input

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

    def _tuple(self, node: tree.TupleLiteral, frame: Frame) -> Any:
        sizes: list[Any] = []
        for item in node.items:
            sizes.append(self.accept(item, OneSize(), "a size in parentheses", frame))
            if sizes[-1] is BAD:
                return BAD
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
        """A comparison that is kept instead of evaluated."""
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
            copies = self.accept(node.right, Count(1, MAX_COPIES), "the number of copies", frame)
            return BAD if copies is BAD else self._limited(Repeated(left, copies, node.span))
        are_flows = isinstance(left, flows) and isinstance(right, flows)
        case, swapped = node.operator if node.operator in ("+*-" if are_flows else "+*") else "", ""
        if isinstance(left, Word) and isinstance(right, Word):
            case, swapped = "words", f"{node.left.span.text} -> {node.right.span.text}"
        if node.operator == "*" and isinstance(right, LayerValue) and is_number(left):
            case, swapped = "order", f"{node.right.span.text} * {node.left.span.text}"
        fixes = (Fix(node.span, swapped, is_sure=case == "order"),) if swapped else ()
        first, second = describe(left), describe(right)
        return self.report(
            CannotCombine(
                span=node.span,
                case=case,
                operator=node.operator,
                left=first,
                right=second,
                swapped=swapped,
                fixes=fixes,
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
