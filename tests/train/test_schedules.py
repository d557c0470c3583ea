"""Schedules against their formulas and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netspec.train.schedules import Constant, Cosine, Exponential, Schedule, Step, Warmup, build_schedule
from netspec.values import Duration

EPOCH, TOTAL = 10, 50


def curve(*chain: Schedule, steps: int = TOTAL) -> np.ndarray:
    factor = build_schedule(chain, EPOCH, TOTAL)
    return np.array([float(factor(np.int32(step))) for step in range(steps)])


def test_constant() -> None:
    np.testing.assert_array_equal(curve(Constant()), np.ones(TOTAL))


def test_warmup_reaches_the_full_rate_at_its_last_step_and_stays() -> None:
    expected = [min((step + 1) / 10, 1) for step in range(TOTAL)]
    np.testing.assert_allclose(curve(Warmup()), expected, rtol=1e-6)


@pytest.mark.parametrize("end", [0.0, 0.1])
def test_cosine(end: float) -> None:
    expected = [end + (1 - end) * 0.5 * (1 + math.cos(math.pi * step / TOTAL)) for step in range(TOTAL)]
    np.testing.assert_allclose(curve(Cosine(end=end)), expected, rtol=1e-5, atol=1e-7)


def test_words_follow_each_other() -> None:
    found = curve(Warmup(length=Duration(5, "steps")), Constant(length=Duration(1, "epochs")), Cosine())
    rest = TOTAL - 15
    np.testing.assert_allclose(found[:5], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(found[5:15], np.ones(10))
    expected = [0.5 * (1 + math.cos(math.pi * step / rest)) for step in range(rest)]
    np.testing.assert_allclose(found[15:], expected, rtol=1e-5, atol=1e-6)


def test_behind_the_end_the_last_value_stays() -> None:
    np.testing.assert_allclose(curve(Cosine(end=0.25), steps=60)[50:], np.full(10, 0.25), rtol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("word", "make"),
    [
        (Step(every=Duration(2, "epochs"), factor=0.1), lambda s, o: s.StepLR(o, 20, 0.1)),
        (Exponential(decay=0.9, every=Duration(1, "steps")), lambda s, o: s.ExponentialLR(o, 0.9)),
        (Cosine(end=0.1), lambda s, o: s.CosineAnnealingLR(o, TOTAL, eta_min=0.1)),
    ],
    ids=["step", "exponential", "cosine"],
)
def test_equals_pytorch(word: Schedule, make) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, expected = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(TOTAL):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(curve(word), expected, rtol=1e-5, atol=1e-7)


def test_exponential_by_epochs() -> None:
    assert curve(Exponential(decay=0.5))[10] == pytest.approx(0.5)
