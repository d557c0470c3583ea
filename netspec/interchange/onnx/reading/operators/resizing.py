"""Interpolation: operators that give images, sequences and volumes another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np

ANY_SIZE = 8
"""Stands for a size that is not known."""


@reads("Resize", "Upsample")
def resize(network: Network, node: Node) -> Value:
    x = network.tensor(node)
    get = node.attributes.get
    places = {"Upsample": (1, None), "Resize": (2, 3)}[node.kind]
    if node.kind == "Resize" and len(node.inputs) == 2:  # opset 10
        places = (1, None)
    scales = get("scales") if node.kind == "Upsample" and len(node.inputs) < 2 else network.constant(node, places[0])
    scales = None if scales is None or not len(scales) else [float(s) for s in scales]
    sizes = None if places[1] is None else network.constant(node, places[1])
    sizes = None if sizes is None else sizes.tolist()
    axes = [axis % x.rank for axis in get("axes", range(x.rank))]
    given = dict(zip(axes, scales or sizes or (), strict=True))
    if any(given.get(axis, fill) != fill for axis, fill in ((0, 1 if scales else given.get(0)),)):
        raise CannotSay("it resizes the batch")
    if get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise CannotSay("it keeps the aspect ratio")
    if given.get(1, 1.0 if scales else x.size(1)) != (1.0 if scales else x.size(1)):
        raise CannotSay("it resizes the channels")
    positions = range(2, x.rank)
    where, is_smooth = _coordinates(node), bool(get("antialias", 0))
    factors = [given.get(axis, 1.0) for axis in positions] if scales else None
    wanted = None if scales else [int(str(given.get(axis, x.size(axis)))) for axis in positions]
    if get("mode", "nearest") == "nearest":
        mode = _nearest(node, where, [x.size(axis) for axis in positions], factors, wanted)
    else:
        mode = _smooth(node, where, [x.size(axis) for axis in positions], wanted)
    return network.builder.resize(x, factors=factors, size=wanted, mode=mode, antialias=is_smooth)


def _is_old(node: Node) -> bool:
    return node.kind == "Upsample" or len(node.inputs) == 2


def _coordinates(node: Node) -> str:
    """Where the points of the new grid are."""
    found: str = node.attributes.get("coordinate_transformation_mode", "asymmetric" if _is_old(node) else "half_pixel")
    return found


def _nearest(
    node: Node, where: str, old: Sequence[Any], factors: Sequence[float] | None, wanted: Sequence[int] | None
) -> str:
    """The nearest neighbor, as the builder names it, by which positions it takes.

    Raises:
        CannotSay: it takes others than netspec.
    """
    rounding = node.attributes.get("nearest_mode", "floor" if _is_old(node) else "round_prefer_floor")
    known = [size if isinstance(size, int) else ANY_SIZE for size in old]
    new = wanted or [int(size * factor) for size, factor in zip(known, factors or (), strict=True)]
    scales = factors or [size / before for size, before in zip(new, known, strict=True)]
    modes = ["nearest", "nearest-exact"]
    for before, after, scale in zip(known, new, scales, strict=True):
        taken = _taken(where, rounding, before, after, scale)
        index = np.arange(after)
        own = {"nearest": index * before // after, "nearest-exact": (2 * index + 1) * before // (2 * after)}
        modes = [mode for mode in modes if np.array_equal(own[mode], taken)]
    if not modes:
        raise CannotSay(f"netspec has no nearest neighbor by `{rounding}` of `{where}` coordinates for these sizes")
    return modes[-1]


def _taken(where: str, rounding: str, old: int, new: int, scale: float) -> Array:
    """The positions that are taken, one for each new one."""
    index: Array = np.arange(new)
    places: Array
    if where == "asymmetric":
        places = index / scale
    elif where in ("half_pixel", "pytorch_half_pixel"):
        places = (index + 0.5) / scale - 0.5
    elif where == "tf_half_pixel_for_nn":
        places = (index + 0.5) / scale
    elif where == "align_corners":
        places = index * (old - 1) / max(new - 1, 1)
    else:
        raise CannotSay(f"netspec has no interpolation with `{where}` coordinates")
    places = places.round(6)
    roundings = {
        "floor": np.floor(places),
        "ceil": np.ceil(places),
        "round_prefer_floor": np.ceil(places - 0.5),
        "round_prefer_ceil": np.floor(places + 0.5),
    }
    found: Array = roundings[rounding].clip(0, old - 1).astype(np.int64)
    return found


def _smooth(node: Node, where: str, old: Sequence[Any], wanted: Sequence[int] | None) -> str:
    """The interpolation, as the builder names it.

    Raises:
        CannotSay: it places the points of the new grid as netspec does not.
    """
    get = node.attributes.get
    if where not in ("half_pixel", "pytorch_half_pixel"):
        raise CannotSay(f"netspec has no interpolation with `{where}` coordinates")
    if where == "pytorch_half_pixel" and any(n == 1 != o for n, o in zip(wanted or (), old, strict=bool(wanted))):
        raise CannotSay("it takes the first position where one is left, and not the middle")
    is_smaller = any(n < int(str(o)) for n, o in zip(wanted or (), old, strict=bool(wanted))) or not wanted
    if get("antialias", 0) and is_smaller and not get("exclude_outside", 0):
        raise CannotSay("it averages over what is outside, too, which netspec leaves out")
    if get("mode") == "linear":
        return "bilinear"
    if get("cubic_coeff_a", -0.75) != -0.75 or get("exclude_outside", 0):
        raise CannotSay("it interpolates with another kernel than netspec's")
    return "bicubic"
