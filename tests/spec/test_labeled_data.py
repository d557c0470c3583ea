"""Other data that a run is evaluated on: read and coded as its own were, and evaluated whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError
from netspec.runs.model import InputWarning

SPEC = """\
dense(8, relu) -> dense(classes, softmax)
data {
    source = csv("train.csv", target = "kind", delimiter = ";", decimal = ",", categories = auto)
    normalize = standard
    val = 10%
}
train {
    epochs = 3
    batch = 32
}
"""


def animals(count: int, seed: int, kinds: tuple[str, ...] = ("cat", "dog", "rabbit")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(kinds, count)
    weight = np.select([kind == "cat", kind == "dog"], [4.0, 20.0], 2.0) * rng.normal(1, 0.2, count)
    return pd.DataFrame({"weight": weight.round(3), "color": rng.choice(["red", "blue"], count), "kind": kind})


def write(frame: pd.DataFrame, path: Path) -> str:
    frame.to_csv(path, sep=";", decimal=",", index=False)
    return str(path)


@pytest.fixture(scope="module")
def animal_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("animals")
    write(animals(200, 0), folder / "train.csv")
    (folder / "animals.net").write_text(SPEC)
    return netspec.train(folder / "animals.net", runs=folder / "runs", verbose=0).run


def accuracy(run_folder: Path, frame: pd.DataFrame) -> float:
    """As scikit-learn computes it of the predictions."""
    predicted = netspec.load(run_folder).predict(frame.drop(columns="kind")).classes
    return float(accuracy_score(frame["kind"], predicted))


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame])
def test_data_frames_are_evaluated_as_files_are(animal_run: Path, tmp_path: Path, made: Any) -> None:
    new = animals(50, 5)
    model, expected = netspec.load(animal_run), netspec.evaluate(animal_run, write(new, tmp_path / "new.csv"))
    assert expected["test_accuracy"] == pytest.approx(accuracy(animal_run, new))
    frame = made(new.to_dict("list"))
    features, target = frame[["color", "weight"]], frame["kind"]
    for data in (frame, (features, target), (features, new["kind"].tolist()), [features, frame[["kind"]]]):
        assert model.evaluate(data) == expected
    with pytest.raises(CompileError, match=r"NS408.*the data frame has no column `kind`"):
        model.evaluate(features)
    with pytest.raises(CompileError, match=r"NS558.*has the class `bird`"):
        model.evaluate(made(new.assign(kind="bird").to_dict("list")))


def test_data_frames_are_read_by_name_and_without_loss(tmp_path: Path) -> None:
    """Also where the file of the training has neither a header nor an encoding for all texts."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=60).round(3), "city": rng.choice(["Łódź", "Köln"], 60)})
    frame["kind"] = np.where(frame["city"] == "Köln", "a", "b")
    frame.replace("Łódź", "Zürich").to_csv(tmp_path / "t.csv", index=False, header=False, encoding="cp1252")
    names = '["size", "city", "kind"]'
    options = f'target = "kind", header = none, names = {names}, encoding = "cp1252", categories = "city"'
    spec = f'dense(2, softmax)\ndata {{ source = csv("{tmp_path}/t.csv", {options}) }}'
    model = netspec.train(spec, runs=tmp_path, epochs=60, optimizer="adam(0.1)", verbose=0).model
    known = frame.replace("Łódź", "Zürich")
    assert model.evaluate(known[["kind", "city", "size"]])["test_accuracy"] == 1
    with pytest.warns(InputWarning, match="Łódź"):
        model.evaluate(frame)


def test_the_file_of_the_training_is_told(animal_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = animal_run.parent.parent / "train.csv"
    for file, is_told in ((own, True), (Path(write(animals(50, 5), tmp_path / "train.csv")), False)):
        assert run(["eval", str(animal_run), "--data", str(file)]) == 0
        assert ("NS564" in capsys.readouterr().err) == is_told


@pytest.mark.parametrize("kinds", [("cat", "dog", "rabbit"), ("rabbit",), ("dog", "rabbit")], ids="-".join)
def test_a_file_is_read_as_in_training_and_evaluated_whole(
    animal_run: Path, tmp_path: Path, kinds: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    frame = animals(70, 5, kinds)
    path = write(frame, tmp_path / "new.csv")
    expected = accuracy(animal_run, frame)
    assert netspec.evaluate(animal_run, path)["test_accuracy"] == pytest.approx(expected)
    assert netspec.load(animal_run).evaluate(Path(path))["test_accuracy"] == pytest.approx(expected)
    source = f'csv("{path}", target = "kind", delimiter = ";", decimal = ",", categories = auto)'
    assert netspec.evaluate(animal_run, source)["test_accuracy"] == pytest.approx(expected)
    assert run(["eval", str(animal_run), "--data", path]) == 0
    assert capsys.readouterr().out.startswith("70 examples of new.csv\n")


def test_unseen_categories_are_coded_as_in_prediction(animal_run: Path, tmp_path: Path) -> None:
    frame = animals(70, 5).replace("red", "green")
    path = write(frame, tmp_path / "new.csv")
    with pytest.warns(InputWarning, match='have `color` "green", which did not occur in training'):
        assert netspec.evaluate(animal_run, path)["test_accuracy"] == pytest.approx(accuracy(animal_run, frame))


def problem(call: Any) -> Any:
    with pytest.raises(CompileError) as caught:
        call()
    (found,) = caught.value.diagnostics
    return found


def test_what_does_not_fit(animal_run: Path, tmp_path: Path) -> None:
    path = write(animals(20, 1, ("cat", "hamster")), tmp_path / "new.csv")
    found = problem(lambda: netspec.evaluate(animal_run, path))
    assert (found.code, found.hint_text) == ("NS558", "its classes: cat, dog, rabbit")
    assert "new.csv" in problem(lambda: netspec.evaluate(animal_run, str(tmp_path / "nwe.csv"))).hint_text
    path = write(animals(20, 1), tmp_path / "new.csv")
    found = problem(lambda: netspec.evaluate(animal_run, path, split="val"))
    assert (found.code, found.hint_text) == ("NS424", "these data are evaluated whole: leave out the split")


def test_a_test_split_of_their_own_is_used(animal_run: Path, tmp_path: Path) -> None:
    test = animals(40, 3)
    paths = [write(frame, tmp_path / name) for frame, name in ((animals(50, 2), "a.csv"), (test, "b.csv"))]
    options = 'delimiter = ";", decimal = ",", categories = auto'
    source = f'csv("{paths[0]}", target = "kind", test = "{paths[1]}", {options})'
    assert netspec.evaluate(animal_run, source)["test_accuracy"] == pytest.approx(accuracy(animal_run, test))


def test_arrays_have_the_targets_of_the_run(tmp_path: Path) -> None:
    """Integers are numbers for a regression; classes that do not occur change nothing."""
    x = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    price = (100 + 20 * x[:, 0]).round()
    fitted = netspec.train("dense(1)", (x, price[:, None]), epochs=2, verbose=0, runs=tmp_path)
    whole = netspec.evaluate(fitted.run, (x, price.astype(int)))
    assert whole["test_mae"] == pytest.approx(netspec.evaluate(fitted.run, (x, price))["test_mae"])
    predicted = np.asarray(fitted.model.predict(x).values)[:, 0]
    assert whole["test_mae"] == pytest.approx(mean_absolute_error(price, predicted), rel=1e-5)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    fitted = netspec.train("dense(3, softmax)", (x, y), epochs=2, verbose=0, runs=tmp_path)
    few = y < 2
    predicted = fitted.model.predict(x[few]).classes
    expected = accuracy_score([str(label) for label in y[few]], [str(label) for label in predicted])
    assert netspec.evaluate(fitted.run, (x[few], y[few]))["test_accuracy"] == pytest.approx(expected)


def test_a_file_for_a_run_on_arrays_needs_its_source(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    fitted = netspec.train("dense(2, softmax)", (x, (x[:, 0] > 0).astype(int)), epochs=1, verbose=0, runs=tmp_path)
    (tmp_path / "new.csv").write_text("a,b,y\n1,2,0\n-1,2,1\n")
    found = problem(lambda: netspec.evaluate(fitted.run, tmp_path / "new.csv"))
    assert found.code == "NS557"
    np.savez(tmp_path / "new.npz", x=x, y=(x[:, 0] > 0).astype(int))
    whole = netspec.evaluate(fitted.run, f'npz("{tmp_path / "new.npz"}")')
    assert whole == netspec.evaluate(fitted.run, (x, (x[:, 0] > 0).astype(int)))


def test_images_and_texts(tmp_path: Path) -> None:
    """Folders of images of another size, and a text with characters that did not occur."""
    from PIL import Image

    for name, size in (("a", 8), ("b", 12)):
        for kind, shade in (("dark", 40), ("light", 220)):
            (tmp_path / name / kind).mkdir(parents=True)
            for number in range(10):
                Image.new("L", (size, size), shade + number).save(tmp_path / name / kind / f"{number}.png")
    spec = f'conv(2, 3x3, relu) -> dense(2, softmax)\ndata {{ source = images("{tmp_path}/a") }}\n'
    fitted = netspec.train(spec, epochs=2, verbose=0, runs=tmp_path / "runs")
    whole = netspec.evaluate(fitted.run, tmp_path / "b")
    predicted = netspec.predict(fitted.run, [tmp_path / "b" / "dark", tmp_path / "b" / "light"]).classes
    assert whole["test_accuracy"] == pytest.approx(accuracy_score(["dark"] * 10 + ["light"] * 10, predicted))
    (tmp_path / "a.txt").write_text("to be or not to be " * 20)
    (tmp_path / "b.txt").write_text("to bee or not to bee? " * 10)
    spec = f'embedding(4) -> dense(classes, softmax)\ndata {{ source = text("{tmp_path}/a.txt", length = 8) }}\n'
    fitted = netspec.train(spec, epochs=1, verbose=0, runs=tmp_path / "runs")
    assert 0 <= netspec.evaluate(fitted.run, tmp_path / "b.txt")["test_accuracy"] <= 1
