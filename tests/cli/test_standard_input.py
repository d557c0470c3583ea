"""Specs from standard input: what is not text, or does not end, is a diagnostic."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netspec.cli.main import run

SPEC = b"input 4\r\ndense( 2)"
Give = Callable[[bytes], None]


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    return lambda content: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("command", [["check"], ["check", "--fix"], ["fmt"], ["fmt", "--check"]])
def test_what_is_not_a_text(
    give: Give, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(b"input 4\ndense(\xff)\n")
    assert run([*command, "-"]) == 1
    assert "error[NS109]: cannot read `<stdin>`: it is not a text file in UTF-8" in capsys.readouterr().err
    monkeypatch.setenv("NETSPEC_MAX_SPEC_MB", "0.1")
    with Path("/dev/zero").open(encoding="utf-8") as endless:
        monkeypatch.setattr("sys.stdin", endless)
        assert run([*command, "-"]) == 1
    found = capsys.readouterr().err
    assert "error[NS109]" in found and "more than the limit of 0.1 MB" in found and "NETSPEC_MAX_SPEC_MB" in found


def test_fmt(give: Give, capsys: pytest.CaptureFixture[str]) -> None:
    """The formatted text; after --json one document that has it."""
    give(b"\xef\xbb\xbf" + SPEC)
    assert run(["fmt", "-"]) == 0
    text = capsys.readouterr().out
    assert text == "input 4\ndense(2)\n"
    give(SPEC)
    assert run(["fmt", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": "-", "changed": True, "text": text}
    give(SPEC)
    assert run(["fmt", "-", "--json", "--check"]) == 1
    assert json.loads(capsys.readouterr().out) == {"file": "-", "changed": True}
    give(text.encode())
    assert run(["fmt", "-", "--check"]) == 0
    assert capsys.readouterr().out == ""
