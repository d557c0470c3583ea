"""Steps that only fill a text up count neither in losses nor in metrics: compared with the same by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec

SPEC = """
input text: 6 tokens(11, pad = 0)
embedding(8) -> dense(16, tanh) -> dense({units})
train {{
    optimizer = sgd(0.1)
    loss = {loss}
    metrics = {metrics}
}}
"""


def texts(rows: int) -> np.ndarray:
    """Ids 1 to 10, of lengths 1 to 6, filled up with 0."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 11, (rows, 6))
    lengths = rng.integers(1, 7, rows)
    return np.where(np.arange(6) < lengths[:, None], ids, 0).astype(np.int32)


def test_classes_of_steps(tmp_path: Path) -> None:
    x = texts(400)
    y = np.where(x > 0, x % 3, 2)  # what stands at the padding is a class that would spoil the figures
    spec = SPEC.format(units="3, softmax", loss="cross_entropy", metrics="[accuracy, perplexity]")
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=3, batch=50, runs=tmp_path)
    real = x > 0
    answers = np.asarray(result.model(x))
    surprise = -np.log(np.take_along_axis(answers, y[..., None], -1)[..., 0])[real]
    figures = result.metrics
    assert figures["test_loss"] == pytest.approx(surprise.mean(), rel=1e-5)
    assert figures["test_perplexity"] == pytest.approx(np.exp(surprise.mean()), rel=1e-5)
    assert figures["test_accuracy"] == pytest.approx((answers.argmax(-1) == y)[real].mean(), abs=1e-9)
    assert 0 < real.mean() < 0.9


def test_numbers_of_steps(tmp_path: Path) -> None:
    x = texts(400)
    y = np.stack([x * 0.1 + 1, np.cos(x)], axis=-1).astype(np.float32)
    y[x == 0] = 1000
    spec = SPEC.format(units=2, loss="mse", metrics="[mse, rmse, mae, r2]")
    result = netspec.train(netspec.compile(spec), (x, y, x, y), epochs=30, batch=50, runs=tmp_path)
    real = x > 0
    error = (np.asarray(result.model(x)) - y)[real]
    figures = result.metrics
    assert figures["test_loss"] == pytest.approx((error**2).mean(), rel=1e-4)
    assert figures["test_rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert figures["test_mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert figures["test_mse"] < 0.5, "the numbers at the padding pull at nothing"


def test_padding_does_not_move_the_weights(tmp_path: Path) -> None:
    x = texts(64)
    spec = netspec.compile(SPEC.format(units="3, softmax", loss="cross_entropy", metrics="accuracy"))
    found = []
    for filler in (0, 2):
        y = np.where(x > 0, x % 3, filler)
        result = netspec.train(spec, (x, y), epochs=2, batch=16, runs=tmp_path)
        found.append([np.asarray(leaf) for leaf in (result.model(x), result.metrics["loss"])])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
