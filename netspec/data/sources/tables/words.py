"""Tables: rows with named columns, some of which are predicted from the others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, source
from netspec.data.dataset.options import Delimiter, Encoding, Names, Sign
from netspec.data.errors.files import BadPair, NoColumn
from netspec.data.errors.tables import LeftOut, RowsDropped, SameSign
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.tables.table_layout import Wanted, first_row_remarks
from netspec.data.sources.images.image_survey import remarks_on
from netspec.data.sources.tables.columns import ImageColumn
from netspec.data.sources.tables.encoding import fills, make_arrays, make_encoder, make_facts, scales
from netspec.data.sources.tables.images import image_paths, survey
from netspec.data.sources.tables.options import ColumnOptions
from netspec.data.sources.tables.patterns import has_patterns, with_names, with_types
from netspec.data.sources.tables.said import Columns
from netspec.data.sources.tables.targets import make_targets, target_arrays
from netspec.data.sources.tables.texts import TextsOf, text_remarks
from netspec.data.transforms.class_ids import alike_names
from netspec.data.transforms.encoders import RowEncoder, unseen_categories
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.kinds import Choice, Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.values import to_source
from netspec.language.word import option

MAX_DROPPED = 0.05
"""A larger fraction of rows that are left out is worth a warning."""

MAX_NAMED = 5
"""How many columns the warning lists."""

FILE = Text("a file name (string)")


class TableSource(ColumnOptions):
    """The common part of tables of every format."""

    file: str = option(FILE, "the table, from the folder of the spec", position=0)
    target: tuple[str, ...] = option(
        Names(),
        "the column to predict, or several: numbers of one output, or outputs with these names",
        default=(),
        position=1,
        aliases=("label", "labels", "y", "label_column", "target_column", "y_col"),
    )
    image: tuple[str, ...] = option(
        Names(),
        'columns of names of image files, each an input; how they are read: `per_column = of("photo", as = image(…))`',
        default=(),
        aliases=("images", "image_column", "x_col"),
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
        own = self._named(folder)
        table = own._read(folder)
        return make_facts(table, own._said, own._encoder(table, folder), has_test=self.test is not None)

    def groups(self, folder: Path) -> dict[str, list[str]]:
        """The columns of each input that is a vector of numbers."""
        own = self._named(folder)
        return {name: [c.name for c in of] for name, of in own._encoder(own._read(folder), folder).groups.items()}

    def load(self, folder: Path) -> Dataset:
        return self._named(folder)._dataset(folder, streamed=False)

    def stream(self, folder: Path) -> Dataset | None:
        """Only images are read on demand."""
        has_images = any(isinstance(of.as_, ImageColumn) for of in self._said.per_column)
        return self._named(folder)._dataset(folder, streamed=True) if has_images else None

    def _named(self, folder: Path) -> Self:
        """The same source with the names of the columns in the places of patterns such as `"a*"`."""
        if not has_patterns(self):
            return self
        header = self.open(folder / self.file).header
        return with_names(self, [name for name in header if name not in self.target])

    def _dataset(self, folder: Path, *, streamed: bool) -> Dataset:
        table = self._read(folder)
        encoder, said = self._encoder(table, folder), self._said
        facts = make_facts(table, said, encoder, has_test=self.test is not None)
        test = self._read_test(folder, table, encoder)
        parts = [(table, self.file)] + ([(test, str(self.test))] if test is not None else [])
        arrays = [
            make_arrays(part, said, facts, encoder, (folder / file).parent, streamed=streamed) for part, file in parts
        ]
        return Dataset(
            table.file,
            facts,
            arrays[0],
            arrays[1] if test is not None else None,
            noun="row",
            rows=table.rows,
            test_name=test.file if test is not None else None,
            test_rows=test.rows if test is not None else None,
            columns={} if encoder.shape is not None else encoder.feature_names(),
            encoder=encoder,
            fill=fills(encoder, said),
            scales=scales(encoder),
            divided_by=table.divided_by,
        )

    def warnings(self, folder: Path) -> list[Diagnostic]:
        if self._coding is None:
            return []
        table = self._named(folder)._read(folder)
        return [*unseen_categories(self._coding, table, [f"{table.file} row {row}" for row in table.rows])]

    def remarks(self, folder: Path) -> list[Unplaced]:
        return self._named(folder)._remarks(folder)

    def _remarks(self, folder: Path) -> list[Unplaced]:
        table = self._read(folder)
        found = [self._left_out(table, name) for name in table.left_out]
        found += self._dropped(table)
        for of in self._said.per_column:
            if isinstance(kind := of.as_, ImageColumn):
                for name in of.columns:
                    paths = image_paths(kind, table.names[name], (folder / self.file).parent)
                    found += remarks_on(survey(paths), "image", choose_colors=kind.channels is None)
        encoder = self._encoder(table, folder)
        found += text_remarks(table, encoder, self._said.per_column, TextsOf(self.texts_from, folder, self.text))
        targets = make_targets(table, self._said)
        named = {name: target.names for name, target in targets.items() if target.names is not None}
        named |= {column.name: column.values for column in encoder.categories if column.values is not None}
        for name, names in named.items():
            what = f"`{self.target[0] if name == 'output' and self.target else name}`"
            found += alike_names("file", what, names)
        return [*found, *self._first_row(table)]

    def _first_row(self, table: Table) -> list[Unplaced]:
        """What is remarkable in the row that names the columns."""
        return []

    def _left_out(self, table: Table, name: str) -> Unplaced:
        drop = to_source([*self.drop, name]) if self.drop else to_source(name)
        left_out = partial(Unplaced, LeftOut, option="file", file=table.file, column=name, drop=drop)
        return left_out(source=self.word, count=len(table), case="number" if table.left_out[name] else "")

    def _dropped(self, table: Table) -> list[Unplaced]:
        """The warning about rows that are left out; none for a few."""
        count = table.file_rows - len(table)
        if count <= MAX_DROPPED * table.file_rows:
            return []
        names = sorted(table.dropped, key=lambda name: -table.dropped[name])
        columns = ", ".join(f"`{name}` ({table.dropped[name]})" for name in names[:MAX_NAMED])
        more = f" and {len(names) - MAX_NAMED} more columns" if len(names) > MAX_NAMED else ""
        case = "target" if {*names} <= {*self.target} else ""
        dropped = partial(Unplaced, RowsDropped, option="missing", file=table.file, kept=len(table), case=case)
        return [dropped(rows=table.file_rows, dropped=count, columns=columns + more)]

    def labeled(self, folder: Path) -> Dataset | None:
        if self._coding is not None or self.texts_from is not None or not self._names_texts:
            return None
        own = self._named(folder)
        table = own._read(folder)
        targets = make_targets(table, own._said)
        facts = Facts({"row": Shape(())}, targets, len(table), self.test is not None)
        arrays = Arrays({"row": np.arange(len(table))}, target_arrays(table, own._said, facts))
        test = arrays if facts.has_test else None
        return Dataset(table.file, facts, arrays, test, noun="row", rows=table.rows, divided_by=table.divided_by)

    @property
    def _said(self) -> Columns:
        is_ids = self.encode == "ids"
        said = Columns(
            self.target,
            with_types(self.per_column or (), text=self.text, image=self.image),
            is_ids,
            self.missing,
            self.task,
            self.shape,
            self.form,
            self.absent,
            self.of_run,
            self.text,
        )
        said.check()
        return said

    def at(self, path: str) -> Source:
        return self.replace(file=path, test=None)

    def _read(self, folder: Path) -> Table:
        if self._coding is not None:
            return self.table(folder / self.file, self._divided(self._wanted_by(self._coding)))
        wanted = self._said.wanted(self.columns, self.drop, self.categories, leaves_out_ids=True)
        return self.table(folder / self.file, self._divided(wanted))

    def _divided(self, wanted: Wanted) -> Wanted:
        return wanted.replace(divided_by=self.divided_by, is_apart=self.is_apart)

    def table(self, path: Path, wanted: Wanted) -> Table:
        """What is wanted of a file, read once for its check and its training."""
        return _read(self.replace(learns_from=None, texts_from=None), path, file_stamp(path), wanted)

    def _read_test(self, folder: Path, table: Table, encoder: RowEncoder) -> Table | None:
        """The test file, read as the training file was: the same columns, with the same categories."""
        if self.test is None:
            return None
        try:
            return self.table(folder / self.test, self._wanted_by(encoder))
        except Unplaced as bad:
            if bad.kind is NoColumn and bad.fields["column"] in self.target:
                bad.fields.update(case="test", path=self.test)
            others = [Unplaced(one.kind, option="test", **one.fields) for one in bad.others]
            raise Unplaced(bad.kind, option="test", others=others, **bad.fields) from bad

    @property
    def _coding(self) -> RowEncoder | None:
        """The encoder of the run whose columns are read, if there is one."""
        encoder = self.coded_by.encoder if self.coded_by is not None else None
        return encoder if isinstance(encoder, RowEncoder) else None

    def _wanted_by(self, encoder: RowEncoder) -> Wanted:
        """The columns that an encoder reads, and the targets."""
        columns = tuple(column.name for column in encoder.columns)
        categories = tuple(column.name for column in encoder.categories if column.kind != "text")
        return self._said.wanted(columns, (), categories, leaves_out_ids=False)

    def _encoder(self, table: Table, folder: Path) -> RowEncoder:
        if self._coding is not None:
            return self._coding
        images = (folder / self.file).parent
        learned = TextsOf(self.texts_from, folder, self.text)
        whole = make_encoder(table, self._said, images, learned)
        if self.learns_from is None:
            return whole
        # the dates and the sizes of images are those of all rows, and texts know already what they are learned from
        dates = tuple((column.name, column.dates) for column in whole.columns if column.dates is not None)
        said = replace(self._said, of_run=(*dates, *whole.images.items(), *whole.texts.items()))
        return make_encoder(table.take(self.learns_from.indices), said, images, learned).replace(shape=whole.shape)


@source("csv")
class Csv(TableSource):
    """A table with a header: one column is the target, all others are numbers. Texts and integers in the target are
    classes, sorted; other numbers are numbers.

    Columns of text are named in `categories` or `drop`. Columns named `pixel0`, `pixel1` … that form a square are an
    image; its pixels are not scaled, `normalize = unit` scales them to 0..1.

    Example: data { source = csv("wine.csv", target = "grower") }
    Reference: RFC 4180.
    """

    aliases = ("read_csv", "CsvDataset")

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

    def _first_row(self, table: Table) -> list[Unplaced]:
        return first_row_remarks(table.layout.header, table.file) if self.header == "first" else []

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
