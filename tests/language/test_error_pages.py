"""The pages of the error codes: each one's wrong program gives the code, its right one does not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from string import Formatter

import pytest

from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import KINDS, Diagnostic, Problems, render
from netspec.language.reference.entries import explanation_text, programs
from netspec.language.source import Source
from netspec.language.vocabulary import RESERVED
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


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if programs(kind)], ids=lambda kind: kind.code)
def test_the_programs_of_every_page_parse(kind: type[Diagnostic]) -> None:
    """Those about data and training name files that are not there: their names and settings are right all the same."""
    texts = programs(kind) if kind.code >= "NS400" else {"right": programs(kind)["right"]}
    for text in texts.values():
        spec = Compilation(Source("page", text))
        assert spec.resolution is not None
        wrong = [render(problem) for problem in spec.problems.errors if problem.code < "NS300"]
        assert wrong == [] or kind.code in "".join(wrong), text


def fragments(kind: type[Diagnostic]) -> list[str]:
    """Code of netspec in the hints of an error: what has no value to fill in, and is not a command or Python."""
    hints = [kind.hint] if isinstance(kind.hint, str) else list(kind.hint.values())
    found = [text for hint in hints for text in re.findall("`([^`]+)`", re.sub(r"\{\{|\}\}", lambda m: m[0][0], hint))]
    return [text for text in found if text not in RESERVED.split() and not re.search(FOREIGN, text)]


FOREIGN = (
    r"\{[a-z_]+\}|^-o |^lambda\b|^(netspec|pip|srun|wandb|numpy|np|jax|x|y|import)\b[ .\[]|--|-D |^\(?\{\x22"
    r"|/|\.astype|^[^\w(\[]+$|=\S"
)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if fragments(kind)], ids=lambda kind: kind.code)
def test_code_in_hints_parses(kind: type[Diagnostic]) -> None:
    for text in fragments(kind):
        full = text.replace("…", "_")
        forms = [full, f"train {{ {full} }}", f"f({full})", f"a {full}", f"a = {full}"]
        problems = [Problems() for _ in forms]
        for form, found in zip(forms, problems, strict=True):
            parse_source(Source("hint", form), found)
        assert any(not found.errors for found in problems), text


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
