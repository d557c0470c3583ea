"""Functions of each number, and dropout."""

from __future__ import annotations

from netspec.interchange.configs.caffe.layers.table import Site, reads
from netspec.interchange.reading.channels_first.values import Value
from netspec.layers.activations import (
    Activation,
    Elu,
    LeakyRelu,
    Prelu,
    Relu,
    Relu6,
    Sigmoid,
    Silu,
    Softplus,
    Step,
    Tanh,
)

MAX_POWER = 4
"""The largest power that is written as a product."""
PLAIN: dict[str, type[Activation]] = {
    "Sigmoid": Sigmoid,
    "TanH": Tanh,
    "BNLL": Softplus,
    "ReLU6": Relu6,
}


@reads("Sigmoid", "TanH", "BNLL", "ReLU6")
def plain(site: Site) -> Value:
    """An activation without options."""
    return site.builder.activation(site.x, PLAIN[site.layer.type]())


@reads("ReLU")
def relu(site: Site) -> Value:
    """A ReLU, with a slope below zero or not."""
    slope = site.options("relu_param").number("negative_slope", 0.0)
    return site.builder.activation(site.x, LeakyRelu(slope=slope) if slope else Relu())


@reads("PReLU")
def prelu(site: Site) -> Value:
    """A ReLU with a trained slope, for all channels or for each."""
    channels = site.x.size(1)
    is_shared = site.options("prelu_param").flag("channel_shared", False)
    if not isinstance(channels, int):
        return site.lost("its number of channels is not known")
    slopes = site.blob(0, (1,) if is_shared else (channels,), "slopes")
    if slopes is None and not is_shared:
        return site.lost("netspec has one slope for all channels", "set `channel_shared: true`")
    return site.builder.activation(site.x, Prelu(), slopes)


@reads("ELU")
def elu(site: Site) -> Value:
    """An exponential linear unit."""
    return site.builder.activation(site.x, Elu(alpha=site.options("elu_param").number("alpha", 1.0)))


@reads("Swish")
def swish(site: Site) -> Value:
    """x * sigmoid(beta * x)."""
    if site.options("swish_param").number("beta", 1.0) != 1:
        return site.lost("netspec has no `silu` with a beta other than 1")
    return site.builder.activation(site.x, Silu())


@reads("Clip")
def clip(site: Site) -> Value:
    """Numbers cut off at a minimum and a maximum."""
    options = site.options("clip_param")
    if (options.number("min", 0.0), options.number("max", 0.0)) != (0, 6):
        return site.lost("netspec cuts off numbers at 0 and 6 only (`relu6`)")
    return site.builder.activation(site.x, Relu6())


@reads("Threshold")
def threshold(site: Site) -> Value:
    """1 above a threshold, else 0."""
    limit = site.options("threshold_param").number("threshold", 0.0)
    x = site.builder.scale(site.x, 1.0, -limit) if limit else site.x
    return site.builder.activation(x, Step())


@reads("AbsVal")
def absolute_value(site: Site) -> Value:
    """The larger one of x and -x."""
    return site.builder.maximum(site.x, site.builder.scale(site.x, -1.0, 0.0))


@reads("Power")
def power(site: Site) -> Value:
    """(shift + scale * x) ^ power, for small whole powers."""
    options = site.options("power_param")
    exponent, factor, shift = (options.number(n, d) for n, d in (("power", 1.0), ("scale", 1.0), ("shift", 0.0)))
    if exponent not in range(1, MAX_POWER + 1):
        return site.lost(f"netspec has no power of {exponent:g}", f"whole powers from 1 to {MAX_POWER} are products")
    x = site.x if (factor, shift) == (1, 0) else site.builder.scale(site.x, factor, shift)
    return x if exponent == 1 else site.builder.mul(*(x,) * int(exponent))


@reads("Dropout")
def dropout(site: Site) -> Value:
    """Dropout, which does nothing at inference."""
    options = site.options("dropout_param")
    if not options.flag("scale_train", True):
        site.warn("netspec scales in the training, as `scale_train: true` does")
        return site.builder.scale(site.x, 1 - options.number("dropout_ratio", 0.5), 0.0)
    return site.builder.dropout(site.x, options.number("dropout_ratio", 0.5))
