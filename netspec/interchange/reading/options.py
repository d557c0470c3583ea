"""The options of a layer in one form: `3x3` and `3` are the same kernel, and `pad = same` is `pad = 1` for it."""

from __future__ import annotations

from typing import Any

from netspec.language.shape import Shape
from netspec.language.word import Option
from netspec.layers.activations import Linear
from netspec.layers.base import Layer

WINDOWS = ("conv", "depthwise", "maxpool", "avgpool")
"""Layers whose windows slide over padded inputs, by the same rule."""
SIZES = ("kernel", "window", "stride", "dilation", "pad", "factor", "output_pad")
"""Options that take a number for all axes, or one for each."""


def settings_of(layer: Layer, x: Shape) -> dict[str, Any]:
    """Every option but the name, by its field: layers with equal ones compute the same.

    Args:
        layer: the layer.
        x: the shape of its first input.
    """
    axes = x.rank - 1
    found = {option.field: _plain(option, getattr(layer, option.field), axes) for option in written_options(layer)}
    if layer.word in WINDOWS:
        if found.get("stride") is None:
            found["stride"] = found.get("window")
        found["pad"] = plain_pad(
            found["pad"], found.get("kernel", found.get("window")), found["stride"], found.get("dilation", 1)
        )
    if "ceil" in found:
        found["ceil"] = bool(found["ceil"])
    return found


def written_options(layer: Layer) -> list[Option]:
    """The options that a spec may have for a layer, but for its name."""
    return [option for option in layer.options() if option.name != "name"]


def _plain(option: Option, value: Any, axes: int) -> Any:
    if option.field in SIZES and isinstance(value, tuple) and len(value) == axes and len(set(value)) == 1:
        return value[0]
    return None if value == Linear() else value


def plain_pad(pad: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    """A padding as a number where that means the same: `valid` is 0, `same` half of an odd window that moves by 1."""
    if pad == "valid":
        return 0
    if pad != "same" or not all(isinstance(n, int) for n in (kernel, stride, dilation)):
        return pad
    reach = (kernel - 1) * dilation
    return reach // 2 if reach == 0 or (stride == 1 and reach % 2 == 0) else pad
