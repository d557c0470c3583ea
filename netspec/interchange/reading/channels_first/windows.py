"""The padding of windows, as the language says it."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.writing.windows import same_padding
from netspec.language.shape import Size

Pads = int | str | Sequence[tuple[int, int]]
"""The padding of each axis, before and after it; one number for all; `same_upper`, `same_lower` (the odd row at the
start) or `valid`."""
Axes = int | Sequence[int]
MAX_SIZE = 2**31 - 1


def each(value: Axes, count: int, name: str, low: int = 1) -> tuple[int, ...]:
    """One number for each axis.

    Raises:
        CannotSay: there are more or fewer, or they are too small or large.
    """
    found = (value,) * count if isinstance(value, int) else tuple(int(v) for v in value)
    if len(found) != count:
        raise CannotSay(f"`{name}` has {len(found)} numbers for {count} axes")
    if not all(low <= number <= MAX_SIZE for number in found):
        raise CannotSay(f"`{name}` is {list(found)}")
    return found


def plain(value: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all are equal."""
    return value[0] if len(set(value)) == 1 else tuple(value)


def margins_of(
    space: Sequence[Size], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], pads: Pads
) -> list[tuple[int, int]]:
    """The padding before and after each axis, as numbers.

    Raises:
        CannotSay: it depends on a size that is not known.
    """
    count = len(space)
    if isinstance(pads, int):
        return [(pads, pads)] * count
    if pads == "valid":
        return [(0, 0)] * count
    if isinstance(pads, str):
        found = [_same(*axis) for axis in zip(space, kernel, stride, dilation, strict=True)]
        return [(b, a) for a, b in found] if pads == "same_lower" else found
    if len(pads) != count:
        raise CannotSay(f"it has the padding of {len(pads)} axes for {count}")
    return [(before, after) for before, after in pads]


def _same(size: Size, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    if isinstance(size, int):
        return same_padding(size, kernel, stride, dilation)
    if stride == 1:
        return same_padding(kernel * dilation, kernel, 1, dilation)
    raise CannotSay("its padding depends on a size that is not known")


def pad_of(
    space: Sequence[Size],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    margins: Sequence[tuple[int, int]],
    *,
    default: str,
) -> str | int | tuple[int, ...] | None:
    """The option `pad`; None where it needs a layer of its own before.

    A word is used where it holds for every size of the input, or where no number says the same.
    """
    windows = list(zip(space, kernel, stride, dilation, strict=True))
    always = [s == 1 or k == 1 for _, k, s, _ in windows]
    is_same = all(
        tuple(m) == same_padding(size if isinstance(size, int) else k * d * s, k, s, d) and (a or isinstance(size, int))
        for (size, k, s, d), m, a in zip(windows, margins, always, strict=True)
    )
    is_valid = not any(map(any, margins))
    if is_valid and (default == "valid" or not (is_same and all(always))):
        return "valid"
    if is_same and all(always):
        return "same"
    if all(before == after >= 0 for before, after in margins):
        return plain([before for before, _ in margins])
    return "same" if is_same else None


def extent(kernel: tuple[int, ...]) -> int | tuple[int, ...]:
    """A kernel as it is written: `3x3`, and one number for sequences."""
    return kernel[0] if len(kernel) == 1 else kernel
