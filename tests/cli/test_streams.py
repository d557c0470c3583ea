"""Output that is closed, full, or a pipe that nobody reads: no traceback, the right status, and no training is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli.errors import OutputNotWritten
from netspec.cli.streams import CLOSED_PIPE

IRIS = (
    "input 4\n\ndense(3, softmax)\n\ndata { source = iris }\n\ntrain { epochs = 3 }\n\nexpect { test_accuracy >= 0% }\n"
)
LIGHT = (
    ["check", "iris.net"], ["check", "--json", "bad.net"], ["show", "iris.net"], ["show", "iris.net", "--json"],
    ["show", "iris.net", "--stage", "tree"], ["compile", "iris.net"], ["fmt", "--json", "iris.net"],
    ["words"], ["words", "--json"], ["explain", "NS301"], ["--help"],
    ["check", "--help"], ["nonsense"], ["check", "no.net"],
)  # fmt: skip
FORKING = """
import json, os, sys
from netspec.cli.main import main, COMMANDS
import netspec.cli.commands.spec.check
found = {}
for arguments in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        if sys.argv[2] == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
            os.dup2(log, 2)
        elif sys.argv[2] == "all closed":
            for number in range(3):
                os.close(number)
            sys.stdin = sys.stdout = sys.stderr = None  # as Python starts then
        elif sys.argv[2] == "errors full":
            os.dup2(log, 1)
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        else:
            read, write = os.pipe()
            os.close(read)
            os.dup2(write, 1)
            os.dup2(log, 2)
        main(arguments)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found[" ".join(arguments)] = [status, open("log.txt").read()]
print(json.dumps(found))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "iris.net").write_text(IRIS)
    (tmp_path / "bad.net").write_text("input 4\ndense(2) -> denze(3)\n")
    return tmp_path


def outcomes(folder: Path, kind: str) -> dict[str, tuple[int, str]]:
    """The status of every command that works without JAX, and what it wrote to where it could write."""
    command = [sys.executable, "-c", FORKING, json.dumps(LIGHT), kind]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {name: (status, text) for name, (status, text) in json.loads(ran.stdout).items()}


def usual(name: str) -> int:
    """The status of a command whose output can be written."""
    return int(any(word in name for word in ("bad.net", "nonsense", "no.net")))


def test_a_full_disk_is_an_error_with_a_message(folder: Path) -> None:
    for name, (status, text) in outcomes(folder, "full").items():
        assert status == 1 and "Traceback" not in text and "Exception ignored" not in text, name
        # What goes wrong before anything is printed is reported as usual, on the error stream.
        assert OutputNotWritten.code in text or (usual(name) and "--json" not in name and "error" in text), (name, text)


def test_a_closed_pipe_ends_a_command_quietly(folder: Path) -> None:
    for name, (status, text) in outcomes(folder, "pipe").items():
        if usual(name) and status == 1:
            assert text.startswith("error"), name
        else:
            assert (status, "Traceback" in text, "error[" in text and not usual(name)) == (CLOSED_PIPE, False, False)


@pytest.mark.parametrize("kind", ["all closed", "errors full"])
def test_closed_streams_and_a_full_error_stream_change_no_status(folder: Path, kind: str) -> None:
    for name, (status, text) in outcomes(folder, kind).items():
        assert (status, "Traceback" in text) == (usual(name), False), name


@pytest.mark.parametrize("kind", ["pipe", "full"])
def test_a_training_continues_without_its_output(folder: Path, kind: str) -> None:
    if kind == "pipe":
        read, output = os.pipe()
        os.close(read)
    else:
        output = os.open("/dev/full", os.O_WRONLY)
    command = [sys.executable, "-m", "netspec", "train", "iris.net", *(["--json"] if kind == "full" else [])]
    ran = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    os.close(output)
    assert ran.returncode == (0 if kind == "pipe" else 1)
    assert ("NS553" in ran.stderr) == (kind == "full") and "Traceback" not in ran.stderr
    records = [json.loads(line) for line in (folder / "runs/iris-1/metrics.jsonl").read_text().splitlines()]
    assert [record["event"] for record in records] == ["epoch"] * 3 + ["done"]
    assert (folder / "runs/iris-1/weights.safetensors").is_file()
