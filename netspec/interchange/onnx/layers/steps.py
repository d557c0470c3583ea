"""Layers over the steps of a sequence: reductions to a vector, class tokens, positions, masks."""

from __future__ import annotations

from collections.abc import Callable

from netspec import nn
from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import FLOAT, Site, Value
from netspec.language.lazy import np
from netspec.language.shape import Dim
from netspec.layers.sequence.positions import ClassToken, Rope, Sinusoidal
from netspec.layers.sequence.steps import First, Last, MeanPool
from netspec.layers.sequence.tokens import FilledSteps, PaddingMask


def steps_of(site: Site, x: Value) -> str:
    """The numbers from 0 to T - 1 of a sequence, int64."""
    size = x.shape.sizes[0]
    if isinstance(size, int):
        return site.constant(np.arange(size, dtype=np.int64), "steps")
    end = site.op("Squeeze", site.sized(x.name, x.rank if x.channels_first else 1), site.integers(0))
    return site.op("Range", site.constant(np.int64(0), "start"), end, site.constant(np.int64(1), "step"))


@writes(PaddingMask)
def padding_mask(site: Site, layer: PaddingMask, x: Value) -> Value:
    if layer.id is None:
        first = site.op("Gather", x.name, site.constant(np.int64(0), "first_feature"), axis=2)
        return Value(site.op("Not", site.op("IsNaN", first)), layer.infer(x.shape))
    is_padding = site.op("Equal", x.name, site.constant(np.int64(layer.id), "padding_id"))
    return Value(site.op("Not", is_padding), layer.infer(x.shape))


@writes(FilledSteps)
def filled_steps(site: Site, layer: FilledSteps, x: Value) -> Value:
    x = site.last(x)
    zero = site.constant(np.float32(0), "zero")
    return Value(site.op("Where", site.op("IsNaN", x.name), zero, x.name), x.shape)


@writes(First, Last)
def one_step(site: Site, layer: First | Last, x: Value) -> Value:
    x = site.last(x)
    if site.mask is None:
        index = site.constant(np.int64(0 if isinstance(layer, First) else -1), "index")
        return Value(site.op("Gather", x.name, index, axis=1), layer.infer(x.shape))
    real = site.op("Cast", site.mask, to=FLOAT)
    indices = site.op("ArgMax", real, axis=1, keepdims=1, select_last_index=int(isinstance(layer, Last)))
    return Value(site.op("GatherND", x.name, indices, batch_dims=1), layer.infer(x.shape))


@writes(MeanPool)
def mean_pool(site: Site, layer: MeanPool, x: Value) -> Value:
    shape = layer.infer(x.shape)
    if site.mask is None:
        return Value(site.reduce("ReduceMean", x.name, x.positions), shape)
    x = site.last(x)
    real = site.op("Cast", site.mask, to=FLOAT)
    # padded steps are replaced and not multiplied by 0, which would leave NaN
    chosen = site.op("Where", site.op("Unsqueeze", site.mask, site.integers(2)), x.name, site.number(0))
    count = site.op("Max", site.reduce("ReduceSum", real, [1], keep=True), site.number(1))
    return Value(site.op("Div", site.reduce("ReduceSum", chosen, [1]), count), shape)


@writes(ClassToken)
def class_token(site: Site, layer: ClassToken, x: Value) -> Value:
    x = site.last(x)
    token = site.weight("embedding", lambda vector: vector[None, None], "row")
    shape = site.op("Concat", site.sized(x.name, 0), site.integers(1, 1), axis=0)
    return Value(site.op("Concat", site.op("Expand", token, shape), x.name, axis=1), layer.infer(x.shape))


@writes(Sinusoidal)
def sinusoidal(site: Site, layer: Sinusoidal, x: Value) -> Value:
    x = site.last(x)
    steps, features = x.shape.sizes
    assert isinstance(features, int)
    if not isinstance(steps, Dim):
        table = np.asarray(nn.sinusoidal(np.zeros((1, steps, features), np.float32), layer.base))
        return Value(site.op("Add", x.name, site.constant(table, "waves")), x.shape)
    half = (features + 1) // 2
    angles = _angles(site, x, lambda: layer.base ** (-2 * np.arange(half) / features))
    pairs = [site.op("Unsqueeze", site.op(kind, angles), site.integers(2)) for kind in ("Sin", "Cos")]
    flat = site.op("Reshape", site.op("Concat", *pairs, axis=2), site.integers(0, 2 * half))
    waves = site.op("Slice", flat, site.integers(0), site.integers(features), site.integers(1))
    return Value(site.op("Add", x.name, waves), x.shape)


def _angles(site: Site, x: Value, rates: Callable[[], Array]) -> str:
    """The number of each step times the rates: T x rates."""
    steps = site.op("Unsqueeze", site.op("Cast", steps_of(site, x), to=FLOAT), site.integers(1))
    return site.op("Mul", steps, site.constant(rates().astype(np.float32), "rates"))


@writes(Rope)
def rope(site: Site, layer: Rope, x: Value) -> Value:
    x = site.last(x)
    return Value(rotate(site, x.name, x, layer.base, heads=False), x.shape)


def rotate(site: Site, y: str, x: Value, base: float, *, heads: bool) -> str:
    """Rotary positions: the pairs of features (i, i + C/2) of step t rotated by the angle t * base^(-2i/C).

    Args:
        site: the layer.
        y: what is rotated, batch x T x C, or batch x T x heads x C.
        x: the sequence that `y` comes from, or Q, K: it has the number of steps and, without heads, C.
        base: the base of the angles.
        heads: whether there is an axis of heads.
    """
    (steps, features) = x.shape.sizes
    assert isinstance(features, int)
    half = features // 2
    if isinstance(steps, Dim):
        angles = _angles(site, x, lambda: base ** (-np.arange(half) / half))
        cos, sin = site.op("Cos", angles), site.op("Sin", angles)
        if heads:
            cos, sin = (site.op("Unsqueeze", part, site.integers(1)) for part in (cos, sin))
    else:
        ones = np.concatenate([np.ones((1, steps, half), np.float32), np.zeros((1, steps, half), np.float32)], axis=-1)
        turned = np.asarray(nn.rope(ones, base))[0]  # (cos, sin): what 1 and 0 become
        cos, sin = (
            site.constant(part[:, None] if heads else part, name)
            for part, name in ((turned[:, :half], "cos"), (turned[:, half:], "sin"))
        )
    a, b = site.ops("Split", 2, y, axis=-1, num_outputs=2)
    first = site.op("Sub", site.op("Mul", a, cos), site.op("Mul", b, sin))
    second = site.op("Add", site.op("Mul", b, cos), site.op("Mul", a, sin))
    return site.op("Concat", first, second, axis=-1)
