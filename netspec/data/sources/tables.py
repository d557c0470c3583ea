"""Tables: rows with named columns, some of which are predicted from the others."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache, partial
from math import isqrt
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Fill, Source, Target, source
from netspec.data.dataset.options import Delimiter, Encoding, Missing, Names, Sign
from netspec.data.errors.files import BadHeader, BadPair, TaskUnclear, WrongShape
from netspec.data.errors.sources import ColumnConflict, UnseenClass
from netspec.data.errors.tables import SameSign
from netspec.data.formats.cell_advice import Advice
from netspec.data.formats.cell_errors import BadCells, not_numbers, raise_all
from netspec.data.formats.cells import number
from netspec.data.formats.csv_format import CsvFormat
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.table import Table, read_table
from netspec.data.formats.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.table_layout import OnMissing, Wanted
from netspec.data.transforms.encoders import Column, RowEncoder, input_name
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, NewShape, Text
from netspec.language.lazy import np
from netspec.language.shape import Shape, Size, product
from netspec.language.word import option

FILE = Text("a file name (string)")

FEW_CLASSES = 20
"""A column with more different values than this, and than a tenth of its rows, may not hold classes."""


class TableSource(Source):
    """The common part of tables of every format."""

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
        "the columns to predict from, in this order (none: all others)",
        default=None,
        aliases=("features", "usecols"),
    )
    drop: tuple[str, ...] = option(Names(), "columns to leave out, such as an id", default=(), aliases=("ignore",))
    categories: tuple[str, ...] | str = option(
        Names(auto=True),
        "columns whose values are names, not quantities; `auto`: those that contain text",
        default=(),
        aliases=("categorical",),
    )
    encode: str = option(
        Choice(("onehot", "ids")),
        "how categories are encoded: a 0 or 1 for each value, or a separate input with token ids, for `embedding`",
        default="onehot",
    )
    missing: str | float = option(
        Missing(),
        "missing values: an error, leave the row out, the mean or median of the training set, or a number",
        default="error",
        aliases=("fillna",),
    )
    absent: tuple[str, ...] = option(
        Names(), 'other marks of a missing value, such as "-999"', default=(), aliases=("na_values",)
    )
    task: str = option(
        Choice(("auto", "classes", "numbers")), "what the targets are; `auto`: decided by their cells", default="auto"
    )
    shape: tuple[Size, ...] | None = option(
        NewShape(),
        "the shape of an example, such as 28x28x1 (none: a vector, or a square image for columns like `pixel0`)",
        default=None,
    )
    test: str | None = option(FILE, "a table with the same columns, for the test", default=None)

    @property
    def form(self) -> CsvFormat:
        """How rows on the command line, and text files, are written."""
        return CsvFormat()

    @abstractmethod
    def open(self, path: Path) -> TableFile:
        """The table in a file; raises Unplaced when it cannot be read."""

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

    def _read(self, folder: Path) -> Table:
        on_missing: OnMissing = "drop" if self.missing == "drop" else "error" if self.missing == "error" else "keep"
        absent = frozenset(word.lower() for word in self.absent)
        wanted = Wanted(self.target, self.columns, self.drop, self.categories, on_missing, absent)
        path = folder / self.file
        return _read(self, path, file_stamp(path), wanted)

    def _read_test(self, folder: Path, table: Table, encoder: RowEncoder) -> Table | None:
        """The test file, read as the training file was: the same columns, with the same categories."""
        if self.test is None:
            return None
        columns = tuple(column.name for column in encoder.columns)
        categories = tuple(column.name for column in encoder.categories)
        wanted = Wanted(self.target, columns, (), categories, table.layout.missing, table.layout.absent)
        path = folder / self.test
        try:
            return _read(self, path, file_stamp(path), wanted)
        except Unplaced as bad:
            others = [Unplaced(one.kind, option="test", **one.fields) for one in bad.others]
            raise Unplaced(bad.kind, option="test", others=others, **bad.fields) from bad

    def _encoder(self, table: Table) -> RowEncoder:
        """How rows become inputs; raises Unplaced when a column is not a category, or the given shape does not fit."""
        layout = table.layout
        columns = tuple(
            Column(layout.header[p], self._values(table, layout.header[p]) if p in layout.names else None)
            for p in layout.features
        )
        default = self.missing if isinstance(self.missing, float) else None
        absent = tuple(sorted(layout.absent))
        encoder = RowEncoder(columns, self.encode == "ids", self.form.delimiter, None, default, absent, self.form)
        if encoder.as_ids:
            names = ["numbers", *(input_name(column.name) for column in encoder.categories)]
            twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
            if twice is not None:
                problem = f"gives two inputs the name `{twice}`"
                raise Unplaced(BadHeader, option="file", file=table.file, problem=problem, case="inputs")
        shape = self._shape(encoder)
        return encoder if shape is None else encoder.replace(shape=shape)

    def _values(self, table: Table, name: str) -> tuple[str, ...]:
        """The values of a category, sorted; raises Unplaced when nearly every row has another one."""
        cells = table.names[name]
        values = _sorted({*cells} - {""})
        if len(values) > FEW_CLASSES and 2 * len(values) > len(cells):
            problem = f"has {len(values)} different values in {len(cells)} rows, too many for categories"
            conflict = partial(Unplaced, ColumnConflict, option="categories", file=table.file, column=name)
            raise conflict(problem=problem, case="values")
        return tuple(values)

    def _shape(self, encoder: RowEncoder) -> tuple[Size, ...] | None:
        """The shape of an example that is not a vector; raises Unplaced when the given shape does not fit."""
        count = len(encoder.features)
        if self.shape is None:
            return None if encoder.categories else _picture_shape(encoder.features)
        shape = Shape(self.shape)
        if not shape.is_known or shape.count != count:
            reason = f"{shape} holds {product(shape.sizes)}" if shape.is_known else f"{shape} is not known"
            raise Unplaced(WrongShape, option="shape", count=count, shape=str(shape), reason=reason)
        return None if shape.rank == 1 else self.shape

    def _fill(self, encoder: RowEncoder) -> dict[str, Fill]:
        if self.missing not in ("mean", "median"):
            return {}
        fill: Fill = "mean" if self.missing == "mean" else "median"
        return {name: fill for name, shape in encoder.shapes().items() if not shape.is_tokens}

    def _facts(self, table: Table, encoder: RowEncoder) -> Facts:
        """Raises Unplaced when the kind of a target is not clear, or a cell of it is not a number."""
        targets = {name: self._target(table, name) for name in self.target}
        if len(targets) == 1:
            named = {"output": next(iter(targets.values()))}
        else:
            named = {input_name(name): target for name, target in targets.items()}
        return Facts(encoder.shapes(), named, len(table), self.test is not None)

    def _target(self, table: Table, name: str) -> Target:
        """What a target column contains; raises Unplaced when that is unclear, or a cell is not a number as it must."""
        distinct = _sorted({*table.targets[name]})
        values = [table.form.number(cell) for cell in distinct]
        are_numbers = all(value is not None for value in values)
        are_whole = are_numbers and all(cell.lstrip("+-").isdigit() for cell in distinct)
        if self.task == "numbers" or (self.task == "auto" and are_numbers and not are_whole):
            _check_numbers(table, name)
            return Target("binary" if {*values} <= {0.0, 1.0} else "numbers")
        if self.task == "auto" and len(distinct) > max(FEW_CLASSES, len(table) / 10):
            unclear = partial(Unplaced, TaskUnclear, option="target", column=name, case="integers" if are_whole else "")
            raise unclear(distinct=len(distinct), rows=len(table))
        return Target.of_classes(distinct)

    def _arrays(self, table: Table, facts: Facts, encoder: RowEncoder) -> Arrays:
        """Raises Unplaced when a test file has a class that the training file has not."""
        targets = {}
        for name, (key, target) in zip(self.target, facts.targets.items(), strict=True):
            cells = table.targets[name]
            if target.names is None:
                _check_numbers(table, name)
                targets[key] = np.array([[table.form.number(cell)] for cell in cells], np.float32)
                continue
            ids = {text: index for index, text in enumerate(target.names)}
            unseen = [row for row, cell in enumerate(cells) if cell not in ids] if not ids.keys() >= {*cells} else []
            if unseen:
                raise Unplaced(
                    UnseenClass,
                    option="test",
                    where=f"{table.file} row {table.rows[unseen[0]]}",
                    column=name,
                    name=cells[unseen[0]],
                    count=len(unseen),
                    classes=", ".join(target.names[:8]) + (", …" if len(target.names) > 8 else ""),
                )
            targets[key] = np.fromiter(map(ids.__getitem__, cells), np.int32, len(cells))
        return Arrays(encoder.encode(table), targets)


def _sorted(values: set[str]) -> list[str]:
    """Texts in alphabetical order, numbers by their size."""
    ordered = sorted(values)
    return sorted(ordered, key=float) if all(number(value) is not None for value in ordered) else ordered


def _check_numbers(table: Table, name: str) -> None:
    """Raises Unplaced unless every cell of a target is a number."""
    cells = zip(table.rows, table.targets[name], strict=True)
    wrong = [(row, cell) for row, cell in cells if table.form.number(cell) is None]
    bad = BadCells(name, [row for row, _ in wrong], [cell for _, cell in wrong])
    raise_all([not_numbers(table.file, [bad], Advice(table.form), is_target=True)])


def _columns(encoder: RowEncoder) -> dict[str, tuple[str, ...]]:
    """The names of features, for the input that is a vector of them."""
    if encoder.shape is not None or not encoder.features:
        return {}
    return {"numbers" if encoder.as_ids and encoder.categories else "input": encoder.features}


def _picture_shape(features: Sequence[str]) -> tuple[int, ...] | None:
    """The shape that names such as `pixel0` … `pixel783`, or `1x1` … `28x28`, give to a row: a square gray image."""
    side = isqrt(len(features))
    if side < 2 or side * side != len(features):
        return None
    numbered = [re.fullmatch(r"pixel[ _]?(\d+)", name, re.IGNORECASE) for name in features]
    if all(numbered):
        numbers = [int(match[1]) for match in numbered if match is not None]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return side, side, 1
    first = 1 if features[0] == "1x1" else 0
    positions = [f"{row + first}x{column + first}" for row in range(side) for column in range(side)]
    return (side, side, 1) if [*features] == positions else None


@source("csv")
class Csv(TableSource):
    """A table with a header: one column is the target, all others are numbers. Texts and integers in the target are
    classes, sorted; other numbers are numbers.

    Columns of text are named in `categories` or `drop`. Columns named `pixel0`, `pixel1` … that form a square are an
    image; its pixels are not scaled, `normalize = unit` scales them to 0..1.

    Example: data { source = csv("wine.csv", target = "grower") }
    Reference: RFC 4180.
    """

    delimiter: str = option(Delimiter(), "the character between cells", default=",", aliases=("sep", "separator"))
    header: str = option(
        Choice(("first", "none")),
        "where the names of the columns are: in the `first` row, or in no row: every row is an example",
        default="first",
    )
    names: tuple[str, ...] | None = option(
        Names(), "the names of the columns if no row has them (none: `column_1`, `column_2` …)", default=None
    )
    encoding: str = option(Encoding(), 'the encoding of the file, such as "cp1252" or "utf-16"', default="utf-8")
    decimal: str = option(Sign(".,"), "the character before the decimals of a number", default=".")
    thousands: str = option(
        Sign(".,' _", may_be_empty=True), 'the character between groups of three digits ("": none)', default=""
    )

    @property
    def form(self) -> CsvFormat:
        return CsvFormat(self.delimiter, self.encoding, self.decimal, self.thousands)

    def open(self, path: Path) -> TableFile:
        if self.names is not None and self.header == "first":
            raise Unplaced(BadPair, option="names", given="names", missing="header = none")
        if self.decimal == self.thousands:
            raise Unplaced(SameSign, option="decimal", sign=self.decimal)
        return CsvFile(path, path.name, self.form, "data" if self.header == "none" else "header", self.names)


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
    """The table in a file, cached from its check to its training as long as the file has the same stamp."""
    return read_table(source.open(path), wanted)
