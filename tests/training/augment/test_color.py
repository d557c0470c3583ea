"""What single augmentations do to images, against NumPy, SciPy and the standard library by hand."""

from __future__ import annotations

import colorsys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from netspec.data import augmentations as W
from netspec.data.augmentations import Augmentation
from netspec.training.augment.color import draw_normal, turn_hue, vary
from netspec.training.augment.geometry import draw_flips, find_map
from netspec.training.augment.pipeline import run_stage, stages
from tests.training.augment.pictures import HEIGHT, WIDTH, images

KEY = jax.random.key(5)


def varied(word: Augmentation, x: Any, key: Any = KEY) -> np.ndarray:
    return np.asarray(jax.jit(run_stage, static_argnums=0)((word,), key, jnp.asarray(x)))


# ---------------------------------------------------------------- maps of the plane


def forward(word: Augmentation, key: Any, count: int) -> np.ndarray:
    """Each map from the old image to the new one as a 3x3 matrix, solved from what the word gives."""
    a, b, c, d, u, v = (np.asarray(n, np.float64) for n in find_map(word, key, count, HEIGHT, WIDTH))
    zero, one = np.zeros(count), np.ones(count)
    backward = np.stack([a, b, u, c, d, v, zero, zero, one], axis=-1).reshape(count, 3, 3)
    return np.linalg.inv(backward)


def test_rotations_keep_lengths() -> None:
    found = forward(W.Rotate(degrees=30.0), KEY, 3000)[:, :2, :2]
    assert np.allclose(found @ found.transpose(0, 2, 1), np.eye(2), atol=1e-6)
    assert np.allclose(np.linalg.det(found), 1)
    angles = np.degrees(np.arctan2(found[:, 0, 1], found[:, 0, 0]))
    assert stats.kstest(angles, stats.uniform(-30, 60).cdf).pvalue > 1e-3


def test_zooms_keep_the_form() -> None:
    found = forward(W.Zoom(amount=0.3), KEY, 3000)
    factors = found[:, 0, 0]
    assert np.allclose(found[:, :2, :2], factors[:, None, None] * np.eye(2))
    assert stats.kstest(factors, stats.uniform(0.7, 0.6).cdf).pvalue > 1e-3


def test_shifts_are_parts_of_the_sides() -> None:
    found = forward(W.Shift(amount=0.25), KEY, 3000)
    assert np.allclose(found[:, :2, :2], np.eye(2))
    down, right = found[:, 0, 2] / HEIGHT, found[:, 1, 2] / WIDTH
    for part in (down, right):
        assert stats.kstest(part, stats.uniform(-0.25, 0.5).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.08


def test_shears_slant_rows() -> None:
    found = forward(W.Shear(degrees=20.0), KEY, 3000)
    assert np.allclose(found[:, 0], [1, 0, 0]) and np.allclose(found[:, 1, 1:], [1, 0])
    angles = np.degrees(np.arctan(found[:, 1, 0]))
    assert stats.kstest(angles, stats.uniform(-20, 40).cdf).pvalue > 1e-3


@pytest.mark.parametrize("fill", ["black", "edge", "mirror"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_chain_of_maps_is_one_sampling(fill: str, channels: int) -> None:
    chain = (
        W.Rotate(degrees=40.0, fill=fill),
        W.Zoom(amount=0.4, fill=fill),
        W.Flip(axis="both"),
        W.Shift(amount=0.3, fill=fill),
        W.Shear(degrees=15.0, fill=fill),
    )
    assert stages(chain) == [chain]
    x = images(channels=channels)
    found = np.asarray(run_stage(chain, KEY, jnp.asarray(x)))
    maps = [forward(word, key, len(x)) for word, key in zip(chain, jax.random.split(KEY, len(chain)), strict=True)]
    middle = np.array([(HEIGHT - 1) / 2, (WIDTH - 1) / 2])
    mode = {"black": "grid-constant", "edge": "nearest", "mirror": "mirror"}[fill]
    for i, image in enumerate(x):
        whole = np.eye(3)
        for each in maps:
            whole = each[i] @ whole
        back = np.linalg.inv(whole)
        offset = middle + back[:2, 2] - back[:2, :2] @ middle
        for c in range(channels):
            expected = ndimage.affine_transform(image[..., c], back[:2, :2], offset, order=1, mode=mode)
            assert np.abs(found[i, ..., c] - expected).max() < 2e-5


def test_what_moves_goes_where_it_is_said_to() -> None:
    x = np.zeros((200, HEIGHT, WIDTH, 1), np.float32)
    x[:, 4, 5] = 1
    found = varied(W.Shift(amount=0.2), x)[..., 0]
    move = forward(W.Shift(amount=0.2), jax.random.split(KEY, 1)[0], 200)[:, :2, 2]
    rows = (found.sum(2) * np.arange(HEIGHT)).sum(1)
    columns = (found.sum(1) * np.arange(WIDTH)).sum(1)
    assert np.allclose(found.sum((1, 2)), 1, atol=1e-5)
    assert np.allclose(np.stack([rows - 4, columns - 5], axis=1), move, atol=1e-4)


def test_one_pixel_high_images() -> None:
    x = jnp.ones((3, 1, 7, 1))
    for fill in ("black", "edge", "mirror"):
        assert np.isfinite(varied(W.Rotate(fill=fill), x)).all()
    assert np.allclose(varied(W.Shift(amount=0.5, fill="mirror"), x), 1)


def test_stages() -> None:
    turn, edge, flip, noise = W.Rotate(), W.Zoom(fill="edge"), W.Flip(), W.Noise()
    assert stages(()) == []
    assert stages((turn, W.Shift(), flip, edge, noise, flip, flip, edge, turn)) == [
        (turn, W.Shift(), flip),
        (edge,),
        (noise,),
        (flip, flip, edge),
        (turn,),
    ]


# ---------------------------------------------------------------- whole pixels


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_flips(axis: str) -> None:
    x = images(300)
    found = varied(W.Flip(axis=axis, chance=0.3), x)
    mirrored = x[:, ::-1] if axis == "vertical" else x[:, :, ::-1]
    is_new = [np.array_equal(f, m) for f, m in zip(found, mirrored, strict=True)]
    is_old = [np.array_equal(f, o) for f, o in zip(found, x, strict=True)]
    assert np.array_equal(is_new, ~np.array(is_old))
    assert stats.binomtest(sum(is_new), 300, 0.3).pvalue > 1e-3


def test_flips_of_both_axes_are_independent() -> None:
    down, across = (np.asarray(part) for part in draw_flips(W.Flip(axis="both"), KEY, 4000))
    assert stats.chi2_contingency(np.histogram2d(down, across, bins=2)[0]).pvalue > 1e-3
    assert stats.binomtest(int((down & across).sum()), 4000, 0.25).pvalue > 1e-3


@pytest.mark.parametrize(("fill", "mode"), [("black", "constant"), ("edge", "edge"), ("mirror", "reflect")])
def test_crops(fill: str, mode: Any) -> None:
    x, pad = images(400, channels=3), 2
    found = varied(W.Crop(pad=pad, fill=fill), x)
    framed = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode=mode)
    corners = []
    for i, image in enumerate(found):
        places = [
            (r, c)
            for r in range(5)
            for c in range(5)
            if np.array_equal(image, framed[i, r : r + HEIGHT, c : c + WIDTH])
        ]
        assert len(places) == 1
        corners += places
    counts = np.bincount([5 * r + c for r, c in corners], minlength=25)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_cutouts() -> None:
    x, size = np.ones((2000, HEIGHT, WIDTH, 2), np.float32), 4
    found = varied(W.Cutout(size=size), x)
    seen = set()
    for image in found:
        assert np.array_equal(image[..., 0], image[..., 1])
        y, x_ = np.nonzero(image[..., 0] == 0)
        box = (y.min(), y.max(), x_.min(), x_.max())
        expected = np.ones((HEIGHT, WIDTH))
        expected[box[0] : box[1] + 1, box[2] : box[3] + 1] = 0
        assert np.array_equal(image[..., 0], expected)
        seen.add(box)
    # DeVries and Taylor: the middle is any pixel, and what lies outside is cut off
    boxes = {
        (max(r - 2, 0), min(r + 1, HEIGHT - 1), max(c - 2, 0), min(c + 1, WIDTH - 1))
        for r in range(HEIGHT)
        for c in range(WIDTH)
    }
    assert seen == boxes


def test_erasing() -> None:
    x = np.ones((3000, 40, 50, 1), np.float32)
    found = varied(W.Erase(chance=0.4, smallest=0.05, largest=0.2), x)[..., 0]
    hidden = [image == 0 for image in found if (image == 0).any()]
    assert stats.binomtest(len(hidden), 3000, 0.4).pvalue > 1e-3
    areas, ratios = [], []
    for mask in hidden:
        height, width = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == height * width
        areas.append(mask.mean())
        ratios.append(height / width)
    assert min(areas) > 0.045 and max(areas) < 0.21
    assert stats.kstest(areas, stats.uniform(0.05, 0.15).cdf).statistic < 0.05
    assert 0.25 < min(ratios) < 0.35 and 2.9 < max(ratios) < 4


# ---------------------------------------------------------------- light and colour


def factors_of(word: Any, count: int) -> np.ndarray:
    """The factor that each image gets, seen at a grey one that nothing of is cut off."""
    x = np.full((count, 2, 2, 1), 0.5, np.float32)
    x[:, 0] = 0.3
    found = np.asarray(vary(word, KEY, jnp.asarray(x)))
    return np.asarray(np.diff(found[:, :, 0, 0], axis=1)[:, 0] / 0.2)


@pytest.mark.parametrize("word", [W.Brightness(amount=0.2), W.Contrast(amount=0.2)], ids=lambda w: w.word)
def test_factors_are_even_around_one(word: Any) -> None:
    assert stats.kstest(factors_of(word, 3000), stats.uniform(0.8, 0.4).cdf).pvalue > 1e-3


def test_brightness() -> None:
    x = images(50, channels=3)
    found = np.asarray(vary(W.Brightness(amount=0.9), KEY, jnp.asarray(x)))
    for old, new, factor in zip(x, found, factors_of(W.Brightness(amount=0.9), 50), strict=True):
        assert np.allclose(new, np.clip(old * factor, 0, 1), atol=1e-5)


def test_contrast() -> None:
    x = images(50, channels=3)
    found = np.asarray(vary(W.Contrast(amount=0.9), KEY, jnp.asarray(x)))
    for old, new, factor in zip(x, found, factors_of(W.Contrast(amount=0.9), 50), strict=True):
        mean = (old @ np.array([0.299, 0.587, 0.114])).mean()
        assert np.allclose(new, np.clip(mean + factor * (old - mean), 0, 1), atol=1e-5)


def test_saturation() -> None:
    x = images(50, channels=3)
    found = np.asarray(vary(W.Saturation(amount=0.5), KEY, jnp.asarray(x)))
    factors = factors_of(W.Contrast(amount=0.5), 50)  # the same key draws the same factors
    for old, new, factor in zip(x, found, factors, strict=True):
        grey = (old @ np.array([0.299, 0.587, 0.114]))[..., None]
        assert np.allclose(new, np.clip(grey + factor * (old - grey), 0, 1), atol=1e-5)


def test_hues_turn_like_those_of_colorsys() -> None:
    random = np.random.default_rng(3)
    colours = np.concatenate([random.random((200, 3)), [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [1, 1, 0]]])
    turns = random.uniform(-0.5, 0.5, len(colours))
    found = np.asarray(turn_hue(jnp.asarray(colours, jnp.float32), jnp.asarray(turns, jnp.float32)))
    for colour, turn, new in zip(colours, turns, found, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        assert np.allclose(new, colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value), atol=1e-5)


def test_hues_of_an_image_turn_together() -> None:
    x = np.tile(np.float32([0.8, 0.3, 0.2]), (500, 2, 2, 1))
    found = np.asarray(vary(W.Hue(amount=0.1), KEY, jnp.asarray(x)))
    assert np.array_equal(found, np.broadcast_to(found[:, :1, :1], found.shape))
    hues = np.array([colorsys.rgb_to_hsv(*image[0, 0])[0] for image in found]) - colorsys.rgb_to_hsv(0.8, 0.3, 0.2)[0]
    hues = (hues + 0.5) % 1 - 0.5
    assert stats.kstest(hues, stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3


def test_noise_is_normal() -> None:
    found = np.asarray(draw_normal(KEY, (30, 33, 7)))
    assert found.shape == (30, 33, 7)
    flat = found.reshape(-1)
    assert stats.kstest(flat, stats.norm.cdf).pvalue > 1e-3
    halves = flat[: len(flat) // 2], flat[-(len(flat) // 2) :]
    assert abs(np.corrcoef(*halves)[0, 1]) < 0.04  # two are made of the same 32 bits
    assert np.abs(np.asarray(draw_normal(KEY, (1_000_000,)))).max() < 4.4


def test_noise_is_added_and_cut_off() -> None:
    x = np.full((40, HEIGHT, WIDTH, 1), 0.5, np.float32)
    found = varied(W.Noise(deviation=0.05), x)
    assert abs(found.mean() - 0.5) < 0.002 and abs(found.std() - 0.05) < 0.002
    strong = varied(W.Noise(deviation=2.0), x)
    assert strong.min() == 0 and strong.max() == 1
