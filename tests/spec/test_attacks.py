"""Specs with mistakes of any kind, and names that nobody would choose: a diagnostic, never another exception.

A sample; `--long` checks thousands.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError, render
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.net"))
PIECE = re.compile(r'"[^"\n]*"|#[^\n]*|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+%?|->|\n|.')
NUMBERS = ["0", "-1", "1e308", "1e-320", "9" * 30, "0.1", "2**99", "nan", "10%", "3x3", "1x1x1x1x1", "100000000"]
NAMES = ["a", "relu", "dense", "conv", "input", "classes", "none", "true", "train", "data", "output", "def", "auto"]
SIGNS = ["(", ")", "[", "]", "{", "}", "->", "|", "+", "=", ",", "\n", "\t", "\0", '"', "#", "\u202e", "\U0001f600"]


def mutated(text: str, rng: Random) -> str:
    """A spec with one to six pieces removed, doubled, swapped, or replaced by something of the same or another kind."""
    pieces = PIECE.findall(text)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(pieces))
        other = rng.choice([*NUMBERS, *NAMES, *SIGNS, rng.choice(pieces)])
        match rng.randrange(6):
            case 0:
                del pieces[at : at + rng.randint(1, 4)]
            case 1:
                pieces[at:at] = pieces[at : at + rng.randint(1, 30)]
            case 2:
                to = rng.randrange(len(pieces))
                pieces[at], pieces[to] = pieces[to], pieces[at]
            case 3:
                pieces.insert(at, other)
            case _:
                pieces[at] = other
        if not pieces:
            pieces = ["a"]
    return "".join(pieces)


def test_mutated_specs(long: bool) -> None:
    rng, texts, slow = Random(11), [path.read_text() for path in SPECS], 0.0
    assert len(texts) > 10
    short = [text for text in texts if len(text) < 1500]
    for number in range(5000 if long else 60):
        text = mutated(rng.choice(texts if long else short), rng)
        began = time.process_time()
        for problem in Compilation(Source("attack", text)).diagnose():
            assert problem.message and render(problem), number
            assert len(problem.message) < 2000, problem.code
        slow = max(slow, time.process_time() - began)
    assert slow < 10


# ---------------------------------------------------------------- names

WORST = [
    "", " ", ".", "..", "../..", "/", "//", "~", "-", "--", "-x", "a b", "a\nb", "a\0b", "\0", "a\tb", "a\rb",
    "x" * 255, "x" * 256, "x" * 5000, "ä" * 130, "\u202enet", "\U0001f600", "con", "nul", "a:b", "a*b", "a?b", "a|b",
    'a"b', "a'b", "a\\b", "a/b", "a//b", "/dev/null", "/dev/zero", "/proc/self/mem", "/etc/passwd", "%s", "{}", "{0}",
    "{a.b}", "$HOME", "`id`", "$(id)", ";id", "\x1b[31m", "\x7f", "\ufeff", "NaN", "None", "__class__", "__init__",
    "self", "import os", "train.epochs", "0", "-1", "1e999", "a.net", ".net", "file://x", "http://x", "a#b", "[", "]",
    "{", "}", "(", ")", "a,b", "a=b", "\u2028", "a" + "\u0301" * 500,
]  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.net").write_text("input 4\ndense(3, relu) -> dense(2, softmax)\n")
    return tmp_path


def names(long: bool) -> list[str]:
    rng = Random(12)
    mixed = [rng.choice(WORST) + rng.choice(WORST) for _ in range(500 if long else 10)]
    return [*WORST, *mixed] if long else [*WORST[::4], *mixed]


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    "command", ["check", "show", "diff", "eval", "compile", "runs", "resume", "runs rm", "define", "explain"]
)
def test_hostile_names_on_the_command_line(
    here: Path, command: str, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 0 or 1; 2 is a bug of netspec, and any other exception is one as well."""
    before = sorted(here.iterdir())
    for name in names(long):
        if name == "-":
            continue  # the standard input
        arguments = {
            "check": ["check", "--", name], "show": ["show", "--", name], "diff": ["diff", "--", name, "good.net"],
            "eval": ["eval", "--", name], "compile": ["compile", "good.net", "--input", name],
            "runs": ["runs", "--runs", name], "resume": ["train", "--resume", name],
            "runs rm": ["runs", "rm", "--yes", "--", name], "define": ["check", "good.net", "-D", name],
            "explain": ["explain", "--", name],
        }[command]  # fmt: skip
        assert run(arguments) in (0, 1), name[:60]
        assert len(capsys.readouterr().err) < 20_000, name[:60]
    assert sorted(here.iterdir()) == before


def test_hostile_names_in_a_spec(here: Path, long: bool) -> None:
    for name in names(long):
        for text in (
            f"use {quoted(name)} (a)\ninput 4\na -> dense(2)\n",
            f"input 4\n{name} = dense(2)\n",
            f"input 4\ndense(2, name = {quoted(name)})\n",
            f"input 4\ndense(2)\ndata {{\n    source = csv({quoted(name)}, target = {quoted(name)})\n}}\n",
            f"input 4\ndense(2)\ndata {{\n    source = npz({quoted(name)})\n}}\n",
            f"input 4\ndense(2)\ndata {{\n    source = images({quoted(name)})\n}}\n",
            f"input 4\ndense(2)\ndata {{\n    source = text({quoted(name)}, length = 8)\n}}\n",
            f"input 4\ndense(2)\ndata {{\n    source = parquet({quoted(name)}, target = {quoted(name)})\n}}\n",
        ):
            for problem in Compilation(Source("attack", text, here / "attack.net")).diagnose():
                assert render(problem) and len(problem.message) < 3000, name[:60]


def test_hostile_names_of_runs_and_weights(here: Path, long: bool) -> None:
    """A spec may have any name that a file can have; its run is inside of the folder of the runs."""
    x, y = np.zeros((8, 4), np.float32), np.zeros(8, np.int32)
    from netspec.storage.run_folder import Run

    (here / "runs").mkdir()
    for name in names(long):
        made = Run.create(here / "runs", name, {}, {}).path
        assert made.parent == here / "runs" and made.is_dir()
        try:
            Run.create(here / "folder" / name, "net", {}, {})
        except CompileError as error:
            assert error.diagnostics[0].code == "NS477", name[:60]
        with pytest.raises(CompileError):
            netspec.load(name or ".")
    long_name = here / ("n" * 240 + ".net")
    long_name.write_text((here / "good.net").read_text())
    result = netspec.train(long_name, (x, y), epochs=1, runs=here / "runs", verbose=0)
    assert result.run.name == "n" * 200 + "-1"
    for name in names(long)[:: 1 if long else 6]:
        if name in ("", ".", "..", "../..", "/", "//", "~"):
            continue
        with pytest.raises(CompileError) as caught:
            netspec.train(here / "good.net", (x, y), init=quoted(name), runs=here / "runs", verbose=0)
        assert "embedded" not in str(caught.value)
