"""Functions of each number: recognized by what they compute, in whatever operators they are written.

`x * 0.5 * (1 + erf(x / 1.414))` is `gelu`, and so are all other ways to write it. An expression of one tensor is kept
until something else reads it; then its values on a grid are compared with those of the activations of netspec.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers import activations as words
from netspec.layers.activations import Activation

TOLERANCE = 2e-6
"""Constants of files are rounded to float32."""


@dataclass(eq=False)
class Expression:
    """A function of each number of one tensor.

    `arguments` are expressions, the tensor itself (`root`), or numbers. `value` is its tensor once it is one.
    """

    root: Value
    kind: str
    arguments: list[Any]
    function: Callable[..., Any]
    name: str = ""
    place: tuple[str, tuple[str, ...]] = ("", ())
    options: dict[str, Any] = field(default_factory=dict)
    value: Value | None = None
    is_end: bool = False
    """Whether expressions that read it take it as a tensor, since it is long already."""

    depth: int = field(init=False)
    """How many functions are applied one after the other."""

    def __post_init__(self) -> None:
        self.depth = 1 + max((a.depth for a in self.arguments if isinstance(a, Expression)), default=0)

    def at(self, x: Any, variable: object) -> Any:
        """Its value where `variable`, the root or an expression inside, is `x`; NaN where it depends on more."""
        values = {id(variable): x}
        for part in sorted((self, *self.inside()), key=lambda e: e.depth):
            if part is variable:
                continue
            given = [_value(argument, values) for argument in part.arguments]
            values[id(part)] = np.nan if part.is_end and part is not self else part.function(*given)
        return values[id(self)]

    def inside(self) -> list[Expression]:
        """The expressions inside that are not tensors yet, each once."""
        found, waiting = dict[int, Expression](), [self]
        while waiting:
            for argument in waiting.pop().arguments:
                if isinstance(argument, Expression) and id(argument) not in found:
                    found[id(argument)] = argument
                    waiting += [] if argument.is_end else [argument]
        return list(found.values())


def _value(argument: Any, values: Mapping[int, Any]) -> Any:
    if id(argument) in values:
        return values[id(argument)]
    return np.nan if isinstance(argument, Value) else argument


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def _gelu(x: Any) -> Any:
    return x * (1 + _erf(x / np.sqrt(2))) / 2


def _gelu_tanh(x: Any) -> Any:
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def _hard_sigmoid(x: Any) -> Any:
    return np.clip(x / 6 + 0.5, 0, 1)


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _selu(x: Any) -> Any:
    return 1.0507009873554805 * _elu(x, 1.6732632423543772)


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _celu(x: Any, alpha: float = 1.0) -> Any:
    return np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha))


UNARY: dict[str, Callable[..., Any]] = {
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": _sigmoid,
    "Tanh": np.tanh,
    "Erf": _erf,
    "Exp": np.exp,
    "Log": np.log,
    "Sqrt": np.sqrt,
    "Abs": np.abs,
    "Neg": np.negative,
    "Reciprocal": lambda x: 1 / x,
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "HardSwish": lambda x: x * _hard_sigmoid(x),
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "HardSigmoid": lambda x, alpha=0.2, beta=0.5: np.clip(alpha * x + beta, 0, 1),
    "LeakyRelu": lambda x, alpha=0.01: np.where(x > 0, x, alpha * x),
    "Elu": _elu,
    "Selu": lambda x, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875: gamma * _elu(x, alpha),
    "Celu": _celu,
    "Swish": lambda x, alpha=1.0: x * _sigmoid(alpha * x),
    "Gelu": lambda x, approximate="none": _gelu_tanh(x) if approximate == "tanh" else _gelu(x),
    "ThresholdedRelu": lambda x, alpha=1.0: np.where(x > alpha, x, 0 * x),
}
"""Operators of one tensor, with their attributes."""
NARY: dict[str, Callable[..., Any]] = {
    "Add": lambda *xs: sum(xs),
    "Sum": lambda *xs: sum(xs),
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Pow": lambda a, b: a**b,
    "Min": lambda *xs: _reduced(np.minimum, xs),
    "Max": lambda *xs: _reduced(np.maximum, xs),
    "Clip": _clip,
    "PRelu": lambda x, slope: np.where(x > 0, x, slope * x),
    "Greater": lambda a, b: np.where(a > b, 1.0, 0 * (a - b)),
    "Less": lambda a, b: np.where(a < b, 1.0, 0 * (a - b)),
    "Where": lambda condition, a, b: np.where(np.isnan(condition), np.nan, np.where(condition, a, b)),
}
"""Operators of several tensors and numbers; NaN, which stands for what is not known, goes through all of them."""


def _reduced(function: Any, xs: Any) -> Any:
    found = xs[0]
    for x in xs[1:]:
        found = function(found, x)
    return found


PLAIN: tuple[tuple[Activation, Callable[[Any], Any]], ...] = (
    (words.Relu(), UNARY["Relu"]),
    (words.Sigmoid(), _sigmoid),
    (words.Tanh(), np.tanh),
    (words.Relu6(), lambda x: np.clip(x, 0, 6)),
    (words.Silu(), UNARY["Swish"]),
    (words.Gelu(), _gelu),
    (words.Gelu(approximate=True), _gelu_tanh),
    (words.Hardswish(), UNARY["HardSwish"]),
    (words.Hardsigmoid(), _hard_sigmoid),
    (words.Softplus(), _softplus),
    (words.Mish(), UNARY["Mish"]),
    (words.Softsign(), UNARY["Softsign"]),
    (words.Selu(), _selu),
    (words.Step(), lambda x: np.where(x > 0, 1.0, 0.0)),
)


@cache
def _grid() -> Array:
    """Where functions are compared: around 0 more densely, and without the places where they bend."""
    outer, inner = np.linspace(-20.03, 20.01, 83), np.linspace(-4.01, 4.03, 81)
    return np.concatenate([outer, inner])


@cache
def _known() -> list[tuple[Activation, Array]]:
    return [(word, function(_grid())) for word, function in PLAIN]


@dataclass(frozen=True)
class Affine:
    """factor * x + offset"""

    factor: float
    offset: float


@dataclass(frozen=True)
class Bounds:
    """x, but at least `low` and at most `high`"""

    low: float | None
    high: float | None


@cache
def _far() -> Array:
    """Numbers beyond the grid, up to where float32 ends: expressions may cut off there."""
    sizes = np.geomspace(25, 3e38, 120)
    return np.concatenate([-sizes[::-1], sizes])


def recognize(expression: Expression, variable: object) -> Activation | Affine | Bounds | None:
    """What an expression computes of its root or of an expression inside; None where netspec has no word for it."""
    with np.errstate(all="ignore"):
        found = _near(expression, variable)
        if found is None:
            return None
        x = _far()
        y = np.broadcast_to(np.asarray(expression.at(x, variable), np.float64), x.shape)
        expected = np.asarray(_values(found, x), np.float64)
        known = np.isfinite(y) & np.isfinite(expected)  # exp, in what softplus is made of, may overflow
        return found if _equal(y[known], expected[known]) else None


def _near(expression: Expression, variable: object) -> Activation | Affine | Bounds | None:
    """What it computes of the numbers of the grid."""
    grid = _grid()
    y = np.broadcast_to(np.asarray(expression.at(grid, variable), np.float64), grid.shape)
    if not np.all(np.isfinite(y)):
        return None
    for word, values in _known():
        if _equal(y, values):
            return word
    at_zero, at_one, at_minus, at_five = (float(expression.at(np.float64(x), variable)) for x in (0, 1, -1, -5))
    if _equal(y, (at_one - at_zero) * grid + at_zero):
        return Affine(_rounded(at_one - at_zero), _rounded(at_zero))
    low, high = float(y.min()), float(y.max())
    if low < high and _equal(y, np.clip(grid, low, high)):
        return Bounds(None if low == grid.min() else _rounded(low), None if high == grid.max() else _rounded(high))
    slope = _rounded(-at_minus)
    if slope >= 0 and _equal(y, np.where(grid > 0, grid, slope * grid)):
        return words.LeakyRelu(slope=slope)
    alpha = _rounded(at_minus / math.expm1(-1))
    if alpha > 0 and _equal(y, _elu(grid, alpha)):
        return words.Elu(alpha=alpha)
    for guess in (expression.options.get("alpha"), -at_five):
        if guess and guess > 0 and _equal(y, _celu(grid, guess)):
            return words.Celu(alpha=_rounded(guess))
    return None


def _values(found: Activation | Affine | Bounds, x: Array) -> Any:
    match found:
        case Affine():
            return found.factor * x + found.offset
        case Bounds():
            return np.clip(x, found.low, found.high)
        case words.LeakyRelu():
            return np.where(x > 0, x, found.slope * x)
        case words.Elu():
            return _elu(x, found.alpha)
        case words.Celu():
            return _celu(x, found.alpha)
    return dict(PLAIN)[found](x)


def _equal(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= TOLERANCE * (1 + np.abs(b))))


def _rounded(number: float) -> float:
    """A constant as it was before float32 rounded it."""
    return float(f"{number:.7g}")
