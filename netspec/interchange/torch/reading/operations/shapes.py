"""Operators that arrange axes in another way, take parts, join tensors, or reduce axes."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.torch.reading.operations.sequences import last_states, state_of
from netspec.interchange.torch.reading.operations.table import reads
from netspec.interchange.torch.reading.program import GETITEM, SAME, Call
from netspec.interchange.torch.reading.results import Rows, States
from netspec.interchange.torch.reading.translate import Translator
from netspec.language.lazy import np
from netspec.layers.sequence.positions import ClassToken


@reads(*SAME)
def same(t: Translator, call: Call) -> Any:
    return t.any_value(call.first)


@reads(GETITEM)
def getitem(t: Translator, call: Call) -> Any:
    found = t.any_value(call["0"])
    if isinstance(found, Value):  # lost
        return found
    part = found[call["1"]]
    if part is None:
        raise CannotSay("it uses the positions of a maximum")
    return part


@reads("view", "_unsafe_view", "reshape", "flatten", "unflatten", "view_as", "reshape_as")
def reshape(t: Translator, call: Call) -> Any:
    x, shape = t.any_value(call.first), t.program.shapes[call.name]
    if isinstance(x, States):
        raise CannotSay("it reshapes the states of a recurrent layer")
    if isinstance(x, Rows):
        if shape[:-1] == x.lead:
            return x.value
        if len(shape) == 2 and shape[0] == t.rows_of(x.lead):
            return x
        x = x.value
    if x.is_lost:
        return x
    before = t.program.shapes[call.first.name]
    if len(shape) == 2 and len(before) > 2 and shape[1] == before[-1] and shape[0] != t.batch:
        return Rows(x, before[:-1])
    if x.axes[0] != 0 or shape[0] != t.batch:
        if shape == before:
            return x
        raise CannotSay(f"it reshapes {_text(before)} to {_text(shape)}, which mixes examples")
    return t.builder.reshape(x, list(shape[1:]))


def _text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


@reads("permute", "transpose", "t", "numpy_T", "movedim", "swapaxes")
def transpose(t: Translator, call: Call) -> Any:
    x = t.value(call.first)
    if x.is_lost:
        return x
    order = list(range(x.rank))
    if call.target == "permute":
        order = [int(axis) % x.rank for axis in call["dims"]]
    elif call.target == "movedim":
        order = _moved(call, x.rank)
    elif call.target in ("transpose", "swapaxes"):
        a, b = (int(axis) % x.rank for axis in list(call.arguments.values())[1:3])
        order[a], order[b] = order[b], order[a]
    else:
        order.reverse()
    return x.with_axes([x.axes[axis] for axis in order]) if not x.blocks else t.builder.transpose(x, order)


def _moved(call: Call, rank: int) -> list[int]:
    sources, targets = (
        [int(a) % rank for a in (given if isinstance(given, list) else [given])]
        for given in (call["source"], call["destination"])
    )
    rest = iter(axis for axis in range(rank) if axis not in sources)
    back = dict(zip(targets, sources, strict=True))
    return [back[axis] if axis in back else next(rest) for axis in range(rank)]


@reads("squeeze")
def squeeze(t: Translator, call: Call) -> Any:
    x = t.any_value(call.first)
    if isinstance(x, States):
        return x if call["dim"] in (0, [0]) else _no_states()
    x = t.plain(x)
    if x.is_lost:
        return x
    given = call["dim"]
    axes = None if given is None else [int(a) % x.rank for a in (given if isinstance(given, list) else [given])]
    if axes is not None:
        axes = [axis for axis in axes if x.axes[axis] != 0 and x.size(axis) == 1]
    return t.builder.squeeze(x, axes)


def _no_states() -> Any:
    raise CannotSay("netspec has no operator for the states of all layers together")


@reads("unsqueeze")
def unsqueeze(t: Translator, call: Call) -> Any:
    x = t.value(call.first)
    return x if x.is_lost else t.builder.unsqueeze(x, [int(call["dim"])])


@reads("expand", "expand_as", "repeat")
def expand(t: Translator, call: Call) -> Any:
    before, after = t.program.shapes[call.first.name], t.program.shapes[call.name]
    if before != after:
        raise CannotSay("netspec repeats numbers only where tensors are joined or added")
    return t.any_value(call.first)


# ---------------------------------------------------------------- parts


@reads("select")
def select(t: Translator, call: Call) -> Any:
    x, axis, index = t.any_value(call.first), int(call["dim"]), int(call["index"])
    if isinstance(x, States):
        return state_of(t, x, index) if axis == 0 else _no_states()
    x = t.plain(x)
    if x.is_lost:
        return x
    axis %= x.rank
    size = x.size(axis) if x.axes[axis] != 0 else None
    if index != 0 and isinstance(size, int) and index == size - 1:
        index = -1
    return t.batch_first(x, lambda y, axes: _selected(t, y, axes.index(axis), index), gone=axis)


def _selected(t: Translator, x: Value, axis: int, index: int) -> Value:
    """One position; where ids are padded, `first` and `last` would leave the padding out."""
    if not t.has_padding:
        return t.builder.select(x, axis, index)
    size = int(str(x.size(axis)))
    return t.builder.squeeze(t.builder.slice(x, axis, index % size, index % size + 1), [axis])


@reads("slice", "narrow")
def slices(t: Translator, call: Call) -> Any:
    x, axis = t.any_value(call.first), int(call["dim"])
    before = t.program.shapes[call.first.name]
    axis %= len(before)
    start, stop = int(call["start"] or 0), call["end"]
    if call.target == "narrow":
        stop = start + int(call["length"])
    stop = before[axis] if stop is None else int(stop)
    first, end, step = slice(start, stop, call["step"]).indices(before[axis])
    if (first, end, step) == (0, before[axis], 1):
        return x
    if isinstance(x, States):
        return States(x.states[first:end]) if axis == 0 and step == 1 else _no_states()
    x = t.plain(x)
    if step != 1 or (not x.is_lost and x.axes[axis] == 0):
        raise CannotSay("netspec has no slices with a step" if step != 1 else "it takes a part of the batch")
    return x if x.is_lost else t.builder.slice(x, axis, first, end)


@reads("chunk", "split", "split_with_sizes", "unsafe_split", "unsafe_chunk", "unbind")
def split(t: Translator, call: Call) -> Any:
    """Several slices along an axis."""
    before = t.program.shapes[call.first.name]
    axis = int(call["dim"]) % len(before)
    x = t.any_value(call.first)
    if call.target == "unbind":
        parts = range(before[axis])
        if isinstance(x, States):
            return tuple(state_of(t, x, index) for index in parts) if axis == 0 else _no_states()
        x = t.plain(x)
        last = before[axis] - 1
        return tuple(t.builder.select(x, axis, -1 if index == last and last else index) for index in parts)
    x = t.plain(x)
    ends = np.cumsum(_sizes(call, before[axis])).tolist()
    return tuple(
        x if x.is_lost else t.builder.slice(x, axis, start, end)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    )


def _sizes(call: Call, total: int) -> list[int]:
    if "chunk" in call.target:
        size = -(-total // int(call["chunks"]))
    else:
        given = call["split_size"] if call["split_size"] is not None else call["split_sizes"]
        if isinstance(given, list):
            return [int(n) for n in given]
        size = int(given)
    return [min(size, total - start) for start in range(0, total, size)]


# ---------------------------------------------------------------- joins and reductions


@reads("cat")
def cat(t: Translator, call: Call) -> Any:
    parts, axis = call["tensors"], int(call["dim"] or 0)
    token = _class_token(t, call, parts, axis)
    if token is not None:
        return token
    values = [t.any_value(part) for part in parts]
    states = [value for value in values if isinstance(value, States)]
    if states:
        return last_states(t, values, axis % len(t.program.shapes[call.name]))
    return t.builder.concat([t.plain(value) for value in values], axis)


def _class_token(t: Translator, call: Call, parts: list[Any], axis: int) -> Value | None:
    """A constant vector before a sequence."""
    if len(parts) != 2 or axis % len(t.program.shapes[call.name]) != 1 or not t.is_fixed(parts[0]):
        return None
    token = t.array(parts[0])
    if token.ndim != 3 or token.shape[1] != 1 or not (token == token[:1]).all():
        return None
    x = t.value(parts[1])
    if x.is_lost:
        return x
    return t.builder.after(t.builder.arrange(x, (1, 2)), ClassToken(), {"embedding": token[0, 0]})


@reads("mean", "amax", "max", "sum")
def reduced(t: Translator, call: Call) -> Any:
    x = t.value(call.first)
    if x.is_lost:
        return x
    if call.target == "max" and call.overload == "other":
        return t.joined(t.builder.maximum, x, t.value(call["other"]))
    given = call["dim"]
    axes = [given] if isinstance(given, int) else list(given or range(x.rank))
    axes = [int(axis) % x.rank for axis in axes]
    keep = bool(call["keepdim"])
    reduce = t.builder.maximum_along if call.target in ("amax", "max") else t.builder.mean
    if x.axes[0] == 0 or len(axes) > 1:
        y = reduce(x, axes, keep)
    else:
        gone = None if keep else axes[0]
        y = t.batch_first(x, lambda v, order: reduce(v, [order.index(axes[0])], keep), gone=gone)
    if call.target in ("amax", "max"):
        return (y, None) if call.target == "max" and call.overload == "dim" else y
    if call.target == "mean" or y.is_lost:
        return y
    shape = t.program.shapes[call.first.name]
    return t.builder.scale(y, float(np.prod([shape[axis] for axis in axes])))
