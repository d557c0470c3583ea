"""`netspec verify-resume`, and the comparison behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.cli.main import run
from netspec.runs.repeated.verify_resume import compare_runs
from netspec.storage.array_file import write_arrays
from netspec.storage.run_files import checkpoint_file
from netspec.storage.run_folder import Run

SPEC = """\
input 4
dense(16, relu) -> dropout(0.1) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
    val = 20%
}
train { batch = 16 }
"""


def test_verify_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "iris.net").write_text(SPEC)
    assert run(["verify-resume", str(tmp_path / "iris.net"), "--steps", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal"] is True
    names = [row["what"] for row in found["compared"]["resumed"]]
    assert names[:2] == ["parameters", "optimizer state"] and "final metrics" in names
    assert all(row["equal"] for rows in found["compared"].values() for row in rows)
    assert next(row["numbers"] for row in found["compared"]["again"]) == 131


def test_a_wrong_spec_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.net").write_text("input 4\ndens(3)\n")
    assert run(["verify-resume", str(tmp_path / "bad.net")]) == 1
    assert "did you mean `dense`?" in capsys.readouterr().err


def made(root: Path, arrays: dict[str, Any], loss: float = 0.5, **metrics: Any) -> Path:
    run = Run.create(root, "net", {}, {})
    run.checkpoints.mkdir()
    write_arrays(checkpoint_file(run.checkpoints, 7), arrays, {"record": "{}"})
    run.add_record({"event": "epoch", "epoch": 1, "loss": loss, "metrics": {"accuracy": 0.5}})
    found = {"test_accuracy": 0.5, "test_confusion": [[1, 2], [3, 4]], **metrics}
    run.add_record({"event": "done", "epochs": 1, "seconds": 1.0, "metrics": found})
    return run.path


BASE = {"state/params/dense/kernel": np.ones((2, 3), np.float32), "state/step": np.int32(7), "best/0/x": np.ones(2)}


def test_what_is_equal(tmp_path: Path) -> None:
    rows = compare_runs(made(tmp_path, BASE), made(tmp_path, BASE))
    assert [(row.what, row.numbers, row.differs) for row in rows] == [
        ("parameters", 6, ""), ("best weights", 2, ""), ("data position and metric totals", 1, ""),
        ("metrics per epoch", 2, ""), ("final metrics", 5, ""),
    ]  # fmt: skip


def test_what_differs(tmp_path: Path) -> None:
    kernel = BASE["state/params/dense/kernel"].copy()
    kernel[1, 1] = np.nextafter(np.float32(1), np.float32(2))
    cases: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
        ({**BASE, "state/params/dense/kernel": kernel}, {}, "parameters", "`params/dense/kernel` by up to 1.2e-07"),
        ({**BASE, "state/params/dense/kernel": -kernel * 0}, {}, "parameters", "by up to 1"),
        ({**BASE, "state/step": np.int64(7)}, {}, "data position and metric totals", "is int64 (), not int32 ()"),
        (
            {name: a for name, a in BASE.items() if name != "state/step"},
            {},
            "data position and metric totals",
            "is missing",
        ),
        ({**BASE, "state/more": np.ones(1)}, {}, "names of the arrays", "`state/more` is only in one"),
        (BASE, {"loss": 0.25}, "metrics per epoch", "epoch 1"),
        (BASE, {"test_accuracy": 0.25}, "final metrics", "test_accuracy"),
    ]
    for arrays, figures, what, why in cases:
        rows = compare_runs(made(tmp_path, BASE), made(tmp_path, arrays, **figures))
        assert [row.what for row in rows if row.differs][:1] == [what]
        assert why in next(row.differs for row in rows if row.differs)
