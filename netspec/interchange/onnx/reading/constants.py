"""Operators of constants, which are computed while the file is read.

Sizes that are not known, such as that of the batch, are entries of arrays of objects (`Dim`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from netspec.interchange.onnx.reading.graph import Node, array_of, onnx
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.language.lazy import np
from netspec.language.shape import Dim

BATCH = Dim.named("N")
"""The size of the batch."""
ANY_LENGTH = 5
"""Stands for the number of steps of a sequence where it is not known."""
MAX_COUNT = 2**28
"""More numbers are not computed."""
MAX_PRODUCTS = 2**34
"""A product of matrices that takes more multiplications is not computed."""

Fold = Callable[[Node, Sequence[Any]], Any]


def _sizes(given: Any) -> list[int]:
    """A shape; the size of a batch is 1, since constants are the same for all examples."""
    sizes = [1 if isinstance(size, Dim) else int(size) for size in np.asarray(given).reshape(-1)]
    if np.prod([float(size) for size in sizes]) > MAX_COUNT or any(size < -1 for size in sizes):
        raise CannotSay(f"its constant has the sizes {sizes}")
    return sizes


def _constant(node: Node, inputs: Sequence[Any]) -> Any:
    ((name, value),) = node.attributes.items()
    if name == "value":
        return array_of(value)
    if name in ("value_float", "value_floats"):
        return np.asarray(value, np.float32)
    if name in ("value_int", "value_ints"):
        return np.asarray(value, np.int64)
    raise CannotSay("its constant is a text, or sparse")


def _constant_of_shape(node: Node, inputs: Sequence[Any]) -> Any:
    value = array_of(node.attributes["value"]).reshape(()) if "value" in node.attributes else np.float32(0)
    return np.full(_sizes(inputs[0]), value)


def _axes(node: Node, inputs: Sequence[Any], place: int = 1) -> tuple[int, ...] | None:
    """The axes, an attribute in old versions and an input in new ones."""
    given = node.attributes.get("axes")
    if given is None and len(inputs) > place and inputs[place] is not None:
        given = np.asarray(inputs[place]).reshape(-1).tolist()
    return None if given is None else tuple(int(axis) for axis in given)


def _unsqueeze(node: Node, inputs: Sequence[Any]) -> Any:
    return np.expand_dims(inputs[0], _axes(node, inputs) or ())


def _cast(node: Node, inputs: Sequence[Any]) -> Any:
    x = inputs[0]
    if x.dtype == object:
        return x
    kind = onnx.helper.tensor_dtype_to_np_dtype(node.attributes["to"])
    found = x.astype(kind)
    return found.astype(np.float32) if found.dtype.kind == "f" else found


def _slice(node: Node, inputs: Sequence[Any]) -> Any:
    x = inputs[0]
    for axis, start, end, step in slices(node, inputs, x.ndim):
        part = [slice(None)] * x.ndim
        part[axis] = slice(start, end if end > -(2**31) else None, step)
        x = x[tuple(part)]
    return x


def slices(node: Node, inputs: Sequence[Any], rank: int) -> list[tuple[int, int, int, int]]:
    """The axis, start, end and step of each part of a `Slice`.

    Raises:
        CannotSay: one of them is not a constant.
    """
    if "starts" in node.attributes:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        axes, steps = node.attributes.get("axes"), None
    else:
        if any(part is not None and not isinstance(part, np.ndarray) for part in inputs[1:]):
            raise CannotSay("what it slices depends on its input")
        given = [None if part is None else part.reshape(-1).tolist() for part in inputs[1:]]
        starts, ends, axes, steps = [*given, None, None][:4]
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if any(isinstance(number, Dim) for number in (*starts, *ends)):
        raise CannotSay("what it slices depends on a size that is not known")
    return [(a % rank, int(s), int(e), int(p)) for a, s, e, p in zip(axes, starts, ends, steps, strict=True)]


def _reshape(node: Node, inputs: Sequence[Any]) -> Any:
    sizes = np.asarray(inputs[1] if len(inputs) > 1 else node.attributes["shape"]).tolist()
    return inputs[0].reshape([inputs[0].shape[i] if size == 0 else size for i, size in enumerate(sizes)])


def _divide(node: Node, inputs: Sequence[Any]) -> Any:
    a, b = inputs
    if a.dtype == object or a.dtype.kind in "iu":
        return a // b
    return a / b


def _reduce(function: Any) -> Fold:
    def fold(node: Node, inputs: Sequence[Any]) -> Any:
        axes = _axes(node, inputs)
        return function(inputs[0], axis=axes, keepdims=bool(node.attributes.get("keepdims", 1)))

    return fold


def _range(node: Node, inputs: Sequence[Any]) -> Any:
    start, end, step = (np.asarray(x).reshape(-1)[0] for x in inputs)
    if (start, step) == (0, 1) and isinstance(end, Dim) and end != BATCH:
        end = ANY_LENGTH  # enough to tell a causal mask
    if any(isinstance(x, Dim) for x in (start, end, step)) or abs((end - start) / step) > MAX_COUNT:
        raise CannotSay("its range depends on a size that is not known")
    return np.arange(start, end, step)


def _expand(node: Node, inputs: Sequence[Any]) -> Any:
    return np.array(np.broadcast_to(inputs[0], np.broadcast_shapes(inputs[0].shape, tuple(_sizes(inputs[1])))))


def _split(node: Node, inputs: Sequence[Any]) -> Any:
    axis = node.attributes.get("axis", 0)
    parts = split_sizes(node, inputs, inputs[0].shape[axis])
    return np.split(inputs[0], np.cumsum(parts)[:-1].tolist(), axis)


def split_sizes(node: Node, inputs: Sequence[Any], size: int) -> list[int]:
    """The sizes of the parts of a `Split`."""
    given = node.attributes.get("split")
    if given is None and len(inputs) > 1 and inputs[1] is not None:
        given = np.asarray(inputs[1]).tolist()
    if given is None:
        count = len(node.outputs)
        each = -(-size // count)
        given = [min(each, size - i * each) for i in range(count)]
    if sum(given) != size or min(given) < 1:
        raise CannotSay(f"it splits {size} into {given}")
    return [int(part) for part in given]


def _tile(node: Node, inputs: Sequence[Any]) -> Any:
    repeats = _sizes(inputs[1])
    _sizes([size * n for size, n in zip(inputs[0].shape, repeats, strict=True)])
    return np.tile(inputs[0], repeats)


def _clip(node: Node, inputs: Sequence[Any]) -> Any:
    bounds = [*inputs[1:], None, None][:2]
    low, high = (node.attributes.get(name, x) for name, x in zip(("min", "max"), bounds, strict=True))
    return inputs[0] if low is None and high is None else np.clip(inputs[0], low, high)


def _arg_max(node: Node, inputs: Sequence[Any]) -> Any:
    x, axis = inputs[0], node.attributes.get("axis", 0)
    found = np.argmax(x, axis)
    if node.attributes.get("select_last_index", 0):
        found = x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis)
    return np.expand_dims(found, axis) if node.attributes.get("keepdims", 1) else found


def _cumulative(node: Node, inputs: Sequence[Any]) -> Any:
    if node.attributes.get("exclusive", 0) or node.attributes.get("reverse", 0):
        raise CannotSay("its sums leave out the number itself, or go backwards")
    return np.cumsum(inputs[0], int(inputs[1].reshape(-1)[0]), dtype=inputs[0].dtype)


def _top(node: Node, inputs: Sequence[Any]) -> Any:
    """Equal numbers keep their order."""
    x, axis = inputs[0], node.attributes.get("axis", -1)
    count = int(inputs[1].reshape(-1)[0] if len(inputs) > 1 else node.attributes["k"])
    order = np.argsort(-x if node.attributes.get("largest", 1) else x, axis, kind="stable")
    order = np.take(order, range(count), axis)
    return [np.take_along_axis(x, order, axis), order]


def _where(node: Node, inputs: Sequence[Any]) -> Any:
    return np.where(*inputs)


FOLDS: dict[str, Fold] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": lambda node, inputs: inputs[0],
    "Shape": lambda node, inputs: np.array(
        inputs[0].shape[node.attributes.get("start", 0) : node.attributes.get("end")], np.int64
    ),
    "Size": lambda node, inputs: np.int64(inputs[0].size),
    "Cast": _cast,
    "Concat": lambda node, inputs: np.concatenate(inputs, node.attributes["axis"]),
    "Unsqueeze": _unsqueeze,
    "Squeeze": lambda node, inputs: np.squeeze(inputs[0], _axes(node, inputs)),
    "Reshape": _reshape,
    "Flatten": lambda node, inputs: inputs[0].reshape(
        int(np.prod(inputs[0].shape[: node.attributes.get("axis", 1)])), -1
    ),
    "Transpose": lambda node, inputs: inputs[0].transpose(node.attributes.get("perm")),
    "Gather": lambda node, inputs: np.take(inputs[0], inputs[1].astype(np.int64), node.attributes.get("axis", 0)),
    "Slice": _slice,
    "Split": _split,
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Where": _where,
    "Clip": _clip,
    "ArgMax": _arg_max,
    "CumSum": _cumulative,
    "TopK": _top,
    "Add": lambda node, inputs: inputs[0] + inputs[1],
    "Sub": lambda node, inputs: inputs[0] - inputs[1],
    "Mul": lambda node, inputs: inputs[0] * inputs[1],
    "Div": _divide,
    "Mod": lambda node, inputs: inputs[0] % inputs[1],
    "Neg": lambda node, inputs: -inputs[0],
    "Pow": lambda node, inputs: inputs[0] ** inputs[1],
    "Sqrt": lambda node, inputs: np.sqrt(inputs[0]),
    "Reciprocal": lambda node, inputs: 1 / inputs[0],
    "Exp": lambda node, inputs: np.exp(inputs[0]),
    "Log": lambda node, inputs: np.log(inputs[0]),
    "Sin": lambda node, inputs: np.sin(inputs[0]),
    "Cos": lambda node, inputs: np.cos(inputs[0]),
    "Abs": lambda node, inputs: np.abs(inputs[0]),
    "Floor": lambda node, inputs: np.floor(inputs[0]),
    "Ceil": lambda node, inputs: np.ceil(inputs[0]),
    "Not": lambda node, inputs: np.logical_not(inputs[0]),
    "And": lambda node, inputs: np.logical_and(*inputs),
    "Or": lambda node, inputs: np.logical_or(*inputs),
    "Equal": lambda node, inputs: np.equal(*inputs),
    "Less": lambda node, inputs: np.less(*inputs),
    "LessOrEqual": lambda node, inputs: np.less_equal(*inputs),
    "Greater": lambda node, inputs: np.greater(*inputs),
    "GreaterOrEqual": lambda node, inputs: np.greater_equal(*inputs),
    "Min": lambda node, inputs: reduce(np.minimum, inputs),
    "Max": lambda node, inputs: reduce(np.maximum, inputs),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceMean": _reduce(np.mean),
    "MatMul": lambda node, inputs: inputs[0] @ inputs[1],
    "Trilu": lambda node, inputs: (np.triu if node.attributes.get("upper", 1) else np.tril)(
        inputs[0], int(inputs[1]) if len(inputs) > 1 else 0
    ),
}


def folded(node: Node, inputs: Sequence[Any]) -> list[Any] | None:
    """The outputs of an operator of constants; None where it is not one of those that are computed.

    Raises:
        CannotSay: that fails, or would take too long.
    """
    if node.kind not in FOLDS:
        return None
    _check_cost(node, inputs)
    with np.errstate(all="ignore"):
        try:
            found = FOLDS[node.kind](node, inputs)
        except TypeError as error:
            if any(x is not None and x.dtype == object for x in inputs):
                raise CannotSay("it computes with a size that is not known") from error
            raise
    return [_whole(np.asarray(part)) for part in (found if isinstance(found, list) else [found])]


def _check_cost(node: Node, inputs: Sequence[Any]) -> None:
    """Raises CannotSay for what would take too much memory or time: constants that grow by being joined, say."""
    sizes = [x.size for x in inputs if x is not None]
    products = 1
    if node.kind in ("MatMul", "Gemm") and len(inputs) > 1 and inputs[1].ndim:
        products = inputs[1].shape[-1]
    if sum(sizes) > MAX_COUNT or (sizes and sizes[0] * products > MAX_PRODUCTS):
        raise CannotSay("its constants are too large to compute with")


def _whole(array: Any) -> Any:
    """Sizes that are known after all, as integers."""
    if array.dtype != object or any(isinstance(size, Dim) for size in array.reshape(-1)):
        return array
    return array.astype(np.asarray(array.reshape(-1).tolist()).dtype)
