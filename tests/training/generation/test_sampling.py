"""The filters of probabilities against hand computation, and against those of Hugging Face's definition."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from netspec.runs.generation.sampling import draw, keep_likely, prepared

PROBABILITIES = np.array([0.05, 0.4, 0.1, 0.25, 0.2])


def kept(top_k: int, top_p: float, probabilities: Any = PROBABILITIES) -> list[int]:
    found = keep_likely(np.log(np.asarray(probabilities, np.float32))[None], top_k, np.float32(top_p))
    return np.flatnonzero(np.isfinite(found[0])).tolist()


def test_filters_by_hand() -> None:
    assert kept(5, 2) == [0, 1, 2, 3, 4]
    assert kept(2, 2) == [1, 3] and kept(1, 2) == [1]
    # 0.4, 0.65, 0.85, 0.95, 1: the smallest set with at least this probability
    assert (
        kept(5, 0.39) == [1] and kept(5, 0.41) == [1, 3] and kept(5, 0.7) == [1, 3, 4] and kept(5, 0.86) == [1, 2, 3, 4]
    )
    assert kept(5, 1e-6) == [1], "the most probable one is always kept"
    # of the three most probable ones, renormalized by 0.85: 0.47, 0.76, 1
    assert kept(3, 0.46) == [1] and kept(3, 0.75) == [1, 3] and kept(3, 0.77) == [1, 3, 4]
    assert kept(2, 2, [0.25] * 4) == [0, 1], "of equal ones exactly as many as asked for"


def nucleus(probabilities: Any, top_p: float) -> set[int]:
    """Holtzman et al. 2020, equation 2, one id after the other."""
    chosen: set[int] = set()
    for i in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        if sum(probabilities[j] for j in chosen) >= top_p:
            break
        chosen.add(i)
    return chosen


def test_nucleus_of_many_distributions() -> None:
    rng = np.random.default_rng(0)
    for probabilities in rng.dirichlet(np.full(12, 0.5), 20):
        for top_p in (0.3, 0.9):
            assert set(kept(12, top_p, np.maximum(probabilities, 1e-30))) == nucleus(probabilities, top_p)


def test_draws_have_the_probabilities_of_the_temperature() -> None:
    logits = np.repeat(np.log(PROBABILITIES)[None], 40_000, axis=0).astype(np.float32)
    allowed = np.array([True, True, False, True, True])
    counts = np.bincount(draw(logits, prepared(3, 0.5, 4, 0.98, allowed)), minlength=5) / 40_000
    wanted = np.where(allowed, PROBABILITIES, 0) ** 2
    wanted[0] = 0  # after the temperature, 0.05 squared is less than 2% of all
    wanted /= wanted.sum()
    assert counts[0] == counts[2] == 0
    np.testing.assert_allclose(counts, wanted, atol=0.01)


def test_temperature_0_takes_the_most_probable_allowed_id() -> None:
    allowed = np.array([True, False, True, True, True])
    how = prepared(0, 0, None, None, allowed)
    assert draw(np.log(PROBABILITIES)[None].astype(np.float32), how).tolist() == [3]


@pytest.mark.parametrize("index", [0, 5])
def test_each_step_draws_anew_and_the_same_again(index: int) -> None:
    logits = np.zeros((1, 1000), np.float32)
    how = prepared(7, 1, None, None, np.ones(1000, bool))
    one, same, other = (
        int(jax.jit(draw)(logits, how._replace(index=np.int32(i)))[0]) for i in (index, index, index + 1)
    )
    assert one == same != other
