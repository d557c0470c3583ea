"""Layers that do something during training only, and those that rescale their input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netspec.interchange.keras.reading.options import tidy
from netspec.interchange.keras.reading.problems import Damaged, Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.keras.reading.training_options import frozen
from netspec.language.lazy import np
from netspec.layers.norm import BatchNorm
from netspec.layers.regularization import Dropout, DropPath, Noise
from netspec.layers.reshape import Scale
from netspec.layers.spatial.conv import Depthwise

AUGMENTATIONS = (
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness"),
    *("RandomShear", "RandomPerspective", "RandomHue", "RandomSaturation", "RandomColorJitter", "RandomInvert"),
    *("RandomSharpness", "RandomGaussianBlur", "RandomColorDegeneration", "RandomErasing", "RandomGrayscale"),
    *("RandomPosterization", "RandomElasticTransform", "RandomWidth", "RandomHeight", "Solarization", "Equalization"),
)[:-2]
TINY = 1e-12
"""Added to a variance that is exact."""


@reads("Identity", "InputLayer")
def identity(site: Site, x: Value) -> Value:
    return x


@reads("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def dropout(site: Site, x: Value) -> Value:
    rate = site.number("rate", 0.5)
    if not rate:
        return x
    noise = site.get("noise_shape")
    kept = [size != 1 for size in noise[1:]] if isinstance(noise, list) else []
    if kept and not any(kept):
        return replace(x, step=site.add(DropPath, x.step, rate=rate))
    if kept and not all(kept):
        channel = 0 if x.is_first else -1
        if not kept[channel] or sum(kept) > 1:
            raise Unreadable(f"its `noise_shape` is {noise}")
    per = "channel" if site.layer.kind != "Dropout" or (kept and not all(kept)) else "number"
    return replace(x, step=site.add(Dropout, x.step, rate=rate, per=per))


@reads("StochasticDepth")
def stochastic_depth(site: Site, x: Value) -> Value:
    rate = site.number("drop_path_rate", site.number("rate", 0.0))
    return replace(x, step=site.add(DropPath, x.step, rate=rate)) if rate else x


@reads("GaussianNoise")
def noise(site: Site, x: Value) -> Value:
    std = site.number("stddev", 0.0)
    return replace(x, step=site.add(Noise, x.step, std=std)) if std else x


@reads("GaussianDropout", "AlphaDropout", "ActivityRegularization")
def left_out(site: Site, x: Value) -> Value:
    site.note(site.layer.kind, "netspec has no layer like it, and it does nothing at inference", "use `dropout`")
    return x


@reads(*AUGMENTATIONS)
def augmentation(site: Site, x: Value) -> Value:
    advice = "write `augment = …` in `data`, which `netspec words augment` shows"
    site.note(site.layer.kind, "it changes training images, which `data` does in netspec", advice)
    return x


# ---------------------------------------------------------------- constants


@reads("Rescaling")
def rescaling(site: Site, x: Value) -> Value:
    factor, offset = (_numbers(site, name, default) for name, default in (("scale", 1.0), ("offset", 0.0)))
    return affine(site, x, factor, offset)


def affine(site: Site, x: Value, factor: Any, offset: Any) -> Value:
    """The value times a factor plus an offset, each of them one number or one for each channel.

    A frozen `batchnorm` has numbers for channels: (x - mean) / sqrt(var).
    """
    factor, offset = np.broadcast_arrays(np.asarray(factor, np.float64), np.asarray(offset, np.float64))
    if factor.size and not np.ptp(factor) and not np.ptp(offset):
        if factor.flat[0] == 1 and offset.flat[0] == 0:
            return x
        numbers = [tidy(float(array.flat[0])) for array in (factor, offset)]
        return replace(x, step=site.add(Scale, x.step, factor=numbers[0], offset=numbers[1]))
    moved = site.on_axis(x, -1) if not x.is_first else x
    if factor.size != moved.step.shape.channels or (factor <= 0).any():
        raise Unreadable("netspec has constants for channels, which are above 0")
    if not site.is_weighted:
        site.note(site.layer.kind, "its numbers for each channel are weights", "write `normalize = standard` in `data`")
        return x
    weights = {"mean": (-offset / factor).ravel(), "var": (1 / factor**2).ravel()}
    return replace(moved, step=fixed_norm(site, moved, weights))


def fixed_norm(site: Site, x: Value, weights: dict[str, Any]) -> Any:
    """A `batchnorm` whose statistics are fixed."""
    arrays = {name: np.asarray(array, np.float32) for name, array in weights.items()}
    return site.add(BatchNorm, x.step, weights=arrays, scale=False, offset=False, epsilon=TINY, frozen=True)


def _numbers(site: Site, name: str, default: float) -> Any:
    given = site.get(name, default)
    given = given.get("config", {}).get("value") if isinstance(given, dict) else given
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise Damaged(f"`{name}` of the layer `{site.layer.title}` is not a number or a list of them") from None


@reads("Normalization")
def normalization(site: Site, x: Value) -> Value:
    if site.get("mean") is not None:
        mean, variance = (_numbers(site, name, 0.0) for name in ("mean", "variance"))
    else:
        mean, variance = site.array("vars/0"), site.array("vars/1")
        if mean is None or variance is None:
            site.note("Normalization", "its statistics are weights", "write `normalize = standard` in `data`")
            return x
    axis = site.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (None, -1, x.rank) and np.size(mean) > 1:
        raise Unreadable(f"it works on axis {axis}, which does not have the channels")
    std = np.maximum(np.sqrt(np.asarray(variance, np.float64)), 1e-7).ravel()
    mean = np.asarray(mean, np.float64).ravel()
    if site.flag("invert", False):
        return affine(site, x, std, mean)
    return affine(site, x, 1 / std, -mean / std)


@reads("LayerScale")
def layer_scale(site: Site, x: Value) -> Value:
    """A trained factor for each channel: a depthwise convolution of one point."""
    step = site.plain(x)
    factors = site.array("vars/0")
    kernel = None if factors is None else factors.reshape((*(1,) * x.rank, -1))
    options = {"kernel": 1 if x.rank == 2 else (1,) * (x.rank - 1), "bias": False, **frozen(site)}
    return Value(site.add(Depthwise, step, weights={"kernel": kernel}, **options))
