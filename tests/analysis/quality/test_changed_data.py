"""Data that have changed since a run was trained: a report, a picture and an evaluation say so."""

from __future__ import annotations

import pickle
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netspec
from netspec.cli.main import run
from netspec.runs.model import InputWarning

VALUES = "as many examples, with other values"


@pytest.fixture
def moved(homes: Path, tmp_path: Path) -> Path:
    """A copy of the run, whose table may be changed."""
    shutil.copyfile(homes.parents[1] / "homes.csv", tmp_path / "homes.csv")
    folder = shutil.copytree(homes, tmp_path / "homes-1")
    text = (folder / "spec.json").read_text().replace(str(homes.parents[1]), str(tmp_path))
    (folder / "spec.json").write_text(text)
    (folder / "checksums.json").unlink()
    return folder


def change(folder: Path, kind: str) -> None:
    table = pl.read_csv(folder / "homes.csv")
    changed = {
        "values": table.with_columns(area=pl.col("area") + 0.5),
        "counts": table.vstack(table.head(50)),
    }
    changed[kind].write_csv(folder / "homes.csv")


def notices(html: str) -> list[str]:
    return [unescape(text) for text in re.findall(r'<p class="notice">([^<]*)</p>', html)]


@pytest.mark.parametrize(("kind", "words"), [("values", VALUES), ("counts", "instead of")])
def test_a_report_says_so(moved: Path, kind: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    change(moved.parent, kind)
    assert run(["report", str(moved), "-o", str(moved / "page.html")]) == 0
    assert "NS566" in (err := capsys.readouterr().err) and words in " ".join(err.split())
    page = (moved / "page.html").read_text()
    for key in ("data", "quality"):
        (body,) = re.findall(rf'<section [^>]*id="{key}".*?</section>', page, re.S)
        assert any(words in text for text in notices(body)), key


def test_the_same_data_in_another_folder_are_not_changed(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "have changed" not in netspec.report(moved).html
    netspec.look(moved).embedding()
    assert run(["eval", str(moved)]) == 0 and capsys.readouterr().err == ""


def test_pictures_and_evaluations_say_so(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(moved.parent, "values")
    assert run(["look", str(moved), "embedding", "-o", str(moved / "x.svg")]) == 0
    assert "warning[NS566]" in capsys.readouterr().err
    assert run(["eval", str(moved)]) == 0 and "warning[NS566]" in capsys.readouterr().err
    with pytest.warns(InputWarning, match="NS566"):
        netspec.evaluate(moved)
    with pytest.warns(InputWarning, match="NS566"):
        netspec.load(moved).evaluate()
    assert pickle.loads(pickle.dumps(netspec.load(moved))).trained_on is not None


def test_other_arrays_than_those_of_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    y = x[:, :1] * 3
    trained = netspec.train("input 3\ndense(2) -> dense(1)", (x, y), epochs=1, runs=tmp_path, verbose=0)
    assert "have changed" not in netspec.report(trained, data=(x, y)).html and capsys.readouterr().err == ""
    assert VALUES in netspec.report(trained, data=(x, y + 1)).html and "NS566" in capsys.readouterr().err
    assert "32 training examples instead of 40" in netspec.report(trained, data=(x[:40], y[:40])).html
    classes = netspec.train("input 3\ndense(3, softmax)", (x, np.arange(50) % 3), epochs=1, runs=tmp_path, verbose=0)
    assert "and do not fit it" in netspec.report(classes, data=(x, np.arange(50) % 5)).html
    for file in (trained.run / "checkpoints").iterdir():
        file.unlink()  # what remains are the counts
    assert "have changed" not in netspec.report(trained, data=(x, y + 1)).html
