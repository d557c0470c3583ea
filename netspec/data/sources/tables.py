"""Sources that are tables: rows with named columns, some of which are predicted from the others."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from math import isqrt
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Fill, Source, source
from netspec.data.dataset.options import Delimiter, Missing, Names
from netspec.data.errors.files import WrongShape
from netspec.data.errors.sources import ColumnConflict
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.table import Table, read_table
from netspec.data.formats.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.table_layout import OnMissing, Wanted, bad_header
from netspec.data.sources.target_column import FEW_CLASSES, check_numbers, sort_values, target_of_column, unseen_class
from netspec.data.transforms.encoders import Column, RowEncoder, input_name
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, NewShape, Text
from netspec.language.lazy import np
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option

FILE = Text("a file name in quotes")


class TableSource(Source):
    """What tables of every format have in common."""

    file: str = option(FILE, "the table, from the folder of the spec", position=0)
    target: tuple[str, ...] = option(
        Names(),
        "the column to predict, or several: numbers of one output, or outputs with these names",
        default=(),
        position=1,
        aliases=("label", "label_column", "y_col"),
    )
    columns: tuple[str, ...] | None = option(
        Names(),
        "the columns to predict from, in this order (none: all the others)",
        default=None,
        aliases=("features", "usecols"),
    )
    drop: tuple[str, ...] = option(Names(), "columns to leave out, such as an id", default=(), aliases=("ignore",))
    categories: tuple[str, ...] | str = option(
        Names(auto=True),
        "columns whose values are names, not amounts; `auto`: those that hold text",
        default=(),
        aliases=("categorical",),
    )
    encode: str = option(
        Choice(("onehot", "ids")),
        "what becomes of categories: a 0 or 1 for each value, or an input of its own with token ids, for `embedding`",
        default="onehot",
    )
    missing: str | float = option(
        Missing(),
        "missing values: an error, leave the row out, the mean or median of the training part, or a number",
        default="error",
        aliases=("fillna",),
    )
    absent: tuple[str, ...] = option(
        Names(), 'what else stands for a missing value, such as "-999"', default=(), aliases=("na_values",)
    )
    task: str = option(
        Choice(("auto", "classes", "numbers")), "what the targets hold; `auto`: as their cells look", default="auto"
    )
    shape: tuple[Size, ...] | None = option(
        NewShape(),
        "the shape of an example, such as 28x28x1 (none: a vector, or as columns like `pixel0` say)",
        default=None,
    )
    test: str | None = option(FILE, "a table with the same columns, for the test", default=None)

    @property
    def separator(self) -> str:
        """What separates cells, for rows that are typed."""
        return ","

    @abstractmethod
    def open(self, path: Path) -> TableFile:
        """The table in a file.

        Raises:
            Unplaced: it cannot be read.
        """

    def facts(self, folder: Path) -> Facts:
        table = self._read(folder)
        return self._facts(table, self._encoder(table))

    def load(self, folder: Path) -> Dataset:
        table = self._read(folder)
        encoder = self._encoder(table)
        facts = self._facts(table, encoder)
        test = self._read_test(folder, table, encoder)
        return Dataset(
            table.file,
            facts,
            self._arrays(table, facts, encoder),
            self._arrays(test, facts, encoder) if test is not None else None,
            noun="row",
            rows=table.rows,
            test_name=test.file if test is not None else None,
            test_rows=test.rows if test is not None else None,
            columns=_columns(encoder),
            encoder=encoder,
            fill=self._fill(encoder),
        )

    def _wanted(self) -> Wanted:
        on_missing: OnMissing = "keep"
        if self.missing in ("error", "drop"):
            on_missing = "drop" if self.missing == "drop" else "error"
        absent = frozenset(word.lower() for word in self.absent)
        return Wanted(self.target, self.columns, self.drop, self.categories, on_missing, absent)

    def _read(self, folder: Path) -> Table:
        path = folder / self.file
        return _read(self, path, file_stamp(path), self._wanted())

    def _read_test(self, folder: Path, table: Table, encoder: RowEncoder) -> Table | None:
        """The test file, read as the training file was: the same columns, and categories where it had them."""
        if self.test is None:
            return None
        wanted = Wanted(
            self.target,
            tuple(column.name for column in encoder.columns),
            (),
            tuple(column.name for column in encoder.categories),
            table.layout.missing,
            table.layout.absent,
        )
        try:
            path = folder / self.test
            return _read(self, path, file_stamp(path), wanted)
        except Unplaced as bad:
            others = [Unplaced(one.kind, option="test", **one.fields) for one in bad.others]
            raise Unplaced(bad.kind, option="test", others=others, **bad.fields) from bad

    # ------------------------------------------------------------ inputs

    def _encoder(self, table: Table) -> RowEncoder:
        """How rows become inputs.

        Raises:
            Unplaced: a column is no category, or the shape that is asked for does not hold the features.
        """
        layout = table.layout
        columns = tuple(
            Column(layout.header[place], self._values(table, layout.header[place]) if place in layout.names else None)
            for place in layout.features
        )
        encoder = RowEncoder(
            columns,
            self.encode == "ids",
            self.separator,
            None,
            self.missing if isinstance(self.missing, float) else None,
            tuple(sorted(layout.absent)),
        )
        _check_input_names(table.file, encoder)
        shape = self._shape(encoder)
        return encoder if shape is None else encoder.replace(shape=shape)

    def _values(self, table: Table, name: str) -> tuple[str, ...]:
        """The values of a category, sorted.

        Raises:
            Unplaced: nearly every row has a value of its own.
        """
        cells = table.names[name]
        values = sort_values({*cells} - {""})
        if len(values) > FEW_CLASSES and 2 * len(values) > len(cells):
            problem = f"has {len(values)} different values in {len(cells)} rows, too many for categories"
            advice = (
                f'nothing can be learnt from names that hardly ever come again: leave it out with `drop = ["{name}"]`'
            )
            raise Unplaced(
                ColumnConflict, option="categories", file=table.file, column=name, problem=problem, advice=advice
            )
        return tuple(values)

    def _shape(self, encoder: RowEncoder) -> tuple[Size, ...] | None:
        """The shape of an example that is no vector.

        Raises:
            Unplaced: the shape that is asked for does not hold the features.
        """
        count = len(encoder.features)
        if self.shape is None:
            return None if encoder.categories else _picture_shape(encoder.features)
        shape = Shape(self.shape)
        if not shape.is_known or shape.count != count:
            wanted = product(shape.sizes)
            reason = f"{shape} holds {wanted}" if shape.is_known else f"{shape} is not known"
            advice = f"write sizes whose product is {count}"
            raise Unplaced(WrongShape, option="shape", count=count, shape=str(shape), reason=reason, advice=advice)
        return None if shape.rank == 1 else self.shape

    def _fill(self, encoder: RowEncoder) -> dict[str, Fill]:
        if self.missing not in ("mean", "median"):
            return {}
        fill: Fill = "mean" if self.missing == "mean" else "median"
        return {name: fill for name, shape in encoder.shapes().items() if not shape.is_tokens}

    # ------------------------------------------------------------ targets

    def _facts(self, table: Table, encoder: RowEncoder) -> Facts:
        """What is known by now.

        Raises:
            Unplaced: it is not clear what a target holds, or a cell of it is no number.
        """
        targets = {name: target_of_column(table, name, self.task) for name in self.target}
        if len(targets) == 1:
            named = {"output": next(iter(targets.values()))}
        else:
            named = {input_name(name): target for name, target in targets.items()}
        return Facts(encoder.shapes(), named, len(table), self.test is not None)

    def _arrays(self, table: Table, facts: Facts, encoder: RowEncoder) -> Arrays:
        """Raises Unplaced when a test file has a class that the training file has not."""
        found = {}
        for name, key in zip(self.target, facts.targets, strict=True):
            goal, cells = facts.targets[key], table.targets[name]
            if goal.names is None:
                check_numbers(table, name)
                found[key] = np.array([[float(cell)] for cell in cells], np.float32)
                continue
            ids = {text: index for index, text in enumerate(goal.names)}
            if not ids.keys() >= {*cells}:
                raise unseen_class(table, name, [i for i, cell in enumerate(cells) if cell not in ids], goal.names)
            found[key] = np.fromiter(map(ids.__getitem__, cells), np.int32, len(cells))
        return Arrays(encoder.encode(table), found)


def _columns(encoder: RowEncoder) -> dict[str, tuple[str, ...]]:
    """The names of features, for the input that is a vector of them."""
    if encoder.shape is not None or not encoder.features:
        return {}
    return {"numbers" if encoder.as_ids and encoder.categories else "input": encoder.features}


def _check_input_names(file: str, encoder: RowEncoder) -> None:
    """Raises Unplaced when two inputs would have the same name."""
    if not encoder.as_ids:
        return
    names = ["numbers", *(input_name(column.name) for column in encoder.categories)]
    for place, name in enumerate(names):
        if name in names[:place]:
            advice = "rename one of the columns: inputs of token ids are called like their columns"
            raise bad_header(file, f"gives two inputs the name `{name}`", advice)


def _picture_shape(features: Sequence[str]) -> tuple[int, ...] | None:
    """The shape that names such as `pixel0` … `pixel783`, or `1x1` … `28x28`, give to a row: a square grey image."""
    side = isqrt(len(features))
    if side < 2 or side * side != len(features):
        return None
    numbered = [re.fullmatch(r"pixel[ _]?(\d+)", name, re.IGNORECASE) for name in features]
    if all(numbered):
        numbers = [int(match[1]) for match in numbered if match is not None]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return side, side, 1
    first = 1 if features[0] == "1x1" else 0
    places = [f"{row + first}x{column + first}" for row in range(side) for column in range(side)]
    return (side, side, 1) if [*features] == places else None


@source("csv")
class Csv(TableSource):
    """A table with a header: one column is the target, all others are numbers. Texts and whole numbers in the target
    are classes, sorted; other numbers are numbers.

    Columns that hold text are named in `categories` or `drop`. Columns called `pixel0`, `pixel1` … that make a square
    are an image; its pixels stay as they are, so that `normalize = unit` brings them to 0..1.

    Example: data { source = csv("wine.csv", target = "grower") }
    Reference: RFC 4180.
    """

    delimiter: str = option(Delimiter(), "what stands between cells", default=",", aliases=("sep", "separator"))

    @property
    def separator(self) -> str:
        return self.delimiter

    def open(self, path: Path) -> TableFile:
        return CsvFile(path, path.name, self.delimiter)


@source("parquet")
class Parquet(TableSource):
    """A table in a Parquet file, with the options of `csv`.

    Example: data { source = parquet("wine.parquet", target = "grower") }
    Reference: Apache Parquet.
    """

    def open(self, path: Path) -> TableFile:
        return parquet_file(path, path.name)


@lru_cache(maxsize=2)
def _read(source: TableSource, path: Path, stamp: FileStamp, wanted: Wanted) -> Table:
    """The table in a file, kept from its check to its training as long as the file has the same stamp."""
    return read_table(source.open(path), wanted)
