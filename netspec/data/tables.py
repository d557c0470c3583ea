"""Sources that read files of one's own: CSV tables and NumPy archives."""

from __future__ import annotations

from pathlib import Path

from netspec.data.archive import open_archive
from netspec.data.arrays import check_lengths, from_arrays, input_sizes, target_of
from netspec.data.base import Arrays, BadData, Dataset, Facts, Source, Target, single, source
from netspec.data.csvfile import Table, not_a_number, number, read_table
from netspec.data.errors import TaskUnclear, WrongShape
from netspec.kinds import Choice, Kind, Mismatch, NewShape, Text
from netspec.shape import Shape, Size, product
from netspec.vocabulary import option

FILE = Text("a file name in quotes")

FEW_CLASSES = 20
"""A column with more different values than this, and than a tenth of its rows, may not hold classes."""


class Delimiter(Kind):
    """One character between the cells of a row."""

    def accept(self, value: object) -> str:
        if value in ("\\t", "tab"):
            return "\t"
        if not isinstance(value, str) or len(value) != 1 or value in '"\r\n':
            raise Mismatch(self.describe(), value)
        return value

    def describe(self) -> str:
        return 'one character in quotes, or "\\t" for the tab'

    def spell(self, value: object) -> str:
        return '"\\t"' if value == "\t" else super().spell(value)


@source("csv")
class Csv(Source):
    """A table with a header: one column is the target, all others are numbers. Texts and whole numbers in the target
    are classes, sorted; other numbers are numbers.

    Example: data { source = csv("wine.csv", target = "grower") }
    Reference: RFC 4180.
    """

    file: str = option(FILE, "the table, from the folder of the spec", position=0)
    target: str = option(Text("the name of a column in quotes"), "the column to predict", position=1)
    task: str = option(
        Choice(("auto", "classes", "numbers")), "what the target holds; `auto`: as its cells look", default="auto"
    )
    delimiter: str = option(Delimiter(), "what stands between cells", default=",")
    shape: tuple[Size, ...] | None = option(
        NewShape(), "the shape of an example, such as 28x28x1 (none: a vector of the columns)", default=None
    )

    def facts(self, folder: Path) -> Facts:
        return self._facts(self._read(folder))

    def load(self, folder: Path) -> Dataset:
        import numpy as np

        table = self._read(folder)
        facts = self._facts(table)
        goal = facts.targets["output"]
        x = np.frombuffer(table.features, np.float32).reshape(len(table), *facts.inputs["input"].sizes)
        if goal.names is not None:
            ids = {name: index for index, name in enumerate(goal.names)}
            y = np.array([ids[cell] for cell in table.targets], np.int32)
        else:
            y = np.array([[float(cell)] for cell in table.targets], np.float32)
        columns = {"input": table.columns} if self.shape is None else {}
        arrays = Arrays({"input": x}, {"output": y})
        return Dataset(table.file, facts, arrays, noun="row", rows=table.rows, columns=columns)

    def _read(self, folder: Path) -> Table:
        return read_table(folder / self.file, self.target, self.delimiter)

    def _facts(self, table: Table) -> Facts:
        return single(self._shape(len(table.columns)), _target(table, self.task), examples=len(table))

    def _shape(self, count: int) -> Shape:
        """The shape of an example.

        Raises:
            BadData: the shape that is asked for does not hold the columns.
        """
        shape = Shape((count,) if self.shape is None else self.shape)
        if not shape.is_known or shape.count != count:
            wanted = product(shape.sizes)
            reason = f"{shape} holds {wanted}" if shape.is_known else f"{shape} is not known"
            advice = f"write sizes whose product is {count}"
            raise BadData(WrongShape, option="shape", count=count, shape=str(shape), reason=reason, advice=advice)
        return shape


def _target(table: Table, task: str) -> Target:
    """What the target column holds.

    Raises:
        BadData: numbers are asked for and a cell is none, or it is not clear what the column holds.
    """
    distinct = sorted(set(table.targets))
    values = [number(cell) for cell in distinct]
    are_numbers = all(value is not None for value in values)
    are_whole = are_numbers and all(cell.lstrip("+-").isdigit() for cell in distinct)
    if task == "numbers" or (task == "auto" and are_numbers and not are_whole):
        if not are_numbers:
            wrong = next(i for i, cell in enumerate(table.targets) if number(cell) is None)
            raise not_a_number(table.file, table.rows[wrong], table.target, table.targets[wrong], is_target=True)
        return Target("binary" if set(values) <= {0.0, 1.0} else "numbers")
    if task == "auto" and len(distinct) > max(FEW_CLASSES, len(table) / 10):
        advice = "write `task = numbers` to predict the number" if are_whole else "is this the column to predict?"
        advice += "\nwrite `task = classes` if every value is a class"
        raise BadData(
            TaskUnclear, option="target", column=table.target, distinct=len(distinct), rows=len(table), advice=advice
        )
    if are_numbers:
        distinct.sort(key=float)
    return Target.of_classes(distinct)


@source("npz")
class Npz(Source):
    """A NumPy archive with the arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`. 8-bit images are scaled
    to 0..1; whole numbers in `y` are class ids.

    Example: data { source = npz("mnist.npz") }
    Reference: numpy.savez.
    """

    file: str = option(FILE, "the archive, from the folder of the spec", position=0)

    def facts(self, folder: Path) -> Facts:
        path = folder / self.file
        with open_archive(path) as archive:
            x, y, has_test = archive.keys()
            shape, dtype = archive.head(x)
            targets = [archive.target(key) for key in ([y, "y_test"] if has_test else [y])]
            check_lengths({x: shape[0], y: len(targets[0])})
        return single(Shape(input_sizes(shape, dtype)), target_of(*targets), examples=shape[0], has_test=has_test)

    def load(self, folder: Path) -> Dataset:
        with open_archive(folder / self.file) as archive:
            x, y, has_test = archive.keys()
            x_test, y_test = (archive.read("x_test"), archive.read("y_test")) if has_test else (None, None)
            return from_arrays(archive.read(x), archive.read(y), x_test, y_test, name=self.file)
