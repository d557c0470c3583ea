"""Inputs that excite units: they do so much more than other images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.maximize import maximize
from tests.analysis.test_look import headings, pixels


def test_units_are_more_active_than_for_other_images(convolutions: netspec.Model) -> None:
    found = maximize(convolutions, "conv_2", steps=60)
    images = np.random.default_rng(0).random((2000, 8, 6, 2)).astype(np.float32)
    others = convolutions.activations(images, "conv_2").mean(axis=(1, 2))
    assert (found.units, found.count, found.images.shape) == ([0, 1, 2, 3], 4, (4, 8, 6, 2))
    assert found.images.min() >= 0 and found.images.max() <= 1
    reached = convolutions.activations(found.images, "conv_2").mean(axis=(1, 2)).diagonal()
    np.testing.assert_allclose(found.activations, reached, rtol=1e-4, atol=1e-6)
    alive = others.max(axis=0) > 0
    assert alive.sum() >= 3
    assert (reached[alive] > 1.4 * others.max(axis=0)[alive]).all()


def test_equal_seeds_give_equal_images(convolutions: netspec.Model) -> None:
    look = netspec.look(convolutions)
    first, again, other = (look.maximize(units=[1, 4], steps=5, seed=seed).svg for seed in (3, 3, 4))
    assert first == again != other


def test_the_last_layer_gives_the_scores_of_classes(convolutions: netspec.Model, torch: Any, twin: Any) -> None:
    found = maximize(convolutions, units=2, steps=60)
    assert (found.layer, found.names, found.count) == ("dense", ["0", "1"], 5)
    np.testing.assert_allclose(found.activations, twin(torch.tensor(found.images))[0].diagonal(), rtol=1e-3, atol=1e-5)
    others = twin(torch.tensor(np.random.default_rng(0).random((2000, 8, 6, 2)).astype(np.float32)))[0]
    assert (found.activations > others.max(dim=0).values[:2].numpy()).all()
    picture = netspec.look(convolutions).maximize("conv", steps=2)
    assert len(pixels(picture)) == 3 and "3 channels" in " ".join(headings(picture))


def test_what_cannot_be_maximized(convolutions: netspec.Model, tokens: netspec.Model) -> None:
    with pytest.raises(ValueError, match=r"no layer `cnv`: did you mean `conv`\?"):
        maximize(convolutions, "cnv")
    with pytest.raises(ValueError, match="`conv` has 3 units, with indices from 0 to 2"):
        maximize(convolutions, "conv", units=[3])
    with pytest.raises(ValueError, match="a positive integer, not 0"):
        maximize(convolutions, steps=0)
    with pytest.raises(ValueError, match="one image as input"):
        maximize(tokens)
