"""Schedules against their formulas and PyTorch."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from netspec.language.values import Duration
from netspec.language.word import Mismatch
from netspec.training.loop.run_state import Progress
from netspec.training.schedules.base import Schedule
from netspec.training.schedules.build import build_schedule, rates_of, steps_before
from netspec.training.schedules.words import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseSqrt,
    Linear,
    Multistep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Step,
    Times,
    Warmup,
)

EPOCH, TOTAL = 10, 50


def epochs(*values: float) -> tuple[Duration, ...]:
    return tuple(Duration(value, "epochs") for value in values)


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
        (Multistep(times=epochs(1, 3), factor=0.2), lambda s, o: s.MultiStepLR(o, [10, 30], 0.2)),
        (Linear(end=0.2), lambda s, o: s.LinearLR(o, 1.0, 0.2, TOTAL)),
        (Polynomial(power=3.0), lambda s, o: s.PolynomialLR(o, TOTAL, 3.0)),
        (OneCycle(end=4e-6), lambda s, o: s.OneCycleLR(o, 1.0, TOTAL)),
        (OneCycle(rise=0.5, start=0.1, end=1e-3, shape="linear"), lambda s, o: s.OneCycleLR(
            o, 1.0, TOTAL, pct_start=0.5, div_factor=10, final_div_factor=100, anneal_strategy="linear")),
        (CosineRestarts(every=Duration(1, "epochs"), end=0.1), lambda s, o: s.CosineAnnealingWarmRestarts(
            o, 10, eta_min=0.1)),
        (CosineRestarts(every=Duration(5, "steps"), growth=2), lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2)),
    ],
    ids=lambda value: value.to_source() if isinstance(value, Schedule) else "",
)  # fmt: skip
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


def test_inverse_sqrt_is_that_of_the_transformer() -> None:
    """d^-0.5 * min(t^-0.5, t * warmup^-1.5), as the paper has it, over its highest value."""
    expected = [min((step + 1) ** -0.5, (step + 1) * 10**-1.5) * 10**0.5 for step in range(TOTAL)]
    np.testing.assert_allclose(curve(InverseSqrt(warmup=Duration(1, "epochs"))), expected, rtol=1e-6)


def test_those_that_fall_may_last_for_a_time() -> None:
    found = curve(Linear(end=0.5, length=Duration(1, "epochs")), Polynomial(length=Duration(2, "epochs")), Constant())
    np.testing.assert_allclose(found[:10], [1 - 0.05 * i for i in range(10)], rtol=1e-6)
    np.testing.assert_allclose(found[10:30], [(1 - i / 20) ** 2 for i in range(20)], rtol=1e-5)
    np.testing.assert_array_equal(found[30:], np.ones(20))


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize(
    "word", [OneCycle(), OneCycle(rise=0.9), CosineRestarts(every=Duration(1, "epochs"), growth=3)]
)
def test_runs_of_a_few_steps_have_finite_rates(word: Schedule, total: int) -> None:
    found = rates_of(1.0, (word,), 1, total)
    assert np.isfinite(found).all() and (found >= 0).all() and (found <= 1).all()


def test_the_rates_of_a_run() -> None:
    found = rates_of(0.5, (Warmup(), Constant()), 4, 2)
    np.testing.assert_allclose(found, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize(
    "wrong", [[], [Duration(3, "epochs"), Duration(2, "epochs")], [1, 1], [Duration(1, "steps"), 2]]
)
def test_times_rise_and_have_one_unit(wrong: list[object]) -> None:
    with pytest.raises(Mismatch):
        Times().accept(wrong)
    assert Times().to_source(Times().accept([1, 2])) == "[1 epochs, 2 epochs]"
    assert Times().accept(3) == epochs(3)


# ---------------------------------------------------------------- following a figure


FIGURES = [1.0, 0.8, 0.9, 0.85, 0.81, 0.7, 0.69, 0.69, 0.69, 0.69, 0.69, 0.5, 0.6, 0.6, 0.6]


def falls(rule: ReduceOnPlateau, figures: list[float | None]) -> list[bool]:
    progress = Progress()
    return [progress.is_plateau(rule, {} if v is None else {rule.metric: v}) for v in figures]


@pytest.mark.oracle
@pytest.mark.parametrize(("patience", "cooldown", "delta"), [(1, 0, 0.0), (2, 0, 0.0), (2, 2, 0.0), (2, 1, 0.02)])
@pytest.mark.parametrize("sign", [1, -1])
def test_plateaus_are_those_of_pytorch(patience: int, cooldown: int, delta: float, sign: int) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "min" if sign > 0 else "max", 0.5, patience - 1, delta, "abs", cooldown
    )
    rates = [1.0]
    for figure in FIGURES:
        theirs.step(sign * figure)
        rates.append(optimizer.param_groups[0]["lr"])
    expected = [after < before for before, after in itertools.pairwise(rates)]
    figure = "val_loss" if sign > 0 else "val_accuracy"
    rule = ReduceOnPlateau(factor=0.5, patience=patience, cooldown=cooldown, min_delta=delta, metric=figure)
    assert falls(rule, [sign * value for value in FIGURES]) == expected
    assert any(expected)


def test_a_figure_that_is_missing_or_no_number_is_no_progress() -> None:
    assert falls(ReduceOnPlateau(patience=2), [1.0, None, float("nan"), 0.5, None]) == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_plateau_waits_for_the_words_before_it() -> None:
    rule = ReduceOnPlateau()
    assert (
        steps_before((Warmup(length=Duration(3, "epochs")), Constant(length=Duration(5, "steps")), rule), rule, 7) == 26
    )
    np.testing.assert_array_equal(curve(Warmup(), rule)[10:], np.ones(TOTAL - 10))
