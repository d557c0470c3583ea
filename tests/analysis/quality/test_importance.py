"""The importance of columns is that of scikit-learn for the same permutations of the raw columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import StandardScaler

import netspec
from netspec.analysis.quality import evaluated as evaluated_module
from netspec.analysis.quality.evaluated import Outcome, evaluated
from netspec.analysis.quality.numbers.importance import permutation_importance as of_columns
from netspec.analysis.quality.views.columns import amounts_of, importances, score_of

REPEATS = 3


class OnRows(BaseEstimator):
    """A run as an estimator of scikit-learn, which takes rows of raw columns."""

    def __init__(self, run: Path, columns: list[str]) -> None:
        self.run, self.columns = run, columns

    def fit(self, x: object, y: object = None) -> OnRows:
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        cells = {name: x[:, i].tolist() for i, name in enumerate(self.columns)}
        return np.asarray(netspec.predict(self.run, pl.DataFrame(cells)).outputs["output"]).reshape(-1)


def orders_of_sklearn(count: int) -> list[np.ndarray]:
    """The orders that a column is in, one for each repeat: each permutes the one before."""
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    random, shuffling, order, found = np.random.RandomState(seed), np.arange(count), np.arange(count), []
    for _ in range(REPEATS):
        random.shuffle(shuffling)
        order = order[shuffling]
        found.append(order)
    return found


def test_columns_matter_as_scikit_learn_says(homes: Path) -> None:
    of = evaluated(homes)
    assert of is not None and [column.name for column in of.examples.columns] == ["city", "rooms", "area", "noise"]
    found = importances(of, orders_of_sklearn(len(of.index)))["output"]
    names = [column.name for column in of.examples.columns]
    file = pl.read_csv(homes.parents[1] / "homes.csv")
    rows = [int(of.examples.name(int(i)).rpartition(" ")[2]) - 2 for i in of.index]
    x = np.array(file.select(names).rows(), dtype=object)[rows]
    y = file["price"].to_numpy()[rows]
    scoring = "neg_root_mean_squared_error"
    wanted = permutation_importance(OnRows(homes, names), x, y, scoring=scoring, n_repeats=REPEATS, random_state=0)
    for one, mean, std in zip(found, wanted.importances_mean, wanted.importances_std, strict=True):
        assert one is not None
        assert (one.mean, one.std) == pytest.approx((mean, std), rel=1e-4, abs=1e-5)
    assert found[2] is not None and found[2].mean > 1  # the area


def test_no_column_is_begun_after_the_time() -> None:
    columns = [lambda order: order] * 3
    orders = [np.arange(4)]
    found = [*of_columns(lambda order: order[:1], columns, orders, baseline=np.zeros(1), seconds=-1)]
    assert found == [None, None, None]


def test_several_targets_count_in_their_deviations() -> None:
    rng = np.random.default_rng(0)
    expected, predicted = rng.normal(size=(2, 30, 2)) * [100_000, 0.1]
    outcome = Outcome("output", "numbers", predicted, expected, ("price", "area"))
    scaler = StandardScaler().fit(expected)
    errors = scaler.transform(predicted) - scaler.transform(expected)
    np.testing.assert_allclose(amounts_of(outcome), (errors**2).mean(axis=1))
    assert score_of(outcome) == ("rmse", pytest.approx(np.sqrt((errors**2).mean())))
    one = replace(outcome, expected=expected[:, :1], predicted=predicted[:, :1])
    assert score_of(one)[1] == pytest.approx(root_mean_squared_error(expected[:, 0], predicted[:, 0]))


def test_cells_are_those_of_the_file(homes: Path, folder: Path) -> None:
    of = evaluated(homes)
    assert of is not None
    file = (folder / "homes.csv").read_text().splitlines()
    for number in (0, 7, len(of.index) - 1):
        line = int(of.examples.name(number).rpartition(" ")[2])
        city, rooms, area, noise, price = file[line - 1].split(",")
        shown = of.examples.cells(number)
        assert shown[:2] == [city, rooms]
        assert [float(cell) for cell in shown[2:]] == pytest.approx([float(area), float(noise)], rel=1e-4)
        assert of.outcomes["output"].expected[number, 0] == pytest.approx(float(price), rel=1e-5)
        assert of.outcomes["output"].names == ("price",)


def test_of_many_examples_some_are_predicted(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluated(digits)
    monkeypatch.setattr(evaluated_module, "MAX_EXAMPLES", 50)
    some = evaluated(digits)
    assert whole is not None and some is not None and len(whole.index) == whole.total == 359
    assert len(some.index) == 50 and (some.index[0], some.index[-1]) == (0, 358)
    np.testing.assert_allclose(
        some.outcomes["output"].predicted, whole.outcomes["output"].predicted[some.index], atol=1e-6
    )
    assert evaluated_module.describe_examples(some) == "The test split: 50 of its 359 images, at equal distances."
