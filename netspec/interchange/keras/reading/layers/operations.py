"""Operations of `keras.ops` that are not layers: `x + 1`, `keras.ops.relu(x)`."""

from __future__ import annotations

from typing import Any

from netspec.interchange.keras.reading.layers.activations import NAMES, applied, softmax_on
from netspec.interchange.keras.reading.layers.merges import joined, merged
from netspec.interchange.keras.reading.layers.regularization import affine
from netspec.interchange.keras.reading.layers.reshaping import reshaped
from netspec.interchange.keras.reading.options import make
from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.language.lazy import np
from netspec.layers.activations import Elu, Gelu, LeakyRelu
from netspec.layers.norm import L2Norm
from netspec.layers.sequence.steps import First, Last
from netspec.layers.spatial.pool import GlobalAvgPool, GlobalMaxPool

ACTIVATIONS = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "silu",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "LogSoftmax": "log_softmax",
    "Softmax": "softmax",
}
MERGES = {"Add": "Add", "Multiply": "Multiply", "Subtract": "Subtract", "Maximum": "Maximum", "Minimum": "Minimum"}


def _option(site: Site, name: str, default: Any = None) -> Any:
    """An option that was given to the operation when it was made or when it was called."""
    found = site.kwargs.get(name)
    return site.get(name, default) if found is None else found


@reads(*(f"ops.{name}" for name in ACTIVATIONS))
def activation(site: Site, x: Value) -> Value:
    word = NAMES[ACTIVATIONS[site.layer.kind.removeprefix("ops.")]]
    axis = _option(site, "axis", -1)
    return applied(site, x, word) if axis == -1 else softmax_on(site, x, word, axis)


@reads("ops.LeakyRelu", "ops.Elu", "ops.Gelu")
def with_options(site: Site, x: Value) -> Value:
    match site.layer.kind:
        case "ops.LeakyRelu":
            return applied(site, x, make(LeakyRelu, slope=_option(site, "negative_slope", 0.2)))
        case "ops.Elu":
            return applied(site, x, make(Elu, alpha=_option(site, "alpha", 1.0)))
    return applied(site, x, make(Gelu, approximate=bool(_option(site, "approximate", True))))


@reads(*(f"ops.{name}" for name in (*MERGES, "Divide", "TrueDivide", "Negative")))
def arithmetic(site: Site, *values: Value) -> Value:
    kind = site.layer.kind.removeprefix("ops.")
    if kind == "Negative":
        return affine(site, values[0], -1.0, 0.0)
    operands = [_operand(item) for item in (*site.args, *site.kwargs.values()) if item is not None][:2]
    if len(operands) != 2:
        raise Unreadable("it does not take two operands")
    a, b = operands
    if isinstance(a, Value) and isinstance(b, Value):
        if kind not in MERGES:
            raise Unreadable("netspec does not divide tensors by each other")
        return merged(site, MERGES[kind], a, b)
    return _with_constant(site, kind, a, b)


def _operand(item: Any) -> Any:
    """A tensor, or a constant as an array."""
    if isinstance(item, Value):
        return item
    if isinstance(item, dict) and isinstance(item.get("config"), dict):
        item = item["config"].get("value")
    try:
        return np.asarray(item, np.float64)
    except (TypeError, ValueError):
        raise Unreadable("one of its operands is neither a tensor nor numbers") from None


def _with_constant(site: Site, kind: str, a: Any, b: Any) -> Value:
    """Arithmetic of a tensor and a constant."""
    x, constant, is_left = (a, b, True) if isinstance(a, Value) else (b, a, False)
    if not isinstance(x, Value):
        raise Unreadable("it takes no tensor")
    match kind:
        case "Add":
            return affine(site, x, 1.0, constant)
        case "Subtract":
            return affine(site, x, 1.0, -constant) if is_left else affine(site, x, -1.0, constant)
        case "Multiply":
            return affine(site, x, constant, 0.0)
        case "Divide" | "TrueDivide" if is_left and (constant != 0).all():
            return affine(site, x, 1.0 / constant, 0.0)
    raise Unreadable("netspec has no such operation with a constant")


@reads("ops.Concatenate")
def concatenate(site: Site, *values: Value) -> Value:
    return joined(site, _option(site, "axis", 0), *values)


@reads("ops.Reshape")
def reshape(site: Site, x: Value) -> Value:
    sizes = _option(site, "newshape", _option(site, "shape"))
    if not isinstance(sizes, list) or not sizes or sizes[0] not in (-1, None):
        raise Unreadable(f"its new sizes are {sizes}, and the first one is not that of the batch (-1)")
    return reshaped(site, x, sizes[1:])


@reads("ops.Transpose")
def transpose(site: Site, x: Value) -> Value:
    axes = _option(site, "axes")
    if not isinstance(axes, list) or axes[:1] != [0] or sorted(map(str, axes)) != [str(n) for n in range(x.rank + 1)]:
        raise Unreadable(f"its axes are {axes}")
    return Value(site.permuted(site.plain(x), axes[1:]))


@reads("ops.Mean", "ops.Max")
def reduce(site: Site, x: Value) -> Value:
    axes = _option(site, "axis")
    axes = [axes] if isinstance(axes, int) else axes
    if not isinstance(axes, list) or any(not isinstance(axis, int) for axis in axes):
        raise Unreadable("it reduces all axes")
    space = range(2, x.rank + 1) if x.is_first else range(1, x.rank)
    if x.rank < 2 or sorted(axis % (x.rank + 1) for axis in axes) != list(space):
        raise Unreadable(f"it reduces the axes {axes}, which are not those of positions")
    kind = GlobalMaxPool if site.layer.kind == "ops.Max" else GlobalAvgPool
    keep = bool(_option(site, "keepdims", False))
    return Value(site.add(kind, x.step, keep=keep), is_first=x.is_first and keep)


@reads("ops.Normalize")
def normalize(site: Site, x: Value) -> Value:
    if _option(site, "order", 2) != 2 or _option(site, "axis", -1) not in (-1, x.rank) or x.is_first:
        raise Unreadable("netspec divides channels by their Euclidean norm only")
    return Value(site.add(L2Norm, x.step))


# ---------------------------------------------------------------- masks and steps


@reads("ops.NotEqual")
def not_equal(site: Site, *values: Value) -> Value:
    """The mask of padded steps, which Keras computes beside the layers that read it."""
    operands = [*site.args, *site.kwargs.values()]
    if len(values) != 1 or values[0].step.pad is None or operands[-1] != values[0].step.pad:
        raise Unreadable("netspec compares token ids with the padding id only")
    return Value(values[0].step, is_mask=True)


@reads("ops.LogicalOr", "ops.LogicalAnd")
def join_masks(site: Site, *values: Value) -> Value:
    if not values or any(not value.is_mask or value.step is not values[0].step for value in values):
        raise Unreadable("it joins different masks")
    return values[0]


@reads("ops.GetItem")
def get_item(site: Site, x: Value) -> Value:
    """The first or the last step of a sequence: `x[:, 0]`, `x[:, -1]`."""
    places = site.args[1] if len(site.args) == 2 else None
    *others, place = places if isinstance(places, list) and places else [None]
    if len(others) != 1 or not _is_all(others[0]) or place not in (0, -1) or x.rank != 2 or x.is_first:
        raise Unreadable("netspec has slices of the first and the last step only")
    if x.is_masked or x.is_unmasked:
        raise Unreadable("netspec takes the first and the last step that is not padding")
    return Value(site.add(Last if place else First, x.step))


def _is_all(place: Any) -> bool:
    """Whether a slice takes everything."""
    config = place.get("config") if isinstance(place, dict) else None
    return isinstance(config, dict) and not any(config.get(end) for end in ("start", "stop", "step"))
