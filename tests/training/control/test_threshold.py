"""The threshold of a yes/no output: chosen as scikit-learn would, saved with the run, and used wherever it decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, recall_score

import netspec
from netspec.cli.main import run as netspec_command
from netspec.training.control.threshold import best_threshold
from netspec.training.metrics.classification import F1, Accuracy, BalancedAccuracy

RNG = np.random.default_rng(5)
SCORES = {
    "f1": (F1(average=None), f1_score),
    "accuracy": (Accuracy(average=None), accuracy_score),
    "balanced_accuracy": (BalancedAccuracy(), balanced_accuracy_score),
}
X = RNG.normal(size=(300, 3)).astype(np.float32)
Y = X @ np.array([1.0, -1, 0.5]) + RNG.normal(size=300) > 1.4
SPEC = "input 3\ndense(1, sigmoid)\ndata {{ val = 30% }}\ntrain {{ epochs = 2\n threshold = {}\n metrics = {} }}"
METRICS = "accuracy -> f1 -> recall -> balanced_accuracy -> confusion_matrix"


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("digits", [1, 2, 7])
def test_no_threshold_is_better(name: str, digits: int) -> None:
    metric, score = SCORES[name]
    probabilities = RNG.random(60).round(digits).astype(np.float32)
    labels = RNG.random(60) < probabilities**2
    chosen = best_threshold(metric, probabilities, labels)
    every = [-1.0, *np.unique(probabilities).tolist()]
    best = max(score(labels, probabilities > t) for t in (every if probabilities.min() > 0 else every[1:]))
    assert score(labels, probabilities > np.float32(chosen)) == pytest.approx(best, abs=1e-12)
    assert 0 <= chosen <= 1


def test_neighboring_numbers_and_ties() -> None:
    low = np.float32(0.7)
    high = np.nextafter(low, np.float32(1))
    chosen = best_threshold(Accuracy(average=None), np.array([low, high]), np.array([0, 1]))
    assert low <= np.float32(chosen) < high
    # Everything is right between 0.2 and 0.9, whose midpoint is the only candidate; of no use, the nearest to 0.5.
    assert best_threshold(F1(average=None), np.float32([0.2, 0.9]), np.array([0, 1])) == pytest.approx(0.55)
    assert best_threshold(Accuracy(average=None), np.float32([0.4, 0.6]), np.array([1, 0])) == pytest.approx(0.2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("threshold")
    return netspec.train(SPEC.format("best(f1)", METRICS), (X, Y, X[:90], Y[:90]), runs=folder, verbose=0)


def test_it_is_the_best_on_the_validation_split_and_decides(run: Any) -> None:
    chosen = run.thresholds["output"]
    assert json.loads((run.run / "metrics.jsonl").read_text().splitlines()[-1])["thresholds"] == run.thresholds
    predictions = netspec.predict(run.run, X[:90])
    yes = predictions.outputs["output"][:, 0] > np.float32(chosen)
    assert chosen != 0.5 and yes.tolist() != (predictions.outputs["output"][:, 0] > 0.5).tolist()
    assert predictions.classes == netspec.load(run.run).predict(X[:90]).classes
    names = predictions.class_names
    assert predictions.classes == run.model.predict(X[:90]).classes == [names[int(one)] for one in yes]
    wanted = {
        "test_accuracy": accuracy_score(Y[:90], yes),
        "test_f1": f1_score(Y[:90], yes),
        "test_recall": recall_score(Y[:90], yes),
        "test_balanced_accuracy": balanced_accuracy_score(Y[:90], yes),
    }
    again, of_model = netspec.evaluate(run.run, (X, Y, X[:90], Y[:90])), run.model.evaluate((X, Y, X[:90], Y[:90]))
    table = confusion_matrix(Y[:90], yes).tolist()
    for metrics in (run.metrics, again, of_model):
        assert {name: metrics[name] for name in wanted} == pytest.approx(wanted)
        assert metrics["test_confusion_matrix"] == table
    val = netspec.evaluate(run.run, (X, Y, X[:90], Y[:90]), split="val")
    assert run.metrics["val_f1"] == pytest.approx(val["val_f1"])
    assert val["val_f1"] >= run.history[-1]["metrics"]["val_f1"]  # the one with 0.5 is a candidate


def test_a_resumed_run_chooses_again(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    resumed = netspec.resume(run.run, data=(X, Y, X[:90], Y[:90]), epochs=3, verbose=0)
    assert resumed.thresholds == netspec.load(run.run).preprocessing.thresholds != {}
    assert netspec_command(["show", str(run.run), "--full"]) == 0
    assert f"output = {resumed.thresholds['output']:.7g}" in capsys.readouterr().out
    assert netspec_command(["show", str(run.run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["thresholds"] == resumed.thresholds


def test_a_number_is_used_from_the_beginning(tmp_path: Path) -> None:
    result = netspec.train(SPEC.format("20%", "recall"), (X, Y), runs=tmp_path, verbose=0)
    assert result.thresholds == {"output": 0.2}
    yes = result.model.predict(X).outputs["output"][:, 0] > 0.2
    recall = result.model.evaluate((X, Y))["test_recall"]
    assert recall == pytest.approx(recall_score(Y, yes)) and yes.mean() > 0.3


SAID = {
    "val": "dense(1, sigmoid)\ndata { source = moons }\ntrain { threshold = best(f1) }",
    "metric": "dense(1, sigmoid)\ndata {\nsource = moons\nval = 10%\n}\ntrain { threshold = best(roc_auc) }",
    "output": "dense(classes, softmax)\ndata { source = iris }\ntrain { threshold = 0.3 }",
}


@pytest.mark.parametrize("case", SAID)
def test_what_cannot_be_chosen_is_said_by_check(case: str) -> None:
    (found,) = [problem for problem in netspec.check(SAID[case]) if problem.is_error]
    assert (found.code, found.case) == ("NS542", case)
