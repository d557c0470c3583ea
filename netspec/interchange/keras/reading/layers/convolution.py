"""Convolutions, transposed ones, and dense layers."""

from __future__ import annotations

from typing import Any

from netspec.interchange.keras.reading.layers.activations import activation_of
from netspec.interchange.keras.reading.options import extent, kernel
from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.keras.reading.training_options import frozen, of_kernel, penalty
from netspec.interchange.reading.sketch import Step
from netspec.interchange.writing.windows import same_padding
from netspec.layers.dense import Dense, Embedding
from netspec.layers.spatial.conv import Conv, Depthwise
from netspec.layers.spatial.cropping import Pad
from netspec.layers.spatial.transposed_conv import Upconv

NUMBERS = {"1D": 1, "2D": 2, "3D": 3}


def dimensions(site: Site, x: Value) -> int:
    """The number of spatial axes of a layer whose class says it.

    Raises:
        Unreadable: the tensor has others.
    """
    count = next(count for mark, count in NUMBERS.items() if mark in site.layer.kind)
    if x.rank != count + 1:
        raise Unreadable(f"it takes {x.step.shape}")
    return count


def _window(site: Site, step: Step, count: int) -> tuple[Step, dict[str, Any]]:
    """The options of the window, and what it slides over: padding before it becomes an option."""
    found: dict[str, Any] = {
        "kernel": kernel(site.axes("kernel_size", count)),
        "stride": extent(site.axes("strides", count)),
        "dilation": extent(site.axes("dilation_rate", count)),
        "pad": str(site.get("padding", "valid")).lower(),
    }
    if found["pad"] == "causal":
        reach = (site.axes("kernel_size", 1)[0] - 1) * site.axes("dilation_rate", 1)[0]
        found["pad"] = "valid"
        step = site.add(Pad, step, margin=[[reach, 0]], name="") if reach else step
    elif found["pad"] == "valid" and isinstance(step.layer, Pad):
        pad = _as_option(site, step.layer, step.inputs[0], count)
        if pad is not None:
            found["pad"], step = pad, step.inputs[0]
    return step, found


def _as_option(site: Site, layer: Pad, x: Step, count: int) -> Any:
    """The option `pad` for a layer that pads before a window; None if it has none like it."""
    if not isinstance(layer.margin, list):
        return layer.margin
    sizes = [size if isinstance(size, int) else 0 for size in x.shape.space]
    windows = (site.axes(name, count) for name in ("kernel_size", "strides", "dilation_rate"))
    rule = [list(same_padding(*axis)) for axis in zip(sizes, *windows, strict=True)]
    return "same" if rule == layer.margin and all(sizes) else None


def _finished(site: Site, x: Value, step: Step) -> Value:
    """The value of a convolution; Keras forgets there which steps are padding."""
    value = site.spread(site.activated(step, activation_of(site, site.get("activation"))), x)
    return unmasked(value) if x.is_masked else value


def unmasked(x: Value) -> Value:
    """A value whose padding Keras does not know any longer."""
    return Value(x.step, x.is_first, is_unmasked=True)


@reads("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def convolution(site: Site, x: Value) -> Value:
    step, window = _window(site, site.spatial(x), dimensions(site, x))
    weights = {"kernel": site.array("vars/0"), "bias": site.array("vars/1")}
    options = {"filters": site.get("filters"), "groups": site.get("groups", 1), "bias": site.flag("use_bias")}
    return _finished(site, x, site.add(Conv, step, weights=weights, **options, **window, **of_kernel(site)))


@reads("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(site: Site, x: Value) -> Value:
    step, window = _window(site, site.spatial(x), dimensions(site, x))
    weights = {"kernel": _apart(site), "bias": site.array("vars/1")}
    options = {"multiplier": site.get("depth_multiplier", 1), "bias": site.flag("use_bias")}
    return _finished(
        site, x, site.add(Depthwise, step, weights=weights, **options, **window, **of_kernel(site, "depthwise"))
    )


def _apart(site: Site) -> Any:
    """A depthwise kernel: window x channels x filters of each in Keras, window x 1 x filters in netspec."""
    array = site.array("vars/0")
    return None if array is None else array.reshape(*array.shape[:-2], 1, -1)


@reads("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable(site: Site, x: Value) -> Value:
    step, window = _window(site, site.spatial(x), dimensions(site, x))
    multiplier = site.get("depth_multiplier", 1)
    options = of_kernel(site, "depthwise", has_bias=False)
    name = f"{site.name}_depthwise"
    step = site.add(
        Depthwise,
        step,
        weights={"kernel": _apart(site)},
        bias=False,
        multiplier=multiplier,
        name=name,
        **window,
        **options,
    )
    weights = {"kernel": site.array("vars/1"), "bias": site.array("vars/2")}
    options = {"filters": site.get("filters"), "kernel": kernel((1,) * (x.rank - 1)), "bias": site.flag("use_bias")}
    mixed = site.add(
        Conv, step, weights=weights, name=f"{site.name}_pointwise", **options, **of_kernel(site, "pointwise")
    )
    return _finished(site, x, mixed)


@reads("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Deconvolution2D", "Convolution2DTranspose")
def transposed(site: Site, x: Value) -> Value:
    count = dimensions(site, x)
    sizes, strides, dilations = (site.axes(n, count) for n in ("kernel_size", "strides", "dilation_rate"))
    extra = None if site.get("output_padding") is None else site.axes("output_padding", count)
    is_same = str(site.get("padding", "valid")).lower() == "same"
    options: dict[str, Any] = {"pad": "same"}
    if not is_same or extra is not None:
        reach = [(k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True)]
        pads, added = zip(*(_cropped(is_same, k, s, e) for k, s, e in _axes(reach, strides, extra)), strict=True)
        options = {"pad": extent(pads) if any(pads) else "valid", "output_pad": extent(added)}
    weights = {"kernel": site.array("vars/0"), "bias": site.array("vars/1")}
    options |= {"filters": site.get("filters"), "bias": site.flag("use_bias"), "kernel": kernel(sizes)}
    options |= {"stride": extent(strides), "dilation": extent(dilations)}
    return _finished(site, x, site.add(Upconv, site.spatial(x), weights=weights, **options, **of_kernel(site)))


def _axes(reach: Any, strides: Any, extra: Any) -> Any:
    return zip(reach, strides, extra if extra is not None else [None] * len(strides), strict=True)


def _cropped(is_same: bool, reach: int, stride: int, extra: int | None) -> tuple[int, int]:
    """`pad` and `output_pad` of an axis, for the extent of the kernel, its stride and the `output_padding` of Keras."""
    if not is_same:
        return 0, max(reach, stride) - reach if extra is None else extra
    assert extra is not None
    total = reach + reach % 2 - 2 + extra
    start = min(total // 2 + total % 2, reach - 1)
    if total - 2 * start < 0:
        raise Unreadable(f"its `output_padding` of {extra} crops more at the end than at the start")
    return reach - 1 - start, total - 2 * start


# ---------------------------------------------------------------- dense layers


@reads("Dense")
def dense(site: Site, x: Value) -> Value:
    step = site.plain(x)
    units = site.get("units", site.get("output_dim"))
    options = {"bias": site.flag("use_bias"), **of_kernel(site)}
    weights = {"kernel": site.array("vars/0"), "bias": site.array("vars/1")}
    if x.rank <= 2:
        step = site.add(Dense, step, weights=weights, units=units, **options)
    else:  # Keras takes each position of an image, as a convolution does
        ones = (1,) * (x.rank - 1)
        array = weights["kernel"]
        weights["kernel"] = None if array is None else array.reshape(*ones, *array.shape)
        step = site.add(Conv, step, weights=weights, filters=units, kernel=kernel(ones), **options)
    step = site.activated(step, activation_of(site, site.get("activation")))
    return Value(step, is_masked=x.is_masked, is_unmasked=x.is_unmasked)


@reads("Embedding")
def embedding(site: Site, x: Value) -> Value:
    if not x.step.shape.is_tokens:
        raise Unreadable("it takes numbers that are computed, not an input of the model")
    options = {"features": site.get("output_dim"), **frozen(site), **penalty(site, "embeddings_regularizer")}
    step = site.add(Embedding, x.step, weights={"embedding": site.array("vars/0")}, **options)
    return Value(step, is_masked=x.step.pad is not None and site.flag("mask_zero", False))
