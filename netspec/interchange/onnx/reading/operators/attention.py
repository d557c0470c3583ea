"""Attention: products of queries and keys, a softmax, and its product with values, as one layer.

The projections before it are dense layers that were split into heads, by whatever reshapes, transposes and slices.
Which columns of a kernel a head has is found by following the numbers of the columns through these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod, sqrt
from typing import Any

from netspec.interchange.onnx.reading.constants import ANY_LENGTH
from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Deferred, Network
from netspec.interchange.onnx.reading.operators.elementwise import Missing, filled
from netspec.interchange.onnx.reading.operators.masks import ADVICE, Followed, of_mask, use
from netspec.interchange.onnx.reading.operators.reshaping import Merged
from netspec.interchange.onnx.reading.pointwise import Affine, Expression, recognize
from netspec.interchange.onnx.reading.table import OPERATORS, reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import NO_AXIS, Value
from netspec.interchange.reading.sketch import Step
from netspec.language.lazy import np
from netspec.language.shape import Size
from netspec.layers.dense import Dense
from netspec.layers.reshape import Flatten, Permute, Reshape, Scale
from netspec.layers.sequence.attention import Attention
from netspec.layers.spatial.cropping import Crop, margins

MAX_COUNT = 2**24
FORBIDDEN = -1e4
"""What is added to a score that must not count is less than this."""


@dataclass(eq=False)
class Projection:
    """A linear map of a sequence, split into heads: inputs x heads x size, and heads x size."""

    source: Step
    kernel: Any
    bias: Any


@dataclass(eq=False)
class Scores(Deferred):
    """Queries times keys: `query` is batch x heads x steps x size, `key` batch x heads x steps x size as well."""

    query: Value
    key: Value
    factor: float = 1.0
    causal: bool = False
    dropout: float = 0.0
    mask: Followed | None = None
    is_silenced: bool = False
    is_probability: bool = False
    is_test: bool = False
    is_merged: bool = False


def scores(network: Network, node: Node) -> Scores:
    """The product of two tensors."""
    left, right = network.get(node.inputs[0]), network.get(node.inputs[1])
    is_merged = all(isinstance(x, Merged) and (x.start, x.count) == (0, 2) for x in (left, right))
    query, first = _unscaled(network, left.value if is_merged else left)
    keys, second = _unscaled(network, right.value if is_merged else right)
    if query.rank != keys.rank or query.rank not in (3, 4):
        raise CannotSay("it is a product of two tensors, which netspec has only inside `attention`")
    turned = [*range(keys.rank - 2), keys.rank - 1, keys.rank - 2]
    return Scores(node.what, query, network.builder.transpose(keys, turned), first * second, is_merged=is_merged)


def _unscaled(network: Network, found: Any) -> tuple[Value, float]:
    """A tensor, and the factor that it is multiplied by."""
    if isinstance(found, Expression) and found.value is None:
        affine = recognize(found, found.root)
        if isinstance(affine, Affine) and affine.offset == 0:
            return found.root, affine.factor
    if found is None or isinstance(found, np.ndarray):
        raise CannotSay("it is a product of a tensor and constants that cannot be a kernel")
    return network.made(found), 1.0


@reads("of deferred")
def deferred(network: Network, node: Node) -> Any:
    """The result of an operator that reads something that waits."""
    given = [network.get(name) for name in node.inputs]
    if any(isinstance(x, Scores) for x in given):
        return _after(network, node, given)
    if (found := of_mask(network, node, given)) is not None:
        return found
    if any(isinstance(x, Missing) for x in given):
        return filled(network, node, given)
    if node.kind == "MatMul" and not any(isinstance(x, np.ndarray) for x in given):
        return scores(network, node)
    if node.kind in ("Identity", "Cast", "CastLike"):
        return given[0]
    if node.kind == "Reshape":
        return OPERATORS["Reshape"](network, node)
    place, merged = next((i, x) for i, x in enumerate(given) if isinstance(x, Merged))
    if node.kind == "Shape":
        return np.array(merged.sizes, object)[node.attributes.get("start", 0) : node.attributes.get("end")]
    if node.kind == "Transpose":
        return merged.transposed(network, node.attributes["perm"])
    if node.kind in ("Mul", "Div") and place == 0 and isinstance(given[1], np.ndarray) and given[1].size == 1:
        number = float(given[1].reshape(-1)[0])
        value = network.builder.scale(merged.value, number if node.kind == "Mul" else 1 / number)
        return replace(merged, value=value)
    if node.kind in ("Gemm", "MatMul", "Add") and place == 0 and merged.start + merged.count < merged.value.rank:
        network.found[node.inputs[0]] = merged.value
        try:
            y = network.read_one(node)
        finally:
            network.found[node.inputs[0]] = merged
        return replace(merged, value=y) if isinstance(y, Value) and not y.is_lost else y
    raise CannotSay("it reads a tensor whose batch is joined with another axis")


def _after(network: Network, node: Node, given: list[Any]) -> Any:
    """The result of an operator that reads scores, or what they became."""
    place, waiting = next((i, x) for i, x in enumerate(given) if isinstance(x, Scores))
    others = [x for i, x in enumerate(given) if i != place]
    kind = node.kind
    if kind in ("Cast", "CastLike", "Identity", "Dropout"):
        return [waiting, None][: len(node.outputs)]
    if waiting.is_probability:
        if kind == "MatMul" and place == 0 and not isinstance(given[1], np.ndarray | Scores):
            values = given[1].value if isinstance(given[1], Merged) else network.made(given[1])
            y = attended(network, waiting, values)
            return Merged(node.what, y, 0, 2) if waiting.is_merged and not y.is_lost else y
        if kind == "IsNaN":
            return replace(waiting, is_test=True)
        if kind == "Where" and waiting.is_test and isinstance(given[2], Scores):
            return replace(given[2], is_silenced=True)
    elif kind in ("Mul", "Div") and isinstance(others[0], np.ndarray) and others[0].size == 1:
        number = float(others[0].reshape(-1)[0])
        if kind == "Mul" or place == 0:
            return replace(waiting, factor=waiting.factor * number if kind == "Mul" else waiting.factor / number)
    elif kind == "Add" and isinstance(others[0], np.ndarray):
        return replace(waiting, causal=_is_causal(others[0] > FORBIDDEN) or waiting.causal)
    elif kind == "Add" and isinstance(others[0], Followed) and _is_bias(others[0].array):
        return _masked(waiting, others[0], others[0].array > FORBIDDEN)
    elif kind == "Where" and place > 0 and isinstance(given[0], Followed) and isinstance(given[3 - place], np.ndarray):
        seen_where_true = given[0].array.astype(bool)
        if np.all(given[3 - place] <= FORBIDDEN):
            return _masked(waiting, given[0], seen_where_true if place == 1 else ~seen_where_true)
    elif kind == "Where" and all(isinstance(x, np.ndarray) for x in others):
        seen = given[0].astype(bool) if place == 1 else ~given[0].astype(bool)
        if np.all(others[1] <= FORBIDDEN):
            return replace(waiting, causal=_is_causal(seen) or waiting.causal)
    elif kind == "Softmax" and node.attributes.get("axis", -1) in (-1, waiting.query.rank - 1 - waiting.is_merged):
        return replace(waiting, is_probability=True)
    raise CannotSay(f"netspec has no `{kind}` of the weights of an attention")


def _is_bias(added: Any) -> bool:
    """Whether what is added to scores is 0 or forbids them."""
    return bool(np.all((added == 0) | (added <= FORBIDDEN)))


def _masked(waiting: Scores, mask: Followed, is_seen: Any) -> Scores:
    """Scores that do not count for padded keys.

    Raises:
        CannotSay: the mask is another one.
    """
    causal = _sees_past(mask, is_seen, waiting.query.rank, is_merged=waiting.is_merged)
    return replace(waiting, mask=mask, causal=causal or waiting.causal)


def _sees_past(mask: Followed, is_seen: Any, rank: int, *, is_merged: bool) -> bool:
    """Whether steps see earlier ones only, of those that are not padding; False if they see all of these.

    Args:
        mask: what the scores are masked by.
        is_seen: whether a query sees a key, for each of the examples.
        rank: the number of axes of the scores; queries and keys are the last ones.
        is_merged: whether the heads of all examples are one axis.

    Raises:
        CannotSay: they see something else.
    """
    real = mask.real
    array = is_seen.reshape((1,) * (rank - is_merged - is_seen.ndim) + is_seen.shape)
    if is_merged and len(array) % len(real) == 0:
        real = np.repeat(real, len(array) // len(real), 0)
    keys = real.reshape(len(real), *(1,) * (array.ndim - 2), -1)
    if len(array) == len(real) and array.shape[-1] == keys.shape[-1]:
        if np.all(array == keys):
            return False
        steps = array.shape[-1]
        if array.shape[-2] == steps and np.all(array == keys & np.tril(np.ones((steps, steps), bool))):
            return True
    raise CannotSay("it has a mask that is not that of padded steps", ADVICE)


def _is_causal(seen: Any) -> bool:
    """Whether steps see earlier ones only; False if they see all.

    Raises:
        CannotSay: they see something else.
    """
    if np.all(seen):
        return False
    if seen.ndim > 1 and np.all(seen == np.tril(np.ones(seen.shape[-2:], bool))):
        return True
    raise CannotSay("it has a mask that is not causal")


def attended(network: Network, weights: Scores, values: Value) -> Value:
    """The attention, without a projection after it: batch x heads x steps x size."""
    query, key, value = (projection(network, x) for x in (weights.query, weights.key, values))
    heads, size = query.kernel.shape[1:]
    if key.source is not value.source or {part.kernel.shape[1:] for part in (key, value)} != {(heads, size)}:
        raise CannotSay("its keys and values have other heads than its queries, or come from different tensors")
    factor = np.float32(weights.factor * sqrt(size))
    has_bias = any(np.any(part.bias) for part in (query, key, value))
    arrays = {"out.kernel": np.eye(heads * size, dtype=np.float32)}
    for name, part, scale in (("query", query, factor), ("key", key, 1), ("value", value, 1)):
        arrays[f"{name}.kernel"] = part.kernel.reshape(len(part.kernel), -1) * scale
        if has_bias:
            arrays[f"{name}.bias"] = part.bias.reshape(-1) * scale
    if has_bias:
        arrays["out.bias"] = np.zeros(heads * size, np.float32)
    y = network.builder.attention(
        Value(query.source, (0, 1, 2)),
        None if key.source is query.source else Value(key.source, (0, 1, 2)),
        heads=heads,
        weights=arrays,
        causal=weights.causal,
        has_bias=has_bias,
        head_size=size,
        out=heads * size,
    )
    if weights.mask is not None and not y.is_lost:
        use(network, y.step, weights.mask)
        if weights.is_silenced:
            network.silenced.add(y.step)
    if weights.query.rank == 3:
        return y
    split = network.builder.reshape(y, (y.size(1), heads, size))
    return network.builder.transpose(split, (0, 2, 1, 3))


def projection(network: Network, x: Value) -> Projection:
    """What a tensor of heads, batch x heads x steps x size, is computed from.

    Raises:
        CannotSay: it is not a projection of a sequence.
    """
    chain, step = list[Step](), network.builder.opened(x).step
    while isinstance(step.layer, Reshape | Permute | Flatten | Crop | Scale) and len(step.inputs) == 1:
        chain.append(step)
        step = step.inputs[0]
    sizes = step.shape.sizes
    if len(sizes) != 2 or prod(map(_number_of, sizes)) > MAX_COUNT:
        raise CannotSay("its queries, keys and values are not projections of a sequence")
    count, features = map(_number_of, sizes)
    numbers, factor = np.arange(count * features).reshape(count, features), 1.0
    for made in reversed(chain):
        numbers, factor = _moved(made, numbers, factor)
    order = [own - 1 for own in x.axes[1:] if own != NO_AXIS]
    shape = [1 if own == NO_AXIS else numbers.shape[own - 1] for own in x.axes[1:]]
    rest = [axis for axis in range(numbers.ndim) if axis not in order]
    heads = numbers.transpose(*rest, *order).reshape(shape)
    heads = heads[None] if heads.ndim == 2 else heads
    columns = heads[:, 0]
    if heads.ndim != 3 or not np.array_equal(heads, columns[:, None] + features * np.arange(count)[:, None]):
        raise CannotSay("its heads mix the steps of a sequence")
    if isinstance(step.layer, Dense) and "kernel" in step.weights and step.shared is None:
        bias = step.weights.get("bias", np.zeros(features, np.float32))
        return Projection(
            step.inputs[0], step.weights["kernel"][:, columns] * np.float32(factor), bias[columns] * np.float32(factor)
        )
    kernel = np.eye(features, dtype=np.float32)[:, columns] * np.float32(factor)
    return Projection(step, kernel, np.zeros(columns.shape, np.float32))


def _moved(step: Step, numbers: Any, factor: float) -> tuple[Any, float]:
    """Where the numbers of a tensor are after a step."""
    match step.layer:
        case Permute():
            return numbers.transpose([axis - 1 for axis in step.layer.order]), factor
        case Crop():
            if step.layer.margin is None:
                raise CannotSay("its heads are cropped from the center")
            sides = margins(step.layer.margin, step.inputs[0].shape, "margin")
            for axis, (start, end) in enumerate(sides):
                numbers = np.take(numbers, range(start, numbers.shape[axis] - end), axis)
            return numbers, factor
        case Scale():
            if step.layer.offset:
                raise CannotSay("a number is added to its queries, keys or values")
            return numbers, factor * step.layer.factor
    return numbers.reshape([_number_of(size) for size in step.shape.sizes]), factor


def _number_of(size: Size) -> int:
    """A size; any number stands for one that is not known."""
    return size if isinstance(size, int) else ANY_LENGTH


def project(network: Network, node: Node, weight: Any) -> Value | None:
    """The projection after an attention as part of it; None where it is not right after one."""
    x = network.get(node.inputs[0])
    if not isinstance(x, Value) or x.is_lost or x.blocks or not isinstance(x.step.layer, Attention):
        return None
    step, own = x.step, x.step.layer
    width = len(weight)
    is_sequence = x.rank == 3 and x.axes[-1] == 2 and step.shape.rank == 2
    is_identity = np.array_equal(step.weights["out.kernel"], np.eye(width, dtype=np.float32))
    if not (is_sequence and is_identity and _is_private(network, node.inputs[0])):
        return None
    features = step.inputs[0].shape.channels
    units = weight.shape[1]
    step.layer = own.replace(
        out=None if units == features else units,
        head_size=None if own.heads * (own.head_size or 0) == features else own.head_size,
    )
    step.weights = {**step.weights, "out.kernel": weight}
    if own.bias:
        step.weights = {**step.weights, "out.bias": np.zeros(units, np.float32)}
    step.shape = step.layer.infer(*(s.shape for s in step.inputs))
    return Value(step, x.axes)


def _is_private(network: Network, name: str) -> bool:
    """Whether one node reads a tensor, and one what it is arranged from, back to the product."""
    while network.graph.uses[name] == 1:
        node = network.graph.makers.get(name)
        if node is None or node.kind not in ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Identity"):
            return True
        name = node.inputs[0]
    return False


@reads("Attention")
def attention(network: Network, node: Node) -> Value:
    """The operator of opset 23."""
    get, b = node.attributes.get, network.builder
    if len(node.inputs) > 4 and any(node.inputs[4:]):
        raise CannotSay("it has a cache of keys and values")
    if get("softcap") or get("qk_matmul_output_mode") or any(network.graph.uses[name] for name in node.outputs[1:]):
        raise CannotSay("it limits its scores, or gives more than its output")
    parts = []
    for index, name in enumerate(("q_num_heads", "kv_num_heads", "kv_num_heads")):
        x, factor = _unscaled(network, network.get(node.inputs[index]))
        if factor != 1:
            x = network.made(network.get(node.inputs[index]))
        if x.rank == 3:
            (length, features), heads = (int(str(size)) for size in x.sizes), node.attributes[name]
            x = b.transpose(b.reshape(x, (length, heads, features // heads)), (0, 2, 1, 3))
        parts.append(x)
    size = int(str(parts[0].size(3)))
    mask = network.constant(node, 3)
    causal = bool(get("is_causal", 0))
    if mask is not None:
        causal = _is_causal(mask if mask.dtype == bool else mask > FORBIDDEN) or causal
    factor = get("scale", 1 / sqrt(size))
    y = attended(network, Scores(node.what, parts[0], parts[1], float(f"{factor:.7g}"), causal), parts[2])
    if network.tensor(node).rank == 4:
        return y
    return b.reshape(b.transpose(y, (0, 2, 1, 3)), (int(str(y.size(2))), int(str(y.size(1))) * size))
