"""How raw data (rows of a table, images, text) become the inputs of a network; saved with the weights.

Input: cells, files, texts. Output: arrays by the names of inputs. The same encoder makes the training examples and
those of `netspec predict`; it is plain data, for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.precision import narrowed
from netspec.data.errors.prediction import Unseen
from netspec.data.errors.tables import BadImageCell
from netspec.data.formats.images import Picture, in_mode, load_picture
from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.transforms.columns import Column as Column, Where, input_name as input_name
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.files.paths import is_file
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.shape import Shape, Size

if TYPE_CHECKING:
    from netspec.data.formats.tables.table import Table

Image = lazy("PIL.Image")
ImageOps = lazy("PIL.ImageOps")

UNKNOWN = "<unknown>"
"""The name of id 0: everything that does not occur in training."""

Fit = Literal["stretch", "crop", "pad"]


@dataclass(frozen=True, eq=False)
class CodedBy:
    """The encoder of a run, in an option of a source: options are compared, and this one by identity."""

    encoder: Encoder


class RowEncoder(Frozen, tag="rows", tag_field="kind"):
    """Rows of a table. Numbers are not changed; a category becomes a 0 or 1 for each of its values, or (`as_ids`) a
    separate input with the number of the value, from 1. Values that do not occur in training are all zeros, or id 0.

    `default` replaces missing numbers, `shape` is that of an example which is not a vector, `absent` are marks of a
    missing value in addition to the usual ones, `text` says how text files are written (None: by `delimiter` alone).
    `images` and `folders` are of columns that name images, `texts` of those that are texts. `header` has all
    columns of the table of the training, and `targets` those of them that are predicted.
    """

    kind: ClassVar[str] = "rows"

    columns: tuple[Column, ...]
    as_ids: bool = False
    delimiter: str = ","
    shape: tuple[Size, ...] | None = None
    default: float | None = None
    absent: tuple[str, ...] = ()
    text: CsvFormat | None = None
    images: Mapping[str, ImageEncoder] = {}
    folders: Mapping[str, str] = {}
    header: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    texts: Mapping[str, TextCoder] = {}

    @property
    def form(self) -> CsvFormat:
        """How rows in text files are written."""
        return self.text or CsvFormat(self.delimiter)

    @property
    def left_out(self) -> list[str]:
        """The columns of the table of the training that are neither features nor targets."""
        names = {*self.targets, *(column.name for column in self.columns)}
        return [name for name in self.header if name not in names]

    @property
    def categories(self) -> tuple[Column, ...]:
        """The columns whose cells are texts."""
        return tuple(column for column in self.columns if column.kind != "number")

    def wanted(self, *, may_miss: bool) -> Wanted:
        """The features, for reading a table; `may_miss` allows missing numbers."""
        return Wanted(
            columns=tuple(column.name for column in self.columns),
            categories=tuple(column.name for column in self.categories),
            missing="keep" if may_miss else "error",
            absent=frozenset(self.absent),
            kinds=tuple((column.name, column.kind) for column in self.columns),
            on_missing=tuple(
                (column.name, "keep" if column.marks_missing else "error")
                for column in self.columns
                if column.marks_missing or column.refuses_missing
            ),
        )

    def has_own_input(self, column: Column) -> bool:
        """Whether a column is an input by itself: ids, an image, or a text."""
        as_ids = self.as_ids if column.as_ids is None else column.as_ids
        return column.kind in ("image", "text") or (column.kind == "category" and as_ids)

    @property
    def only_text(self) -> str | None:
        """The column that is all of an example, where that is a text."""
        return self.columns[0].name if len(self.columns) == 1 and self.columns[0].kind == "text" else None

    @property
    def main_input(self) -> str:
        """The name of the input with the features of all columns that are not part of another."""
        is_only = not any(column.input is not None or self.has_own_input(column) for column in self.columns)
        return "input" if is_only else "numbers"

    @property
    def groups(self) -> dict[str, list[Column]]:
        """The columns of each input that is a vector of features."""
        main = self.main_input
        groups: dict[str, list[Column]] = {main: []}
        for column in self.columns:
            if not self.has_own_input(column):
                groups.setdefault(column.input or main, []).append(column)
        return {name: columns for name, columns in groups.items() if columns}

    def own_inputs(self) -> list[tuple[str, Column]]:
        """The inputs that are a column each."""
        return [(c.input or input_name(c.name), c) for c in self.columns if self.has_own_input(c)]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features of the main input, in their order."""
        return self.feature_names().get(self.main_input, ())

    def feature_names(self) -> dict[str, tuple[str, ...]]:
        """The names of the features of each input that is a vector."""
        return {name: tuple(f for c in group for f in c.features) for name, group in self.groups.items()}

    def shapes(self) -> dict[str, Shape]:
        """The inputs that an example has."""
        shapes = {name: Shape((len(features),)) for name, features in self.feature_names().items()}
        if self.shape is not None:
            shapes[self.main_input] = Shape(self.shape)
        for name, column in self.own_inputs():
            coders: Mapping[str, Mapping[str, ImageEncoder | TextCoder]] = {"image": self.images, "text": self.texts}
            known = coders.get(column.kind)
            shapes[name] = known[column.name].shape if known is not None else Shape((), column.vocabulary)
        return shapes

    def pads(self) -> dict[str, int]:
        """The id that is padding, of each input that is padded."""
        return {name: 0 for name, column in self.own_inputs() if column.kind == "text"}

    def encode(self, table: Table, folder: Path = Path()) -> dict[str, Array]:
        """The inputs of all rows. Names of images start from `folder`.

        Raises:
            Unplaced: a cell is not a date, or not an image.
        """
        where = (table.file, table.rows)
        inputs = {name: self._vectors(group, table, where) for name, group in self.groups.items()}
        if self.shape is not None:
            inputs[self.main_input] = inputs[self.main_input].reshape(-1, *self.shape)
        for name, column in self.own_inputs():
            cells = table.names[column.name]
            if column.kind == "text":
                inputs[name] = self.texts[column.name].encode(cells)
            else:
                is_image = column.kind == "image"
                inputs[name] = self._pictures(column, cells, folder, where) if is_image else column.ids(cells)
        return inputs

    def _vectors(self, group: Sequence[Column], table: Table, where: Where) -> Array:
        """The features of some columns side by side."""
        positions = {table.layout.header[position]: i for i, position in enumerate(table.layout.numbers)}
        if [column.name for column in group] == [*positions] and not any(c.marks_missing for c in group):
            numbers = table.numbers
        else:
            width = sum(len(column.features) for column in group)
            numbers, begin = np.empty((len(table), width)), 0
            for column in group:
                if column.kind == "number":
                    values = table.numbers[:, positions[column.name]]
                    part = column.with_mark(values[:, None], np.isnan(values))
                else:
                    part = column.encode(table.names[column.name], where)
                numbers[:, begin : begin + part.shape[1]] = part
                begin += part.shape[1]
        defaults = [d for c in group for d in [self._default(c)] * len(c.features)]
        if any(default is not None for default in defaults):
            fill = np.array([np.nan if default is None else default for default in defaults])
            numbers = np.where(np.isnan(numbers), fill, numbers)
        return narrowed(numbers)

    def _default(self, column: Column) -> float | None:
        return column.default if column.default is not None or column.kind != "number" else self.default

    def image_paths(self, column: Column, cells: Sequence[str], folder: Path) -> list[Path]:
        """The files that the cells of a column name: from the folder of the run's table, or from `folder` itself."""
        inner = self.folders.get(column.name)
        paths = [folder / (inner or "") / cell for cell in cells]
        return (
            paths
            if inner is None
            else [p if is_file(p) else folder / cell for p, cell in zip(paths, cells, strict=True)]
        )

    def _pictures(self, column: Column, cells: Sequence[str], folder: Path, where: Where) -> Array:
        """The images that cells name; raises Unplaced for those that cannot be read."""
        encoder = self.images[column.name]
        images = np.empty((len(cells), encoder.height, encoder.width, encoder.channels), np.float32)
        wrong: list[tuple[int, str]] = []
        for row, path in enumerate(self.image_paths(column, cells, folder)):
            try:
                images[row] = encoder.read(path)
            except OSError as error:
                wrong.append((row, why_unreadable(error)))
        if wrong:
            raise bad_images(column.name, cells, wrong, where)
        return images

    def unseen(self, table: Table) -> dict[str, list[tuple[int, str]]]:
        """By column, the values that do not occur in training, each with the index of its row."""
        columns = [column for column in self.categories if column.values is not None]
        return {column.name: [*column.unseen(table.names[column.name])] for column in columns}


def unseen_categories(rows: RowEncoder, table: Table, names: Sequence[str]) -> Iterator[Diagnostic]:
    """A warning for each value of a category that did not occur in training; `names` are those of the rows."""
    for column in rows.categories:
        known = ", ".join((column.values or ())[:8]) + (", …" if len(column.values or ()) > 8 else "")
        unseen: dict[str, list[int]] = {}
        for index, cell in rows.unseen(table).get(column.name, ()):
            unseen.setdefault(cell, []).append(index)
        for cell, where in unseen.items():
            advice = f"`{column.name}` was one of {known}; what is not among them is treated as unknown"
            what = f"no value of `{column.name}`" if not cell else f'`{column.name}` "{cell}"'
            more = len(where) - 1
            yield Unseen(name=names[where[0]], what=what, advice=advice, more=more, case="more" if more else "")


def why_unreadable(error: OSError) -> str:
    """The reason in the message about an image that cannot be read."""
    return (
        "there is no such file" if isinstance(error, FileNotFoundError) else f"not an image ({error.strerror or error})"
    )


def bad_images(name: str, cells: Sequence[str], wrong: Sequence[tuple[int, str]], where: Where) -> Unplaced:
    """What to raise for the rows of a column whose images cannot be read, each with the reason."""
    row, reason = wrong[0]
    bad = partial(Unplaced, BadImageCell, option="per_column", file=where[0], row=where[1][row], column=name)
    return bad(cell=cells[row][:80], reason=reason, count=len(wrong))


class ImageEncoder(Frozen, tag="images", tag_field="kind"):
    """Images of one size, channels last: upright, and scaled to 0..1 (netspec/data/formats/images.py). `is_numeric`
    says that classes named by integers are in the order of their numbers; in earlier versions they were not."""

    kind: ClassVar[str] = "images"

    height: int
    width: int
    channels: int
    fit: Fit = "stretch"
    is_numeric: bool = False

    @property
    def shape(self) -> Shape:
        return Shape((self.height, self.width, self.channels))

    def read(self, path: Path) -> Array:
        """The image in a file.

        Raises:
            OSError: it cannot be read, or is not an image.
        """
        return self.encode(load_picture(path))

    def encode(self, picture: Picture) -> Array:
        """The pixels of an image: those of 8 and 16 bits from 0 to 1, others as they are."""
        if not picture.is_deep:
            return self.bytes(picture).astype(np.float32) / 255
        gray = np.asarray(picture.image).astype(np.float32)
        gray /= picture.white
        image = self._fitted(Image.fromarray(gray))
        pixels = np.repeat(np.asarray(image, np.float32)[:, :, None], self.channels, axis=2)
        if self.channels == 4:
            pixels[..., 3] = 1
        return pixels

    def bytes(self, picture: Picture) -> Array:
        """The pixels of an image of 8 bits, from 0 to 255."""
        image = self._fitted(in_mode(picture.image, self.channels))
        return np.asarray(image, np.uint8).reshape(self.height, self.width, self.channels)

    def _fitted(self, image: Any) -> Any:
        size = (self.width, self.height)
        if image.size == size:
            return image
        if self.fit == "stretch":
            return image.resize(size, Image.Resampling.BILINEAR)
        change = ImageOps.fit if self.fit == "crop" else ImageOps.pad
        return change(image, size, method=Image.Resampling.BILINEAR)


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


class WindowEncoder(Frozen, tag="windows", tag_field="kind"):
    """Windows over series in a table: `past` rows with the features of `rows` and, from the row after them, `ahead`
    rows with those of `known` (None: nothing is known in advance).

    `time` and `group` are columns (None: rows are in order, and one series); `format` is that of the times, and
    `interval` the usual distance of two rows, in seconds (of times that are plain numbers, in their unit). `targets`
    are the columns that are predicted; `missing` replaces missing numbers as the source says.
    """

    kind: ClassVar[str] = "windows"

    rows: RowEncoder
    past: int
    ahead: int
    targets: tuple[str, ...]
    known: RowEncoder | None = None
    time: str | None = None
    format: str | None = None
    interval: float | None = None
    group: str | None = None
    missing: str | float = "error"

    def names(self) -> dict[str, str]:
        """From the inputs of an example to those of `rows`, and of `known` with a dot before them."""
        past, known = self.rows.shapes(), self.known.shapes() if self.known is not None else {}
        if not known:
            return {name: name for name in past}
        main, second = self.rows.main_input, self.known.main_input if self.known is not None else ""
        found = {"past" if name == main else name: name for name in past}
        return found | {"known" if name == second else f"known_{name}": f".{name}" for name in known}

    def shapes(self) -> dict[str, Shape]:
        """The inputs that an example has."""
        parts = {name: (self.past, shape) for name, shape in self.rows.shapes().items()}
        if self.known is not None:
            parts |= {f".{name}": (self.ahead, shape) for name, shape in self.known.shapes().items()}
        of_rows = {name: parts[raw] for name, raw in self.names().items()}
        return {name: Shape((steps, *shape.sizes), shape.vocabulary) for name, (steps, shape) in of_rows.items()}

    def by_input(self, of: Callable[[RowEncoder], Mapping[str, Any]]) -> dict[str, Any]:
        """What a function says of the inputs of `rows` and `known`, by the inputs of an example."""
        found = {**of(self.rows), **({f".{k}": v for k, v in of(self.known).items()} if self.known else {})}
        return {name: found[raw] for name, raw in self.names().items() if raw in found}


Encoder = RowEncoder | ImageEncoder | TextEncoder | WindowEncoder | SoundEncoder
