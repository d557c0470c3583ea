"""The operators `LSTM`, `GRU` and `RNN`: steps x batch x features, with an axis for the directions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from netspec.interchange.onnx.reading.graph import Node
from netspec.interchange.onnx.reading.network import Network
from netspec.interchange.onnx.reading.operators.masks import packed_input, use
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers import activations as words
from netspec.layers.activations import Activation
from netspec.layers.base import Layer
from netspec.layers.merge import Add, Average, Concat, Mul
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Recurrent

GATES = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}
"""For each gate of netspec its place in ONNX: an LSTM of ONNX has input, output, forget, candidate."""
USUAL = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}
ACTIVATIONS: dict[str, Activation] = {
    "relu": words.Relu(),
    "sigmoid": words.Sigmoid(),
    "tanh": words.Tanh(),
    "softplus": words.Softplus(),
    "softsign": words.Softsign(),
}


@reads("LSTM", "GRU", "RNN")
def recurrent(network: Network, node: Node) -> list[Any]:
    packed, b = packed_input(network, node), network.builder
    x = network.tensor(node) if packed is None else packed.value
    _check(network, node, x, is_packed=packed is not None)
    first = bool(node.attributes.get("layout", 0))  # the batch, before the steps
    sequence = x if first else b.transpose(x, (1, 0, 2))
    kernels, recurrent_kernels = network.constant(node, 1), network.constant(node, 2)
    if kernels is None or recurrent_kernels is None or kernels.ndim != 3:
        raise CannotSay("it lacks weights")
    count, units = len(kernels), recurrent_kernels.shape[2]
    biases = network.constant(node, 3)
    is_after = bool(node.attributes.get("linear_before_reset", 0))
    options = _activations(node, count)
    if node.kind == "GRU":
        options["reset_after"] = is_after
    weights = [
        _weights(node, kernels[i], recurrent_kernels[i], None if biases is None else biases[i], units, is_after)
        for i in range(count)
    ]
    used = [index < len(node.outputs) and network.graph.uses[node.outputs[index]] > 0 for index in range(3)]
    if used[2]:
        raise CannotSay("the cells of its last step are used")
    more: dict[str, Any] = {"units": units, "weights": weights[0], "has_bias": biases is not None, "options": options}
    more["reverse"] = node.attributes.get("direction", "forward") == "reverse"
    if count == 2:
        more |= {"bidirectional": True, "backward": weights[1]}
    if packed is not None and (count > 1 or (used[0] and used[1])):
        raise CannotSay("both its directions, or its steps and its last state, are of a sequence without padding")
    y = b.recurrent(sequence, node.kind.lower(), return_sequences=used[0], **more)
    if y.is_lost:
        return [y, y, y]
    if packed is not None:
        use(network, y.step, packed.mask)
    steps = _directions(network, y, count, units) if used[0] else None
    last = _last(network, y, count, units, more["reverse"]) if used[0] and used[1] else None
    if not used[0]:
        last = b.reshape(y, (count, units)) if count > 1 else b.unsqueeze(y, [1])
    if not first:
        steps, last = None if steps is None else b.transpose(steps, (1, 2, 0, 3)), _states(network, last)
    return [steps if packed is None or steps is None else replace(packed, value=steps), last, None]


def _states(network: Network, last: Value | None) -> Value | None:
    return None if last is None else network.builder.transpose(last, (1, 0, 2))


def _directions(network: Network, y: Value, count: int, units: int) -> Value:
    """batch x steps x directions x units"""
    if count == 1:
        return network.builder.unsqueeze(y, [2])
    return network.builder.reshape(y, (y.size(1), count, units))


def _last(network: Network, y: Value, count: int, units: int, reverse: bool) -> Value:
    """The state after the last step of each direction, batch x directions x units, of all outputs."""
    b = network.builder
    if count == 1:
        return b.unsqueeze(b.select(y, 1, 0 if reverse else -1), [1])
    ends = [b.select(b.slice(y, 2, i * units, (i + 1) * units), 1, end) for i, end in ((0, -1), (1, 0))]
    return b.concat([b.unsqueeze(end, [1]) for end in ends], 1)


def _check(network: Network, node: Node, x: Value, *, is_packed: bool) -> None:
    """Whether it does nothing that netspec lacks.

    Raises:
        CannotSay: it does.
    """
    lengths = network.get(node.inputs[4]) if len(node.inputs) > 4 else None
    length = x.size(1 if node.attributes.get("layout", 0) else 0)
    if lengths is not None and not is_packed and not (isinstance(lengths, np.ndarray) and np.all(lengths == length)):
        advice = "netspec masks padding ids: `input 9 tokens(99, pad = 0)`"
        raise CannotSay("each example has its own number of steps", advice)
    for index, what in ((5, "its initial state"), (6, "its initial cells"), (7, "its peepholes")):
        found = network.constant(node, index)
        if found is not None and np.any(found):
            raise CannotSay(f"{what} are not zero")
    if node.attributes.get("clip") or node.attributes.get("input_forget"):
        raise CannotSay("it limits its activations" if node.attributes.get("clip") else "its gates are coupled")


def _weights(node: Node, kernel: Any, state: Any, bias: Any, units: int, is_after: bool) -> dict[str, Any]:
    """The weights of a direction, in netspec's layout."""
    order = GATES[node.kind]
    found = {"kernel": _ordered(kernel, units, order).T, "recurrent_kernel": _ordered(state, units, order).T}
    if bias is not None:
        parts = [_ordered(part, units, order) for part in np.split(bias, 2)]
        found["bias"] = np.stack(parts) if node.kind == "GRU" and is_after else parts[0] + parts[1]
    return found


def _ordered(rows: Any, units: int, order: Sequence[int]) -> Any:
    return np.concatenate([rows[gate * units : (gate + 1) * units] for gate in order])


def _activations(node: Node, count: int) -> dict[str, Any]:
    """The options for other activations than the usual ones.

    Raises:
        CannotSay: netspec has no such activation inside.
    """
    given = [str(name).lower() for name in node.attributes.get("activations", USUAL[node.kind] * count)]
    usual = USUAL[node.kind]
    names = tuple(given[: len(usual)])
    if names * count != tuple(given) or (node.kind == "LSTM" and names[1] != names[2]):
        raise CannotSay("its activations differ")
    if names == usual:
        return {}
    unknown = next((name for name in names if name not in ACTIVATIONS), None)
    if unknown is not None:
        raise CannotSay(f"netspec cannot read `{unknown}` inside a recurrent layer")
    if node.kind == "RNN":
        return {"activation": ACTIVATIONS[names[0]]}
    return {"recurrent_activation": ACTIVATIONS[names[0]], "activation": ACTIVATIONS[names[1]]}


MERGES: dict[Layer, str] = {
    Concat(): "concat",
    Concat(along="channels"): "concat",
    Add(): "add",
    Mul(): "mul",
    Average(): "average",
}
"""The option `merge` of `bidirectional`."""


def join_directions(network: Network) -> None:
    """Make two layers that read a sequence forward and in reverse, and a merge of both, one bidirectional layer."""
    sketch = network.builder.sketch
    uses = Counter(id(x) for step in sketch.steps for x in step.inputs)
    uses.update(id(step) for _, step in sketch.outputs)
    shared = {id(step.shared) for step in sketch.steps}
    gone = set[int]()
    for step in sketch.steps:
        merge = MERGES.get(step.layer) if isinstance(step.layer, Concat | Add | Mul | Average) else None
        if merge is None or len(step.inputs) != 2:
            continue
        (first, second), (inner, other) = step.inputs, (x.layer for x in step.inputs)
        if not isinstance(inner, Recurrent) or inner.reverse or other != inner.replace(reverse=True):
            continue
        is_private = all(uses[id(x)] == 1 and x.shared is None and id(x) not in shared for x in step.inputs)
        if first.inputs != second.inputs or not is_private or (first in network.masked) != (second in network.masked):
            continue
        step.layer, step.inputs = Bidirectional(layer=inner, merge=merge), first.inputs
        arrays = {f"forward.{name}": array for name, array in first.weights.items()}
        step.weights = arrays | {f"backward.{name}": array for name, array in second.weights.items()}
        if first in network.masked:
            network.masked[step] = network.masked[first]
        gone |= {id(first), id(second)}
    sketch.steps = [step for step in sketch.steps if id(step) not in gone]
