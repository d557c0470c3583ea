"""`netspec predict -o`: answers as a table, as competitions want it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.cli.main import run
from netspec.runs import evaluate_predict

TITANIC = """
dense(4, relu) -> dense(1, sigmoid)
data { source = csv("train.csv", target = "Survived", drop = "PassengerId", categories = auto) }
train { epochs = 1 }
"""
DIGITS = """
flatten -> dense(classes, softmax)
data { source = csv("digits.csv", target = "label", shape = 3x3x1) }
train { epochs = 1 }
"""
WIDTHS = """
dense(2)
data { source = csv("widths.csv", target = ["wide", "high"], task = numbers) }
train { epochs = 1 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, and a run on each of them."""
    folder = tmp_path_factory.mktemp("answers")
    random = np.random.default_rng(0)
    people = [(i, "mf"[i % 2], round(random.uniform(1, 80), 1)) for i in range(60)]
    rows = [f"{i},{int(sex == 'f')},{sex},{age}" for i, sex, age in people]
    (folder / "train.csv").write_text("\n".join(["PassengerId,Survived,Sex,Age", *rows]) + "\n")
    rows = [f"{sex},{age},{900 - i}" for i, sex, age in people]
    (folder / "test.csv").write_text("\n".join(["Sex,Age,PassengerId", *rows]) + "\n\n")
    pixels = [f"pixel{i}" for i in range(9)]
    (folder / "digits.csv").write_text(table(["label", *pixels], [[i % 3, *[i % 3] * 9] for i in range(60)]))
    (folder / "pixels.csv").write_text(table(pixels, [[i % 3] * 9 for i in range(5)]))
    (folder / "widths.csv").write_text(table(["a", "wide", "high"], [[i, 2 * i, 3 * i] for i in range(40)]))
    for name, spec in (("titanic", TITANIC), ("digits", DIGITS), ("widths", WIDTHS)):
        (folder / f"{name}.net").write_text(spec)
        netspec.train(folder / f"{name}.net", runs=folder / "runs")
    return folder


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def table(header: list[str], rows: list[list[int]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in [header, *rows])


def written(*arguments: str) -> list[list[str]]:
    assert run(["predict", *arguments, "-o", "out.csv", "--force"]) == 0
    with Path("out.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_the_id_of_the_table_and_the_name_of_the_target() -> None:
    header, *rows = written("runs/titanic-1", "test.csv")
    assert header == ["PassengerId", "Survived"]
    assert [row[0] for row in rows] == [str(900 - i) for i in range(60)]
    asked = netspec.predict(Path("runs/titanic-1"), ["test.csv"]).examples
    assert [row[1] for row in rows] == [a["outputs"]["output"]["answer"] for a in asked]
    assert {row[1] for row in rows} <= {"0", "1"}


def test_numbers_have_no_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "runs/widths-1", "3", "-o", "none.csv", "--probabilities"]) == 1
    assert "predicts none" in capsys.readouterr().err and not Path("none.csv").exists()


def test_the_probabilities_of_no_and_yes() -> None:
    header, *rows = written("runs/titanic-1", "test.csv", "--probabilities")
    asked = netspec.predict(Path("runs/titanic-1"), ["test.csv"]).examples
    wanted = [a["outputs"]["output"]["probability"] for a in asked]
    assert header == ["PassengerId", "0", "1"]  # the two classes of the column
    assert [float(row[2]) for row in rows] == pytest.approx(wanted, rel=1e-6)
    assert [float(row[1]) + float(row[2]) for row in rows] == pytest.approx([1.0] * 60)
    header, *rows = written("runs/titanic-1", "test.csv", "--probabilities", "--label", "Survived")
    assert header == ["PassengerId", "Survived"]  # as competitions want it
    assert [float(row[1]) for row in rows] == pytest.approx(wanted, rel=1e-6)


def test_many_predictions_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    examples = netspec.predict(Path("runs/titanic-1"), ["test.csv"]).examples
    answers = [a["outputs"]["output"]["answer"] for a in examples]
    assert run(["predict", "runs/titanic-1", "test.csv"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(f"test.csv row 2: Survived = {answers[0]} (1 ")
    assert lines[4] == "… 55 more: --all prints them, -o FILE.csv writes a table"
    table = {line.split()[0]: line.split()[1:] for line in lines[8:]}
    assert lines[6].split() == ["Survived", "count", "fraction"]
    assert table == {c: [str(answers.count(c)), f"{100 * answers.count(c) / 60:.1f}%"] for c in set(answers)}
    assert run(["predict", "runs/titanic-1", "test.csv", "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 60


def test_numbers_are_named_after_their_columns_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    values = netspec.predict(Path("runs/widths-1"), [str(i) for i in range(30)]).outputs["output"]
    assert run(["predict", "runs/widths-1", *map(str, range(30))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"0: wide = {values[0, 0]:.6g}, high = {values[0, 1]:.6g}"
    name, mean, std, low, high = lines[-1].split()
    column = values[:, 1].astype(np.float64)
    assert name == "high" and float(mean) == pytest.approx(column.mean(), rel=1e-4)
    assert float(std) == pytest.approx(column.std(), rel=1e-4)
    assert (float(low), float(high)) == pytest.approx((column.min(), column.max()), rel=1e-4)


def test_a_picture_only_of_images(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["-o", "a.png"], "a name that ends in .csv"),
        (["-o", "a.png", "--id", "x"], "--id is for tables"),
        (["-o", "a.txt"], "not `a.txt`"),
    ):
        assert run(["predict", "runs/widths-1", "3", *arguments]) == 1
        assert message in " ".join(capsys.readouterr().err.split()) and not Path(arguments[1]).exists()


def test_rows_are_counted_and_columns_called_as_asked() -> None:
    header, *rows = written("runs/digits-1", "pixels.csv", "--id", "ImageId", "--label", "Label")
    assert header == ["ImageId", "Label"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert written("runs/digits-1", "pixels.csv")[0] == ["id", "label"]


def test_a_column_for_each_class() -> None:
    header, *rows = written("runs/digits-1", "pixels.csv", "--probabilities")
    assert header == ["id", "0", "1", "2"]
    assert np.sum([[float(cell) for cell in row[1:]] for row in rows], axis=1) == pytest.approx(1, abs=1e-5)


def test_numbers_have_the_names_of_their_columns(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a\n3\n4\n")
    header, *rows = written("runs/widths-1", str(tmp_path / "new.csv"))
    assert header == ["id", "wide", "high"] and len(rows) == 2
    assert float(rows[0][1]) == pytest.approx(
        netspec.predict(Path("runs/widths-1"), ["3"]).examples[0]["outputs"]["output"]["values"][0], rel=1e-6
    )


def test_images_are_called_by_their_files(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        Image.new("L", (3, 3), 1).save(tmp_path / name)
    rows = written("runs/digits-1", str(tmp_path))
    assert [row[0] for row in rows] == ["file", "a.png", "b.png"]


def test_images_of_one_name_are_called_by_their_folders(tmp_path: Path) -> None:
    for name in ("leaf/000.png", "leaf/001.png", "shell/000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (3, 3), 1).save(tmp_path / name)
    rows = written("runs/digits-1", str(tmp_path))
    assert [row[0] for row in rows] == ["file", "leaf/000.png", "leaf/001.png", "shell/000.png"]


def test_many_examples_are_answered_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = netspec.predict(Path("runs/titanic-1"), ["test.csv"]).examples
    monkeypatch.setattr(evaluate_predict, "BATCH", 7)
    in_parts = netspec.predict(Path("runs/titanic-1"), ["test.csv"]).examples
    shares = [[a["outputs"]["output"]["probability"] for a in answers] for answers in (at_once, in_parts)]
    assert len(in_parts) == 60 and shares[0] == pytest.approx(shares[1], abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "there.csv"], "--force overwrites it"),
        (["-o", "there.xlsx"], "ends in .csv"),
        (["-o", "new.csv", "--json"], "not both"),
        (["--probabilities"], "requires -o"),
        (["--id", "x"], "requires -o"),
        (["--data", "test.csv"], "no such option"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine\n")
    arguments = [str(tmp_path / a) if a.startswith(("there", "new")) else a for a in arguments]
    assert run(["predict", "runs/titanic-1", "f,3", *arguments]) == 1
    assert told in capsys.readouterr().err
    assert there.read_text() == "mine\n" and not (tmp_path / "new.csv").exists()


def test_the_test_split_with_its_targets(capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = written("runs/titanic-1", "--split", "test")
    assert header == ["row", "Survived", "Survived_true"]
    lines = Path("train.csv").read_text().splitlines()
    assert len(rows) == 12
    assert [row[2] for row in rows] == [lines[int(row[0]) - 1].split(",")[1] for row in rows]
    capsys.readouterr()
    assert run(["eval", "runs/titanic-1", "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["metrics"]["test_accuracy"]
    assert np.mean([row[1] == row[2] for row in rows]) == pytest.approx(accuracy)
    header, *rows = written("runs/widths-1", "--split", "train")
    assert header == ["row", "wide", "wide_true", "high", "high_true"]
    assert all([float(row[2]), float(row[4])] == [2 * (int(row[0]) - 2), 3 * (int(row[0]) - 2)] for row in rows)
    capsys.readouterr()
    assert run(["predict", "runs/digits-1", "--split", "test", "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["outputs"]["output"]["true"] for one in shown} <= {"0", "1", "2"}
    assert run(["predict", "runs/digits-1", "--split", "val"]) == 1
    assert "NS424" in capsys.readouterr().err


def test_the_file_of_the_training_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "runs/titanic-1", "train.csv"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "NS564" in told and "48 of 60" in told and "netspec predict runs/titanic-1 --split test" in told
    assert run(["predict", "runs/titanic-1", "test.csv"]) == 0
    assert "NS564" not in capsys.readouterr().err
    for arguments in (["train.csv", "--split", "test"], []):
        assert run(["predict", "runs/titanic-1", *arguments]) == 1
        assert "--split test" in capsys.readouterr().err
