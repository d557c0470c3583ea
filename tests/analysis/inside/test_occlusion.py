"""Occlusion: drops of the probability, computed in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.occlusion import occlusion
from netspec.data.predict.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def model() -> netspec.Model:
    made = netspec.compile("input 4x6x1\nflatten -> dense(3, softmax)", seed=1)
    made.preprocessing = Preprocessing(ranges={"x": (0.0, 0.5)})
    return made


def probability(model: netspec.Model, image: np.ndarray, index: int) -> float:
    layer = model.module.dense
    powers = np.exp(image.reshape(-1) @ np.asarray(layer.kernel[...]) + np.asarray(layer.bias[...]))
    return float(powers[index] / powers.sum())


def test_drops_are_means_over_the_patches_that_cover_a_pixel(model: netspec.Model) -> None:
    image = np.random.default_rng(0).random((4, 6, 1)).astype(np.float32) / 2
    drops, covers = np.zeros((4, 6)), np.zeros((4, 6))
    for top in (0, 1):  # 3x3 patches, which move by 2: the last ones end at the edges
        for left in (0, 2, 3):
            hidden = image.copy()
            hidden[top : top + 3, left : left + 3] = image.mean()
            drops[top : top + 3, left : left + 3] += probability(model, image, 2) - probability(model, hidden, 2)
            covers[top : top + 3, left : left + 3] += 1
    found = occlusion(model, image, 2, size=3, step=2)
    assert found.shape == (1, 4, 6) and abs(found).max() > 1e-3
    np.testing.assert_allclose(found[0], drops / covers, atol=1e-6)


def test_no_is_the_opposite_of_yes() -> None:
    model = netspec.compile("input 2x2x1\nflatten -> dense(1, sigmoid)", seed=4)
    x = np.array([[[[0.0], [1.0]], [[0.5], [0.2]]]], np.float32)
    np.testing.assert_allclose(occlusion(model, x, "no"), -occlusion(model, x, "yes"), atol=1e-6)
    assert abs(occlusion(model, x)).max() > 0


def test_patches_that_do_not_fit(model: netspec.Model) -> None:
    image = np.zeros((4, 6, 1), np.float32)
    with pytest.raises(ValueError, match="the patch is from 1 to 4 pixels, not 5"):
        occlusion(model, image, size=5)
    for step in (0, 3):
        with pytest.raises(ValueError, match=f"moves by 1 to 2 pixels .its side., not by {step}"):
            occlusion(model, image, size=2, step=step)
    with pytest.raises(ValueError, match="moves by 1 pixel, not by 2"):
        occlusion(model, image, step=2)
    with pytest.raises(TypeError, match="`size` is a number of pixels, not"):
        occlusion(model, image, size=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`step` is a number of pixels, not"):
        occlusion(model, image, size=2, step=True)
    assert np.isfinite(occlusion(model, image + 0.1, size=np.int64(4), step=4)).all()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one image as input"):
        occlusion(netspec.compile("input 4\ndense(2, softmax)"), np.zeros(4))
