"""What the heads of many images say: their sizes, the richest colors, and what is worth a remark.

Input: images in files, or opened ones. Output: a `Survey`, and warnings about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from netspec.data.errors.reading import FirstFrame, MixedColors, NotScaled
from netspec.data.formats.files import FileStamp, file_stamp
from netspec.data.formats.images import Head, load_picture, read_head
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

MAX_HEADS = 20_000
"""The heads of how many images are read beforehand: about a second. The others are checked when they are read."""

MAX_SAMPLED = 10
"""Of how many images that are not scaled the pixels are read, for a warning."""

MAX_SIDE = 256
"""The largest size that a hint suggests."""

COLORS = {1: "gray", 3: "RGB", 4: "RGB with transparency"}
"""What images are called, by their channels."""


@dataclass(frozen=True)
class Survey:
    """Heads of images, by their files; `broken` has those that could not be read."""

    heads: Mapping[Path, Head]
    broken: Mapping[Path, OSError]

    @property
    def channels(self) -> int:
        """Those of the richest image."""
        return max(head.channels for head in self.heads.values())

    @property
    def is_scaled(self) -> bool:
        """Whether all pixels are from 0 to 1."""
        return all(head.is_scaled for head in self.heads.values())


def common_size(sizes: Sequence[tuple[int, int]]) -> str:
    """What to resize images of several sizes (width, height) to: the size of most of them, or a square of about their
    median side, in steps of 8; height x width."""
    width, height = max(sizes, key=(counts := Counter(sizes)).__getitem__)
    if 2 * counts[(width, height)] > len(sizes) and max(width, height) <= MAX_SIDE:
        return f"{height}x{width}"
    side = sorted(side for size in sizes for side in size)[len(sizes)]
    side = min(max(8, round(side / 8) * 8), MAX_SIDE)
    return f"{side}x{side}"


def joined(surveys: Iterable[Survey]) -> Survey:
    """Those of several folders together."""
    heads, broken = dict[Path, Head](), dict[Path, OSError]()
    for survey in surveys:
        heads.update(survey.heads)
        broken.update(survey.broken)
    return Survey(heads, broken)


def survey_files(paths: Sequence[Path]) -> Survey:
    """The heads of images, of every n-th one if there are very many."""
    some = tuple(paths[:: -(-len(paths) // MAX_HEADS)])
    return _survey(some, tuple(map(file_stamp, some)))


@lru_cache(maxsize=4)
def _survey(paths: tuple[Path, ...], stamps: tuple[FileStamp, ...]) -> Survey:
    """Cached from the check to the training, as long as the files have the same stamps."""
    heads, broken = dict[Path, Head](), dict[Path, OSError]()
    for path in paths:
        try:
            heads[path] = read_head(path)
        except OSError as error:
            broken[path] = error
    return Survey(heads, broken)


def remarks_on(survey: Survey, word: str, *, choose_colors: bool) -> list[Unplaced]:
    """Warnings about images that are read in a way that may surprise; `word` has the options of how they are read.
    `choose_colors` is set when their channels were decided by the richest."""
    found = [color_remark([head.channels for head in survey.heads.values()], word=word)] if choose_colors else []
    found += [_scale_remark(survey)]
    total = len(survey.heads)
    if frames := [path for path, head in survey.heads.items() if head.has_frames]:
        found.append(Unplaced(FirstFrame, option="folder", count=len(frames), total=total, first=frames[0].name))
    return [remark for remark in found if remark is not None]


def color_remark(channels: Sequence[int], option: str = "folder", word: str = "") -> Unplaced | None:
    """The warning about images with different numbers of channels."""
    counts = Counter(channels)
    if len(counts) == 1:
        return None
    richest = max(counts)
    parts = ", ".join(f"{counts[number]:,} {COLORS[number]}" for number in sorted(counts))
    others = [f"`channels = {number}` for {COLORS[number]}" for number in sorted(counts)]
    mixed = partial(Unplaced, MixedColors, option=option, counts=parts, richest=COLORS[richest])
    return mixed(advice=f"write {' or '.join(others)} in `{word}(…)`" if word else "convert them before, with `map`")


def _scale_remark(survey: Survey) -> Unplaced | None:
    """The warning about floats and 32-bit integers outside of 0..1."""
    raw = [path for path, head in survey.heads.items() if not head.is_scaled]
    if not raw:
        return None
    try:
        low, high = value_range(load_picture(path).image for path in raw[:: -(-len(raw) // MAX_SAMPLED)])
    except OSError:
        return None  # loading reports it
    return scale_remark(len(raw), len(survey.heads), low, high)


def scale_remark(count: int, total: int, low: float, high: float, option: str = "folder") -> Unplaced | None:
    """The warning about images whose numbers are not scaled; none if they are from 0 to 1 already."""
    if low >= 0 and high <= 1:
        return None
    unscaled = partial(Unplaced, NotScaled, option=option, count=count, total=total)
    return unscaled(low=f"{low:.6g}", high=f"{high:.6g}")


def value_range(images: Iterable[object]) -> tuple[float, float]:
    """The smallest and the largest number in images of Pillow."""
    arrays = [np.asarray(image) for image in images]
    return min(float(np.nanmin(array)) for array in arrays), max(float(np.nanmax(array)) for array in arrays)
