"""Recurrent layers against loops in NumPy that follow the formulas; how they begin, what they drop, what they cost."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from tests.layers.numbers.test_layers import close, data
from tests.layers.numbers.test_recurrent import Net

pytestmark = pytest.mark.oracle


# ---------------------------------------------------------------- by hand


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


Function = Callable[[np.ndarray], np.ndarray]


def lstm_by_hand(x: np.ndarray, w: dict[str, np.ndarray], act: Function, gate: Function) -> np.ndarray:
    units = w["recurrent_kernel"].shape[0]
    h = c = np.zeros((len(x), units))
    out = []
    for t in range(x.shape[1]):
        z = x[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
        i, f, g, o = (z[:, k * units : (k + 1) * units] for k in range(4))
        c = gate(f) * c + gate(i) * act(g)
        h = gate(o) * act(c)
        out.append(h)
    return np.stack(out, 1)


def gru_by_hand(x: np.ndarray, w: dict[str, np.ndarray], act: Function, gate: Function) -> np.ndarray:
    """With the reset gate before the product, as in the paper and in Keras with `reset_after = False`."""
    n = w["recurrent_kernel"].shape[0]
    kernel, recurrent, bias = w["kernel"], w["recurrent_kernel"], w["bias"]
    h = np.zeros((len(x), n))
    out = []
    for t in range(x.shape[1]):
        update = gate(x[:, t] @ kernel[:, :n] + h @ recurrent[:, :n] + bias[:n])
        reset = gate(x[:, t] @ kernel[:, n : 2 * n] + h @ recurrent[:, n : 2 * n] + bias[n : 2 * n])
        candidate = act(x[:, t] @ kernel[:, 2 * n :] + (reset * h) @ recurrent[:, 2 * n :] + bias[2 * n :])
        h = update * h + (1 - update) * candidate
        out.append(h)
    return np.stack(out, 1)


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x + 3, 0, 6) / 6


BY_HAND: list[tuple[str, Callable[..., np.ndarray], Function, Function]] = [
    ("lstm(3, relu)", lstm_by_hand, relu, sigmoid),
    ("lstm(3, recurrent_activation = hardsigmoid)", lstm_by_hand, np.tanh, hard_sigmoid),
    ("lstm(3, linear)", lstm_by_hand, lambda x: x, sigmoid),
    ("gru(3, reset_after = false)", gru_by_hand, np.tanh, sigmoid),
    ("gru(3, leaky_relu(0.2), reset_after = false)", gru_by_hand, leaky, sigmoid),
]


@pytest.mark.parametrize(("text", "formula", "act", "gate"), BY_HAND)
def test_by_hand(text: str, formula: Callable[..., np.ndarray], act: Function, gate: Function) -> None:
    ours = Net(f"input 6x4\n{text}", inside=text.partition("(")[0])
    x = data((2, 6, 4))
    close(ours(x), formula(x.astype(float), ours.weights, act, gate), text)


def test_gradients_where_the_reset_gate_comes_first() -> None:
    """Against finite differences, in directions drawn at random."""
    ours = Net("input 6x4\ngru(3, reset_after = false)", inside="gru")
    x = data((2, 6, 4))
    ours.run(x)

    def loss(x: np.ndarray, weights: dict[str, np.ndarray]) -> float:
        return float((gru_by_hand(x, weights, np.tanh, sigmoid) * ours.weighting).sum())

    wide = {name: value.astype(float) for name, value in ours.weights.items()}
    for name in wide:
        way = data(wide[name].shape, seed=5).astype(float)
        up, down = ({**wide, name: wide[name] + e * way} for e in (1e-5, -1e-5))
        slope = (loss(x, up) - loss(x, down)) / 2e-5
        assert np.isclose((ours.gradients[name] * way).sum(), slope, rtol=1e-4), name
    way = data(x.shape, seed=6).astype(float)
    slope = (loss(x + 1e-5 * way, wide) - loss(x - 1e-5 * way, wide)) / 2e-5
    assert np.isclose((np.asarray(ours.input_gradient) * way).sum(), slope, rtol=1e-4)


def first_weights(text: str) -> dict[str, np.ndarray]:
    """Weights as they are at the beginning."""
    model = netspec.compile(text)
    return {str(path[-1]): np.asarray(leaf[...]) for path, leaf in nnx.to_flat_state(model.init(0)["params"])}


def test_the_forget_gate_begins_open() -> None:
    def bias(options: str) -> list[float]:
        return first_weights(f"input 6x4\nlstm(3, recurrent_init = zeros{options})")["bias"].tolist()

    assert bias("") == [0] * 3 + [1] * 3 + [0] * 6
    assert bias(", forget_bias = 0") == [0] * 12
    assert bias(", forget_bias = 2, bias_init = constant(0.5)") == [0.5] * 3 + [2] * 3 + [0.5] * 6


def test_every_gate_begins_by_itself() -> None:
    weights = first_weights("input 6x4\ngru(3, init = orthogonal(2), recurrent_init = orthogonal)")
    for gate in np.split(weights["recurrent_kernel"], 3, axis=1):
        assert np.allclose(gate.T @ gate, np.eye(3), atol=1e-5)
    for gate in np.split(weights["kernel"], 3, axis=1):
        assert np.allclose(gate.T @ gate, 4 * np.eye(3), atol=1e-5)
    first, second, _ = np.split(weights["kernel"], 3, axis=1)
    assert not np.allclose(first, second)


# ---------------------------------------------------------------- dropout


def trained(text: str, values: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    net = Net(f"input {x.shape[1]}x{x.shape[2]}\n{text[:-1]}, recurrent_init = zeros)", inside="rnn")
    net.fill(values)
    assert not (net(x) == 0).any(), "dropout is off outside training"
    return net.trained(x)


def test_dropout_of_inputs() -> None:
    """The same inputs are dropped at all steps of an example; others in the next one."""
    eye, none = np.eye(16, dtype=np.float32), np.zeros((16, 16), np.float32)
    values = {"kernel": eye, "recurrent_kernel": none}
    y = trained("rnn(16, linear, bias = false, dropout = 0.25)", values, np.ones((4, 5, 16), np.float32))
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert len(np.unique(y[:, 0], axis=0)) > 1


def test_dropout_of_the_state() -> None:
    """What an example drops of the state, it drops at all steps: a number that is only remembered is doubled, or 0."""
    eye = np.eye(16, dtype=np.float32)
    x = np.zeros((4, 5, 16), np.float32)
    x[:, 0] = 1
    values = {"kernel": eye, "recurrent_kernel": eye}
    y = trained("rnn(16, linear, bias = false, recurrent_dropout = 0.5)", values, x)
    assert (y[:, 0] == 1).all()
    for t in range(1, 5):
        assert set(np.unique(y[:, t])) == {0, 2**t}
        assert ((y[:, t] == 0) == (y[:, 1] == 0)).all()


def test_dropout_inside_both_ways() -> None:
    """Each direction drops for itself, and nothing outside training."""
    rates = "dropout = 0.5, recurrent_dropout = 0.5"
    net = Net(f"input 6x4\nbidirectional(gru(3, {rates}, recurrent_init = zeros))")
    plain = Net("input 6x4\nbidirectional(gru(3))", params=net.params)
    x = data((2, 6, 4))
    close(net(x), plain(x), "outside training")
    y = net.trained(x)
    assert np.isfinite(y).all()
    assert all(
        (half != wanted).any() for half, wanted in zip(np.split(y, 2, -1), np.split(plain(x), 2, -1), strict=True)
    )


# ---------------------------------------------------------------- counts and sizes

COUNTS = [
    ("input 10x8\nlstm(16)", 4 * (8 * 16 + 16 * 16 + 16)),
    ("input 10x8\nlstm(16, bias = false)", 4 * (8 * 16 + 16 * 16)),
    ("input 10x8\nrnn(16)", 8 * 16 + 16 * 16 + 16),
    ("input 10x8\ngru(16)", 3 * (8 * 16 + 16 * 16 + 2 * 16)),
    ("input 10x8\ngru(16, reset_after = false)", 3 * (8 * 16 + 16 * 16 + 16)),
    (
        "input 200 tokens(20000)\nembedding(128) -> bidirectional(lstm(64)) -> bidirectional(lstm(64, return = last))\n"
        "-> dense(1, sigmoid)",
        2_757_761,
    ),
]


@pytest.mark.parametrize(("text", "count"), COUNTS)
def test_parameters(text: str, count: int) -> None:
    """As Keras counts them; the last one is its example of sentiments."""
    assert netspec.compile(text).cost.parameters == count


def test_multiply_adds() -> None:
    assert netspec.compile("input 10x8\nlstm(16)").cost.macs == 10 * 4 * 16 * (8 + 16)
    assert netspec.compile("input 10x8\nbidirectional(gru(16, return = last))").cost.macs == 2 * 10 * 3 * 16 * (8 + 16)


def test_any_number_of_steps() -> None:
    ours = Net("input (T, 4)\nbidirectional(gru(3)) -> lstm(5) -> (first | last | mean_pool) -> concat")
    assert [ours(data((2, steps, 4))).shape for steps in (1, 6)] == [(2, 15)] * 2


def test_precision() -> None:
    half = Net("input 6x4\nbidirectional(lstm(3, dtype = bf16))")
    full = Net("input 6x4\nbidirectional(lstm(3))", params=half.params)
    x = data((2, 6, 4))
    assert half(x).dtype == jnp.bfloat16
    assert np.abs(half(x).astype(np.float32) - full(x)).max() < 0.05
