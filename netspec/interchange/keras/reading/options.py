"""Options of layers of netspec: made from those of Keras, and checked as those of a spec are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from netspec.interchange.keras.reading.problems import Unreadable
from netspec.language.lazy import np
from netspec.language.values import Extent, Symbol
from netspec.language.word import Mismatch, Word
from netspec.layers import initializers as words
from netspec.layers.initializers import Initializer

W = TypeVar("W", bound=Word)


def make(kind: type[W], **options: Any) -> W:
    """A word with these options, as if a spec had them; names of choices are strings, extents tuples.

    Raises:
        Unreadable: an option does not take its value.
    """
    checked: dict[str, Any] = {}
    for item in kind.options():
        if item.field not in options:
            continue
        value = options.pop(item.field)
        if not (value is None or isinstance(value, Word)):
            try:
                value = item.kind.accept(_typed(value))
            except Mismatch as wrong:
                raise Unreadable(
                    f"its {item.name} is {wrong.given}, where `{kind.word}` takes {wrong.expected}"
                ) from None
        checked[item.field] = value
    return kind(**checked, **options)


def _typed(value: Any) -> Any:
    if isinstance(value, tuple):
        return Extent(value)
    return Symbol(value) if isinstance(value, str) else value


def extent(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """An extent as it is usually written where a number stands for all axes: a stride, a window of a pool."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def kernel(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """An extent as it is usually written for kernels: `3x3`, and `3` for sequences."""
    return sizes[0] if len(sizes) == 1 else sizes


def tidy(number: Any) -> Any:
    """A number as it was typed, where a file has it as a float32 (0.0010000000474974513 is 0.001) or as the result of
    a product (0.07500000000000001 is 0.075)."""
    if not isinstance(number, float):
        return number
    single = np.float32(number)
    return float(str(single)) if float(single) == number else float(f"{number:.15g}")


# ---------------------------------------------------------------- initializers and penalties

DEFAULTS = {"GlorotUniform", "Zeros"}
"""The initializers of Keras that are not written: where weights are imported, initializers have no effect, and where
they are not, those of netspec do as well."""

PLAIN = {
    "Zeros": words.Zeros(),
    "Ones": words.Ones(),
    "GlorotUniform": words.GlorotUniform(),
    "GlorotNormal": words.GlorotNormal(),
    "HeNormal": words.HeNormal(),
    "HeUniform": words.HeUniform(),
    "LecunNormal": words.LecunNormal(),
    "LecunUniform": words.LecunUniform(),
}
ALIASES = {
    "glorot_uniform": "GlorotUniform",
    "glorot_normal": "GlorotNormal",
    "he_normal": "HeNormal",
    "he_uniform": "HeUniform",
    "lecun_normal": "LecunNormal",
    "lecun_uniform": "LecunUniform",
    "zeros": "Zeros",
    "ones": "Ones",
    "orthogonal": "Orthogonal",
    "OrthogonalInitializer": "Orthogonal",
    "zero": "Zeros",
    "uniform": "RandomUniform",
    "normal": "RandomNormal",
    "random_uniform": "RandomUniform",
    "one": "Ones",
    "random_normal": "RandomNormal",
    "truncated_normal": "TruncatedNormal",
}
SCALED = {
    (2.0, "fan_in", True): "HeNormal",
    (2.0, "fan_in", False): "HeUniform",
    (1.0, "fan_in", True): "LecunNormal",
    (1.0, "fan_in", False): "LecunUniform",
    (1.0, "fan_avg", True): "GlorotNormal",
    (1.0, "fan_avg", False): "GlorotUniform",
}
"""Variance scaling by its scale, its mode, and whether it is normal."""


class UnknownInitializer(Exception):
    """netspec has no initializer like this one; the text is its name."""


def initializer(value: Any) -> Initializer | None:
    """An initializer of Keras; None for the usual ones, which are not written.

    Raises:
        UnknownInitializer: netspec has none like it.
    """
    if value is None:
        return None
    name, config = (value, {}) if isinstance(value, str) else (str(value.get("class_name")), value.get("config") or {})
    name = ALIASES.get(name, name)
    if name == "VarianceScaling":
        key = (config.get("scale", 1.0), config.get("mode", "fan_in"), config.get("distribution") != "uniform")
        name = SCALED.get(key, name)
    if name in DEFAULTS:
        return None
    if name in PLAIN:
        return PLAIN[name]
    try:
        return _with_options(name, config)
    except Unreadable:
        raise UnknownInitializer(name) from None


def _with_options(name: str, config: Mapping[str, Any]) -> Initializer:
    def number(key: str, default: float) -> float:
        return float(np.float64(f"{float(config.get(key, default)):.7g}"))

    match name:
        case "Constant":
            return make(words.ConstantInit, value=number("value", 0.0))
        case "Orthogonal":
            return make(words.Orthogonal, gain=number("gain", 1.0))
        case "RandomUniform" if number("minval", -0.05) == -number("maxval", 0.05):
            return make(words.Uniform, range=number("maxval", 0.05))
        case "RandomNormal" if not number("mean", 0.0):
            return make(words.Normal, std=number("stddev", 0.05))
        case "TruncatedNormal" if not number("mean", 0.0):
            return make(words.TruncatedNormal, std=number("stddev", 0.05))
    raise UnknownInitializer(name)


def penalties(value: Any) -> dict[str, float] | None:
    """The options `l1` and `l2` for a regularizer of Keras; None if netspec has none like it."""
    if value is None:
        return {}
    name, config = (value, {}) if isinstance(value, str) else (str(value.get("class_name")), value.get("config") or {})
    name = name.lower()
    if name not in ("l1", "l2", "l1l2", "l1_l2"):
        return None
    found = {}
    for part in ("l1", "l2"):
        default = 0.01 if name in (part, "l1_l2") else 0.0
        number = float(f"{float(config.get(part, default)):.7g}")
        if number:
            found[part] = number
    return found
