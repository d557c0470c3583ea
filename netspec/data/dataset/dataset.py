"""What a data source is, what it says before anything is loaded, and what it returns.

Input: nothing. Output: the contracts of the package. `Facts` are known from the word alone or from the head of a
file; a `Dataset` is the loaded data. Shapes are those of one example, channels last. NumPy is imported when arrays are
used, never when this module is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from netspec.data.dataset.lazy_rows import Array, Column, read_all
from netspec.data.dataset.order import Order, portion_count
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.language.vocabulary import Declares
from netspec.language.word import Word

if TYPE_CHECKING:
    from netspec.data.dataset.passes import Passes
    from netspec.data.transforms.encoders import Encoder

Fill = Literal["mean", "median"]
"""Which statistic of the training set replaces missing numbers."""

Loaded: TypeAlias = "Dataset | tuple[Any, ...] | Mapping[str, Any]"
"""What `load` of a source may return: a `Dataset`, or arrays as `from_arrays` takes them."""

MAX_NAME = 255
"""Characters of the longest name of a file."""
IGNORED = -1
"""The class id of a pixel that counts neither in the loss nor in the metrics."""
BLANK = ""
"""The name of class 0 where targets are texts: the blank of `ctc`, which also pads them."""
DEFAULT_TEST = 0.2
"""The fraction that is held out for the test when a source has no test split and `test` is not written."""


class Target(Frozen):
    """What the data say about one output.

    `kind` is `class` (ids from 0 to `classes` - 1), `binary` (zeros and ones) or `numbers`; `size` is how many ids or
    numbers an example has: 1 for one class, T for a class at each of T steps. `names` are those of the classes.
    `labels` are the integers that occur, sorted, where they are not 0 to `classes` - 1; `ids` the labels that the class
    ids stand for, where they were numbered by `class_ids`. `columns` are the names of several numbers, as they are in
    the names of metrics. `mask` is the height and width of the masks where an example has a class at each pixel; a
    pixel of `IGNORED` does not count.
    """

    kind: Literal["class", "binary", "numbers"]
    size: int = 1
    classes: int | None = None
    names: tuple[str, ...] | None = None
    labels: tuple[int, ...] | None = None
    ids: tuple[int, ...] | None = None
    columns: tuple[str, ...] = ()
    mask: tuple[int, int] | None = None

    @classmethod
    def of_classes(cls, names: Sequence[str]) -> Target:
        """One class out of those with these names."""
        return cls("class", 1, len(names), tuple(names))

    @classmethod
    def of_masks(cls, mask: tuple[int, int], names: Sequence[str]) -> Target:
        """One class out of those with these names at each pixel; `mask` is height and width."""
        return cls("class", mask[0] * mask[1], len(names), tuple(names), mask=mask)


class Facts(Frozen):
    """What is known of data before they are loaded; plain data, for JSON.

    `inputs` has the key `input` and `targets` the key `output` when there is only one of them. `examples` counts those
    of the training set, and those that a test split is still taken from. `is_complete` is set when the examples are all
    that exist, such as a truth table: nothing is held out then, and the test is on the same rows. Data without targets
    are for networks whose target is the input. `in_time` is set for windows over series, which overlap each other: only
    the ends of series are held out, or whole series, which the column `group` tells apart. `ragged` names the inputs
    whose series have different lengths; their shapes have the largest. `pads` has the id that is padding, by the inputs
    of token ids that are padded. `has_val` is set for iterables with one for validation.
    """

    inputs: dict[str, Shape]
    targets: dict[str, Target]
    examples: int | None = None
    has_test: bool = False
    is_complete: bool = False
    in_time: bool = False
    group: str | None = None
    ragged: tuple[str, ...] = ()
    pads: dict[str, int] = {}
    has_val: bool = False

    @property
    def classes(self) -> int | None:
        """The class count of the only target with classes, or None."""
        counts = [t.classes for t in self.targets.values() if t.kind == "class"]
        return counts[0] if len(counts) == 1 else None


def single(shape: Shape, target: Target, **known: Any) -> Facts:
    """The facts of data with one input and one target."""
    return Facts({"input": shape}, {"output": target}, **known)


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples: arrays of equal length by the names of inputs and targets.

    Inputs are float32 with channels last, 8-bit images scaled to 0..1; numbers that float32 does not hold exactly are
    float64 until they are normalized; whole numbers stay int32, for they may be token ids. Targets of classes are int32
    ids of shape (examples,), (examples, steps) or (examples, height, width); the others are float32 of at least two
    dimensions, (examples, size).
    Of streamed data, inputs (and targets that are inputs or masks) are `Rows` with these dtypes instead: see
    netspec/data/dataset/lazy_rows.py.
    """

    inputs: Mapping[str, Column]
    targets: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def loaded(self) -> Arrays:
        """The same examples in memory; for small sets."""
        return self._map(read_all)

    def take(self, indices: Array) -> Arrays:
        """The examples with these indices, in this order; a copy of what is in memory."""
        return self._map(lambda column: column[indices])

    def _map(self, change: Callable[[Column], Column]) -> Arrays:
        return Arrays(*({name: change(x) for name, x in part.items()} for part in (self.inputs, self.targets)))


def arrays_of(x: Column, y: Column | None = None) -> Arrays:
    """Examples with one input, and one target or none."""
    return Arrays({"input": x}, {"output": y} if y is not None else {})


class TrainRows(Frozen):
    """The indices of the examples that are trained on, as bytes of int64: an option of a source can be compared."""

    bytes: bytes

    @classmethod
    def of(cls, indices: Array) -> TrainRows:
        return cls(indices.astype("int64").tobytes())

    @property
    def indices(self) -> Array:
        return np.frombuffer(self.bytes, np.int64)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Loaded data. `columns` names the features of inputs that are vectors, where the source knows names.

    `noun` is what an example is called ("row", "image"); `rows` gives the number of an example in its file where that
    is not its index, `test_name` and `test_rows` the same for a test split from another file. `encoder` turns what
    `netspec predict` is given into inputs. `fill` names the statistic that replaces missing numbers (NaN), by input: of
    all features, or of each (None: it has none). `scales` says by input how each feature is normalized, where that
    differs from the others (None: as `normalize` says).
    `gap` is set for consecutive examples, such as windows over a text: the end is held out then, and the last `gap`
    examples before it are left out, since they overlap it. `order` says which rows windows over series hold, for splits
    in the order of time; `baselines` has by name what a forecast without a network says of each example, and
    `test_order` and `test_baselines` are the same of a test split from another file. `raw_names` has the names that the
    source gives to inputs, by the names in the network. `checked` says which part of streamed data was checked, where
    that is not all.
    `divided_by` has the group or the time of each training example, by which they are divided into folds.
    `passes` has iterables of batches by split; `train` has only the examples of theirs that were looked at then.
    """

    name: str
    facts: Facts
    train: Arrays
    test: Arrays | None = None
    noun: str = "example"
    rows: Sequence[int] | Sequence[str] | None = None
    test_name: str | None = None
    test_rows: Sequence[int] | Sequence[str] | None = None
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    encoder: Encoder | None = None
    fill: dict[str, Fill | tuple[Fill | None, ...]] = field(default_factory=dict)
    scales: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    gap: int | None = None
    order: Order | None = None
    test_order: Order | None = None
    baselines: Mapping[str, Array] = field(default_factory=dict)
    test_baselines: Mapping[str, Array] = field(default_factory=dict)
    raw_names: dict[str, str] = field(default_factory=dict)
    checked: str | None = None
    divided_by: Sequence[Any] | None = None
    passes: Mapping[str, Passes] = field(default_factory=dict)

    def with_arrays(self, change: Callable[[Arrays], Arrays], **more: Any) -> Dataset:
        """The same data with both sets of examples changed."""
        test = change(self.test) if self.test is not None else None
        return replace(self, train=change(self.train), test=test, **more)

    def where(self, index: int, part: str = "train") -> str:
        """The name of an example of the source in a message: `wine.csv row 17`, `mnist image 5`."""
        name, rows = (self.name, self.rows) if part == "train" else (self.test_name, self.test_rows)
        if name is None:
            return f"{self.name} test {self.noun} {index}"
        return f"{name} {self.noun} {rows[index] if rows is not None else index}"


class HoldOut(Frozen):
    """What is held out: fractions below 1, or numbers of examples. `test` is None when it is not written.

    `folds` is the number of folds of a cross-validation, 0 without one, and `fold` the one that is held out; 0: none.
    `is_by_time` says that a fold is trained on what was before it alone; `column` is what folds are divided by, and
    `is_apart` that it is not a feature, unless that is written.
    """

    test: float | None = None
    val: float = 0
    folds: int = 0
    fold: int = 1
    is_by_time: bool = False
    column: str | None = None
    is_apart: bool = False

    def test_portion(self, examples: int) -> float:
        """`test` or its default, which is none where there are folds; of few examples one is held out, rather than
        none."""
        if self.test is not None:
            return self.test
        if self.folds:
            return 0
        return DEFAULT_TEST if examples * DEFAULT_TEST >= 0.5 or examples < 2 else 1

    def left(self, examples: int, gap: int = 0) -> int:
        """How many examples are left to train on, without the `gap` before each part that is held out; at least one,
        since splitting reports the rest."""
        examples -= _held(self.test_portion(examples), examples, gap)
        examples -= self._fold_size(examples, gap)
        examples -= _held(self.val, examples, gap)
        return max(examples, 1)

    def _fold_size(self, examples: int, gap: int) -> int:
        """How many of the examples a network is not trained on that is evaluated on a fold; the largest one, where it
        is not known."""
        if not self.folds or not self.fold:
            return 0
        if self.is_by_time:
            return (self.folds - self.fold + 1) * (examples // (self.folds + 1)) + gap
        return -(-examples // self.folds)


def _held(portion: float, examples: int, gap: int) -> int:
    """How many examples a part takes, with the `gap` before it."""
    count = portion_count(portion, examples)
    return count + gap if count else 0


def input_as_target(arrays: Arrays, output: str = "output") -> Arrays:
    """The same inputs, which are the targets as well."""
    (values,) = arrays.inputs.values()
    return Arrays(arrays.inputs, {output: values})


class Source(Word, ABC):
    """Base of every data source. A user-defined one needs only `load`; define `facts` when loading takes long, since
    `netspec check` needs nothing else."""

    category: ClassVar[str] = "source"

    predicts_next: ClassVar[bool] = False
    """Whether the targets are the inputs one step later."""

    def facts(self, folder: Path) -> Facts | None:
        """What is known before loading; cheap. None when only loading tells. Relative file names start from `folder`.

        Raises:
            Unplaced: a file is missing or wrong.
        """
        return None

    @abstractmethod
    def load(self, folder: Path) -> Loaded:
        """The data, in memory: a `Dataset`, or `(x, y)`, `(x, y, x_test, y_test)` or a dict of these. Relative file
        names start from `folder`.

        Raises:
            Unplaced: a file is missing or wrong, or a download failed.
        """

    def stream(self, folder: Path) -> Dataset | None:
        """The same data as `load` gives, in the same order, with inputs that are read on demand (`Rows`); None where
        that is not possible.

        Raises:
            Unplaced: a file is missing or wrong.
        """
        return None

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        """Warnings about the files, such as a column that is left out; asked after `facts`, and cheap then."""
        return ()

    def as_of_run(self, encoder: Encoder | None) -> Source:
        """The same source for a run that has read it with an encoder before, perhaps with an earlier version."""
        return self

    def at(self, path: str) -> Source | None:
        """The same source for the examples in another file or folder, without a test split of its own; None where one
        path does not say where they are."""
        return None

    def coded_as(self, encoder: Encoder | None) -> Source:
        """The same source for other examples than those of a run, which are coded as those of the run were."""
        return self.as_of_run(encoder)

    def learning_from(self, rows: Array) -> Source:
        """The same source, which knows that only these of its examples are trained on. Only sources override this that
        learn something from examples, such as the values of a category, and do not find out by `under`."""
        return self

    def warnings(self, folder: Path) -> Sequence[Diagnostic]:
        """What is strange about examples that are coded as those of a run, such as categories that it does not know."""
        return ()

    def file_bytes(self, folder: Path) -> int | None:
        """How many bytes the files have that options name, for `netspec check`, which reads small ones; None where no
        file is named, or a folder or something to download is."""
        names = [value for o in self.options() if isinstance(value := getattr(self, o.field), str)]
        paths = [folder / name for name in names if "\0" not in name and len(name) < MAX_NAME]
        files = [path for path in paths if path.is_file()]
        is_folder = any(name.strip(".") and path.is_dir() for name, path in zip(names, paths, strict=False))
        return None if is_folder or not files else sum(path.stat().st_size for path in files)

    stream_above: ClassVar[int | None] = None
    """The bytes above which examples are read on demand even where memory would hold them, as they repeat each other
    (None: as the memory says)."""

    def labeled(self, folder: Path) -> Dataset | None:
        """The examples without inputs, so that they can be split, where something such as a vocabulary is learned from
        those that are trained on; None where nothing is, or it is known.

        Raises:
            Unplaced: a file is missing or wrong.
        """
        return None

    def learning_texts_from(self, rows: TrainRows) -> Source:
        """The same source, which knows which of its examples are trained on; asked where there are some `labeled`."""
        return self

    def under(self, hold_out: HoldOut) -> Source:
        """The same source, which knows what is held out of it. Only sources override this that learn something from
        the training examples alone, such as a vocabulary."""
        return self


source = Declares("source")
"""The decorator that declares a source: `@source("name")`."""
