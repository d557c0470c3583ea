"""What docs/workflows.md promises: the exit status of commands, their JSON, the run folder and its files."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netspec.cli.commands.spec import check
from netspec.cli.main import run
from netspec.cli.render.json_progress import JsonReporter
from tests.training.workflows.conftest import ROOT, SPEC

PAGE = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")


def table(heading: str, page: str = PAGE) -> list[list[str]]:
    """The rows of the first table after a heading."""
    text = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.search(r"^\|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows is not None
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in rows[1].splitlines()]


# ---------------------------------------------------------------- exit status


def test_everything_went_well(folder: Path) -> None:
    net = str(folder / "net.net")
    assert run(["check", net]) == run(["fmt", "--check", net]) == run(["diff", net, net]) == 0
    assert run(["eval", str(folder / "runs" / "net")]) == 0


def test_an_error_of_the_user(folder: Path, tmp_path: Path) -> None:
    net, finished = str(folder / "net.net"), str(folder / "runs" / "net")
    wrong, other, loose = tmp_path / "wrong.net", tmp_path / "other.net", tmp_path / "loose.net"
    wrong.write_text(SPEC.replace("softmax", "sofmax"))
    other.write_text(SPEC.replace("dense(8", "dense(9"))
    loose.write_text(SPEC.replace("input 4", "input   4"))
    unmet = ["train", net, "--run-folder", str(tmp_path / "unmet"), "--json"]
    hopeful = tmp_path / "hopeful.net"
    hopeful.write_text(SPEC + "\nexpect {\n    test_loss < 0\n}\n")
    unmet[1] = str(hopeful)
    for arguments in (
        ["check", str(wrong)],
        ["check", str(tmp_path / "missing.net")],
        ["train"],
        ["train", net, "--no-such-option"],
        ["no-such-command"],
        ["diff", net, str(other)],
        ["fmt", "--check", str(loose)],
        ["train", "--resume", finished],
        ["eval", str(tmp_path)],
        unmet,
    ):
        assert run(arguments) == 1, arguments
    assert (tmp_path / "unmet" / "report.html").exists()


def test_an_internal_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(check.command, "callback", broken)
    assert run(["check", str(folder / "net.net")]) == 2


def interrupted(number: signal.Signals) -> Callable[..., None]:
    def test(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A checkpoint is saved, and the run ends with the same metrics as without."""
        monkeypatch.setattr(JsonReporter, "epoch", lambda self, record: os.kill(os.getpid(), number))
        arguments = ["train", str(folder / "net.net"), "--run-folder", str(tmp_path / "net"), "--json"]
        assert run(arguments) == 128 + number
        monkeypatch.undo()
        assert run(["train", "--resume", str(tmp_path / "net"), "--json"]) == 0
        ends = [
            (path / "metrics.jsonl").read_text().splitlines() for path in (tmp_path / "net", folder / "runs" / "net")
        ]
        first, second = (json.loads(lines[-1])["metrics"] for lines in ends)
        assert first == second

    return test


def test_a_closed_pipe(command_path: str) -> None:
    shown = subprocess.run(
        ["bash", "-c", 'netspec words | true; echo "${PIPESTATUS[0]}"'],
        env={**os.environ, "PATH": command_path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "141\n" and shown.stderr == ""


STATUSES = {
    0: test_everything_went_well,
    1: test_an_error_of_the_user,
    2: test_an_internal_error,
    75: None,  # test_the_status_of_a_process_that_has_lost_another, in tests/training/distributed/test_processes.py
    129: interrupted(signal.SIGHUP),
    130: interrupted(signal.SIGINT),
    138: interrupted(signal.SIGUSR1),
    141: test_a_closed_pipe,
    143: interrupted(signal.SIGTERM),
}


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("status", [129, 130, 138, 143])
def test_signals(status: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test: Any = STATUSES[status]
    test(folder, tmp_path, monkeypatch)


def test_the_page_has_every_status_that_is_tested() -> None:
    assert [int(status) for status, _ in table("Exit status")] == list(STATUSES)


# ---------------------------------------------------------------- JSON


def test_every_line_is_json(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, with what it says of their objects."""
    monkeypatch.chdir(folder)
    names = {"FILE": "net.net", "RUN": "runs/net", "A": "net.net", "B": "runs/net"}
    rows = table("JSON")
    assert len(rows) == 6
    for command, objects in rows:
        arguments = [names.get(word, word) for word in command.strip(" `").split()[1:]]
        capsys.readouterr()
        assert run(arguments) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        keys = set(re.findall(r"`(\w+)`", objects))
        if arguments[0] == "runs":
            assert lines[0].keys() == {"runs"} and keys - {"runs"} <= lines[0]["runs"][0].keys()
        elif arguments[0] == "train":
            events = [line["event"] for line in lines if "code" not in line]
            assert events == ["epoch"] * 3 + ["done"]
        else:
            assert all(keys <= line.keys() for line in lines if "code" not in line)
    assert (folder / "runs" / "net-1" / "metrics.jsonl").exists()


# ---------------------------------------------------------------- the run folder


def test_the_files_of_a_run(folder: Path) -> None:
    """Those of both pages are there, and no other ones."""
    files = {path.name for path in (folder / "runs" / "net").iterdir() if not path.name.startswith(".")}
    documented = {name.strip(" `") for name, _ in table("The run folder")}
    runs = table("The files of a run, and how damage is detected", (ROOT / "docs" / "runs.md").read_text())
    in_runs = {name.strip("/") for row in runs for name in re.findall(r"`([^`]+)`", row[0])}
    assert documented <= files - {"checksums.json"} <= in_runs
    assert in_runs - files == {
        "seeds.json", "folds.json", "out_of_fold.csv", "trackers.json", "weights-epoch5.safetensors",
    }  # fmt: skip
    assert (folder / "runs" / "net" / "spec.net").read_text() == SPEC


def test_a_run_folder_is_started_left_alone_and_never_overwritten(folder: Path, tmp_path: Path) -> None:
    finished = folder / "runs" / "net"
    before = (finished / "metrics.jsonl").read_bytes()
    assert run(["train", str(folder / "net.net"), "--run-folder", str(finished), "--json"]) == 0
    other = tmp_path / "other.net"
    other.write_text(SPEC.replace("dense(8", "dense(9"))
    assert run(["train", str(other), "--run-folder", str(finished), "--json"]) == 1
    assert (finished / "metrics.jsonl").read_bytes() == before


def test_the_history_as_a_table(folder: Path, tmp_path: Path) -> None:
    """The numbers are those of metrics.jsonl, digit for digit."""
    finished, file = folder / "runs" / "net", tmp_path / "history.csv"
    assert run(["plot", str(finished), "-o", str(file)]) == 0
    records = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()][:-1]
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [int(row.pop("epoch")) for row in rows] == [1, 2, 3]
    expected = [{"loss": record["loss"], **record["metrics"]} for record in records]
    assert [{name: float(value) for name, value in row.items()} for row in rows] == expected
    assert run(["plot", str(finished), str(finished), "accuracy", "-o", str(file)]) == 0
    assert file.read_text().splitlines()[0] == "run,epoch,accuracy,val_accuracy"
    assert len(file.read_text().splitlines()) == 7
