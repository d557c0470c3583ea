"""Metrics of a network that predicts several target columns: one for each, in its units and under its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError, render

SPEC = """input 3
dense(2)
data {{ val = 20% }}
train {{
    epochs    = 3
    optimizer = adam(0.1)
    metrics   = mse -> rmse -> mae -> mape -> r2 -> explained_variance
    {settings}
}}
"""
COMPUTED = {
    "mse": sklearn_metrics.mean_squared_error,
    "rmse": sklearn_metrics.root_mean_squared_error,
    "mae": sklearn_metrics.mean_absolute_error,
    "mape": sklearn_metrics.mean_absolute_percentage_error,
    "r2": sklearn_metrics.r2_score,
    "explained_variance": sklearn_metrics.explained_variance_score,
}


def homes() -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 3)).astype(np.float32)
    price = 200_000 + 60_000 * x[:, 0] + 5000 * rng.normal(size=120)
    return x, pd.DataFrame({"Price ($)": price, "area": 90 + 20 * x[:, 2] + rng.normal(size=120)})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = "stop = early(val_price_mae, 3)\n    keep = best(val_area_r2)"
    expected = "expect { val_area_rmse < 1000 }\n"
    return netspec.train(SPEC.format(settings=settings) + expected, homes(), runs=tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("name", COMPUTED)
def test_each_column_has_its_own(trained: Any, name: str) -> None:
    x, y = homes()
    predicted = np.asarray(trained.model(x), np.float64)
    found = trained.model.evaluate((x, y))
    for i, column in enumerate(("price", "area")):
        wanted = COMPUTED[name](y.to_numpy()[:, i], predicted[:, i])
        assert found[f"test_{column}_{name}"] == pytest.approx(wanted, rel=2e-3)
    is_average = name in ("mape", "r2", "explained_variance")
    assert (f"test_{name}" in found) == is_average, "dollars and square meters have no average"
    if is_average:
        assert found[f"test_{name}"] == pytest.approx(COMPUTED[name](y, predicted), rel=2e-3)


def test_they_are_what_the_run_monitors_and_expects(trained: Any) -> None:
    epochs = [record["metrics"] for record in trained.history]
    assert trained.best_epoch == 1 + int(np.argmax([metrics["val_area_r2"] for metrics in epochs]))
    assert {"price_mae", "val_price_mae"} <= set(epochs[0])
    assert not trained.problems


def test_a_metric_over_all_columns_is_there_for_a_setting_that_names_it(tmp_path: Path) -> None:
    """Specs of earlier versions monitor it, and their runs are resumed."""
    x, y = homes()
    spec = SPEC.format(settings="stop = early(val_mae, 3)") + "expect { test_rmse < 1M }\n"
    result = netspec.train(spec, (x, y), runs=tmp_path, epochs=1, verbose=0)
    predicted = np.asarray(result.model(x), np.float64)
    assert result.history[0]["metrics"]["val_mae"] > 0
    assert "mae" not in result.history[0]["metrics"]
    assert result.model.evaluate((x, y))["test_rmse"] == pytest.approx(
        float(np.sqrt(((predicted - y.to_numpy()) ** 2).mean())), rel=1e-3
    )


def test_an_unknown_column_is_refused_with_the_names_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        netspec.train(SPEC.format(settings="stop = early(val_prize_mae)"), homes(), runs=tmp_path, verbose=0)
    (wrong,) = caught.value.diagnostics
    assert wrong.code == "NS459" and "`val_price_mae`" in render(wrong)
    with pytest.raises(CompileError) as caught:
        netspec.train(SPEC.format(settings="") + "expect { test_prize_mae < 1 }", homes(), runs=tmp_path, verbose=0)
    (wrong,) = caught.value.diagnostics
    assert wrong.code == "NS201" and "test_price_mae" in render(wrong)


def test_a_table_and_the_command_line(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = homes()
    frame = pd.DataFrame(x, columns=list("abc")).assign(price=y.iloc[:, 0].round(), test=y["area"])
    frame.to_csv("homes.csv", index=False)
    source = 'data {\n    source = csv("homes.csv", target = ["price", "test"], task = numbers)\n}\n'
    Path("homes.net").write_text(f"dense(2)\n{source}train {{ epochs = 1 }}\n")
    assert run(["train", "homes.net"]) == 0
    capsys.readouterr()
    assert run(["eval", "runs/homes-1"]) == 0
    printed = capsys.readouterr().out
    names = ("test_price_mae", "test_column_test_mae", "test_r2", "test_price_r2")
    assert all(f"{name} " in printed for name in names) and " test_mae" not in printed
    written = re.search(r"test_price_rmse (\d\d,\d\d\d) ", printed)
    assert written is not None, "numbers in units are written out"
