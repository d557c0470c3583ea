"""What convolutions and pools have in common: the padding of a window."""

from __future__ import annotations

from typing import Any

from netspec.language.shape import Shape
from netspec.layers.base import per_axis
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


def in_onnx(margins: list[tuple[int, int]]) -> list[int]:
    """Margins of axes in the order of ONNX: all starts, then all ends."""
    return [before for before, _ in margins] + [after for _, after in margins]


def pad_attributes(margins: list[tuple[int, int]] | None) -> dict[str, Any]:
    """The attributes of an operator for its padding."""
    if margins is None:
        return {"auto_pad": "SAME_UPPER"}
    return {"pads": in_onnx(margins)} if any(map(any, margins)) else {}
