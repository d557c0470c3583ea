"""Sources that need no file: the small real data sets of scikit-learn, and two that are made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, single, source
from netspec.data.dataset.lazy_rows import in_memory
from netspec.language.kinds import Count, Number
from netspec.language.lazy import lazy, np
from netspec.language.shape import Shape
from netspec.language.word import option

datasets = lazy("sklearn.datasets")


class _Bundled(Source):
    """A data set that comes with scikit-learn; `constants` is what is known of it without loading."""

    constants: ClassVar[Facts]

    def facts(self, folder: Path) -> Facts:
        return self.constants

    def load(self, folder: Path) -> Dataset:
        bunch = _fetch(self.word)
        shape = self.constants.inputs["input"].sizes
        target = self.constants.targets["output"]
        x = bunch.data.astype("float32").reshape(-1, *shape)
        y = bunch.target.astype("int32") if target.kind == "class" else bunch.target.astype("float32")[:, None]
        columns = {"input": tuple(bunch.feature_names)} if len(shape) == 1 else {}
        return Dataset(self.word, self.constants, Arrays({"input": x}, {"output": y}), columns=columns)


def _fetch(name: str) -> Any:
    return getattr(datasets, f"load_{name}")()


@source("digits")
class Digits(_Bundled):
    """1,797 images of handwritten digits, 8x8x1, scaled to 0..1; ten classes, no test split.

    Example: data { source = digits }
    Reference: Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49; from scikit-learn.
    """

    constants = single(Shape((8, 8, 1)), Target.of_classes("0123456789"), examples=1797)

    def load(self, folder: Path) -> Dataset:
        loaded = super().load(folder)
        brightest = 16  # the images count the ink in blocks of 4x4 pixels
        train = Arrays({"input": in_memory(loaded.train.inputs["input"]) / brightest}, loaded.train.targets)
        return Dataset(self.word, self.constants, train, noun="image")


@source("iris")
class Iris(_Bundled):
    """150 flowers with four lengths in cm; three species, no test split.

    Example: data { source = iris }
    Reference: Fisher 1936, doi:10.1111/j.1469-1809.1936.tb02137.x; from scikit-learn.
    """

    constants = single(Shape((4,)), Target.of_classes(("setosa", "versicolor", "virginica")), examples=150)


@source("wine")
class Wine(_Bundled):
    """178 wines with 13 measured amounts of very different size; three growers, no test split.

    Example: data { source = wine }
    Reference: Aeberhard and Forina 1992, UCI Machine Learning Repository, doi:10.24432/C5PC7J; from scikit-learn.
    """

    constants = single(Shape((13,)), Target.of_classes(("class_0", "class_1", "class_2")), examples=178)


@source("breast_cancer")
class BreastCancer(_Bundled):
    """569 tumours with 30 figures of their cell nuclei; malignant (0) or benign (1), no test split.

    Example: data { source = breast_cancer }
    Reference: Wolberg, Mangasarian and Street 1993, doi:10.24432/C5DW2B; from scikit-learn.
    """

    constants = single(Shape((30,)), Target.of_classes(("malignant", "benign")), examples=569)


@source("diabetes")
class Diabetes(_Bundled):
    """442 patients with 10 figures, already centred and scaled; how far the disease went in a year, 25 to 346.

    Example: data { source = diabetes }
    Reference: Efron, Hastie, Johnstone and Tibshirani 2004, doi:10.1214/009053604000000067; from scikit-learn.
    """

    constants = single(Shape((10,)), Target("numbers"), examples=442)


@source("xor")
class Xor(Source):
    """The four rows of exclusive or: two numbers, 0 or 1, and whether just one of them is 1. The test is on the same
    rows.

    Example: data { source = xor }
    Reference: Minsky and Papert 1969, Perceptrons.
    """

    def facts(self, folder: Path) -> Facts:
        return single(Shape((2,)), Target("binary"), examples=4, is_complete=True)

    def load(self, folder: Path) -> Dataset:
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        y = np.array([[0], [1], [1], [0]], np.float32)
        return Dataset(self.word, self.facts(folder), Arrays({"input": x}, {"output": y}), noun="row")


@source("slashes")
class Slashes(Source):
    """Images of 2x2x1 that show "/" (class 0) or "\\" (class 1), in turn, with normal noise on every pixel.

    Example: data { source = slashes }
    """

    examples: int = option(Count(2), "how many images", default=200)
    noise: float = option(Number(0), "the standard deviation of the noise; pixels are 0 and 1 without it", default=0.1)
    seed: int = option(Count(0), "where the noise starts from", default=0)

    def facts(self, folder: Path) -> Facts:
        target = Target.of_classes(("/", "\\"))
        return single(Shape((2, 2, 1)), target, examples=self.examples, is_complete=self.noise == 0)

    def load(self, folder: Path) -> Dataset:
        patterns = np.array([[[0, 1], [1, 0]], [[1, 0], [0, 1]]], np.float32)[..., None]
        y = (np.arange(self.examples) % 2).astype(np.int32)
        noise = np.random.default_rng(self.seed).normal(0, self.noise, (self.examples, 2, 2, 1))
        x = patterns[y] + noise.astype(np.float32)
        return Dataset(self.word, self.facts(folder), Arrays({"input": x}, {"output": y}), noun="image")
