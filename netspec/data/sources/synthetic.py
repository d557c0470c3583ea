"""Sources that are made on the spot, to see what a network can learn: four signs, moons, spirals, a sine."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, single, source
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


class Drawn(Source):
    """What is drawn with noise, by a seed."""

    examples: int = option(Count(2), "how many there are", default=400)
    noise: float = option(Number(0), "the standard deviation of the noise", default=0.1)
    seed: int = option(Count(0), "where the noise starts from", default=0)

    @abstractmethod
    def facts(self, folder: Path) -> Facts: ...

    @property
    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def dataset(self, x: Array, y: Array, noun: str) -> Dataset:
        return Dataset(self.word, self.facts(Path()), Arrays({"input": x}, {"output": y}), noun=noun)


@source("four_shapes")
class FourShapes(Drawn):
    """Images of 3x3x1 that show X (class 0), O (1), / (2) or \\ (3), in turn, with normal noise on every pixel.

    Example: data { source = four_shapes }
    """

    def facts(self, folder: Path) -> Facts:
        target = Target.of_classes(tuple(SIGNS))
        return single(Shape((3, 3, 1)), target, examples=self.examples, is_complete=self.noise == 0)

    def load(self, folder: Path) -> Dataset:
        y = (np.arange(self.examples) % len(SIGNS)).astype(np.int32)
        pixels = np.array([*SIGNS.values()], np.float32)[y][..., None]
        noise = self.random.normal(0, self.noise, pixels.shape)
        return self.dataset(pixels + noise.astype(np.float32), y, "image")


@source("moons")
class Moons(Drawn):
    """Points of two half circles that reach into each other: two numbers, and which of the half circles it is.

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
        return self.dataset(points.astype(np.float32), y, "point")


@source("spirals")
class Spirals(Drawn):
    """Points of spirals that wind around each other: two numbers, and which of the spirals it is.

    Example: data { source = spirals }
    Reference: Lang and Witbrock 1988, Learning to tell two spirals apart.
    """

    noise: float = option(Number(0), "the standard deviation of the noise", default=0.02)
    arms: int = option(Count(2), "how many spirals there are, a class each", default=2)
    turns: float = option(Number(0, open_low=True), "how often each winds around the middle", default=1.5)

    def facts(self, folder: Path) -> Facts:
        names = tuple(f"spiral {arm}" for arm in range(self.arms))
        return single(Shape((2,)), Target.of_classes(names), examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random = self.random
        y = (np.arange(self.examples) % self.arms).astype(np.int32)
        radius = np.sqrt(random.uniform(0.01, 1, self.examples))  # as many points on every piece of the way
        angle = 2 * np.pi * (self.turns * radius + y / self.arms)
        points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        noisy = points + random.normal(0, self.noise, points.shape)
        return self.dataset(noisy.astype(np.float32), y, "point")


@source("sine")
class Sine(Drawn):
    """A sine wave: one number x from -pi to pi, and sin(x) with normal noise.

    Example: data { source = sine }
    """

    def facts(self, folder: Path) -> Facts:
        return single(Shape((1,)), Target("numbers"), examples=self.examples)

    def load(self, folder: Path) -> Dataset:
        random = self.random
        x = random.uniform(-np.pi, np.pi, (self.examples, 1))
        y = np.sin(x) + random.normal(0, self.noise, x.shape)
        return self.dataset(x.astype(np.float32), y.astype(np.float32), "point")
