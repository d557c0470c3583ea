"""Binds the sections of a file: which key is which setting, and what its value means."""

from __future__ import annotations

import re
from collections.abc import Callable

from netspec.compiler.errors.names import GivenTwice, UnknownOption, WrongValue
from netspec.compiler.errors.values import NoValue, UnknownSection
from netspec.compiler.names.given import Given, GivenValue, advise_given
from netspec.compiler.names.hints.settings import (
    advise_entry,
    advise_for_source,
    advise_setting,
    advise_source,
)
from netspec.compiler.names.resolution import Resolution, SettingsBlock
from netspec.compiler.names.scope import Scope
from netspec.compiler.names.statements import check_expectation
from netspec.compiler.syntax import tree
from netspec.language.corrections import corrections, squeeze, suggest
from netspec.language.diagnostics import Fix, Note, Problems
from netspec.language.values import describe
from netspec.language.vocabulary import words
from netspec.language.word import Option

Bind = Callable[..., None]
"""What binds the names of an expression: `bind(expression, scope, kind)`."""


def bind_section(section: tree.Section, scope: Scope, resolution: Resolution, problems: Problems, bind: Bind) -> None:
    """Bind the settings of a section, or the expectations of `expect`."""
    name = section.name.name
    if name == "expect":
        for entry in section.entries:
            if (expectation := check_expectation(entry, problems)) is not None:
                bind(expectation.right, scope)
                resolution.expectations.append(expectation)
        return
    word = words("section").get(name)
    if word is None:
        advice, fixes = section_advice(section)
        [first, *_] = section.entries or (None,)
        if isinstance(given := section.name.span.source, Given) and isinstance(first, tree.Assign):
            advice, fixes = advise_given(given, first.value, resolution.file) or advice, ()
        problems.add(UnknownSection(span=section.name.span, name=name, advice=advice, fixes=fixes))
        return
    if name in resolution.settings:
        notes = (Note(resolution.settings[name].section.name.span, "first given here"),)
        problems.add(UnknownSection(span=section.name.span, notes=notes, case="twice", name=name))
        return
    block = SettingsBlock(word, section)
    resolution.settings[name] = block
    for entry in section.entries:
        _setting(block, entry, scope, resolution.file, problems, bind)


def _setting(
    block: SettingsBlock, entry: tree.Statement, scope: Scope, file: tree.File, problems: Problems, bind: Bind
) -> None:
    name = block.section.name.name
    if isinstance(entry, tree.Section):
        _inner(block, entry, scope, problems)
        return
    if not isinstance(entry, tree.Assign):
        advice = advise_entry(block.word, entry)
        problems.add(NoValue(span=entry.span, case="setting", name=name, advice=advice))
        return
    key = entry.name.name
    option = next((o for o in block.word.options() if o.name == key), None)
    if option is None:
        advice, fixes = advise_setting(block.word, entry, block.section.entries, file)
        if isinstance(given := entry.name.span.source, Given):
            advice, fixes = advise_given(given, entry.value, file) or advice, ()
        block.is_broken |= name == "data" and "`source" in advice
        wrong = UnknownOption(span=entry.name.span, word=name, option=key, noun="setting", advice=advice, fixes=fixes)
        problems.add(wrong)
        return
    if key in block.values:
        note = Note(block.values[key].span, "given here")
        problems.add(GivenTwice(span=entry.name.span, notes=(note,), word=name, option=key))
        return
    if name != "data" or not _is_misplaced(block, entry, option, scope, problems):
        block.values[key] = entry.value
        bind(entry.value, scope, option.kind)


def _inner(block: SettingsBlock, section: tree.Section, scope: Scope, problems: Problems) -> None:
    """A section inside of another one. Names in it count as used; what they mean there is known by who reads it."""
    name, allowed = section.name.name, block.word.inner_sections
    if name in block.inner:
        notes = (Note(block.inner[name].name.span, "first given here"),)
        problems.add(UnknownSection(span=section.name.span, notes=notes, case="twice", name=name))
    elif name in allowed:
        block.inner[name] = section
        nodes: list[tree.Node] = [*section.entries]
        while nodes:
            node = nodes.pop()
            nodes += node.children()
            if isinstance(node, tree.Name) and (symbol := scope.find(node.name)) is not None:
                symbol.uses += 1
    elif not allowed:
        advice = advise_entry(block.word, section)
        problems.add(NoValue(span=section.span, case="setting", name=block.section.name.name, advice=advice))
    else:
        fixes = corrections(section.name.span, allowed)
        advice = suggest(name, allowed, what=f"sections in `{block.section.name.name}`")
        problems.add(UnknownSection(span=section.name.span, name=name, advice=advice, fixes=fixes))


def _is_misplaced(block: SettingsBlock, entry: tree.Assign, option: Option, scope: Scope, problems: Problems) -> bool:
    """Report the name of a file or a column that belongs into a data source; whether a value is one."""
    entries = block.section.entries
    advice = advise_source(option, entry, entries, [*scope.visible()])
    advice = advice or advise_for_source(option, entry, entries)
    if advice is None:
        return False
    block.is_broken = True
    source, written = entry.value.span.source, re.fullmatch("write `source = ([^`]*)`", advice)
    if isinstance(source, GivenValue) and source.given is not None and written is not None:
        advice = f"write `{source.given.write('data.source', written[1])}`"
    if advice:
        text = entry.value.span.text
        what, given = f"`{option.name}` of `data`", describe(text[1:-1]) if text[0] == '"' else f"`{text}`"
        expected, span = option.kind.describe(), entry.value.span
        problems.add(WrongValue(span=span, what=what, expected=expected, given=given, advice=advice))
    return True


SECTIONS = {
    **dict.fromkeys(["fit", "training", "optimizer", "compile", "hyperparameters"], "train"),
    **dict.fromkeys(["dataset", "datasets", "input"], "data"),
    **dict.fromkeys(["search", "sweep", "hyperopt", "optuna", "tuner"], "tune"),
    **dict.fromkeys(["expectations", "assert", "test", "tests"], "expect"),
}
"""What people call the sections, squeezed."""

NETWORKS = ("model", "network", "net", "layers", "architecture", "sequential")
"""What people call a section with the layers, squeezed."""


def section_advice(section: tree.Section) -> tuple[str, tuple[Fix, ...]]:
    """For a section that is not known."""
    name, known = section.name.name, [*words("section"), "expect"]
    if squeeze(name) in NETWORKS:
        return f"write the layers without `{name} {{ }}` around them, on a line joined by `->`", ()
    advice = suggest(name, known, what="sections", aliases=SECTIONS)
    return advice, corrections(section.name.span, known, SECTIONS)
