"""Makes the runs in this folder: with the version that is to stay readable, `python make.py` in a checkout of it.

Everything goes through the command line, whose JSON stays as it is. Each folder holds the run as it was interrupted or
finished (`run/`), and in `expected.json` what that version said of it.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def netspec(*arguments: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-m", "netspec", *arguments, "--json"], check=True, capture_output=True, text=True, cwd=HERE
    )
    return [json.loads(line) for line in done.stdout.splitlines()]  # `predict` writes a line for each example


def train(spec: Path, runs: Path, *, interrupted: bool) -> Path:
    """Train; with `interrupted` Ctrl-C comes after the third epoch, which leaves a checkpoint within the next one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "train", str(spec), "--runs", str(runs)], cwd=HERE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for line in process.stdout:
        if interrupted and b" 3/" in line:
            process.send_signal(signal.SIGINT)
            break
    process.communicate()
    return next(runs.glob("*/spec.json")).parent


def resumed(run: Path, *options: str) -> list[dict[str, Any]]:
    """The records of a copy that was resumed, without times."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(run, Path(folder) / run.name)
        netspec("train", "--resume", str(copy), *options)
        lines = (copy / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [numbers_of(json.loads(line)) for line in lines]


def numbers_of(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key in ("event", "epoch", "loss", "metrics", "rate")}


def make(name: str, inputs: list[str], options: list[str], *, interrupted: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = train(HERE / name / "spec.net", Path(folder), interrupted=interrupted)
        expected = {
            "eval": {split: netspec("eval", str(run), "--split", split)[0] for split in ("train", "val", "test")},
            "predict": netspec("predict", str(run), *inputs),
            "resumed": resumed(run, *options),
        }
        shutil.rmtree(HERE / name / "run", ignore_errors=True)
        shutil.copytree(run, HERE / name / "run")
    for old in sorted((HERE / name / "run" / "checkpoints").iterdir())[:-1]:
        old.unlink()
    record = json.loads((HERE / name / "run" / "spec.json").read_text(encoding="utf-8"))
    record |= {"file": "/elsewhere/spec.net", "folder": "/elsewhere", "given_from": "/elsewhere"}
    (HERE / name / "run" / "spec.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    text = json.dumps(expected, ensure_ascii=False) + "\n"
    (HERE / name / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make("images", ["images/images.npy"], [], interrupted=True)
    make("table", ["table/new_rows.csv"], ["-D", "train.epochs=6"], interrupted=False)
    make("outputs", ["outputs/new_rows.csv"], [], interrupted=True)
