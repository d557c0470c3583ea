"""Norms, and the scales and offsets of channels."""

from __future__ import annotations

from typing import Any

from netspec.interchange.configs.caffe.layers.table import Site, reads
from netspec.interchange.configs.caffe.prototxt import Message
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np

MOMENTUM = 0.999
"""The default of Caffe."""


@reads("BatchNorm")
def batch_norm(site: Site) -> Value:
    """A batch norm without trained weights, or with those of the layer `Scale` that follows it.

    The third blob is what mean and variance are divided by: how many batches, with their weights, are in them.
    """
    options, x = site.options("batch_norm_param"), site.x
    channels = x.size(1)
    if not isinstance(channels, int):
        return site.lost("its number of channels is not known")
    mean, variance = (site.blob(index, (channels,), what) for index, what in enumerate(("mean", "variance")))
    count = site.blob(2, (1,), "moving average")
    if mean is not None and variance is not None and count is not None:
        with np.errstate(all="ignore"):  # of damaged files
            factor = np.float32(0 if count[0] == 0 else 1 / count[0])
            mean, variance = mean * factor, variance * factor
    momentum = options.number("moving_average_fraction", MOMENTUM)
    scale, offset, has_offset = None, None, False
    if site.scale is not None:
        has_offset = site.scale.message.message("scale_param").flag("bias_term", False)
        scale = site.blob(0, (channels,), "scale", site.scale)
        offset = site.blob(1, (channels,), "offset", site.scale) if has_offset else None
    return site.builder.batchnorm(
        x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=options.number("eps", 1e-5),
        momentum=momentum if 0 <= momentum < 1 else MOMENTUM,
        has_scale=site.scale is not None,
        has_offset=has_offset,
    )


def is_plain_scale(options: Message) -> bool:
    """Whether a layer `Scale` has a number for each channel."""
    return options.integer("axis", 1, low=-32) == 1 and options.integer("num_axes", 1, low=-1) == 1


@reads("Scale", inputs=(1, 2))
def scale(site: Site) -> Value:
    """A scale, and an offset, for each channel; with two inputs, their product."""
    options, x = site.options("scale_param"), site.x
    has_offset = options.flag("bias_term", False)
    if len(site.inputs) == 2:
        if has_offset:
            return site.lost("netspec has no product with a trained offset")
        return product(site, x, site.inputs[1], options.integer("axis", 1, low=-32))
    channels = x.size(1)
    if not is_plain_scale(options) or not isinstance(channels, int):
        return site.lost("it scales something else than channels")
    factor = site.blob(0, (channels,), "scale")
    offset = site.blob(1, (channels,), "offset") if has_offset else None
    return _per_channel(site, factor, offset, has_offset)


@reads("Bias", inputs=(1, 2))
def bias(site: Site) -> Value:
    """An offset for each channel; with two inputs, their sum."""
    options, x = site.options("bias_param"), site.x
    if len(site.inputs) == 2:
        return site.builder.add(x, site.inputs[1])
    channels = x.size(1)
    if not is_plain_scale(options) or not isinstance(channels, int):
        return site.lost("it adds something else than a number for each channel")
    offset = site.blob(0, (channels,), "offset")
    return _per_channel(site, None if offset is None else np.ones(channels, np.float32), offset, True)


def _per_channel(site: Site, factor: Any, offset: Any, has_offset: bool) -> Value:
    """Constants for each channel; without weights a depthwise convolution of single positions, which has them."""
    x, channels = site.x, site.x.size(1)
    if factor is not None and (offset is not None or not has_offset):
        sizes = (-1, *(1,) * (x.rank - 2))
        return site.builder.scale(x, factor.reshape(sizes), offset.reshape(sizes) if has_offset else 0.0)
    if x.rank < 3 or not isinstance(channels, int):
        return site.lost("netspec has no trained scale of a vector")
    return site.builder.conv(x, filters=channels, kernel=1, has_bias=has_offset, groups=channels)


def product(site: Site, x: Value, gates: Value, axis: int = 1) -> Value:
    """A tensor times one number per channel and example, or times a tensor of the same sizes."""
    if gates.sizes == x.sizes:
        return site.builder.mul(x, gates)
    if axis != 0 or gates.sizes[:1] != x.sizes[:1] or any(size != 1 for size in gates.sizes[1:]):
        return site.lost("netspec multiplies tensors of equal sizes, or channels by a vector")
    return site.builder.mul(x, site.builder.unsqueeze(gates, range(gates.rank, x.rank)))


@reads("Axpy", inputs=(3, 3))
def axpy(site: Site) -> Value:
    """The second input times the first, one number per channel, plus the third."""
    gates, x, y = site.inputs
    return site.builder.add(product(site, x, gates, 0), y)


@reads("LRN")
def lrn(site: Site) -> Value:
    """Local response normalization across channels."""
    options = site.options("lrn_param")
    if options.choice("norm_region", ("ACROSS_CHANNELS", "WITHIN_CHANNEL")) == "WITHIN_CHANNEL":
        return site.lost("netspec has no local response normalization within channels", "use ACROSS_CHANNELS")
    return site.builder.lrn(
        site.x,
        size=options.integer("local_size", 5, low=1),
        alpha=options.number("alpha", 1.0),
        beta=options.number("beta", 0.75),
        bias=options.number("k", 1.0),
    )
