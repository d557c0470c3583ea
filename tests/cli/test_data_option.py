"""`--data` on the command line: names of files start from the current folder, in the run as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec.cli.main import run
from netspec.storage.run_folder import read_run

SPEC = """
input 2
dense(2, softmax)
data { source = csv("own.csv", target = "y") }
train { epochs = 1 }
"""
TABLE = "a,b,y\n" + "".join(f"{i},{i % 7},{'pq'[i % 2]}\n" for i in range(40))
SOURCE = 'csv("{}", target = "y")'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in one folder, its data in another one."""
    monkeypatch.chdir(tmp_path)
    for name in ("specs", "tables"):
        (tmp_path / name).mkdir()
    (tmp_path / "specs" / "small.net").write_text(SPEC)
    (tmp_path / "tables" / "t.csv").write_text(TABLE)
    return tmp_path


def test_names_start_from_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "specs/small.net"]) == 1
    assert "the folder specs has no data files" in capsys.readouterr().err
    source = SOURCE.format("tables/t.csv")
    assert run(["train", "specs/small.net", "--data", source]) == 0
    monkeypatch.chdir(folder / "specs")
    assert run(["train", "--resume", "../runs/small-1", "-D", "train.epochs=2"]) == 0, "the run knows where it was"
    assert run(["eval", "../runs/small-1", "--data", SOURCE.format("../tables/t.csv")]) == 0


def test_a_run_whose_data_have_moved_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["train", "specs/small.net", "--data", SOURCE.format("tables/t.csv")]) == 0
    (folder / "tables").rename(folder / "moved")
    monkeypatch.chdir(folder / "moved")
    resume = ["train", "--resume", "../runs/small-1", "-D"]
    assert run([*resume, "train.epochs=2"]) == 1
    assert run([*resume, "train.epochs=2", "--data", SOURCE.format("t.csv")]) == 0
    monkeypatch.chdir(folder)
    assert run(["train", "--resume", "runs/small-1", "-D", "train.epochs=3"]) == 0, "it has kept where they are now"
    assert len(read_run(Path("runs/small-1")).history) == 3


def test_a_run_from_before_this_rule_finds_its_data(folder: Path) -> None:
    source = SOURCE.format(str(folder / "tables" / "t.csv"))
    assert run(["train", "specs/small.net", "--data", source]) == 0
    file = folder / "runs" / "small-1" / "spec.json"
    record = json.loads(file.read_text())
    del record["given_from"]
    record["overrides"]["data.source"] = SOURCE.format("../tables/t.csv")  # as it was written then
    file.write_text(json.dumps(record))
    file.with_name("checksums.json").unlink()  # runs had none then
    assert run(["eval", "runs/small-1"]) == 0
