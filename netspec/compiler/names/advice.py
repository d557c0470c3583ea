"""What to type instead: hints for unknown names, for values that do not fit, for words in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from netspec.compiler.elaborate.builder import Tensor, Tensors
from netspec.compiler.errors.names import UnknownName
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections
from netspec.language.diagnostics import Fix, nearest, squeeze, suggest
from netspec.language.kinds import Body, Count, Flag, Number, Sizes, Time
from netspec.language.source import Span
from netspec.language.values import Extent, describe, to_source
from netspec.language.vocabulary import categories, why_absent, word_aliases, words
from netspec.language.word import Kind, Option, Word, noun, with_article

FOREIGN = {
    **dict.fromkeys(["sequential", "model", "modulelist"], "write the layers themselves, joined by `->`"),
    **dict.fromkeys(["input", "inputlayer"], "declare the input on its own line: `input 28x28x1`"),
    **dict.fromkeys(["none", "null"], "leave out the argument; `netspec words` lists the defaults"),
    **dict.fromkeys(["lambda", "map"], "there are no functions; define a block with `def name(n) = …`"),
}
"""Words of other libraries, squeezed, that have no counterpart here."""

RATES = ("rates", "rate", "param_groups")
"""What people call a list of learning rates for single layers."""

SWITCHES = {**dict.fromkeys(["yes", "on"], "true"), **dict.fromkeys(["no", "off"], "false")}
"""What people write, squeezed, for `true` and `false`."""

COMMON = ("adam", "sgd", "adamw", "rmsprop", "early", "cross_entropy")
"""The words that are shown as examples, if several have an option."""

SIZES = ("length", "depth", "height", "width", "channels", "vocabulary")
"""What a tensor that has no such size may have instead."""

MAX_WORDS = 12
"""Words that are listed where none is near."""

REST = "`netspec words` lists all"

BATCH_WORDS = ("none", "batch", "batch_size")
"""What people write before the sizes of an input."""


def advise_name(node: tree.Name, kind: Kind | None, visible: Iterable[str]) -> tuple[UnknownName, str | None]:
    """The diagnostic for an unknown name, and the visible name that was probably meant."""
    name, span = node.name, node.span
    if kind is not None and (kind.category or kind.names):
        return _unknown_in_place(node, kind), None
    own = set(visible)
    if isinstance(kind, Flag) and nearest(name, own) is None:
        fixes = corrections(span, ("true", "false"), SWITCHES)
        meant = fixes[0].replacement if fixes else "true` or `false"
        return UnknownName(span=span, case="flag", name=name, advice=f"write `{meant}`", fixes=fixes), None
    pool = [*own, *words("layer"), *words("activation"), "classes"]
    aliases = word_aliases("layer") | word_aliases("activation")
    if squeeze(name) in FOREIGN:
        return UnknownName(span=span, name=name, advice=FOREIGN[squeeze(name)]), None
    parts = name.split("x")  # `28x28xn`, or `sizexsizex1` when `size` is a name of the file
    if len(parts) > 1 and all(part in own or re.fullmatch("[0-9]+", part) for part in parts):
        advice = f"a shape has only numbers; put names and expressions in parentheses: ({', '.join(parts)})"
        return UnknownName(span=span, name=name, advice=advice), parts[0]
    if name.isupper() and len(name) <= 2:
        advice = "read the sizes of a tensor from it: `input.height`, `input.channels`"
        return UnknownName(span=span, name=name, advice=advice), None
    expected = ""
    if kind is not None and not isinstance(kind, Body):  # a literal such as a number: no layer is meant
        pool, aliases, expected = [*own, "classes"], {}, f"expected {kind.describe()}\n"
    near = nearest(name, pool, aliases)
    owner = next((words(category)[name] for category in categories() if name in words(category)), None)
    belongs = None if owner is None else advise_section(owner)
    text = belongs or ("" if near else expected) + suggest(name, pool, aliases=aliases, limit=MAX_WORDS, rest=REST)
    fixes = () if belongs else corrections(span, pool, aliases)
    return UnknownName(span=span, name=name, advice=text, fixes=fixes), near if near in own else None


def _unknown_in_place(node: tree.Name, kind: Kind) -> UnknownName:
    """For an option that takes words of one category, or certain bare words."""
    name, category = node.name, kind.category
    if category is None:
        fixes = corrections(node.span, kind.names)
        lines = [f"did you mean `{fixes[0].replacement}`?"] if fixes else []
        advice = "\n".join([*lines, f"expected {kind.describe()}"])
        return UnknownName(span=node.span, name=name, kind="value", advice=advice, fixes=fixes)
    pool, aliases = [*kind.names, *words(category)], word_aliases(category)
    absent = why_absent(category, name)
    advice = absent or suggest(name, pool, what="possible", aliases=aliases, limit=MAX_WORDS, rest=REST)
    if next((c for c in categories() if name in words(c)), None) == "layer":
        advice = f"`{name}` is a layer: put it into the chain, after `->`\n{advice}"
        absent = advice
    fixes = () if absent else corrections(node.span, pool, aliases)
    return UnknownName(span=node.span, name=name, kind=noun(category), advice=advice, fixes=fixes)


def advise_section(word: type[Word], text: str = "…") -> str | None:
    """The section and the key to which a word belongs, if it belongs to any."""
    for section, block in words("section").items():
        for option in block.options():
            if option.kind.category == word.category:
                setting = f"{option.name} = {text if text != '…' else word.word}"
                return f"{with_article(word.category)} belongs in the settings: `{section} {{ {setting} }}`"
    return None


def advise_attribute(base: object) -> tuple[str, str, str]:
    """What has no such size, as a case of `UnknownAttribute` and in words, and the sizes that it has."""
    if isinstance(base, Tensors):
        return "several", "a group of tensors", ""
    if not isinstance(base, Tensor):
        return "value", describe(base) if base is not None else "it", ""
    shape = base.shape
    names = ("features",) if shape.rank == 1 and not shape.is_tokens else SIZES
    has = [name for name in names if shape.attribute(name) is not None]
    return "sizes", f"{shape.kind} ({shape})", ", ".join(has or ["rank"])


def advise_chained(text: str, value: object) -> str:
    """What to type instead of a value in a chain; `text` is how it is written."""
    meant = advise_section(type(value), text) if isinstance(value, Word) else None
    return meant or "a chain joins layers and tensors"


def advise_setting(
    section: type[Word], entry: tree.Assign, given: Collection[str], file: tree.File
) -> tuple[str, tuple[Fix, ...]]:
    """For a key that the section does not have: a `param`, a setting of another section, a word of one of its settings
    or an option of such a word, or the nearest key, if it is not given already."""
    key, value = entry.name.name, entry.value.span.text
    if any(isinstance(statement, tree.Param) and statement.name.name == key for statement in file.statements):
        return f'`{key}` is a `param` of the file: write `-D {key}={value}`, in Python `params={{"{key}": …}}`', ()
    options = section.options()
    aliases = {squeeze(alias): o.name for o in options for alias in o.aliases}
    if squeeze(key) not in aliases and f"{key}s" not in [o.name for o in options]:
        for name, other in words("section").items():
            if other is not section and any(o.name == key for o in other.options()):
                return f"it is a setting of `{name}`: write `{name} {{ {key} = {value} }}`", ()
        meant = [text for option in options if (text := _inside(option, key, value)) is not None]
        if meant:
            is_new = len(meant) == 1 and meant[0].partition(" ")[0] not in given
            return "\n".join(f"write `{text}`" for text in meant), (Fix(entry.span, meant[0], is_sure=False),) * is_new
    known = [o.name for o in options]
    fixes = corrections(entry.name.span, [name for name in known if name not in given], aliases)
    return suggest(key, known, what="its settings", aliases=aliases, limit=MAX_WORDS, rest=REST), fixes


def _inside(option: Option, key: str, value: str) -> str | None:
    """How a setting is written where a key is one of its words, or an option of one; None where it is neither."""
    group, category = words(option.kind.category or ""), option.kind.category or ""
    named = next((name for name in group if squeeze(name) == squeeze(key)), word_aliases(category).get(squeeze(key)))
    if named is not None:
        word = named if value in ("true", "false") else f"{named}({_named_number(group[named], value)}{value})"
        if category == "optimizer" and not getattr(group[named], "has_rate", False):
            is_after = f"-> {named}" in (group[named].__doc__ or "")  # as in its example
            word = f"adam -> {word}" if is_after else f"{word} -> adam"
        return f"{option.name} = {word}"
    for name in sorted(group, key=lambda name: COMMON.index(name) if name in COMMON else len(COMMON)):
        names = {squeeze(alias): o.name for o in group[name].options() for alias in (o.name, *o.aliases)}
        if (inner := names.get(squeeze(key))) is not None:
            return f"{option.name} = {name}({inner} = {value})"
    return None


def _named_number(word: type[Word], value: str) -> str:
    """`patience = ` for a number that is given to a word whose first argument is not a number."""
    first = next((o for o in word.options() if o.position == 0), None)
    if not value[:1].isdigit() or first is None or isinstance(first.kind, Number | Count | Time):
        return ""
    return next((f"{o.name} = " for o in word.options() if isinstance(o.kind, Number | Count)), "")


def advise_entry(section: type[Word], entry: tree.Statement) -> str:
    """For a line of a section that is not `name = value`."""
    if isinstance(entry, tree.Section) and entry.name.name in RATES:
        return 'the learning rate of a layer or block follows the optimizer: `adam(1e-3) -> rate_of("backbone", 0.1)`'
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    first = value.items[0] if isinstance(value, tree.Chain) else value
    name = first.function if isinstance(first, tree.Call) else first
    if isinstance(name, tree.Name) and value is not None:
        for option in section.options():
            if name.name in words(option.kind.category or ""):
                return f"write `{option.name} = {value.span.text}`"
    return "write settings as `name = value`"


def advise_value(kind: Kind, value: object) -> str:
    """For a value that does not fit its place; empty when the message says all."""
    if isinstance(value, str):
        meant, is_exact = _meant_by_text(kind, value)
        if is_exact:
            return f"remove the quotes: {value}"
        return f"did you mean `{meant}`, without quotes?" if meant is not None else ""
    if isinstance(kind, Flag) and value in (0, 1):
        return f"write `{to_source(bool(value))}`"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind.category == "activation" and (is_number or isinstance(value, Extent)):
        return "an activation is a word such as relu; a kernel is one argument, 3x3; input sizes are never given"
    return _advise_number(kind, value) if is_number else ""


def correct_value(span: Span, kind: Kind, value: object) -> tuple[Fix, ...]:
    """The fix for a word in quotes, for 0 or 1 in place of a flag, and for an integer that is written as 3.0."""
    if span.text.startswith('"') and isinstance(value, str):
        meant, is_exact = _meant_by_text(kind, value)
        is_sure = is_exact or (meant is not None and squeeze(meant) == squeeze(value))
        return (Fix(span, meant, is_sure),) if meant is not None else ()
    if isinstance(kind, Flag) and value in (0, 1) and span.text in ("0", "1"):
        return (Fix(span, to_source(bool(value))),)
    is_whole = isinstance(kind, Count) and re.fullmatch(r"[1-9][0-9]*\.0+", span.text)
    return (Fix(span, span.text.partition(".")[0]),) if is_whole else ()


def _meant_by_text(kind: Kind, text: str) -> tuple[str | None, bool]:
    """What was meant by a string, and whether it is the string itself."""
    known = [*kind.names, *words(kind.category or "")]
    if text in known or re.fullmatch("[0-9]+(x[0-9]+)*", text):
        return text, True
    return nearest(text, known, word_aliases(kind.category or "")), False


def _advise_number(kind: Kind, value: Any) -> str:
    if isinstance(kind, Number) and kind.high == 1 and 1 <= value <= 100:
        return f"for {to_source(value)} percent write {to_source(value)}%"
    if isinstance(kind, Count | Sizes) and isinstance(value, float):
        if value > 1:
            return f"use {round(value)}, or round with `//`"
        return "write an integer; only rates and fractions have decimals"
    if isinstance(kind, Count | Sizes) and value == 0:
        return f"use {kind.minimum} or more"
    if isinstance(kind, Count | Sizes | Number) and value < 0:
        return f"remove the minus sign: {to_source(-value)}"
    return ""
