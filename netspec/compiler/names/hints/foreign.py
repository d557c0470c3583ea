"""Other libraries in the words of netspec: `nn.Conv2d(1, 32, 3, padding="same")` is `conv(32, 3, pad = same)`.

Input: an expression as somebody wrote it who comes from Keras, PyTorch or pandas, and the kind that its place takes.
Output: the text to write here, for hints. The names of words and options in other libraries are declared with the words
(`aliases`); the tables of tables.py hold the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from netspec.compiler.names.hints.recurrent import stacked
from netspec.compiler.names.hints.tables import (
    CONTAINERS,
    FILES,
    KERAS_CONV,
    MAX_KERNEL,
    OPTIONS,
    ORDER,
    SHORTCUTS,
    TORCH_CONV,
    TRANSLATED,
    VALUES,
)
from netspec.compiler.syntax import tree
from netspec.language.corrections import nearest, squeeze
from netspec.language.kinds import Count, Either, Flag, Number, OneWord
from netspec.language.vocabulary import word_aliases, words
from netspec.language.word import Kind, Option, Word


def last_part(name: str) -> str:
    """A name without the modules before it: `nn.Linear` is `Linear`."""
    return name.rpartition(".")[2]


def rewrite(node: tree.Expression, kind: Kind | None = None, own: Collection[str] = ()) -> str:
    """The text of an expression as it is written here; the same text where nothing in it is foreign.

    Args:
        node: what was written.
        kind: what its place takes; None where a layer or any value is expected.
        own: names that the file defines, which mean what they are defined to mean.
    """
    text = node.span.text
    match node:
        case tree.String(value=value):
            return _string(value, text, kind)
        case tree.Name(name=name):
            return name if name in own else _name(name, kind)
        case tree.Attribute():
            return text if re.split(r"\W", text)[0] in {*own, "input"} else _name(text, kind)
        case tree.Call():
            return _call(node, kind, own)
        case tree.ListLiteral(items=items):
            parts = [rewrite(item, kind, own) for item in items]
            is_same = parts == [item.span.text for item in items]
            joined = " -> " if kind is not None and kind.is_chain else ", "
            return text if is_same or not parts else joined.join(parts) if joined != ", " else f"[{', '.join(parts)}]"
        case tree.Chain(items=items):
            return " -> ".join(rewrite(item, kind, own) for item in items)
        case tree.Applied(layer=layer, inputs=inputs):
            return _applied(layer, inputs, own)
        case tree.Group(inner=inner):
            return f"({rewrite(inner, kind, own)})"
        case tree.DurationLiteral(amount=amount) if isinstance(kind, Count):
            return amount.text
    is_name = isinstance(node, tree.Number) and takes_text(kind) and not takes_path(kind)  # of a column
    return _value(text, kind) or (f'"{text}"' if is_name else text)


def takes_column(option: Option) -> bool:
    """Whether an option is a name of columns that is clearer with its own name, `target = "price"`."""
    return option.position != 0 and takes_text(option.kind)


def takes_text(kind: Kind | None) -> bool:
    """Whether names are written in quotes there: files, columns."""
    return kind is not None and not kind.category and "string" in kind.describe()


def takes_path(kind: Kind | None) -> bool:
    """Whether the name of a file or a folder is written there."""
    return kind is not None and takes_text(kind) and re.search("file|folder", kind.describe()) is not None


def _value(text: str, kind: Kind | None) -> str | None:
    names = kind.names if kind is not None else ()
    return next((value for value in VALUES.get(squeeze(text), ()) if value in names), None)


def _string(value: str, text: str, kind: Kind | None) -> str:
    if kind is None or takes_text(kind) or any(takes_text(part) for part in getattr(kind, "kinds", ())):
        return text
    if isinstance(kind, Flag):
        return value.lower() if value.lower() in ("true", "false") else text
    is_number = re.fullmatch(r"[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?%?", value) is not None
    if is_number and (
        isinstance(kind, Count | Number | Either) or kind.category == "portion" or not (kind.category or kind.names)
    ):
        return value
    found = _name(value, kind)
    return text if found == value and value not in {*kind.names, *words(kind.category or "")} else found


def _name(name: str, kind: Kind | None) -> str:
    """A name, or names joined by dots, in the words of the kind."""
    if name in ("True", "False") and (kind is None or isinstance(kind, Flag)):
        return name.lower()
    if kind is not None and kind.takes_layers:
        kind = None
    if kind is not None and not kind.category and not kind.names:
        return f'"{name}"' if takes_text(kind) else name
    if kind is not None and (value := _value(last_part(name), kind)) is not None:
        return value
    file, suffix = file_source(name), kind is not None and kind.category == "source"
    if file and suffix:
        return file
    pool, aliases = _known(kind)
    for part in reversed(name.split(".")):
        if part in pool or aliases.get(squeeze(part)) in pool:
            return part if part in pool else aliases[squeeze(part)]
    if kind is not None and kind.category == "metric" and (top := re.fullmatch(r"top_?([0-9]+)(_accuracy)?", name)):
        return f"top({top[1]})"
    return nearest(last_part(name), pool, aliases) or name


def file_source(text: str) -> str | None:
    """The data source of a file or folder with that name."""
    suffix = text.rpartition(".")[2].lower()
    if "." in text and suffix in FILES:
        more = ', target = "…"' if FILES[suffix] in ("csv", "parquet") else ', "y.npy"' if suffix == "npy" else ""
        return f'{FILES[suffix]}("{text}"{more})'
    return f'images("{text}")' if "/" in text else None


def _known(kind: Kind | None) -> tuple[list[str], dict[str, str]]:
    """The words of a place, and what they are called elsewhere."""
    groups = [kind.category] if kind is not None and kind.category else ["layer", "activation"] if kind is None else []
    if kind is not None and kind.category == "layer":
        groups.append("activation")
    names = [*(kind.names if kind is not None else ()), *(name for group in groups for name in words(group))]
    return names, {alias: name for group in reversed(groups) for alias, name in word_aliases(group).items()}


def _call(node: tree.Call, kind: Kind | None, own: Collection[str]) -> str:
    assert isinstance(node.function, tree.Name)
    name, text = node.function.name, node.span.text
    base = squeeze(last_part(name))
    if name in own:
        return text
    if base in CONTAINERS and node.arguments:
        return join_layers([a.value for a in node.arguments if a.name is None], own)
    if base in SHORTCUTS and node.arguments:
        return f"residual({join_layers([a.value for a in node.arguments if a.name is None], own)})"
    if find_foreign(name, kind) in merges() and node.arguments:
        branches = _flat([a.value for a in node.arguments if a.name is None or a.name.name == "inputs"], own)
        return f"({' | '.join(branches)}) -> {_name(name, kind)}" if branches else _name(name, kind)
    if base == "pooling" and node.arguments:
        pool, rest = _pool_of(node.arguments)
        return call_text(words("layer")[pool], pool, rest, own)
    if base == "timedistributed" and len(node.arguments) == 1:
        return rewrite(node.arguments[0].value, None, own)
    if base == "activation" and len(node.arguments) == 1:
        return rewrite(node.arguments[0].value, OneWord("activation"), own)
    word = find_foreign(name, kind)
    return text if word is None else call_text(word, last_part(name), node.arguments, own)


def _pool_of(arguments: Sequence[tree.Argument]) -> tuple[str, Sequence[tree.Argument]]:
    """The pool of a call with its kind as an argument, such as `Pooling(pool = MAX, kernel_size = 3)`, and the other
    arguments."""
    kinds = {"max": ("maxpool", "gmp"), **dict.fromkeys(["ave", "avg", "average", "mean"], ("avgpool", "gap"))}
    for chosen in arguments:
        if (names := kinds.get(squeeze(last_part(chosen.value.span.text.strip('"'))))) is not None:
            rest = [a for a in arguments if a is not chosen]
            is_global = any(a.name is not None and squeeze(a.name.name) == "globalpooling" for a in rest)
            return (names[1], []) if is_global else (names[0], rest)
    return "maxpool", arguments


def _applied(layer: tree.Expression, inputs: tree.Expression, own: Collection[str]) -> str:
    """A layer that is called with its inputs, as a chain."""
    inside = inputs.inner if isinstance(inputs, tree.Group) else inputs
    items = inside.items if isinstance(inside, tree.TupleLiteral | tree.ListLiteral) else (inside,)
    flows = list(dict.fromkeys(rewrite(item, None, own) for item in items))
    first = flows[0] if len(flows) == 1 else f"({' | '.join(flows)})"
    return f"{first} -> {rewrite(layer, None, own)}"


def is_input(node: tree.Expression) -> bool:
    """Whether an expression declares an input, as `Input(shape = (28, 28, 1))` does."""
    name = node.function.span.text if isinstance(node, tree.Call) else ""
    return squeeze(last_part(name)) in ("input", "inputlayer")


def join_layers(items: Sequence[tree.Expression], own: Collection[str]) -> str:
    """Layers as a chain; those of a list are taken out of it."""
    return " -> ".join(_flat(items, own))


def _flat(items: Sequence[tree.Expression], own: Collection[str]) -> list[str]:
    flat = [inner for item in items for inner in (item.items if isinstance(item, tree.ListLiteral) else (item,))]
    return [rewrite(item, None, own) for item in flat if not is_input(item)]


def merges() -> list[type[Word]]:
    """The layers that join branches."""
    return [words("layer")[name] for name in ("add", "concat", "mul", "max", "average")]


def find_foreign(name: str, kind: Kind | None) -> type[Word] | None:
    """The word that a name of another library means in a place of that kind."""
    found = _name(name, kind)
    groups = [kind.category] if kind is not None and kind.category else ["layer", "activation"]
    if groups == ["layer"]:
        groups.append("activation")
    return next((words(group)[found] for group in groups if found in words(group)), None)


def call_text(
    word: type[Word],
    name: str,
    arguments: Sequence[tree.Argument],
    own: Collection[str] = (),
    order: Sequence[str] | None = None,
) -> str:
    """A call of a word with the arguments of a call `name(…)` in another library; `order` has the options of those
    without a name where it is known."""
    options = {o.name: o for o in word.options()}
    named = {squeeze(alias): o.name for o in word.options() for alias in (*o.aliases, o.name)}
    if order is None:
        order = _order(word, name, [a.value.span.text for a in arguments if a.name is None])
    written: dict[str, str] = {}
    extra: list[str] = []
    links: list[tree.Argument] = []
    place = 0
    for argument in arguments:
        if argument.value.span.text.endswith(".parameters()"):  # what an optimizer of PyTorch trains
            continue
        if argument.name is None:
            key, place = _slot(argument, order, place, word, written)
        else:
            key = named.get(squeeze(argument.name.name)) or _misspelled(argument.name.name, options)
        option = options.get(key)
        if option is not None and key not in written:
            written[key] = rewrite(argument.value, option.kind, own)
        elif option is None and chained(word, argument, "") is not None:
            links.append(argument)
        elif option is not None and argument.name is None:
            written[key] += f"x{argument.value.span.text}"
        elif option is None and argument.name is not None:
            text = translated(squeeze(argument.name.name), argument.value.span.text)
            extra += [text] if text is not None and text.partition(" = ")[0] in options else []
    text = stacked(word, arguments, lambda last: _written(word, options, {**written, **last}, extra), written)
    for link in links:
        text = chained(word, link, text) or text
    return text


def chained(word: type[Word], argument: tree.Argument, call: str) -> str | None:
    """The call of an optimizer with an argument that it has in other libraries, and that is a word of the chain here:
    `clip(1.0) -> adam` of `clipnorm = 1.0`. None where there is no such word."""
    if word.category != "optimizer" or argument.name is None:
        return None
    group, key, value = words("optimizer"), squeeze(argument.name.name), argument.value.span.text
    name = next((n for n in group if squeeze(n) == key), word_aliases("optimizer").get(key))
    if name is None or value in ("0", "0.0", "None", "none", "False", "false"):
        return None if name is None else call
    if getattr(group[name], "has_rate", False):  # a variant, such as `amsgrad = True`
        return re.sub(r"\w+", name, call, count=1)
    is_after = f"-> {name}" in (group[name].__doc__ or "") and key != "weightdecay"  # PyTorch adds it to the gradient
    return f"{call} -> {name}({value})" if is_after else f"{name}({value}) -> {call}"


def rewrite_callbacks(value: tree.Expression, section: type[Word]) -> list[tuple[str, str]]:
    """The callbacks of Keras as settings: `("stop", "early(val_loss, 3)")`; the name is empty for those without one."""
    found: list[tuple[str, str]] = []
    for item in value.items if isinstance(value, tree.ListLiteral) else (value,):
        name = squeeze(last_part((item.function if isinstance(item, tree.Call) else item).span.text))
        options = [o for o in section.options() if name in {**word_aliases(o.kind.category or "")}]
        if options:
            found.append((options[0].name, rewrite(item, options[0].kind)))
        else:
            found.append(("tensorboard", "true") if name == "tensorboard" else ("", item.span.text))
    return found


def _order(word: type[Word], name: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The options of the positional arguments of a call `name(…)`."""
    ours = tuple(o.name for o in word.options() if o.position is not None)
    given = ours if name == word.word else ORDER.get(name, ours)
    return ours if given and given[0] == "" and len(given) > 1 and len(texts) < 2 else given


def reorder(
    word: type[Word], given: Sequence[tree.Expression], others: Sequence[tree.Argument], own: Collection[str] = ()
) -> str | None:
    """What to write for a call of a word with too many sizes in the order of another library, such as
    `conv(1, 32, 3, relu, padding = 1)`; None where they have no order that is common elsewhere.

    Args:
        word: what is called.
        given: the sizes, without an activation.
        others: the arguments with a name, an activation among them.
        own: names that the file defines.
    """
    order = _foreign_order(word, [item.span.text for item in given])
    if order == ("", "units") and len(given) == 3 and word.word != "dense":  # of recurrent layers
        count = tree.Name(span=given[2].span, name="num_layers")
        given, others = given[:2], [*others, tree.Argument(span=given[2].span, name=count, value=given[2])]
    if order is None or len(given) > len(order):
        return None
    sizes = [tree.Argument(span=item.span, name=None, value=item) for item in given]
    text = call_text(word, word.word, [*sizes, *others], own, order)
    return f"write `{text}`" + (f": {_inferred(word)}" if order[0] == "" else "")


def _foreign_order(word: type[Word], texts: Sequence[str]) -> tuple[str, ...] | None:
    """The options of the sizes of a call; a kernel that is given twice has a height and a width."""
    numbers = [int(text.partition("x")[0]) if re.fullmatch("[0-9]+(x[0-9]+)*", text) else 0 for text in texts]
    options = {option.name for option in word.options()}
    if "kernel" not in options:
        return ORDER.get(word.word) if all(numbers) else None
    if "filters" not in options:
        return ("", "", "kernel", "stride", "pad") if numbers[0] == numbers[1] else ("", "kernel", "stride", "pad")
    if len(texts) == 3 and texts[1] == texts[2]:
        return ("filters", "kernel", "kernel")
    if not texts[1].isalnum() or re.fullmatch("[0-9]+x[0-9]+", texts[1]):  # the sizes of a kernel
        return KERAS_CONV
    is_torch = len(texts) > 4 or not numbers[1] or numbers[1] > MAX_KERNEL or numbers[1] >= (numbers[0] or MAX_KERNEL)
    return TORCH_CONV if is_torch else KERAS_CONV


def _inferred(word: type[Word]) -> str:
    """What a call of a word does not need."""
    options = {option.name for option in word.options()}
    if "vocabulary" in options:
        return "the vocabulary is inferred"
    is_size = "units" in options or "heads" in options
    return "the input size is inferred" if is_size else "the input channels are inferred"


def _slot(
    argument: tree.Argument, order: Sequence[str], place: int, word: type[Word], written: dict[str, str]
) -> tuple[str, int]:
    """The option of the positional argument at a place, and the next place."""
    is_activation = any(o.name == "activation" and o.position is not None for o in word.options())
    text = last_part(argument.value.span.text.partition("(")[0]).strip('"')
    if is_activation and "activation" not in written and text in words("activation"):
        return "activation", place
    return (order[place] if place < len(order) else ""), place + 1


def _misspelled(name: str, options: Collection[str]) -> str:
    """The option of a word that a name of none is meant to be; empty where it is one of another library."""
    is_foreign = squeeze(name) in {*TRANSLATED, *(key.rpartition(".")[2] for key in OPTIONS)}
    return "" if is_foreign else next(iter(get_close_matches(name, options, 1, 0.8)), "")


def translated(key: str, value: str) -> str | None:
    """An option of another library, squeezed, whose value says which options it is here."""
    matches = ((re.fullmatch(pattern, value), text) for name, pattern, text in TRANSLATED if name == key)
    return next((match.expand(text) for match, text in matches if match is not None), None)


def _written(word: type[Word], options: dict[str, Option], written: dict[str, str], extra: list[str]) -> str:
    positional: list[str] = []
    by_name: list[str] = []
    is_open = True
    for key, option in options.items():  # positional ones first, in their order
        if key not in written:
            is_open = is_open and option.position is None
        elif option.position is not None and (is_open or key == "activation") and not takes_column(option):
            positional.append(written[key])
        else:
            by_name.append(f"{key} = {written[key]}")
    inside = ", ".join([*positional, *by_name, *extra])
    return f"{word.word}({inside})" if inside else word.word
