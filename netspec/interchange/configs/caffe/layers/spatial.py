"""Convolutions and pools."""

from __future__ import annotations

from typing import Any

from netspec.interchange.configs.caffe.layers.table import Site, reads
from netspec.interchange.configs.caffe.prototxt import Message
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np


def extents(options: Message, axes: int, name: str, short: str, default: int | None, low: int = 1) -> tuple[int, ...]:
    """A number for each axis: `kernel_size: 3`, one per axis, or `kernel_h` and `kernel_w`.

    Raises:
        CompileError: there is none, or another number of them (NS570).
    """
    given = options.integers(name, low)
    if options.has(f"{short}_h") or options.has(f"{short}_w"):
        given = [n for side in "hw" for n in options.integers(f"{short}_{side}", low)]
        if len(given) != 2 or axes != 2:
            raise options.file.bad(f"`{short}_h` and `{short}_w` belong together", "", options.place(f"{short}_h"))
    if not given and default is not None:
        given = [default]
    given = given * axes if len(given) == 1 else given
    if len(given) != axes:
        line = options.span.first.line
        reason = f"in line {line} `{name}` has {len(given)} numbers, where the input has {axes} axes of positions"
        raise options.file.bad(reason, f"write one number: `{name}: 3`", options.place(name))
    return tuple(given)


@reads("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise")
def convolution(site: Site) -> Value:
    """A convolution, in groups or not."""
    return _filters(site)


@reads("Deconvolution")
def deconvolution(site: Site) -> Value:
    """A transposed convolution. One with groups becomes one without, whose kernel is 0 between the groups."""
    return _filters(site)


def _filters(site: Site) -> Value:
    options, x = site.options("convolution_param"), site.x
    axes = x.rank - 2
    filters, groups = options.integer("num_output", 0, low=1), options.integer("group", 1, low=1)
    channels = x.size(1)
    if site.layer.type.count("epthwise") and isinstance(channels, int):
        groups = channels
    if options.integer("axis", 1, low=-32) != 1:
        return site.lost("its channels are not axis 1")
    kernel = extents(options, axes, "kernel_size", "kernel", None)
    has_bias = options.flag("bias_term", True)
    margins = extents(options, axes, "pad", "pad", 0, low=0)
    window: dict[str, Any] = {
        "stride": extents(options, axes, "stride", "stride", 1),
        "dilation": extents(options, axes, "dilation", "dilation", 1),
        "pads": [(pad, pad) for pad in margins],
        "has_bias": has_bias,
    }
    if not filters:
        raise options.file.bad(f"layer `{site.layer.name}` has no `num_output`", "", options.span)
    if not isinstance(channels, int) or channels % groups or filters % groups:
        return site.lost(f"{channels} channels and {filters} filters are not divisible by {groups} groups")
    is_transposed = site.layer.type == "Deconvolution"
    inner = (channels, filters // groups) if is_transposed else (filters, channels // groups)
    weight = site.blob(0, (*inner, *kernel), "kernel")
    bias = site.blob(1, (filters,), "bias") if has_bias else None
    if weight is None:
        window |= {"filters": filters, "kernel": kernel}
    if not is_transposed:
        return site.builder.conv(x, weight=weight, bias=bias, groups=groups, **window)
    if groups > 1 and weight is None:
        return site.lost(f"netspec has no transposed convolution with groups, and it has {groups}")
    if groups > 1:
        weight = _without_groups(weight, groups)
    return site.builder.conv_transpose(x, weight=weight, bias=bias, **window)


def _without_groups(weight: Any, groups: int) -> Any:
    """The kernel that computes the same in one group: input channels x all filters x positions."""
    channels, filters = weight.shape[0] // groups, weight.shape[1]
    whole = np.zeros((weight.shape[0], filters * groups, *weight.shape[2:]), np.float32)
    for group in range(groups):
        rows, columns = group * channels, group * filters
        whole[rows : rows + channels, columns : columns + filters] = weight[rows : rows + channels]
    return whole


@reads("Pooling")
def pooling(site: Site) -> Value:
    """A pool. Caffe rounds sizes up, and leaves out a window that would begin in the padding at the end."""
    options, x = site.options("pooling_param"), site.x
    kind = options.choice("pool", ("MAX", "AVE", "STOCHASTIC"))
    if kind == "STOCHASTIC":
        return site.lost("netspec has no stochastic pool", "use MAX or AVE")
    if len(site.layer.tops) > 1:
        return site.lost("netspec does not have the positions of the maxima")
    word = "max" if kind == "MAX" else "average"
    axes = x.rank - 2
    if options.flag("global_pooling", False):
        return site.builder.global_pool(x, word)
    kernel = extents(options, axes, "kernel_size", "kernel", None)
    stride = extents(options, axes, "stride", "stride", 1)
    margins = extents(options, axes, "pad", "pad", 0, low=0)
    if kernel == x.sizes[1:] and not any(margins):
        return site.builder.global_pool(x, word)
    ceil = options.choice("round_mode", ("CEIL", "FLOOR")) == "CEIL" and options.flag("ceil_mode", True)
    if not any(margins) and any(s > k for s, k in zip(stride, kernel, strict=True)):
        return site.lost("its stride is larger than its window, and the last window empty")
    return site.builder.pool(
        x,
        word,
        kernel=kernel,
        stride=stride,
        pads=[(pad, pad) for pad in margins],
        ceil=ceil,
        count_include_pad=True,
    )


@reads("Upsample")
def upsample(site: Site) -> Value:
    """Repeats positions."""
    options, axes = site.options("upsample_param"), site.x.rank - 2
    if len(site.layer.bottoms) > 1 or options.has("upsample_h") or options.has("pad_out_h"):
        return site.lost("netspec does not have the positions of the maxima")
    if options.has("scale_h"):
        factors = [options.integer("scale_h", 1, low=1), options.integer("scale_w", 1, low=1)]
    else:
        factors = [options.integer("scale", 2, low=1)] * axes
    return site.builder.resize(site.x, factors=factors, mode="nearest")


@reads("Interp")
def interp(site: Site) -> Value:
    """Bilinear interpolation, from corner to corner: netspec has it where nothing is interpolated."""
    options = site.options("interp_param")
    old = site.x.sizes[1:]
    new = (options.integer("height", 0), options.integer("width", 0))
    if old == new and len(old) == 2:
        return site.x
    if set(old) == {1} and all(new):
        return site.builder.resize(site.x, size=new, mode="nearest")
    return site.lost("netspec interpolates between the centers of pixels, not between the corners", "use Upsample")


@reads("Crop", inputs=(2, 2))
def crop(site: Site) -> Value:
    """Crops to the sizes of the second input, from offsets on."""
    options, (x, like) = site.options("crop_param"), site.inputs
    first = site.axis(options, 2)
    offsets = options.integers("offset") or [0]
    offsets = offsets * (x.rank - first) if len(offsets) == 1 else offsets
    if len(offsets) != x.rank - first or like.rank != x.rank or first == 0:
        return site.lost("its offsets or its inputs have other axes than it crops")
    for axis, offset in zip(range(first, x.rank), offsets, strict=True):
        size, end = x.size(axis), like.size(axis)
        if not isinstance(size, int) or not isinstance(end, int) or offset + end > size:
            return site.lost(f"from {offset} on there are not {end} of {size} positions")
        x = site.builder.slice(x, axis, offset, offset + end)
        if x.is_lost:
            break
    return x
