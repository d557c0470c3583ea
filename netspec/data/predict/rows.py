"""Rows and texts for `netspec predict`, encoded like those of a run, and the names of examples."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netspec.data.errors.prediction import CannotPredict, Unseen
from netspec.data.formats.files import TEXT_ENDINGS as TEXTS, read_file
from netspec.data.formats.images import ENDINGS
from netspec.data.formats.sounds import SOUND_ENDINGS
from netspec.data.formats.tables.table_files import TableFile
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import Column, RowEncoder, TextEncoder, WindowEncoder
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Diagnostic, Unplaced, fail
from netspec.language.files.paths import exists, is_folder
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.language.text import shorten, unix_lines

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

MAX_NAME = 60
"""Characters of a text that a message shows."""

LIKE_ID = re.compile(r"(?:.*[a-z_ ])?(?:ID|Id|id)")
"""The usual names of a column that identifies the examples."""


class Forecast(Frozen):
    """What is predicted from a window: of which series (None: there is only one), after which time (None: without
    times), for which times, and the names of the columns."""

    series: str | None
    since: str | None
    times: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass
class RawInputs:
    """Examples by the names of the inputs of the network, the name of each example, warnings. For text, `last` is the
    step of its last piece, before the padding. `table` is the file of a single table; `forecasts` say of windows over
    series which times are predicted."""

    arrays: dict[str, Array]
    names: list[str]
    warnings: list[Diagnostic] = field(default_factory=list)
    last: list[int] | None = None
    table: TableFile | None = None
    forecasts: Sequence[Forecast] | None = None


@dataclass(frozen=True)
class Identities:
    """A name for each example, and the title of these names."""

    column: str
    names: list[str]


def identities(
    examples: Sequence[str], table: TableFile | None, preprocessing: Preprocessing, column: str | None = None
) -> Identities:
    """Names of examples: from a column of their table, from their files, or their numbers.

    Args:
        examples: the name of each of them in messages.
        table: the table that they were read from, if there is one.
        preprocessing: that of the run; its features are not names.
        column: a column of the table; a table without that column has its rows counted, from 1. None: the first one
            whose name ends in `id`.
    """
    if examples and all(Path(name).suffix.lower() in (*ENDINGS, *SOUND_ENDINGS) for name in examples):
        return Identities(column or "file", file_names(examples))
    if table is not None:
        learned = (
            {c.name for c in preprocessing.encoder.columns} if isinstance(preprocessing.encoder, RowEncoder) else set()
        )
        header = table.header
        name = column or next((name for name in header if name not in learned and LIKE_ID.fullmatch(name)), None)
        if name in header:
            (cells,) = table.texts([header.index(name)]).iter_columns()
            return Identities(name, [(cell or "").strip() for cell in cells])
    return Identities(column or "id", [str(number) for number in range(1, len(examples) + 1)])


def file_names(examples: Sequence[str]) -> list[str]:
    """The names of files; with their folders, from the one that holds all of them, where names repeat."""
    names = [Path(example).name for example in examples]
    paths = [Path(example).absolute() for example in examples]
    if len({*names}) == len({*paths}):
        return names
    folder = os.path.commonpath([path.parent for path in paths])
    return [path.relative_to(folder).as_posix() for path in paths]


def row_encoder(inputs: Mapping[str, Shape], preprocessing: Preprocessing) -> RowEncoder:
    """How rows are read: as the run did, or as numbers of the only input."""
    if isinstance(preprocessing.encoder, RowEncoder):
        return preprocessing.encoder
    if isinstance(preprocessing.encoder, WindowEncoder):
        return preprocessing.encoder.rows
    name, shape = next(iter(inputs.items()))
    count = shape.count if isinstance(shape.count, int) else 1
    columns = preprocessing.columns.get(name) or numbered(count)
    return RowEncoder(tuple(Column(column) for column in columns))


def row_advice(rows: RowEncoder) -> str:
    names = [column.name for column in rows.columns]
    if names == numbered(len(names)):
        return f"an example is a row of {len(names)} numbers, such as {rows.delimiter.join(('0.1', '0.2', '…'))}"
    shown = rows.delimiter.join(names[:12]) + (" …" if len(names) > 12 else "")
    if len(names) > 12 or not (rows.categories or rows.delimiter != "," or rows.form.decimal != "."):
        return f"an example is {shown}"
    cells = [column.values[0] if column.values else f"1{rows.form.decimal}5" for column in rows.columns]
    are_plain = all(column.kind in ("number", "category") for column in rows.columns)
    example = f", such as `{rows.delimiter.join(cells)}`" if are_plain else ""
    return f"an example is written as in the table of the run: {shown}{example}"


def numbered(count: int) -> list[str]:
    """What columns without names are called."""
    return [f"column {i}" for i in range(count)]


def text_rows(contents: Sequence[str], names: Sequence[str], inputs: Iterable[str], rows: RowEncoder) -> RawInputs:
    """Texts for a network whose only input is a column of texts.

    Raises:
        CompileError: one of them is empty.
    """
    assert rows.only_text is not None
    empty = [name for name, text in zip(names, contents, strict=True) if not text.strip()]
    if empty:
        raise fail(CannotPredict(name=f"`{empty[0]}`", reason="it is empty", advice="give some text"))
    coder, (name,) = rows.texts[rows.only_text], inputs
    plain = [text.strip() for text in contents]
    try:
        warnings = coder.remarks(plain, [shorten(name, MAX_NAME) for name in names])
        return RawInputs({name: coder.encode(plain)}, [*names], [*warnings])
    except Unplaced as bad:  # a package is missing
        raise fail(bad.diagnostic()) from None


def read_texts(texts: Sequence[str], input_name: str, encoder: TextEncoder) -> RawInputs:
    """Texts, or files with text."""
    return encode_texts([content_of(text) for text in texts], texts, input_name, encoder)


def content_of(text: str) -> str:
    """The content of a file, or the text itself; a name that ends like that of a text file is not a text."""
    path = Path(text)
    is_there = bool(text.strip()) and exists(path)
    if is_there and is_folder(path):
        advice = f"give its files, such as {text}/*.txt, or a text"
        raise fail(CannotPredict(name=f"`{text}`", reason="it is a folder, and the network takes text", advice=advice))
    if is_there:
        return _text_of(path)
    if path.suffix in TEXTS and len(text.split()) == 1:
        near = [file.name for file in path.parent.iterdir()] if is_folder(path.parent) else []
        advice = suggest(path.name, near, what="files there") or "check the name and the folder"
        raise fail(CannotPredict(name=f"`{text}`", reason="no such file", advice=advice))
    return text


def _text_of(path: Path) -> str:
    """The text in a file, as in the training."""
    try:
        text = read_file(path, "text", None).decode("utf-8-sig")
        return unix_lines(text)  # as in training
    except UnicodeDecodeError:
        raise fail(CannotPredict(name=f"`{path}`", reason="it is not UTF-8 text", advice="save it as UTF-8")) from None
    except Unplaced as bad:
        raise fail(bad.diagnostic()) from None


def encode_texts(contents: Sequence[str], names: Sequence[str], input_name: str, encoder: TextEncoder) -> RawInputs:
    """Texts; a long one is truncated at the start, a short one is padded with id 0 at the end."""
    ids = np.zeros((len(contents), encoder.length), np.int32)
    last, warnings = [], []
    for row, (text, content) in enumerate(zip(names, contents, strict=True)):
        pieces = encoder.pieces(content)[-encoder.length :]
        if not pieces:
            raise fail(CannotPredict(name=f"`{text}`", reason="it is empty", advice="give some text to continue"))
        found = encoder.encode(pieces)
        ids[row, : len(found)] = found
        last.append(len(found) - 1)
        strange = [piece for piece, i in zip(pieces, found, strict=True) if not i]
        if strange:
            unit = "characters" if encoder.by == "char" else "words"
            shown = ", ".join(f'"{piece}"' for piece in dict.fromkeys(strange))
            warnings.append(Unseen(name=text, what=f"the {unit} {shown[:60]}", advice="they are treated as unknown"))
    return RawInputs({input_name: ids}, list(names), list[Diagnostic](warnings), last)
