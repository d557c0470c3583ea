"""Cross-validation: each fold is the run of its training examples alone, and the folds predict together."""

from __future__ import annotations

import csv
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

import netspec
from netspec.cli.main import run
from netspec.language.source import Source
from netspec.runs.catalog import look_at
from netspec.runs.repeated.folds import resume_folds, train_folds
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare, train_prepared
from netspec.storage.weights import load_weights
from netspec.training.loop.callback import TrainingCallback
from tests.training.nets import same

NET = """
dense(8, relu) -> dropout(0.2) -> dense(classes, softmax)
data {
    source = csv("pets.csv", target = "kind", categories = "color")
    normalize = standard
    folds = grouped(3, by = patient)
    test = 20%
}
train {
    epochs = 2
    batch = 8
}
"""
COLORS, KINDS = ("red", "blue"), ("cat", "dog", "owl")


def write_pets(folder: Path, change: Any = None) -> list[dict[str, str]]:
    """A table whose 61st row alone is green."""
    random = np.random.default_rng(0)
    rows = [
        {
            "patient": f"p{i % 15}",
            "color": "green" if i == 60 else COLORS[i % 2],
            "size": f"{random.normal() + i % 3:.3f}",
            "kind": KINDS[i % 3],
        }
        for i in range(90)
    ]
    if change is not None:
        change(rows)
    with (folder / "pets.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "net.net").write_text(NET)
    return rows


def prepared(folder: Path, **overrides: str) -> Any:
    source = Source("net.net", NET, folder / "net.net")
    return prepare(Compilation(source, overrides={f"data.{k}": v for k, v in overrides.items()}))


def same_weights(one: Path, other: Path) -> bool:
    return same(load_weights(one), load_weights(other))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished cross-validation of a table with groups, a rare category and a test split."""
    folder = tmp_path_factory.mktemp("folds")
    rows = write_pets(folder)
    return folder, rows, train_folds(prepared(folder), folder / "runs")


def test_a_fold_is_the_run_of_the_fold_alone(trained: Any) -> None:
    folder, _, result = trained
    alone = train_prepared(prepared(folder, fold="2"), folder / "alone")
    assert same_weights(result.run / "fold-2", alone.run)
    assert result.metrics[2] == alone.metrics
    assert (result.run / "fold-2" / "coding.json").read_text() == (alone.run / "coding.json").read_text()


def test_nothing_is_learned_from_the_examples_that_are_held_out(trained: Any, tmp_path: Path) -> None:
    """The held-out rows of a fold get other numbers and categories: its network stays the same."""
    folder, _, result = trained
    held = prepared(folder, fold="1").splits.test_index

    def plant(rows: list[dict[str, str]]) -> None:
        for number, row in enumerate(held.tolist()):
            rows[row] |= {"size": "1e4", "color": f"other{number % 3}"}

    write_pets(tmp_path, plant)
    again = train_prepared(prepared(tmp_path, fold="1"), tmp_path / "runs")
    assert same_weights(result.run / "fold-1", again.run)
    ours, theirs = (json.loads((run / "coding.json").read_text()) for run in (result.run / "fold-1", again.run))
    assert ours == theirs
    changed = train_prepared(prepared(tmp_path, fold="2"), tmp_path / "runs")
    assert not np.array_equal(
        load_weights(result.run / "fold-2")["dense/kernel"].sum(), load_weights(changed.run)["dense/kernel"].sum()
    )


def test_out_of_fold_predictions_are_those_of_the_network_not_trained_on_them(trained: Any) -> None:
    folder, rows, result = trained
    found = result.out_of_fold
    test = {*prepared(folder, fold="0").splits.test_index.tolist()}
    assert found.index.tolist() == [i for i in range(90) if i not in test] and len(test) == 18
    groups = [{rows[i]["patient"] for i in found.index[found.folds == fold]} for fold in (1, 2, 3)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 12
    for fold in (1, 2, 3):
        mine = found.folds == fold
        frame = {name: [rows[i][name] for i in found.index[mine]] for name in ("color", "size")}
        with pytest.warns(UserWarning) if fold == _without_green(result) else nullcontext():
            alone = netspec.predict(result.run / f"fold-{fold}", frame)
        np.testing.assert_allclose(found.probabilities[mine], alone.probabilities, rtol=1e-6)
        true = [rows[i]["kind"] for i in found.index[mine]]
        assert result.metrics[fold]["test_accuracy"] == pytest.approx(
            accuracy_score(true, np.array(found.classes)[mine])
        )
        loss = log_loss(true, found.probabilities[mine].astype(float), labels=found.class_names)
        assert result.metrics[fold]["test_loss"] == pytest.approx(loss, rel=1e-5)
    table = list(csv.DictReader((result.run / "out_of_fold.csv").open()))
    assert [int(row["row"]) - 2 for row in table] == found.index.tolist()
    assert [int(row["fold"]) for row in table] == found.folds.tolist()
    assert [row["kind"] for row in table] == list(found.classes)
    np.testing.assert_allclose([float(row["owl"]) for row in table], found.probabilities[:, 2], rtol=1e-5)


def _without_green(result: Any) -> int:
    features = [json.loads((result.run / f"fold-{k}" / "coding.json").read_text())["columns"] for k in (1, 2, 3)]
    return next((k for k, one in enumerate(features, 1) if "color = green" not in next(iter(one.values()))), 0)


def test_folds_predict_and_are_evaluated_together(trained: Any) -> None:
    folder, rows, result = trained
    test = prepared(folder, fold="0").splits.test_index.tolist()
    frame = {name: [rows[i][name] for i in test] for name in ("color", "size")}
    each = [netspec.predict(result.run / f"fold-{fold}", frame).probabilities for fold in (1, 2, 3)]
    model = netspec.load(result.run)
    assert isinstance(model, netspec.Model) and "mean of 3 networks" in repr(model)
    for together in (netspec.predict(result.run, frame), model.predict(frame)):
        np.testing.assert_allclose(together.probabilities, np.mean(each, axis=0), rtol=1e-5)
    true = [rows[i]["kind"] for i in test]
    mean = np.mean(each, axis=0)
    loss = log_loss(true, mean.astype(float), labels=["cat", "dog", "owl"])
    accuracy = accuracy_score(true, np.array(KINDS)[mean.argmax(axis=1)])
    for metrics in (result.ensemble, netspec.evaluate(result.run), model.evaluate()):
        assert metrics["test_loss"] == pytest.approx(loss, rel=1e-5)
        assert metrics["test_accuracy"] == pytest.approx(accuracy)
    assert result.spreads["test_loss"].mean == pytest.approx(np.mean([m["test_loss"] for m in result.metrics.values()]))
    with pytest.raises(netspec.CompileError, match="NS604"):
        model.variables  # noqa: B018
    with pytest.raises(netspec.CompileError, match="fold-1"):
        netspec.evaluate(result.run, split="val")


def test_a_category_that_a_network_does_not_know_is_unknown_to_it_alone(trained: Any) -> None:
    _, _, result = trained
    without = _without_green(result)
    if not without:  # the green row is in the test split
        pytest.fail("the table needs a seed by which the green row is in a fold")
    inputs = {"color": ["green"], "size": ["0.5"]}
    each = []
    for fold in (1, 2, 3):
        with pytest.warns(UserWarning, match="green") if fold == without else nullcontext():
            each.append(netspec.predict(result.run / f"fold-{fold}", inputs).probabilities)
    np.testing.assert_allclose(netspec.predict(result.run, inputs).probabilities, np.mean(each, axis=0), rtol=1e-5)


class _Kill(TrainingCallback):
    """Dies after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def epoch(self, record: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epochs", [1, 4])
def test_what_is_left_after_a_kill_is_done_to_the_same_weights(trained: Any, tmp_path: Path, epochs: int) -> None:
    folder, _, whole = trained
    with pytest.raises(KeyboardInterrupt):
        train_folds(prepared(folder), tmp_path / "killed", _Kill(epochs), save_seconds=0)
    path = tmp_path / "killed" / whole.run.name
    assert look_at(path).state == "interrupted"
    with pytest.raises(netspec.CompileError, match="--resume"):
        netspec.load(path)
    again = resume_folds(path)
    assert again.spreads == whole.spreads and again.ensemble == whole.ensemble
    assert all(same_weights(whole.run / f"fold-{k}", again.run / f"fold-{k}") for k in whole.folds)
    assert (again.run / "out_of_fold.csv").read_bytes() == (whole.run / "out_of_fold.csv").read_bytes()


def test_numbers_are_averaged_in_the_units_of_the_targets(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3)).astype(np.float32)
    y = (100 + 50 * x[:, :1] + random.normal(size=(40, 1))).astype(np.float32)
    spec = "input 3\ndense(4, tanh) -> dense(1)"
    result = netspec.cross_validate(
        spec, (x[:32], y[:32], x[32:], y[32:]), folds=3, groups=np.arange(32) % 8, epochs=3, runs=tmp_path, verbose=0
    )
    assert result.division == "grouped(3)" and list(result.metrics) == [1, 2, 3]
    assert all(len({*result.out_of_fold.folds[np.arange(32) % 8 == group]}) == 1 for group in range(8))
    each = [netspec.load(result.run / f"fold-{k}")(x[32:]) for k in (1, 2, 3)]
    mean = np.mean(each, axis=0)
    np.testing.assert_allclose(netspec.load(result.run)(x[32:]), mean, rtol=1e-5)
    assert result.ensemble["test_rmse"] == pytest.approx(mean_squared_error(y[32:], mean) ** 0.5, rel=1e-4)
    if "test_r2" in result.ensemble:
        assert result.ensemble["test_r2"] == pytest.approx(r2_score(y[32:], mean), rel=1e-4)
    metrics = netspec.evaluate(result.run, (x[:5], y[:5]))
    expected = np.mean([netspec.load(result.run / f"fold-{k}")(x[:5]) for k in (1, 2, 3)], axis=0)
    assert metrics["test_rmse"] == pytest.approx(mean_squared_error(y[:5], expected) ** 0.5, rel=1e-4)
    again = netspec.resume_cross_validation(
        result.run, (x[:32], y[:32], x[32:], y[32:]), groups=np.arange(32) % 8, verbose=0
    )
    assert again.metrics == result.metrics


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    x, y = np.zeros((6, 2), np.float32), np.array([0, 1] * 3)
    spec = "input 2\ndense(classes, softmax)"
    with pytest.raises(TypeError, match="`folds` is missing"):
        netspec.cross_validate(spec, (x, y), runs=tmp_path)
    with pytest.raises(ValueError, match="5 values for 6 examples"):
        netspec.cross_validate(spec, (x, y), folds=2, groups=[1] * 5, runs=tmp_path)
    with pytest.raises(netspec.CompileError, match="NS601"):
        netspec.cross_validate(spec, (x, y), folds=2, seeds=2, runs=tmp_path)
    with pytest.raises(netspec.CompileError, match="NS600"):
        netspec.cross_validate(spec, (x, y), folds=7, runs=tmp_path)
    folds = spec + "\ndata { folds = 2 }"
    with pytest.raises(TypeError, match="cross_validate"):
        netspec.train(folds, (x, y), runs=tmp_path)
    assert not [*tmp_path.iterdir()], "no folder is made"


def test_the_commands_know_folds(trained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _, result = trained

    def output(*arguments: object, status: int = 0) -> str:
        assert run([*map(str, arguments)]) == status
        captured = capsys.readouterr()
        return captured.out + captured.err

    shown = output(
        "train", folder / "net.net", "--folds", "grouped(2, by = patient)", "-D", "train.epochs=1", "--runs", tmp_path
    )
    assert 'grouped(2, "patient")' in shown and "fold 2" in shown and "mean of all networks on the test split" in shown
    record = json.loads(output("runs", "--runs", folder / "runs", "--json"))["runs"][0]
    assert record["folds"] == 3 and record["seeds"] == 0 and record["state"] == "finished"
    assert record["metrics"]["test_loss"] == pytest.approx(result.spreads["test_loss"].mean)
    assert "the means of 3 folds" in " ".join(output("runs", "--runs", folder / "runs").split())
    evaluated = json.loads(output("eval", result.run, "--json"))
    assert evaluated["metrics"]["test_loss"] == pytest.approx(result.ensemble["test_loss"])
    other = output("eval", result.run / "fold-1", "--data", folder / "pets.csv")
    assert "90 examples" in other
    assert "90 examples" in output("eval", result.run, "--data", folder / "pets.csv")
    output("predict", result.run, folder / "pets.csv", "-o", tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 91
    output("report", result.run, "-o", tmp_path / "r.html")
    assert "Metrics of all folds" in (tmp_path / "r.html").read_text()
    output("plot", result.run, "loss", "-o", tmp_path / "c.svg")
    output("plot", result.run, result.run / "fold-1", "loss", "-o", tmp_path / "d.svg")
    assert "(3 folds)" in (tmp_path / "d.svg").read_text()
    assert "fold" in output("diff", result.run / "fold-1", result.run / "fold-2", status=1)
    assert "NS604" in output("export", result.run, "-o", tmp_path / "m.onnx", status=1)
    output("train", "--resume", result.run)
