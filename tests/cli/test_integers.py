"""Integers that are too large or too small are refused with their limits: in options, settings and Python arguments."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError

SPEC = "input 4\ndense(3, softmax)\ndata { source = iris }\ntrain { epochs = 1 }\n"
RUN = Path(__file__).parents[1] / "storage" / "old_runs" / "table" / "run"
WRONG = {"epochs": (10**30, -1, 0), "batch": (10**30, -1, 0), "seed": (10**30, -1), "seeds": (10**30, 10**9, -1, 0)}
OPTIONS = (
    ["train", "--seed", "N"], ["train", "--seeds", "N"], ["augment", "--seed", "N"], ["lr", "--steps", "N"],
    ["verify-resume", "--epochs", "N"], ["verify-resume", "--steps", "N"],
)  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_settings(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.net").write_text(SPEC)
    for number in WRONG[name]:
        given: dict[str, Any] = {name: number}
        for train in (netspec.train, netspec.train_seeds):
            with pytest.raises(CompileError) as caught:
                train(SPEC, runs=tmp_path / "runs", verbose=0, **given)
            assert [d.code for d in caught.value.diagnostics] == ["NS206"]
        assert [d.code for d in netspec.check(SPEC, params={f"train.{name}": number})] == ["NS206"]
        assert run(["check", str(tmp_path / "net.net"), "-D", f"train.{name}={number}"]) == 1
        assert "error[NS206]" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("number", [10**30, -1, 0])
def test_arguments(number: int, tmp_path: Path) -> None:
    copied = shutil.copytree(RUN, tmp_path / "run")
    with pytest.raises((CompileError, ValueError)):
        netspec.resume(copied, epochs=number, verbose=0)
    if number < 1:
        with pytest.raises(ValueError, match="`batch` is a positive integer"):
            netspec.predict(RUN, "1,2", batch=number)
    if number != 0:
        with pytest.raises(ValueError, match="`seed` is an integer from 0 to 4294967295"):
            netspec.compile(SPEC, seed=number)


@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_options(option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.net").write_text(SPEC)
    for number in (10**30, -1):
        arguments = [argument.replace("N", str(number)) for argument in option]
        assert run([arguments[0], str(tmp_path / "net.net"), *arguments[1:]]) == 1
        assert "error" in capsys.readouterr().err
