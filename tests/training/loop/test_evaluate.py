"""Answers to new inputs: heads applied, any number of rows, the same as asking the module."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.storage.tree_paths import Weights
from netspec.training.loop.evaluate import evaluate, predict
from netspec.training.loop.loop import fit
from tests.training.nets import class_data, class_job


@pytest.fixture(scope="module")
def trained():
    return fit(class_job(epochs=2))


@pytest.mark.parametrize("rows", [1, 2, 7, 256, 300, 513])
def test_answers_are_those_of_the_module(trained, rows: int) -> None:
    inputs = class_data(rows, 5).inputs
    found = predict(trained.engine, trained.weights, inputs)["output"]
    assert found.shape == (rows, 3)
    np.testing.assert_allclose(found, trained.module(inputs["input"]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), np.ones(rows), rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 255, 257, 1000])
def test_figures_do_not_depend_on_batches(trained, rows: int) -> None:
    data = class_data(rows, 6)
    found = evaluate(trained.engine, trained.weights, data)
    answers = predict(trained.engine, trained.weights, data.inputs)["output"]
    ids = data.targets["output"]
    assert found["accuracy"] == pytest.approx((answers.argmax(1) == ids).mean(), abs=1e-12)
    assert found["loss"] == pytest.approx(-np.log(answers[np.arange(rows), ids]).mean(), rel=1e-5)
    assert np.sum(found["confusion_matrix"]) == rows


def test_asking_changes_nothing(trained) -> None:
    before = {k: np.array(v) for k, v in trained.weights.other["norm"].items()}
    evaluate(trained.engine, Weights(*trained.weights), class_data(100, 8))
    for name, value in before.items():
        np.testing.assert_array_equal(trained.weights.other["norm"][name], value)
