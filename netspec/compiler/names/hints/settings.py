"""What to write instead of a line that is not a setting of its section: its setting, another section, a word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from netspec.compiler.names.hints.foreign import last_part, rewrite, rewrite_callbacks
from netspec.compiler.names.hints.tables import COMMON, COMMON_SETTINGS, SETTINGS, SPLITS, TRAINING_PARTS
from netspec.compiler.names.hints.trainers import advise_loss_weights, advise_warmup
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.corrections import corrections, nearest, squeeze, suggest
from netspec.language.diagnostics import Fix, Problems
from netspec.language.kinds import Choice, Count, Flag, Number, Time
from netspec.language.source import Source
from netspec.language.vocabulary import word_aliases, words
from netspec.language.word import Option, Word

COLUMNS = ("target", "columns", "drop", "categories")
"""The options of a table that name columns."""

RATES = ("rates", "rate", "param_groups")
"""What people call a list of learning rates for single layers."""

REST = "`netspec words` lists all"


def advise_setting(
    section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement], file: tree.File
) -> tuple[str, tuple[Fix, ...]]:
    """For a key that the section does not have: a `param`, the setting with another name, a setting of another section,
    a word of one of its settings or an option of such a word, or the nearest key, if it is not given already."""
    key, value = entry.name.name, entry.value.span.text
    given = {e.name.name: e for e in entries if isinstance(e, tree.Assign)}
    if any(isinstance(statement, tree.Param) and statement.name.name == key for statement in file.statements):
        return f'`{key}` is a `param` of the file: write `-D {key}={value}`, in Python `params={{"{key}": …}}`', ()
    options = section.options()
    aliases = {squeeze(alias): o.name for o in options for alias in o.aliases}
    if squeeze(key) in ("callbacks", "callback") and section.word == "train":
        return _advise_callbacks(section, entry, given), ()
    several = advise_warmup(section, entry, entries) or advise_loss_weights(section, entry, entries, file)
    if several is not None:
        return several, ()
    own = find_option(section, key)
    if own is not None and own.name == "source":
        return advise_source(own, entry, entries, ()) or f"write `source = {value}`", ()
    if own is not None:
        text = rewrite(entry.value, own.kind)
        if text != value:
            fixes = (Fix(entry.span, f"{own.name} = {text}", is_sure=False),) * (own.name not in given)
            return f"write `{own.name} = {text}`", fixes
    elif f"{key}s" not in [o.name for o in options]:
        if (advice := _foreign(section, key, value) or _in_other_section(section, entry, entries, file)) is not None:
            return advice, ()
        inside = _inside(section, entry, entries)
        if inside:
            is_new = len(inside) == 1 and inside[0].partition(" ")[0] not in given and inside[0].count("`") == 0
            fixes = (Fix(entry.span, inside[0], is_sure=False),) * is_new
            return "\nor ".join(text if "`" in text else f"write `{text}`" for text in inside), fixes
        if key in words("layer"):
            return f"`{key}` is a layer: put it into the chain, as in `dense(64, relu) -> {key}({value})`", ()
    known = [o.name for o in options]
    fixes = corrections(entry.name.span, [name for name in known if name not in given], aliases)
    if nearest(key, known, aliases) is None and section.word == "train":
        return f"its settings: {', '.join(COMMON_SETTINGS)}, …; {REST}", fixes
    return suggest(key, known, what="its settings", aliases=aliases, rest=REST), fixes


def _advise_callbacks(section: type[Word], entry: tree.Assign, given: Mapping[str, tree.Assign]) -> str:
    """The settings that do what callbacks of Keras do."""
    settings = rewrite_callbacks(entry.value, section)
    new = [f"`{name} = {text}`" for name, text in settings if name and name not in given]
    lines = [f"write {' and '.join(new)}{', each on its own line' * (len(new) > 1)}"] if new else []
    for name, text in settings:
        if name in given:
            at = given[name].name.span.first.line
            lines.append(f"`{name}` is given (line {at}): write `{name} = {text}` there, and remove this line")
        elif not name:
            lines.append(f"`{text}`: in Python `netspec.train(…, callbacks=[…])` takes callbacks")
    return "\n".join(lines) or "remove it"


def find_option(section: type[Word], key: str) -> Option | None:
    """The setting with that name, here or in another library."""
    return next((o for o in section.options() if squeeze(key) in [squeeze(n) for n in (o.name, *o.aliases)]), None)


def advise_line(key: str, value: tree.Expression, own: Collection[str] = ()) -> str:
    """What to write for an option of a source that is a setting of a section; empty where it is none, or the value does
    not fit."""
    for name, section in words("section").items():
        option = find_option(section, key)
        if option is None or option.kind.category == "source":
            continue
        text = rewrite(value, option.kind, own)
        is_word = text in option.kind.names or (option.kind.category is not None and not text.startswith('"'))
        is_flag = isinstance(option.kind, Flag) and text in ("true", "false")
        if is_word or is_flag or (isinstance(value, tree.Number) and not isinstance(option.kind, Choice | Flag)):
            return f"write `{option.name} = {text}` on its own line in `{name}`"
    return ""


def advise_index(word: type[Word], option: Option, given: Mapping[str, tree.Expression], value: object) -> str:
    """What to write for a column that is given by its index, as in Python; empty for what is none."""
    items = value if isinstance(value, list) else [value]
    indices = [item for item in items if isinstance(item, int) and item >= 0]
    has_header = "header" in [o.name for o in word.options()]
    if not indices or len(indices) < len(items) or not has_header or option.name not in COLUMNS:
        return ""
    names, defaults = [f'"{i}"' for i in indices], [f'"column_{i + 1}"' for i in indices]
    typed = [texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" for texts in (names, defaults)]
    by_name, by_default = (f"{option.name} = {text}" for text in typed)
    if "header" in given and given["header"].span.text == "none":
        return f"columns count from 1: write `{by_default}`"
    return f"write `{by_name}` if the header has that name\nwithout a header write `header = none, {by_default}`"


def _foreign(section: type[Word], key: str, value: str) -> str | None:
    """What to write instead of a setting that has no counterpart."""
    name = squeeze(key)
    has_parts = any(o.name == "val" for o in section.options())
    numbers = re.findall(r"[0-9.]+%?", value)
    if name in SPLITS and has_parts and numbers:
        parts = numbers[1:] if len(numbers) > 1 else numbers
        named = ["test"] if len(parts) == 1 else ["val", "test"]
        return "write " + " and ".join(f"`{n} = {p}`" for n, p in zip(named, parts, strict=False)) + _LINES[len(named)]
    if name in TRAINING_PARTS and has_parts and re.fullmatch(r"0?\.[0-9]+|[0-9]+%", value):
        rest = f"{100 - int(value[:-1])}%" if value.endswith("%") else f"{1 - float(value):.10g}"
        return f"write `test = {rest}`, the other part"
    return SETTINGS[name].format(value=value) if name in SETTINGS else None


_LINES = {1: "", 2: ", each on its own line"}


def _in_other_section(
    section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement], file: tree.File
) -> str | None:
    """Where a setting of another section belongs: the line of that section, or a new one."""
    key, value = entry.name.name, entry.value
    for name, other in words("section").items():
        option = find_option(other, key) if other is not section else None
        if option is None:
            continue
        line = f"{option.name} = {rewrite(value, option.kind)}"
        what = "it is a setting" if option.name == key else f"it is `{option.name}`, a setting"
        place = next((s for s in file.statements if isinstance(s, tree.Section) and s.name.name == name), None)
        if place is None:
            others = [e for e in entries if isinstance(e, tree.Assign) and find_option(other, e.name.name) is not None]
            others = [e for e in others if find_option(section, e.name.name) is None]
            is_first = not others or others[0] is entry
            return (
                f"{what} of `{name}`: write `{name} {{ {line} }}`"
                if is_first
                else (f"{what} of `{name}`: write `{line}` into the same `{name} {{ … }}`")
            )
        number = place.name.span.first.line
        there = next((e for e in place.entries if isinstance(e, tree.Assign) and e.name.name == option.name), None)
        if there is not None:
            at = there.name.span.first.line
            return f"{what} of `{name}`, where it is given (line {at}): change it there, and remove this line"
        return f"{what} of `{name}`: move `{line}` into its braces (line {number})"
    return None


def _inside(section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement]) -> list[str]:
    """How settings are written of which the key is a word, or an option of a word; several for several meanings.

    All such lines of a section that mean the same setting are put together.
    """
    lines = []
    for option in find_meanings(section, entry, entries):
        others = [e for e in _foreign_entries(section, entries) if _merged([], option, e) is not None]
        others = [e for e in others if e is entry or sum(_merged([], o, e) is not None for o in section.options()) == 1]
        lines += _merged_line(option, entry, others, entries)
    return lines


def find_meanings(section: type[Word], entry: tree.Assign, entries: Sequence[tree.Statement]) -> list[Option]:
    """The settings of which the key is a word, or an option of a word."""
    meanings = [option for option in section.options() if _merged([], option, entry) is not None]
    given = {e.name.name: e for e in entries if isinstance(e, tree.Assign)}
    there = [o for o in meanings if o.name in given and _merged(_items(given[o.name], o), o, entry)]
    found = there or [o for o in meanings if o.name not in given] or meanings
    return sorted(found, key=lambda option: _rank(_merged([], option, entry) or []))


def merged_text(option: Option, entry: tree.Assign, given: tree.Assign | None) -> str:
    """A setting with a word, or an option of a word, that is not given in it; another word where it has no such option,
    and empty where that is of no use."""
    items = _merged(_items(given, option), option, entry) or (option.kind.is_chain and _merged([], option, entry))
    return " -> ".join(items or ())


def _rank(items: Sequence[str]) -> int:
    """How common the first of some words is; 0 for the most common one."""
    name = re.match(r"\w*", items[0])[0] if items else ""  # type: ignore[index]
    return COMMON.index(name) if name in COMMON else len(COMMON)


def _foreign_entries(section: type[Word], entries: Sequence[tree.Statement]) -> Iterator[tree.Assign]:
    for e in entries:
        if isinstance(e, tree.Assign) and find_option(section, e.name.name) is None:
            yield e


def _merged_line(
    option: Option, entry: tree.Assign, others: Sequence[tree.Assign], entries: Sequence[tree.Statement]
) -> list[str]:
    given = next((e for e in entries if isinstance(e, tree.Assign) and e.name.name == option.name), None)
    items = _items(given, option)
    is_other_word = given is not None and _merged(items, option, entry) is None
    if is_other_word and not option.kind.is_chain:
        return []
    items = [] if is_other_word else items
    ranked = sorted(others, key=lambda e: _rank(_merged([], option, e) or []), reverse=True)  # rare ones say the word
    for other in sorted(ranked, key=lambda e: len(_merged([], option, e) or [])):  # an optimizer before transforms
        items = _merged(items, option, other) or items
    line = f"{option.name} = {' -> '.join(items)}"
    if given is not None:
        at = given.name.span
        place = f" (line {at.first.line})" if at.source is entry.name.span.source else ""
        return [f"write `{line}`{place}, and remove this line"]
    return [line] if not others or others[0] is entry else [f"remove it: it is part of the line `{line}`"]


def _items(given: tree.Assign | None, option: Option) -> list[str]:
    """The words of a setting, those of other libraries as they are written here; none where it is not given."""
    if given is None:
        return []
    value, own = given.value, [id(item) for item, _ in words_of(given.value, option)]
    items = value.items if isinstance(value, tree.Chain | tree.ListLiteral) else (value,)
    return [item.span.text if id(item) in own else rewrite(item, option.kind) for item in items]


def _merged(items: list[str], option: Option, entry: tree.Assign) -> list[str] | None:
    """The words of a setting with a line that is one of its words, or an option of one; None where it is neither."""
    key, value, category = squeeze(entry.name.name), entry.value.span.text, option.kind.category or ""
    group = words(category)
    named = next((name for name in group if squeeze(name) == key), word_aliases(category).get(key))
    if named is not None:
        word = named if value in ("true", "false", "True") else f"{named}({_named_number(group[named], value)}{value})"
        if category != "optimizer":
            if any(re.match(r"\w*", item)[0] == named for item in items):  # type: ignore[index]
                return items
            return [*items, word] if option.kind.is_chain or not items else None
        if getattr(group[named], "has_rate", False):
            return None if items else [word]
        others = items or ["adam"]
        is_after = f"-> {named}" in (group[named].__doc__ or "")  # as in its example
        return [*others, word] if is_after else [word, *others]
    for name in sorted(group, key=lambda name: _rank([name])):
        found = find_option(group[name], entry.name.name)
        at = next((i for i, item in enumerate(items) if re.match(r"\w*", item)[0] == name), None)  # type: ignore[index]
        if found is None or (items and at is None):
            continue
        text = rewrite(entry.value, found.kind)
        if at is None:
            return [with_option(name, found, text)]
        return [*items[:at], with_option(items[at], found, text), *items[at + 1 :]]
    return None


def with_option(call: str, option: Option, text: str) -> str:
    """A word, with or without arguments, with a value of an option; a value that it has is replaced."""
    names = [squeeze(name) for name in (option.name, *option.aliases)]
    node = parse_value(call)
    for index, argument in enumerate(node.arguments if isinstance(node, tree.Call) else ()):
        if squeeze(argument.name.name) in names if argument.name is not None else index == option.position:
            place = argument.value.span
            return f"{call[: place.start]}{text}{call[place.end :]}"
    is_first = option.position == 0 and not isinstance(node, tree.Call)
    return _with_argument(call, text if is_first else f"{option.name} = {text}")


def parse_value(text: str) -> tree.Expression | None:
    """The tree of an expression; None where it is not one."""
    file = parse_source(Source("", text), Problems())
    statement = file.statements[0] if len(file.statements) == 1 else None
    return statement.value if isinstance(statement, tree.ExpressionStatement) else None


def words_of(value: tree.Expression, setting: Option) -> Iterator[tuple[tree.Expression, type[Word]]]:
    """The words of a setting, and how each is written."""
    for item in value.items if isinstance(value, tree.Chain | tree.ListLiteral) else (value,):
        name = item.function if isinstance(item, tree.Call) else item
        word = words(setting.kind.category or "").get(name.name) if isinstance(name, tree.Name) else None
        if word is not None:
            yield item, word


def with_option_of_setting(value: tree.Expression, setting: Option, key: str, text: str) -> tuple[Option, str] | None:
    """A setting whose first word with an option of that name, here or in another library, has another value of it; the
    option, too. None where no word has it."""
    for item, word in words_of(value, setting):
        if (option := find_option(word, key)) is not None:
            start, end, whole = item.span.start - value.span.start, item.span.end - value.span.start, value.span.text
            return option, whole[:start] + with_option(item.span.text, option, text) + whole[end:]
    return None


def _with_argument(call: str, argument: str) -> str:
    """A word, with or without arguments, with one more."""
    if not call.endswith(")"):
        return f"{call}({argument})"
    inside = call[call.index("(") + 1 : -1].strip()
    return f"{call[:-1]}, {argument})" if inside else f"{call[:-1]}{argument})"


def _named_number(word: type[Word], value: str) -> str:
    """`patience = ` for a number that is given to a word whose first argument is not a number."""
    first = next((o for o in word.options() if o.position == 0), None)
    if not value[:1].isdigit() or first is None or isinstance(first.kind, Number | Count | Time):
        return ""
    return next((f"{o.name} = " for o in word.options() if isinstance(o.kind, Number | Count)), "")


def advise_for_source(option: Option, entry: tree.Assign, entries: Sequence[tree.Statement]) -> str | None:
    """For the name of a file or a column in a setting of `data` that is an option of the source as well; empty where
    the message about the source says it."""
    texts = entry.value.items if isinstance(entry.value, tree.ListLiteral) else (entry.value,)
    is_text = all(isinstance(t, tree.String | tree.Name | tree.Attribute) for t in texts)
    given = next((e.value for e in entries if isinstance(e, tree.Assign) and e.name.name == "source"), None)
    if option.name not in ("target", "test") or not is_text or entry.value.span.text in option.kind.names:
        return None
    name = given.function if isinstance(given, tree.Call) else given
    word = words("source").get(name.name) if isinstance(name, tree.Name) else None
    if word is None:
        return "" if given is not None else None
    inner = next((o for o in word.options() if o.name == option.name), None)
    if inner is None or not isinstance(given, tree.Call):
        return None
    if any(a.name is not None and a.name.name == option.name for a in given.arguments):
        return f"it is given in the source (line {given.span.first.line}): change it there, and remove this line"
    line = f"source = {_with_argument(given.span.text, f'{option.name} = {rewrite(entry.value, inner.kind)}')}"
    return f"it is an option of the source: write `{line}` (line {given.span.first.line}), and remove this line"


def advise_source(
    option: Option, entry: tree.Assign, entries: Sequence[tree.Statement], own: Collection[str]
) -> str | None:
    """For a source that is the name of a file, or a function of another library that reads one."""
    name = entry.value.function if isinstance(entry.value, tree.Call) else entry.value
    text = entry.value.span.text
    if option.name != "source" or (isinstance(name, tree.Name) and name.name in {*own, *words("source")}):
        return None
    meant = rewrite(entry.value, option.kind, own)
    if meant == text or (meant in words("source") and isinstance(entry.value, tree.String | tree.Name)):
        return None
    if meant.startswith(("csv(", "parquet(")) and "target" not in meant:
        meant = _with_argument(meant, 'target = "…"')
    targets = [e for e in entries if isinstance(e, tree.Assign) and e.name.name in ("target", "label", "y")]
    if targets:
        column = targets[0].value.span.text
        quoted = column if column[:1] in '"[' else f'"{column}"'
        meant = meant.replace(', target = "…"', "") if column == "input" else meant.replace('"…"', quoted)
    return f"write `source = {meant}`"


def advise_entry(section: type[Word], entry: tree.Statement) -> str:
    """For a line of a section that is not `name = value`."""
    if isinstance(entry, tree.Section) and entry.name.name in RATES:
        return 'the learning rate of a layer or block follows the optimizer: `adam(1e-3) -> rate_of("backbone", 0.1)`'
    value = entry.value if isinstance(entry, tree.ExpressionStatement) else None
    first = value.items[0] if isinstance(value, tree.Chain) else value
    name = first.function if isinstance(first, tree.Call) else first
    if isinstance(name, tree.Name) and value is not None:
        for option in section.options():
            category = option.kind.category or ""
            if name.name in words(category) or squeeze(last_part(name.name)) in word_aliases(category):
                return f"write `{option.name} = {rewrite(value, option.kind)}`"
    return "write settings as `name = value`"
