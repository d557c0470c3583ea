"""Windows that slide over the axes of a tensor, for convolutions and pools; and target sizes."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Dim, Shape, Size, window
from netspec.layers.base import Layer, check_numbers, per_axis
from netspec.layers.errors.shapes import KernelTooLarge, WrongRank
from netspec.layers.errors.windows import clash

Axes = int | tuple[int, ...]
Pad = str | int | tuple[int, ...]


def pads(pad: Pad, x: Shape) -> tuple[str | int, ...]:
    """The padding of each axis: `same`, `valid`, or a number for both sides."""
    return (pad,) * (x.rank - 1) if isinstance(pad, str) else per_axis(pad, x, "pad")


def slide(
    x: Shape, *, kernel: Axes, stride: Axes, dilation: Axes = 1, pad: Pad, ceil: bool = False, what: str = "kernel"
) -> tuple[Size, ...]:
    """The output sizes of a window sliding over `x`.

    Raises:
        Unplaced: the window is larger than the padded input, or an extent has the wrong number of axes.
    """
    kernels = per_axis(kernel, x, "kernel" if what == "kernel" else "window")
    strides, dilations = per_axis(stride, x, "stride"), per_axis(dilation, x, "dilation")
    margins = pads(pad, x)
    for size, k, d, p in zip(x.space, kernels, dilations, margins, strict=True):
        room = 0 if p == "valid" else p
        if p != "same" and isinstance(size, int) and isinstance(room, int) and (k - 1) * d + 1 > size + 2 * room:
            raise _too_large(x, kernels, dilations, what)
    return tuple(
        window(size, k, s, d, p, ceil)
        for size, k, s, d, p in zip(x.space, kernels, strides, dilations, margins, strict=True)
    )


def _too_large(x: Shape, kernels: tuple[int, ...], dilations: tuple[int, ...], what: str) -> Unplaced:
    shown = extent(kernels)
    if any(d != 1 for d in dilations):
        reach = extent([(k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True)])
        shown = f"{shown} with dilation, {reach} in all,"
    is_point = what == "window" and min(n for n in x.space if isinstance(n, int)) < 2
    case = "point" if is_point else what
    return Unplaced(KernelTooLarge, option=what, case=case, what=what, kernel=shown, size=extent(x.space))


def dropped(
    x: Shape, *, kernel: Axes, stride: Axes, dilation: Axes = 1, pad: Pad, ceil: bool = False
) -> tuple[int, ...]:
    """The number of rows, columns … at the end of each axis that no window reaches; 0 if the size is unknown."""
    lost = []
    for size, k, s, d, p in zip(
        x.space,
        per_axis(kernel, x, "kernel"),
        per_axis(stride, x, "stride"),
        per_axis(dilation, x, "dilation"),
        pads(pad, x),
        strict=True,
    ):
        if isinstance(size, Dim) or p == "same" or ceil:
            lost.append(0)
            continue
        margin = 0 if p == "valid" else int(p)
        rest = (size + 2 * margin - ((k - 1) * d + 1)) % s
        lost.append(max(0, rest - margin))  # the padding at the end is lost first
    return tuple(lost)


def extent(sizes: tuple[Size, ...] | list[int]) -> str:
    """Sizes as an extent, for messages."""
    return "x".join(map(str, sizes))


# ---------------------------------------------------------------- target sizes


def target_space(layer: Layer, x: Shape, size: Axes | None, like: Shape | None) -> tuple[Size, ...] | None:
    """The spatial sizes of the output: the option `size`, or those of a second input; None for neither.

    Raises:
        Unplaced: both are given, or the second input has a different rank.
    """
    if like is None:
        return None if size is None else per_axis(size, x, "size")
    check_numbers(layer, x, like)
    if size is not None:
        advice = f"leave the size out, or give `{layer.word}` one tensor"
        raise clash("size", "a size", "a second input", "both set the output size", advice)
    if like.rank != x.rank:
        wants, advice = "two tensors of the same kind", "give it two sequences, two images or two volumes"
        kind, shape = f"{x.kind} and {like.kind}", f"{x} and {like}"
        raise Unplaced(WrongRank, at_input=1, word=layer.word, wants=wants, kind=kind, shape=shape, advice=advice)
    return like.space
