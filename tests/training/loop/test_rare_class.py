"""Rare positives: said after the first epoch, and seen in the default metrics of a yes/no output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

import netspec

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 4)).astype(np.float32)
Y = RNG.random(400) < 0.135
SPEC = "input 4\ndense(1, sigmoid)\ndata {{ val = 25%\n {} }}\ntrain {{ epochs = 1\n optimizer = sgd({}) }}"


class Told(netspec.Callback):
    def __init__(self) -> None:
        self.codes: list[str] = []

    def warning(self, diagnostic: Any) -> None:
        self.codes.append(diagnostic.code)


def train(folder: Path, more: str = "", scale: float = 1, y: Any = Y) -> tuple[Any, list[str]]:
    told = Told()
    result = netspec.train(SPEC.format(more, 0.5), (X * scale, y), runs=folder, callbacks=[told], verbose=0)
    return result, told.codes


def test_all_predictions_of_one_class_are_told_with_what_helps(tmp_path: Path) -> None:
    result, codes = train(tmp_path, scale=0.01)
    assert codes == ["NS541"]
    (found,) = [problem for problem in result.problems if problem.code == "NS541"]
    assert not found.is_error and "`val_accuracy`" in found.message and "class_weights = balanced" in found.hint_text
    assert "NS541" in (result.run / "log.txt").read_text()
    assert result.history[0]["metrics"]["val_balanced_accuracy"] == 0.5


@pytest.mark.parametrize("case", ["weights", "balanced labels"])
def test_otherwise_nothing_is_told(case: str, tmp_path: Path) -> None:
    more = "class_weights = balanced" if case == "weights" else ""
    assert train(tmp_path, more, y=Y if case == "weights" else X[:, 0] > 0)[1] == []


def test_default_metrics_are_those_of_scikit_learn(tmp_path: Path) -> None:
    result, _ = train(tmp_path, "class_weights = balanced", y=(X[:, 0] + X[:, 1] > 1.2).astype(int))
    test = netspec.evaluate(result.run, (X, (X[:, 0] + X[:, 1] > 1.2).astype(int)))
    predicted = np.asarray(netspec.predict(result.run, X).outputs["output"])[:, 0] > 0.5
    wanted = X[:, 0] + X[:, 1] > 1.2
    metrics = dict(getattr(test, "metrics", test))
    assert metrics["test_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(wanted, predicted))
    assert metrics["test_confusion_matrix"] == confusion_matrix(wanted, predicted).tolist()
