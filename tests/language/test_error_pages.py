"""The pages of the error codes: each one's wrong program gives the code, its right one does not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from string import Formatter

import pytest

from netspec.language.diagnostics import KINDS, Diagnostic, Problems, render
from netspec.language.reference.entries import explanation_text, programs
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

FRONT_HALF = sorted((kind for code, kind in KINDS.items() if code < "NS400"), key=lambda kind: kind.code)
WITH_PROGRAMS = [kind for kind in FRONT_HALF if programs(kind)]

WITHOUT_PROGRAMS = {
    "NS109": "a file that cannot be read",
    "NS214": "what the command line says",
}
"""Mistakes that do not stand in the text of one file."""


def diagnose(text: str) -> Problems:
    return Compilation(Source("page", text)).diagnose()


@pytest.mark.parametrize("kind", WITH_PROGRAMS, ids=lambda kind: kind.code)
def test_the_wrong_program_gives_the_code(kind: type[Diagnostic]) -> None:
    found = diagnose(programs(kind)["wrong"])
    assert kind.code in [d.code for d in found], [render(d) for d in found]
    others = [render(d) for d in found.errors if d.code != kind.code]
    assert others == [], "one mistake, one message"


@pytest.mark.parametrize("kind", WITH_PROGRAMS, ids=lambda kind: kind.code)
def test_the_right_program_is_right(kind: type[Diagnostic]) -> None:
    found = diagnose(programs(kind)["right"])
    assert [render(d) for d in found] == []


@pytest.mark.parametrize("kind", FRONT_HALF, ids=lambda kind: kind.code)
def test_every_page_has_programs(kind: type[Diagnostic]) -> None:
    assert set(programs(kind)) == (set() if kind.code in WITHOUT_PROGRAMS else {"wrong", "right"})


def test_every_program_belongs_to_an_error() -> None:
    """A section under a code that no class of the module has would never be shown, nor be compiled by a test."""
    for path in {Path(inspect.getfile(kind)).with_suffix(".net") for kind in KINDS.values()}:
        if path.is_file():
            codes = re.findall(r"^# (\w+) (?:wrong|right)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            text = path.with_suffix(".py").read_text(encoding="utf-8")
            assert codes and all(f'code = "{code}"' in text for code in codes), path
            assert len(codes) == sum(len(programs(kind)) for kind in KINDS.values() if kind.code in codes), path


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_every_page_says_what_the_mistake_is(kind: type[Diagnostic]) -> None:
    summary = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    assert summary.endswith("."), summary
    assert kind.title and explanation_text(kind).startswith(f"{kind.severity}[{kind.code}]: ")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_templates_name_fields_of_their_class_and_share_their_cases(kind: type[Diagnostic]) -> None:
    templates = (kind.title, kind.label, kind.hint)
    cases = [set(template) for template in templates if not isinstance(template, str)]
    texts = [t for template in templates for t in ([template] if isinstance(template, str) else template.values())]
    named = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    assert named <= set(kind.__struct_fields__)
    if not isinstance(kind.title, str) and "" not in kind.title:
        assert set().union(*cases) - {""} <= set(kind.title), "a case without a title"
