"""Masks: losses and metrics per pixel against PyTorch and scikit-learn, ignored pixels, weights, augmentation, runs."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as oracle

import netspec
from netspec.compiler.ir.output_head import OutputHead
from netspec.data.augmentations import Augmentation
from netspec.data.dataset.dataset import Target
from netspec.data.sources.synthetic import Shapes
from netspec.language.shape import Shape
from netspec.language.vocabulary import words
from netspec.training.augment.pipeline import Augmenter, Pixels
from netspec.training.feed.device_data import output_sums
from netspec.training.losses.classification import BinaryCrossEntropy, CrossEntropy, Focal
from netspec.training.losses.dice import DiceLoss
from netspec.training.recipe.outputs import OutputRecipe

torch = pytest.importorskip("torch")

SIZE = (6, 5)
HEAD = OutputHead((*SIZE, 3), "softmax")
TARGET = Target("class", 30, 3, mask=SIZE)


def batch(seed: int = 0, units: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and ids of which some are ignored; the last example is ignored as a whole."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(4, *SIZE, units)).astype(np.float32)
    ids = random.integers(-1, max(units, 2), (4, *SIZE)).astype(np.int32)
    ids[-1] = -1
    return logits, ids


def mean_loss(output: OutputRecipe, logits: np.ndarray, targets: np.ndarray) -> float:
    return float(output_sums(output, jnp.asarray(logits), jnp.asarray(targets), None, training=True)[0])


@pytest.mark.parametrize("weights", [None, (1.0, 4.0, 0.5)])
def test_cross_entropy_of_pixels_as_in_pytorch(weights: tuple[float, ...] | None) -> None:
    logits, ids = batch()
    x = torch.tensor(logits.transpose(0, 3, 1, 2), requires_grad=True)
    own = None if weights is None else torch.tensor(weights)
    expected = torch.nn.functional.cross_entropy(x, torch.tensor(ids).long(), weight=own, ignore_index=-1)
    expected.backward()
    output = OutputRecipe(HEAD, TARGET, CrossEntropy(), (), 1.0, weights)
    assert mean_loss(output, logits, ids) == pytest.approx(float(expected.detach()), rel=1e-5)
    gradient = jax.grad(lambda z: output_sums(output, z, jnp.asarray(ids), None, training=True)[0])(jnp.asarray(logits))
    np.testing.assert_allclose(gradient, x.grad.numpy().transpose(0, 2, 3, 1), atol=1e-6)


def test_binary_masks_as_in_pytorch() -> None:
    logits, ids = batch(1, 1)
    head, target = OutputHead((*SIZE, 1), "sigmoid"), Target("class", 30, 2, mask=SIZE)
    targets, real = ids[..., None].astype(np.float32), ids >= 0
    x, y = torch.tensor(logits[real]), torch.tensor(targets[real])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(x, y)
    output = OutputRecipe(head, target, BinaryCrossEntropy(), ())
    assert mean_loss(output, logits, targets) == pytest.approx(float(expected), rel=1e-5)
    weighted = output.replace(class_weights=(1.0, 3.0))
    each = torch.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none")
    own = torch.where(y > 0, 3.0, 1.0)
    assert mean_loss(weighted, logits, targets) == pytest.approx(float((each * own).sum() / own.sum()), rel=1e-5)


def test_focal_loss_leaves_ignored_pixels_out() -> None:
    logits, ids = batch(2)
    surprise = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, np.maximum(ids, 0)[..., None], -1)[..., 0]
    each = (1 - np.exp(-surprise)) ** 2 * surprise
    output = OutputRecipe(HEAD, TARGET, Focal(gamma=2.0), ())
    assert mean_loss(output, logits, ids) == pytest.approx(each[ids >= 0].mean(), rel=1e-5)


@pytest.mark.parametrize("units", [3, 1])
@pytest.mark.parametrize("added", [0.0, 0.5])
def test_dice_loss_by_its_formula(units: int, added: float) -> None:
    logits, ids = batch(3, units)
    is_softmax = units > 1
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True) if is_softmax else 1 / (1 + np.exp(-logits))
    losses = []
    for probabilities, mask in zip(p[:-1], ids[:-1], strict=True):  # the last example has no pixel that counts
        real, each = mask >= 0, []
        for unit in range(units):
            y, q = mask[real] == (unit if is_softmax else 1), probabilities[real][:, unit]
            each.append(1 - (2 * (q * y).sum() + 1) / (q.sum() + y.sum() + 1))
        of_class = probabilities[real] if is_softmax else np.c_[1 - probabilities[real], probabilities[real]]
        entropy = -np.log(np.take_along_axis(of_class, mask[real][:, None], 1)).mean()
        losses.append(np.mean(each) + added * entropy)
    head = OutputHead((*SIZE, units), "softmax" if is_softmax else "sigmoid")
    output = OutputRecipe(head, TARGET.replace(classes=max(units, 2)), DiceLoss(cross_entropy=added), ())
    targets = ids if is_softmax else ids[..., None].astype(np.float32)
    assert mean_loss(output, logits, targets) == pytest.approx(np.mean(losses), rel=1e-5)


SPEC = """
input 8x8x3
conv(6, 3x3, relu) -> conv({head})
data {{ class_weights = balanced }}
train {{ metrics = accuracy -> iou -> dice -> iou(micro) -> dice(micro) -> iou(per_class) -> dice(per_class) }}
"""


def examples(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    x = random.uniform(0, 1, (40, 8, 8, 3)).astype(np.float32)
    ids = (x.mean(axis=-1) * classes * 0.999).astype(np.int32)
    ids[random.uniform(size=ids.shape) < 0.1] = -1
    return x, ids


def test_metrics_of_a_split_equal_scikit_learn(tmp_path: Path) -> None:
    x, y = examples()
    spec = netspec.compile(SPEC.format(head="3, 1x1, softmax"))
    result = netspec.train(spec, (x, y, x, y), epochs=3, batch=16, runs=tmp_path)
    decided, real = np.asarray(result.model(x)).argmax(-1), y >= 0
    right, guess, found = y[real], decided[real], result.metrics
    assert found["test_accuracy"] == pytest.approx(oracle.accuracy_score(right, guess))
    for word, score in (("iou", oracle.jaccard_score), ("dice", oracle.f1_score)):
        assert found[f"test_{word}"] == pytest.approx(score(right, guess, average="macro"))
        assert found[f"test_{word}_micro"] == pytest.approx(score(right, guess, average="micro"))
        assert found[f"test_{word}_per_class"] == pytest.approx(score(right, guess, average=None))
    logits = torch.tensor(np.log(np.asarray(result.model(x)))).permute(0, 3, 1, 2)
    sizes = np.bincount(y[y >= 0])
    weights = torch.tensor(sizes.sum() / (3 * sizes)).float()
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(y).long(), weight=weights, ignore_index=-1)
    assert found["test_loss"] == pytest.approx(float(expected), rel=1e-4)
    again = netspec.evaluate(result.run, (x, y))
    assert again["test_iou"] == pytest.approx(found["test_iou"])


def test_metrics_of_binary_masks_equal_scikit_learn(tmp_path: Path) -> None:
    x, y = examples(2)
    spec = netspec.compile(SPEC.format(head="1, 1x1, sigmoid"))
    result = netspec.train(spec, (x, y, x, y), epochs=2, batch=16, runs=tmp_path)
    decided, real = np.asarray(result.model(x))[..., 0] > 0.5, y >= 0
    found = result.metrics
    assert found["test_iou"] == pytest.approx(oracle.jaccard_score(y[real], decided[real]))
    assert found["test_dice_micro"] == pytest.approx(oracle.f1_score(y[real], decided[real], average="micro"))
    assert found["test_accuracy"] == pytest.approx(oracle.accuracy_score(y[real], decided[real]))


# ---------------------------------------------------------------- augmentation


def call(name: str, **options: object) -> Augmentation:
    word = words("augmentation")[name](**options)
    assert isinstance(word, Augmentation)
    return word


def augmented(*chain: Augmentation) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of three classes, and the same as an image with the gray level ids / 2."""
    random = np.random.default_rng(0)
    ids = np.kron(random.integers(0, 3, (6, 4, 4)), np.ones((4, 4))).astype(np.int32)
    images = (ids / 2).astype(np.float32)[..., None]
    augmenter = Augmenter(chain, 3, (Shape((16, 16, 1)),), {0: Pixels((1.0,), (0.0,))}, {"output": 3}, ("output",))
    (x,), targets = augmenter(0, [jnp.asarray(images)], {"output": jnp.asarray(ids)})
    return np.asarray(x)[..., 0], np.asarray(targets["output"])


@pytest.mark.parametrize(
    "chain",
    [
        (call("flip", axis="both"),),
        (call("crop", pad=3),),
        (call("crop", pad=3, fill="mirror"), call("flip")),
        (call("cutmix"),),
    ],
    ids=str,
)
def test_masks_move_with_their_images(chain: tuple[Augmentation, ...]) -> None:
    x, ids = augmented(*chain)
    before = augmented()[1]
    assert np.array_equal(np.where(ids < 0, 0, ids) / 2, x), "what comes from outside is black, and ignored"
    assert not np.array_equal(ids, before)
    assert (ids < 0).any() == (chain[0].word == "crop" and getattr(chain[0], "fill", "") == "black")


@pytest.mark.parametrize("name", ["rotate", "zoom", "shift", "shear"])
def test_masks_are_sampled_at_the_nearest_pixel(name: str) -> None:
    x, ids = augmented(call(name), call("flip"))
    assert {*np.unique(ids).tolist()} <= {-1, 0, 1, 2}
    real = ids >= 0
    # between two classes an image has levels in between; elsewhere it has that of the class
    assert (np.abs(x - ids / 2)[real] < 0.26).mean() > 0.9 and real.mean() > 0.6


def test_brightness_leaves_masks_as_they_are() -> None:
    x, ids = augmented(call("brightness", amount=0.5), call("noise"))
    assert np.array_equal(ids, augmented()[1]) and not np.array_equal(x, ids / 2)


def check(chain: str, source: str = "shapes(16)", head: str = "conv(classes, 1x1, softmax)") -> list[str]:
    text = f"input 16x16x3\n{head}\ndata {{\n source = {source}\n augment = {chain}\n}}\n"
    return [found.code for found in netspec.check(text)]


def test_which_augmentations_move_masks() -> None:
    assert check("flip -> rotate(10) -> crop(pad = 2) -> cutmix -> brightness(0.1)") == []
    assert check("mixup") == ["NS489"]


def test_a_head_of_another_size_is_refused() -> None:
    (found,) = netspec.check("input 16x16x3\nmaxpool(2) -> conv(4, 1x1, softmax)\ndata { source = shapes(16) }")
    assert "masks are 16x16" in found.message + found.hint_text and "8x8" in found.message + found.hint_text


# ---------------------------------------------------------------- the synthetic source


def test_shapes_are_drawn_by_a_seed() -> None:
    data = Shapes(examples=30, size=32).load(Path())
    again, other = (Shapes(examples=30, size=32, seed=seed).load(Path()) for seed in (0, 1))
    images, masks = data.train.inputs["input"], data.train.targets["output"]
    assert np.array_equal(images, again.train.inputs["input"]) and not np.array_equal(
        masks, other.train.targets["output"]
    )
    assert (images.shape, masks.shape, {*np.unique(masks).tolist()}) == ((30, 32, 32, 3), (30, 32, 32), {0, 1, 2, 3})
    assert all((mask > 0).any() for mask in masks) and images.min() >= 0 and images.max() <= 1
