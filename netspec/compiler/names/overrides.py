"""What the command line adds to a spec (`-D name=value`, `--input`), put into the tree before names are bound."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.compiler.errors.values import CannotSet
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Problems, suggest
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words


def parse_expression(name: str, text: str, problems: Problems) -> tree.Expression | None:
    """A single expression, such as a value from the command line; None (and a diagnostic) if it is not one."""
    file = parse_source(Source(name, text), problems)
    if len(file.statements) == 1 and isinstance(file.statements[0], tree.ExpressionStatement):
        return file.statements[0].value
    return None


def apply_overrides(file: tree.File, overrides: Mapping[str, str], problems: Problems) -> tree.File:
    """The tree with the values of `param` statements and of settings replaced.

    `width=64` sets a `param`, and its type must be that of the default; `train.epochs=3` sets a value of a section.
    """
    for name, text in overrides.items():
        value = parse_expression("--data" if name == "data.source" else f"-D {name}", text, problems)
        if value is None:
            problems.add(CannotSet(case="value", name=name, text=text))
        elif "." in name:
            file = _set_in_section(file, name, value, _written(name, text))
        else:
            file = _set_param(file, name, value, _written(name, text), problems)
    return file


def _written(name: str, text: str) -> Span:
    """The place of a name on the command line."""
    return Span(Source("command line", f"-D {name}={text}"), 3, 3 + len(name))


def _set_param(file: tree.File, name: str, value: tree.Expression, place: Span, problems: Problems) -> tree.File:
    params = {s.name.name: s for s in file.statements if isinstance(s, tree.Param)}
    if name not in params:
        if name not in file.broken:
            advice = suggest(name, params, what="params of the file") or "the file has no `param`; add `param name = 1`"
            for section, settings in words("section").items():
                if any(option.name == name for option in settings.options()):
                    advice = f"did you mean `-D {section}.{name}={value.span.text}`?"
            problems.add(CannotSet(span=place, case="param", name=name, advice=advice))
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


def _set_in_section(file: tree.File, name: str, value: tree.Expression, place: Span) -> tree.File:
    section_name, _, key = name.partition(".")
    before = Span(place.source, place.start, place.start + len(section_name))
    after = Span(place.source, before.end + 1, place.end)
    setting = tree.Assign(span=value.span, name=tree.Name(span=after, name=key), value=value)
    statements = list(file.statements)
    for index, section in enumerate(statements):
        if isinstance(section, tree.Section) and section.name.name == section_name:
            kept = [e for e in section.entries if not (isinstance(e, tree.Assign) and e.name.name == key)]
            statements[index] = section.replace(entries=(*kept, setting))
            break
    else:
        name_node = tree.Name(span=before, name=section_name)
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
