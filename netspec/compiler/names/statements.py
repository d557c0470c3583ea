"""Checks of statements: the body of a `def` ends with a value, an entry of `expect` is a comparison, a name is defined
once, layers are not called with their input, words after numbers are units."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from netspec.compiler.elaborate.operators import COMPARISONS
from netspec.compiler.errors.names import WrongValue
from netspec.compiler.errors.values import CannotChain, NotCallable, NoValue, UnknownAttribute, UnknownUnit
from netspec.compiler.names.hints.foreign import rewrite
from netspec.compiler.names.scope import Name, Scope, is_layer_word
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.errors import UnexpectedToken
from netspec.language.corrections import continued, corrections, suggest
from netspec.language.diagnostics import Fix, Note, Problems
from netspec.language.kinds import Count, Number
from netspec.language.shape import ATTRIBUTES
from netspec.language.source import Span
from netspec.language.values import UNITS
from netspec.language.vocabulary import words
from netspec.language.word import Kind


def advise_again(statements: Sequence[tree.Statement], name: str) -> str:
    """For a name that is defined again by itself, as in `x = x -> relu` or `x = Dense(10)(x)`: the whole chain; empty
    where it is not."""
    chain: list[str] = []
    lines = []
    for statement in statements:
        if not isinstance(statement, tree.Assign) or statement.name.name != name:
            continue
        first, *layers = _links(statement.value)
        if not chain and not layers and re.match(r"(\w+\.)?Input(Layer)?\b", first):
            chain = ["input"]
            continue
        if chain and not (first == name and layers):
            return ""
        chain += layers if chain else [first, *layers]
        lines.append(str(statement.span.first.line))
    if not lines or (len(lines) < 2 and chain[0] != "input"):
        return ""
    *before, last = lines
    place = f"lines {', '.join(before)} and {last}" if before else f"line {last}"
    return f"write one chain instead of {place}: `{name} = {' -> '.join(chain)}`"


class FlowingParameters:
    """Finds definitions whose first parameter is their input, as in functions of Python; each is reported once."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.reported: set[int] = set()

    def is_needed(self, symbol: Name, define: tree.Define, arguments: Sequence[tree.Argument]) -> bool:
        """Whether a use gives no tensor for such a parameter, which then counts as used."""
        given = [a.value for a in arguments if a.name is None]
        required = [p for p in define.parameters or () if p.default is None]
        is_number = bool(given) and isinstance(given[0], tree.Number)
        is_flowing = (len(arguments) < len(required) or is_number) and self.has(define)
        for parameter in symbol.parameters[:1]:
            parameter.uses += is_flowing
        return is_flowing

    def has(self, define: tree.Define, name: str = "") -> bool:
        """Whether there is such a parameter, of that name if one is given."""
        parameter = _input_parameter(define)
        if parameter is None or (name and parameter.name.name != name):
            return False
        if id(define) not in self.reported:
            self.reported.add(id(define))
            self.problems.add(_flowing(define, parameter))
        return True


def _input_parameter(define: tree.Define) -> tree.Parameter | None:
    """The first parameter, where chains of the body begin with it or layers are called with it, or where it has the
    name of an input and nothing uses it."""
    first = define.parameters[0] if define.parameters else None
    nodes: list[tree.Node] = [] if first is None or first.default is not None else [*define.body]
    while nodes:
        node = nodes.pop()
        start = node.items[0] if isinstance(node, tree.Chain) else node
        start = start.inputs if isinstance(start, tree.Applied) else start
        start = start.inner if isinstance(start, tree.Group) else start
        if start is not node and first is not None and start.span.text == first.name.name:
            return first
        nodes += node.children()
    texts = " ".join(statement.span.text for statement in define.body)
    is_unused = first is not None and re.search(rf"\b{first.name.name}\b", texts) is None
    return first if is_unused and first is not None and first.name.name in ("x", "inputs", "h", "net") else None


def _flowing(define: tree.Define, parameter: tree.Parameter) -> CannotChain:
    """The diagnostic for a parameter that is the input of a block."""
    name, others = parameter.name.name, [p.span.text for p in (define.parameters or ())[1:]]
    last = define.body[-1]
    value = last.value if len(define.body) == 1 and isinstance(last, tree.ExpressionStatement) else None
    advice = f"a block has its input without a parameter: remove `{name}` from `def`, and write `input` instead of it"
    items = [item.span.text for item in value.items] if isinstance(value, tree.Chain) else []
    items = items[1:] if items and items[0] in (name, "input") else []
    if items and not re.search(rf"\b{name}\b|\n", " ".join(items)):
        head = f"def {define.name.name}({', '.join(others)})" if others else f"def {define.name.name}"
        advice = f"write `{head} = {' -> '.join(items)}`"
    return CannotChain(span=parameter.name.span, case="input", what=f"`{name}`", advice=advice)


def unknown_attribute(base: tree.Expression, name: tree.Name) -> UnknownAttribute:
    """The diagnostic for a size that no tensor has."""
    advice, fixes = suggest(name.name, ATTRIBUTES, what="sizes of a tensor"), corrections(name.span, ATTRIBUTES)
    return UnknownAttribute(span=name.span, attribute=name.name, advice=advice, fixes=fixes, what=f"`{base.span.text}`")


def bare_condition(node: tree.Binary, kind: Kind) -> WrongValue:
    """The diagnostic for a comparison in the place of a stopping rule."""
    text = node.span.text
    advice = f"write `until({text})`"
    return WrongValue(span=node.span, what="`stop`", expected=kind.describe(), given=f"`{text}`", advice=advice)


def called_layer(node: tree.Applied, own: Collection[str]) -> UnexpectedToken:
    """The diagnostic for a layer that is called with its inputs."""
    text, around = rewrite(node, None, own), node.span
    source = around.source.text
    is_operand = re.search(r"[-+*/][ \t]*$", source[: around.start]) or re.match(
        r"[ \t]*([-+*/])", source[around.end :]
    )
    advice = f"layers are not called like functions: write `{f'({text})' if is_operand else text}`"
    return UnexpectedToken(span=node.place, token="(", advice=advice)


def not_callable(call: tree.Call, symbol: Name) -> NotCallable:
    """The diagnostic for a call of a name that has no parameters, such as a shared layer that gets its input so."""
    flows = [argument.value.span.text for argument in call.arguments]
    is_layer = flows and all(isinstance(argument.value, tree.Name | tree.InputName) for argument in call.arguments)
    first = flows[0] if len(flows) == 1 else f"({' | '.join(flows)})"
    return NotCallable(
        span=call.function.span,
        notes=(Note(symbol.span, "defined here"),),
        case="layer" if is_layer else "",
        name=symbol.name,
        what=symbol.noun,
        advice=f"{first} -> {symbol.name}",
    )


def _links(value: tree.Expression) -> list[str]:
    """What a chain joins, also one that is written as calls of layers."""
    if isinstance(value, tree.Applied):
        inputs = value.inputs.inner if isinstance(value.inputs, tree.Group) else value.inputs
        return (
            [*_links(inputs), rewrite(value.layer)]
            if isinstance(inputs, tree.Applied | tree.Name)
            else [rewrite(value)]
        )
    return [item.span.text for item in value.items] if isinstance(value, tree.Chain) else [value.span.text]


def check_body(define: tree.Define, inner: Scope, problems: Problems) -> None:
    """Report a body that does not end with a value, and unused values in its middle."""
    *before, last = define.body or (None,)
    if isinstance(last, tree.Assign | tree.Share):
        inner.names[last.name.name].uses += 1
        problems.add(NoValue(span=last.span, case="assignment", name=define.name.name, last=last.name.name))
    elif not isinstance(last, tree.ExpressionStatement):
        problems.add(NoValue(span=define.name.span, case="end", name=define.name.name))
    for statement, following in zip(before, define.body[1:], strict=True):
        if isinstance(statement, tree.ExpressionStatement):
            # A line whose first word is not a name of the body, nor `input`, begins with a layer.
            first = re.split(r"\W", following.span.text, maxsplit=1)[0]
            is_layer = isinstance(following, tree.ExpressionStatement) and first not in {*inner.names, "input"}
            fixes = continued(following.span) if is_layer else ()
            problems.add(NoValue(span=statement.span, case="middle", fixes=fixes))


def check_unit(node: tree.DurationLiteral, kind: Kind | None, problems: Problems) -> None:
    """Report a word after a number that is not a unit."""
    unit = node.unit.name
    if unit in UNITS:
        return
    span, number, case, fixes = node.unit.span, node.amount.text, "", corrections(node.unit.span, UNITS)
    if is_layer_word(unit) or unit in words("init"):
        case, fixes = "comma", (Fix(Span(span.source, node.span.start + len(number), span.start), ", "),)
    advice = suggest(unit, UNITS, what="units")
    if isinstance(kind, Count | Number) and not case:
        advice, fixes = f"write the number alone: `{number}`", (Fix(node.span, number),)
    problems.add(UnknownUnit(span=span, case=case, unit=unit, number=number, advice=advice, fixes=fixes))


def check_expectation(entry: tree.Statement, problems: Problems) -> tree.Binary | None:
    """The comparison of a name with a value that an entry of `expect` is; None and a diagnostic if it is not one."""
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    while isinstance(value, tree.Group):
        value = value.inner
    if isinstance(value, tree.Binary) and value.operator in COMPARISONS and isinstance(value.left, tree.Name):
        return value
    if isinstance(value, tree.Binary) and value.operator in COMPARISONS and (advice := _turned(value)):
        problems.add(NoValue(span=entry.span, case="turned", name=advice))
        return None
    if isinstance(entry, tree.Assign):
        last = entry.value.span
        fix = Fix(Span(last.source, entry.name.span.end, last.start), " == ")
        problems.add(NoValue(span=entry.span, case="assigned", name=entry.name.name, last=last.text, fixes=(fix,)))
    else:
        problems.add(NoValue(span=entry.span, case="expectation"))
    return None


TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def _turned(value: tree.Binary) -> str:
    """A comparison with its name on the left, and with the whole shape instead of one of its sizes."""
    left, right = value.left, value.right
    if isinstance(right, tree.Name) and not isinstance(left, tree.Attribute):
        return f"{right.name} {TURNED[value.operator]} {left.span.text}"
    if isinstance(left, tree.Attribute) and isinstance(left.base, tree.Name):
        is_size = left.name.name in ("features", "units", "size", "shape")
        return f"{left.base.name} {value.operator} {right.span.text if is_size else '28x28x16'}"
    return ""
