"""The arguments of `netspec predict`: rows, tables, images, arrays, text, as batches for the network.

Input: texts from the command line, the inputs of the network, and the preprocessing of the run. Output: an array
for each input with a batch axis, and a name for each example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from msgspec import structs

from netspec.data.dataset.precision import MAX_FLOAT32, narrowed
from netspec.data.errors.files import BrokenFile, MissingValue, NotANumber
from netspec.data.errors.prediction import CannotPredict, OtherScale, Resized, WrongInput, cannot_predict
from netspec.data.errors.tables import BadImageCell, NotADate
from netspec.data.formats.files import TEXT_ENDINGS as TEXTS
from netspec.data.formats.images import ENDINGS, Picture, load_picture
from netspec.data.formats.tables.table import Table, read_table
from netspec.data.formats.tables.table_files import TableFile, parquet_file
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.predict.arrays import brightest, fit, read_array, read_arrays
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.rows import RawInputs, content_of, read_texts, row_advice, row_encoder, text_rows
from netspec.data.predict.sounds import sound_files
from netspec.data.predict.tables import FILES, is_table, looks_like_file, open_csv, open_row
from netspec.data.predict.windows import open_series, read_windows
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder, TextEncoder, WindowEncoder, unseen_categories
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError, Diagnostic, Unplaced, fail
from netspec.language.files.paths import exists, is_file, is_folder
from netspec.language.files.regular_file import Refused
from netspec.language.shape import Shape

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

GIVE_IMAGES = f"give images ({', '.join(ENDINGS)}), or folders of them"

MAX_FILES = 5
"""How many files a message lists."""

MAX_WARNINGS = 5
"""Examples with a warning of their own about their scale; the next one has that of all others."""


def check_scale(batch: Array, names: Sequence[str], seen: Sequence[float]) -> list[Diagnostic]:
    """A warning for each example whose numbers are far (half of the range) outside those of the training."""
    low, high = seen
    margin = (high - low) / 2
    rows = batch.reshape(len(batch), -1)
    smallest, largest = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)  # NaN is missing
    strange = np.flatnonzero((smallest < low - margin) | (largest > high + margin))
    found: list[Diagnostic] = []
    for count, index in enumerate(strange.tolist(), 1):
        shown = [f"{value:g}" for value in (smallest[index], largest[index], low, high)]
        warning = OtherScale(name=names[index], low=shown[0], high=shown[1], seen_low=shown[2], seen_high=shown[3])
        if count > MAX_WARNINGS and count < len(strange):
            found.append(structs.replace(warning, more=len(strange) - count, case="more"))
            break
        found.append(warning)
    return found


def check_numbers(raw: RawInputs, inputs: Mapping[str, Shape], preprocessing: Preprocessing) -> list[Diagnostic]:
    """Warnings about inputs that are numbers.

    Raises:
        CompileError: a network cannot compute with some of them.
    """
    check_finite(raw, preprocessing)
    numbers = [name for name, shape in inputs.items() if not shape.is_tokens and name in preprocessing.ranges]
    return [w for name in numbers for w in check_scale(raw.arrays[name], raw.names, preprocessing.ranges[name])]


def check_finite(raw: RawInputs, preprocessing: Preprocessing) -> None:
    """Raises CompileError for an example with numbers that a network cannot compute with: infinite, larger than float32
    can hold, or missing (NaN) and not filled in as in training."""
    for key, array in raw.arrays.items():
        scale = preprocessing.normalization.get(key)
        bad = ~(np.abs(array) <= MAX_FLOAT32)
        if scale is not None and scale.fill is not None:
            bad &= ~np.isnan(array)
        if key in preprocessing.ragged:  # padded steps
            bad &= ~np.isnan(array).all(axis=-1, keepdims=True)
        if bad.any():
            row, *position = (int(i) for i in np.argwhere(bad)[0])
            value = float(array[(row, *position)])
            shown = "NaN (not a number)" if np.isnan(value) else "an infinite number"
            shown = f"the number {value:g}, outside the range of float32" if np.isfinite(value) else shown
            where = f" at position {', '.join(map(str, position))}" if position else ""
            if len(position) == 1 and (columns := _columns(key, preprocessing)):
                where = f" in column `{columns[position[0]]}`"
            advice = "a network computes only with finite numbers: fill them in, or leave the example out"
            raise cannot_predict(f"`{raw.names[row]}`", f"it has {shown}{where}", advice)


def _columns(key: str, preprocessing: Preprocessing) -> tuple[str, ...]:
    """The names of the features of an input; empty where they have none."""
    if not isinstance(encoder := preprocessing.encoder, RowEncoder):
        return ()
    return encoder.feature_names().get(preprocessing.raw_names.get(key, key), ())


def read_inputs(
    texts: Sequence[str], inputs: Mapping[str, Shape], preprocessing: Preprocessing, *, every: bool = False
) -> RawInputs:
    """A batch of all examples.

    Args:
        texts: file names, folders, rows, or text.
        inputs: one example of each input of the network.
        preprocessing: that of the run.
        every: of series all windows, not only the last of each.

    Raises:
        CompileError: one of them cannot be read or has another shape.
    """
    if isinstance(preprocessing.encoder, TextEncoder):
        return read_texts(texts, next(iter(inputs)), preprocessing.encoder)
    reader = Reader(inputs, preprocessing, every=every)
    parts = [reader.read(text) for text in texts]
    names = [name for part in parts for name in part.names]
    arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in inputs}
    warnings = [*(warning for part in parts for warning in part.warnings), *reader.resized]
    raw = RawInputs(arrays, names, warnings, table=parts[0].table if len(parts) == 1 else None)
    if all(part.forecasts is not None for part in parts):
        raw.forecasts = [forecast for part in parts for forecast in part.forecasts or ()]
    raw.warnings += check_numbers(raw, inputs, preprocessing)
    return raw


class Reader:
    """Reads one argument of the command line after the other."""

    def __init__(self, inputs: Mapping[str, Shape], preprocessing: Preprocessing, *, every: bool = False) -> None:
        self.inputs = inputs
        self.every = every
        self.preprocessing = preprocessing
        self.rows = row_encoder(inputs, preprocessing)
        self.resized: list[Diagnostic] = []

    def read(self, text: str) -> RawInputs:
        """The examples of one argument: a file, a folder, a row of numbers, or text."""
        path = Path(text)
        if isinstance(encoder := self.preprocessing.encoder, WindowEncoder) and path.suffix not in (".npy", ".npz"):
            return self._windows(lambda: open_series(text, encoder), encoder)
        if self.rows.only_text is not None and not is_table(path):
            return self._read_texts(path, text)
        if len(self.inputs) != 1 and path.suffix.lower() == ".npz" and is_file(path):
            return read_arrays(path, self.inputs, self.preprocessing)
        if len(self.inputs) != 1 and not isinstance(self.preprocessing.encoder, RowEncoder):
            raise fail(self._several(text))
        if isinstance(known := self.preprocessing.encoder, SoundEncoder) and path.suffix not in (".npy", ".npz"):
            return sound_files(text, next(iter(self.inputs)), known)
        if not exists(path):
            return self._read_row(text)
        if is_folder(path):
            return self._read_folder(path)
        if path.suffix.lower() in ENDINGS:
            return self.single(text, self.read_image(path))
        if path.suffix.lower() in (".npy", ".npz"):
            return self.single(text, read_array(path, self.inputs, self.preprocessing))
        return self._read_table(path)

    def _windows(self, read: Callable[[], TableFile], encoder: WindowEncoder) -> RawInputs:
        """The windows over the series of a table."""
        try:
            raw = read_windows(read(), encoder, self.preprocessing.raw_names, every=self.every)
        except Unplaced as bad:
            raise WrongInput(_of_prediction(bad)) from None
        return raw

    def _read_texts(self, path: Path, text: str) -> RawInputs:
        """A text, a file with one, or a folder of such files."""
        is_name = path.suffix.lower() in FILES and len(text.split()) == 1
        if is_name and not exists(path):
            raise fail(self._no_file(text))
        if not (text.strip() and is_folder(path)):
            return text_rows([content_of(text)], [text], self.inputs, self.rows)
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXTS)
        if not files:
            advice = f"files with text end in {', '.join(TEXTS)}"
            raise fail(CannotPredict(name=f"`{path}`", reason="the folder has no texts", advice=advice))
        names = [str(file) for file in files]
        return text_rows([content_of(name) for name in names], names, self.inputs, self.rows)

    def single(self, name: str, found: Any, called: Sequence[str] = ()) -> RawInputs:
        """Examples for the only input."""
        if len(self.inputs) != 1:
            raise fail(self._several(name))
        ((key, shape),) = self.inputs.items()
        fitted = fit(found, f"`{name}`", shape)
        array = fitted.astype("int32") if shape.is_tokens else narrowed(fitted)
        names = [*called] or ([name] if len(array) == 1 else [f"{name} {i + 1}" for i in range(len(array))])
        return RawInputs({key: array}, names)

    def _several(self, name: str) -> CannotPredict:
        reason = f"the network has {len(self.inputs)} inputs ({', '.join(self.inputs)})"
        advice = "give an .npz file with an array for each, or in Python a dict of arrays"
        if isinstance(rows := self.preprocessing.encoder, RowEncoder) and len(rows.columns) == len(self.inputs):
            cells = rows.delimiter.join(f"{n}.png" if rows.images else n for n in self.inputs)
            advice = f"write `{cells}` for an example, or give a table with these columns"
        return CannotPredict(name=f"`{name}`", reason=reason, advice=advice)

    def _read_folder(self, path: Path) -> RawInputs:
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS)  # class folders too
        if not files:
            advice = f"images end in {', '.join(ENDINGS)}"
            raise fail(CannotPredict(name=f"`{path}`", reason="the folder has no images", advice=advice))
        pixels = np.concatenate([self.read_image(file) for file in files])
        return self.single(str(path), pixels, [str(file) for file in files])

    def read_image(self, path: Path) -> Any:
        return self.encode_image(lambda: load_picture(path), str(path))

    def encode_image(self, load: Callable[[], Picture], name: str) -> Any:
        """An image with a batch axis, of the shape of the input; sizes that are not known are those of the image."""
        encoder, shape = self.preprocessing.encoder, next(iter(self.inputs.values()))
        channels = shape.channels if shape.rank == 3 else 1
        if not isinstance(encoder, ImageEncoder) and (shape.rank != 3 or channels not in (1, 3, 4)):
            is_table, is_row = isinstance(encoder, RowEncoder), shape.rank == 1
            takes = "rows of a table" if is_table else f"rows of {shape} numbers" if is_row else str(shape)
            reason = f"the network takes {takes}, not images"
            advice = row_advice(encoder) if isinstance(encoder, RowEncoder) else "give rows of numbers or an .npy file"
            raise fail(CannotPredict(name=f"`{name}`", reason=reason, advice=advice))
        try:
            picture = load()
        except OSError as error:
            advice = error.advice if isinstance(error, Refused) else "give an image that opens in other programs"
            reason = error.strerror or "not an image"
            raise fail(CannotPredict(name=f"`{name}`", reason=reason, advice=advice)) from None
        if isinstance(encoder, ImageEncoder):
            return encoder.encode(picture)[None]
        sizes = shape.space
        if not all(isinstance(size, int) for size in sizes):
            sizes = picture.image.size[::-1]
        self._note_size(name, picture.image.size, (sizes[1], sizes[0]))
        pixels = ImageEncoder(*cast("tuple[int, int, int]", (*sizes, channels))).encode(picture)[None]
        return pixels * brightest(self.preprocessing) if picture.is_scaled else pixels

    def _note_size(self, name: str, size: Sequence[int], taken: Sequence[object]) -> None:
        """Add a warning for an image that is resized; it is the only one, of the first such image."""
        if tuple(size) == tuple(taken):
            return
        last = self.resized.pop() if self.resized else None
        first = Resized(name=name, size="x".join(map(str, size)), taken="x".join(map(str, taken)))
        more = last.more + 1 if isinstance(last, Resized) else 0
        self.resized.append(structs.replace(last or first, more=more, case="more" if more else ""))

    def _read_table(self, path: Path) -> RawInputs:
        """A file of rows, with or without a header."""
        try:
            if path.suffix.lower() == ".parquet":
                file: TableFile = parquet_file(path, str(path))
            else:
                file = self._rows_or_images(str(path), lambda: open_csv(path, self.rows, self._wanted()))
            table = read_table(file, self._wanted())
            encoded = self._encoded(table, [f"{path} row {row}" for row in table.rows], path.parent)
        except Unplaced as bad:
            raise CompileError(_of_prediction(bad)) from None
        return replace(encoded, table=file)

    def _rows_or_images(self, name: str, read: Callable[[], TableFile]) -> TableFile:
        """What `read` returns; for a network that was trained on images what it takes, where that cannot be read."""
        try:
            return read()
        except (CompileError, Unplaced):
            if not isinstance(encoder := self.preprocessing.encoder, ImageEncoder):
                raise
        raise cannot_predict(f"`{name}`", f"the network takes images of {encoder.shape}", GIVE_IMAGES)

    def encode_file(self, file: TableFile, row: str) -> RawInputs:
        """The rows of a table in memory, each called `row` and its number."""
        if isinstance(encoder := self.preprocessing.encoder, WindowEncoder):
            raw = self._windows(lambda: file, encoder)
            raw.warnings += check_numbers(raw, self.inputs, self.preprocessing)
            return raw
        try:
            table = read_table(file, self._wanted())
            encoded = self._encoded(table, [f"{row} {number}" for number in table.rows])
        except Unplaced as bad:
            raise WrongInput(_of_prediction(bad)) from None
        encoded.warnings += check_numbers(encoded, self.inputs, self.preprocessing)
        return replace(encoded, table=file)

    def _read_row(self, text: str) -> RawInputs:
        """A row on the command line."""
        if looks_like_file(text, self.rows):
            raise fail(self._no_file(text))
        file = self._rows_or_images(text, lambda: open_row(text, self.rows))
        try:
            return self._encoded(read_table(file, self._wanted()), [text])
        except Unplaced as bad:
            message = bad.diagnostic().message
            raise fail(
                CannotPredict(name=f"`{text}`", reason=message.split(", ", 1)[-1], advice=row_advice(self.rows))
            ) from None

    def _no_file(self, text: str) -> CannotPredict:
        path = Path(text)
        folder = path.parent if is_folder(path.parent) else Path()
        are_images = isinstance(self.preprocessing.encoder, ImageEncoder)
        wanted = ENDINGS if are_images else FILES
        files = [p.name for p in folder.iterdir() if p.suffix.lower() in wanted and is_file(p)]
        advice = suggest(path.name, files, what="files there", limit=MAX_FILES)
        rest = "give a .csv, .npy or image file, or a row of numbers such as 5.1,3.5,1.4,0.2"
        if (column := self.rows.only_text) is not None:
            rest = f"give a text, a file with one ({', '.join(TEXTS)}), or a table with the column `{column}`"
        reason = "no such file" if path.suffix.lower() in FILES else "no such file, and not a row of numbers"
        return CannotPredict(name=f"`{text}`", reason=reason, advice=advice or (GIVE_IMAGES if are_images else rest))

    def _wanted(self) -> Wanted:
        """The features; missing numbers are allowed if training has filled them in."""
        filled = any(n.fill is not None for n in self.preprocessing.normalization.values())
        return self.rows.wanted(may_miss=filled or self.rows.default is not None)

    def _encoded(self, table: Table, names: list[str], folder: Path = Path()) -> RawInputs:
        found = self.rows.encode(table, folder)
        raw_names = (
            self.preprocessing.raw_names
            if self.preprocessing.encoder is not None
            else dict.fromkeys(self.inputs, "input")
        )
        arrays = {name: fit(found[raw_names[name]], f"`{names[0]}`", shape) for name, shape in self.inputs.items()}
        warnings = list(unseen_categories(self.rows, table, names))
        for column, coder in self.rows.texts.items():
            warnings += coder.remarks(table.names[column], names)
        return RawInputs(arrays, names, warnings)


def _of_prediction(bad: Unplaced) -> list[Diagnostic]:
    """The mistakes of a table, with hints about its cells instead of options of a spec, which is fixed."""
    found = [one.diagnostic() for one in bad.all]
    about_cells = (MissingValue, NotANumber, NotADate, BadImageCell)
    found = [structs.replace(d, case="prediction") if isinstance(d, about_cells) else d for d in found]
    is_other = [isinstance(d, BrokenFile) and "`encoding" in d.hint_text for d in found]
    return [structs.replace(d, case="prediction") if other else d for d, other in zip(found, is_other, strict=True)]
