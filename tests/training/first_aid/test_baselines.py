"""What predictions that look at no input have as metrics, beside those of the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import netspec
from netspec.cli.main import run
from netspec.runs.arguments import read_spec
from netspec.spec.experiment import prepare
from tests.training.first_aid.conftest import write_spec


def test_the_most_frequent_class_and_the_balance(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(folder, data="test = 50%")
    assert run(["train", spec, "--no-report"]) == 0
    shown = capsys.readouterr().out
    splits = prepare(read_spec(spec)).splits
    (learned,), (seen,) = splits.train.targets.values(), splits.test.targets.values()
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(learned), 1)), learned.ravel())
    accuracy = dummy.score(np.zeros((len(seen), 1)), seen.ravel())
    counts = np.bincount(learned.ravel())
    always = f"always {'abc'[counts.argmax()]}"
    assert f"({always}: {100 * accuracy:.2f}%)" in shown
    shares = [f"{100 * count / counts.sum():.3g}% {name}" for name, count in zip("abc", counts, strict=True)]
    assert f"training examples: {', '.join(shares)}\n" in shown
    assert run(["eval", "points-1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["baselines"] == {always: {"test_accuracy": pytest.approx(accuracy)}}
    done = json.loads((folder / "runs/points-1/metrics.jsonl").read_text().splitlines()[-1])
    assert done["baselines"] == record["baselines"]
    assert done["balance"]["output"] == dict(zip("abc", counts / counts.sum(), strict=True))


def test_the_mean_of_normalized_targets(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype(np.float32)
    y = (100 + 7 * random.normal(size=(60, 2))).astype(np.float32)
    spec = "input 3\ndense(2)\ntrain { metrics = mae -> rmse -> r2 }"
    result = netspec.train(spec, (x[:40], y[:40], x[40:], y[40:]), epochs=1, verbose=0, runs=tmp_path)
    found = result.baselines["mean"]
    held_in = prepare(read_spec(spec), (x[:40], y[:40], x[40:], y[40:])).splits.train_index
    dummy = DummyRegressor().fit(x[held_in], y[:40][held_in])
    guess = dummy.predict(x[40:])
    assert found["test_mae"] == pytest.approx(mean_absolute_error(y[40:], guess), rel=1e-4)
    assert found["test_rmse"] == pytest.approx(root_mean_squared_error(y[40:].ravel(), guess.ravel()), rel=1e-4)
    assert found["test_r2"] == pytest.approx(r2_score(y[40:], guess), abs=1e-4)


def test_the_mean_beside_quantiles(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype(np.float32)
    y = (100 + 7 * random.normal(size=(60, 1))).astype(np.float32)
    spec = "input 3\ndense(3)\ntrain {\n loss = quantile(0.1, 0.5, 0.9)\n metrics = mae -> rmse -> r2\n}"
    result = netspec.train(spec, (x[:40], y[:40], x[40:], y[40:]), epochs=1, verbose=0, runs=tmp_path)
    guess = np.full(20, y[:40].mean())
    found = result.baselines["mean"]
    assert found["test_mae"] == pytest.approx(mean_absolute_error(y[40:], guess), rel=1e-4)
    assert found["test_rmse"] == pytest.approx(root_mean_squared_error(y[40:], guess), rel=1e-4)
    assert found["test_r2"] == pytest.approx(r2_score(y[40:], guess), abs=1e-4)


@pytest.mark.parametrize("more", ["", "train { metrics = f1 }", "data { class_weights = balanced }"])
def test_an_imbalanced_target_is_told(more: str) -> None:
    y = np.arange(100) % 20 == 0  # 5% are yes
    found = prepare(read_spec(f"input 3\ndense(1, sigmoid)\n{more}"), (np.eye(100, 3, dtype=np.float32), y.astype(int)))
    told = [problem for problem in found.warnings if problem.code == "NS655"]
    assert len(told) == (not more)
    assert all(problem.message.startswith("9") and "are `0`" in problem.message for problem in told)
