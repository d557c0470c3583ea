"""Prediction intervals from the training to the predictions, as a user has them."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import mean_pinball_loss

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError

RANDOM = np.random.default_rng(1)
X = RANDOM.uniform(-1, 1, (400, 2)).astype(np.float32)
Y = 1000 + 300 * X[:, 0] + (20 + 80 * np.abs(X[:, 1])) * RANDOM.normal(size=400)
SPEC = """
input 2
dense(16, relu) -> dense({units})
data {{
    normalize = standard
    val       = 25%
    test      = 25%
}}
train {{
    loss      = {loss}
    epochs    = 15
    optimizer = adam(0.01)
    {more}
}}
"""
SERIES = """
input 6x1
flatten -> dense(6)
data {
    source = windows("load.csv", past = 6, ahead = 2, time = "time", inputs = ["load"], targets = "load")
    val    = last(20%)
    test   = last(20%)
}
train {
    loss   = quantile(0.1, 0.5, 0.9)
    epochs = 2
}
"""


def trained(folder: Path, loss: str, units: int, more: str = "", y: Any = Y) -> Any:
    spec = SPEC.format(loss=loss, units=units, more=more)
    return netspec.train(spec, (X, y[:, None]), runs=folder, verbose=0)


@pytest.fixture(scope="module")
def quantiles(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return trained(tmp_path_factory.mktemp("quantiles"), "quantile(0.05, 0.5, 0.95)", 3)


def heldout(result: Any) -> tuple[Any, Any]:
    """The test examples, and their targets in the units of the data."""
    index = result.test_index if hasattr(result, "test_index") else None
    assert index is None
    from netspec.spec.experiment import prepare

    splits = prepare(result.model.compilation, (X, Y[:, None])).splits
    return X[splits.test_index], Y[splits.test_index]


def test_metrics_of_quantiles_are_those_of_their_predictions(quantiles: Any) -> None:
    x, y = heldout(quantiles)
    predictions = quantiles.model.predict(x)
    found = predictions.quantiles[:, 0]
    pinball = [mean_pinball_loss(y, found[:, i], alpha=q) for i, q in enumerate((0.05, 0.5, 0.95))]
    low, high = (end[:, 0] for end in predictions.intervals(0.9))
    assert (low == found[:, 0]).all()
    assert (high == found[:, 2]).all()
    assert predictions.values[:, 0] == pytest.approx(found[:, 1])
    metrics = quantiles.metrics
    assert metrics["test_pinball"] == pytest.approx(np.mean(pinball), rel=1e-3)
    assert metrics["test_mae"] == pytest.approx(np.abs(y - found[:, 1]).mean(), rel=1e-3)
    assert metrics["test_coverage"] == pytest.approx(((low <= y) & (y <= high)).mean())
    assert metrics["test_interval_width"] == pytest.approx((high - low).mean(), rel=1e-3)
    assert 0.8 < metrics["test_coverage"] < 1
    again = netspec.evaluate(quantiles.run, (x, y[:, None]))
    assert again["test_coverage"] == pytest.approx(metrics["test_coverage"])


def test_metrics_of_a_gaussian_are_those_of_its_predictions(tmp_path: Path) -> None:
    result = trained(tmp_path, "gaussian", 2, "metrics = nll -> crps -> rmse -> coverage")
    x, y = heldout(result)
    predictions = result.model.predict(x)
    mean, std = predictions.values[:, 0], predictions.std[:, 0]
    assert result.metrics["test_nll"] == pytest.approx(-scipy.stats.norm.logpdf(y, mean, std).mean(), rel=1e-3)
    assert result.metrics["test_rmse"] == pytest.approx(np.sqrt(((y - mean) ** 2).mean()), rel=1e-3)
    low, high = (end[:, 0] for end in predictions.intervals(0.5))
    assert (high - low) / std == pytest.approx(2 * scipy.stats.norm.ppf(0.75))
    draws = RANDOM.normal(mean, std, (4000, len(mean)))
    score = (np.abs(draws - y) - 0.5 * np.abs(draws - draws[::-1])).mean()  # of samples, by definition
    assert result.metrics["test_crps"] == pytest.approx(score, rel=0.05)
    raw = result.model(x[:2])
    assert np.asarray(raw) == pytest.approx(np.stack([mean, std], axis=1)[:2], rel=1e-4)


def test_conformal_intervals_of_points_are_calibrated_on_the_validation_split(tmp_path: Path) -> None:
    result = trained(tmp_path, "mse", 1, "interval = conformal(80%)")
    from netspec.spec.experiment import prepare

    index = prepare(result.model.compilation, (X, Y[:, None])).splits.val_index
    errors = np.sort(np.abs(Y[index] - result.model.predict(X[index]).values[:, 0]))
    margin = errors[int(np.ceil(0.8 * (len(errors) + 1))) - 1]
    loaded = netspec.load(result.run)
    low, high = loaded.predict(X[:5]).intervals()
    assert (high - low) / 2 == pytest.approx(np.full((5, 1), margin), rel=1e-3)
    assert 0.7 < result.metrics["test_coverage"] < 0.9
    assert "val_coverage" not in result.history[-1]["metrics"]
    with pytest.raises(CompileError) as wrong:
        loaded.predict(X[:5]).intervals(0.9)
    assert [d.code for d in wrong.value.diagnostics] == ["NS652"]


def test_counts(tmp_path: Path) -> None:
    counts = RANDOM.poisson(np.exp(1 + X[:, 0])).astype(np.float32)
    result = trained(tmp_path, "poisson", 1, y=counts)
    predictions = result.model.predict(X)
    assert predictions.values.mean() == pytest.approx(counts.mean(), rel=0.2), "rates, not their logarithms"
    low, high = predictions.intervals(0.9)
    assert (low, high) == tuple(map(pytest.approx, scipy.stats.poisson.interval(0.9, predictions.values)))
    assert result.metrics["test_coverage"] > 0.8


def test_crossed_quantiles_are_sorted_with_a_warning(quantiles: Any) -> None:
    model = netspec.load(quantiles.run)
    model.module.dense_2.bias.value = model.module.dense_2.bias.value[::-1] * 5
    with pytest.warns(netspec.InputWarning if hasattr(netspec, "InputWarning") else UserWarning, match="NS653"):
        found = model.predict(X[:9])
    assert (np.diff(found.quantiles, axis=-1) >= 0).all()


def test_command_line(quantiles: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(quantiles.run)
    assert run(["predict", folder, "0.5,0.1"]) == 0
    assert "(90%: " in capsys.readouterr().out
    assert run(["predict", folder, "0.5,0.1", "--interval", "90%", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["outputs"]["output"]
    assert shown["interval"]["level"] == 0.9
    assert shown["interval"]["low"] == shown["quantiles"]["0.05"]
    table = tmp_path / "table.csv"
    assert run(["predict", folder, "0.5,0.1", "0,0", "-o", str(table)]) == 0
    rows = list(csv.DictReader(table.open()))
    names = [name for name in rows[0] if name.endswith(("_low", "_high"))]
    assert len(names) == 2
    low, high = (float(rows[0][name]) for name in names)
    assert low == pytest.approx(shown["interval"]["low"][0], rel=1e-5)
    assert high > low
    capsys.readouterr()
    for level, code in (("80%", "NS652"), ("90", "NS652"), ("much", "NS652")):
        assert run(["predict", folder, "0.5,0.1", "--interval", level]) == 1
        assert code in capsys.readouterr().err


def test_columns_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("homes.csv").write_text("size,price\n" + "".join(f"{i},{3 * i + i % 5}\n" for i in range(80)))
    source = 'data {\n source = csv("homes.csv", target = "price", task = numbers)\n val = 25%\n}'
    Path("homes.net").write_text(f"dense(1)\n{source}\ntrain {{\n epochs = 2\n interval = conformal(80%)\n}}")
    assert run(["train", "homes.net", "--no-report"]) == 0
    assert "the intervals of price are of 80%, calibrated on the validation split" in capsys.readouterr().out
    assert run(["predict", "homes-1", "12", "13", "-o", "table.csv"]) == 0
    assert Path("table.csv").read_text().startswith("id,price,price_low,price_high\n1,")


def test_intervals_that_there_are_not(tmp_path: Path) -> None:
    result = trained(tmp_path, "mse", 1, "keep = last")
    with pytest.raises(CompileError, match="NS651"):
        result.model.predict(X[:2]).intervals(0.9)


def test_forecasts_have_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    load = 5 + np.sin(np.arange(120) / 3)
    Path("load.csv").write_text("time,load\n" + "".join(f"{i},{v:.4f}\n" for i, v in enumerate(load)))
    Path("forecast.net").write_text(SERIES)
    result = netspec.train("forecast.net", verbose=0)
    assert "test_coverage" in result.metrics
    rows = result.model.predict("load.csv").forecast_rows()
    assert [list(row) for row in rows] == [["time", "load", "load_low", "load_high"]] * 2
    assert all(row["load_low"] <= row["load"] <= row["load_high"] for row in rows)


def test_estimators_predict_points() -> None:
    from netspec.sklearn import Regressor

    spec = SPEC.format(loss="quantile(0.1, 0.5, 0.9)", units=3, more="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Regressor(spec, epochs=5, random_state=0).fit(X, Y).predict(X)
    assert found.shape == (400,)
    assert np.corrcoef(found, Y)[0, 1] > 0.5


def test_exported_quantiles_are_in_the_units_of_the_targets(quantiles: Any, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    assert torch is not None
    netspec.export(quantiles.run, tmp_path / "net.py")  # is compared with the model before it is written
    assert (tmp_path / "net.py").exists()


def test_a_gaussian_is_not_exported(tmp_path: Path) -> None:
    result = trained(tmp_path, "gaussian", 2, "stop = early(val_loss, patience = 1)")
    with pytest.raises(CompileError, match="NS544"):
        netspec.export(result.run, tmp_path / "net.py")
    assert not (tmp_path / "net.py").exists()
