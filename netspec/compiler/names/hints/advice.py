"""What to type instead: hints for unknown names, for values that do not fit, for words in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from netspec.compiler.elaborate.builder import Tensor, Tensors
from netspec.compiler.errors.names import UnknownName
from netspec.compiler.names.given import GivenValue
from netspec.compiler.names.hints.foreign import (
    chained,
    join_layers,
    reorder,
    rewrite,
    takes_text,
    translated,
)
from netspec.compiler.names.hints.models import advise_call
from netspec.compiler.names.hints.settings import REST, advise_index, advise_line, find_option
from netspec.compiler.names.hints.tables import COMMON, OPTIONS, VALUES, VOCABULARY
from netspec.compiler.names.scope import Name
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections, nearest, squeeze, suggest
from netspec.language.diagnostics import Fix
from netspec.language.kinds import Count, Flag, NewShape, Number, OneSize, Sizes
from netspec.language.source import Span
from netspec.language.values import Extent, LayerValue, describe, to_source
from netspec.language.vocabulary import categories, why_absent, word_aliases, words
from netspec.language.word import Kind, Mismatch, Option, Word, noun, with_article

FOREIGN = {
    **dict.fromkeys(["model", "modulelist"], "write the layers themselves, joined by `->`"),
    "sequential": "remove this line: the network is the chain of its layers, joined by `->`",
    **dict.fromkeys(["input", "inputlayer"], "declare the input on its own line: `input 28x28x1`"),
    **dict.fromkeys(["none", "null"], "leave out the argument; `netspec words` lists the defaults"),
    "argmax": "remove it: predictions of a `softmax` name the class already",
    **dict.fromkeys(["lambda", "map"], "there are no functions; define a block with `def name(n) = …`"),
}
"""Words of other libraries, squeezed, that have no counterpart here."""

SWITCHES = {**dict.fromkeys(["yes", "on"], "true"), **dict.fromkeys(["no", "off"], "false")}
"""What people write, squeezed, for `true` and `false`."""

SIZES = ("length", "depth", "height", "width", "channels", "vocabulary")
"""What a tensor that has no such size may have instead."""

Given = Mapping[str, tree.Expression]
"""The arguments of a call by option."""

COMMON_LAYERS = "dense, conv, maxpool, gap, flatten, dropout, batchnorm, relu, softmax, embedding, lstm, attention"
"""The layers that are shown for a name that is near to none."""


def advise_name(
    node: tree.Expression, kind: Kind | None, visible: Iterable[str], whole: tree.Expression | None = None
) -> tuple[UnknownName, str | None]:
    """The diagnostic for an unknown name, or for names joined by dots, and the visible name that was probably meant;
    `whole` is the call that the name begins."""
    name, span = node.span.text, node.span
    own = set(visible)
    is_in_place = kind is not None and bool(kind.category or kind.names)
    meant = None if is_in_place else nearest(name, own)
    if isinstance(whole, tree.Call) and not is_in_place and (called := advise_call(whole, own)) is not None:
        return UnknownName(span=span, name=name, advice=called), None
    if squeeze(name) in FOREIGN and not meant and not is_in_place and whole is None:  # no call, such as `model`
        return UnknownName(span=span, name=name, advice=FOREIGN[squeeze(name)]), None
    advice = None if meant else advise_foreign(node, whole or node, kind, own)
    if advice is not None:
        unknown = "name" if kind is None else noun(kind.category) if kind.category else "value"
        place = (whole or node).span
        text = re.fullmatch("write `([^`…]*)`", advice)
        change = () if "." in name else corrections(span, *_pool(kind, own))
        change = change or ((Fix(place, text[1], is_sure=False),) if text else ())
        return UnknownName(span=span, name=name, kind=unknown, advice=advice, fixes=change), None
    if kind is not None and is_in_place:
        return _unknown_in_place(node, kind), None
    if isinstance(kind, Flag) and meant is None:
        fixes = corrections(span, ("true", "false"), SWITCHES)
        written = fixes[0].replacement if fixes else "true` or `false"
        return UnknownName(span=span, case="flag", name=name, advice=f"write `{written}`", fixes=fixes), None
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
    if kind is not None and not kind.takes_layers:  # a literal such as a number: no layer is meant
        pool, aliases, expected = [*own, *(["classes"] if nearest(name, ["classes"]) else [])], {}, kind.describe()
        expected = (
            f"expected {expected}, such as {EXAMPLES[type(kind)]}" if type(kind) in EXAMPLES else f"expected {expected}"
        )
    if isinstance(kind, Count) and squeeze(name) in VOCABULARY and not meant:
        is_input = re.search(r"(tokens|embedding)\(\s*$|vocabulary\s*=\s*$", span.source.text[: span.start])
        advice = "write the number of ids, such as `5000`" if is_input else "write `classes`, or the number"
        return UnknownName(span=span, name=name, advice=advice), None
    near = nearest(name, pool, aliases)
    owner = next((words(category)[name] for category in categories() if name in words(category)), None)
    belongs = None if owner is None else advise_section(owner)
    listed = suggest(name, pool, aliases=aliases, rest=REST) if near else f"known: {COMMON_LAYERS}, …; {REST}"
    hint = belongs or (listed if near or not expected else expected)
    fixes = () if belongs else corrections(span, pool, aliases)
    return UnknownName(span=span, name=name, advice=hint, fixes=fixes), near if near in own else None


NUMBERS = {
    "schedule": "the learning rate is an option of the optimizer: `optimizer = adam({value})`",
    "stop": "write `early(val_loss, {value})` to stop after {value} epochs without improvement",
    "optimizer": "write `adam({value})`",
    "source": 'name a data source, such as `csv("train.csv")`',
}
"""What to write instead of a number where a word of a category is expected."""

EXAMPLES = {Count: "10", Number: "0.1"}
"""Values that are shown where a number is expected."""


def _pool(kind: Kind | None, own: Collection[str]) -> tuple[list[str], dict[str, str]]:
    """The words that fit a place, and what they are called elsewhere."""
    if kind is not None and kind.category:
        return [*kind.names, *words(kind.category)], word_aliases(kind.category)
    pool = [*own, *words("layer"), *words("activation")]
    return pool if kind is None else list(kind.names), word_aliases("layer") | word_aliases("activation")


def advise_foreign(
    node: tree.Expression, whole: tree.Expression, kind: Kind | None, own: Collection[str]
) -> str | None:
    """What a name or a call of another library is here; None where another name alone is all that it needs."""
    text, written = rewrite(whole, kind, own), whole.span.text
    if text == written:
        return None
    rest = written[len(node.span.text) :]
    same = text if rest in ("", "()") else text.removesuffix(rest)
    is_name = re.fullmatch(r"\w+", same) is not None and (rest in ("", "()") or text.endswith(rest))
    if is_name and "." not in node.span.text and rewrite(node, kind, own) == same:
        return None
    return f"write `{text}`"


def _unknown_in_place(node: tree.Expression, kind: Kind) -> UnknownName:
    """For an option that takes words of one category, or certain bare words."""
    name, category = node.span.text, kind.category
    if category is None:
        text = rewrite(node, kind)
        fixes = (Fix(node.span, text, is_sure=False),) if text != name else corrections(node.span, kind.names)
        lines = [f"did you mean `{fixes[0].replacement}`?"] if fixes else []
        advice = "\n".join([*lines, f"expected {kind.describe()}"])
        return UnknownName(span=node.span, name=name, kind="value", advice=advice, fixes=fixes)
    pool, aliases = [*kind.names, *words(category)], word_aliases(category)
    is_none = squeeze(name) in ("none", "null") and squeeze(name) not in aliases
    absent = FOREIGN["none"] if is_none else why_absent(category, name)
    advice = absent or suggest(name, pool, what="possible", aliases=aliases, rest=REST)
    other = next((c for c in categories() if name in words(c)), None)
    if other == "layer":
        advice = f"`{name}` is a layer: put it into the chain, after `->`\n{advice}"
        absent = advice
    elif not absent and nearest(name, pool, aliases) is None:
        advice = absent = _advise_elsewhere(name, other) or advice
    fixes = () if absent else corrections(node.span, pool, aliases)
    return UnknownName(span=node.span, name=name, kind=noun(category), advice=advice, fixes=fixes)


def _advise_elsewhere(name: str, category: str | None) -> str | None:
    """For a setting, or a word of another category, in the place of a word."""
    for section, block in words("section").items():
        for option in block.options():
            if option.name == name:
                return f"`{name}` is a setting of `{section}`: write `{name} = …` on its own line"
            if category is not None and option.kind.category == category:
                return f"{with_article(category)} is a setting of its own: write `{option.name} = {name}`"
    return None


def advise_option(
    word: type[Word] | None, argument: tree.Argument, call: Sequence[tree.Argument], own: Collection[str] = ()
) -> str | None:
    """For an option that the word of a call does not have: the option of that meaning, if its value changes too, or
    what to do without it."""
    if word is None or argument.name is None:
        return None
    key, value = squeeze(argument.name.name), argument.value.span.text
    if (other := translated(key, value)) is not None:
        return f"write `{other}`"
    if (option := find_option(word, argument.name.name)) is not None:
        text = rewrite(argument.value, option.kind, own)
        if key == "trainable":  # the opposite of `frozen`
            text = {"true": "false", "false": "true"}.get(text, text)
        items = argument.value.items if isinstance(argument.value, tree.ListLiteral) else (argument.value,)
        indices = [item.value for item in items if isinstance(item, tree.Number)]
        if len(indices) == len(items) and takes_text(option.kind):
            by_index = advise_index(word, option, {a.name.name: a.value for a in call if a.name is not None}, indices)
            return by_index or f"write `{option.name} = {text}`"
        return f"write `{option.name} = {text}`" if text != value else None
    if word.category == "source" and (line := advise_line(argument.name.name, argument.value, own)):
        return line
    named = [OPTIONS.get(name) for name in (f"{word.word}.{key}", f"{word.category}.{key}", key)]
    advice = next((text for text in named if text is not None), None)
    if advice is not None:
        return advice.format(word=word.word, value=value)
    others = ", ".join(a.span.text for a in call if a is not argument)
    chain = chained(word, argument, f"{word.word}({others})" if others else word.word)
    return f"write `{chain}`" if chain is not None else None


def advise_section(word: type[Word], text: str = "…") -> str | None:
    """The section and the key to which a word belongs, if it belongs to any."""
    for section, block in words("section").items():
        for option in block.options():
            if option.kind.category == word.category:
                setting = f"{option.name} = {text if text != '…' else word.word}"
                return f"{with_article(word.category)} belongs in the settings: `{section} {{ {setting} }}`"
    return None


def advise_network(node: tree.Expression, names: Mapping[int, Name], value: object) -> tuple[Span, str]:
    """For a list in the place of the network: where it is written, and its layers as a chain."""
    place = node
    while isinstance(place, tree.Name) and (symbol := names.get(id(place))) is not None and symbol.expression:
        place = symbol.expression
    if isinstance(value, Word) and value.category == "section":
        arguments = re.sub(r"^\w+\s*\(|\)$", "", node.span.text)
        return node.span, f"settings are in braces: `{value.word} {{ {arguments} }}`"
    if isinstance(place, tree.ListLiteral) and any(isinstance(item, tree.Chain) for item in place.items):
        return place.span, f"name each output on its own line: `output name = {place.items[0].span.text}`"
    if isinstance(place, tree.ListLiteral) and isinstance(value, list) and value:
        return place.span, f"join the layers by `->`: `{join_layers([place], ())}`"
    return node.span, advise_section(type(value), node.span.text) or "" if isinstance(value, Word) else ""


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


def advise_wrong(
    kind: Kind, value: object, expression: tree.Expression, given: tuple[type[Word], Option, Given] | None = None
) -> str:
    """For a value that does not fit its place: the value to write; `given` is the word, its option and the arguments of
    the call where it is one."""
    if given is not None and (advice := _advise_order(*given, value)) is not None:
        return advice
    if advice := advise_value(kind, value):
        return advice
    is_source = given is not None and given[0].category == "source"
    if given is not None and is_source and takes_text(kind) and (line := advise_line(given[1].name, expression)):
        return line
    if given is not None and is_source and (other := translated(squeeze(given[1].name), expression.span.text)):
        return f"write `{other}`"
    before = re.search(r"(\w+)\s*=\s*$", expression.span.source.text[: expression.span.start][-80:])
    place = f"{before[1]} = " if before else ""
    text, source = rewrite(expression, kind), expression.span.source
    if text != expression.span.text:
        by_index = advise_index(*given, value) if given is not None and is_source and takes_text(kind) else ""
        if by_index:
            return by_index
        given_text = source.write(expression.span, text) if isinstance(source, GivenValue) else None
        return f"write `{given_text or place + text}`"
    if kind.category in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return NUMBERS[kind.category].format(value=to_source(value))
    example = None if given is None else _example(given[1])
    if given is None or example is None:
        return ""
    return f"write it as in `{given[1].name} = {example}`; `netspec words {given[0].word}` describes its options"


def _example(item: Option) -> str | None:
    """A value of an option, as it is typed."""
    category, names = item.kind.category, item.kind.names
    if takes_text(item.kind):
        return '"name"'
    if category:
        common = [name for name in COMMON if name in words(category)]
        return common[0] if common else next(iter(words(category)), None)
    if names:
        return names[0]
    if not item.is_required and item.default is not None:
        return item.kind.to_source(item.default)
    return EXAMPLES.get(type(item.kind))


def _advise_order(word: type[Word], item: Option, given: Given, value: object) -> str | None:
    """For a shape in the place of a number, and sizes of the input or single sizes of a kernel, as other libraries have
    them."""
    slots = [o for o in word.options() if o.position is not None]
    texts = [given[o.name].span.text for o in slots if o.name in given]
    is_first = item.position == 0 and item.name in given and len(texts) == 1 and len(slots) > 1
    if is_first and not item.is_required and _fits(slots[1].kind, value):
        return f"write `{word.word}({item.kind.to_source(item.default)}, {texts[0]})`"
    if isinstance(item.kind, Count) and isinstance(value, Extent) and item.position == 0 and len(slots) > 1:
        is_swapped = isinstance(slots[1].kind, Sizes) and len(texts) > 1
        if is_swapped and not texts[1].isdigit():
            return None
        rest = [texts[1], texts[0], *texts[2:]] if is_swapped else ["16", *texts]
        return f"write `{word.word}({', '.join(rest)})`" if isinstance(slots[1].kind, Sizes) else None
    if item.kind.category != "activation" or len(texts) < 2:
        return None
    positional = [o.name for o in slots if o.name in given]
    named = {tree.Name(span=e.span, name=name): e for name, e in given.items() if name not in positional}
    others = [tree.Argument(span=e.span, name=name, value=e) for name, e in named.items()]
    return reorder(word, [given[name] for name in positional], others)


def _fits(kind: Kind, value: object) -> bool:
    try:
        kind.accept(value)
    except Mismatch:
        return False
    return True


def advise_value(kind: Kind, value: object) -> str:
    """For a value that does not fit its place; empty where another function may know more."""
    if isinstance(kind, NewShape) and isinstance(value, int) and value < 0:
        return "write `flatten` for a vector of all values, or each size as a number, as in `reshape(7x7x16)`"
    if isinstance(kind, OneSize) and isinstance(value, LayerValue | Tensor):
        return "branches with the same input are separated by `|`: `(a | b) -> concat`"
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
    is_number = isinstance(kind, Count | Number) and re.fullmatch(r"[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?%?", text)
    if text in known or is_number or re.fullmatch("[0-9]+(x[0-9]+)*", text):
        return text, True
    is_foreign = any(name in kind.names for name in VALUES.get(squeeze(text), ()))  # as `rewrite` writes it
    return None if is_foreign else nearest(text, known, word_aliases(kind.category or "")), False


def _advise_number(kind: Kind, value: Any) -> str:
    if isinstance(kind, Number) and kind.high == 1 and 1 <= value <= 100 and value == int(value):
        return f"for {to_source(value)} percent write `{to_source(value)}%`"
    if isinstance(kind, Count | Sizes) and isinstance(value, float):
        if value > 1:
            return f"use {round(value)}, or round with `//`"
        return "write an integer; only rates and fractions have decimals"
    if isinstance(kind, Count | Sizes) and value == 0:
        return f"use {kind.minimum} or more"
    if isinstance(kind, Number) and kind.high == 1 and value > 1:
        return "write a fraction below 1, such as 0.5 or 50%"
    if isinstance(kind, Count | Sizes | Number) and value < 0:
        return f"remove the minus sign: {to_source(-value)}"
    return ""
