"""The first minutes of a new user: from a table to a trained network, by two commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.datasets import load_iris

from netspec.cli.main import run


def test_a_spec_that_is_written_trains_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    load_iris(as_frame=True).frame.to_csv("flowers.csv", index=False)
    assert run(["new", "flowers.csv", "--target", "target", "--goal", "fast"]) == 0
    assert run(["train", "flowers.net", "--json"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    accuracy = float(last.partition('"test_accuracy": ')[2].partition(",")[0].strip("}"))
    assert accuracy > 0.85
