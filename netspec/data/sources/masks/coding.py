"""What the pixels of masks mean: class ids, gray levels or colors.

Input: images of Pillow. Output: the number of each pixel as the file has it, and the class id that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from netspec.data.dataset.dataset import IGNORED
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.masks import BadMask
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.images import load_picture
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.values import to_source
from netspec.language.word import Kind, Mismatch

COLOR = 1 << 24
"""Added to the numbers of colors, so that they differ from gray levels."""

MAX_LISTED = 8
MAX_CLASSES = 1 << 16
LOSSY = ("JPEG", "WEBP", "MPO")
WHITE = 255
MIN_LEVELS = 8
"""Masks with numbers from here on, most of which do not occur, have gray levels rather than class ids."""


class Level(Kind):
    """The number of a gray or palette mask, or a color as a string."""

    def accept(self, value: object) -> int | str:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_CLASSES:
            return value
        if isinstance(value, str) and _hexadecimal(value):
            return "#" + value.removeprefix("#").lower()
        raise Mismatch(self.describe(), value)

    def describe(self) -> str:
        return 'the number of a pixel such as 255, or a color such as "#ff0000"'


class Levels(Level):
    """A list of them, in the order of the classes."""

    def accept(self, value: object) -> tuple[int | str, ...]:  # type: ignore[override]
        if not isinstance(value, list) or len(value) < 2:
            raise Mismatch(self.describe(), value)
        levels = tuple(super(Levels, self).accept(one) for one in value)
        if len({*levels}) < len(levels):
            raise Mismatch(self.describe(), value, advice="each is listed once")
        return levels

    def describe(self) -> str:
        return 'a list with the number or the color of each class, such as [0, 255] or ["#000000", "#ff0000"]'

    def to_source(self, value: object) -> str:
        return to_source([*value]) if isinstance(value, tuple) else super().to_source(value)


def _hexadecimal(text: str) -> bool:
    digits = text.removeprefix("#")
    return len(digits) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in digits)


def number_of(level: int | str) -> int:
    """A level as the numbers of pixels have it."""
    return level if isinstance(level, int) else COLOR + int(level[1:], 16)


def level_text(number: int) -> str:
    """The number of a pixel as it is written in a spec."""
    return str(number) if number < COLOR else f'"#{number - COLOR:06x}"'


def read_numbers(path: Path) -> Array:
    """The pixels of a mask as its file has them, height x width: of a palette their indices, of colors one number.

    Raises:
        OSError: it cannot be read.
        Unplaced: it is compressed with losses, which change class ids.
    """
    image = load_picture(path).image
    if path.suffix.lower() in (".jpg", ".jpeg") or getattr(image, "format", None) in LOSSY:
        advice = "JPEG changes the numbers of pixels: save masks as PNG"
        raise _bad(path.name, "is a JPEG image", advice)
    if image.mode in ("RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"):
        colors = np.asarray(image.convert("RGB"), np.int32)
        red, green, blue = colors[..., 0], colors[..., 1], colors[..., 2]
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return red
        numbers: Array = COLOR + (red << 16) + (green << 8) + blue
        return numbers
    if image.mode == "1":
        return np.asarray(image, np.int32)
    return np.asarray(image.getchannel(0) if image.mode in ("LA", "PA") else image).astype(np.int32)


class Coding(Frozen):
    """The number of each class, in the order of the ids, and that of ignored pixels. `is_sampled` says that the classes
    are those of some masks."""

    numbers: tuple[int, ...]
    ignore: int | None = None
    is_sampled: bool = False

    def ids(self, numbers: Array, name: str) -> Array:
        """The class id of each pixel, int32, -1 for those that are ignored.

        Raises:
            Unplaced: a number stands for no class.
        """
        order = np.argsort(self.numbers)
        levels = np.asarray(self.numbers)[order]
        place = np.minimum(np.searchsorted(levels, numbers), len(levels) - 1)
        ids = order[place].astype(np.int32)
        strange = levels[place] != numbers
        if self.ignore is not None:
            is_ignored = numbers == self.ignore
            ids[is_ignored] = IGNORED
            strange &= ~is_ignored
        if strange.any():
            raise self._strange(int(numbers[strange].flat[0]), name)
        return ids

    def _strange(self, number: int, name: str) -> Unplaced:
        shown = ", ".join(map(level_text, self.numbers[:MAX_LISTED]))
        shown += ", …" if len(self.numbers) > MAX_LISTED else ""
        where = "in the masks that were looked at are" if self.is_sampled else "of the classes are"
        advice = f"the numbers {where} {shown}; `ignore = {level_text(number)}` leaves such pixels out"
        if self.is_sampled:
            advice += ", `classes` names all classes"
        return _bad(name, f"has pixels of {level_text(number)}, which is none of the classes", advice)


def survey_numbers(paths: Sequence[Path]) -> dict[int, str]:
    """The numbers that occur in masks, sorted, and the first mask that has each; cached while the files stay the same.

    Raises:
        OSError: one cannot be read.
        Unplaced: one is not a mask.
    """
    return _survey(tuple(paths), tuple(map(file_stamp, paths)))


@lru_cache(maxsize=4)
def _survey(paths: tuple[Path, ...], stamps: tuple[FileStamp, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for path in paths:
        found = dict.fromkeys(np.unique(read_numbers(path)).tolist(), path.name) | found
        if len(found) > MAX_CLASSES:
            raise _bad(path.name, "has more colors than there may be classes", "name the colors of classes: `colors`")
    return dict(sorted(found.items()))


def coding_of(found: Mapping[int, str], classes: int | None, ignore: int | None, *, is_sampled: bool) -> Coding:
    """How masks with these numbers are read where `colors` is not given.

    Args:
        found: the numbers that occur, sorted, and the name of a mask with each.
        classes: how many classes there are, None where that is not known.
        ignore: the number of pixels that are ignored.
        is_sampled: not all masks were looked at.

    Raises:
        Unplaced: they are not class ids.
    """
    numbers = [number for number in found if number != ignore]
    coding = partial(Coding, ignore=ignore, is_sampled=is_sampled)
    listed = f"[{', '.join(map(level_text, numbers[:MAX_LISTED]))}{', …' if len(numbers) > MAX_LISTED else ''}]"
    high = max(numbers, default=0)
    name = found.get(high, "")
    if high >= COLOR:
        advice = f"name the color of each class, in the order of the ids: `colors = {listed}`"
        raise _bad(name, f"has colors ({len(numbers):,} in all masks), not class ids", advice)
    if numbers in ([0, WHITE], [WHITE]) and classes in (None, 2):
        return coding((0, WHITE))
    if classes is not None:
        if high >= classes:
            advice = f"there are {classes} classes, 0 to {classes - 1}"
            advice += f": `ignore = {high}` leaves such pixels out" if ignore is None else ""
            raise _bad(name, f"has the class id {high}", advice)
        return coding(tuple(range(classes)))
    if high == WHITE and len(numbers) > 1 and numbers[-2] < WHITE - 1 and ignore is None and numbers[-2] < 100:
        others = f"0 to {numbers[-2]}"
        advice = f"write `ignore = 255` if such pixels do not count, or `colors = {listed}` if it is a class"
        raise _bad(name, f"has the numbers {others} and 255", advice)
    if high >= MIN_LEVELS and 2 * len(numbers) < high + 1:
        advice = f'name the number of each class, `colors = {listed}`, or all classes: `classes = ["background", …]`'
        raise _bad(name, f"has {len(numbers)} numbers up to {high}, which are not class ids without gaps", advice)
    return coding(tuple(range(max(high + 1, 2))))


def _bad(name: str, problem: str, advice: str) -> Unplaced:
    return Unplaced(BadMask, option="masks", file=name, problem=problem, advice=advice)
