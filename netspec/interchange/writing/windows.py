"""The padding of windows, as other libraries want it: the same before and after each axis, or what differs."""

from __future__ import annotations

from typing import Any

from netspec.interchange.errors import Unsupported
from netspec.language.shape import Shape
from netspec.layers.base import per_axis
from netspec.layers.spatial.cropping import Crop, margins
from netspec.layers.spatial.transposed_conv import Upconv
from netspec.layers.spatial.windows import Axes, Pad, pads


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding before and after an axis by XLA's rule for `same`: an odd row goes to the end."""
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def padding(x: Shape, kernel: Axes, stride: Axes, dilation: Axes, pad: Pad) -> list[tuple[int, int]] | None:
    """The padding before and after each axis; None where `same` depends on a size that is not known."""
    found = []
    for size, k, s, d, p in zip(
        x.space,
        per_axis(kernel, x, "kernel"),
        per_axis(stride, x, "stride"),
        per_axis(dilation, x, "dilation"),
        pads(pad, x),
        strict=True,
    ):
        if isinstance(p, int):
            found.append((p, p))
        elif p == "valid":
            found.append((0, 0))
        elif isinstance(size, int):
            found.append(same_padding(size, k, s, d))
        elif s == 1:
            found.append(same_padding(k * d, k, 1, d))  # the same for every size
        else:
            return None
    return found


def crop_sides(layer: Crop, x: Shape, cropped: Shape) -> list[tuple[int, int]]:
    """What is cropped before and after each axis.

    Raises:
        Unsupported: that depends on sizes that are not known.
    """
    if layer.margin is not None:
        return list(margins(layer.margin, x, "margin"))
    spare = [old - new for old, new in zip(x.space, cropped.space, strict=True)]
    if not all(isinstance(number, int) for number in spare):
        raise Unsupported("a crop whose margins depend on sizes that are not known")
    return [(number // 2, number - number // 2) for number in spare if isinstance(number, int)]


def transposed_margins(layer: Upconv, x: Shape) -> tuple[list[tuple[int, int]], list[int]]:
    """What is cropped from the start and the end of each axis, and what is added at its end.

    `pad = same` crops to n * stride positions as `jax.lax.conv_transpose` does: a stride beyond the kernel leaves rows
    that no window reaches, at the end.
    """
    cropped, added = [], []
    axes: Any = zip(
        per_axis(layer.kernel, x, "kernel"),
        per_axis(layer.stride, x, "stride"),
        per_axis(layer.dilation, x, "dilation"),
        per_axis(layer.output_pad, x, "output_pad"),
        pads(layer.pad, x),
        strict=True,
    )
    for k, s, d, o, p in axes:
        reach = (k - 1) * d + 1
        if p == "same":
            total = reach + s - 2
            before = reach - 1 if s > reach - 1 else -(-total // 2)
            after = total - before
            cropped.append((reach - 1 - before, max(reach - 1 - after, 0)))
            added.append(max(after - reach + 1, 0))
        else:
            margin = 0 if p == "valid" else p
            cropped.append((margin, margin))
            added.append(o)
    return cropped, added
