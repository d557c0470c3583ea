"""Masks of padded steps: layers that leave out the steps of a padding id become those that netspec has.

Which steps are padding is a comparison of ids with a number. What is computed from that alone, such as the lengths of
the sequences, is computed for a few examples while the file is read. So a mask is recognized by its numbers, in
whatever operators it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from netspec.interchange.onnx.reading.constants import ANY_LENGTH, BATCH, MAX_COUNT, folded
from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Deferred, Network
from netspec.interchange.onnx.reading.operators.shapes import axes_of
from netspec.interchange.onnx.reading.table import OPERATORS, reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Step
from netspec.language.lazy import np
from netspec.language.shape import Dim
from netspec.layers.base import Layer
from netspec.layers.norm import BatchNorm
from netspec.layers.reshape import Flatten, Permute, Reshape
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.recurrent import Recurrent
from netspec.layers.sequence.steps import First, Last, MeanPool
from netspec.layers.spatial.cropping import Crop

PADDED = 0.3
"""The fraction of the steps of the examples that are padding."""
BROADCAST = {
    *("Add", "Sub", "Mul", "Div", "Mod", "Pow", "Min", "Max", "And", "Or", "Equal", "Where"),
    *("Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
}
ADVICE = "netspec masks the padding ids of an input: `input 9 tokens(99, pad = 0)`"


@dataclass(eq=False)
class Masking(Deferred):
    """What netspec has only inside of layers that leave out padded steps."""

    inside: ClassVar[str] = "layers that leave out padded steps"


@dataclass(eq=False)
class Followed(Masking):
    """A tensor that depends on nothing but which ids are padding.

    `source` is the input, `pad` the padding id, `real` some examples of steps that are not padding (examples x steps),
    and `array` the tensor for these.
    """

    source: Step
    pad: int
    real: Any
    array: Any

    def is_like(self, array: Any) -> bool:
        """Whether the tensor has these numbers for the examples."""
        return bool(np.array_equal(self.array, array))


@dataclass(eq=False)
class Packed(Masking):
    """A sequence with its real steps at the front, and what a recurrent layer gives for it.

    `value` is what it is where the steps are in their places. `edge` says whether a state of zeros is joined: at its
    start or its end.
    """

    value: Value
    mask: Followed
    edge: str = ""


@dataclass(eq=False)
class Kept(Masking):
    """A sequence whose padded steps are zero, or the sum of its steps (`is_sum`)."""

    value: Value
    mask: Followed
    is_sum: bool = False


# ---------------------------------------------------------------- what depends on the mask alone


@reads("Equal")
def is_padding(network: Network, node: Node) -> Followed:
    places = [place for place in (0, 1) if not network.is_constant(node, place)]
    ids = network.tensor(node, places[0])
    number = network.constant(node, 1 - places[0])
    if not (ids.step.is_input and ids.step.shape.is_tokens and ids.axes == (0, 1)):
        raise CannotSay("what it compares are not token ids")
    if number is None or number.size != 1 or number.reshape(-1)[0] < 0:
        raise CannotSay("it compares ids with something else than a padding id")
    real = _examples(ids.step.shape.sizes[0], network.batch)
    return Followed(node.what, ids.step, int(number.reshape(-1)[0]), real, ~real)


def _examples(steps: Any, batch: int | None) -> Any:
    """Some examples of steps that are not padding: some, all, and none.

    There are as many as the batch of the file has; where it is open, their number tells the batch from the steps.
    """
    steps = ANY_LENGTH if isinstance(steps, Dim) else int(steps)
    count = batch if batch is not None else 7 if steps % 7 else 11
    if count * steps > MAX_COUNT:
        raise CannotSay(f"it has {steps} steps for {count} examples")
    found = np.random.default_rng(0).random((count, steps)) >= PADDED
    found[0, [0, -1]] = False
    found[0, steps // 2] = True
    found[1:2], found[2:3] = True, False
    return found


def of_mask(network: Network, node: Node, given: Sequence[Any]) -> Any:
    """The result of an operator that reads a mask, or what waits for one; None if it reads neither.

    Raises:
        CannotSay: netspec has nothing for it.
    """
    masks = [x for x in given if isinstance(x, Followed)]
    if masks and all(x is None or isinstance(x, np.ndarray | Followed) for x in given):
        return _computed(network, node, given, masks)
    first = next((x for x in given if isinstance(x, Packed | Kept)), None)
    if node.kind in ("LSTM", "GRU", "RNN") and (masks or first is not None):
        return OPERATORS[node.kind](network, node)
    if isinstance(first, Packed):
        return _of_packed(network, node, given, first)
    if isinstance(first, Kept):
        return _of_kept(network, node, given, first)
    if not masks:
        return None
    kind = node.kind
    if kind == "GatherND" and isinstance(given[1], Followed):
        return _gathered(network, node, given[1])
    if kind == "Where" and given[0] is masks[0] and _is_zero(given[2]):
        return _kept(node, network.tensor(node, 1), masks[0])
    if kind == "Where" and given[0] is masks[0] and _is_zero(given[1]):
        return _kept(node, network.tensor(node, 2), replace(masks[0], array=~masks[0].array.astype(bool)))
    if kind == "Mul":
        place = next(i for i, x in enumerate(given) if x is not masks[0])
        return _silenced(network, node, place, masks[0]) or _kept(node, network.tensor(node, place), masks[0])
    raise CannotSay(f"netspec has no `{kind}` of a tensor and a mask of padded steps", ADVICE)


def _computed(network: Network, node: Node, given: Sequence[Any], masks: list[Followed]) -> Any:
    """What an operator computes from masks and constants."""
    first = masks[0]
    if any(x.source is not first.source or x.pad != first.pad for x in masks):
        raise CannotSay("it joins the masks of two inputs")
    count = len(first.real)
    if node.kind == "Shape":
        return _sizes(network, node, first)
    arrays = [x.array if isinstance(x, Followed) else _numbers(x, count) for x in given]
    sizes = [x.shape for x in arrays if x is not None]
    if node.kind in BROADCAST and np.prod(np.broadcast_shapes(*sizes), dtype=float) > MAX_COUNT:
        raise CannotSay("its masks are too large")
    found = None if node.kind in ("MatMul", "Gather") else folded(node, arrays)
    if found is None:
        raise CannotSay(f"netspec has no `{node.kind}` of a mask of padded steps", ADVICE)
    if any(array.size > MAX_COUNT for array in found):
        raise CannotSay("its masks are too large")
    return [replace(first, array=array) for array in found]


def _sizes(network: Network, node: Node, mask: Followed) -> Any:
    """The sizes of a mask in the file."""
    (steps,), count = mask.source.shape.sizes, len(mask.real)
    sizes: list[Any] = [steps if size == mask.real.shape[1] else size for size in mask.array.shape]
    if sizes and network.batch is None and mask.array.shape[0] % count == 0:
        sizes[0] = BATCH * (mask.array.shape[0] // count)
    part = sizes[node.attributes.get("start", 0) : node.attributes.get("end")]
    return np.array(part, object if any(isinstance(size, Dim) for size in part) else np.int64)


def _numbers(x: Any, count: int) -> Any:
    """A constant, for a batch of the examples."""
    if x is None or x.dtype != object:
        return x
    return np.array([_number(size, count) for size in x.reshape(-1)], np.int64).reshape(x.shape)


def _number(size: Any, count: int) -> int:
    if not isinstance(size, Dim):
        return int(size)
    total, (batch,) = 0, BATCH.terms[0][0]
    for names, factor in size.terms:
        if any("/" in name for name in names):
            raise CannotSay("it divides a size that is not known")
        total += factor * int(np.prod([count if name == batch else ANY_LENGTH for name in names], dtype=np.int64))
    return total


# ---------------------------------------------------------------- steps and their mean


def _gathered(network: Network, node: Node, index: Followed) -> Any:
    """Steps that are picked by a mask: the first or last real one, or all with the real ones at the front."""
    x, real = network.builder.sequence(network.tensor(node)), index.real
    if node.attributes.get("batch_dims", 0) != 1:
        raise CannotSay("it picks steps of several examples")
    last = real.shape[1] - 1
    firsts, lasts = np.argmax(real, 1), last - np.argmax(real[:, ::-1], 1)
    layers: list[tuple[Any, Layer]] = [(lasts, Last()), (firsts, First())]
    for picked, layer in layers:
        if index.is_like(picked[:, None]):
            return Value(use(network, network.builder.step(layer, x.step), index), (0, 1))
    if index.is_like(np.argsort(~real, 1, kind="stable")[:, :, None]):
        return Packed(node.what, x, index)
    raise CannotSay("it picks steps by a mask", ADVICE)


def _is_zero(x: Any) -> bool:
    return isinstance(x, np.ndarray) and not np.any(x)


def _kept(node: Node, x: Value, mask: Followed) -> Kept:
    if x.axes != (0, 1, 2) or not mask.is_like(mask.real[:, :, None]):
        raise CannotSay("its mask is not that of the padded steps of a sequence", ADVICE)
    return Kept(node.what, x, mask)


def _of_kept(network: Network, node: Node, given: Sequence[Any], kept: Kept) -> Any:
    if node.kind in ("Identity", "Cast"):
        return kept
    if node.kind == "ReduceSum" and not kept.is_sum and tuple(axes_of(network, node) or ()) in ((1,), (-2,)):
        if not node.attributes.get("keepdims", 1):
            return replace(kept, is_sum=True)
    elif node.kind == "Div" and kept.is_sum and given[0] is kept and isinstance(given[1], Followed):
        count, total = given[1], kept.mask.real.sum(1)[:, None]
        _check_same(kept.mask, count)
        if count.array.shape == total.shape and np.all(np.where(total, count.array == total, count.array > 0)):
            return Value(use(network, network.builder.step(MeanPool(), kept.value.step), kept.mask), (0, 1))
    raise CannotSay("netspec has no other reduction of real steps than their mean", ADVICE)


def _check_same(a: Followed, b: Followed) -> None:
    if a.source is not b.source or a.pad != b.pad:
        raise CannotSay("it joins the masks of two inputs")


# ---------------------------------------------------------------- recurrent layers


def packed_input(network: Network, node: Node) -> Packed | None:
    """The packed sequence that a recurrent layer reads with the numbers of its real steps; None for a plain one.

    Raises:
        CannotSay: it reads only one of both.
    """
    x = network.get(node.inputs[0])
    counts = network.get(node.inputs[4]) if len(node.inputs) > 4 else None
    if not isinstance(x, Packed):
        if isinstance(counts, Deferred):
            raise CannotSay("its steps are padded at the end alone", ADVICE)
        return None
    if x.edge or not isinstance(counts, Followed) or not counts.is_like(counts.real.sum(1)):
        raise CannotSay("its numbers of steps are not those without padding", ADVICE)
    _check_same(x.mask, counts)
    return x


def _of_packed(network: Network, node: Node, given: Sequence[Any], packed: Packed) -> Any:
    """An operator that moves the axes of a packed sequence, or its steps to their places."""
    kind, x = node.kind, packed.value
    if kind in ("Identity", "Cast"):
        return packed
    if kind == "Shape":
        sizes = [BATCH if own == 0 else x.size(axis) for axis, own in enumerate(x.axes)]
        return np.array(sizes, object)[node.attributes.get("start", 0) : node.attributes.get("end")]
    if kind in ("Transpose", "Squeeze", "Unsqueeze") and given[0] is packed and not packed.edge:
        name = node.inputs[0]
        network.found[name] = x
        try:
            return replace(packed, value=OPERATORS[kind](network, node))
        finally:
            network.found[name] = packed
    if kind == "Concat" and len(given) == 2 and not packed.edge and x.axes == (0, 1, 2):
        at = 0 if given[0] is packed else 1
        if node.attributes["axis"] in (1, -2) and _is_zero(given[1 - at]) and given[1 - at].shape[-2] == 1:
            return replace(packed, edge="end" if at == 0 else "start")
    if kind == "GatherND" and isinstance(given[1], Followed) and node.attributes.get("batch_dims", 0) == 1:
        index, until = given[1], np.cumsum(packed.mask.real, 1)
        _check_same(index, packed.mask)
        is_reverse = isinstance(x.step.layer, Recurrent) and x.step.layer.reverse
        places = until - packed.mask.real if is_reverse else until
        is_back = packed.edge == ("end" if is_reverse else "start") and index.is_like(places[:, :, None])
        if is_back and isinstance(x.step.layer, Recurrent):
            return x
    raise CannotSay("its steps are not moved back to their places", ADVICE)


# ---------------------------------------------------------------- attention


def _silenced(network: Network, node: Node, place: int, mask: Followed) -> Value | None:
    """The output of an attention, times 0 where a step sees nothing, as netspec has it; None for other products."""
    y = network.tensor(node, place)
    step = y.step
    while isinstance(step.layer, Reshape | Permute):
        step = step.inputs[0]
    maker = network.graph.makers.get(node.inputs[place])
    if not isinstance(step.layer, Attention) or maker is None or maker.kind != "MatMul" or step not in network.masked:
        return None
    _check_same(mask, network.masked[step])
    real = mask.real
    some = np.logical_or.accumulate(real, 1) if step.layer.causal else real.any(1, keepdims=True)
    if not mask.is_like(some.reshape(len(real), *(1,) * (y.rank - 3), -1, 1)):
        raise CannotSay("its output is masked otherwise than its weights", ADVICE)
    network.silenced.add(step)
    return y


# ---------------------------------------------------------------- which layers have masks


def use(network: Network, step: Step, mask: Followed) -> Step:
    """Note that a layer leaves padded steps out.

    Raises:
        CannotSay: the input has another padding id for another layer.
    """
    if mask.source.pad not in (None, mask.pad):
        raise CannotSay(f"the padding id is {mask.pad} here and {mask.source.pad} elsewhere")
    mask.source.pad = mask.pad
    network.masked[step] = mask
    return step


def check_masks(network: Network) -> None:
    """Report each layer whose padded steps netspec would mask, and the file does not, or the other way round."""
    sketch, padded = network.builder.sketch, dict[Step, Step | None]()
    if not network.masked:
        return
    needed = {step for _, step in sketch.outputs}
    for step in reversed(sketch.steps):
        needed |= set(step.inputs) if step in needed else set()
    for step in list(sketch.steps):
        padded[step] = _padding_after(step, padded)
        layer = step.layer
        if step not in needed or layer is None or layer.reads_mask is None or isinstance(layer, BatchNorm):
            continue  # a batch norm uses its running statistics
        expected, found = padded.get(step.inputs[layer.reads_mask]), network.masked.get(step)
        name = f"{step.name} ({layer.word})" if step.name else layer.word
        if expected is not None and found is None and isinstance(layer, First | Last) and _is_cropped(network, step):
            continue
        if expected is not (None if found is None else found.source):
            reason = "padded steps count here, and netspec would leave them out"
            sketch.lost(name, reason if found is None else "the padded steps of another sequence are left out")
        elif found is not None and isinstance(layer, Attention) and layer.causal and step not in network.silenced:
            sketch.lost(name, "steps after padding alone see padded steps, where netspec gives zeros")


def _is_cropped(network: Network, step: Step) -> bool:
    """Take the first or last step by a crop, whether it is padding or not; False where that needs a size."""
    (sequence,) = step.inputs
    steps = sequence.shape.sizes[0]
    if not isinstance(steps, int):
        return False
    layer = Crop(margin=[[0, steps - 1] if isinstance(step.layer, First) else [steps - 1, 0]])
    shape = layer.infer(sequence.shape)
    cropped = Step(layer=layer, inputs=(sequence,), shape=shape, scope=step.scope, span=step.span)
    places = network.builder.sketch.steps
    places.insert(places.index(step), cropped)
    step.layer, step.inputs = Flatten(), (cropped,)
    return True


def _padding_after(step: Step, padded: dict[Step, Step | None]) -> Step | None:
    """The input whose padded steps those of a step are, as the compiler has it."""
    layer = step.layer
    if layer is None:
        return step if step.pad is not None else None
    sources = step.inputs if layer.reads_mask is None else step.inputs[:1]
    found = next((source for x in sources if (source := padded.get(x)) is not None), None)
    is_sequence = step.shape.is_tokens or step.shape.rank > 1
    if found is None or layer.moves_steps or not is_sequence or step.shape.sizes[0] != found.shape.sizes[0]:
        return None
    return found
