"""What a data source is, what it says before anything is loaded, and what it hands over.

Comes in: nothing. Goes out: the contracts of the package. `Facts` are known from the word alone or from the head of a
file; a `Dataset` is the loaded thing. Shapes are those of one example, channels last. NumPy is imported when arrays are
touched, never when this module is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from netspec.data.dataset.lazy_rows import Array, Column, read_all
from netspec.language.shape import Shape
from netspec.language.vocabulary import Declares
from netspec.language.word import Word

if TYPE_CHECKING:
    from netspec.data.dataset.holdout import HoldOut
    from netspec.data.transforms.encoders import Encoder

Part = Literal["train", "test"]
"""Which of the two sets of rows that a source may hand over."""

Fill = Literal["mean", "median"]
"""What of the training part takes the place of missing numbers."""

Loaded: TypeAlias = "Dataset | tuple[Any, ...] | Mapping[str, Any]"
"""What a source may hand over: a `Dataset`, or arrays as `from_arrays` takes them."""


@dataclass(frozen=True)
class Target:
    """What the data say about one output.

    `kind` is `class` (ids from 0 to `classes` - 1), `binary` (zeros and ones) or `numbers`; `size` is how many ids or
    numbers an example has: 1 for one class, T for a class at each of T steps. `names` are those of the classes.
    """

    kind: Literal["class", "binary", "numbers"]
    size: int = 1
    classes: int | None = None
    names: tuple[str, ...] | None = None

    @classmethod
    def of_classes(cls, names: Sequence[str]) -> Target:
        """One class out of those with these names."""
        return cls("class", 1, len(names), tuple(names))


@dataclass(frozen=True)
class Facts:
    """What is known of data before they are loaded.

    `inputs` has the key `input` and `targets` the key `output` when there is only one of them. `examples` counts those
    of the training set, and those that a test split is still taken from. `is_complete` is set when the examples are all
    that exist, such as a truth table: nothing is held out then, and the test is on the same rows. Data without targets
    are for nets whose target is the input.
    """

    inputs: dict[str, Shape]
    targets: dict[str, Target]
    examples: int | None = None
    has_test: bool = False
    is_complete: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain data; `from_json` makes the same facts of it."""
        return {
            "inputs": {
                name: {"sizes": [*shape.sizes], "vocabulary": shape.vocabulary} for name, shape in self.inputs.items()
            },
            "targets": {name: asdict(target) for name, target in self.targets.items()},
            "examples": self.examples,
            "has_test": self.has_test,
            "is_complete": self.is_complete,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Facts:
        inputs = {name: Shape(tuple(item["sizes"]), item["vocabulary"]) for name, item in value["inputs"].items()}
        targets = {
            name: Target(item["kind"], item["size"], item["classes"], tuple(item["names"]) if item["names"] else None)
            for name, item in value["targets"].items()
        }
        return cls(inputs, targets, value["examples"], value["has_test"], value["is_complete"])

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

    Inputs are float32 with channels last, 8-bit images scaled to 0..1; whole numbers stay int32, for they may be token
    ids. Targets of classes are int32 ids of shape (examples,) or (examples, steps); the others are float32 of at least
    two dimensions, (examples, size). Of data that are streamed, inputs (and targets that are inputs) are `Rows` of
    these types instead: see netspec/data/dataset/lazy_rows.py.
    """

    inputs: Mapping[str, Column]
    targets: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def loaded(self) -> Arrays:
        """The same examples in memory; for those that are few."""
        return Arrays(
            {name: read_all(column) for name, column in self.inputs.items()},
            {name: read_all(column) for name, column in self.targets.items()},
        )

    def take(self, indices: Array) -> Arrays:
        """The examples with these indices, in this order; a copy of what is in memory."""
        return Arrays(
            {name: array[indices] for name, array in self.inputs.items()},
            {name: array[indices] for name, array in self.targets.items()},
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Loaded data. `columns` names the features of inputs that are vectors, where the source knows names.

    `noun` is what an example is called ("row", "image"); `rows` gives the number of an example in its file where that
    is not its index, `test_name` and `test_rows` the same for a test split from a file of its own. `encoder` makes
    inputs of what a person hands to `netspec predict`. `fill` says for inputs with missing numbers (NaN) what of the
    training part takes their place. `gap` is set when the examples follow each other, as windows over a text do: the
    end is held out then, and so many examples before it are left out, for they share something with it. `raw_names`
    has the names that the source gives to inputs, by those that a net has for them. `checked` says for data that are
    streamed what of them was looked at, where that is not everything.
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
    fill: dict[str, Fill] = field(default_factory=dict)
    gap: int | None = None
    raw_names: dict[str, str] = field(default_factory=dict)
    checked: str | None = None

    def where(self, index: int, part: Part = "train") -> str:
        """How an example of the source is called in a message: `wine.csv row 17`, `mnist image 5`."""
        name, rows = (self.name, self.rows) if part == "train" else (self.test_name, self.test_rows)
        if name is None:
            return f"{self.name} test {self.noun} {index}"
        return f"{name} {self.noun} {rows[index] if rows is not None else index}"


class Source(Word, ABC):
    """Base of every data source. One of your own needs `load` and nothing else; `facts` is worth writing when loading
    takes long, for `netspec check` asks for nothing more."""

    category: ClassVar[str] = "source"

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
        """The same data as `load` gives, in the same order, with inputs that are read when they are wanted (`Rows`);
        None where that cannot be.

        Raises:
            Unplaced: a file is missing or wrong.
        """
        return None

    def under(self, hold_out: HoldOut) -> Source:
        """The same source, told what is held out of it. Only those listen that learn something from the training
        examples alone, such as a vocabulary."""
        return self


source = Declares("source")
"""The decorator that declares a source: `@source("name")`."""
