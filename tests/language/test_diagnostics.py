"""Diagnostics as data: their templates, what may be copied, and classes of other packages."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import netspec
from netspec.compiler.errors.names import UnknownName, UnknownOption
from netspec.language.corrections import suggest
from netspec.language.diagnostics import KINDS, CompileError, Diagnostic, Fix, Note, Unplaced, fail, render
from netspec.language.reference.entries import explanation_text
from netspec.language.source import Source, Span

SPAN = Span(Source("a.net", "cnov(16) -> dense(2)"), 0, 4)


def unknown(**more: object) -> UnknownName:
    fix = Fix(SPAN, "conv")
    return UnknownName(span=SPAN, notes=(Note(SPAN, "here"),), name="cnov", kind="layer", fixes=(fix,), **more)


def test_a_diagnostic_cannot_be_changed_and_takes_its_fields_by_name() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        unknown().name = "conv"  # type: ignore[misc]
    with pytest.raises(TypeError):
        UnknownOption("conv", "strides")  # type: ignore[misc]
    with pytest.raises(TypeError, match="option"):
        UnknownOption(word="conv")  # type: ignore[call-arg]
    assert unknown() == unknown() and hash(unknown()) == hash(unknown())
    assert unknown() != unknown(advice="did you mean `conv`?")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_are_copied_and_pickled(copied) -> None:
    error = fail(unknown(advice="did you mean `conv`?"))
    twin = copied(error)
    assert type(twin) is CompileError and str(twin) == str(error)
    assert [render(d) for d in twin.diagnostics] == [render(d) for d in error.diagnostics]
    (fix,) = twin.diagnostics[0].fixes
    assert (fix.span.text, fix.replacement, fix.is_sure) == ("cnov", "conv", True)
    others = [Unplaced(UnknownName, name="a", what="b")]
    wrong = Unplaced(UnknownOption, option="stride", others=others, word="w", name="x")
    again = copied(wrong)
    assert (again.kind, again.option, again.fields, len(again.all)) == (UnknownOption, "stride", wrong.fields, 2)


@pytest.fixture
def own_kind():
    class Own(Diagnostic):
        """A mistake of another package."""

        code = "OWN1"
        title = {"deep": "`{name}` is too deep", "": "`{name}` is wrong"}
        label = {"deep": "{depth} levels"}
        hint = "name it\n{advice}\nor remove it"
        name: str
        depth: int = 0

    yield Own
    del KINDS["OWN1"]


def test_a_template_may_depend_on_the_case(own_kind) -> None:
    plain, deep = own_kind(name="a"), own_kind(case="deep", name="a", depth=3)
    assert (plain.message, plain.label_text) == ("`a` is wrong", "")
    assert (deep.message, deep.label_text) == ("`a` is too deep", "3 levels")
    assert plain.hint_text == "name it\nor remove it", "an empty line is left out"
    assert "A mistake of another package." in explanation_text(own_kind)


def test_a_code_belongs_to_one_class(own_kind) -> None:
    with pytest.raises(ValueError, match="OWN1 is taken by Own"):
        type("Other", (Diagnostic,), {"code": "OWN1"})


def test_programs_of_another_package_are_beside_its_module(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from netspec.language.diagnostics import Diagnostic\n\n"
        "class Own(Diagnostic):\n"
        '    """A page."""\n'
        '    code = "OWN2"\n'
        '    title = "wrong: {what}"\n'
        "    what: str\n"
    )
    (tmp_path / "own.net").write_text("# OWN2 wrong\ninput 8\n\n# OWN2 right\ninput 8\ndense(2)\n")
    command = [sys.executable, "-m", "netspec", "--import", "own", "explain", "own2"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    right = "Right:\n    input 8\n    dense(2)\n"
    assert ran.stdout == f"error[OWN2]: A page.\n\nWrong:\n    input 8\n\n{right}"


def test_only_the_near_name_or_a_few_likely_ones_are_listed() -> None:
    known = [f"word_{i}" for i in range(60)] + ["conv", "convert"]
    assert suggest("cnov", known) == "did you mean `conv`?"
    assert suggest("zzz", ["b", "a"], what="its columns") == "its columns: a, b"
    assert suggest("conqqqqqq", known, limit=2, rest="more there") == "known: conv, convert, …; more there"
    assert suggest("zzz", []) == ""


def test_a_list_of_words_is_short_however_often_it_is_needed() -> None:
    found = netspec.check("input 4\ndense(2, qqqqq) -> dense(2, zzzzz)\ntrain { optimizer = qqqqq\nwwwww = 3 }")
    assert len(found) == 4
    for problem in found:
        assert len(problem.hint_text.split(", ")) <= 13 and "`netspec words`" in problem.hint_text
