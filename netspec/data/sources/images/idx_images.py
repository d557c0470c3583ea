"""Images in IDX files: MNIST, Fashion-MNIST, and other files in this format."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, arrays_of, single, source
from netspec.data.dataset.from_arrays import check_pairs, convert_inputs, label_array, target_of
from netspec.data.dataset.lazy_rows import Column, read_all
from netspec.data.errors.files import BrokenFile, NoExamples, UnequalLengths
from netspec.data.formats.download import Collection, Published, find_files
from netspec.data.formats.idx import IdxHead, idx_rows, read_head, read_idx
from netspec.data.sources.streaming import stream_inputs
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.word import option

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class _Mnist(Source):
    """60,000 + 10,000 images in four published files."""

    collection: ClassVar[Collection]
    names: ClassVar[tuple[str, ...]]

    def facts(self, folder: Path) -> Facts:
        return single(Shape((28, 28, 1)), Target.of_classes(self.names), examples=60_000, has_test=True)

    def load(self, folder: Path) -> Dataset:
        files = find_files(self.collection)
        train = self._read(files[TRAIN_IMAGES], files[TRAIN_LABELS])
        test = self._read(files[TEST_IMAGES], files[TEST_LABELS])
        return Dataset(self.word, self.facts(folder), train, test, noun="image")

    def _read(self, images: Path, labels: Path) -> Arrays:
        """Images with their labels; raises Unplaced unless they are 28x28 images and one label for each."""
        x, y = read_idx(images), read_idx(labels)
        for path, array, expected in ((images, x, (len(x), 28, 28)), (labels, y, (len(x),))):
            if array.shape != expected:
                found, wanted = ("x".join(map(str, sizes)) for sizes in (array.shape, expected))
                reason = f"it holds {found} numbers, expected {wanted}"
                raise Unplaced(BrokenFile, file=str(path), format=self.word, reason=reason)
        return arrays_of(convert_inputs(x, (28, 28, 1)), y.astype(np.int32))


@source("mnist")
class Mnist(_Mnist):
    """70,000 images of handwritten digits, 28x28x1, scaled to 0..1; ten classes, 10,000 images are the test split.

    Example: data { source = mnist }
    Reference: LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791.
    """

    collection = Collection(
        "mnist",
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        (
            Published(TRAIN_IMAGES, "sha256", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            Published(TRAIN_LABELS, "sha256", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            Published(TEST_IMAGES, "sha256", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            Published(TEST_LABELS, "sha256", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
    )
    names = tuple("0123456789")


@source("fashion_mnist")
class FashionMnist(_Mnist):
    """70,000 images of clothes, 28x28x1, scaled to 0..1; ten classes, 10,000 images are the test split.

    Example: data { source = fashion_mnist }
    Reference: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """

    collection = Collection(
        "fashion_mnist",
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            Published(TRAIN_IMAGES, "md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            Published(TRAIN_LABELS, "md5", "25c81989df183df01b3e8a0aad5dffbe"),
            Published(TEST_IMAGES, "md5", "bef4ecab320f06d8554ea6380940ec79"),
            Published(TEST_LABELS, "md5", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    )
    names = CLOTHES


@source("idx")
class Idx(Source):
    """Images and labels in IDX files, the format of MNIST, gzipped or not; 8-bit images are scaled to 0..1.

    Example: data { source = idx(images = "train-images.idx3-ubyte", labels = "train-labels.idx1-ubyte") }
    Reference: LeCun, Cortes and Burges 1998, The MNIST database of handwritten digits.
    """

    images: str = option(Text("a file name (string)"), "the images, examples first", position=0)
    labels: str = option(Text("a file name (string)"), "an integer for each image, from 0", position=1)
    test_images: str | None = option(Text("a file name (string)"), "images of the test split", default=None)
    test_labels: str | None = option(Text("a file name (string)"), "labels of the test split", default=None)

    def facts(self, folder: Path) -> Facts:
        heads = self._heads(folder)
        labels = [read_idx(folder / name, key) for key, name in self._files().items() if key.endswith("labels")]
        target = target_of(*map(label_array, labels))
        shape = Shape(_with_channel(heads["images"].sizes[1:]))
        return single(shape, target, examples=heads["images"].sizes[0], has_test="test_images" in heads)

    def load(self, folder: Path) -> Dataset:
        facts = self.facts(folder)
        return self._dataset(facts, {key: read_idx(folder / name, key) for key, name in self._files().items()})

    def stream(self, folder: Path) -> Dataset | None:
        facts, files = self.facts(folder), {key: folder / name for key, name in self._files().items()}
        opened = {key: (idx_rows if key.endswith("images") else read_idx)(path, key) for key, path in files.items()}
        raw = {key: column for key, column in opened.items() if column is not None}
        return self._dataset(facts, raw) if len(raw) == len(files) else None

    def _dataset(self, facts: Facts, raw: Mapping[str, Column]) -> Dataset:
        def pair(images: Column, labels: Column) -> Arrays:
            return arrays_of(stream_inputs(images, _with_channel(images.shape[1:])), label_array(read_all(labels)))

        test = pair(raw["test_images"], raw["test_labels"]) if facts.has_test else None
        return Dataset(self.images, facts, pair(raw["images"], raw["labels"]), test, noun="image")

    def _files(self) -> dict[str, str]:
        """The given names by option; raises Unplaced when one of the two of the test split is missing."""
        options = ("images", "labels", "test_images", "test_labels")
        files = {key: getattr(self, key) for key in options if getattr(self, key) is not None}
        check_pairs(files, ("test_images", "test_labels"), ("test_labels", "test_images"))
        return files

    def _heads(self, folder: Path) -> dict[str, IdxHead]:
        """The heads of the files; raises Unplaced unless they fit each other."""
        files = self._files()
        heads = {key: read_head(folder / name, key) for key, name in files.items()}
        for images, labels in (("images", "labels"), ("test_images", "test_labels")):
            if images in heads:
                _check_pair(images, heads[images], files[images], labels, heads[labels], files[labels])
        if "test_images" in heads and heads["test_images"].sizes[1:] != heads["images"].sizes[1:]:
            shapes = ["x".join(map(str, heads[key].sizes[1:])) for key in ("images", "test_images")]
            unlike = partial(Unplaced, UnequalLengths, option="test_images", first=self.images)
            reason = f"images of {shapes[0]} and of {shapes[1]}"
            raise unlike(second=files["test_images"], reason=reason, case="images")
        return heads


def _check_pair(images: str, x: IdxHead, x_name: str, labels: str, y: IdxHead, y_name: str) -> None:
    """Raises Unplaced unless `x` can be images, and `y` their labels."""
    if len(x.sizes) < 2 or len(x.sizes) > 4:
        reason = f"it has {len(x.sizes)} axes, and images have 3 (examples, height, width) or 4 (and channels)"
        advice = f"is `{images}` the file with the labels?"
        raise Unplaced(BrokenFile, option=images, file=x_name, format="image", reason=reason, advice=advice)
    if len(y.sizes) != 1 or "f" in y.type:
        reason = f"it has {len(y.sizes)} axes of type {y.type}, and labels have one, of integers"
        advice = f"is `{labels}` the file with the images?"
        raise Unplaced(BrokenFile, option=labels, file=y_name, format="label", reason=reason, advice=advice)
    if not all(x.sizes):
        raise Unplaced(NoExamples, option=images, what=x_name, case="images")
    if x.sizes[0] != y.sizes[0]:
        reason = f"{x.sizes[0]} images and {y.sizes[0]} labels"
        raise Unplaced(UnequalLengths, option=labels, first=x_name, second=y_name, reason=reason, case="labels")


def _with_channel(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of one example; images without channels have one."""
    return (*sizes, 1) if len(sizes) == 2 else sizes
