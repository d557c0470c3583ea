"""What `netspec predict` is given: rows of CSV, images, .npy files, as batches that the network takes.

Comes in: texts from the command line, and the shape of one example. Goes out: one float32 (or int32) array with a batch
in front, and a name for each example.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, fail, suggest
from netspec.record import record
from netspec.shape import Shape

if TYPE_CHECKING:
    from netspec.data.base import Array

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


@record
class CannotPredict(Diagnostic):
    """An input for `netspec predict` cannot be read, or is not of the shape that the network takes. Inputs are files
    (.csv with one example a row, .npy, images) or rows of numbers such as `5.1,3.5,1.4,0.2`."""

    code = "NS480"
    title = "cannot predict for `{name}`: {reason}"
    hint = "{advice}"
    name: str
    reason: str
    advice: str


@record
class OtherScale(Diagnostic):
    """Inputs for `netspec predict` lie far outside of what the network has seen in training; mostly they are scaled
    otherwise, such as pixels from 0 to 255 for a network that learned from 0 to 1."""

    code = "NS481"
    severity = "warning"
    title = "`{name}` has numbers from {low} to {high}; the network learned from {seen_low} to {seen_high}"
    hint = "scale them as the training data were scaled"
    name: str
    low: str
    high: str
    seen_low: str
    seen_high: str


def check_scale(batch: Array, names: Sequence[str], seen: tuple[float, float]) -> list[Diagnostic]:
    """A warning for every example whose numbers go far (half of the range) beyond those of the training."""
    low, high = seen
    margin = (high - low) / 2
    found: list[Diagnostic] = []
    for name, example in zip(names, batch, strict=True):
        smallest, largest = float(example.min()), float(example.max())
        if smallest < low - margin or largest > high + margin:
            shown = [f"{value:g}" for value in (smallest, largest, low, high)]
            found.append(OtherScale(name=name, low=shown[0], high=shown[1], seen_low=shown[2], seen_high=shown[3]))
    return found


def read_inputs(texts: Sequence[str], shape: Shape, columns: Sequence[str] | None) -> tuple[Array, list[str]]:
    """A batch of all examples, and what each is called.

    Args:
        texts: file names, or rows of numbers.
        shape: one example.
        columns: the names of the features, where the data that the network learned from had names.

    Raises:
        CompileError: one of them cannot be read or has another shape (NS480).
    """
    import numpy as np

    arrays, names = [], []
    for text in texts:
        found, called = _read(text, shape, columns)
        fitted = _fit(found, text, shape)
        arrays.append(fitted)
        names += called if len(called) == len(fitted) else [f"{text} {i + 1}" for i in range(len(fitted))]
    dtype = np.int32 if shape.is_tokens else np.float32
    return np.concatenate(arrays).astype(dtype), names


def _read(text: str, shape: Shape, columns: Sequence[str] | None) -> tuple[Any, list[str]]:
    import numpy as np

    path = Path(text)
    if path.suffix.lower() in IMAGES and path.is_file():
        return _read_image(path, shape), [text]
    if path.suffix.lower() == ".npy" and path.is_file():
        return _read_npy(path), []
    if path.is_file():
        rows = _read_csv(path, columns)
        return rows, [f"{text} row {i + 1}" for i in range(len(rows))]
    try:
        return np.array([[float(cell) for cell in text.split(",")]]), [text]
    except ValueError:
        folder = path.parent if path.parent.is_dir() else Path()
        advice = suggest(path.name, [p.name for p in folder.iterdir() if p.is_file()], what="files there")
        advice = advice or "give a .csv, .npy or image file, or a row of numbers such as 5.1,3.5,1.4,0.2"
        reason = "there is no such file, and it is no row of numbers"
        raise fail(CannotPredict(name=text, reason=reason, advice=advice)) from None


def _read_npy(path: Path) -> Any:
    import numpy as np

    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        reason = f"it is no array: {error}"
        raise fail(CannotPredict(name=str(path), reason=reason, advice="write it with numpy.save")) from None
    if found.dtype.kind not in "fiub":
        advice = "write an array of numbers with numpy.save"
        raise fail(CannotPredict(name=str(path), reason=f"it holds {found.dtype}, no numbers", advice=advice))
    return found / 255 if found.dtype == np.uint8 else found


def _read_image(path: Path, shape: Shape) -> Any:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    channels = shape.channels if shape.rank == 3 else 1
    mode = {1: "L", 3: "RGB", 4: "RGBA"}.get(channels if isinstance(channels, int) else 0)
    if shape.rank != 3 or mode is None:
        advice = "give rows of numbers or an .npy file"
        raise fail(CannotPredict(name=str(path), reason=f"the network takes {shape}, no image", advice=advice))
    try:
        with Image.open(path) as image:
            converted = image.convert(mode)
            height, width = shape.space
            if isinstance(height, int) and isinstance(width, int) and converted.size != (width, height):
                converted = converted.resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(converted, np.float32) / 255
    except (OSError, UnidentifiedImageError) as error:
        advice = "give an image that opens elsewhere"
        raise fail(CannotPredict(name=str(path), reason=f"it is no image: {error}", advice=advice)) from None
    return pixels.reshape(1, *pixels.shape[:2], -1)


def _read_csv(path: Path, columns: Sequence[str] | None) -> Any:
    import numpy as np

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        advice = "give a .csv file in UTF-8"
        raise fail(CannotPredict(name=str(path), reason=str(error), advice=advice)) from None
    if not rows:
        raise fail(CannotPredict(name=str(path), reason="it is empty", advice="give at least one row of numbers"))
    picked, first = _pick_columns(rows[0], columns, path)
    values = []
    for number, row in enumerate(rows[first:], start=first + 1):
        try:
            values.append([float(row[i]) for i in (picked if picked is not None else range(len(row)))])
        except (ValueError, IndexError):
            reason = f"line {number} is no row of {len(picked or rows[0])} numbers: {','.join(row)[:60]}"
            raise fail(CannotPredict(name=str(path), reason=reason, advice="correct or remove that line")) from None
    if len({len(row) for row in values}) > 1:
        reason, advice = "its rows have different lengths", "give every row the same columns"
        raise fail(CannotPredict(name=str(path), reason=reason, advice=advice))
    return np.array(values)


def _pick_columns(head: list[str], columns: Sequence[str] | None, path: Path) -> tuple[list[int] | None, int]:
    """Which columns of a row count (None: all), and the index of the first row of numbers."""
    if all(_is_number(cell) for cell in head):
        return None, 0
    if columns is None:
        return None, 1
    names = [cell.strip() for cell in head]
    missing = [name for name in columns if name not in names]
    if missing:
        reason = f"it has no column `{missing[0]}`"
        advice = suggest(missing[0], names, what="its columns")
        raise fail(CannotPredict(name=str(path), reason=reason, advice=advice))
    return [names.index(name) for name in columns], 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fit(found: Any, name: str, shape: Shape) -> Any:
    """The array with a batch in front; rows of numbers take the shape of an image where the count fits."""
    sizes = shape.sizes
    if _matches(found.shape[1:], sizes):
        return found
    if _matches(found.shape, sizes):
        return found[None]
    if sizes[-1:] == (1,) and _matches(found.shape[1:], sizes[:-1]):  # grey images are often kept without their axis
        return found[..., None]
    count = shape.count
    if found.ndim == 2 and isinstance(count, int) and found.shape[1] == count:
        return found.reshape(len(found), *sizes)
    got = "x".join(map(str, found.shape[1:] if found.ndim > 1 else found.shape))
    advice = f"one example has the shape {shape}" + (f", or is a row of {count} numbers" if shape.rank > 1 else "")
    raise fail(CannotPredict(name=name, reason=f"it has the shape {got}, the network takes {shape}", advice=advice))


def _matches(got: Sequence[int], sizes: Sequence[Any]) -> bool:
    return len(got) == len(sizes) and all(not isinstance(s, int) or s == g for s, g in zip(sizes, got, strict=True))
