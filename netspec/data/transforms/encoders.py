"""How raw data (rows of a table, images, text) become the inputs of a network; saved with the weights.

Input: cells, files, texts. Output: arrays by the names of inputs. The same encoder makes the training examples and
those of `netspec predict`; it is plain data, for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.data.formats.csv_format import CsvFormat
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.shape import Shape, Size

if TYPE_CHECKING:
    from netspec.data.formats.table import Table

Image = lazy("PIL.Image")
ImageOps = lazy("PIL.ImageOps")

UNKNOWN = "<unknown>"
"""The name of id 0: everything that does not occur in training."""

Fit = Literal["stretch", "crop", "pad"]


class Column(Frozen):
    """A feature of a table: a number, or one of some `values`."""

    name: str
    values: tuple[str, ...] | None = None


class RowEncoder(Frozen, tag="rows", tag_field="kind"):
    """Rows of a table. Numbers are not changed; a category becomes a 0 or 1 for each of its values, or (`as_ids`) a
    separate input with the number of the value, from 1. Values that do not occur in training are all zeros, or id 0.

    `default` replaces missing numbers, `shape` is that of an example which is not a vector, `absent` are marks of a
    missing value in addition to the usual ones, `text` says how text files are written (None: by `delimiter` alone).
    """

    kind: ClassVar[str] = "rows"

    columns: tuple[Column, ...]
    as_ids: bool = False
    delimiter: str = ","
    shape: tuple[Size, ...] | None = None
    default: float | None = None
    absent: tuple[str, ...] = ()
    text: CsvFormat | None = None

    @property
    def form(self) -> CsvFormat:
        """How rows in text files are written."""
        return self.text or CsvFormat(self.delimiter)

    @property
    def categories(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.values is not None)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the numbers in an example, in their order."""
        names: list[str] = []
        for column in self.columns:
            if column.values is None:
                names.append(column.name)
            elif not self.as_ids:
                names += [f"{column.name} = {value}" for value in column.values]
        return tuple(names)

    def shapes(self) -> dict[str, Shape]:
        """The inputs that an example has."""
        sizes = self.shape if self.shape is not None else (len(self.features),)
        if not self.as_ids or not self.categories:
            return {"input": Shape(sizes)}
        numbers = {"numbers": Shape(sizes)} if self.features else {}
        return numbers | {input_name(c.name): Shape((), len(c.values or ()) + 1) for c in self.categories}

    def encode(self, table: Table) -> dict[str, Array]:
        """The inputs of all rows."""
        with np.errstate(over="ignore"):
            numbers = table.numbers.astype(np.float32)
        if self.default is not None:
            numbers = np.where(np.isnan(numbers), np.float32(self.default), numbers)
        if not self.categories:
            return {"input": self._shaped(numbers)}
        ids = {column.name: self._ids(column, table.names[column.name]) for column in self.categories}
        if self.as_ids:
            vectors = {"numbers": self._shaped(numbers)} if self.features else {}
            return vectors | {input_name(name): column for name, column in ids.items()}
        return {"input": self._shaped(self._one_hot(numbers, ids))}

    def unseen(self, table: Table) -> dict[str, list[tuple[int, str]]]:
        """By category, the values that do not occur in training, each with the index of its row."""
        known = {column.name: {*(column.values or ()), ""} for column in self.categories}
        return {
            name: [(row, cell) for row, cell in enumerate(table.names[name]) if cell not in values]
            for name, values in known.items()
        }

    def _shaped(self, numbers: Array) -> Array:
        return numbers if self.shape is None else numbers.reshape(len(numbers), *self.shape)

    def _ids(self, column: Column, cells: Sequence[str]) -> Array:
        ids = {value: index + 1 for index, value in enumerate(column.values or ())}
        return np.array([ids.get(cell, 0) for cell in cells], np.int32)

    def _one_hot(self, numbers: Array, ids: Mapping[str, Array]) -> Array:
        """Numbers and categories side by side, in the order of the columns."""
        features = np.zeros((len(numbers), len(self.features)), np.float32)
        position = taken = 0
        for column in self.columns:
            if column.values is None:
                features[:, position] = numbers[:, taken]
                position, taken = position + 1, taken + 1
                continue
            (known,) = np.nonzero(ids[column.name])
            features[known, position + ids[column.name][known] - 1] = 1
            position += len(column.values)
        return features


def input_name(column: str) -> str:
    """The name of an input for a column: an identifier."""
    cleaned = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_").lower()
    return cleaned if cleaned and not cleaned[0].isdigit() else f"column_{cleaned}".rstrip("_")


class ImageEncoder(Frozen, tag="images", tag_field="kind"):
    """Images of one size, scaled to 0..1, channels last."""

    kind: ClassVar[str] = "images"

    height: int
    width: int
    channels: int
    fit: Fit = "stretch"

    @property
    def shape(self) -> Shape:
        return Shape((self.height, self.width, self.channels))

    def read(self, path: Path) -> Array:
        """The image in a file.

        Raises:
            OSError: it cannot be read, or is not an image.
        """
        with Image.open(path) as opened:
            picture = self._fitted(opened.convert({1: "L", 3: "RGB", 4: "RGBA"}[self.channels]))
            pixels = np.asarray(picture, np.uint8)
        return pixels.reshape(self.height, self.width, self.channels).astype(np.float32) / 255

    def _fitted(self, picture: Any) -> Any:
        size = (self.width, self.height)
        if picture.size == size:
            return picture
        if self.fit == "stretch":
            return picture.resize(size, Image.Resampling.BILINEAR)
        change = ImageOps.fit if self.fit == "crop" else ImageOps.pad
        return change(picture, size, method=Image.Resampling.BILINEAR)


class TextEncoder(Frozen, tag="text", tag_field="kind"):
    """Text as ids of characters or words; id 0 is for unknown ones. `vocabulary` has the name of each id."""

    kind: ClassVar[str] = "text"

    by: Literal["char", "word"]
    length: int
    vocabulary: tuple[str, ...]

    def pieces(self, text: str) -> list[str]:
        """A text cut into characters, or into words and signs."""
        return split_text(text, self.by)

    def encode(self, pieces: Sequence[str]) -> Array:
        ids = {name: index for index, name in enumerate(self.vocabulary) if index}
        return np.fromiter((ids.get(piece, 0) for piece in pieces), np.int32, len(pieces))


def split_text(text: str, by: str) -> list[str]:
    """Single characters, or runs of letters and digits and every other character that is not a space."""
    return list(text) if by == "char" else re.findall(r"\w+|[^\w\s]", text)


Encoder = RowEncoder | ImageEncoder | TextEncoder
