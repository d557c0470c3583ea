"""Activations over examples: distributions and dead units, as NumPy has them."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.activity import activity
from tests.analysis.test_look import headings


@pytest.fixture(scope="module")
def model() -> netspec.Model:
    """Two dead units, one saturated unit, and one that is both ends of tanh."""
    made = netspec.compile("input 6x6x1\nconv(4, 3x3, relu) -> flatten -> dense(3, tanh) -> dense(2, softmax)", seed=2)
    made.module.conv.bias[...] = np.array([-100, 0, -100, 0], np.float32)
    made.module.dense.bias[...] = np.array([0, 40, 0], np.float32)
    return made


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(130, 6, 6, 1)).astype(np.float32)  # more than a batch


def test_numbers_are_those_of_the_activations(model: netspec.Model, x: np.ndarray) -> None:
    results = model.activations(x)
    found = activity(model, x)
    assert [layer.name for layer in found] == ["conv", "dense", "dense_2"]  # `flatten` only moves numbers
    for layer in found:
        values = results[layer.name].astype(np.float64)
        assert layer.zeros == pytest.approx((values == 0).mean())
        assert (layer.mean, layer.std) == pytest.approx((values.mean(), values.std()), rel=1e-4)
        assert (layer.low, layer.high) == pytest.approx((values.min(), values.max()))
        wanted, _ = np.histogram(values[values != 0], 40, (layer.low, layer.high))
        assert abs(layer.counts - wanted).sum() <= 4 and layer.counts.sum() == (values != 0).sum()


def test_dead_and_saturated_units(model: netspec.Model, x: np.ndarray) -> None:
    conv, dense, last = activity(model, x)
    assert (conv.dead, conv.units, conv.zeros > 0.5) == ((0, 2), 4, True)
    assert dense.dead == (1,)
    assert last.dead is None
    shown = headings(netspec.look(model).activations(x))
    assert "2 of 4 units dead, counted from 1: 1, 3" in shown and "1 of 3 units saturated, counted from 1: 2" in shown
    assert any(text.startswith("what each layer gives over 130 examples") for text in shown)


def test_an_active_example_is_enough(model: netspec.Model, x: np.ndarray) -> None:
    (before,) = activity(model, x, ["conv"])
    (after,) = activity(model, np.concatenate([x, np.full((1, 6, 6, 1), -1e4, np.float32)]), ["conv"])
    kernel = np.asarray(model.module.conv.kernel[...])
    assert before.dead == (0, 2) and after.dead == tuple(i for i in (0, 2) if (kernel[..., i] > 0).all())


def test_what_cannot_be_looked_at(model: netspec.Model, x: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"no layer `cnv`: did you mean `conv`\?"):
        netspec.look(model).activations(x, "cnv")
    with pytest.raises(ValueError, match="trained on arrays, which its spec does not name"):
        netspec.look(model).activations()
