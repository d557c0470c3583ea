"""What the columns of a table are to a network: from the options of a source to an encoder, facts and arrays.

Input: a `Table`, and what a source says of its columns. Output: `RowEncoder`, `Facts`, `Arrays`; or the option that is
wrong.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Facts, Fill
from netspec.data.dataset.lazy_rows import Column as InputColumn
from netspec.data.errors.files import BadHeader, WrongShape
from netspec.data.errors.sources import ColumnConflict
from netspec.data.errors.tables import DateUnclear
from netspec.data.formats.tables.cell_advice import Advice, is_unique
from netspec.data.formats.tables.cells import MISSING
from netspec.data.formats.tables.table import Table
from netspec.data.formats.tables.table_layout import picture_shape
from netspec.data.sources.images.image_folder import Pictures
from netspec.data.sources.tables.columns import (
    CategoryColumn,
    DateColumn,
    ImageColumn,
    NumberColumn,
    SetColumn,
    TextColumn,
)
from netspec.data.sources.tables.images import image_encoder, survey
from netspec.data.sources.tables.said import MISSING_OF, Columns, type_conflict
from netspec.data.sources.tables.targets import make_targets, sorted_values, tag_values, target_arrays
from netspec.data.sources.tables.texts import TextsOf
from netspec.data.transforms.columns import Column, read_dates
from netspec.data.transforms.dates import Dates, detect_formats, fit_dates
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape, Size, product


def make_encoder(table: Table, said: Columns, folder: Path, learned: TextsOf) -> RowEncoder:
    """How rows become inputs; names of images start from `folder`, `learned` is what texts are learned from.

    Raises:
        Unplaced: a column is not what it should be, inputs have the same name, or the given shape does not fit.
    """
    layout = table.layout
    _check_categories(table, said)
    columns = tuple(_column(table, said, layout.header[p], p in layout.names) for p in layout.features)
    images: dict[str, ImageEncoder] = {}
    folders: dict[str, str] = {}
    texts: dict[str, TextCoder] = {}
    for column in columns:
        kind = said.of(column.name).as_
        if isinstance(kind, TextColumn):
            coder = dict(said.of_run).get(column.name)
            texts[column.name] = coder if isinstance(coder, TextCoder) else learned.coder(table, column.name, kind)
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
        texts=texts,
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
            dates = known if isinstance(known, Dates) else _dates(table, name, of.as_)
            return column.replace(type="date", dates=dates)
        case SetColumn():
            separator = of.as_.separator
            return column.replace(type="set", separator=separator, values=tuple(tag_values(cells, separator)))
        case ImageColumn():
            return column.replace(type="image")
        case TextColumn():
            return column.replace(type="text", marks_missing=not refuses)
    if of.missing is not None and of.missing not in MISSING_OF["category"]:
        problem = f"says `missing = {of.missing}`, and a category is not a number: write `missing = category`"
        raise type_conflict(name, problem)
    as_ids = None
    if isinstance(of.as_, CategoryColumn) and of.as_.encode is not None:
        as_ids = of.as_.encode == "ids"
    column = column.replace(values=tuple(sorted_values({*cells} - {""})), as_ids=as_ids)
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


def _dates(table: Table, name: str, said: DateColumn) -> Dates:
    """How dates are encoded; raises Unplaced when their format is not known, or can be read in two ways."""
    cells = [cell for cell in table.names[name] if cell.lower() not in MISSING]
    date_format = said.format
    if date_format is None:
        found = detect_formats(cells)
        if len(found) != 1 and cells:
            row = table.rows[table.names[name].index(cells[0])]
            unclear = partial(Unplaced, DateUnclear, option="per_column", column=name, row=row)
            options = " or ".join(f'`of("{name}", as = date("{one.replace("%.f", ".%f")}"))`' for one in found)
            raise unclear(cell=cells[0][:40], case="" if found else "none", options=options)
        date_format = found[0] if found else "%Y-%m-%d"
    seconds = read_dates(name, table.names[name], date_format, (table.file, table.rows))
    dates = fit_dates(seconds, date_format)
    return dates if said.parts is None else dates.of_parts(said.parts)


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


# ---------------------------------------------------------------- facts and arrays


def make_facts(table: Table, said: Columns, encoder: RowEncoder, *, has_test: bool) -> Facts:
    """Raises Unplaced when the kind of a target is not clear, or a cell of it is not a number."""
    return Facts(encoder.shapes(), make_targets(table, said), len(table), has_test, pads=encoder.pads())


def make_arrays(
    table: Table, said: Columns, facts: Facts, encoder: RowEncoder, folder: Path, *, streamed: bool = False
) -> Arrays:
    """The examples; `streamed` reads the images on demand.

    Raises:
        Unplaced: a test file has a class that the training file has not, or a cell is wrong.
    """
    targets = target_arrays(table, said, facts)
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
