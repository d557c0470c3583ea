"""Names that no file can have, wherever a command or a function takes one: a diagnostic, and no file is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError

RUN = str(Path(__file__).parents[1] / "storage" / "old_runs" / "table" / "run")
IMAGES = "input 8x8x1\nflatten -> dense(10, softmax)\ndata {\n    source = digits\n    augment = rotate(5)\n}\n"
NAMES = {"NUL": "a\0b", "long": "n" * 300, "deep": "d/" * 3000 + "d"}
COMMANDS = (
    ["check", "NAME"], ["check", "--fix", "NAME"], ["fmt", "NAME"], ["show", "NAME"], ["show", "NAME", "--weights"],
    ["show", "--run", "NAME", "net.net"], ["compile", "NAME"], ["compile", "net.net", "-o", "NAME"],
    ["compile", "net.net", "-o", "m.py", "--inference", "--run", "NAME"], ["diff", "net.net", "NAME"],
    ["augment", "NAME"], ["augment", "net.net", "-o", "NAME.png"], ["lr", "NAME"], ["tune-speed", "NAME"],
    ["verify-resume", "NAME"], ["train", "NAME"], ["train", "--example", "NAME"], ["train", "--resume", "NAME"],
    ["train", "net.net", "--runs", "NAME"], ["train", "net.net", "-D", 'train.init="NAME"'],
    ["eval", "NAME"], ["eval", RUN, "--data", 'csv("NAME")'], ["runs", "rm", "NAME"], ["runs", "compare", "NAME", RUN],
    ["examples", "NAME"], ["words", "NAME"], ["words", "--write", "NAME"], ["explain", "NAME"],
    ["--import", "NAME", "check", "net.net"], ["predict", "NAME", "1,2"], ["predict", RUN, "NAME"],
    *(["predict", RUN, f"NAME{ending}"] for ending in (".csv", ".npy", ".npz", ".parquet", ".png")),
    ["predict", RUN, "1,2", "-o", "NAME.csv"],
)  # fmt: skip
SOURCES = (
    'csv("NAME")', 'csv("NAME", target = "NAME")', 'npy("NAME")', 'npy("NAME", "NAME")', 'idx("NAME", "NAME")',
    'npz("NAME")', 'images("NAME")', 'text("NAME", length = 8)', 'parquet("NAME", target = "a")', "NAME",
)  # fmt: skip
CALLS: dict[str, Callable[[Any], Any]] = {
    "load": netspec.load,
    "evaluate": netspec.evaluate,
    "resume": netspec.resume,
    "resume_seeds": netspec.resume_seeds,
    "check": lambda name: netspec.check(Path(name)),
    "parse": lambda name: netspec.parse(Path(name)),
    "predict with": lambda name: netspec.predict(name, "1,2"),
    "predict": lambda name: netspec.predict(RUN, Path(name)),
    "predict all": lambda name: netspec.predict(RUN, [name]),
    "data": lambda name: netspec.evaluate(RUN, f'csv("{name}")'),
    "train resume": lambda name: netspec.train("net.net", resume=name, verbose=0),
    "train runs": lambda name: netspec.train("net.net", runs=name, verbose=0),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.net").write_text(IMAGES)
    return tmp_path


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_commands(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = [*COMMANDS, *(["check", "net.net", "--data", source] for source in SOURCES)]
    for command in commands:
        assert run([argument.replace("NAME", name) for argument in command]) == 1, command
        found = capsys.readouterr().err
        assert "error" in found and len(found) < 20_000, command
        assert not any(word in found for word in ("Traceback", "embedded", "<member", "ValueError")), (command, found)
        assert "hint: None" not in found, command
    assert [path.name for path in here.iterdir()] == ["net.net"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_functions(here: Path, name: str) -> None:
    for what, call in CALLS.items():
        with pytest.raises(CompileError) as caught:
            call(name)
        assert "<member" not in str(caught.value), what
    assert [path.name for path in here.iterdir()] == ["net.net"]
