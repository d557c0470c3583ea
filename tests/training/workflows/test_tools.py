"""The examples for GNU Make, Snakemake and DVC, run by the real programs: once, and again when nothing has changed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from netspec.storage.run_folder import read_run
from tests.training.workflows.conftest import ROOT

EXAMPLE = ROOT / "examples" / "workflows"


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """A copy of the folder of the examples."""
    return shutil.copytree(EXAMPLE, tmp_path / "workflows")


def call(folder: Path, path: str, *command: str) -> str:
    """The output of a program, which succeeds."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def check_files(run: Path, metrics: Path, history: Path) -> None:
    """The metrics are those of the run, and the table has a row for each epoch."""
    record = read_run(run)
    assert record.done is not None
    found = json.loads(metrics.read_text())["metrics"]
    assert found["test_loss"] == pytest.approx(record.done["metrics"]["test_loss"], rel=1e-5)
    assert found["test_accuracy"] > 0.9
    with history.open(newline="") as text:
        losses = [float(row["val_loss"]) for row in csv.DictReader(text)]
    assert losses == [epoch["metrics"]["val_loss"] for epoch in record.history] and len(losses) == 5


def test_make(workflow: Path, command_path: str) -> None:
    call(workflow, command_path, "make", "--jobs", "2")
    check_files(workflow / "results" / "digits", workflow / "metrics.json", workflow / "history.csv")
    assert "Nothing to be done" in call(workflow, command_path, "make")
    (workflow / "digits.net").touch()
    assert "netspec train digits.net" in call(workflow, command_path, "make", "--dry-run")


def test_snakemake(workflow: Path, command_path: str) -> None:
    command = ["snakemake", "--cores", "1", "--config", "rates=0.01"]
    call(workflow, command_path, *command)
    metrics = workflow / "metrics"
    check_files(workflow / "results" / "rate-0.01", metrics / "rate-0.01.json", metrics / "history.csv")
    assert "Nothing to be done" in call(workflow, command_path, *command)


def test_dvc(workflow: Path, command_path: str) -> None:
    call(workflow, command_path, "dvc", "init", "--no-scm")
    call(workflow, command_path, "dvc", "repro")
    check_files(workflow / "results" / "digits", workflow / "metrics.json", workflow / "history.csv")
    assert "up to date" in call(workflow, command_path, "dvc", "repro")
    shown = json.loads(call(workflow, command_path, "dvc", "metrics", "show", "--json"))
    metrics: dict[str, Any] = shown[""]["data"]["metrics.json"]["data"]["metrics"]
    assert metrics["test_loss"] == json.loads((workflow / "metrics.json").read_text())["metrics"]["test_loss"]
    plots = json.loads(call(workflow, command_path, "dvc", "plots", "show", "--json"))["data"]
    values = plots["loss"][0]["content"]["data"]["values"]
    losses = [float(point["dvc_inferred_y_value"]) for point in values if point["field"] == "val_loss"]
    assert losses == [r["metrics"]["val_loss"] for r in read_run(workflow / "results" / "digits").history]
    assert "accuracy" in plots
