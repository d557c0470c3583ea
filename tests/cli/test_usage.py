"""Commands and options of other tools: what the error says to type instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec.cli.main import run
from netspec.storage.run_files import FILES

SPEC = "input 4\n\ndense(3)\n\ntrain { optimizer = sgd(0.1) }\n"


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.net").write_text(SPEC)


COMMANDS = {
    "fit x.net": "netspec train",
    "summary x.net": "netspec show",
    "plot_model x.net": "netspec draw",
    "evaluate": "netspec eval",
    "test": "netspec eval",
    "infer": "netspec predict",
    "build x.net": "netspec compile",
    "resume": "netspec train --resume RUN",
    "help": "netspec --help",
    "x.net": "netspec check x.net",
    "runs delete": "rm",
    "runs list": "netspec runs",
    "runs experiments": "netspec runs --runs experiments",
    "runs experiments/x-1": "netspec eval experiments/x-1",
}


@pytest.mark.parametrize(("given", "meant"), COMMANDS.items())
def test_commands_of_other_tools(given: str, meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiments" / "x-1").mkdir(parents=True)
    for name in FILES:
        (tmp_path / "experiments" / "x-1" / name).write_text("")
    assert run(given.split()) == 1
    assert f"`{meant}`" in capsys.readouterr().err


OPTIONS = {
    "--epochs 5": "-D train.epochs=5",
    "--epochs=5": "-D train.epochs=5",
    "--num-epochs 5": "-D train.epochs=5",
    "--lr 0.1": "-D train.optimizer.rate=0.1",
    "--learning-rate 0.1": "-D train.optimizer.rate=0.1",
    "--batch-size 32": "-D train.batch=32",
    "--batch_size 32": "-D train.batch=32",
    "--optimizer sgd": "-D train.optimizer=sgd",
    "--val-split 0.2": "-D data.val=0.2",
}


@pytest.mark.parametrize(("given", "meant"), OPTIONS.items())
@pytest.mark.parametrize("command", ["train", "check"])
def test_settings_that_are_given_as_options(
    command: str, given: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "x.net", *given.split()]) == 1
    err = capsys.readouterr().err
    assert f"hint: did you mean `{meant}`?" in err or f"hint: write `{meant}`" in err
    if command == "check":
        assert run(["check", "x.net", *meant.split()]) == 0


GIVEN = {
    "-D train.epochs = 3": "-D train.epochs=3",
    "-D train.epochs =3": "-D train.epochs=3",
    "-D train.epochs= 3": "-D train.epochs=3",
    "-D train.optimizer = adam(0.1)": '-D "train.optimizer=adam(0.1)"',
    "--data new.csv": """--data 'csv("new.csv", target = "…")'""",
    "--data images": """--data 'images("images")'""",
    "--data images/": """--data 'images("images")'""",
    "--data images/train": """--data 'images("images/train")'""",
    "-D data.source=new.csv": """--data 'csv("new.csv", target = "…")'""",
    "-D train.schedule=warmup,cosine": "instead of this comma: `warmup -> cosine",
}


@pytest.mark.parametrize(("given", "meant"), GIVEN.items())
def test_what_is_given_has_a_hint_to_paste(
    given: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("netspec.cli.usage.line_width", lambda: None)
    (tmp_path / "images").mkdir()
    (tmp_path / "x.net").write_text("input 4\ndense(3, softmax)\n")
    monkeypatch.chdir(tmp_path)
    assert run(["check", "x.net", *given.split()]) == 1
    err = capsys.readouterr().err
    assert f"{meant}`" in err and err.count("error") == 1 + err.count(": 1 error")


def test_compile_writes_source_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "x.net", "-o", "model.pt"]) == 1
    assert "-o takes a name that ends in .py, not `model.pt`" in capsys.readouterr().err


def test_an_option_that_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["train", "x.net", "--foo"], ["train", "x.net", "--epochs"], ["predict", "x-1", "--lr", "3"]):
        assert run(arguments) == 1
        err = capsys.readouterr().err
        assert "no such option" in err and "-D" not in err


SETTINGS = {
    "class_weights": "class_weights: a setting of `data`",
    "threshold": "threshold: a setting of `train`",
    "val": "val: a setting of `data`",
    "epochs": "default 10",
    "missing": "missing: an option of `csv`, `parquet`",
    "folder": "folder: an option of `images`",
    "size": "size: an option of `resize`",
    "learning_rate": "rate: an option of `sgd`",
    "optimizer": "words: accumulate",
    "precision": "precision: a setting of `train`",
    "EarlyStopping": "early(metric = val_loss",
}


@pytest.mark.parametrize(("name", "shown"), SETTINGS.items())
def test_pages_of_settings_and_options(name: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["words", name]) == 0
    assert shown in capsys.readouterr().out
    assert run(["words", name, "--json"]) == 0
    pages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert pages and all("word" in page or "option" in page for page in pages)


def test_an_unknown_word_lists_few_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["words", "foo"]) == 1
    err = capsys.readouterr().err
    assert "lists all" in err and err.count(",") <= 12
    assert run(["words", "epohcs"]) == 1
    assert "did you mean `epochs`?" in capsys.readouterr().err
