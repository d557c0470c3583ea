"""What augmentations do: a chain of words as a function of a batch, run inside the compiled training step.

Input: the words of `data { augment = … }`, the kinds of the inputs, and the range of their numbers. Output:
`Augmenter`, from a step of the run and a batch to the varied batch. Random numbers follow from the seed, the step, the
position of the word in the chain and the input, and from nothing else: a resumed run sees the same images.

Images are seen as batch x H x W x C, from 0 (the darkest number of the training examples) to 1 (the brightest),
whatever `normalize` made of them. Rotations and other affine maps are in geometry.py, all other words in color.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import betaincinv  # type: ignore[import-untyped]  # JAX brings SciPy

from netspec.data import augmentations as words
from netspec.data.augmentations import Augmentation, can_vary
from netspec.data.dataset.lazy_rows import min_max
from netspec.data.transforms.normalization import Normalization
from netspec.language.shape import Shape
from netspec.training.augment.color import box_mask, vary
from netspec.training.augment.geometry import Images, draw_below, find_map, follow, sample, sample_nearest, take
from netspec.training.feed.targets import are_ids, as_numbers
from netspec.training.recipe.recipe import Recipe

STREAM = 0x617567
"""What sets these random numbers apart from others that begin with the same seed."""

QUANTILES = 1025
"""Points of the table that fractions are drawn from."""


@dataclass(frozen=True)
class Pixels:
    """Numbers as the network takes them, and from 0 to 1: x * scale + offset, by channel."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @property
    def is_identity(self) -> bool:
        return set(self.scale) == {1.0} and set(self.offset) == {0.0}

    def from_input(self, x: Any) -> Images:
        x = x.astype(jnp.float32)
        return x if self.is_identity else x * jnp.array(self.scale) + jnp.array(self.offset)

    def to_input(self, images: Images, dtype: Any) -> Any:
        x = images if self.is_identity else (images - jnp.array(self.offset)) / jnp.array(self.scale)
        return x.astype(dtype)


def measure_pixels(x: Any, normalization: Normalization | None = None) -> Pixels:
    """The range of training images (examples x H x W x C, normalized as `normalization` says): one for all channels."""
    width = x.shape[-1]
    mean, std = np.zeros(width), np.ones(width)
    if normalization is not None:
        mean, std = np.array(normalization.mean), np.array(normalization.std)
    lows, highs = min_max(x)
    low, high = float((lows * std + mean).min()), float((highs * std + mean).max())
    span = high - low if high > low else 1.0
    return Pixels(tuple((std / span).tolist()), tuple(((mean - low) / span).tolist()))


def make_augmenter(
    chain: Sequence[Augmentation],
    recipe: Recipe,
    shapes: Mapping[str, Shape],
    examples: Mapping[str, Any],
    normalization: Mapping[str, Normalization],
) -> Augmenter:
    """A chain made ready for a run.

    Args:
        chain: the words; `check_augment` finds nothing wrong with them.
        recipe: of the run.
        shapes: those of the inputs, by name, in the order of the network.
        examples: the training inputs by name, as the network takes them.
        normalization: how they were normalized, by name.
    """
    varying = [word for word in chain if not isinstance(word, words.Mixing)]
    pixels = {
        index: measure_pixels(examples[name], normalization.get(name))
        for index, (name, shape) in enumerate(shapes.items())
        if any(can_vary(word, shape) for word in varying)
    }
    units = {name: output.head.units for name, output in recipe.outputs.items() if are_ids(output.head, output.target)}
    masks = tuple(name for name, output in recipe.outputs.items() if output.is_mask)
    return Augmenter(tuple(chain), recipe.seed, tuple(shapes.values()), pixels, units, masks)


@dataclass(frozen=True)
class Augmenter:
    """A chain, ready to run.

    Args:
        chain: the words.
        seed: of the run.
        shapes: those of the inputs, in the order of the network.
        pixels: by the index of an input that is an image, its range.
        units: by the name of an output whose targets are class ids, how many classes there are.
        masks: the names of outputs whose targets are masks: they move with the only image.
    """

    chain: tuple[Augmentation, ...]
    seed: int
    shapes: tuple[Shape, ...]
    pixels: Mapping[int, Pixels]
    units: Mapping[str, int]
    masks: tuple[str, ...] = ()

    def __call__(self, step: Any, inputs: Sequence[Any], targets: Mapping[str, Any]) -> tuple[Any, Any]:
        """The batch as it is varied in a step of the run, from 0; it may be traced. Targets of classes stay ids, or
        become a fraction for each class where examples are mixed."""
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), STREAM), step)
        varied = [self.pixels[i].from_input(x) if i in self.pixels else x for i, x in enumerate(inputs)]
        changed = {name: labels_of(x) if name in self.masks else x for name, x in targets.items()}
        for index, stage in enumerate(stages(self.chain)):
            here = jax.random.fold_in(key, index)
            if isinstance(stage[0], words.Mixing):
                varied, changed = self._mix(stage[0], here, varied, changed)
                continue
            for i, x in enumerate(varied):
                if i in self.pixels and all(can_vary(word, self.shapes[i]) for word in stage):
                    own = jax.random.fold_in(here, i)
                    varied[i] = jax.lax.optimization_barrier(run_stage(stage, own, x))
                    changed |= {name: move_labels(stage, own, changed[name]) for name in self.masks}
        columns = tuple(
            self.pixels[i].to_input(x, before.dtype) if i in self.pixels else x.astype(before.dtype)
            for i, (x, before) in enumerate(zip(varied, inputs, strict=True))
        )
        changed |= {name: masks_of(changed[name], name in self.units) for name in self.masks}
        batch: tuple[Any, Any] = jax.lax.optimization_barrier((columns, changed))
        return batch

    def _mix(
        self, word: words.Mixing, key: Any, inputs: Sequence[Any], targets: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        count = len(inputs[0])
        for_partner, for_chance, for_fraction, for_box = jax.random.split(key, 4)
        partner = jax.random.permutation(for_partner, count)
        own = draw_fractions(for_fraction, word.alpha, count)
        if word.chance < 1:
            own = jnp.where(jax.random.uniform(for_chance, (count,)) < word.chance, own, 1.0)
        others = [take(x, partner) for x in inputs]
        if isinstance(word, words.Cutmix):
            box, own = cut_box(for_box, own, *inputs[0].shape[1:3])
            mixed = [jnp.where(box[..., None], other, x) for x, other in zip(inputs, others, strict=True)]
        else:
            own = jnp.maximum(own, 1 - own)  # so that no pair is mixed twice in the same way
            mixed = [mean_of(own, x, other) for x, other in zip(inputs, others, strict=True)]
        mixed_targets = {}
        for name, target in targets.items():
            if name in self.masks:  # of `cutmix`
                mixed_targets[name] = jnp.where(box[..., None], take(target, partner), target)
                continue
            numbers = as_numbers(target, self.units.get(name, 0))
            mixed_targets[name] = mean_of(own, numbers, take(numbers, partner))
        return mixed, mixed_targets


# ---------------------------------------------------------------- a chain in stages

Stage: TypeAlias = tuple[Augmentation, ...]
"""A word, or several that are run as one map of the plane."""

ON_A_PLANE = (words.Affine, words.Flip)


def stages(chain: Sequence[Augmentation]) -> list[Stage]:
    """The chain, with adjacent words joined that make one map of the plane: those with the same `fill`, and flips
    among them, which need none."""
    joined: list[Stage] = []
    for word in chain:
        last = joined[-1] if joined else ()
        fills = {w.fill for w in (*last, word) if isinstance(w, words.Affine)}
        if last and len(fills) <= 1 and all(isinstance(w, ON_A_PLANE) for w in (*last, word)):
            joined[-1] = (*last, word)
        else:
            joined.append((word,))
    return joined


def run_stage(stage: Stage, key: Any, images: Images, at: Any = sample) -> Images:
    """Images after a stage; `images` are batch x H x W x C, and maps of the plane take them `at` their positions."""
    fill = next((word.fill for word in stage if isinstance(word, words.Affine)), None)
    keys = jax.random.split(key, len(stage))
    if fill is None:
        for word, one in zip(stage, keys, strict=True):
            images = vary(word, one, images)
        return images
    count, height, width, _ = images.shape
    maps = [find_map(word, one, count, height, width) for word, one in zip(stage, keys, strict=True)]
    return at(images, reduce(follow, maps), fill)


# ---------------------------------------------------------------- masks


def labels_of(masks: Any) -> Images:
    """Masks (batch x H x W of ids, or batch x H x W x 1 of 0 and 1) as images that are 0 where a pixel is ignored: as
    the pixels are that come from outside of an image."""
    return (masks[..., None] if jnp.issubdtype(masks.dtype, jnp.integer) else masks) + 1


def masks_of(labels: Images, are_ids: bool) -> Any:
    """The reverse of `labels_of`."""
    return (labels[..., 0] if are_ids else labels) - 1


def move_labels(stage: Stage, key: Any, labels: Images) -> Images:
    """Masks as `labels_of` gives them after a stage: moved as the images are, and of the nearest pixel."""
    return run_stage(stage, key, labels, at=sample_nearest) if all(word.moves for word in stage) else labels


# ---------------------------------------------------------------- mixing


def cut_box(key: Any, own: Any, height: int, width: int) -> tuple[Any, Any]:
    """Where another image is pasted (batch x height x width), and the fraction of the image that is left (batch).

    The box would cover 1 - `own` of the image; its middle may be anywhere, so a part of it may be outside.
    """
    side = jnp.sqrt(1 - own)
    rows, columns = jnp.floor(side * height), jnp.floor(side * width)
    row, column = draw_below(key, len(own), height, width)
    top, left = row - rows // 2, column - columns // 2
    box = box_mask(top, left, top + rows, left + columns, height, width)
    return box, 1 - box.mean(axis=(1, 2))


def draw_fractions(key: Any, alpha: float, count: int) -> Any:
    """`count` numbers from Beta(alpha, alpha).

    They are read off a table of its quantiles: `jax.random.beta` rejects and tries again, which takes seconds to
    compile.
    """
    points = np.clip(np.linspace(0, 1, QUANTILES), 1e-4, 1 - 1e-4)
    table = betaincinv(alpha, alpha, points).astype(np.float32)
    position = jax.random.uniform(key, (count,)) * (QUANTILES - 1)
    low = jnp.floor(position).astype(jnp.int32)
    below, above = (take(jnp.asarray(table), low + step) for step in (0, 1))
    return below + (above - below) * (position - low)


def mean_of(own: Any, x: Any, other: Any) -> Any:
    """own * x + (1 - own) * other; `own` is a fraction for each example."""
    weight = own.reshape(-1, *[1] * (x.ndim - 1))
    return weight * x + (1 - weight) * other
