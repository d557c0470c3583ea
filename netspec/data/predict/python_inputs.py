"""The arguments of `predict` in Python: arrays, data frames, rows, dicts, images, texts and paths, as batches.

Input: what a user has, the inputs of the network, and the preprocessing of the run. Output: as for the command line, an
array for each input with a batch axis, and a name for each example. A mistake is the same diagnostic as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from netspec.data.dataset.from_arrays import input_array
from netspec.data.dataset.from_batches import gathered_inputs
from netspec.data.dataset.passes import Passes, is_batches
from netspec.data.dataset.ragged import pad_series
from netspec.data.errors.prediction import WrongInput, cannot_predict
from netspec.data.formats.images import as_picture
from netspec.data.formats.tables.table_files import TableFile
from netspec.data.predict.arrays import fit, matches
from netspec.data.predict.inputs import Reader, check_numbers, read_inputs
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.rows import RawInputs, encode_texts, text_rows
from netspec.data.predict.sounds import is_sound_pair, sound_arrays
from netspec.data.predict.tables import feature_places, other_width
from netspec.data.predict.windows import columns_of
from netspec.data.transforms.dates import UNIX
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder, TextEncoder, WindowEncoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.data.transforms.times import time_texts
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy
from netspec.language.shape import Shape

if TYPE_CHECKING:
    import polars as pl
else:
    pl = lazy("polars")

WANTED = (
    "an array, a dict of arrays by input, or strings or paths of files, rows or texts; "
    "or a data frame, dicts or lists with the columns of the training data, images, sounds as (samples, rate), "
    "or an iterable of batches"
)


def raw_inputs(
    value: Any, inputs: Mapping[str, Shape], preprocessing: Preprocessing, *, every: bool = False
) -> RawInputs:
    """Examples in one of the forms of `netspec.predict`.

    Raises:
        CompileError: they cannot be read or have another shape; it is also a ValueError.
        TypeError: they have none of the forms.
    """
    if not isinstance(value, list | tuple | Mapping) and is_batches(value):
        value = gathered_inputs(Passes(value, "the iterable"), inputs)
    texts = [value] if isinstance(value, str | Path) else value
    if isinstance(texts, list | tuple) and texts and all(isinstance(text, str | Path) for text in texts):
        return read_inputs([str(text) for text in texts], inputs, preprocessing, every=every)
    return _Python(inputs, preprocessing, every=every).read(value)


def array_inputs(arrays: Mapping[str, Any], inputs: Mapping[str, Shape], preprocessing: Preprocessing) -> RawInputs:
    """Examples as an array for each input, also where inputs are called as columns of a table.

    Raises:
        CompileError: one has another shape, or numbers that a network cannot compute with; it is also a ValueError.
    """
    return _Python(inputs, preprocessing).arrays(arrays)


class _Python:
    """Reads an argument that is not a text."""

    def __init__(self, inputs: Mapping[str, Shape], preprocessing: Preprocessing, *, every: bool = False) -> None:
        self.inputs, self.preprocessing, self.every = inputs, preprocessing, every
        self.encoder = preprocessing.encoder

    @property
    def reader(self) -> Reader:
        return Reader(self.inputs, self.preprocessing, every=self.every)

    def read(self, value: Any) -> RawInputs:
        if is_frame(value):
            return self._frame(frame_of(value))
        if isinstance(value, Image.Image):
            return self._images([value])
        if isinstance(self.encoder, SoundEncoder) and (pairs := _sound_pairs(value)):
            return self._checked(sound_arrays(pairs, next(iter(self.inputs)), self.encoder))
        if (texts := self._listed_texts(value)) is not None:
            return self._texts(texts)
        if hasattr(value, "to_dict") and not hasattr(value, "columns"):  # a row of a pandas data frame
            value = value.to_dict()
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            return self._sequence(value)
        if not hasattr(value, "shape"):
            raise TypeError(f"inputs are {WANTED}, not a {type(value).__name__}")
        array = np.asarray(value)
        is_text = array.dtype.kind in "OUS"
        if is_text and array.ndim == 1 and isinstance(self.encoder, TextEncoder):
            return self._texts([str(text) for text in array])
        return self._rows(array.tolist()) if is_text and array.ndim == 2 else self.arrays(value)

    def _listed_texts(self, value: Any) -> list[str] | None:
        """The texts in a list, an array or a column of a data frame, where an example is a text."""
        if not (isinstance(self.encoder, RowEncoder) and self.encoder.only_text) or isinstance(value, str | Mapping):
            return None
        listed = value.tolist() if hasattr(value, "tolist") else value.to_list() if hasattr(value, "to_list") else value
        is_texts = isinstance(listed, list | tuple) and listed and all(isinstance(text, str) for text in listed)
        return [*listed] if is_texts else None

    # ------------------------------------------------------------ tables

    def _frame(self, frame: pl.DataFrame) -> RawInputs:
        """The rows of a data frame: columns by name, others are not looked at."""
        if isinstance(self.encoder, TextEncoder) and frame.width == 1:
            return self._texts([str(text) for text in frame.to_series().to_list()])
        if isinstance(self.encoder, ImageEncoder | TextEncoder) or (len(self.inputs) > 1 and self.encoder is None):
            takes = ", ".join(f"{name} ({shape})" for name, shape in self.inputs.items())
            raise cannot_predict("the data frame", f"the network takes {takes}", "give arrays, images or texts")
        header = [str(name).strip() for name in frame.columns]
        if isinstance(self.encoder, WindowEncoder):
            frame = _times_as_texts(dates_as_texts(frame, header, self.reader.rows), header, self.encoder)
            frame.columns = [str(position) for position in range(frame.width)]
            file = TableFile("the data frame", header, frame, np.arange(1, frame.height + 1))
            return self.reader.encode_file(file, "row")
        names = [column.name for column in self.reader.rows.columns]
        is_any = not self._has_rows or self.reader.rows.only_text is not None
        if is_any and not {*names} <= {*header} and len(header) == len(names):
            header = names  # trained on arrays without names, or texts: the columns in their order
        frame = dates_as_texts(frame, header, self.reader.rows)
        frame.columns = [str(position) for position in range(frame.width)]
        file = TableFile("the data frame", header, frame, np.arange(1, frame.height + 1))
        return self.reader.encode_file(file, "row")

    def _mapping(self, value: Mapping[Any, Any]) -> RawInputs:
        """Arrays by input, one row by column, or columns by name."""
        names = [column.name for column in self.reader.rows.columns] if self._has_rows else []
        if isinstance(self.encoder, WindowEncoder):
            names = columns_of(self.encoder)
            if value.keys() == self.inputs.keys() and not {*names} <= value.keys():
                return self.arrays(value)
        if value.keys() == self.inputs.keys() and any(map(_are_pixels, value.values())):
            return self.arrays({name: self._pixels(name, part) for name, part in value.items()})
        is_rows = {*names} <= value.keys() and (len(names) > 1 or self._has_texts(value))
        if value.keys() == self.inputs.keys() and not is_rows:
            return self.arrays(value)
        if {*names} <= value.keys() and names:
            columns = {name: value[name] for name in value if isinstance(name, str)}
            is_row = all(isinstance(cell, str) or not hasattr(cell, "__len__") for cell in columns.values())
            return self._columns({name: [cell] for name, cell in columns.items()} if is_row else columns)
        if isinstance(self.encoder, RowEncoder | WindowEncoder):
            missing = ", ".join(f"`{name}`" for name in names if name not in value)
            raise cannot_predict("the dict", f"it lacks {missing}", f"an example has {', '.join(names)}")
        wanted = ", ".join(self.inputs)
        given = ", ".join(map(str, value)) or "none"
        raise cannot_predict("the dict", f"give an array for each of {wanted}, not for {given}", "")

    def _pixels(self, name: str, value: Any) -> Any:
        """The array of an input that is given as an image, or a list of images; anything else as it is."""
        images = [value] if isinstance(value, Image.Image) else value
        if not _are_pixels(value) or hasattr(images, "dtype"):
            return value
        sizes = self.inputs[name].sizes
        columns = dict(self.encoder.own_inputs()) if isinstance(self.encoder, RowEncoder) else {}
        column = columns.get(self.preprocessing.raw_names.get(name, name))
        if column is not None and isinstance(self.encoder, RowEncoder) and column.name in self.encoder.images:
            encoder = self.encoder.images[column.name]
        elif len(sizes) == 3 and all(isinstance(size, int) for size in sizes) and sizes[2] in (1, 3, 4):
            encoder = ImageEncoder(*cast("tuple[int, int, int]", sizes))
        else:
            reason = f"the input {name} takes {self.inputs[name]}, not images"
            raise cannot_predict("the dict", reason, "give an array of numbers")
        return np.stack([encoder.encode(as_picture(image)) for image in images])

    def _has_texts(self, value: Mapping[Any, Any]) -> bool:
        """Whether columns of texts have texts, not ids."""
        cells = [value[name] for name in self.reader.rows.texts if name in value]
        return any(isinstance(next(iter([one] if isinstance(one, str) else one), None), str) for one in cells)

    @property
    def _has_rows(self) -> bool:
        return isinstance(self.encoder, RowEncoder) or (self.encoder is None and bool(self.preprocessing.columns))

    def _columns(self, columns: Mapping[str, Any]) -> RawInputs:
        lists = {name: list(column) for name, column in columns.items()}
        lengths = {len(column) for column in lists.values()}
        if len(lengths) > 1:
            shown = ", ".join(f"{name} {len(column)}" for name, column in list(lists.items())[:6])
            raise cannot_predict("the dict", "its columns have different lengths", f"they have: {shown}")
        return self._frame(pl.DataFrame({name: _series(name, cells) for name, cells in lists.items()}))

    def _sequence(self, value: Sequence[Any]) -> RawInputs:
        if value and all(isinstance(row, Mapping) for row in value):
            keys = dict.fromkeys(key for row in value for key in row)
            return self._mapping({key: [row.get(key) for row in value] for key in keys})
        if value and all(isinstance(one, Image.Image) for one in value):
            return self._images(value)
        if value and all(hasattr(one, "shape") and len(one.shape) in (2, 3) for one in value):
            if isinstance(self.encoder, ImageEncoder) and len({tuple(one.shape) for one in value}) > 1:
                return self._images([_as_image(one) for one in value])
        elif any(isinstance(row, list | tuple) and any(isinstance(c, str | None) for c in row) for row in value):
            return self._rows(value)
        elif self._has_rows and value and any(isinstance(cell, str) for cell in value):
            return self._rows([value])  # one row, with categories
        return self.arrays(value)

    def _rows(self, rows: Sequence[Sequence[Any]]) -> RawInputs:
        """Cells in the order of the columns of the training data."""
        encoder = self.reader.rows
        names, examples = [column.name for column in encoder.columns], []
        for number, row in enumerate(rows, 1):
            cells = ["" if cell is None else str(cell) for cell in row] if isinstance(row, list | tuple) else []
            places = [*range(len(names))] if len(cells) == len(names) else feature_places(cells, encoder.form, encoder)
            if places is None:
                is_row = isinstance(row, list | tuple)
                reason = other_width(len(row), encoder) if is_row else "it is not a list of cells"
                raise cannot_predict(f"row {number}", reason, self._row_advice())
            examples.append([row[place] for place in places])
        return self._columns({name: [row[i] for row in examples] for i, name in enumerate(names)})

    def _row_advice(self) -> str:
        names = [column.name for column in self.reader.rows.columns]
        return f"an example is {', '.join(names[:12])}" + (" …" if len(names) > 12 else "")

    # ------------------------------------------------------------ images, texts, arrays

    def _images(self, images: Sequence[Image.Image]) -> RawInputs:
        """Images in memory, read as files are."""
        reader, names = self.reader, [f"image {number}" for number in range(1, len(images) + 1)]
        pairs = zip(images, names, strict=True)
        pixels = [reader.encode_image(partial(as_picture, image), name) for image, name in pairs]
        raw = self._checked(reader.single("images", np.concatenate(pixels), names))
        raw.warnings += reader.resized
        return raw

    def _texts(self, texts: Sequence[str]) -> RawInputs:
        if isinstance(self.encoder, RowEncoder):
            return text_rows(texts, texts, self.inputs, self.encoder)
        assert isinstance(self.encoder, TextEncoder)
        return encode_texts(texts, texts, next(iter(self.inputs)), self.encoder)

    def arrays(self, value: Any) -> RawInputs:
        """An array, or arrays by input; an array that has the shape of one example is one."""
        named = value if isinstance(value, Mapping) else {next(iter(self.inputs)): value}
        if named.keys() != self.inputs.keys():
            reason = f"give an array for each of {', '.join(self.inputs)}, not for {', '.join(named)}"
            raise cannot_predict("the array", reason, "a dict of arrays by the names of the inputs")
        arrays = {name: self._array(name, named[name]) for name in self.inputs}
        if len({len(array) for array in arrays.values()}) > 1:
            shown = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
            raise cannot_predict("the arrays", "the inputs have different numbers of examples", f"they have: {shown}")
        count = len(next(iter(arrays.values())))
        return self._checked(RawInputs(arrays, [str(number) for number in range(1, count + 1)]))

    def _series(self, name: str, value: Any) -> Any:
        """Series of any lengths, padded as those of the training were; one of them may be given alone."""
        length = self.inputs[name].sizes[0]
        is_one = getattr(value, "ndim", 0) == 2 or not any(hasattr(one, "__len__") for one in value)
        series = [value] if is_one else list(value)
        longest = max((len(one) for one in series), default=0)
        try:
            return pad_series(series, f"the input {name}", length if isinstance(length, int) else max(longest, 1))
        except Unplaced as bad:
            raise WrongInput([bad.diagnostic()]) from None

    def _array(self, name: str, value: Any) -> Any:
        is_padded = getattr(value, "ndim", 0) == 3 and value.dtype.kind == "f"
        if name in self.preprocessing.ragged and not is_padded:
            value = self._series(name, value)
        try:
            array = np.asarray(value)
        except ValueError:  # rows of unequal length
            array = np.zeros(0, object)
        if array.dtype.kind not in "biuf" or array.ndim == 0 or len(array) == 0:
            found = f"it has {array.dtype} values" if array.size else "it has no examples"
            advice = f"the input {name} is an array of numbers with at least one example"
            raise cannot_predict(f"the input {name}", found, advice)
        shape = self.inputs[name]
        if matches(array.shape, shape.sizes):
            array = array[None]  # one example
        is_table = isinstance(self.encoder, RowEncoder) and len(self.inputs) == shape.rank == 1
        if is_table and array.ndim == 2 and array.shape[1:] != shape.sizes:
            rows = self.reader.rows
            texts = ", ".join(f"`{column.name}`" for column in rows.categories)
            reason = other_width(array.shape[1], rows, unit="column")
            if array.shape[1] == len(rows.columns):
                reason = f"it has only numbers, and an example has other values in {texts}"
            raise cannot_predict("the array", reason, self._row_advice())
        return fit(input_array(array), f"the input {name}", shape)

    def _checked(self, raw: RawInputs) -> RawInputs:
        raw.warnings += check_numbers(raw, self.inputs, self.preprocessing)
        return raw


def _are_pixels(value: Any) -> bool:
    """Whether a value is an image, several of them, or an array that is one of its own."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(one, Image.Image) for one in value)
    return isinstance(value, Image.Image) or (getattr(value, "ndim", 0) > 1 and hasattr(value, "dtype"))


def is_frame(value: Any) -> bool:
    """Whether a value is a table by the protocols of Arrow or of data frames (pandas, polars, pyarrow, DuckDB, …)."""
    has_columns = hasattr(value, "columns") or hasattr(value, "column_names") or hasattr(value, "schema")
    return has_columns and (hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__"))


def frame_of(value: Any) -> pl.DataFrame:
    """A polars data frame, without its library being imported here."""
    if isinstance(value, pl.DataFrame):
        return value
    if hasattr(value, "iloc"):  # pandas, whose texts need a further package on the way through Arrow
        names = [str(name) for name in value.columns]
        if twice := next((name for i, name in enumerate(names) if name in names[:i]), None):
            reason = f"two of its columns are called `{twice}`"
            raise cannot_predict("the data frame", reason, "give every column a name of its own")
        columns = [value.iloc[:, position] for position in range(value.shape[1])]
        return pl.DataFrame([_pandas_series(str(position), column) for position, column in enumerate(columns)]).rename(
            {str(position): name for position, name in enumerate(names)}
        )
    if hasattr(value, "__arrow_c_stream__"):
        return pl.DataFrame(value)
    return pl.from_dataframe(value)


def dates_as_texts(frame: pl.DataFrame, header: Sequence[str], rows: RowEncoder) -> pl.DataFrame:
    """The frame with dates as the table of the training has written them."""
    formats = {c.name: c.dates.format for c in rows.columns if c.dates and c.dates.format not in UNIX}
    texts = [
        (series if series.dtype == pl.Datetime else series.cast(pl.Datetime)).dt.strftime(formats[name])
        if name in formats and series.dtype in (pl.Date, pl.Datetime)
        else series
        for name, series in zip(header, frame.get_columns(), strict=True)
    ]
    return pl.DataFrame(texts)


def _times_as_texts(frame: pl.DataFrame, header: Sequence[str], encoder: WindowEncoder) -> pl.DataFrame:
    """The frame with the times as the table of the training has written them."""
    found = []
    for name, series in zip(header, frame.get_columns(), strict=True):
        is_time = name == encoder.time and series.dtype in (pl.Date, pl.Datetime) and encoder.format is not None
        if is_time and not series.null_count():
            micros = series.cast(pl.Datetime("us")).to_physical().to_numpy() / 1e6
            series = pl.Series(series.name, time_texts(micros, str(encoder.format)))
        found.append(series)
    return pl.DataFrame(found)


def _pandas_series(name: str, column: Any) -> pl.Series:
    array = column.to_numpy()
    if array.dtype.kind in "biufM":
        return pl.Series(name, array, nan_to_null=True)
    cells = zip(array.tolist(), column.isna().tolist(), strict=True)
    return _series(name, [None if is_missing else cell for cell, is_missing in cells])


def _series(name: str, cells: Sequence[Any]) -> pl.Series:
    """Numbers as numbers; a column with texts as texts."""
    plain = [cell.item() if isinstance(cell, np.generic) else cell for cell in cells]
    if all(cell is None or isinstance(cell, int | float) for cell in plain):
        return pl.Series(name, plain, pl.Float64 if any(isinstance(c, float) for c in plain) else None, strict=False)
    if all(cell is None or isinstance(cell, date) for cell in plain):
        return pl.Series(name, plain)
    return pl.Series(name, [None if cell is None else str(cell) for cell in plain], pl.String)


def _sound_pairs(value: Any) -> list[tuple[Any, Any]]:
    """Samples with their rates: one pair, or a list of them; none where it is neither."""
    if is_sound_pair(value):
        return [value]
    return [*value] if isinstance(value, list) and value and all(map(is_sound_pair, value)) else []


def _as_image(array: Any) -> Image.Image:
    """An array of pixels as an image: 8-bit numbers, or numbers from 0 to 1."""
    pixels = np.asarray(array)
    if pixels.dtype.kind == "f":
        pixels = (pixels * 255).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)
