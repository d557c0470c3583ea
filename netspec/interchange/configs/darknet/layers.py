"""What each section of a cfg is in netspec."""

from __future__ import annotations

from typing import Any

from netspec.interchange.configs.darknet.table import Site, reads
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.corrections import suggest
from netspec.layers.activations import (
    Activation,
    Elu,
    Gelu,
    LeakyRelu,
    Mish,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Tanh,
)

EPSILON = 1e-6
"""What Darknet adds to the standard deviation on the CPU, and OpenCV to the variance."""
MOMENTUM = 0.99
"""The weight of the old running statistics."""

ACTIVATIONS: dict[str, Activation | None] = {
    "linear": None,
    "relu": Relu(),
    "leaky": LeakyRelu(slope=0.1),
    "mish": Mish(),
    "swish": Silu(),
    "logistic": Sigmoid(),
    "tanh": Tanh(),
    "elu": Elu(),
    "selu": Selu(),
    "gelu": Gelu(approximate=True),
    "relu6": Relu6(),
}


def activated(site: Site, x: Value, default: str) -> Value:
    """The activation of a layer."""
    name = site.section.text("activation", default)
    if x.is_lost:
        return x
    if name not in ACTIVATIONS:
        reason = f"netspec has no activation `{name}`"
        return site.lost(reason, suggest(name, ACTIVATIONS, what="activations"), "activation")
    word = ACTIVATIONS[name]
    return x if word is None else site.builder.activation(x, word)


def axes_of_option(site: Site, name: str, default: int) -> tuple[int, int]:
    """The height and width of an option such as `stride`, which `stride_y` and `stride_x` may give apart."""
    both = site.section.integer(name, default, low=1)
    return (site.section.integer(f"{name}_y", both, low=1), site.section.integer(f"{name}_x", both, low=1))


def refused(site: Site, *options: str) -> str:
    """The first of these options that is set; they change what a layer computes, and netspec has nothing for them."""
    return next((name for name in options if site.section.flag(name)), "")


@reads("convolutional", "conv")
def convolutional(site: Site) -> Value:
    """A convolution, then a batch norm or a bias, then an activation."""
    section, x = site.section, site.image
    filters, size = section.integer("filters", 1, low=1), section.integer("size", 1, low=1)
    groups, is_normalized = section.integer("groups", 1, low=1), section.flag("batch_normalize")
    dilation = section.integer("dilation", 1, low=1)
    pad = size // 2 if section.flag("pad") else section.integer("padding", 0)
    channels = x.size(1)
    if option := refused(site, "binary", "xnor", "antialiasing", "deform", "sway", "rotate", "stretch"):
        return site.lost(f"netspec has nothing for `{option}`", "", option)
    if not isinstance(channels, int) or channels % groups or filters % groups:
        return site.lost(
            f"{channels} channels and {filters} filters are not divisible by {groups} groups", "", "groups"
        )
    norm, bias = _bias_and_norm(site, filters, is_normalized)
    weight = None
    if site.weights is not None:
        weight = site.weights.take(site.title, filters, channels // groups, size, size)
    y = site.builder.conv(
        x,
        weight=weight,
        filters=filters,
        kernel=size,
        bias=bias,
        has_bias=not is_normalized,
        stride=axes_of_option(site, "stride", 1),
        pads=[(pad * dilation, pad * dilation)] * 2,
        dilation=dilation,
        groups=groups,
    )
    return activated(site, _normalized(site, y, norm), "logistic")


def _bias_and_norm(site: Site, units: int, is_normalized: bool) -> tuple[dict[str, Any] | None, Any]:
    """The weights of the batch norm and None, or None and the bias, which are first in the file."""
    weights = site.weights
    if not is_normalized:
        return None, None if weights is None else weights.take(site.title, units)
    if weights is None:
        return {}, None
    offset = weights.take(site.title, units)
    return {"offset": offset, **_statistics(site, units)}, None


def _statistics(site: Site, units: int) -> dict[str, Any]:
    assert site.weights is not None
    return {name: site.weights.take(site.title, units) for name in ("scale", "mean", "variance")}


def _normalized(site: Site, x: Value, norm: dict[str, Any] | None) -> Value:
    return x if norm is None else site.builder.batchnorm(x, epsilon=EPSILON, momentum=MOMENTUM, **norm)


@reads("connected")
def connected(site: Site) -> Value:
    """A dense layer, then a batch norm or not, then an activation."""
    section = site.section
    units, is_normalized = section.integer("output", 1, low=1), section.flag("batch_normalize")
    x = site.builder.flatten(site.before, 1)
    features = x.size(1) if not x.is_lost else None
    if not isinstance(features, int):
        return x if x.is_lost else site.lost("its number of inputs is not known")
    bias, weight, norm = None, None, None if not is_normalized else dict[str, Any]()
    if site.weights is not None:
        bias = site.weights.take(site.title, units)
        is_transposed = site.weights.is_transposed
        weight = site.weights.take(site.title, *((features, units) if is_transposed else (units, features)))
        weight = weight if is_transposed else weight.T
        if is_normalized:
            norm, bias = {"offset": bias, **_statistics(site, units)}, None
    y = site.builder.dense(x, weight=weight, units=units, bias=bias, has_bias=not is_normalized)
    return activated(site, _normalized(site, y, norm), "logistic")


@reads("maxpool", "max", "local_avgpool")
def pool(site: Site) -> Value:
    """A pool with size - 1 rows of padding in all, of which the first half is before the input.

    Where no window reaches the last rows of padding, they are left out.
    """
    section, x = site.section, site.image
    stride = axes_of_option(site, "stride", 1)
    size = section.integer("size", max(stride), low=1)
    padding = section.integer("padding", size - 1)
    if option := refused(site, "maxpool_depth", "antialiasing"):
        return site.lost(f"netspec has nothing for `{option}`", "", option)
    pads = []
    for old, step in zip(x.sizes[1:], stride, strict=True):
        if not isinstance(old, int) or old + padding < size:
            return site.lost(f"its window of {size} is larger than its input of {old}", "", "size")
        count = (old + padding - size) // step + 1
        before = padding // 2
        pads.append((before, max((count - 1) * step + size - old - before, 0)))
    kind = "average" if section.kind == "local_avgpool" else "max"
    return site.builder.pool(x, kind, kernel=size, stride=stride, pads=pads)


@reads("avgpool", "avg")
def average_pool(site: Site) -> Value:
    """The mean over all positions."""
    return site.builder.global_pool(site.image, "average")


@reads("softmax", "soft")
def softmax(site: Site) -> Value:
    """Probabilities of all numbers, or with `spatial` at each position."""
    section, x = site.section, site.before
    temperature = section.number("temperature", 1.0)
    if section.integer("groups", 1, low=1) != 1 or section.text("tree", ""):
        return site.lost("netspec has no softmax over groups of classes")
    if temperature <= 0:
        return site.lost("its temperature is not above 0", "", "temperature")
    if temperature != 1:
        x = site.builder.scale(x, 1 / temperature, 0.0)
    return site.builder.softmax(x if section.flag("spatial") else site.builder.flatten(x, 1), 1)


@reads("dropout")
def dropout(site: Site) -> Value:
    """Dropout, which does nothing at inference."""
    return site.builder.dropout(site.before, site.section.number("probability", 0.5))


@reads("route")
def route(site: Site) -> Value:
    """Joins the channels of layers, or of one of several equal parts of them."""
    section = site.section
    parts, part = section.integer("groups", 1, low=1), section.integer("group_id", 0)
    numbers = section.integers("layers")
    if not numbers:
        return site.lost("it names no layers", "write `layers=-1,36`")
    found = [site.layer(number, "layers") for number in numbers]
    if parts == 1 or any(x.is_lost for x in found):
        return site.builder.concat(found, 1)
    cut = []
    for x in found:
        channels = x.size(1)
        if not isinstance(channels, int) or channels % parts or part >= parts:
            return site.lost(f"{channels} channels have no part {part} of {parts}", "", "group_id")
        count = channels // parts
        cut.append(site.builder.slice(x, 1, part * count, (part + 1) * count))
    return site.builder.concat(cut, 1)


@reads("shortcut")
def shortcut(site: Site) -> Value:
    """Adds other layers."""
    section = site.section
    found = [site.before, *(site.layer(number, "from") for number in section.integers("from"))]
    if len(found) == 1:
        return site.lost("it names no layer", "write `from=-3`")
    if any(x.is_lost for x in found):
        return next(x for x in found if x.is_lost)
    if section.text("weights_type", "none") != "none" or {section.number(n, 1) for n in ("alpha", "beta")} != {1}:
        return site.lost("netspec has no sum with weights")
    if len({x.sizes for x in found}) > 1:
        shown = " and ".join(" x ".join(map(str, x.sizes)) for x in found)
        return site.lost(f"it adds {shown}, and netspec adds equal sizes only")
    return activated(site, site.builder.add(*found), "linear")


@reads("scale_channels", "sam")
def gate(site: Site) -> Value:
    """Multiplies another layer by this one: one number per channel, or one for each of its numbers."""
    numbers = site.section.integers("from")
    if len(numbers) != 1 or site.section.flag("scale_wh"):
        return site.lost("it does not name one layer that it multiplies the channels of", "write `from=-4`")
    other = site.layer(numbers[0], "from")
    if other.is_lost:
        return other
    gates = site.image
    if gates.sizes != other.sizes and gates.sizes != (other.size(1), 1, 1):
        return site.lost("its sizes do not fit those of the layer that it multiplies")
    return activated(site, site.builder.mul(other, gates), "linear")


@reads("upsample")
def upsample(site: Site) -> Value:
    """Repeats positions."""
    section = site.section
    stride = section.integer("stride", 2, low=-(10**6))
    if stride < 1 or section.flag("reverse"):
        return site.lost("netspec has nothing that adds up positions", "", "stride")
    y = site.builder.resize(site.image, factors=(stride, stride), mode="nearest")
    return site.builder.scale(y, section.number("scale", 1.0), 0.0)


@reads("reorg")
def reorg(site: Site) -> Value:
    """Positions become channels, in the order in which Darknet has them in memory.

    The numbers are read as if there were channels / stride^2 channels of stride times the height and width.
    """
    section, x = site.section, site.image
    stride = section.integer("stride", 1, low=1)
    channels, height, width = x.sizes
    if refused(site, "reverse", "flatten") or section.integer("extra", 0):
        return site.lost("netspec has nothing for its other direction", "remove `reverse`, `flatten` and `extra`")
    sizes = [size for size in (channels, height, width) if isinstance(size, int)]
    if len(sizes) < 3 or sizes[0] % stride**2 or sizes[1] % stride or sizes[2] % stride:
        return site.lost(f"{' x '.join(map(str, x.sizes))} is not divisible by its stride of {stride}", "", "stride")
    if stride == 1:
        return x
    c, h, w = sizes
    split = site.builder.reshape(x, (c // stride**2, h, stride, w, stride))
    if split.is_lost:
        return split
    moved = site.builder.transpose(split, (0, 3, 5, 1, 2, 4))
    return site.builder.reshape(moved, (c * stride**2, h // stride, w // stride))


@reads("crop")
def crop(site: Site) -> Value:
    """The center of the image; then numbers from 0 to 1 become those from -1 to 1, unless `noadjust` is set."""
    section, x = site.section, site.image
    sizes = [section.integer(f"crop_{name}", 1, low=1) for name in ("height", "width")]
    for axis, size in zip((2, 3), sizes, strict=True):
        old = x.size(axis)
        if not isinstance(old, int) or size > old:
            return site.lost(f"it crops {old} positions to {size}")
        x = site.builder.slice(x, axis, (old - size) // 2, (old - size) // 2 + size)
        if x.is_lost:
            return x
    return x if section.flag("noadjust") else site.builder.scale(x, 2.0, -1.0)


@reads("activation", "logistic")
def activation(site: Site) -> Value:
    """An activation."""
    return activated(site, site.before, "linear" if site.section.kind == "activation" else "logistic")
