"""Pipes, devices, folders and huge files where a spec, a used file or weights are named: an error, at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError
from netspec.training.loop.warm_start import read_start

KINDS = {
    "pipe": "it is a named pipe, not a file",
    "device": "it is a device, not a file",
    "folder": "it is a folder",
    "large": "and the limit is 16 MB",
}


@pytest.fixture(params=KINDS)
def special(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    path, kind = tmp_path / "special.net", str(request.param)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(10**12)  # of zeros, without taking space
    return path, KINDS[kind]


def reasons(caught: pytest.ExceptionInfo[CompileError]) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in caught.value.diagnostics]


def test_a_spec(special: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    path, reason = special
    with pytest.raises(CompileError) as caught:
        netspec.check(path)
    ((code, message),) = reasons(caught)
    assert code == "NS109" and reason in message
    for command in ("check", "fmt", "compile", "train"):
        assert run([command, str(path)]) == 1
        assert "NS109" in capsys.readouterr().err


def test_a_used_file(special: tuple[Path, str], tmp_path: Path) -> None:
    path, reason = special
    (tmp_path / "main.net").write_text(f'use "{path.name}" (a)\ninput 4\na -> dense(2)\n')
    found = [d for d in netspec.check(tmp_path / "main.net") if d.code == "NS209"]
    assert len(found) == 1 and reason in found[0].message


def test_weights(special: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reason = special
    reason = reason.replace("16 MB", "64 GB").replace("it is a folder", "the folder has no weights.safetensors")
    with pytest.raises(CompileError) as caught:
        read_start(path.name, tmp_path)
    ((code, message),) = reasons(caught)
    assert code == "NS511" and reason in message


@pytest.mark.parametrize("name", ["a\0b.net", "x" * 300 + ".net", "..", "no/such/folder/a.net", "a.net/"])
def test_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError) as caught:
        netspec.check(Path(name))
    assert reasons(caught)[0][0] == "NS109"
    for call in (netspec.load, netspec.resume, netspec.evaluate):
        with pytest.raises(CompileError) as caught:
            call(name)
        assert reasons(caught)[0][0] == "NS473"
    with pytest.raises(CompileError) as caught:
        read_start(name, Path("a"))
    assert reasons(caught)[0][0] == "NS511"
