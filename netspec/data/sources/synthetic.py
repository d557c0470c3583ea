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
