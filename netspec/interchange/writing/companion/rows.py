"""Rows of tables as arrays, in programs that predict without netspec."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

from netspec.interchange.writing.companion.dates import date_features, seconds_of
from netspec.interchange.writing.companion.images import pixels_of
from netspec.interchange.writing.companion.texts import text_ids, text_of
from netspec.language.lazy import np

MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-"}
UNKNOWN = {"", "nan", "?"}
"""Cells that mean a missing number or date, and a missing name of a category."""


def read_examples(arguments: list[str], metadata: dict[str, Any]) -> tuple[dict[str, Any], list[str], None]:
    """CSV files, and rows of cells, as an array for each input of the network."""
    encoder = metadata.get("encoder") or numbers_only(metadata)
    rows = [row for argument in arguments for row in read_rows(argument, encoder)]
    scales = [scale for key, scale in metadata.items() if key.startswith("normalization:")]
    may_miss = any(scale["fill"] is not None for scale in scales) or encoder.get("default") is not None
    examples = [encoded(cells, name, folder, encoder, may_miss) for name, cells, folder in rows]
    arrays = {}
    for name, known in metadata["inputs"].items():
        values = np.array([example[known["from"]] for example in examples])
        sizes = known["sizes"]
        if values.ndim == 2 and all(isinstance(size, int) for size in sizes) and values.shape[1] == math.prod(sizes):
            values = values.reshape(len(values), *sizes)
        scale = metadata.get(f"normalization:{name}")
        if values.dtype.kind == "f" and (scale is None or scale["fill"] is None) and np.isnan(values).any():
            raise ValueError(f"{rows[int(np.argwhere(np.isnan(values))[0][0])][0]} lacks a number")
        arrays[name] = values
    return arrays, [name for name, _, _ in rows], None


def numbers_only(metadata: dict[str, Any]) -> dict[str, Any]:
    """How rows of numbers are read, where the network was not trained on a table."""
    ((name, known),) = metadata["inputs"].items()
    known["from"] = "input"
    columns = metadata.get(f"columns:{name}") or [f"column {i}" for i in range(math.prod(known["sizes"]))]
    return {"columns": [{"name": column} for column in columns]}


def read_rows(argument: str, encoder: dict[str, Any]) -> list[tuple[str, dict[str, str], Path]]:
    """The rows of a file, or the row that the argument is: the name of each, its cells by column, its folder."""
    form = encoder.get("text") or {}
    sign = form.get("delimiter") or encoder.get("delimiter", ",")
    names = [column["name"] for column in encoder["columns"]]
    path = Path(argument)
    if len(names) == 1 and encoder.get("texts") and path.suffix.lower() not in (".csv", ".tsv"):
        return [(argument, {names[0]: text_of(argument)}, Path())]
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return [(argument, named(next(csv.reader([argument], delimiter=sign)), names, argument), Path())]
    encoding = form.get("encoding", "utf-8")
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
        reader = csv.reader(file, delimiter=sign, strict=True, skipinitialspace=sign != " ")
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    header = rows[0][1] if rows and not set(rows[0][1]).isdisjoint(names) else None
    if header is not None and not set(names) <= set(header):
        raise ValueError(f"{path} has no column {sorted(set(names) - set(header))[0]!r}")
    found = []
    for line, cells in rows[header is not None :]:
        name = f"{argument} row {line}"
        found.append((name, named(cells, names if header is None else header, name), path.parent))
    return found


def named(cells: list[str], names: list[str], row: str) -> dict[str, str]:
    """The cells of a row by column."""
    if len(cells) != len(names):
        raise ValueError(f"{row} has {len(cells)} cells, not {len(names)}: {', '.join(names[:12])}")
    return {name: cell.strip() for name, cell in zip(names, cells, strict=True)}


def encoded(cells: dict[str, str], row: str, folder: Path, encoder: dict[str, Any], may_miss: bool) -> dict[str, Any]:
    """A row as arrays by the names that columns give them: a vector of features, ids, images."""
    columns = encoder["columns"]
    is_only = not any(column.get("input") or has_own_input(column, encoder) for column in columns)
    main = "input" if is_only else "numbers"
    groups: dict[str, list[float]] = {}
    own: dict[str, Any] = {}
    for column in columns:
        cell = cells[column["name"]]
        if has_own_input(column, encoder):
            name = column.get("input") or input_name(column["name"])
            if kind_of(column) == "image":
                known = encoder["images"][column["name"]]
                own[name], _ = pixels_of(folder / cell, *(known[k] for k in ("height", "width", "channels", "fit")))
            elif kind_of(column) == "text":
                own[name] = text_ids(known_cell(cell, column, encoder, row, may_miss), encoder["texts"][column["name"]])
            else:
                own[name] = id_of(column, known_cell(cell, column, encoder, row, may_miss))
        else:
            features = features_of(column, cell, encoder, row, may_miss)
            default = column.get("default")
            default = encoder.get("default") if default is None and kind_of(column) == "number" else default
            filled = [default if default is not None and math.isnan(x) else x for x in features]
            groups.setdefault(column.get("input") or main, []).extend(filled)
    arrays: dict[str, Any] = {name: np.array(numbers, np.float64) for name, numbers in groups.items()}
    if encoder.get("shape") is not None:
        arrays[main] = arrays[main].reshape(encoder["shape"])
    return {**arrays, **own}


def kind_of(column: dict[str, Any]) -> str:
    """number, category, date, set, image or text."""
    return column.get("type") or ("number" if column.get("values") is None else "category")


def has_own_input(column: dict[str, Any], encoder: dict[str, Any]) -> bool:
    """Whether a column is an input of the network by itself: ids, an image, or a text."""
    as_ids = column.get("as_ids")
    as_ids = encoder.get("as_ids", False) if as_ids is None else as_ids
    return kind_of(column) in ("image", "text") or (kind_of(column) == "category" and as_ids)


def input_name(column: str) -> str:
    """The name of an input for a column."""
    cleaned = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_").lower()
    return cleaned if cleaned and not cleaned[0].isdigit() else f"column_{cleaned}".rstrip("_")


def known_cell(cell: str, column: dict[str, Any], encoder: dict[str, Any], row: str, may_miss: bool) -> str:
    """A cell, empty where it means a missing value.

    Raises:
        ValueError: it is missing, and was not in the training.
    """
    kind, absent = kind_of(column), {*encoder.get("absent", ())}
    words = ({""} if kind == "text" else UNKNOWN if kind == "category" else MISSING) | absent
    value = number_of(cell, encoder) if kind == "number" else None
    if cell.lower() not in words and (value is None or value not in {number_of(w, encoder) for w in absent} - {None}):
        return cell
    if not (column.get("marks_missing") or (may_miss and not column.get("refuses_missing"))):
        raise ValueError(f"{row}: a value of {column['name']!r} is missing")
    return ""


def number_of(cell: str, encoder: dict[str, Any]) -> float | None:
    """A cell as a number; None where it is not a finite one."""
    form = encoder.get("text") or {}
    plain = cell.replace(form["thousands"], "") if form.get("thousands") else cell
    try:
        value = float(plain.replace(form.get("decimal", "."), "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def id_of(column: dict[str, Any], cell: str) -> int:
    """The number of a value, from 1; 0 for one that was not in the training."""
    values = column["values"] or []
    if column.get("marks_missing") and not cell:
        return len(values) + 1
    return values.index(cell) + 1 if cell in values else 0


def features_of(column: dict[str, Any], cell: str, encoder: dict[str, Any], row: str, may_miss: bool) -> list[float]:
    """The features of a cell; NaN for a missing number or date.

    Raises:
        ValueError: it cannot be read.
    """
    kind, marks = kind_of(column), bool(column.get("marks_missing"))
    if kind == "set":
        tags = {tag.strip() for tag in cell.split(column["separator"])}
        return [float(value in tags) for value in column["values"]] + [0.0] * marks
    cell = known_cell(cell, column, encoder, row, may_miss)
    if kind == "category":
        found = [0.0] * (len(column["values"]) + marks)
        index = id_of(column, cell)
        found[index - 1 : index] = [1.0] if index else []
        return found
    try:
        if kind == "date":
            numbers = date_features(seconds_of(cell, column["dates"]["format"]) if cell else math.nan, column["dates"])
        else:
            value = number_of(cell, encoder) if cell else math.nan
            if value is None:
                raise ValueError("not a number")
            numbers = [value]
    except ValueError as error:
        raise ValueError(f"{row}: {cell!r} in {column['name']!r}: {error}") from None
    return numbers + [float(not cell)] * marks
