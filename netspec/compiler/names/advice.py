"""What to type instead: hints for unknown names, for values that do not fit, for what stands in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from netspec.compiler.elaborate.builder import Tensor, Tensors
from netspec.compiler.elaborate.operators import is_number
from netspec.compiler.syntax import tree
from netspec.language.diagnostics import nearest, squeeze, suggest
from netspec.language.kinds import Count, Flag, Kind, Number, Sizes, Time
from netspec.language.values import Extent, LayerValue, Option, Word, describe, spell
from netspec.language.vocabulary import categories, why_absent, words, words_elsewhere

FOREIGN = {
    **dict.fromkeys(["sequential", "model", "modulelist"], "write the layers themselves, joined by `->`"),
    **dict.fromkeys(["input", "inputlayer"], "an input is declared on a line of its own: `input 28x28x1`"),
    **dict.fromkeys(["none", "null"], "leave the argument out: every default is that of `netspec words`"),
    **dict.fromkeys(["lambda", "map"], "there are no functions; a block is defined by `def name(n) = …`"),
}
"""Words of other libraries, squeezed, that have no counterpart here."""

RATES = ("rates", "rate", "param_groups")
"""What people call a list of rates for single layers."""

SWITCHES = {**dict.fromkeys(["yes", "on"], "true"), **dict.fromkeys(["no", "off"], "false")}
"""What people write, squeezed, for `true` and `false`."""

COMMON = ("adam", "sgd", "adamw", "rmsprop", "early", "cross_entropy")
"""The words that are taken for an example, if several have an option."""

SIZES = ("length", "depth", "height", "width", "channels", "vocabulary")
"""What a tensor that has no such size may have instead."""

BATCH_WORDS = ("none", "batch", "batch_size")
"""What people write in front of the sizes of an input."""


# ---------------------------------------------------------------- unknown names


def advise_name(name: str, kind: Kind | None, visible: Iterable[str]) -> tuple[str, str, str | None]:
    """What a name is not, what to type instead, and the visible name that was probably meant."""
    if kind is not None and (kind.category or kind.names):
        return *_advise_in_place(name, kind), None
    own = set(visible)
    if isinstance(kind, Flag) and nearest(name, own) is None:
        switch = SWITCHES.get(squeeze(name)) or nearest(name, ("true", "false"))
        return "neither `true` nor `false`", f"write `{switch or 'true` or `false'}`", None
    pool = [*own, *words("layer"), *words("activation"), "classes"]
    elsewhere = words_elsewhere("layer") | words_elsewhere("activation")
    what = "neither a layer nor a name of this file"
    if (advice := FOREIGN.get(squeeze(name))) is not None:
        return what, advice, None
    if (parts := _extent_of_names(name, own)) is not None:
        sizes = ", ".join(parts)
        return what, f"an extent has numbers only; names and expressions stand in parentheses: ({sizes})", parts[0]
    if name.isupper() and len(name) <= 2:
        return what, "the sizes of a tensor are read from it: `input.height`, `input.channels`", None
    meant = nearest(name, pool, elsewhere)
    advice = suggest(name, pool, elsewhere=elsewhere)
    return what, _where_it_belongs(name) or advice, meant if meant in own else None


def _advise_in_place(name: str, kind: Kind) -> tuple[str, str]:
    """For a place that takes words of one category, or bare words of its own."""
    if kind.category is None:
        close = nearest(name, kind.names)
        lines = [f"did you mean `{close}`?"] if close is not None else []
        return "not one of the words for this place", "\n".join([*lines, f"expected {kind.describe()}"])
    category = kind.category
    pool = [*kind.names, *words(category)]
    if not pool:
        return f"no {category}", "there is none yet"
    absent = why_absent(category, name)
    advice = absent or suggest(name, pool, what="possible", elsewhere=words_elsewhere(category))
    other = next((c for c in categories() if name in words(c)), None)
    if other == "layer":
        advice = f"`{name}` is a layer: it stands in a chain, behind `->`\n{advice}"
    return f"no {category}", advice


def _extent_of_names(name: str, visible: set[str]) -> list[str] | None:
    """`28x28xn`, or `sizexsizex1` when `size` is a name of the file: its parts."""
    parts = name.split("x")
    is_extent = len(parts) > 1 and all(p in visible or re.fullmatch("[0-9]+", p) for p in parts)
    return parts if is_extent else None


def _where_it_belongs(name: str) -> str | None:
    """For a word of the settings that stands in the network."""
    for category in categories():
        if name in words(category):
            return advise_section(words(category)[name])
    return None


def advise_section(word: type[Word], text: str = "…") -> str | None:
    """The section and the key to which a word belongs, if it belongs to any."""
    for section, block in words("section").items():
        for option in block.options():
            if option.kind.category == word.category:
                article = "an" if word.category[0] in "aeiou" else "a"
                shown = text if text != "…" else word.word
                return f"{article} {word.category} belongs in the settings: `{section} {{ {option.name} = {shown} }}`"
    return None


def advise_attribute(base: object) -> tuple[str, str]:
    """What it is that has no such size, and what to ask for instead."""
    if isinstance(base, Tensors):
        return (
            "a group of tensors",
            "ask one of them by its name; a block takes further tensors as arguments: `def block(memory, n) = …`",
        )
    if not isinstance(base, Tensor):
        what = describe(base) if base is not None else "it"
        return what, "sizes belong to tensors: `input.channels`, or a name given to a tensor"
    shape = base.shape
    asked = ("features",) if shape.rank == 1 and not shape.is_tokens else SIZES
    has = [a for a in asked if shape.attribute(a) is not None]
    return f"{shape.kind} ({shape})", "it has: " + ", ".join(has or ["rank"])


# ---------------------------------------------------------------- settings


def advise_chained(text: str, value: object) -> str:
    """What to type instead of a value that stands in a chain; `text` is how it is written."""
    if is_number(value):
        return f"to make a layer of it write, for example, `dense({spell(value)})`"
    meant = advise_section(type(value), text) if isinstance(value, Word) else None
    return meant or "a chain joins layers and tensors"


def advise_combined(node: tree.Binary, left: object, right: object) -> str:
    """What an operator joins, where it stands between two other things."""
    if node.operator == "+":
        return "it joins two numbers, or two layers or tensors"
    if node.operator != "*":
        return "it joins two numbers"
    if isinstance(right, LayerValue) and is_number(left):
        return f"the layer comes first: `{node.right.span.text} * {node.left.span.text}`"
    return "it joins two numbers, or stands between a layer and a number of copies: `dense(8) * 3`"


def advise_setting(section: type[Word], key: str, value: str, file: tree.File) -> str:
    """For a key that the section does not have: a `param`, a setting of another section, a word of one of its settings
    or an option of such a word, or the nearest key."""
    if any(isinstance(statement, tree.Param) and statement.name.name == key for statement in file.statements):
        return f'`{key}` is a `param` of the file: write `-D {key}={value}`, in Python `params={{"{key}": …}}`'
    options = section.options()
    elsewhere = {squeeze(alias): o.name for o in options for alias in o.elsewhere}
    if squeeze(key) not in elsewhere and f"{key}s" not in [o.name for o in options]:
        for name, other in words("section").items():
            if other is not section and any(o.name == key for o in other.options()):
                return f"it is a setting of `{name}`: write `{name} {{ {key} = {value} }}`"
        meant = [text for option in options if (text := _inside(option, key, value)) is not None]
        if meant:
            return "\n".join(f"write `{text}`" for text in meant)
    return suggest(key, [o.name for o in options], what="its settings", elsewhere=elsewhere)


def _inside(option: Option, key: str, value: str) -> str | None:
    """How a setting is written where a key is one of its words, or an option of one; None where it is neither."""
    group, category = words(option.kind.category or ""), option.kind.category or ""
    named = next((name for name in group if squeeze(name) == squeeze(key)), words_elsewhere(category).get(squeeze(key)))
    if named is not None:
        word = named if value in ("true", "false") else f"{named}({_named_number(group[named], value)}{value})"
        if category == "optimizer" and not getattr(group[named], "has_rate", False):
            is_behind = f"-> {named}" in (group[named].__doc__ or "")  # as in its example
            word = f"adam -> {word}" if is_behind else f"{word} -> adam"
        return f"{option.name} = {word}"
    for name in sorted(group, key=lambda name: COMMON.index(name) if name in COMMON else len(COMMON)):
        names = {squeeze(alias): o.name for o in group[name].options() for alias in (o.name, *o.elsewhere)}
        if (inner := names.get(squeeze(key))) is not None:
            return f"{option.name} = {name}({inner} = {value})"
    return None


def _named_number(word: type[Word], value: str) -> str:
    """`patience = ` for a number behind a word whose first argument is none."""
    first = next((o for o in word.options() if o.position == 0), None)
    if not value[:1].isdigit() or first is None or isinstance(first.kind, Number | Count | Time):
        return ""
    return next((f"{o.name} = " for o in word.options() if isinstance(o.kind, Number | Count)), "")


def advise_entry(section: type[Word], entry: tree.Statement) -> str:
    """For a line of a section that is no `name = value`."""
    if isinstance(entry, tree.Section) and entry.name.name in RATES:
        return 'the rate of a layer or block is a word behind the optimizer: `adam(1e-3) -> rate_of("backbone", 0.1)`'
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    first = value.items[0] if isinstance(value, tree.Chain) else value
    name = first.function if isinstance(first, tree.Call) else first
    if isinstance(name, tree.Name) and value is not None:
        for option in section.options():
            if name.name in words(option.kind.category or ""):
                return f"write `{option.name} = {value.span.text}`"
    return "write settings as `name = value`"


# ---------------------------------------------------------------- values


def advise_value(kind: Kind, value: object) -> str:
    """For a value that does not fit its place; empty when the message says all."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str):
        return _advise_text(kind, value)
    if isinstance(kind, Flag) and value in (0, 1):
        return f"type `{spell(bool(value))}`"
    if kind.category == "activation" and (is_number or isinstance(value, Extent)):
        return "an activation is a word such as relu; a kernel is one argument, 3x3, and what flows in is never counted"
    if is_number:
        assert isinstance(value, int | float)
        return _advise_number(kind, value)
    return f"expected {kind.describe()}"


def _advise_text(kind: Kind, text: str) -> str:
    known = [*kind.names, *words(kind.category or "")]
    if text in known or re.fullmatch("[0-9]+(x[0-9]+)*", text):
        return f"remove the quotes: {text}"
    meant = nearest(text, known, words_elsewhere(kind.category or ""))
    return f"did you mean `{meant}`, without quotes?" if meant is not None else f"expected {kind.describe()}"


def _advise_number(kind: Kind, value: int | float) -> str:
    if isinstance(kind, Number) and kind.high == 1 and 1 <= value <= 100:
        return f"for {spell(value)} percent type {spell(value)}%"
    if isinstance(kind, Count | Sizes) and isinstance(value, float):
        if value > 1:
            return f"use {round(value)}, or round with `//`"
        return "type a whole number; only shares and rates are fractions"
    if isinstance(kind, Count | Sizes) and value == 0:
        return f"use {kind.minimum} or more"
    if isinstance(kind, Count | Sizes | Number) and value < 0:
        return f"remove the minus sign: {spell(-value)}"
    return f"expected {kind.describe()}"
