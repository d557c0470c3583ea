"""One batch memorized, and each thing that may prevent it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest

import netspec
from netspec.analysis.first_aid import overfit as module
from netspec.cli.main import run
from netspec.runs.arguments import read_spec
from netspec.spec.experiment import prepare
from tests.training.first_aid.conftest import write_spec


def test_a_batch_is_learned_and_nothing_is_left_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(folder, net="dense(16, relu, l2 = 0.1) -> dropout(0.5) -> dense(classes, softmax)")
    before = sorted(folder.iterdir())
    assert run(["train", spec, "--overfit-batch"]) == 0
    shown = capsys.readouterr().out
    assert "left out: dropout of 0.5, l1 and l2 of layers, schedule" in shown
    assert "accuracy 100.00%" in shown
    assert "learned: network, loss and optimizer work together" in shown
    assert sorted(folder.iterdir()) == before


def test_losses_are_those_of_optax(folder: Path) -> None:
    """The same batch, first weights and optimizer by hand: full-batch descent on the mean cross-entropy."""
    spec = write_spec(folder, net="dense(classes, softmax)", train="optimizer = sgd(0.5)")
    found = netspec.overfit_batch(spec)
    rows = np.random.default_rng((0, 0)).permutation(32)[:16]  # 20% of the 40 examples are held out
    prepared = prepare(read_spec(spec))
    x, y = (np.asarray(*part.values())[rows] for part in (prepared.train.inputs, prepared.train.targets))
    dense = netspec.compile(spec).module.dense
    weights = {"kernel": np.asarray(dense.kernel[...]), "bias": np.asarray(dense.bias[...])}

    def loss(weights: Any) -> Any:
        logits = x @ weights["kernel"] + weights["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y.reshape(-1)).mean()

    losses = []
    for _ in range(20):
        value, gradient = jax.value_and_grad(loss)(weights)
        losses.append(float(value))
        weights = jax.tree.map(lambda w, g: w - 0.5 * g, weights, gradient)
    np.testing.assert_allclose(found.losses[:3], [losses[0], losses[9], losses[19]], rtol=1e-4)


FEW = 300
OBSTACLES = {
    "rate too low": {"train": "optimizer = adam(1e-6)"},
    "rate too high": {"train": "optimizer = sgd(300)"},
    "dead units": {"net": "dense(16, relu, bias_init = constant(-100)) -> dense(classes, softmax)"},
    "no gradient": {"net": "dense(16, relu, bias_init = constant(-100)) -> dense(classes, softmax)"},
    "activation before the loss": {"net": "dense(16, relu) -> dense(classes, softmax) -> softmax"},
    "targets out of reach": {"net": "dense(16, relu) -> dense(1, relu)", "target": "size"},
    "frozen layers": {
        "net": "dense(2, relu) -> dense(classes, softmax)",
        "train": 'optimizer = adam(0.05)\n    freeze = "dense"',
    },
    "nonfinite": {"net": "dense(16) -> dense(16) -> dense(1)", "train": "optimizer = sgd(30)", "target": "size"},
    "unknown": {"net": "dense(1, tanh) -> dense(classes, softmax)"},
}


@pytest.mark.parametrize("kind", OBSTACLES)
def test_what_stands_in_the_way_is_named(
    kind: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.overfit, "__kwdefaults__", {"name": "", "steps": FEW})
    if kind == "unknown":
        monkeypatch.setattr(module, "HIGHER", ())
        monkeypatch.setattr(module, "LOWER", ())
    spec = write_spec(folder, **OBSTACLES[kind])
    assert run(["train", spec, "--overfit-batch", "--json"]) == 1
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["event"] == "overfit_batch"
    assert record["learned"] is False
    assert kind in [obstacle["kind"] for obstacle in record["obstacles"]]
    assert all(obstacle["message"] and obstacle["advice"] for obstacle in record["obstacles"])


def test_labels_that_contradict_each_other_are_shown_with_their_rows(folder: Path) -> None:
    head, *rows = (folder / "points.csv").read_text().splitlines()
    twins = [row.translate(str.maketrans("abc", "bca")) for row in rows]
    (folder / "points.csv").write_text("\n".join([head, *rows, *twins]) + "\n")
    found = netspec.overfit_batch(write_spec(folder), batch=100)
    assert not found.learned
    assert [obstacle.kind for obstacle in found.obstacles] == ["contradiction"]
    rows_named = re.search(r"row (\d+) has the same inputs as points.csv row (\d+)", found.obstacles[0].message)
    assert rows_named is not None
    assert int(rows_named[1]) - int(rows_named[2]) in (40, -40)
    pairs = re.search(r"\((\d+) of (\d+) examples do\)", found.obstacles[0].message)
    assert pairs is not None
    wrong = round((1 - found.metrics["accuracy"]) * found.examples)  # of each pair at most one can be right
    assert int(pairs[1]) <= wrong
    assert int(pairs[2]) == found.examples


def test_a_loss_without_a_zero_is_learned_where_it_settles() -> None:
    x = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
    found = netspec.overfit_batch(
        "input 3\ndense(32, relu) -> dense(1, softplus)",
        (x, np.abs(x[:, :1]).round()),
        loss="poisson",
        optimizer="adam(0.01)",
    )
    assert found.learned
    assert found.losses[-1] > 0.01 * found.losses[0]


@pytest.mark.parametrize(
    ("options", "other"),
    [
        (["--resume", "runs/a-1"], "--resume"),
        (["--run-folder", "runs/a"], "--run-folder"),
        (["--sweep", "rate=1e-3,1e-2"], "--sweep"),
        (["--processes", "2"], "--processes"),
        (["--dry-run"], "--dry-run"),
    ],
)
def test_what_cannot_be_combined_is_refused(
    options: list[str], other: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = [] if "--resume" in options else [write_spec(folder)]
    assert run(["train", *spec, "--overfit-batch", *options]) == 1
    assert f"error[NS657]: `--overfit-batch` cannot be combined with `{other}`" in capsys.readouterr().err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("options", [["--seeds", "3", "-D", "train.devices=1"], ["--folds", "4"]])
def test_of_several_trainings_the_first_is_taken(
    options: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", write_spec(folder), "--overfit-batch", *options]) == 0
    assert "learned" in capsys.readouterr().out
    assert not (folder / "runs").exists()


def test_data_without_targets_are_an_error_of_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(folder / "x.npy", np.zeros((20, 4), np.float32))
    (folder / "no.net").write_text('input 4\ndense(3)\ndata { source = npy("x.npy") }\ntrain { loss = mse }\n')
    assert run(["train", "no.net", "--overfit-batch"]) == 1
    assert "error[NS4" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["overfit_batch", "dry_run"])
def test_iterables_are_refused(name: str) -> None:
    batches = [(np.zeros((4, 3), np.float32), np.zeros(4, int))] * 2
    with pytest.raises(netspec.CompileError, match="NS657"):
        getattr(netspec, name)("input 3\ndense(2, softmax)", batches)
