"""Data sets from the Hugging Face hub, or from a folder written by its package `datasets`, which reads them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.data.dataset.dataset import Dataset, Source, source
from netspec.data.dataset.from_arrays import as_numbers, from_arrays
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import CannotDownload, NoColumn, WrongType
from netspec.data.errors.reading import NoSplit
from netspec.data.errors.sources import ColumnConflict, ImageSizes, MissingPackage
from netspec.data.formats.images import as_picture
from netspec.data.formats.tables.cell_advice import typed
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import TableFile
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.sources.images.image_survey import color_remark, scale_remark, value_range
from netspec.data.sources.tables.options import ColumnOptions
from netspec.data.sources.tables.words import TableSource
from netspec.data.transforms.encoders import ImageEncoder
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Unplaced
from netspec.language.files.paths import is_folder
from netspec.language.kinds import Text
from netspec.language.lazy import lazy, np
from netspec.language.word import hidden, option

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

LABELS = ("label", "labels", "target", "y", "fine_label")
"""Usual names of the target."""


_remarks: dict[tuple[Source, Path], list[Unplaced]] = {}
"""What was remarkable in the data sets that were loaded."""


@source("huggingface")
class HuggingFace(ColumnOptions):
    """A data set from the Hugging Face hub, or from a folder written by `save_to_disk`. Needs
    `pip install 'netspec-compiler[huggingface]'`.

    The input is a column of images, scaled to 0..1, or of numbers; `text` names a column of texts. With `columns` or
    another option of tables the data set is read as `parquet` reads a table, several columns being the features.
    Data sets in the cache of the library `datasets` are used without a network.

    Example: data { source = huggingface("ylecun/mnist") }
    Reference: Lhoest et al. 2021, arXiv:2109.02846.
    """

    aliases = ("load_dataset",)

    name: str = option(Text("a name (string)"), "its name on the hub, or a folder from that of the spec", position=0)
    config: str | None = option(Text("a name (string)"), "which of its variants", default=None, aliases=("subset",))
    input: str | None = option(
        Text("a name (string)"), "the column of the inputs (none: the only one besides the target)", default=None
    )
    target: str | None = option(
        Text("a name (string)"), "the column of the targets (none: `label` or a similar name)", default=None
    )
    train: str = option(Text("a name (string)"), "the split to train on", default="train", aliases=("split",))
    test: str | None = option(
        Text("a name (string)"), "the split for the test (none: `test`, if there is one)", default=None
    )
    revision: str | None = option(Text("a name (string)"), "a branch, tag or commit of it", default=None)

    def at(self, path: str) -> Source:
        return self.replace(name=path)

    def load(self, folder: Path) -> Dataset:
        splits = self._splits(folder)
        train = self._split(splits, self.train, "train")
        test = None
        if self.test is not None or "test" in splits:
            test = self._split(splits, self.test or "test", "test")
        if self._is_table:
            return self._load_table(train, test, folder)
        x, y = self._columns(train)
        inputs, remarks = _inputs([part[x][:] for part in (train, test) if part is not None], x)
        columns = {"x": inputs[0], "y": _numbers(train[y][:], y)}
        if test is not None:
            columns |= {"x_test": inputs[1], "y_test": _numbers(test[y][:], y)}
        _remarks[(self, folder)] = remarks
        return from_arrays(**columns, names=getattr(train.features[y], "names", None), name=self.name)

    @property
    def _is_table(self) -> bool:
        """Whether an option of tables is given."""
        return any(getattr(self, o.field) != o.default for o in ColumnOptions.options())

    def labeled(self, folder: Path) -> Dataset | None:
        if not self._is_table or self.texts_from is not None or not self._names_texts:
            return None
        splits = self._splits(folder)
        test = self._split(splits, self.test or "test", "test") if self.test is not None or "test" in splits else None
        return self._table(self._split(splits, self.train, "train"), test).labeled(folder)

    def _load_table(self, train: Any, test: Any, folder: Path) -> Dataset:
        table = self._table(train, test)
        dataset = table.load(folder)
        _remarks[(self, folder)] = table.remarks(folder)
        return dataset

    def _table(self, train: Any, test: Any) -> _Table:
        """The splits as a table."""
        if self.input is not None:
            problem = "is `input`, and the other options are those of several columns"
            raise Unplaced(
                ColumnConflict, option="input", file=self.name, column=self.input, problem=problem, role="input"
            )
        target = self._target(train)
        parts = {"train": train} if test is None else {"train": train, "test": test}
        named = {key: self.name if key == "train" else f"{self.name} {key}" for key in parts}
        return _Table(
            file="train",
            target=(target,),
            test="test" if test is not None else None,
            tables={key: self._cells(split, target, named[key]) for key, split in parts.items()},
            of_run=self.of_run,
            coded_by=self.coded_by,
            texts_from=self.texts_from,
            **{o.field: getattr(self, o.field) for o in ColumnOptions.options()}
            | {"categories": self._categories(train, target)},
        )

    def _categories(self, train: Any, target: str) -> tuple[str, ...] | str:
        """The columns that the options call categories, and the features that the data set has names of classes for."""
        if isinstance(self.categories, str):
            return self.categories
        said = {
            target,
            *self.drop,
            *self.categories,
            *self.text,
            *(name for of in self.per_column or () for name in of.columns),
        }
        names = train.column_names if self.columns is None else self.columns
        named = [n for n in names if n not in said and getattr(train.features.get(n), "names", None)]
        return (*self.categories, *named)

    def _cells(self, split: Any, target: str, file: str) -> TableFile:
        """The cells of a split, classes by their names; columns that are not used are empty. Raises Unplaced for one
        that does not hold cells."""
        used = {target, *(split.column_names if self.columns is None else self.columns)} - {*self.drop}
        frame = pl.DataFrame(
            pl.from_arrow(split.select_columns([n for n in split.column_names if n in used]).with_format("arrow")[:])
        )
        columns = []
        for position, name in enumerate(split.column_names):
            cells = frame[name] if name in used else pl.repeat(None, frame.height, dtype=pl.String, eager=True)
            if cells.dtype.is_nested() or cells.dtype == pl.Binary:
                problem = "does not have numbers, texts or times, but lists, images or the like"
                raise Unplaced(ColumnConflict, option="name", file=file, column=name, problem=problem, case="nested")
            if name in used and (classes := getattr(split.features[name], "names", None)):
                cells = cells.replace_strict(range(len(classes)), classes, default=None, return_dtype=pl.String)
            columns.append(cells.alias(str(position)))
        return TableFile(file, split.column_names, pl.DataFrame(columns), np.arange(1, frame.height + 1))

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        return _remarks.get((self, folder), ())

    def _splits(self, folder: Path) -> Any:
        """The splits by name; raises Unplaced when the package is not installed, or the data set cannot be found."""
        try:
            import datasets
        except ImportError as error:
            raise Unplaced(MissingPackage, source=self.word, package="datasets", extra="huggingface") from error
        place = folder / self.name
        try:
            if is_folder(place):
                splits = datasets.load_from_disk(str(place))
                return splits if isinstance(splits, datasets.DatasetDict) else {self.train: splits}
            return datasets.load_dataset(self.name, self.config, revision=self.revision)
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise Unplaced(
                CannotDownload,
                option="name",
                name=self.name,
                file="the data set",
                reason=reason,
                folders="the cache of the package datasets",
                case="hub",
            ) from error

    def _split(self, splits: Any, name: str, option_name: str) -> Any:
        if name not in splits:
            raise Unplaced(NoSplit, option=option_name, split=name, advice=suggest(name, splits, what="its splits"))
        return splits[name]

    def _columns(self, train: Any) -> tuple[str, str]:
        """The columns of inputs and targets; raises Unplaced when they do not exist, or are ambiguous."""
        names: Sequence[str] = train.column_names
        for key, name in (("input", self.input), ("target", self.target)):
            if name is not None and name not in names:
                advice = suggest(name, names, what="its columns")
                raise Unplaced(NoColumn, option=key, file=self.name, column=name, advice=advice)
        y = self._target(train)
        others = [name for name in names if name != y]
        x = self.input or (others[0] if len(others) == 1 else None)
        if x is None:
            raise self._unclear("input", others, "may be the input, or another column")
        return x, y

    def _target(self, train: Any) -> str:
        """The column of the targets; raises Unplaced when no option names one, and none has a usual name."""
        names: Sequence[str] = train.column_names
        found = self.target or next((name for name in LABELS if name in names and name != self.input), None)
        if found is None:
            raise self._unclear("target", names, "has no column `label`")
        return found

    def _unclear(self, key: str, names: Sequence[str], problem: str) -> Unplaced:
        unclear = partial(Unplaced, ColumnConflict, option="name", case="inputs" if key == "input" else "unclear")
        known = partial(unclear, columns=", ".join(names), advice=typed(names))
        return known(file=self.name, column=names[0], problem=problem, role=key)


class _Table(TableSource):
    """The splits of a data set as the files of a table, `train` and `test`."""

    tables: Any = hidden()

    def open(self, path: Path) -> TableFile:
        found: TableFile = self.tables[path.name]
        return found

    def table(self, path: Path, wanted: Wanted) -> Table:
        return read_table(self.open(path), wanted)


def _inputs(splits: Sequence[Sequence[Any]], column: str) -> tuple[list[Array], list[Unplaced]]:
    """The values of a column in each split: images in the colors of the richest, or numbers; and warnings about them.
    Raises Unplaced when the column has texts or other things."""
    if not all(len(values) and hasattr(values[0], "convert") for values in splits):
        return [_numbers(values, column) for values in splits], []
    pictures = [[as_picture(image) for image in values] for values in splits]
    every = [picture for part in pictures for picture in part]
    width, height = every[0].image.size
    for part in pictures:
        _check_sizes(column, [picture.image.size[::-1] for picture in part], (height, width))
    encoder = ImageEncoder(height, width, max(picture.channels for picture in every))
    remarks = [color_remark([picture.channels for picture in every], "input")]
    if raw := [picture.image for picture in every if not picture.is_scaled]:
        remarks.append(scale_remark(len(raw), len(every), *value_range(raw), "input"))
    are_bytes = not any(picture.is_deep for picture in every)
    arrays = [np.stack([encoder.bytes(p) if are_bytes else encoder.encode(p) for p in part]) for part in pictures]
    return arrays, [remark for remark in remarks if remark is not None]


def _numbers(values: Sequence[Any], column: str) -> Array:
    """The values of a column; raises Unplaced when they are not numbers."""
    if len(values) and isinstance(values[0], str):
        raise Unplaced(WrongType, what=f"the column `{column}`", found="texts", case="column")
    return as_numbers(values, f"the column `{column}`")


def _check_sizes(column: str, sizes: Sequence[tuple[int, int]], first: tuple[int, int]) -> None:
    """Raises Unplaced unless all images have the size (height, width) of the first of the training split."""
    others = [index for index, size in enumerate(sizes) if size != first]
    if others:
        found, expected = ("{}x{}".format(*size) for size in (sizes[others[0]], first))
        unlike = partial(Unplaced, ImageSizes, count=len(others), total=len(sizes), case="column")
        raise unlike(file=f"{column} {others[0]}", found=found, first=f"{column} 0", expected=expected)
