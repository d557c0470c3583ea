"""Losses that predict distributions, against SciPy, scikit-learn and PyTorch, and calibrated intervals by hand."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import mean_pinball_loss

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import CompileError
from netspec.training.control.conformal import calibrated_margins, find_bounds
from netspec.training.losses.distributions import Gaussian, Poisson, Quantile
from netspec.training.losses.regression import Mse

RANDOM = np.random.default_rng(0)
TARGETS = RANDOM.normal(size=(40, 2)).astype(np.float32)
HEAD = OutputHead((2,))
QUANTILES = Quantile(levels=(0.05, 0.5, 0.9))


def test_pinball_loss_of_two_targets_with_three_quantiles() -> None:
    logits = RANDOM.normal(size=(40, 6)).astype(np.float32)
    found = np.asarray(QUANTILES.values(jnp.asarray(logits), jnp.asarray(TARGETS), HEAD.of_targets(1)))
    assert found.shape == (40, 2)
    for target in range(2):
        each = [
            mean_pinball_loss(TARGETS[:, target], logits[:, 3 * target + i], alpha=level)
            for i, level in enumerate(QUANTILES.levels)
        ]
        assert found[:, target].mean() == pytest.approx(np.mean(each), rel=1e-5)


def test_gaussian_likelihood() -> None:
    torch = pytest.importorskip("torch")
    logits = RANDOM.normal(size=(40, 4)).astype(np.float32) * 2
    mean, raw = logits[:, ::2].astype(np.float64), logits[:, 1::2].astype(np.float64)
    std = np.log1p(np.exp(raw)) + 1e-6
    found = np.asarray(Gaussian().values(jnp.asarray(logits), jnp.asarray(TARGETS), HEAD))
    assert found == pytest.approx(-scipy.stats.norm.logpdf(TARGETS, mean, std), rel=1e-4)
    tensors = [torch.tensor(x) for x in (mean, TARGETS.astype(np.float64), std**2)]
    of_torch = torch.nn.functional.gaussian_nll_loss(*tensors, full=True)
    assert found.mean() == pytest.approx(of_torch.item(), rel=1e-4)


def test_poisson_likelihood() -> None:
    rates, counts = np.float32([[0.2, 3, 40]]).repeat(5, 0), RANDOM.integers(0, 60, (5, 3)).astype(np.float32)
    poisson = Poisson()
    found = np.asarray(poisson.log_density(poisson.parameters(jnp.log(rates)), jnp.asarray(counts)))
    assert found == pytest.approx(scipy.stats.poisson.logpmf(counts, rates), rel=1e-4)
    loss = np.asarray(poisson.values(jnp.log(rates), jnp.asarray(counts), OutputHead((3,))))
    assert loss - np.float32(scipy.special.gammaln(counts + 1)) * -1 == pytest.approx(-found, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_intervals_are_those_of_scipy(level: float) -> None:
    rates = np.array([1e-4, 0.3, 1, 4.7, 33.3, 1200.5])
    low, high = Poisson().interval(rates[:, None], level)
    assert (low, high) == tuple(map(pytest.approx, scipy.stats.poisson.interval(level, rates)))
    parameters = np.stack([rates, rates / 3 + 1], axis=-1)[:, None]
    found = Gaussian().interval(parameters, level)
    expected = scipy.stats.norm.interval(level, rates, rates / 3 + 1)
    assert [end[:, 0] for end in found] == [pytest.approx(end) for end in expected]


def test_quantiles_that_cross_are_sorted() -> None:
    crossed = np.array([[[3.0, 1.0, 2.0]]])
    assert QUANTILES.point(crossed).item() == 2
    assert [end.item() for end in QUANTILES.interval(crossed, 0.85)] == [1, 3]
    assert QUANTILES.has_level(0.85)
    assert not QUANTILES.has_level(0.9)
    inner = Quantile(levels=(0.05, 0.25, 0.75, 0.95))
    assert [end.item() for end in inner.interval(np.array([[[1.0, 2, 3, 4]]]), 0.5)] == [2, 3]
    assert inner.point(np.array([[[1.0, 2, 4, 9]]])).item() == 3, "the middle of those next to the median"


@pytest.mark.parametrize("loss", [QUANTILES, Gaussian()], ids=["quantile", "gaussian"])
def test_units_of_the_targets(loss: Any) -> None:
    """Normalized targets of two columns: mean, scale and quantiles come back in the units of each."""
    scale = Normalization((100.0, -5.0), (20.0, 0.5))
    logits = RANDOM.normal(size=(7, 2 * loss.parts))
    restored = loss.restored(logits, scale)
    parameters = loss.parameters(logits)
    found = restored.reshape(7, 2, loss.parts)
    for column, (mean, std) in enumerate(zip(scale.mean, scale.std, strict=True)):
        expected = parameters[:, column] * std
        expected[:, : 1 if isinstance(loss, Gaussian) else None] += mean
        assert found[:, column] == pytest.approx(expected)
    assert loss.logits(restored, scale) == pytest.approx(logits)


def test_margins_by_hand() -> None:
    errors = np.arange(1, 20.0)[:, None] * [1, 10]  # 19 examples: the 18th smallest of 20 * 0.9
    zeros = np.zeros_like(errors)
    assert calibrated_margins(zeros, zeros, errors, 0.9) == (18, 180)
    with pytest.raises(CompileError) as wrong:
        calibrated_margins(zeros[:8], zeros[:8], errors[:8], 0.9)
    assert [(d.code, d.message) for d in wrong.value.diagnostics] == [
        ("NS654", "a conformal interval of 90% needs 9 validation examples, and there are 8")
    ]
    assert calibrated_margins(zeros[:9], zeros[:9], errors[:9], 0.9) == (9, 90)


def test_a_negative_margin_makes_intervals_narrower_and_never_turns_them_around() -> None:
    wide, narrow = np.array([[[0.0, 5, 10]]]), np.array([[[4.0, 5, 6]]])
    bounds = [find_bounds(QUANTILES, one, 0.8, np.array([-2.0])) for one in (wide, narrow)]
    assert [[end.item() for end in ends or ()] for ends in bounds] == [[2, 8], [5, 5]]
    assert find_bounds(Mse(), np.array([[3.0]]), 0.9) is None
    assert [end.item() for end in find_bounds(Mse(), np.array([[3.0]]), 0.9, np.array([2.0])) or ()] == [1, 5]
