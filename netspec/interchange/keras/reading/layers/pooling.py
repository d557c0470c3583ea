"""Pooling, upsampling, cropping and padding."""

from __future__ import annotations

from typing import Any

from netspec.interchange.keras.reading.layers.convolution import dimensions, unmasked
from netspec.interchange.keras.reading.options import extent
from netspec.interchange.keras.reading.problems import Damaged, Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.layers.sequence.steps import MeanPool
from netspec.layers.spatial.cropping import Crop, Pad
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from netspec.layers.spatial.resize import Resize, Upsample
from netspec.layers.spatial.windows import dropped


@reads(*(f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)))
def pool(site: Site, x: Value) -> Value:
    count, step = dimensions(site, x), site.spatial(x)
    sizes = site.axes("pool_size", count, 2)
    strides = site.axes("strides", count) if site.get("strides") is not None else sizes
    pad = str(site.get("padding", "valid")).lower()
    options: dict[str, Any] = {"window": extent(sizes), "pad": pad}
    if strides != sizes:
        options["stride"] = extent(strides)
    if pad == "valid" and any(dropped(step.shape, kernel=sizes, stride=strides, pad=pad)):
        options["ceil"] = False  # as Keras does, and said so that there is no warning
    kind = MaxPool if site.layer.kind.startswith("Max") else AvgPool
    value = site.spread(site.add(kind, step, **options), x)
    return unmasked(value) if x.is_masked else value


@reads(*(f"Adaptive{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)))
def adaptive_pool(site: Site, x: Value) -> Value:
    to = site.axes("output_size", dimensions(site, x))
    kind = MaxPool if "Max" in site.layer.kind else AvgPool
    return site.spread(site.add(kind, site.spatial(x), to=extent(to)), x)


@reads(*(f"Global{kind}{n}D" for kind in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool") for n in (1, 2, 3)))
def global_pool(site: Site, x: Value) -> Value:
    dimensions(site, x)
    keep, is_max = site.flag("keepdims", False), "Max" in site.layer.kind
    if x.is_masked and not is_max:
        if keep:
            raise Unreadable("it averages over steps that are not padding, and keeps their axis")
        return Value(site.add(MeanPool, x.step))
    step = site.add(GlobalMaxPool if is_max else GlobalAvgPool, site.spatial(x), keep=keep)
    return site.spread(step, Value(x.step, x.is_first))


@reads("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsample(site: Site, x: Value) -> Value:
    method = str(site.get("interpolation", "nearest"))
    if method not in ("nearest", "bilinear"):
        raise Unreadable(f"the interpolation `{method}` of Keras is another one than that of netspec")
    factor = extent(site.axes("size", dimensions(site, x), 2))
    return site.spread(site.add(Upsample, site.spatial(x), factor=factor, method=method), x)


@reads("Resizing")
def resize(site: Site, x: Value) -> Value:
    method = str(site.get("interpolation", "bilinear"))
    if method not in ("nearest", "bilinear") or site.flag("antialias", False):
        raise Unreadable(f"the interpolation `{method}` of Keras is another one than that of netspec")
    if site.flag("crop_to_aspect_ratio", False) or site.flag("pad_to_aspect_ratio", False):
        raise Unreadable("it keeps the ratio of height and width")
    size = (site.axes("height", 1)[0], site.axes("width", 1)[0])
    return site.spread(site.add(Resize, site.spatial(x), size=extent(size), method=method), x)


@reads("CenterCrop")
def center_crop(site: Site, x: Value) -> Value:
    size = (site.axes("height", 1)[0], site.axes("width", 1)[0])
    return site.spread(site.add(Crop, site.spatial(x), size=extent(size)), x)


@reads("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(site: Site, x: Value) -> Value:
    margin = _margin(site, "padding", dimensions(site, x))
    value = site.spread(site.add(Pad, site.spatial(x), margin=margin), x) if margin else x
    return unmasked(value) if x.is_masked else value


@reads("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(site: Site, x: Value) -> Value:
    margin = _margin(site, "cropping", dimensions(site, x))
    value = site.spread(site.add(Crop, site.spatial(x), margin=margin), x) if margin else x
    return unmasked(value) if x.is_masked else value


def _margin(site: Site, name: str, count: int) -> Any:
    """A margin, the same on all sides, by axis, or a pair for each axis."""
    given = site.get(name, 1)
    if isinstance(given, int):
        return given
    if not isinstance(given, list):
        raise Damaged(f"`{name}` of the layer `{site.layer.title}` is not a list")
    pairs = [given] if count == 1 and all(isinstance(n, int) for n in given) and len(given) == 2 else given
    pairs = [[n, n] if isinstance(n, int) else n for n in pairs]
    if len(pairs) != count or any(not isinstance(p, list) or len(p) != 2 for p in pairs):
        raise Damaged(f"`{name}` of the layer `{site.layer.title}` does not have {count} pairs")
    if all(start == end for start, end in pairs):
        return extent(tuple(start for start, _ in pairs))
    return [list(pair) for pair in pairs]
