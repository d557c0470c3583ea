"""The small real data sets that scikit-learn contains."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from netspec.data.dataset.dataset import Dataset, Facts, Source, Target, arrays_of, single, source
from netspec.language.lazy import lazy
from netspec.language.shape import Shape

datasets = lazy("sklearn.datasets")


class _Bundled(Source):
    """A data set of scikit-learn; `constants` are its facts, `highest` is the number that is scaled to 1."""

    constants: ClassVar[Facts]
    highest: ClassVar[int] = 1

    def facts(self, folder: Path) -> Facts:
        return self.constants

    def load(self, folder: Path) -> Dataset:
        bunch = getattr(datasets, f"load_{self.word}")()
        shape = self.constants.inputs["input"].sizes
        x = bunch.data.astype("float32").reshape(-1, *shape) / self.highest
        is_class = self.constants.targets["output"].kind == "class"
        y = bunch.target.astype("int32") if is_class else bunch.target.astype("float32")[:, None]
        if len(shape) > 1:
            return Dataset(self.word, self.constants, arrays_of(x, y), noun="image")
        columns = {"input": tuple(map(str, bunch.feature_names))}  # some are NumPy's strings
        return Dataset(self.word, self.constants, arrays_of(x, y), columns=columns)


@source("digits")
class Digits(_Bundled):
    """1,797 images of handwritten digits, 8x8x1, scaled to 0..1; ten classes, no test split.

    Example: data { source = digits }
    Reference: Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49; from scikit-learn.
    """

    constants = single(Shape((8, 8, 1)), Target.of_classes("0123456789"), examples=1797)
    highest = 16  # the images count the ink in blocks of 4x4 pixels


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
    """569 tumors with 30 features of their cell nuclei; malignant (0) or benign (1), no test split.

    Example: data { source = breast_cancer }
    Reference: Wolberg, Mangasarian and Street 1993, doi:10.24432/C5DW2B; from scikit-learn.
    """

    constants = single(Shape((30,)), Target.of_classes(("malignant", "benign")), examples=569)


@source("diabetes")
class Diabetes(_Bundled):
    """442 patients with 10 features, already centered and scaled; the progression of the disease after a year, 25 to
    346, no test split.

    Example: data { source = diabetes }
    Reference: Efron, Hastie, Johnstone and Tibshirani 2004, doi:10.1214/009053604000000067; from scikit-learn.
    """

    constants = single(Shape((10,)), Target("numbers"), examples=442)
