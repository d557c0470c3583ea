"""Rows and texts for `netspec predict`, as the encoder of a run takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.data.errors.prediction import CannotPredict, Unseen
from netspec.data.formats.csv_table import Table
from netspec.data.predict.preprocessing import Coding
from netspec.data.transforms.encoders import Column, RowEncoder, TextEncoder
from netspec.language.diagnostics import Diagnostic, fail
from netspec.language.shape import Shape

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

TEXTS = (".txt", ".md", ".text")
"""How files with text end."""


@dataclass
class RawInputs:
    """Examples as the network takes them, by the names of its inputs; what each is called; warnings. For text, `last`
    is the step with the last piece of it: what stands behind only fills up."""

    arrays: dict[str, Array]
    names: list[str]
    warnings: list[Diagnostic] = field(default_factory=list)
    last: list[int] | None = None


class WithHeader:
    """Rows with the names of the columns in front, where the first row is none."""

    def __init__(self, rows: Any, header: list[str]) -> None:
        self._source = rows
        first: list[str] = next(rows, [])
        is_header = bool({cell.strip() for cell in first} & {*header})
        self._rows = self._all([first] if is_header else [header, first])

    def _all(self, first: list[list[str]]) -> Iterator[list[str]]:
        yield from first
        yield from self._source

    def __iter__(self) -> WithHeader:
        return self

    def __next__(self) -> list[str]:
        return next(self._rows)

    @property
    def line_num(self) -> int:
        return getattr(self._source, "line_num", 1)


def row_encoder(inputs: Mapping[str, Shape], coding: Coding) -> RowEncoder:
    """How rows are read: as the run did, or as numbers of the only input."""
    if isinstance(coding.encoder, RowEncoder):
        return coding.encoder
    name, shape = next(iter(inputs.items()))
    count = shape.count if isinstance(shape.count, int) else 1
    columns = coding.columns.get(name) or [f"column {i}" for i in range(count)]
    return RowEncoder(tuple(Column(column) for column in columns))


def row_advice(rows: RowEncoder) -> str:
    names = [column.name for column in rows.columns]
    shown = rows.delimiter.join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"one example is {shown}"


def unseen_categories(rows: RowEncoder, table: Table, names: Sequence[str]) -> Iterator[Diagnostic]:
    for column in rows.categories:
        known = ", ".join((column.values or ())[:8]) + (", …" if len(column.values or ()) > 8 else "")
        for index, cell in rows.unseen(table).get(column.name, ()):
            advice = f"`{column.name}` was one of {known}"
            yield Unseen(name=names[index], what=f'`{column.name}` "{cell}"', advice=advice)


def read_texts(texts: Sequence[str], input_name: str, encoder: TextEncoder) -> RawInputs:
    """Texts, or files with text; of a long one the end counts, a short one is filled up with id 0 behind it."""
    ids = np.zeros((len(texts), encoder.length), np.int32)
    last, warnings = [], []
    for row, text in enumerate(texts):
        path = Path(text)
        content = path.read_text(encoding="utf-8-sig") if path.suffix in TEXTS and path.is_file() else text
        pieces = encoder.pieces(content)[-encoder.length :]
        if not pieces:
            raise fail(CannotPredict(name=text, reason="it is empty", advice="give some text to go on from"))
        found = encoder.encode(pieces)
        ids[row, : len(found)] = found
        last.append(len(found) - 1)
        strange = [piece for piece, i in zip(pieces, found, strict=True) if not i]
        if strange:
            unit = "characters" if encoder.by == "char" else "words"
            shown = ", ".join(f'"{piece}"' for piece in dict.fromkeys(strange))
            warnings.append(Unseen(name=text, what=f"the {unit} {shown[:60]}", advice="they are taken for unknown"))
    return RawInputs({input_name: ids}, list(texts), list[Diagnostic](warnings), last)
