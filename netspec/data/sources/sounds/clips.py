"""Which files are the sounds of a source, and what their targets are: those of folders by class, or of a table.

Input: a folder or a table. Output: `Clips`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from netspec.data.dataset.dataset import Facts, Target
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.sources import BadFolder
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.sounds import SOUND_ENDINGS
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import CsvFile, TableFile, parquet_file
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.sources.class_folders import (
    Listing,
    check_same_classes,
    folders_in,
    list_classes,
    split_folders,
    split_options,
)
from netspec.data.sources.tables.said import Columns
from netspec.data.sources.tables.targets import make_targets, target_arrays
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape

TABLES = (".csv", ".tsv", ".parquet")
"""The endings of tables."""


@dataclass(frozen=True, eq=False)
class Clips:
    """The files of a part of the data, in their order, with `targets` and their `values`; `option` is the argument that
    names it, `title`, `noun` and `rows` are what an example is called by."""

    folder: Path
    paths: Sequence[Path]
    targets: Mapping[str, Target]
    values: Mapping[str, Array]
    option: str
    title: str
    noun: str
    rows: Sequence[int] | Sequence[str]

    def name(self, path: Path) -> str:
        """The name of a file in messages."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)


def find_clips(
    folder: Path, source: str, test: str | None, column: str, target: tuple[str, ...]
) -> tuple[Clips, Clips | None]:
    """The sounds to train on, and those of the test split.

    Args:
        folder: that names start from.
        source: the name of a folder or a table.
        test: the same of the test split, if there is one.
        column: that names the sounds, where it is a table.
        target: the columns to predict.

    Raises:
        Unplaced: there is no such file or folder, it has no sounds, or the test split has other classes.
    """
    if Path(source).suffix.lower() in TABLES:
        said = Columns(target, (), False, "error", "auto", None, _form(source), ())
        table = _table(folder / source, said, column)
        targets = make_targets(table, said)
        first = _of_table(table, said, targets, column, (folder / source).parent, "folder")
        if test is None:
            return first, None
        other = _table(folder / test, said, column)
        return first, _of_table(other, said, targets, column, (folder / test).parent, "test")
    listing = _listed(folder / source, "folder", source)
    if test is None:
        return _of_folder(listing), None
    held = _listed(folder / test, "test", test)
    check_same_classes(listing, held)
    return _of_folder(listing), _of_folder(held)


def _form(name: str) -> CsvFormat:
    return CsvFormat("\t") if Path(name).suffix.lower() == ".tsv" else CsvFormat()


def _table(path: Path, said: Columns, column: str) -> Table:
    return _read(path, file_stamp(path), said.form, said.wanted((column,), (), (column,), leaves_out_ids=False))


@lru_cache(maxsize=2)
def _read(path: Path, stamp: FileStamp, form: CsvFormat, wanted: Wanted) -> Table:
    """The table in a file, cached from its check to its training as long as the file has the same stamp."""
    is_parquet = path.suffix.lower() == ".parquet"
    file: TableFile = parquet_file(path, path.name) if is_parquet else CsvFile(path, path.name, form)
    return read_table(file, wanted)


def _of_table(
    table: Table, said: Columns, targets: Mapping[str, Target], column: str, folder: Path, option: str
) -> Clips:
    values = target_arrays(table, said, Facts({"input": Shape(())}, {**targets}))
    paths = [folder / cell for cell in table.names[column]]
    return Clips(folder, paths, targets, values, option, table.file, "row", table.rows)


def _of_folder(listing: Listing) -> Clips:
    targets = {"output": Target.of_classes(listing.classes)} if listing.classes else {}
    values = {"output": listing.labels} if listing.labels is not None else {}
    return Clips(
        listing.folder, listing.paths, targets, values, listing.option, listing.folder.name, "sound", listing.names
    )


def _listed(folder: Path, option: str, given: str) -> Listing:
    """The sounds under a folder; raises Unplaced as `find_clips`."""
    if splits := split_folders(folders_in(folder)):
        train, test = split_options(given, splits)
        advice = f"write `sounds({', '.join([train, *test])})`"
        problem = f"contains splits of the data ({', '.join(splits)}), not classes"
        raise Unplaced(BadFolder, option=option, folder=str(folder), problem=problem, advice=advice)
    return list_classes(folder, option, "sound", SOUND_ENDINGS)
