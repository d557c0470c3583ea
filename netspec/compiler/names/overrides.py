"""What the command line and Python add to a spec (`-D name=value`, `params=`, `--input`), put into the tree before
names are bound."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.compiler.errors.values import CannotSet
from netspec.compiler.names.given import Given, advise_given, setting_of
from netspec.compiler.names.hints.settings import REST, with_option_of_setting, words_of
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.corrections import nearest, suggest
from netspec.language.diagnostics import Problems
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words
from netspec.language.word import Option


def parse_expression(source: Source, problems: Problems) -> tree.Expression | None:
    """A single expression, such as a value from the command line; None (and a diagnostic) if it is not one."""
    file = parse_source(source, problems)
    if len(file.statements) == 1 and isinstance(file.statements[0], tree.ExpressionStatement):
        return file.statements[0].value
    return None


def apply_overrides(file: tree.File, overrides: Mapping[str, str], problems: Problems) -> tree.File:
    """The tree with the values of `param` statements and of settings replaced.

    `width=64` sets a `param`, and its type must be that of the default; `train.epochs=3` sets a value of a section, and
    `train.optimizer.rate=0.1` an option of the first word of that setting that has it.
    """
    for name, text in overrides.items():
        given = Given.of(name, text)
        value = parse_expression(given.value_source(text), problems)
        if value is None:
            problems.add(CannotSet(case="value", name=name, text=text, advice=given.write(name, "VALUE")))
        elif name.count(".") > 1 and (option := _find_setting(name)) is not None:
            file = _set_option(file, option, given, value, problems)
        elif "." in name:
            file = _set_in_section(file, value, given)
        else:
            file = _set_param(file, name, value, given, problems)
    return file


def _find_setting(name: str) -> Option | None:
    """The setting `optimizer` of `train.optimizer.rate`, if it takes words."""
    section, key, _ = name.split(".", 2)
    options = words("section")[section].options() if section in words("section") else ()
    return next((o for o in options if o.name == key and o.kind.category), None)


def _set_option(
    file: tree.File, setting: Option, given: Given, value: tree.Expression, problems: Problems
) -> tree.File:
    section, _, name = given.key.split(".", 2)
    before = setting_of(file, section, setting)
    changed = None if before is None else with_option_of_setting(before, setting, name, given.value)
    if changed is None or changed[0].name != name:
        known = [] if before is None else [o.name for _, word in words_of(before, setting) for o in word.options()]
        close = changed[0].name if changed is not None else nearest(name, known)
        advice = advise_given(given, value, file) or suggest(name, known, what="its options", rest=REST)
        if close is not None:
            advice = f"did you mean `{given.write(f'{section}.{setting.name}.{close}', given.value)}`?"
        text = setting.name if before is None else before.span.text
        problems.add(CannotSet(span=given.span(name), case="option", name=given.key, text=text, advice=advice))
        return file
    new = parse_expression(given.value_source(changed[1]), problems)
    return file if new is None else _set_in_section(file, new, Given.of(f"{section}.{setting.name}", given.value))


def _set_param(file: tree.File, name: str, value: tree.Expression, given: Given, problems: Problems) -> tree.File:
    params = {s.name.name: s for s in file.statements if isinstance(s, tree.Param)}
    if name not in params:
        if name not in file.broken:
            advice = advise_given(given, value, file) or suggest(name, params, what="params of the file")
            advice = advice or f"the file has no `param`; add `param {name} = {given.value}`"
            problems.add(CannotSet(span=given.span(name), case="param", name=name, advice=advice))
        return file
    param = params[name]
    wanted = _type_of(param.value)
    if wanted is not None and _type_of(value) not in (wanted, *_ALSO.get(wanted, ())):
        default, text = param.value.span.text, value.span.text
        problems.add(CannotSet(span=value.span, case="type", name=name, text=text, wanted=wanted, default=default))
        return file
    changed = param.replace(value=value)
    return file.replace(statements=tuple(changed if s is param else s for s in file.statements))


_ALSO = {"a number": ("an integer",)}


def _type_of(value: tree.Expression) -> str | None:
    """What a literal is, in words; None for an expression whose type shows only later."""
    if isinstance(value, tree.Unary) and value.operator == "-":
        value = value.operand
    if isinstance(value, tree.Number):
        return "an integer" if isinstance(value.value, int) else "a number"
    return {tree.Boolean: "true or false", tree.String: "a string"}.get(type(value))


def _set_in_section(file: tree.File, value: tree.Expression, given: Given) -> tree.File:
    section_name, _, key = given.key.partition(".")
    before, after = given.span(given.key), given.span(key)
    setting = tree.Assign(span=value.span, name=tree.Name(span=after, name=key), value=value)
    statements = list(file.statements)
    for index, section in enumerate(statements):
        if isinstance(section, tree.Section) and section.name.name == section_name:
            kept = [e for e in section.entries if not (isinstance(e, tree.Assign) and e.name.name == key)]
            statements[index] = section.replace(entries=(*kept, setting))
            break
    else:
        name_node = tree.Name(span=Span(given, before.start, before.start + len(section_name)), name=section_name)
        statements.append(tree.Section(span=value.span, name=name_node, entries=(setting,)))
    return file.replace(statements=tuple(statements))


def add_input(file: tree.File, text: str, problems: Problems) -> tree.File:
    """The tree with `input TEXT` as its first statement, for a spec that declares no input."""
    declared = next((s for s in file.statements if isinstance(s, tree.InputDeclaration)), None)
    if declared is not None:
        problems.add(CannotSet(span=declared.span, case="declared"))
        return file
    added = parse_source(Source("--input", f"input {text}"), problems)
    shapes = [s for s in added.statements if isinstance(s, tree.InputDeclaration)]
    if len(shapes) != 1 or len(added.statements) != 1:
        problems.add(CannotSet(case="shape", text=text))
        return file
    return file.replace(statements=(*shapes, *file.statements))
