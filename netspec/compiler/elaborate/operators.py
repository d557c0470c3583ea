"""What operators do with numbers, sizes and truth values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import islice
from typing import Any

from netspec.compiler.errors.values import BadArithmetic, CannotCombine, ConditionUnknown
from netspec.language.diagnostics import Diagnostic
from netspec.language.shape import Dim
from netspec.language.source import Span
from netspec.language.values import describe, to_source

MAX_NUMBER = 10**15
"""The maximum absolute value of a number; small numbers keep every step of the compiler fast."""

MAX_LIST_LENGTH = 100_000
MAX_LIST_DEPTH = 8
"""Limits of lists, for the same reason."""

MAX_TERMS = 32
MAX_FORMULA_LENGTH = 400
"""Limits of a formula over unknown sizes: its terms, and its characters."""

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def is_number(value: object) -> bool:
    return isinstance(value, int | float | Dim) and not isinstance(value, bool)


def calculate(symbol: str, left: Any, right: Any, span: Span) -> Any:
    """`left symbol right` for numbers: the value, or the diagnostic that says why there is none."""
    if isinstance(left, Dim) or isinstance(right, Dim):
        return _calculate_sizes(symbol, left, right, span)
    if symbol in ("/", "//", "%") and right == 0:
        return BadArithmetic(span=span, case="zero", text=f"{to_source(left)} {symbol} 0")
    result = ARITHMETIC[symbol](left, right)
    if abs(result) > MAX_NUMBER:
        return BadArithmetic(span=span, case="large", limit=MAX_NUMBER)
    return result


def _calculate_sizes(symbol: str, left: Any, right: Any, span: Span) -> Any:
    whole = all(isinstance(v, int | Dim) for v in (left, right))
    divides = symbol == "//" and isinstance(right, int) and right > 0
    if not whole or not (symbol in ("+", "-", "*") or divides):
        return CannotCombine(span=span, case="size", operator=symbol, left=describe(left), right=describe(right))
    result = ARITHMETIC[symbol](left, right)
    if isinstance(result, Dim) and (len(result.terms) > MAX_TERMS or len(str(result)) > MAX_FORMULA_LENGTH):
        return BadArithmetic(span=span, case="formula")
    return result


def compare(symbol: str, left: Any, right: Any, span: Span) -> bool | Diagnostic:
    """`left symbol right`: true, false, or the diagnostic that says why neither."""
    if isinstance(left, Dim) or isinstance(right, Dim):
        if left == right:
            return symbol in ("==", "<=", ">=")

        return ConditionUnknown(
            span=span,
            case="size",
            left=to_source(left),
            operator=symbol,
            right=to_source(right),
            unknown=str(left if isinstance(left, Dim) else right),
        )
    same_kind = (is_number(left) and is_number(right)) or type(left) is type(right)
    if not same_kind or (symbol not in ("==", "!=") and not is_number(left) and not isinstance(left, str)):
        return CannotCombine(span=span, case="compare", operator=symbol, left=describe(left), right=describe(right))
    return bool(COMPARISONS[symbol](left, right))


def check_list(values: list[Any], span: Span) -> list[Any] | Diagnostic:
    """The list itself, or the diagnostic that says that it is too long or too deep for anything."""
    level, count = values, 0
    for _ in range(MAX_LIST_DEPTH):
        count += len(level)
        if count > MAX_LIST_LENGTH:
            return BadArithmetic(span=span, case="long list", limit=MAX_LIST_LENGTH)
        level = list(islice((v for inner in level if isinstance(inner, list) for v in inner), MAX_LIST_LENGTH + 1))
        if not level:
            return values
    return BadArithmetic(span=span, case="deep list", limit=MAX_LIST_DEPTH)
