"""Recurrent layers: the operators `RNN`, `LSTM` and `GRU`.

These can leave out steps only at the end of a sequence, netspec wherever padding is. So with a mask the real steps are
moved to the front, with their number as `sequence_lens`, and the results are moved back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Unsupported
from netspec.interchange.onnx.layers.steps import steps_of
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import INT32, INT64, Site, Value
from netspec.language.lazy import np
from netspec.layers import activations as words
from netspec.layers.activations import Activation
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Gated, Gru, Lstm, Recurrent, SimpleRnn

ORDERS: dict[type[Recurrent], tuple[str, tuple[int, ...]]] = {
    SimpleRnn: ("RNN", (0,)),
    Lstm: ("LSTM", (0, 3, 1, 2)),
    Gru: ("GRU", (0, 1, 2)),
}
"""The operator of a layer, and the order of its gates: an LSTM of ONNX has input, output, forget, candidate."""

NAMES: dict[type[Activation], str] = {
    words.Linear: "Affine",
    words.Relu: "Relu",
    words.LeakyRelu: "LeakyRelu",
    words.Elu: "Elu",
    words.Hardsigmoid: "HardSigmoid",
    words.Sigmoid: "Sigmoid",
    words.Tanh: "Tanh",
    words.Softplus: "Softplus",
    words.Softsign: "Softsign",
}
"""The activations that these operators have."""


@writes(*ORDERS)
def recurrent(site: Site, layer: Recurrent, x: Value) -> Value:
    x = site.last(x)
    return Value(_direction(site, layer, x, "", reverse=layer.reverse), layer.infer(x.shape))


@writes(Bidirectional)
def bidirectional(site: Site, layer: Bidirectional, x: Value) -> Value:
    x = site.last(x)
    inner = layer.layer
    a = _direction(site, inner, x, "forward.", reverse=inner.reverse)
    b = _direction(site, inner, x, "backward.", reverse=not inner.reverse)
    if layer.merge == "concat":
        y = site.op("Concat", a, b, axis=-1)
    else:
        y = site.op({"add": "Add", "mul": "Mul", "average": "Mean"}[layer.merge], a, b)
    return Value(y, layer.infer(x.shape))


def _direction(site: Site, layer: Recurrent, x: Value, prefix: str, *, reverse: bool) -> str:
    """One pass over batch x T x C, whose weights have names after the prefix: all outputs or the last one."""
    kind, order = ORDERS[type(layer)]
    packed = None if site.mask is None else _Packed(site, site.mask, steps_of(site, x))
    rows = x.name if packed is None else packed.front(x.name)
    inputs = [
        site.op("Transpose", rows, perm=(1, 0, 2)),
        _gates(site, f"{prefix}kernel", layer.units, order),
        _gates(site, f"{prefix}recurrent_kernel", layer.units, order),
        _biases(site, layer, f"{prefix}bias", order) if layer.bias else "",
        "" if packed is None else packed.count,
    ]
    while not inputs[-1]:
        inputs.pop()
    outputs = site.ops(
        kind,
        2,
        *inputs,
        hidden_size=layer.units,
        direction="reverse" if reverse else None,
        linear_before_reset=int(layer.reset_after) if isinstance(layer, Gru) else None,
        **_activations(layer),
    )
    if layer.return_ == "last":
        return site.op("Squeeze", outputs[1], site.integers(0))
    y = site.op("Transpose", site.op("Squeeze", outputs[0], site.integers(1)), perm=(1, 0, 2))
    return y if packed is None else packed.back(y, layer.units, reverse=reverse)


def _gates(site: Site, name: str, units: int, order: Sequence[int]) -> str:
    """A kernel, inputs x gates, as ONNX has it: 1 x gates x inputs."""
    return site.weight(name, lambda kernel: _ordered(kernel.T, units, order)[None], "gates")


def _ordered(rows: Array, units: int, order: Sequence[int]) -> Array:
    """The rows of gates in another order."""
    return np.concatenate([rows[gate * units : (gate + 1) * units] for gate in order])


def _biases(site: Site, layer: Recurrent, name: str, order: Sequence[int]) -> str:
    """The bias of the inputs and that of the state, which is zero where netspec has none."""

    def both(bias: Array) -> Array:
        pair = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        return np.concatenate([_ordered(part, layer.units, order) for part in pair])[None]

    return site.weight(name, both, "gates")


def _activations(layer: Recurrent) -> dict[str, Any]:
    """The attributes for the activations of the gates and of the state, where they differ from the usual ones."""
    inner = layer.activation
    used: tuple[Activation, ...] = (inner,)
    if isinstance(layer, Gated):
        used = (layer.recurrent_activation, inner)
    usual = (words.Sigmoid(), words.Tanh())[-len(used) :]
    if used == usual:
        return {}
    used = (*used, inner) if isinstance(layer, Lstm) else used
    numbers = [_numbers(activation) for activation in used]
    return {
        "activations": [NAMES[type(activation)] for activation in used],
        "activation_alpha": [alpha for alpha, _ in numbers if alpha is not None] or None,
        "activation_beta": [beta for _, beta in numbers if beta is not None] or None,
    }


def _numbers(activation: Activation) -> tuple[float | None, float | None]:
    """Alpha and beta of an activation, None where it has none.

    Raises:
        Unsupported: the operators do not have this activation.
    """
    match activation:
        case words.Linear():
            return 1.0, 0.0
        case words.LeakyRelu():
            return activation.slope, None
        case words.Elu():
            return activation.alpha, None
        case words.Hardsigmoid():
            return 1 / 6, 0.5
    if type(activation) not in NAMES:
        raise Unsupported(f"`{activation.word}` inside a recurrent layer")
    return None, None


class _Packed:
    """The real steps of each example, moved to the front.

    Args:
        site: the layer.
        mask: batch x T, true for real steps.
        steps: the numbers from 0 to T - 1.
    """

    def __init__(self, site: Site, mask: str, steps: str) -> None:
        self.site = site
        self.real = site.op("Cast", mask, to=INT64)
        self.until = site.op("CumSum", self.real, site.constant(np.int64(1), "axis"))
        self.count = site.op("Cast", site.reduce("ReduceSum", self.real, [1]), to=INT32)
        length = site.sized(mask, 1)
        keys = site.op("Where", mask, steps, site.op("Add", steps, length))
        self.order = site.ops("TopK", 2, keys, length, axis=1, largest=0, sorted=1)[1]

    def front(self, x: str) -> str:
        """batch x T x C with the real steps first, in their order."""
        return self._gather(x, self.order)

    def back(self, y: str, units: int, *, reverse: bool) -> str:
        """The results at the positions of the steps; at a padded one that of the step before it, or after it in
        reverse, and zero where there is none."""
        site = self.site
        row = site.constant(np.zeros((1, 1, units), np.float32), "initial_state")
        shape = site.op("Concat", site.sized(y, 0), site.integers(1, units), axis=0)
        initial = site.op("Expand", row, shape)
        padded = site.op("Concat", *((y, initial) if reverse else (initial, y)), axis=1)
        return self._gather(padded, site.op("Sub", self.until, self.real) if reverse else self.until)

    def _gather(self, x: str, steps: str) -> str:
        indices = self.site.op("Unsqueeze", steps, self.site.integers(2))
        return self.site.op("GatherND", x, indices, batch_dims=1)
