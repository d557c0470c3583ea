"""Convolutions, pools, norms, and operators that change the sizes of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.torch.reading.operations.table import reads
from netspec.interchange.torch.reading.program import Call
from netspec.interchange.torch.reading.translate import Translator

EPSILON = 1.1920928955078125e-07
"""That of f32, which `rms_norm` adds by default."""


def _pairs(value: Any, axes: int) -> list[tuple[int, int]]:
    """The same padding before and after each axis."""
    sizes = [value] * axes if isinstance(value, int) else list(value) * (axes if len(value) == 1 else 1)
    return [(int(size), int(size)) for size in sizes]


def _each(value: Any, axes: int) -> list[int]:
    return [before for before, _ in _pairs(value, axes)]


@reads("conv1d", "conv2d", "conv3d", "convolution")
def conv(t: Translator, call: Call) -> Value:
    weight, bias = t.array(call["weight"]), t.array(call["bias"])
    axes = weight.ndim - 2
    if call["transposed"]:
        return transposed(t, call)
    pads = {"same": "same_upper", "valid": "valid"}.get(call["padding"]) if isinstance(call["padding"], str) else None
    return t.builder.conv(
        t.value(call["input"]),
        weight=weight,
        bias=bias,
        stride=_each(call["stride"], axes),
        pads=pads or _pairs(call["padding"], axes),
        dilation=_each(call["dilation"], axes),
        groups=int(call["groups"]),
    )


@reads("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(t: Translator, call: Call) -> Value:
    weight, bias = t.array(call["weight"]), t.array(call["bias"])
    axes = weight.ndim - 2
    return t.builder.conv_transpose(
        t.value(call["input"]),
        weight=weight,
        bias=bias,
        stride=_each(call["stride"], axes),
        pads=_pairs(call["padding"], axes),
        output_padding=_each(call["output_padding"], axes),
        dilation=_each(call["dilation"], axes),
        groups=int(call["groups"]),
    )


# ---------------------------------------------------------------- pools


@reads("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
@reads("avg_pool1d", "avg_pool2d", "avg_pool3d")
def pool(t: Translator, call: Call) -> Any:
    axes = int(call.target.partition("pool")[2][0])
    is_max = call.target.startswith("max")
    if call["divisor_override"]:
        raise CannotSay("it divides by another number than that of the window")
    more = {"dilation": _each(call["dilation"], axes)} if is_max else {"count_include_pad": call["count_include_pad"]}
    y = t.builder.pool(
        _image(t, call, axes),
        "max" if is_max else "average",
        kernel=_each(call["kernel_size"], axes),
        stride=_each(call["stride"] or call["kernel_size"], axes),
        pads=_pairs(call["padding"], axes),
        ceil=bool(call["ceil_mode"]),
        **more,
    )
    return (y, None) if call.target.endswith("indices") else y


def _image(t: Translator, call: Call, axes: int) -> Value:
    x = t.value(call.first)
    if not x.is_lost and x.rank != axes + 2:
        raise CannotSay("its input has no batch")
    return x


@reads("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
@reads("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_pool(t: Translator, call: Call) -> Any:
    axes = int(call.target[-2])
    is_max = "max" in call.target
    x = _image(t, call, axes)
    sizes = _each(call["output_size"], axes)
    if not x.is_lost and [x.size(axis) for axis in range(2, x.rank)] == sizes:
        return (x, None) if is_max else x
    y = t.builder.adaptive_pool(x, "max" if is_max else "average", sizes)
    return (y, None) if is_max else y


# ---------------------------------------------------------------- norms


@reads("batch_norm")
def batch_norm(t: Translator, call: Call) -> Value:
    mean, variance = t.array(call["running_mean"]), t.array(call["running_var"])
    if call["training"] or mean is None or variance is None:
        raise CannotSay("it normalizes with the mean of the batch, not with running statistics")
    scale, offset = t.array(call["weight"]), t.array(call["bias"])
    return t.builder.batchnorm(
        t.value(call["input"]),
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=float(call["eps"]),
        momentum=1 - float(call["momentum"] or 0.1),
        has_scale=scale is not None,
        has_offset=offset is not None,
    )


@reads("layer_norm", "rms_norm")
def layer_norm(t: Translator, call: Call) -> Any:
    scale, offset = t.array(call["weight"]), t.array(call["bias"])
    axes = tuple(range(-len(call["normalized_shape"]), 0))
    options: dict[str, Any] = {"scale": scale, "axes": axes, "has_scale": scale is not None}
    norm: Callable[..., Value] = t.builder.rmsnorm
    if call.target == "layer_norm":
        norm = t.builder.layernorm
        options |= {"offset": offset, "has_offset": offset is not None}
    epsilon = EPSILON if call["eps"] is None else float(call["eps"])
    return t.each_row(call["input"], lambda x: norm(x, epsilon=epsilon, **options), alone=len(axes) > 1)


@reads("group_norm")
def group_norm(t: Translator, call: Call) -> Value:
    scale, offset = t.array(call["weight"]), t.array(call["bias"])
    more = {"scale": scale, "offset": offset, "has_scale": scale is not None, "has_offset": offset is not None}
    return t.builder.groupnorm(
        t.value(call["input"]), groups=int(call["num_groups"]), epsilon=float(call["eps"]), **more
    )


@reads("instance_norm")
def instance_norm(t: Translator, call: Call) -> Value:
    scale, offset = t.array(call["weight"]), t.array(call["bias"])
    more = {"scale": scale, "offset": offset, "has_scale": scale is not None, "has_offset": offset is not None}
    x, epsilon = t.value(call["input"]), float(call["eps"])
    if call["use_input_stats"]:
        return t.builder.instancenorm(x, epsilon=epsilon, **more)
    mean, variance = t.array(call["running_mean"]), t.array(call["running_var"])
    return t.builder.batchnorm(x, mean=mean, variance=variance, epsilon=epsilon, **more)


# ---------------------------------------------------------------- sizes

METHODS = {"nearest": "nearest", "nearest_exact": "nearest-exact", "bicubic": "bicubic"} | dict.fromkeys(
    ("linear", "bilinear", "trilinear"), "bilinear"
)


@reads("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d")
@reads("_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d")
@reads("upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
def resize(t: Translator, call: Call) -> Value:
    name = call.target.strip("_").removeprefix("upsample_")
    if call["align_corners"]:
        raise CannotSay("netspec has no interpolation with `align_corners`")
    size = call["output_size"] if call["output_size"] is not None else t.program.shapes[call.name][2:]
    return t.builder.resize(
        t.value(call.first),
        size=[int(n) for n in size],
        mode=METHODS[name.removesuffix("_aa")[:-2]],
        antialias=name.endswith("_aa"),
    )


@reads("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
@reads("replication_pad1d", "replication_pad2d", "replication_pad3d")
def pad(t: Translator, call: Call) -> Value:
    amounts = call["pad"] if call["pad"] is not None else call["padding"]
    mode = call["mode"] if call.target == "pad" else call.target.partition("_")[0]
    word = {"reflect": "reflect", "reflection": "reflect", "replicate": "edge", "replication": "edge"} | {
        "constant": "constant",
        "circular": "wrap",
    }
    x = t.value(call.first)
    if x.is_lost:
        return x
    sides = _sides([int(n) for n in amounts], x.rank)
    if any(sides[0]):
        raise CannotSay("it pads the batch")
    return t.builder.pad(x, sides[1:], word[mode], float(call["value"] or 0))


def _sides(amounts: Sequence[int], rank: int) -> list[tuple[int, int]]:
    """The padding of each axis: PyTorch starts with that of the last one."""
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    return [(0, 0)] * (rank - len(pairs)) + pairs[::-1]


@reads("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def shuffle(t: Translator, call: Call) -> Value:
    """Rearranges channels and positions: reshapes and a transpose."""
    x = t.value(call.first)
    if x.is_lost:
        return x
    channels, *space = (int(str(size)) for size in x.sizes)
    if call.target == "channel_shuffle":
        groups = int(call["groups"])
        y = t.builder.reshape(x, [groups, channels // groups, *space])
        return t.builder.reshape(t.builder.transpose(y, [0, 2, 1, 3, 4]), [channels, *space])
    height, width = space
    if call.target == "pixel_shuffle":
        r = int(call["upscale_factor"])
        y = t.builder.reshape(x, [channels // r**2, r, r, height, width])
        y = t.builder.transpose(y, [0, 1, 4, 2, 5, 3])
        return t.builder.reshape(y, [channels // r**2, height * r, width * r])
    r = int(call["downscale_factor"])
    y = t.builder.reshape(x, [channels, height // r, r, width // r, r])
    y = t.builder.transpose(y, [0, 1, 3, 5, 2, 4])
    return t.builder.reshape(y, [channels * r**2, height // r, width // r])
