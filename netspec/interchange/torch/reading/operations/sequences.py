"""Recurrent layers, and attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.torch.reading.attention import Projection
from netspec.interchange.torch.reading.operations.table import ATTENTION, reads
from netspec.interchange.torch.reading.program import Call
from netspec.interchange.torch.reading.results import State, States
from netspec.interchange.torch.reading.translate import Translator
from netspec.language.lazy import np
from netspec.layers.activations import Relu, Tanh
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Gru, Lstm, Recurrent, SimpleRnn

GRU_GATES = (1, 0, 2)
"""PyTorch has the reset gate first, netspec the update gate."""


@reads("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(t: Translator, call: Call) -> Any:
    if call.overload != "input":
        raise CannotSay("it reads packed sequences")
    starts = call["hx"] if isinstance(call["hx"], list) else [call["hx"]]
    if not all(t.is_fixed(start) and not t.array(start).any() for start in starts):
        raise CannotSay("its state does not start with zeros")
    ways, has_bias = 2 if call["bidirectional"] else 1, bool(call["has_biases"])
    weights = [t.array(weight) for weight in call["params"]]
    each = 4 if has_bias else 2
    if len(weights) != each * ways * int(call["num_layers"]):
        raise CannotSay("it projects its states")
    x = t.value(call["input"])
    if x.is_lost:
        return x, x, x
    swapped = x.axes[0] != 0
    if swapped == bool(call["batch_first"]):
        raise CannotSay("its steps are the examples")
    step = t.builder.arrange(x.with_axes([x.axes[1], x.axes[0], x.axes[2]]) if swapped else x, (1, 2)).step
    states, rate = [], float(call["dropout"] or 0)
    for index in range(int(call["num_layers"])):
        layer = _layer(call.target, units=weights[0].shape[0] // _gates(call.target), has_bias=has_bias)
        parts = [weights[each * (ways * index + way) : each * (ways * index + way + 1)] for way in range(ways)]
        arrays = [_arrays(layer, *part) for part in parts]
        if index and 0 < rate < 1:
            step = t.builder.dropout(Value(step, (0, 1, 2)), rate).step
        if ways == 2:
            named = zip(("forward", "backward"), arrays, strict=True)
            both = {f"{way}.{name}": array for way, own in named for name, array in own.items()}
            step = t.builder.step(Bidirectional(layer=layer), step, weights=both)
        else:
            step = t.builder.step(layer, step, weights=arrays[0])
        sequence = Value(step, (1, 0, 2) if swapped else (0, 1, 2))
        states += [State(sequence, layer, ways == 2, way == 1) for way in range(ways)]
    return sequence, States(states), None


def _gates(target: str) -> int:
    return {"lstm": 4, "gru": 3}.get(target, 1)


def _layer(target: str, *, units: int, has_bias: bool) -> Recurrent:
    if target == "lstm":
        return Lstm(units=units, bias=has_bias)
    if target == "gru":
        return Gru(units=units, bias=has_bias)
    activation = Relu() if target == "rnn_relu" else Tanh()
    return SimpleRnn(units=units, bias=has_bias, activation=activation)


def _arrays(layer: Recurrent, kernel: Any, recurrent: Any, *biases: Any) -> dict[str, Any]:
    """The weights of one direction: those of PyTorch are gates * units x inputs."""
    given = [kernel, recurrent, *biases]
    if isinstance(layer, Gru):
        given = [np.concatenate([np.split(array, 3)[gate] for gate in GRU_GATES]) for array in given]
    arrays = {"kernel": given[0].T, "recurrent_kernel": given[1].T}
    if biases:
        arrays["bias"] = np.stack(given[2:]) if isinstance(layer, Gru) else given[2] + given[3]
    return arrays


def state_of(t: Translator, states: States, index: int) -> Any:
    """One of the last states, as batch x units; that of one direction is joined with the other one later."""
    picked = states.states[index]
    return States([picked], is_one=True) if picked.is_bidirectional else t.only_state(States([picked]))


def last_states(t: Translator, parts: Sequence[Any], axis: int) -> Value:
    """The last states of both directions, one after the other, which is the layer with `return = last`.

    Raises:
        CannotSay: it is something else.
    """
    states = [part.states[0] for part in parts if isinstance(part, States) and part.is_one]
    is_pair = len(parts) == len(states) == 2 and states[0].sequence is states[1].sequence
    if not is_pair or axis != 1 or [state.is_backward for state in states] != [False, True]:
        raise CannotSay("it joins the states of recurrent layers in another way than forward, then backward")
    state = states[0]
    step = state.sequence.step
    layer = Bidirectional(layer=state.layer.replace(return_="last"))
    return Value(t.builder.step(layer, *step.inputs, weights=step.weights), (0, 1))


@reads(ATTENTION)
def attention(t: Translator, call: Call) -> Value:
    """Attention with its four linear maps."""
    match = t.matches[call.name]
    query, memory, values = (t.value_of(part.source) for part in (match.query, match.key, match.value))
    if memory.step is not values.step:
        raise CannotSay("its keys and values are of different sequences")
    if query.is_lost or memory.is_lost:
        return query if query.is_lost else memory
    width = match.heads * match.head_size
    named = {"query": match.query, "key": match.key, "value": match.value}
    parts = {name: _projection(t, part, part.heads * match.head_size) for name, part in named.items()}
    weight, bias = weights_of(t, match.out)
    parts["out"] = (weight, bias)
    has_bias = any(bias is not None for _, bias in parts.values())
    arrays = {f"{name}.kernel": weight for name, (weight, _) in parts.items()}
    if has_bias:
        arrays |= {f"{n}.bias": np.zeros(w.shape[1], np.float32) if b is None else b for n, (w, b) in parts.items()}
    x = _sequence(t, query)
    features, out = parts["query"][0].shape[0], parts["out"][0].shape[1]
    layer = Attention(
        heads=match.heads,
        causal=match.causal,
        kv_heads=None if match.kv_heads == match.heads else match.kv_heads,
        head_size=None if features == width else match.head_size,
        out=None if out == features else out,
        bias=has_bias,
        dropout=t.program.rates.get(match.out.modules[-1][0], 0.0) if match.out.modules else 0.0,
    )
    inputs = [x] if memory.step is query.step else [x, _sequence(t, memory)]
    y = t.builder.step(layer, *inputs, weights=arrays)
    return Value(y, (1, 0, 2) if match.swapped else (0, 1, 2))


def _sequence(t: Translator, x: Value) -> Any:
    first = x if x.axes[0] == 0 else x.with_axes([x.axes[1], x.axes[0], x.axes[2]])
    return t.builder.arrange(first, (1, 2)).step


def _projection(t: Translator, part: Projection, width: int) -> tuple[Any, Any]:
    weight, bias = weights_of(t, part.call)
    own = slice(part.first, part.first + width)
    return weight[:, own], None if bias is None else bias[own]


def weights_of(t: Translator, call: Call) -> tuple[Any, Any]:
    """The weights of a linear map, as inputs x outputs, and its bias."""
    if call.target == "linear":
        return t.array(call["weight"]).T, t.array(call["bias"])
    if call.target == "addmm":
        return t.array(call["mat2"]), t.array(call["self"]).reshape(-1)
    return t.array(list(call.arguments.values())[1]), None
