"""Augmentations of a batch: how examples are mixed, what follows from the seed and the step, what is black."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from netspec.compiler.ir.output_head import OutputHead
from netspec.data import augmentations as W
from netspec.data.augmentations import Augmentation
from netspec.data.dataset.dataset import Target
from netspec.data.transforms.normalization import measure
from netspec.language.shape import Shape
from netspec.training.augment.pipeline import Augmenter, Pixels, cut_box, draw_fractions, make_augmenter, measure_pixels
from tests.training.augment.pictures import HEIGHT, WIDTH, images
from tests.training.nets import recipe_for

KEY = jax.random.key(5)


def augmenter(*chain: Augmentation, seed: int = 0, channels: int = 1, classes: int = 3) -> Augmenter:
    pixels = Pixels((1.0,) * channels, (0.0,) * channels)
    return Augmenter(chain, seed, (Shape((HEIGHT, WIDTH, channels)),), {0: pixels}, {"output": classes})


def run(chain: tuple[Augmentation, ...], x: Any, y: Any, step: int = 0, **keys: Any) -> tuple[np.ndarray, np.ndarray]:
    (found,), answers = compiled(augmenter(*chain, **keys))(step, (jnp.asarray(x),), {"output": jnp.asarray(y)})
    return np.asarray(found), np.asarray(answers["output"])


def compiled(made: Augmenter) -> Any:
    return jax.jit(made.__call__)


# ---------------------------------------------------------------- two examples in one


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 8.0])
def test_shares_come_from_a_beta_distribution(alpha: float) -> None:
    found, beta = np.asarray(draw_fractions(KEY, alpha, 20_000)), stats.beta(alpha, alpha)
    assert found.min() >= 0 and found.max() <= 1
    # Nearer to 1 than 1e-5 a 32-bit number cannot say how near.
    ends = beta.cdf([1e-5, 1 - 1e-5])
    inner = found[(found > 1e-5) & (found < 1 - 1e-5)]
    assert stats.binomtest(len(inner), len(found), ends[1] - ends[0]).pvalue > 1e-3
    assert stats.kstest(inner, lambda x: (beta.cdf(x) - ends[0]) / (ends[1] - ends[0])).pvalue > 1e-3


def test_mixup_mixes_images_and_classes_alike() -> None:
    values = np.linspace(0.1, 0.9, 64)
    x = np.tile(values[:, None, None, None], (1, HEIGHT, WIDTH, 1)).astype(np.float32)
    labels = np.arange(64).astype(np.int32)
    found, shares = run((W.Mixup(alpha=1.0),), x, labels, classes=64)
    assert np.allclose(shares.sum(1), 1, atol=1e-6) and (np.count_nonzero(shares, axis=1) <= 2).all()
    assert np.allclose(found, (shares @ values)[:, None, None, None], atol=1e-5)
    own = shares[np.arange(64), labels]
    assert (own >= 0.5).all() and (own < 0.99).sum() > 40
    partners = np.where(np.arange(64)[None] == labels[:, None], -1, shares).argmax(1)
    assert len(set(partners[own < 1])) == (own < 1).sum()  # each is the other one of one example


def test_mixup_of_several_inputs_and_targets_is_that_of_examples() -> None:
    random = np.random.default_rng(0)
    vector = random.normal(size=(16, 5)).astype(np.float32)
    chain = Augmenter((W.Mixup(),), 0, (Shape((5,)), Shape((HEIGHT, WIDTH, 1))), {}, {"kind": 4})
    x = np.tile(vector[:, None, None, :1], (1, HEIGHT, WIDTH, 1))
    targets = {"kind": jnp.arange(16) % 4, "yes": jnp.asarray(vector[:, 1:2])}
    (mixed, image), answers = compiled(chain)(0, (jnp.asarray(vector), jnp.asarray(x)), targets)
    assert np.allclose(image[:, 0, 0, 0], mixed[:, 0], atol=1e-6)
    assert np.allclose(answers["yes"][:, 0], mixed[:, 1], atol=1e-6)
    assert answers["kind"].shape == (16, 4)


def test_cutmix_shares_are_what_is_seen() -> None:
    count = 256
    x = np.tile(np.arange(count)[:, None, None, None], (1, HEIGHT, WIDTH, 1)).astype(np.float32)
    found, shares = run((W.Cutmix(),), x, np.arange(count), classes=count)
    seen = np.stack([np.bincount(image.astype(int).reshape(-1), minlength=count) for image in found]) / (HEIGHT * WIDTH)
    assert np.allclose(shares, seen, atol=1e-6)
    for i, image in enumerate(found[..., 0]):
        rows, columns = np.nonzero(image != i)
        if len(rows):
            box = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert (box == box[0, 0]).all()


def test_boxes_cover_what_the_share_leaves() -> None:
    own = np.linspace(0, 1, 21).repeat(200).astype(np.float32)
    box, left = (np.asarray(part) for part in cut_box(KEY, jnp.asarray(own), 40, 60))
    assert np.allclose(left, 1 - box.mean((1, 2)), atol=1e-6)
    full = [box[own == share].sum((1, 2)).max() / 2400 for share in np.unique(own)]
    assert np.allclose(full, 1 - np.unique(own), atol=0.08)
    middles = [
        [np.nonzero(mask.any(1))[0].mean(), np.nonzero(mask.any(0))[0].mean()] for mask in box[own == np.float32(0.9)]
    ]
    assert np.abs(np.mean(middles, axis=0) - [19.5, 29.5]).max() < 3


@pytest.mark.parametrize("word", [W.Mixup(chance=0.25), W.Cutmix(chance=0.25)], ids=lambda w: w.word)
def test_some_are_not_mixed(word: Augmentation) -> None:
    found, shares = run((word,), images(800), np.arange(800), classes=800)
    is_whole = shares.max(1) == 1
    assert 0.7 < is_whole.mean() < 0.85  # 1 - 0.25, and a few whose share is next to nothing
    assert np.array_equal(found[is_whole], images(800)[is_whole])


# ---------------------------------------------------------------- all words

NOTHING = (
    *(W.Rotate(degrees=0.0), W.Zoom(amount=0.0), W.Shift(amount=0.0), W.Shear(degrees=0.0)),
    *(W.Flip(chance=0.0), W.Erase(chance=0.0), W.Noise(deviation=0.0), W.Mixup(chance=0.0), W.Cutmix(chance=0.0)),
    *(W.Brightness(amount=0.0), W.Contrast(amount=0.0), W.Saturation(amount=0.0), W.Hue(amount=0.0)),
)
EVERYTHING = (
    *(W.Rotate(), W.Zoom(), W.Shift(), W.Shear(), W.Flip(), W.Crop(pad=2), W.Cutout(size=3), W.Erase(), W.Noise()),
    *(W.Brightness(), W.Contrast(), W.Saturation(), W.Hue(), W.Mixup(), W.Cutmix()),
)


def test_no_strength_changes_nothing() -> None:
    x, y = images(channels=3), np.arange(6) % 3
    found, answers = run(NOTHING, x, y, channels=3)
    assert np.abs(found - x).max() < 1e-5
    assert np.array_equal(answers, np.eye(3)[y])


@pytest.mark.parametrize("word", EVERYTHING, ids=lambda w: w.word)
def test_every_example_and_every_step_is_varied_in_its_own_way(word: Augmentation) -> None:
    strength = np.linspace(0.6, 1, 40, dtype=np.float32)[:, None, None, None]
    x = np.repeat(images(1, channels=3), 40, axis=0) * strength
    made, targets = compiled(augmenter(word, channels=3)), {"output": jnp.arange(40) % 3}
    first, again, later = (np.asarray(made(step, (jnp.asarray(x),), targets)[0][0]) for step in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, later)
    changes = np.round((first - x) / strength, 4).reshape(40, -1)
    assert len(np.unique(changes, axis=0)) >= (2 if isinstance(word, W.Flip) else 15)


def test_shape_type_and_range_stay() -> None:
    x = jnp.asarray(images(channels=3), jnp.bfloat16)
    (found,), answers = compiled(augmenter(*EVERYTHING, channels=3))(0, (x,), {"output": jnp.arange(6) % 3})
    shares = np.asarray(answers["output"])  # of what is mixed twice
    assert shares.shape == (6, 3) and np.allclose(shares.sum(1), 1, atol=1e-5)
    assert found.shape == x.shape and found.dtype == jnp.bfloat16
    assert float(found.min()) >= 0 and float(found.max()) <= 1


def test_every_word_is_tested() -> None:
    from netspec.language.vocabulary import words

    assert {type(word) for word in EVERYTHING} == set(words("augmentation").values())


def test_a_word_of_ones_own() -> None:
    from netspec.language.vocabulary import temporary_words

    with temporary_words():

        @W.augmentation("invert")
        class Invert(Augmentation):
            """Turns some images into their negatives."""

            def apply(self, key: Any, images: Any) -> Any:
                return jnp.where(jax.random.bernoulli(key, 0.5, (len(images), 1, 1, 1)), 1 - images, images)

        @W.augmentation("forgotten")
        class Forgotten(Augmentation):
            """Has no `apply`."""

        x = images(40)
        found, _ = run((Invert(),), x, np.arange(40) % 3)
        is_old = np.array([np.array_equal(f, o) for f, o in zip(found, x, strict=True)])
        assert 5 < is_old.sum() < 35 and np.allclose(found[~is_old], 1 - x[~is_old])
        with pytest.raises(NotImplementedError, match="`forgotten` has no `apply`"):
            run((Forgotten(),), x, np.arange(40) % 3)


# ---------------------------------------------------------------- numbers of the inputs


def test_black_is_the_darkest_training_pixel() -> None:
    pixels = measure_pixels(np.float32([[[[-1.0, 0.5]]], [[[0.0, 3.0]]]]))
    assert np.allclose(np.asarray(pixels.from_input(jnp.float32([[-1.0, 3.0]]))), [[0, 1]])
    assert measure_pixels(images()).scale != (1.0,)
    assert measure_pixels(np.float32([[[[0.0, 1.0]]]])).is_identity
    assert measure_pixels(np.zeros((2, 3, 3, 1), np.float32)).is_identity


def test_normalised_images_are_varied_like_those_they_were_made_from() -> None:
    raw = np.random.default_rng(1).random((20, HEIGHT, WIDTH, 3)).astype(np.float32) ** 2
    raw[0, 0, 0], raw[0, 0, 1] = 0, 1
    how = measure(raw)
    chain = (W.Rotate(degrees=45.0), W.Contrast(), W.Cutout(size=3))
    targets = {"output": jnp.arange(20) % 3}

    def varied_as(x: np.ndarray, normalization: Any) -> np.ndarray:
        pixels = {0: measure_pixels(x, normalization)}
        made = Augmenter(chain, 0, (Shape((HEIGHT, WIDTH, 3)),), pixels, {"output": 3})
        return np.asarray(compiled(made)(0, (jnp.asarray(x),), targets)[0][0])

    assert np.abs(varied_as(how.apply(raw), how) - how.apply(varied_as(raw, None))).max() < 2e-4


def test_only_what_a_word_is_for_is_varied() -> None:
    grey, colour, vector = images(8), images(8, channels=3, seed=1), np.ones((8, 4), np.float32)
    shapes = {"grey": Shape((HEIGHT, WIDTH, 1)), "colour": Shape((HEIGHT, WIDTH, 3)), "vector": Shape((4,))}
    arrays = {"grey": grey, "colour": colour, "vector": vector}
    heads, targets = {"output": OutputHead((3,), "softmax")}, {"output": Target("class", 1, 3)}
    recipe = recipe_for(heads, targets)
    labels = {"output": jnp.arange(8) % 3}
    inputs = tuple(map(jnp.asarray, arrays.values()))

    def changed(*chain: Augmentation) -> list[bool]:
        found, _ = compiled(make_augmenter(chain, recipe, shapes, arrays, {}))(0, inputs, labels)
        return [not np.allclose(a, b, atol=1e-5) for a, b in zip(found, inputs, strict=True)]

    assert changed(W.Hue(amount=0.5)) == [False, True, False]
    assert changed(W.Rotate()) == [True, True, False]
    assert changed(W.Mixup(alpha=1.0)) == [True, True, False]  # the vectors are all the same
