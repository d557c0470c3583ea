"""Which images are held out, and which of them are pairs.

Input: the class of each image, numbers of pairs, random numbers. Output: indices of images.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.data.dataset.lazy_rows import Array
from netspec.language.lazy import np

MIN_IMAGES = 2
"""A part needs this many images of a class for a pair of the same class, and this many classes for another pair."""

DIVIDE_DRAW = 17
"""Beside the numbers of the parts: the images are divided with random numbers of their own."""


def divide(labels: Array, counts: Sequence[int], seed: int, *, by_class: bool) -> list[Array]:
    """The images of the training, the validation and the test, in the proportions of their numbers of pairs.

    Args:
        labels: the class of each image.
        counts: how many pairs the training, the validation and the test have.
        seed: of the random numbers.
        by_class: hold out all images of some classes, instead of some images of each class. Of a class with too few
            images for pairs in each part, all are trained on.
    """
    rng = np.random.default_rng([seed, DIVIDE_DRAW])
    classes = np.unique(labels)
    if by_class:
        part_of_class = _places(len(classes), counts, rng)
        part = part_of_class[np.searchsorted(classes, labels)]
    else:
        part = np.zeros(len(labels), np.int64)
        for number in classes:
            (members,) = np.nonzero(labels == number)
            part[members] = _places(len(members), counts, rng)
    return [np.flatnonzero(part == place) for place in range(len(counts))]


def _places(count: int, counts: Sequence[int], rng: np.random.Generator) -> Array:
    """The part of each of `count` things, at random: at least two in each that has pairs, or all in the training."""
    sizes = [max(MIN_IMAGES, round(count * pairs / sum(counts))) if pairs else 0 for pairs in counts]
    sizes[0] = count - sum(sizes[1:])
    places = np.zeros(count, np.int64)
    if sizes[0] >= MIN_IMAGES:
        drawn = rng.permutation(count)
        begin = 0
        for place, size in enumerate(sizes[1:], 1):
            places[drawn[begin : begin + size]] = place
            begin += size
    return places


def possible_pairs(labels: Array) -> tuple[int, int]:
    """How many pairs there are of the same class, and of different classes; each counts once in any order."""
    sizes = np.unique(labels, return_counts=True)[1].astype(np.int64)
    same = int((sizes * (sizes - 1) // 2).sum())
    return same, len(labels) * (len(labels) - 1) // 2 - same


def draw_pairs(labels: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Pairs of images: the index of the left and of the right one, and 1 where they are of the same class.

    Half of them are of the same class (of an odd number one less). A pair does not occur again before all others have.
    Every image is as often on the left as on the right, on average.

    Args:
        labels: the class of each image; at least one pair of each kind is possible.
        count: how many pairs there are.
        rng: random numbers.
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    end = np.searchsorted(ordered, ordered, side="right")  # after the last image of the same class
    position = np.arange(len(labels))
    # every pair has the number of its first image, in the order of classes, and a place among those after that
    same = _draw(end - position - 1, count // 2, rng)
    different = _draw(len(labels) - end, count - count // 2, rng)
    first = np.concatenate([same[0], different[0]])
    second = np.concatenate([same[0] + 1 + same[1], end[different[0]] + different[1]])
    answers = np.repeat(np.array([1, 0], np.int32), [len(same[0]), len(different[0])])
    shuffled = rng.permutation(count)
    is_turned = rng.random(count) < 0.5
    left, right = np.where(is_turned, second, first), np.where(is_turned, first, second)
    return order[left][shuffled], order[right][shuffled], answers[shuffled]


def _draw(partners: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pairs, of which each image begins as many as it has `partners`: the first image, and the place of the second one
    among its partners."""
    ends = np.cumsum(partners.astype(np.int64))
    total = int(ends[-1])
    rounds = [rng.permutation(total) for _ in range(count // total)]
    numbers = np.concatenate([*rounds, rng.choice(total, count % total, replace=False)])
    first = np.searchsorted(ends, numbers, side="right")
    return first, numbers - (ends[first] - partners[first])
