"""The learning-rate range test: its curve, its suggestions, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netspec.analysis.lr_range_test import base_rate, find_rate, rounded, smooth, suggest_rates
from netspec.language.diagnostics import CompileError
from netspec.training.optimizers.optax_words import Sgd
from netspec.training.step.engine import Engine
from tests.training.nets import class_job, number_job


def test_the_rate_rises_geometrically_and_the_loss_explodes() -> None:
    found = find_rate(number_job(optimizer=(Sgd(),), batch=30))
    ratios = np.asarray(found.rates[1:]) / np.asarray(found.rates[:-1])
    assert found.rates[0] == pytest.approx(1e-7)
    np.testing.assert_allclose(ratios, 1e8 ** (1 / 99), rtol=1e-9)
    assert found.exploded and found.rates[-1] < 10
    assert len(found.losses) == len(found.smoothed) == len(found.rates)


def test_losses_are_those_of_gradient_descent_by_hand() -> None:
    """Least squares with the same rising rates in NumPy."""
    job = number_job(optimizer=(Sgd(),), batch=30)
    job = replace(job, shuffle=False)
    found = find_rate(job, low=1e-2, high=0.5, steps=10)
    engine = Engine(job)
    params, _ = engine.first_weights
    kernel = np.asarray(params["dense1"]["kernel"], np.float64)
    bias = np.asarray(params["dense1"]["bias"], np.float64)
    for step in range(10):
        rows = slice(30 * step, 30 * step + 30)
        x, y = job.train.inputs["input"][rows].astype(np.float64), job.train.targets["output"][rows]
        error = x @ kernel + bias - y
        assert found.losses[step] == pytest.approx(float((error**2).mean()), rel=1e-4)
        rate = 1e-2 * 50 ** (step / 9)
        kernel -= rate * 2 * x.T @ error / error.size
        bias -= rate * 2 * error.sum(axis=0) / error.size


def test_suggestions_of_a_known_curve() -> None:
    """The loss falls like a logistic function around 1e-3 and is least at 1e-1."""
    logs = np.linspace(-7, 1, 161)
    loss = 2 - 1 / (1 + np.exp(-4 * (logs + 3))) + 4.0 ** (2 * (logs + 0.5)) * (logs > -1)
    rates = (10.0**logs).tolist()
    steepest, tenth = suggest_rates(rates, loss.tolist()) or (0.0, 0.0)
    assert steepest == pytest.approx(1e-3, rel=0.1)
    assert tenth == pytest.approx(rates[int(np.argmin(loss))] / 10)


def test_smoothing_keeps_lines_and_does_not_lag() -> None:
    line = np.arange(40) * 0.5
    np.testing.assert_allclose(smooth(line.tolist())[10:-10], line[10:-10], atol=1e-3)
    peak = smooth([0.0] * 20 + [1.0] + [0.0] * 20)
    assert int(np.argmax(peak)) == 20


def test_the_suggested_rate_trains() -> None:
    job = class_job(epochs=3)
    found = find_rate(job)
    assert 1e-5 < found.suggested < 1
    assert found.suggested == rounded(min(found.steepest, found.tenth))


def test_flat_losses_are_told() -> None:
    with pytest.raises(CompileError) as caught:
        find_rate(number_job(), low=1e-12, high=1e-10, steps=12)
    assert caught.value.diagnostics[0].code == "NS513"


def test_rates_are_written_as_people_do() -> None:
    assert [rounded(r) for r in (0.00342, 0.0154, 0.96, 1.07e-6)] == [0.003, 0.015, 1.0, 1.1e-6]
    assert base_rate((Sgd(rate=0.3),)) == 0.3
