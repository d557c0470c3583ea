"""The last batch of an epoch: left out by `drop_last`, and a warning where a batchnorm would see one example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

import netspec
from netspec.language.source import Source
from netspec.runs.repeated.verify_resume import compare_runs
from netspec.spec.experiment import SpecExperiment, prepare
from netspec.storage.run_folder import Run
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine

X = np.random.default_rng(0).normal(size=(33, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 3
NORM = "dense(4) -> batchnorm -> relu -> dense(1)\n"


def experiment(network: str = "dense(1)\n", more: str = "", train: str = "batch = 8") -> SpecExperiment:
    text = f"{network}data {{ test = 0\n{more} }}\ntrain {{ {train} }}"
    return prepare(Source("<text>", text), (X, Y))


@pytest.mark.parametrize(
    ("network", "train", "codes"),
    [
        (NORM, "batch = 8", ["NS539"]),
        (NORM, "batch = 1", ["NS539"]),
        (NORM, "batch = 8\n drop_last = true", []),
        (NORM, "batch = 10", []),
        ("dense(4) -> layernorm -> relu -> dense(1)\n", "batch = 8", []),
        ("reshape(1x3x1) -> conv(2, 1) -> batchnorm -> flatten -> dense(1)\n", "batch = 8", []),
        (NORM, 'batch = 8\n freeze = "batchnorm"', []),
    ],
)
def test_one_example_for_a_batchnorm_is_told(network: str, train: str, codes: list[str]) -> None:
    warnings = experiment(network, train=train).warnings
    assert [w.code for w in warnings if w.code.startswith("NS53")] == codes
    assert all("33 examples" in w.message or "1 example" in w.message for w in warnings if w.code == "NS539")


def test_nothing_is_left_without_a_whole_batch() -> None:
    with pytest.raises(netspec.CompileError, match="NS540"):
        experiment(train="batch = 64\n drop_last = true")


@pytest.mark.parametrize("stream", [False, True])
def test_an_epoch_has_whole_batches_only(stream: bool, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    source = f'source = npy("{tmp_path}/x.npy", "{tmp_path}/y.npy")\nstream = {str(stream).lower()}\ntest = 0'
    text = f"dense(1)\ndata {{ {source} }}\ntrain {{ batch = 8\n drop_last = true\n epochs = 2 }}"
    job = prepare(Source("<text>", text))
    assert job.steps_per_epoch == 4
    result = fit(job)
    assert int(result.engine.start()["step"]) == 0 and result.epochs == 2
    orders = [Engine(job).order_of_rows(epoch, 33)[:32] for epoch in (0, 1)]
    dropped = [{*range(33)} - {*order.tolist()} for order in orders]
    assert dropped[0] != dropped[1]


def test_metrics_of_training_are_those_of_the_examples_that_were_taken() -> None:
    """With a learning rate of almost 0 the weights stay, so that the metrics can be computed from the first ones."""
    job = experiment(train="batch = 8\n drop_last = true\n epochs = 1\n optimizer = sgd(1e-12)\n seed = 1")
    engine = Engine(job)
    result = fit(job, engine=engine)
    taken = engine.order_of_rows(0, 33)[:32]
    scale = job.splits.target_scaling["output"]
    weights = engine.module(*engine.first_weights)
    predicted = np.asarray(weights(X[taken])) * scale.std + scale.mean  # type: ignore[operator]
    wanted = Y[taken]
    metrics = result.history[0]["metrics"]
    assert metrics["mae"] == pytest.approx(np.abs(predicted - wanted).mean(), rel=1e-4)
    spread = ((Y - Y.mean()) ** 2).sum() * 32 / 33
    assert metrics["r2"] == pytest.approx(1 - ((predicted - wanted) ** 2).sum() / spread, abs=1e-4)
    assert metrics["r2"] == pytest.approx(r2_score(wanted, predicted), abs=0.5)


def test_it_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    train = "batch = 8\n drop_last = true\n epochs = {}"
    runs = [Run.create(tmp_path, name, {}, {}) for name in ("whole", "parts")]
    for run in runs:
        run.write_text("spec.json", '{"name": "net"}')
    fit(experiment(train=train.format(3)), run=runs[0], save_seconds=0)
    fit(experiment(train=train.format(2)), run=runs[1], save_seconds=0)
    fit(experiment(train=train.format(3)), run=runs[1], resume=True, save_seconds=0)
    rows = [row for row in compare_runs(runs[0].path, runs[1].path) if "metrics" not in row.what]
    assert rows and all(not row.differs for row in rows)
