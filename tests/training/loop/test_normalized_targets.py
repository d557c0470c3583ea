"""Training on targets far from 0: by default they are normalized, and everything that people see is in their units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import explained_variance_score, mean_absolute_error, mean_squared_error, r2_score

import netspec
from netspec.cli.main import run
from netspec.language.source import Source
from netspec.spec.experiment import prepare

METRICS = "mse -> rmse -> mae -> r2 -> mape -> explained_variance"
SPEC = """input 4
dense({units})
data {{ val = 20% }}
train {{
    epochs    = 40
    optimizer = adam(0.02)
    metrics   = {metrics}
}}
"""


def linear(units: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    w = rng.normal(size=(4, 2)) / 2
    y = np.array([180_000, 0.5]) + (x @ w + rng.normal(size=(300, 2)) / 20) * [60_000, 0.003]
    return x, y[:, :units]


def spec_of(units: int) -> Source:
    return Source("<text>", SPEC.format(units=units, metrics=METRICS))


@pytest.fixture(scope="module", params=[1, 2])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    spec = SPEC.format(units=request.param, metrics=METRICS)
    return netspec.train(spec, linear(request.param), runs=tmp_path_factory.mktemp("runs"))


def test_metrics_are_in_the_units_of_the_targets(trained: Any) -> None:
    units = next(iter(trained.model.outputs.values())).count
    x, y = linear(units)
    splits = prepare(spec_of(units), (x, y)).splits
    rows = splits.test_index
    predicted, wanted = np.asarray(trained.model(x[rows]), np.float64), y[rows]
    metrics = trained.metrics
    assert metrics["test_r2"] >= 0.97
    assert metrics["test_r2"] == pytest.approx(r2_score(wanted, predicted), abs=1e-4)
    assert metrics["test_explained_variance"] == pytest.approx(explained_variance_score(wanted, predicted), abs=1e-4)
    for name, computed in (("mse", mean_squared_error), ("mae", mean_absolute_error)):
        assert metrics[f"test_{name}"] == pytest.approx(computed(wanted, predicted), rel=2e-3)
    assert metrics["test_rmse"] == pytest.approx(metrics["test_mse"] ** 0.5)
    assert metrics["test_mape"] == pytest.approx(np.mean(np.abs(predicted - wanted) / np.abs(wanted)), rel=1e-2)
    assert metrics["test_loss"] < 0.05  # in standard deviations


def test_a_run_predicts_and_is_evaluated_in_units(trained: Any) -> None:
    units = next(iter(trained.model.outputs.values())).count
    x, y = linear(units)
    model = netspec.load(trained.run)
    found = netspec.predict(model, x[:50]).outputs["output"]
    np.testing.assert_allclose(found, y[:50], rtol=0.15)
    np.testing.assert_allclose(np.asarray(model(x[:50])), found, rtol=1e-5)
    # the network alone gives normalized numbers
    assert np.abs(np.asarray(model.module(x[:50]))).max() < 10
    metrics = netspec.evaluate(trained.run, (x, y), split="test")
    rows = np.asarray(netspec.predict(model, x).outputs["output"])
    assert metrics["test_mse"] == pytest.approx(mean_squared_error(y, rows), rel=2e-3)


def test_the_statistics_are_shown_and_kept(trained: Any, capsys: pytest.CaptureFixture[str]) -> None:
    units = next(iter(trained.model.outputs.values())).count
    (scale,) = json.loads((trained.run / "coding.json").read_text())["outputs"].values()
    assert len(scale["mean"]) == units and 100_000 < scale["mean"][0] < 250_000
    assert run(["show", str(trained.run), "--full"]) == 0
    out = capsys.readouterr().out
    assert "normalize_targets" in out and f"{scale['mean'][0]:.7g}" in out


def test_off_by_a_word(tmp_path: Path) -> None:
    spec = SPEC.format(units=1, metrics="r2").replace("val = 20%", "val = 20%\n normalize_targets = none")
    result = netspec.train(spec.replace("epochs    = 40", "epochs = 2"), linear(), runs=tmp_path)
    assert result.metrics["test_r2"] < -1
    assert json.loads((result.run / "coding.json").read_text())["outputs"] == {}


@pytest.mark.parametrize(
    ("end", "loss", "is_scaled"),
    [
        ("dense(1)", "mse", True),
        ("dense(1)", "huber", True),
        ("dense(4) -> dense(1, bias = false)", "mae", True),
        ("dense(1)", "poisson", False),
        ("dense(1, relu)", "mse", False),
        ("dense(1, softplus)", "mse", False),
        ("dense(1, tanh)", "mse", False),
        ("dense(1) -> softplus", "mse", False),
        ("dense(1) -> scale(100)", "mse", False),
        ("dense(1, frozen = true)", "mse", False),
        ("reshape(2x2x1) -> conv(1, 1x1) -> flatten -> dense(1) -> dropout(0.1)", "mse", True),
    ],
)
def test_only_unbounded_outputs_with_a_loss_of_differences(end: str, loss: str, is_scaled: bool) -> None:
    x, y = linear()
    text = f"input 4\ndense(4, tanh) -> {end}\ndata {{ val = 20% }}\ntrain {{ loss = {loss} }}"
    prepared = prepare(Source("<text>", text), (x, y / 1e5))
    assert bool(prepared.splits.target_scaling) == is_scaled


def test_images_and_inputs_as_targets_stay() -> None:
    x = np.random.default_rng(0).normal(size=(30, 4, 4, 1)).astype(np.float32)
    text = "input 4x4x1\nconv(2, 3x3, relu) -> conv(1, 3x3)\n"
    assert not prepare(Source("<text>", text), (x, x * 5)).splits.target_scaling
    assert not prepare(Source("<text>", text + "data { target = input }"), x).splits.target_scaling


@pytest.mark.parametrize(
    ("layers", "settings", "code", "words"),
    [
        ("dense(1)", "train { loss = huber(20000) }", "NS563", "write `huber(0."),
        ("dense(1)", "train { loss = huber(2) }", "", ""),
        ("dense(1)", "data { normalize_targets = none }\ntrain { loss = huber(20000) }", "", ""),
        ("dense(1, softplus)", "data { normalize_targets = standard }", "NS562", "changes nothing here"),
        (
            "dense(1)",
            "data { normalize_targets = standard }\ntrain { loss = poisson }",
            "NS562",
            "changes nothing here",
        ),
        ("dense(1)", "data { normalize_targets = standard }", "", ""),
        ("dense(1, softplus)", "", "", ""),
    ],
)
def test_settings_of_targets_that_are_not_as_they_seem(layers: str, settings: str, code: str, words: str) -> None:
    x, y = linear()
    found = prepare(Source("<text>", f"input 4\n{layers}\n{settings}"), (x, abs(y))).warnings
    assert [warning.code for warning in found] == ([code] if code else [])
    assert all(words in warning.message + warning.hint_text for warning in found)


def test_several_outputs_each_have_their_scale() -> None:
    x, y = linear(2)
    text = "input 4\nh = input -> dense(4, tanh)\noutput a = h -> dense(1)\noutput b = h -> dense(1, sigmoid)\n"
    targets = {"a": y[:, :1], "b": (y[:, 1:] > 0.5).astype(np.float32)}
    prepared = prepare(Source("<text>", text), (x, targets))
    assert list(prepared.splits.target_scaling) == ["a"]
    assert list(prepared.recipe.target_scales) == ["a"]


def test_freeze_is_not_counted_as_trainable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.net"
    file.write_text('input 4\ndense(8, relu, name = "stem") -> dense(1)\ntrain { freeze = "stem" }')
    assert run(["check", str(file)]) == 0
    assert "9 trainable parameters (40 frozen)" in capsys.readouterr().out
    assert run(["show", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == {"trainable": 9, "state": 0, "frozen": 40}
    assert netspec.compile(file).cost.trainable == 9
    seen: dict[str, Any] = {}

    class Start(netspec.Callback):
        def start(self, record: Any) -> None:
            seen.update(record)

    netspec.train(file, linear(), runs=tmp_path, epochs=1, callbacks=[Start()])
    assert seen["trainable"] == 9 and seen["parameters"] == 49
