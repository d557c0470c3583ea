"""What the columns of a table are to a network: from the options of a source to an encoder, facts and arrays.

Input: a `Table`, and what a source says of its columns. Output: `RowEncoder`, `Facts`, `Arrays`; or the option that is
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from netspec.data.dataset.dataset import Arrays, Facts, Fill, Target
from netspec.data.dataset.lazy_rows import Array, Column as InputColumn
from netspec.data.dataset.precision import narrowed
from netspec.data.errors.files import BadHeader, TaskUnclear, WrongShape
from netspec.data.errors.sources import ColumnConflict, UnseenClass
from netspec.data.errors.tables import ColumnTypeConflict, DateUnclear
from netspec.data.formats.tables.cell_advice import FEW_CLASSES, Advice, is_unique
from netspec.data.formats.tables.cell_errors import BadCells, not_numbers, raise_all
from netspec.data.formats.tables.cells import MISSING, number
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table import Table
from netspec.data.formats.tables.table_layout import OnMissing, Wanted, picture_shape
from netspec.data.sources.images.image_folder import Pictures
from netspec.data.sources.tables.columns import (
    CategoryColumn,
    DateColumn,
    ImageColumn,
    NumberColumn,
    OfColumns,
    SetColumn,
)
from netspec.data.sources.tables.images import image_encoder, survey
from netspec.data.transforms.columns import Column, input_name, read_dates, tags
from netspec.data.transforms.dates import Dates, detect_formats, fit_dates
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape, Size, product

NOTHING = OfColumns(columns=())
"""What holds for a column that `per_column` does not name."""


@dataclass(frozen=True)
class Columns:
    """What a source says of the columns of its table; see the options of `TableSource`."""

    target: tuple[str, ...]
    per_column: tuple[OfColumns, ...]
    as_ids: bool
    missing: str | float
    task: str
    shape: tuple[Size, ...] | None
    form: CsvFormat
    absent: tuple[str, ...]
    of_run: tuple[tuple[str, Dates | ImageEncoder | Column], ...] = ()
    """How a run encodes its dates, images and categories, for data that are encoded in the same way."""

    def of(self, name: str) -> OfColumns:
        return next((of for of in self.per_column if name in of.columns), NOTHING)

    def kind(self, name: str) -> str | None:
        """The type of a column, where `per_column` names one."""
        kind = self.of(name).as_
        return None if kind is None else kind.word

    def check(self) -> None:
        """Raises Unplaced when what `per_column` says does not go together."""
        named = [name for of in self.per_column for name in of.columns]
        if twice := next((name for i, name in enumerate(named) if name in named[:i]), None):
            raise _conflict(twice, "is named twice in `per_column`")
        for name in named:
            of, kind = self.of(name), self.kind(name)
            if name in self.target and kind in ("date", "image"):
                problem = f"is the target, and a target cannot be {kind}s; it can be `number`, `category` or `set`"
                raise _conflict(name, problem)
            if of.missing is not None and kind in MISSING_OF and of.missing not in MISSING_OF[kind]:
                typed = f"{of.missing:g}" if isinstance(of.missing, float) else of.missing
                words = ", ".join(f"`{word}`" for word in MISSING_OF[kind]) or "nothing: an empty cell is an empty set"
                raise _conflict(name, f"says `missing = {typed}`, which a {kind} cannot have; it can have {words}")

    def on_missing(self, name: str) -> OnMissing:
        """What to do with rows in which a column has no value."""
        missing = self.of(name).missing
        how = self.missing if missing is None else missing
        if how in ("error", "drop"):
            return cast("OnMissing", how)
        return "error" if self.kind(name) == "image" else "keep"

    def wanted(
        self,
        columns: tuple[str, ...] | None,
        drop: tuple[str, ...],
        categories: tuple[str, ...] | str,
        *,
        leaves_out_ids: bool,
    ) -> Wanted:
        """What to read."""
        missing: OnMissing = "drop" if self.missing == "drop" else "error" if self.missing == "error" else "keep"
        named = [name for of in self.per_column for name in of.columns]
        return Wanted(
            self.target,
            columns,
            drop,
            categories,
            missing,
            frozenset(word.lower() for word in self.absent),
            tuple((name, kind) for name in named if (kind := self.kind(name)) is not None),
            tuple((name, self.on_missing(name)) for name in named),
            leaves_out_ids,
        )


MISSING_OF: dict[str, tuple[str, ...]] = {
    "category": ("error", "drop", "category"),
    "date": ("error", "drop", "mean", "median", "category"),
    "set": (),
    "image": ("error", "drop"),
}
"""What `missing` can be for columns that are not numbers."""


def _conflict(column: str, problem: str) -> Unplaced:
    return Unplaced(ColumnTypeConflict, option="per_column", column=column, problem=problem)


# ---------------------------------------------------------------- the encoder


def make_encoder(table: Table, said: Columns, folder: Path) -> RowEncoder:
    """How rows become inputs; names of images start from `folder`.

    Raises:
        Unplaced: a column is not what it should be, inputs have the same name, or the given shape does not fit.
    """
    layout = table.layout
    _check_categories(table, said)
    columns = tuple(_column(table, said, layout.header[p], p in layout.names) for p in layout.features)
    images: dict[str, ImageEncoder] = {}
    folders: dict[str, str] = {}
    for column in columns:
        kind = said.of(column.name).as_
        if isinstance(kind, ImageColumn):
            where = (table.file, table.rows)
            known = dict(said.of_run).get(column.name)
            if not isinstance(known, ImageEncoder):
                known = image_encoder(column.name, kind, table.names[column.name], folder, where)
            images[column.name] = known
            if kind.folder is not None:
                folders[column.name] = kind.folder
    default = said.missing if isinstance(said.missing, float) else None
    absent = tuple(sorted(layout.absent))
    encoder = RowEncoder(
        columns,
        said.as_ids,
        said.form.delimiter,
        None,
        default,
        absent,
        said.form,
        images=images,
        folders=folders,
        header=layout.header,
        targets=said.target,
    )
    names = [*encoder.groups, *(name for name, _ in encoder.own_inputs())]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        problem = f"gives two inputs the name `{twice}`"
        raise Unplaced(BadHeader, option="file", file=table.file, problem=problem, case="inputs")
    shape = _shape(encoder, said.shape)
    return encoder if shape is None else encoder.replace(shape=shape)


def _column(table: Table, said: Columns, name: str, is_text: bool) -> Column:
    """How a feature is encoded; raises Unplaced when it is not what it should be."""
    of = said.of(name)
    scale = None if of.normalize == "auto" else of.normalize
    refuses = said.kind(name) != "set" and said.on_missing(name) != "keep"
    column = Column(name, input=of.to, marks_missing=of.missing == "category", scale=scale, refuses_missing=refuses)
    if not is_text:
        is_said = isinstance(of.as_, NumberColumn)
        default = of.missing if isinstance(of.missing, float) else None
        return column.replace(type="number" if is_said else None, default=default)
    cells = table.names[name]
    match of.as_:
        case DateColumn():
            known = dict(said.of_run).get(name)
            dates = known if isinstance(known, Dates) else _dates(table, name, of.as_.format)
            return column.replace(type="date", dates=dates)
        case SetColumn():
            separator = of.as_.separator
            return column.replace(type="set", separator=separator, values=tuple(_tags(cells, separator)))
        case ImageColumn():
            return column.replace(type="image")
    if of.missing is not None and of.missing not in MISSING_OF["category"]:
        problem = f"says `missing = {of.missing}`, and a category is not a number: write `missing = category`"
        raise _conflict(name, problem)
    as_ids = None
    if isinstance(of.as_, CategoryColumn) and of.as_.encode is not None:
        as_ids = of.as_.encode == "ids"
    column = column.replace(values=tuple(_sorted({*cells} - {""})), as_ids=as_ids)
    known = dict(said.of_run).get(name)
    if isinstance(known, Column):
        return column.replace(marks_missing=known.marks_missing)
    is_filled = of.missing is None and said.missing not in ("error", "drop")
    is_onehot = not (said.as_ids if as_ids is None else as_ids)  # an id is 0 where a value is missing
    return column.replace(marks_missing=column.marks_missing or (is_filled and is_onehot and "" in cells))


def _check_categories(table: Table, said: Columns) -> None:
    """Raises Unplaced when nearly every row of categories has another value; with all such columns."""
    cells = {name: cells for name, cells in table.names.items() if said.kind(name) in (None, "category")}
    unique = {name: len({*texts} - {""}) for name, texts in cells.items() if is_unique(texts)}
    if not unique:
        return
    name, count = next(iter(unique.items()))
    problem = f"has {count} different values in {len(table)} rows, too many for categories"
    advice = Advice(table.form, table.layout, len(table)).lines({name: cells[name] for name in unique})
    raise Unplaced(
        ColumnConflict, option="categories", file=table.file, column=name, problem=problem, case="values", advice=advice
    )


def _tags(cells: Sequence[str], separator: str) -> list[str]:
    return _sorted({tag for cell in {*cells} for tag in tags(cell, separator)})


def _dates(table: Table, name: str, date_format: str | None) -> Dates:
    """How dates are encoded; raises Unplaced when their format is not known, or can be read in two ways."""
    cells = [cell for cell in table.names[name] if cell.lower() not in MISSING]
    if date_format is None:
        found = detect_formats(cells)
        if len(found) != 1 and cells:
            row = table.rows[table.names[name].index(cells[0])]
            unclear = partial(Unplaced, DateUnclear, option="per_column", column=name, row=row)
            options = " or ".join(f'`of("{name}", as = date("{one.replace("%.f", ".%f")}"))`' for one in found)
            raise unclear(cell=cells[0][:40], case="" if found else "none", options=options)
        date_format = found[0] if found else "%Y-%m-%d"
    seconds = read_dates(name, table.names[name], date_format, (table.file, table.rows))
    return fit_dates(seconds, date_format)


def _shape(encoder: RowEncoder, given: tuple[Size, ...] | None) -> tuple[Size, ...] | None:
    """The shape of an example that is not a vector; raises Unplaced when the given shape does not fit."""
    count = len(encoder.features)
    if given is None:
        return None if encoder.categories or [*encoder.groups] != ["input"] else picture_shape(encoder.features)
    shape = Shape(given)
    if not shape.is_known or shape.count != count:
        reason = f"{shape} holds {product(shape.sizes)}" if shape.is_known else f"{shape} is not known"
        raise Unplaced(WrongShape, option="shape", count=count, shape=str(shape), reason=reason)
    return None if shape.rank == 1 else given


def fills(encoder: RowEncoder, said: Columns) -> dict[str, Fill | tuple[Fill | None, ...]]:
    """By input, which statistic of the training set replaces missing numbers: of all features, or of each."""
    found: dict[str, Fill | tuple[Fill | None, ...]] = {}
    for name, group in encoder.groups.items():
        by_feature = [fill for column in group for fill in [_fill(column, said)] * len(column.features)]
        used = {fill for fill in by_feature if fill is not None}
        if len(used) == 1:
            (found[name],) = used
        elif used:
            found[name] = tuple(by_feature)
    return found


def _fill(column: Column, said: Columns) -> Fill | None:
    given = said.of(column.name).missing
    how = said.missing if given is None else given
    if column.kind not in ("number", "date") or how in ("error", "drop"):
        return None
    if isinstance(how, float):
        return "mean" if column.kind == "date" else None
    return "median" if how == "median" else "mean"


def scales(encoder: RowEncoder) -> dict[str, tuple[str | None, ...]]:
    """By input, how each feature is normalized, where `per_column` says so (None: as all)."""
    groups = {
        name: tuple(scale for column in group for scale in [column.scale] * len(column.features))
        for name, group in encoder.groups.items()
    }
    return {name: group for name, group in groups.items() if any(scale is not None for scale in group)}


# ---------------------------------------------------------------- targets


def make_facts(table: Table, said: Columns, encoder: RowEncoder, *, has_test: bool) -> Facts:
    """Raises Unplaced when the kind of a target is not clear, or a cell of it is not a number."""
    targets = {name: target_of_column(table, said, name) for name in said.target}
    if len(targets) == 1:
        named = {"output": next(iter(targets.values()))}
    else:
        named = {input_name(name): target for name, target in targets.items()}
    return Facts(encoder.shapes(), named, len(table), has_test)


def target_of_column(table: Table, said: Columns, name: str) -> Target:
    """What a target column contains; raises Unplaced when that is unclear, or a cell is not a number as it must."""
    kind = said.of(name).as_
    if isinstance(kind, SetColumn):
        found = _tags(table.targets[name], kind.separator)
        return Target("binary", len(found), len(found), tuple(found))
    task = {"number": "numbers", "category": "classes"}.get(said.kind(name) or "", said.task)
    distinct, numbers = {*table.targets[name]}, table.target_numbers(name)
    are_numbers = not np.isnan(numbers).any()
    are_whole = are_numbers and all(cell.replace(table.form.thousands, "").lstrip("+-").isdigit() for cell in distinct)
    is_number = are_numbers and (not are_whole or _are_amounts(numbers, len(distinct)))
    if task == "numbers" or (task == "auto" and is_number):
        _check_numbers(table, name)
        return Target("binary" if np.isin(numbers, (0.0, 1.0)).all() else "numbers")
    signs = "" if are_numbers else Advice(table.form).lines({name: _sorted(distinct)}, is_target=True)
    if task == "auto" and len(distinct) > (FEW_CLASSES if signs else max(FEW_CLASSES, len(table) / 10)):
        case = "signs" if signs else "integers" if are_whole else ""
        unclear = partial(Unplaced, TaskUnclear, option="target", column=name, case=case, advice=signs)
        raise unclear(distinct=len(distinct), rows=len(table))
    return Target.of_classes(_sorted(distinct))


def _are_amounts(numbers: Array, distinct: int) -> bool:
    """Whether integers are amounts, such as prices: too many for classes, and too far apart for a counter."""
    return distinct > max(FEW_CLASSES, len(numbers) / 2) and float(np.ptp(numbers)) > 4 * distinct


def make_arrays(
    table: Table, said: Columns, facts: Facts, encoder: RowEncoder, folder: Path, *, streamed: bool = False
) -> Arrays:
    """The examples; `streamed` reads the images on demand.

    Raises:
        Unplaced: a test file has a class that the training file has not, or a cell is wrong.
    """
    targets: dict[str, Array] = {}
    for name, (key, target) in zip(said.target, facts.targets.items(), strict=True):
        cells = table.targets[name]
        kind = said.of(name).as_
        if isinstance(kind, SetColumn):
            assert target.names is not None
            column = Column(name, target.names, type="set", separator=kind.separator)
            unseen = [*column.unseen(cells)]
            targets[key] = column.encode(cells, (table.file, table.rows))
        elif target.names is None:
            _check_numbers(table, name)
            targets[key] = narrowed(table.target_numbers(name)[:, None])
            continue
        else:
            ids = {text: index for index, text in enumerate(target.names)}
            is_known = ids.keys() >= {*cells}
            unseen = [] if is_known else [(row, cell) for row, cell in enumerate(cells) if cell not in ids]
            numbers = map(ids.__getitem__, cells) if is_known else (ids.get(cell, 0) for cell in cells)
            targets[key] = np.fromiter(numbers, np.int32, len(cells))
        if unseen:
            raise Unplaced(
                UnseenClass,
                option="test",
                where=f"{table.file} row {table.rows[unseen[0][0]]}",
                column=name,
                name=unseen[0][1],
                count=len({row for row, _ in unseen}),
                classes=", ".join(target.names[:8]) + (", …" if len(target.names) > 8 else ""),
            )
    if not streamed:
        return Arrays(encoder.encode(table, folder), targets)
    own = {column.name: name for name, column in encoder.own_inputs() if column.kind == "image"}
    others = encoder.replace(columns=tuple(column for column in encoder.columns if column.kind != "image"))
    inputs: dict[str, InputColumn] = {**others.encode(table)} if others.columns else {}
    if others.main_input != encoder.main_input and others.main_input in inputs:
        inputs[encoder.main_input] = inputs.pop(others.main_input)
    for column in encoder.columns:
        if column.kind == "image":
            paths = encoder.image_paths(column, table.names[column.name], folder)
            bounds = (0.0, 1.0) if survey(paths).is_scaled else None
            inputs[own[column.name]] = Pictures(paths, encoder.images[column.name], bounds, is_fixed=False)
    return Arrays(inputs, targets)


def _sorted(values: set[str]) -> list[str]:
    """Texts in alphabetical order, numbers by their size."""
    ordered = sorted(values)
    return sorted(ordered, key=float) if all(number(value) is not None for value in ordered) else ordered


def _check_numbers(table: Table, name: str) -> None:
    """Raises Unplaced unless every cell of a target is a number."""
    wrong = np.flatnonzero(np.isnan(table.target_numbers(name))).tolist()
    bad = BadCells(name, [table.rows[row] for row in wrong], [table.targets[name][row] for row in wrong])
    raise_all([not_numbers(table.file, [bad], Advice(table.form), is_target=True)])
