"""Runs of version 0.1 can still be evaluated, predicted with and resumed, to the numbers that it gave itself.

`old_runs/make.py` has made them, and says how.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from netspec.cli.main import run
from tests.storage.old_runs.make import numbers_of

OLD_RUNS = Path(__file__).parent / "old_runs"
INPUTS = {"images": "images.npy", "table": "new_rows.csv", "outputs": "new_rows.csv"}
RESUMED_WITH = {"images": [], "table": ["-D", "train.epochs=6"], "outputs": []}
CLOSE = 1e-3
"""How close numbers are: XLA adds in another order on another CPU. Anything that was lost makes far more."""

NEW_KEYS = {
    "probabilities", "targets", "split", "examples", "no", "balanced_accuracy", "confusion", "baselines",
}  # fmt: skip
"""What the JSON of later versions has in addition; what 0.1 printed stays."""


@pytest.fixture(params=INPUTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old_run(name: str, tmp_path: Path) -> Path:
    """A copy of the run, which believes that its spec and its data are where they are here."""
    copy = shutil.copytree(OLD_RUNS / name / "run", tmp_path / name)
    text = (copy / "spec.json").read_text(encoding="utf-8")
    here = (OLD_RUNS / name).as_posix()
    (copy / "spec.json").write_text(text.replace('"/elsewhere', f'"{here}'), encoding="utf-8")
    return copy


@pytest.fixture
def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OLD_RUNS / name / "expected.json").read_text(encoding="utf-8"))
    return found


def assert_close(found: Any, wanted: Any) -> None:
    """Plain data with the same structure, texts and whole numbers, and with close numbers."""
    if isinstance(wanted, dict):
        assert wanted.keys() <= found.keys()
        assert found.keys() - wanted.keys() <= NEW_KEYS
        for key in wanted:
            assert_close(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=CLOSE, abs=CLOSE)
    else:
        assert found == wanted


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert run([*arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_it_is_evaluated(
    old_run: Path, expected: dict[str, Any], split: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = printed(capsys, "eval", str(old_run), "--split", split)
    assert_close(record, expected["eval"][split])


def test_it_predicts(old_run: Path, expected: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    records = printed(capsys, "predict", str(old_run), str(OLD_RUNS / name / INPUTS[name]))
    assert_close([r["outputs"] for r in records], [r["outputs"] for r in expected["predict"]])


def test_it_is_resumed(old_run: Path, expected: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "train", "--resume", str(old_run), *RESUMED_WITH[name])
    lines = (old_run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert_close([numbers_of(json.loads(line)) for line in lines], expected["resumed"])
    assert expected["resumed"][-1]["event"] == "done"
