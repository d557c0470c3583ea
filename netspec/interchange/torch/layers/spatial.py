"""Convolutions, pools, and layers that resize, crop or pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Unsupported
from netspec.interchange.torch.table import (
    Site,
    Tensor,
    code,
    options,
    positions,
    turned,
    unless,
    writes,
)
from netspec.interchange.writing.windows import crop_sides, padding, transposed_margins
from netspec.layers.base import per_axis
from netspec.layers.spatial.conv import Conv, Depthwise, Filtering
from netspec.layers.spatial.cropping import Crop, Pad, margins
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, GlobalPool, MaxPool, Pool
from netspec.layers.spatial.resize import Resize, Upsample
from netspec.layers.spatial.transposed_conv import Upconv

Margins = Sequence[tuple[int, int]]


def _dimensions(rank: int) -> str:
    """`2d` for images."""
    return f"{rank - 1}d"


def _padded(x: str, sides: Margins, value: str = "") -> str:
    """`F.pad`, whose amounts start with those of the last axis."""
    amounts = ", ".join(f"{before}, {after}" for before, after in reversed(sides))
    return f"F.pad({x}, ({amounts}){value})"


def _split(x: str, sides: Margins | None, value: str = "") -> tuple[str, tuple[int, ...]]:
    """The tensor and the padding of a window: where the two sides differ, the tensor is padded before it.

    Raises:
        Unsupported: the padding depends on a size that is not known.
    """
    if sides is None:
        raise Unsupported("`pad = same` with a stride, for sizes that are not known")
    if all(before == after for before, after in sides):
        return x, tuple(before for before, _ in sides)
    return _padded(x, sides, value), (0,) * len(sides)


def _kernel(site: Site, rank: int) -> Array:
    """The kernel with its two axes of channels, the last one first, before the window."""
    return site.numbers("kernel").transpose(rank, rank - 1, *range(rank - 1))


def _weights(site: Site, layer: Any, rank: int) -> dict[str, Array]:
    return {"weight": _kernel(site, rank), **({"bias": site.numbers("bias")} if layer.bias else {})}


@writes(Conv, Depthwise)
def convolution(site: Site, layer: Filtering, x: Tensor) -> str:
    name, shape = x
    rank, window = shape.rank, layer.kernel_shape(shape)
    sides = padding(shape, layer.kernel, layer.stride, layer.dilation, layer.pad)
    source, pads = _split(turned(name, rank), sides)
    more = options(
        stride=unless(per_axis(layer.stride, shape, "stride"), 1),
        padding=unless(pads, 0),
        dilation=unless(per_axis(layer.dilation, shape, "dilation"), 1),
        groups=unless(layer.group_count(shape), 1),
        bias=None if layer.bias else False,
    )
    constructor = f"nn.Conv{_dimensions(rank)}({shape.channels}, {window[-1]}, {code(window[:-2])}{more})"
    return turned(f"{site.add(constructor, _weights(site, layer, rank))}({source})", rank)


@writes(Upconv)
def transposed_convolution(site: Site, layer: Upconv, x: Tensor) -> str:
    name, shape = x
    rank = shape.rank
    cropped, added = transposed_margins(layer, shape)
    more = options(
        stride=unless(per_axis(layer.stride, shape, "stride"), 1),
        padding=unless(tuple(before for before, _ in cropped), 0),
        output_padding=unless(tuple(added), 0),
        bias=None if layer.bias else False,
        dilation=unless(per_axis(layer.dilation, shape, "dilation"), 1),
    )
    window = code(per_axis(layer.kernel, shape, "kernel"))
    constructor = f"nn.ConvTranspose{_dimensions(rank)}({shape.channels}, {layer.filters}, {window}{more})"
    y = f"{site.add(constructor, _weights(site, layer, rank))}({turned(name, rank)})"
    rest = [after - before for before, after in cropped]
    if any(rest):  # what is cropped from the end only
        y += "[:, :, " + ", ".join(f":-{extra}" if extra else ":" for extra in rest) + "]"
    return turned(y, rank)


# ---------------------------------------------------------------- pools


@writes(MaxPool, AvgPool)
def pool(site: Site, layer: Pool, x: Tensor) -> str:
    name, shape = x
    rank, kind = shape.rank, "max" if isinstance(layer, MaxPool) else "avg"
    source = turned(name, rank)
    if layer.to is not None:
        sizes = code(per_axis(layer.to, shape, "to"))
        return turned(f"F.adaptive_{kind}_pool{_dimensions(rank)}({source}, {sizes})", rank)
    windows, steps = per_axis(layer.size, shape, "window"), per_axis(layer.step, shape, "stride")
    sides = padding(shape, windows, steps, 1, layer.pad)
    is_even = sides is not None and all(before == after for before, after in sides)
    if kind == "avg" and not is_even:
        if isinstance(layer, AvgPool) and layer.count_pad:
            raise Unsupported("`count_pad` with `pad = same`")
        ones, _ = _split(f"torch.ones_like({source})", sides)
        source, _ = _split(source, sides)
        function, call = f"F.avg_pool{_dimensions(rank)}", f"{code(windows)}{options(stride=unless(steps, windows))}"
        # The mean of what is not padding: that of zeros and ones alike is too small by the same factor.
        return turned(f"({function}({source}, {call}) / {function}({ones}, {call}))", rank)
    source, pads = _split(source, sides, ', value=-float("inf")')
    more = options(
        stride=None if steps == windows else steps,
        padding=unless(pads, 0),
        ceil_mode=True if layer.rounds_up and layer.pad != "same" else None,
        count_include_pad=False if isinstance(layer, AvgPool) and not layer.count_pad and any(pads) else None,
    )
    return turned(f"F.{kind}_pool{_dimensions(rank)}({source}, {code(windows)}{more})", rank)


@writes(GlobalAvgPool, GlobalMaxPool)
def global_pool(site: Site, layer: GlobalPool, x: Tensor) -> str:
    name, shape = x
    kind = "mean" if isinstance(layer, GlobalAvgPool) else "amax"
    return f"{name}.{kind}({tuple(positions(shape.rank))}{options(keepdim=True if layer.keep else None)})"


# ---------------------------------------------------------------- sizes

MODES = {
    "nearest": dict.fromkeys((2, 3, 4), "nearest-exact"),
    "bilinear": {2: "linear", 3: "bilinear", 4: "trilinear"},
    "bicubic": {3: "bicubic"},
}
"""The names of interpolations by the rank of the tensor."""


@writes(Upsample)
def upsample(site: Site, layer: Upsample, x: Tensor) -> str:
    name, shape = x
    factors = per_axis(layer.factor, shape, "factor")
    return _interpolated(name, shape.rank, layer.method, options(scale_factor=tuple(map(float, factors))))


@writes(Resize)
def resize(site: Site, layer: Resize, x: Tensor, like: Tensor | None = None) -> str:
    name, shape = x
    if like is not None:
        size = f", size={turned(*_named(like))}.shape[2:]"
    else:
        assert layer.size is not None
        size = f", size={per_axis(layer.size, shape, 'size')}"
    if layer.antialias and shape.rank != 3:
        raise Unsupported("`antialias` for sequences and volumes")
    return _interpolated(name, shape.rank, layer.method, size + options(antialias=layer.antialias or None))


def _named(x: Tensor) -> tuple[str, int]:
    return x[0], x[1].rank


def _interpolated(x: str, rank: int, method: str, size: str) -> str:
    if rank not in MODES[method]:
        raise Unsupported(f"`{method}` for sequences and volumes")
    return turned(f'F.interpolate({turned(x, rank)}{size}, mode="{MODES[method][rank]}")', rank)


@writes(Crop)
def crop(site: Site, layer: Crop, x: Tensor, like: Tensor | None = None) -> str:
    name, shape = x
    sides = crop_sides(layer, shape, layer.infer(shape, None if like is None else like[1]))
    cuts = ", ".join(f"{before or ''}:{-after if after else ''}" for before, after in sides)
    return f"{name}[:, {cuts}]" if shape.rank == 2 else f"{name}[:, :, {cuts}]"


@writes(Pad)
def pad(site: Site, layer: Pad, x: Tensor) -> str:
    name, shape = x
    mode = {"edge": "replicate", "wrap": "circular"}.get(layer.mode, layer.mode)
    value = f", value={layer.value!r}" if layer.value else ""
    more = value if mode == "constant" else f', mode="{mode}"'
    return turned(_padded(turned(name, shape.rank), margins(layer.margin, shape, "margin"), more), shape.rank)
