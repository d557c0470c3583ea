"""What each operator of MXNet computes, by its name.

Reference: `mxnet.symbol` of MXNet 1.9; names with an underscore or a capital are those of older versions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

from netspec.interchange.configs.mxnet.arrange import ARRANGE
from netspec.interchange.configs.mxnet.merge import MERGE
from netspec.interchange.configs.mxnet.site import Site
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.layers import activations as words
from netspec.layers.activations import Activation
from netspec.layers.norm import L2Norm

Operator = Callable[[Site], "Value | list[Value]"]
ARRAYS = {
    **dict.fromkeys(
        ("Convolution", "Deconvolution", "FullyConnected", "LayerNorm", "InstanceNorm", "GroupNorm"), (1, 2)
    ),
    **dict.fromkeys(("BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm"), (1, 2, 3, 4)),
    **dict.fromkeys(("LeakyReLU", "Embedding", "SoftmaxOutput", "Softmax", "LinearRegressionOutput"), (1,)),
    **dict.fromkeys(("LogisticRegressionOutput", "MAERegressionOutput", "SVMOutput"), (1,)),
}
"""Which inputs of an operator are weights or labels, not tensors that are computed."""


# ---------------------------------------------------------------- layers with weights


def _channels(x: Value) -> int:
    """The size of axis 1."""
    size = x.size(1) if x.rank > 1 else None
    if not isinstance(size, int):
        raise CannotSay("the number of its channels is not known")
    return size


def _filters(site: Site, *, has_bias: bool) -> dict[str, Any]:
    """What convolutions and transposed ones have in common, as arguments of the builder; `has_bias` is the default."""
    own = site.attributes
    _check_layout(site)
    filters, groups = own.integer("num_filter", 0), own.integer("num_group", 1)
    kernel, has_bias = own.integers("kernel"), not own.flag("no_bias", not has_bias)
    if filters < 1 or groups < 1 or not kernel:
        raise CannotSay("it has no `num_filter` and `kernel`")
    return {
        "filters": filters,
        "kernel": kernel,
        "bias": site.array(2, (filters,)) if has_bias else None,
        "has_bias": has_bias,
        "stride": own.axes("stride", 1),
        "pads": [(pad, pad) for pad in own.integers("pad") or (0,) * len(kernel)],
        "dilation": own.axes("dilate", 1),
        "groups": groups,
    }


def convolution(site: Site) -> Value:
    """`Convolution`, whose kernel is filters x inputs / groups x …"""
    own = _filters(site, has_bias=True)
    sizes = (own["filters"], _channels(site.x) // own["groups"], *own["kernel"])
    return site.builder.conv(site.x, weight=site.array(1, sizes), **own)


def deconvolution(site: Site) -> Value:
    """`Deconvolution`, whose kernel is inputs x filters / groups x …"""
    own = _filters(site, has_bias=False)
    if any(site.attributes.integers("target_shape")):
        raise CannotSay("its padding depends on `target_shape`", "set `pad` and `adj` instead")
    sizes = (_channels(site.x), own["filters"] // own["groups"], *own["kernel"])
    added = site.attributes.axes("adj", 0)
    return site.builder.conv_transpose(site.x, weight=site.array(1, sizes), output_padding=added, **own)


def fully_connected(site: Site) -> Value:
    own, x = site.attributes, site.x
    units, has_bias = own.integer("num_hidden", 0), not own.flag("no_bias", False)
    if units < 1:
        raise CannotSay("it has no `num_hidden`")
    if own.flag("flatten", True) and x.rank > 2:
        x = site.builder.flatten(x)
    weight = site.array(1)
    if weight is not None and (weight.ndim != 2 or weight.shape[0] != units):
        raise CannotSay(f"its weight is not {units} x inputs")
    bias = site.array(2, (units,)) if has_bias else None
    kernel = None if weight is None else weight.T
    return site.builder.dense(x, weight=kernel, units=units, bias=bias, has_bias=has_bias)


def embedding(site: Site) -> Value:
    own = site.attributes
    count, features = own.integer("input_dim", 0), own.integer("output_dim", 0)
    if count < 1 or features < 1:
        raise CannotSay("it has no `input_dim` and `output_dim`")
    return site.builder.embedding(site.x, table=site.array(1, (count, features)), features=features)


def _check_layout(site: Site) -> None:
    layout = site.attributes.text("layout")
    if layout not in ("", "NCW", "NCHW", "NCDHW"):
        raise CannotSay(f"its layout is {layout[:20]}", "netspec imports layouts with the channels first: NCHW")


# ---------------------------------------------------------------- normalization


def batchnorm(site: Site) -> Value:
    own, x = site.attributes, site.x
    if own.integer("axis", 1) not in (1, 1 - x.rank):
        raise CannotSay(
            "it normalizes another axis than the channels", "netspec imports layouts with the channels first"
        )
    sizes, names = (_channels(x),), site.names
    has_scale = not own.flag("fix_gamma", True)
    statistics = names[3:5] if len(names) >= 5 else [f"{site.node.name}_moving_{n}" for n in ("mean", "var")]
    return site.builder.batchnorm(
        x,
        scale=site.array(1, sizes) if has_scale else None,
        offset=site.array(2, sizes),
        mean=site.checked(statistics[0], sizes),
        variance=site.checked(statistics[1], sizes),
        epsilon=own.number("eps", 1e-3),
        momentum=own.number("momentum", 0.9),
        has_scale=has_scale,
    )


def layernorm(site: Site) -> Value:
    axis = site.attributes.integer("axis", -1)
    epsilon = site.attributes.number("eps", 1e-5)
    return site.builder.layernorm(
        site.x, scale=site.array(1), offset=site.array(2), epsilon=epsilon, axes=(axis % max(site.x.rank, 1),)
    )


def instancenorm(site: Site) -> Value:
    sizes, epsilon = (_channels(site.x),), site.attributes.number("eps", 1e-3)
    return site.builder.instancenorm(site.x, scale=site.array(1, sizes), offset=site.array(2, sizes), epsilon=epsilon)


def groupnorm(site: Site) -> Value:
    sizes, groups = (_channels(site.x),), site.attributes.integer("num_groups", 1)
    return site.builder.groupnorm(
        site.x,
        groups=groups,
        scale=site.array(1, sizes),
        offset=site.array(2, sizes),
        epsilon=site.attributes.number("eps", 1e-5),
    )


def lrn(site: Site) -> Value:
    own = site.attributes
    if not own.has("nsize"):
        raise CannotSay("it has no `nsize`")
    return site.builder.lrn(
        site.x,
        size=own.integer("nsize", 5),
        alpha=own.number("alpha", 1e-4),
        beta=own.number("beta", 0.75),
        bias=own.number("knorm", 2.0),
    )


def l2_normalization(site: Site) -> Value:
    """MXNet adds `eps` to the sum of squares, netspec divides by at least its root: the same for all but tiny norms."""
    own, x = site.attributes, site.x
    mode, epsilon = own.text("mode", "instance"), own.number("eps", 1e-10)
    if mode == "spatial" or (mode == "instance" and x.rank > 2) or not 0 < epsilon <= 1e-8:
        raise CannotSay("netspec divides by the norm over the channels, with an `eps` of at most 1e-8")
    x = site.builder.opened(x)
    return site.builder.after(site.builder.channels_last(x), L2Norm(epsilon=sqrt(epsilon)))


# ---------------------------------------------------------------- activations and outputs

ACTIVATIONS: dict[str, Activation] = {
    "relu": words.Relu(),
    "sigmoid": words.Sigmoid(),
    "tanh": words.Tanh(),
    "softrelu": words.Softplus(),
    "softsign": words.Softsign(),
    "mish": words.Mish(),
}


def activation(site: Site) -> Value:
    kind = site.attributes.text("act_type", "relu")
    if kind not in ACTIVATIONS:
        raise CannotSay(f"netspec has no activation `{kind[:30]}`")
    return site.builder.activation(site.x, ACTIVATIONS[kind])


def plain(word: Activation) -> Operator:
    """An operator that is an activation."""
    return lambda site: site.builder.activation(site.x, word)


def leaky_relu(site: Site) -> Value:
    own, x, kind = site.attributes, site.x, site.attributes.text("act_type", "leaky")
    slope = own.number("slope", 0.25)
    if kind == "prelu":
        slopes = site.array(1)
        return site.builder.activation(x, words.Prelu(), slopes)
    if kind == "rrelu":  # at inference the mean of the random slopes
        slope = (own.number("lower_bound", 0.125) + own.number("upper_bound", 0.334)) / 2
    if kind in ("leaky", "rrelu"):
        return site.builder.activation(x, words.LeakyRelu(slope=slope))
    if kind == "elu":
        return site.builder.activation(x, words.Elu(alpha=slope))
    if kind in ("selu", "gelu"):
        return site.builder.activation(x, words.Selu() if kind == "selu" else words.Gelu())
    raise CannotSay(f"netspec has no activation `{kind[:30]}`")


def hard_sigmoid(site: Site) -> Value:
    alpha, beta = site.attributes.number("alpha", 0.2), site.attributes.number("beta", 0.5)
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise CannotSay("netspec has the hard sigmoid with a slope of 1 / 6 only")
    return site.builder.activation(site.x, words.Hardsigmoid())


def clip(site: Site) -> Value:
    low, high = site.attributes.number("a_min", 0.0), site.attributes.number("a_max", 0.0)
    if low != 0 or (high != 6 and high < 1e30):
        raise CannotSay(f"netspec cuts numbers off at 0 and 6 only, not at {low:g} and {high:g}")
    return site.builder.activation(site.x, words.Relu6() if high == 6 else words.Relu())


def softmax(site: Site) -> Value:
    own, x = site.attributes, site.x
    temperature = own.number("temperature", 1.0)
    if own.flag("use_length", False) or temperature <= 0:
        raise CannotSay("netspec has no softmax over a length that is computed, or with a temperature of 0")
    if temperature != 1:
        x = site.builder.scale(x, 1 / temperature)
    return site.builder.softmax(x, own.integer("axis", -1), log=site.node.op == "log_softmax")


def softmax_output(site: Site) -> Value:
    """The probabilities; the label is an input of the training only."""
    own, x = site.attributes, site.x
    if x.rank == 2 or own.flag("multi_output", False) or own.text("mode") == "channel":
        return site.builder.softmax(x, 1)
    if own.flag("preserve_shape", False):
        return site.builder.softmax(x, -1)
    raise CannotSay("its probabilities are over all numbers of an example", "flatten its input first")


def first(site: Site) -> Value:
    """An operator that computes nothing at inference."""
    return site.x


def dropout(site: Site) -> Value:
    rate, axes = site.attributes.number("p", 0.5), site.attributes.integers("axes")
    is_spatial = len(axes) > 0 and axes == tuple(range(2, site.x.rank))
    if not 0 <= rate < 1 or (axes and not is_spatial):
        raise CannotSay(f"netspec drops numbers or channels with a rate below 1, not {rate:g}")
    return site.builder.dropout(site.x, rate, "channel" if is_spatial else "number")


# ---------------------------------------------------------------- pooling and sizes


def pooling(site: Site) -> Value:
    own, x = site.attributes, site.x
    _check_layout(site)
    kind = own.text("pool_type", "max")
    if kind not in ("max", "avg", "sum"):
        raise CannotSay(f"netspec has no pooling `{kind[:30]}`")
    space = [size for size in x.sizes[1:] if isinstance(size, int)]
    if own.flag("global_pool", False):
        y = site.builder.global_pool(x, "max" if kind == "max" else "average")
        if kind != "sum":
            return y
        if len(space) < x.rank - 2:
            raise CannotSay("the size of its input is not known")
        return site.builder.scale(y, float(prod(space)))
    kernel = own.integers("kernel")
    if not kernel or len(kernel) != x.rank - 2:
        raise CannotSay(f"its kernel has {len(kernel)} axes for an input of {max(x.rank - 2, 0)}")
    stride, pad = own.integers("stride") or (1,) * len(kernel), own.integers("pad") or (0,) * len(kernel)
    convention = own.text("pooling_convention", "valid")
    if convention not in ("valid", "full") or not len(stride) == len(pad) == len(kernel) or min(stride) < 1:
        raise CannotSay("its windows are not those of netspec")
    if convention == "full":
        _check_full(space, kernel, stride, pad)
    counts = kind == "sum" or own.flag("count_include_pad", True)
    y = site.builder.pool(
        x,
        "max" if kind == "max" else "average",
        kernel=kernel,
        stride=stride,
        pads=[(margin, margin) for margin in pad],
        ceil=convention == "full",
        count_include_pad=counts and kind != "max",
    )
    return site.builder.scale(y, float(prod(kernel))) if kind == "sum" else y


def _check_full(space: list[int], kernel: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...]) -> None:
    """MXNet also has a window that begins after the input: netspec, as PyTorch and Caffe, leaves it out."""
    for size, k, s, p in zip(space, kernel, stride, pad, strict=False):
        if -(-(size + 2 * p - k) // s) * s >= size + p:
            raise CannotSay("its last window is outside of its input", "use the pooling convention `valid`")


def adaptive_pooling(site: Site) -> Value:
    sizes = site.attributes.integers("output_size") or (1,)
    return site.builder.adaptive_pool(site.x, "average", sizes if len(sizes) > 1 else sizes[0])


def upsampling(site: Site) -> Value:
    own = site.attributes
    if own.text("sample_type", "nearest") != "nearest" or len(site.tensors) != 1:
        raise CannotSay("netspec imports `nearest` upsampling of one tensor")
    factor = float(own.integer("scale", 1))
    return site.builder.resize(site.x, factors=[factor] * (site.x.rank - 2), mode="nearest")


def pad(site: Site) -> Value:
    own, x = site.attributes, site.x
    widths, mode = own.integers("pad_width"), own.text("mode", "constant")
    pairs = list(zip(widths[::2], widths[1::2], strict=False))
    if len(widths) != 2 * x.rank or pairs[0] != (0, 0) or mode not in ("constant", "edge", "reflect"):
        raise CannotSay("its padding is not that of positions")
    return site.builder.pad(x, pairs[1:], mode, own.number("constant_value", 0.0))


OPERATORS: dict[str, Operator] = {
    "Convolution": convolution,
    "Convolution_v1": convolution,
    "Deconvolution": deconvolution,
    "FullyConnected": fully_connected,
    "Embedding": embedding,
    "BatchNorm": batchnorm,
    "BatchNorm_v1": batchnorm,
    "_contrib_SyncBatchNorm": batchnorm,
    "LayerNorm": layernorm,
    "InstanceNorm": instancenorm,
    "GroupNorm": groupnorm,
    "LRN": lrn,
    "L2Normalization": l2_normalization,
    "Activation": activation,
    "LeakyReLU": leaky_relu,
    "relu": plain(words.Relu()),
    "sigmoid": plain(words.Sigmoid()),
    "tanh": plain(words.Tanh()),
    "softsign": plain(words.Softsign()),
    "hard_sigmoid": hard_sigmoid,
    "clip": clip,
    "softmax": softmax,
    "log_softmax": softmax,
    "SoftmaxActivation": softmax_output,
    "SoftmaxOutput": softmax_output,
    "Softmax": softmax_output,
    "LogisticRegressionOutput": plain(words.Sigmoid()),
    "LinearRegressionOutput": first,
    "MAERegressionOutput": first,
    "SVMOutput": first,
    "MakeLoss": first,
    "BlockGrad": first,
    "identity": first,
    "_copy": first,
    "Cast": first,
    "Dropout": dropout,
    "Pooling": pooling,
    "Pooling_v1": pooling,
    "_contrib_AdaptiveAvgPooling2D": adaptive_pooling,
    "UpSampling": upsampling,
    "Pad": pad,
    "pad": pad,
    **ARRANGE,
    **MERGE,
}
