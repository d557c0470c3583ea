"""Synthetic sources, to see what a network can learn: truth tables, signs, moons, spirals, a sine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from netspec.data.dataset.dataset import Dataset, Facts, Source, Target, arrays_of, single, source
from netspec.data.dataset.lazy_rows import Array
from netspec.language.kinds import Count, Number
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

SIGNS = {
    "X": ((1, 0, 1), (0, 1, 0), (1, 0, 1)),
    "O": ((1, 1, 1), (1, 0, 1), (1, 1, 1)),
    "/": ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "\\": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}


@source("xor")
class Xor(Source):
    """The four examples of exclusive or; they are also the test split.

    Example: data { source = xor }
    Reference: Minsky and Papert 1969, Perceptrons.
    """

    def facts(self, folder: Path) -> Facts:
        return single(Shape((2,)), Target("binary"), examples=4, is_complete=True)

    def load(self, folder: Path) -> Dataset:
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        y = np.array([[0], [1], [1], [0]], np.float32)
        return Dataset(self.word, self.facts(folder), arrays_of(x, y), noun="row")


class Drawn(Source):
    """Examples that are drawn with noise, by a seed."""

    examples: int = option(Count(2), "the number of examples", default=400)
    noise: float = option(Number(0), "the standard deviation of the noise", default=0.1)
    seed: int = option(Count(0), "the seed of the noise", default=0)

    @abstractmethod
    def facts(self, folder: Path) -> Facts: ...

    @property
    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def dataset(self, x: Array, y: Array, noun: str = "point") -> Dataset:
        return Dataset(self.word, self.facts(Path()), arrays_of(x.astype(np.float32), y), noun=noun)


class _Signs(Drawn):
    """Images of signs, in turn."""

    signs: ClassVar[Mapping[str, tuple[tuple[int, ...], ...]]]

    def facts(self, folder: Path) -> Facts:
        side = len(next(iter(self.signs.values())))
        target = Target.of_classes(tuple(self.signs))
        return single(Shape((side, side, 1)), target, examples=self.examples, is_complete=self.noise == 0)

    def load(self, folder: Path) -> Dataset:
        y = (np.arange(self.examples) % len(self.signs)).astype(np.int32)
        pixels = np.array([*self.signs.values()], np.float32)[y][..., None]
        noise = self.random.normal(0, self.noise, pixels.shape)
        return self.dataset(pixels + noise.astype(np.float32), y, "image")


@source("four_shapes")
class FourShapes(_Signs):
    """3x3x1 images of X (class 0), O (1), / (2) and \\ (3), with Gaussian noise.

    Example: data { source = four_shapes }
    """

    signs = SIGNS


@source("slashes")
class Slashes(_Signs):
    """2x2x1 images of "/" (class 0) and "\\" (class 1), with Gaussian noise.

    Example: data { source = slashes }
    """

    signs = {"/": ((0, 1), (1, 0)), "\\": ((1, 0), (0, 1))}
    examples: int = option(Count(2), "the number of images", default=200)


@source("moons")
class Moons(Drawn):
    """Two interleaving half circles: two coordinates, and the half circle as the class.

    Example: data { source = moons }
    Reference: make_moons of scikit-learn.
    """

    def facts(self, folder: Path) -> Facts:
        return single(Shape((2,)), Target.of_classes(("upper", "lower")), examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random = self.random
        y = (np.arange(self.examples) % 2).astype(np.int32)
        angle = random.uniform(0, np.pi, self.examples)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
        points = np.where(y[:, None] == 0, upper, lower) + random.normal(0, self.noise, (self.examples, 2))
        return self.dataset(points, y)


@source("spirals")
class Spirals(Drawn):
    """Interleaved spirals: two coordinates, and the spiral as the class.

    Example: data { source = spirals }
    Reference: Lang and Witbrock 1988, Learning to tell two spirals apart.
    """

    noise: float = option(Number(0), "the standard deviation of the noise", default=0.02)
    arms: int = option(Count(2), "the number of spirals, one for each class", default=2)
    turns: float = option(Number(0, open_low=True), "how often each winds around the center", default=1.5)

    def facts(self, folder: Path) -> Facts:
        names = tuple(f"spiral {arm}" for arm in range(self.arms))
        return single(Shape((2,)), Target.of_classes(names), examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random = self.random
        y = (np.arange(self.examples) % self.arms).astype(np.int32)
        radius = np.sqrt(random.uniform(0.01, 1, self.examples))  # as many points on every piece of the way
        angle = 2 * np.pi * (self.turns * radius + y / self.arms)
        points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self.dataset(points + random.normal(0, self.noise, points.shape), y)


@source("sine")
class Sine(Drawn):
    """A sine wave: one number x from -pi to pi, and sin(x) with Gaussian noise.

    Example: data { source = sine }
    """

    def facts(self, folder: Path) -> Facts:
        return single(Shape((1,)), Target("numbers"), examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random = self.random
        x = random.uniform(-np.pi, np.pi, (self.examples, 1))
        y = np.sin(x) + random.normal(0, self.noise, x.shape)
        return self.dataset(x, y.astype(np.float32))


@source("shapes")
class Shapes(Drawn):
    """Color images of circles, squares and triangles on noisy backgrounds, and a mask with the class of each pixel.

    An image has from one to `most` shapes of random size, angle and color, of which later ones cover earlier ones. The
    classes are `background`, `circle`, `square` and `triangle`.

    Example: data { source = shapes(size = 64) }
    """

    examples: int = option(Count(2), "the number of images", default=600)
    size: int = option(Count(16), "the height and the width of the images", default=64, position=0)
    most: int = option(Count(1), "the most shapes in an image", default=2)
    noise: float = option(Number(0), "the standard deviation of the noise, for pixels from 0 to 1", default=0.08)

    def facts(self, folder: Path) -> Facts:
        target = Target.of_masks((self.size, self.size), ("background", *FORMS))
        return single(Shape((self.size, self.size, 3)), target, examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random, side = self.random, self.size
        masks = np.zeros((self.examples, side, side), np.int32)
        images = np.empty((self.examples, side, side, 3), np.float32)
        for image, mask in zip(images, masks, strict=True):
            ground = random.uniform(0, 1, 3)
            slope = random.uniform(-0.3, 0.3, (2, 1, 1, 3)) * np.linspace(-1, 1, side)[:, None]
            image[:] = ground + slope[0] + slope[1].swapaxes(0, 1)
            for _ in range(random.integers(1, self.most + 1)):
                form = int(random.integers(len(FORMS)))
                inside = _inside(FORMS[form], side, random)
                mask[inside] = form + 1
                image[inside] = _other_color(ground, random)
        images += random.normal(0, self.noise, images.shape).astype(np.float32)
        return self.dataset(images.clip(0, 1), masks, "image")


FORMS = ("circle", "square", "triangle")


def _inside(form: str, side: int, random: np.random.Generator) -> Array:
    """Which pixels of an image a form of random size, place and angle covers, side x side."""
    radius = side * random.uniform(0.15, 0.28)
    middle = random.uniform(radius, side - radius, 2)
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:side, :side] + 0.5 - middle[:, None, None]
    if form == "circle":
        inside: Array = y**2 + x**2 <= radius**2
        return inside
    corners = 4 if form == "square" else 3
    turns = angle + 2 * np.pi * np.arange(corners) / corners
    limit = radius * np.cos(np.pi / corners)  # how far the edges are from the middle
    inside = np.ones((side, side), bool)
    for turn in turns:
        inside &= np.cos(turn) * y + np.sin(turn) * x <= limit
    return inside


def _other_color(ground: Array, random: np.random.Generator) -> Array:
    """A color that can be told from the background: at least one channel differs by 0.35."""
    color: Array = random.uniform(0, 1, 3)
    channel = int(random.integers(3))
    color[channel] = (ground[channel] + random.uniform(0.35, 0.65)) % 1
    return color
