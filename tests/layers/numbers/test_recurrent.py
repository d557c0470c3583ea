"""The numbers of recurrent layers against PyTorch, with padding and without."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from tests.layers.numbers.test_layers import close, data

torch = pytest.importorskip("torch")
from torch.nn.utils import rnn as packing  # noqa: E402  # after the check that there is a PyTorch

pytestmark = pytest.mark.oracle

GATES = {"rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}
"""Where PyTorch's gates stand in the weights here: its GRU has the reset gate first."""

TORCH = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}

FAST = {"xla_backend_optimization_level": "0", "xla_llvm_disable_expensive_passes": True}
"""Compile quickly: nothing here runs long."""


class Net:
    """A spec with random weights, biases too, and what one pass forwards and backwards gives.

    Weights and gradients have the names of the weights with dots, without that of the layer where `inside` tells it.
    """

    def __init__(self, text: str, *, inside: str = "", params: Any = None) -> None:
        self.model = netspec.compile(text)
        self.inside = f"{inside}." if inside else ""
        found = jax.eval_shape(lambda: self.model.init(1))
        self.state = self.model.init(1)["state"] if jax.tree.leaves(found["state"]) else found["state"]
        self.apply = jax.jit(self.model.apply, static_argnames="train", compiler_options=FAST)
        rng = np.random.default_rng(3)

        def draw(leaf: Any) -> Any:
            return jnp.asarray(0.5 * rng.normal(size=leaf.shape), jnp.float32)

        self.params = jax.tree.map(draw, found["params"]) if params is None else params
        self.weights = self.named(self.params)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.apply({"params": self.params, "state": self.state}, x))

    def trained(self, x: np.ndarray) -> np.ndarray:
        """As while training."""
        return np.asarray(self.apply({"params": self.params, "state": self.state}, x, train=True)[0])

    def run(self, x: np.ndarray, weighting: np.ndarray | None = None) -> None:
        """Forward, and the gradients of a weighted sum."""
        shape = jax.eval_shape(lambda: self.model.apply({"params": self.params, "state": self.state}, x)).shape
        self.weighting = data(shape, seed=7) if weighting is None else weighting

        def loss(params: Any, x: Any) -> Any:
            y = self.model.apply({"params": params, "state": self.state}, x)
            return (y * self.weighting).sum(), y

        run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True, allow_int=True), compiler_options=FAST)
        (_, self.y), (gradients, self.input_gradient) = run(self.params, jnp.asarray(x))
        self.gradients = self.named(gradients)

    def named(self, state: Any) -> dict[str, np.ndarray]:
        flat = nnx.to_flat_state(state)
        names = {".".join(map(str, path)): np.asarray(leaf[...]) for path, leaf in flat}
        return {name.removeprefix(self.inside): value for name, value in names.items()}

    def fill(self, values: dict[str, np.ndarray]) -> None:
        """Take these weights instead."""
        assert {n: v.shape for n, v in values.items()} == {n: v.shape for n, v in self.weights.items()}
        flat = [
            (path, leaf.replace(jnp.asarray(values[".".join(map(str, path)).removeprefix(self.inside)])))
            for path, leaf in nnx.to_flat_state(self.params)
        ]
        self.params = nnx.from_flat_state(flat)
        self.weights = self.named(self.params)


# ---------------------------------------------------------------- weights of PyTorch


def reordered(kind: str, columns: np.ndarray) -> np.ndarray:
    """Columns with the gates in PyTorch's order, or back."""
    gates = np.split(columns, len(GATES[kind]), axis=-1)
    return np.concatenate([gates[i] for i in GATES[kind]], axis=-1)


def to_torch(kind: str, weights: dict[str, np.ndarray], prefix: str = "") -> dict[str, np.ndarray]:
    kernel, recurrent = (reordered(kind, weights[f"{prefix}{name}"]) for name in ("kernel", "recurrent_kernel"))
    found = {"weight_ih": kernel.T, "weight_hh": recurrent.T}
    if f"{prefix}bias" in weights:
        bias = reordered(kind, weights[f"{prefix}bias"])
        found["bias_ih"], found["bias_hh"] = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return found


def from_torch(kind: str, arrays: dict[str, Any], *, one_bias: bool) -> dict[str, np.ndarray]:
    """Gradients of PyTorch's weights as those of ours; both biases of an LSTM have the gradient of our one."""
    found = {"kernel": reordered(kind, arrays["weight_ih"].numpy().T)}
    found["recurrent_kernel"] = reordered(kind, arrays["weight_hh"].numpy().T)
    if "bias_ih" in arrays:
        first, second = (reordered(kind, arrays[name].numpy()) for name in ("bias_ih", "bias_hh"))
        found["bias"] = first if one_bias else np.stack([first, second])
    return found


SUFFIXES = {"": "_l0", "forward.": "_l0", "backward.": "_l0_reverse"}


def torch_layer(kind: str, weights: dict[str, np.ndarray], **options: Any) -> Any:
    """PyTorch's layer with our weights."""
    prefixes = ["forward.", "backward."] if "forward.kernel" in weights else [""]
    features, units = weights[f"{prefixes[0]}kernel"].shape[0], weights[f"{prefixes[0]}recurrent_kernel"].shape[0]
    both, bias = len(prefixes) == 2, f"{prefixes[0]}bias" in weights
    layer = TORCH[kind](features, units, batch_first=True, bidirectional=both, bias=bias, **options)
    with torch.no_grad():
        for prefix in prefixes:
            for name, value in to_torch(kind, weights, prefix).items():
                getattr(layer, name + SUFFIXES[prefix]).copy_(torch.tensor(value.copy()))
    return layer


def check_gradients(kind: str, ours: Net, layer: Any) -> None:
    for prefix in ["forward.", "backward."] if "forward.kernel" in ours.weights else [""]:
        suffix = SUFFIXES[prefix]
        names = [n.removesuffix(suffix) for n, _ in layer.named_parameters() if n.endswith(suffix)]
        theirs = from_torch(kind, {n: getattr(layer, n + suffix).grad for n in names}, one_bias=kind != "gru")
        for name, wanted in theirs.items():
            close(ours.gradients[prefix + name], wanted, f"gradient of {prefix}{name}")


LAYERS = [
    ("rnn", "rnn(5)", {}, "sequence"),
    ("rnn", "rnn(5, relu, bias = false)", {"nonlinearity": "relu"}, "last"),
    ("lstm", "lstm(5)", {}, "sequence"),
    ("lstm", "lstm(3)", {}, "last"),
    ("lstm", "lstm(3, bias = false)", {}, "sequence"),
    ("gru", "gru(5)", {}, "sequence"),
    ("gru", "gru(3)", {}, "last"),
    ("gru", "gru(3, bias = false)", {}, "sequence"),
]


def check_against(kind: str, ours: Net, layer: Any, y: Any, inputs: Any) -> None:
    """What PyTorch gave for the inputs, and its gradients to them and to the weights."""
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    close(ours.input_gradient, inputs.grad, "input gradient")
    check_gradients(kind, ours, layer)


@pytest.mark.parametrize(("kind", "text", "options", "returned"), LAYERS)
def test_layers(kind: str, text: str, options: dict[str, Any], returned: str) -> None:
    ours = Net(f"input 6x4\n{text[:-1]}, return = {returned})", inside=kind)
    x = data((2, 6, 4))
    ours.run(x)
    layer = torch_layer(kind, ours.weights, **options)
    inputs = torch.tensor(x, requires_grad=True)
    y = layer(inputs)[0]
    y = y if returned == "sequence" else y[:, -1]
    check_against(kind, ours, layer, y, inputs)


@pytest.mark.parametrize(
    ("kind", "returned"), [("rnn", "last"), ("lstm", "sequence"), ("lstm", "last"), ("gru", "sequence")]
)
def test_bidirectional(kind: str, returned: str) -> None:
    ours = Net(f"input 6x4\nbidirectional({kind}(3, return = {returned}))", inside="bidirectional")
    x = data((2, 6, 4))
    ours.run(x)
    layer = torch_layer(kind, ours.weights)
    inputs = torch.tensor(x, requires_grad=True)
    y, last = layer(inputs)
    last = last[0] if kind == "lstm" else last
    y = y if returned == "sequence" else torch.cat([last[0], last[1]], -1)
    check_against(kind, ours, layer, y, inputs)


@pytest.mark.parametrize("kind", TORCH)
def test_reverse(kind: str) -> None:
    """The results stand at their steps; the last one is that of the first step."""
    ours = Net(f"input 6x4\n{kind}(3, reverse = true)", inside=kind)
    x = data((2, 6, 4))
    y = torch_layer(kind, ours.weights)(torch.tensor(x[:, ::-1].copy()))[0].flip(1)
    close(ours(x), y, "sequence")
    last = Net(f"input 6x4\n{kind}(3, reverse = true, return = last)", params=ours.params)
    close(last(x), y[:, 0], "last")


def test_both_ways_of_a_layer_that_is_reversed() -> None:
    ours = Net("input 6x4\nbidirectional(gru(3))", inside="bidirectional")
    swapped = Net("input 6x4\nbidirectional(gru(3, reverse = true))", inside="bidirectional")
    ways = {"forward": "backward", "backward": "forward"}
    swapped.fill({f"{ways[n.partition('.')[0]]}.{n.partition('.')[2]}": v for n, v in ours.weights.items()})
    x = data((2, 6, 4))
    close(swapped(x), np.concatenate(np.split(ours(x), 2, axis=-1)[::-1], axis=-1), "the other way round")


def test_merge() -> None:
    ours = Net("input 6x4\nbidirectional(lstm(3))")
    x = data((2, 6, 4))
    a, b = np.split(ours(x), 2, axis=-1)
    for merge, wanted in {"add": a + b, "mul": a * b, "average": (a + b) / 2}.items():
        found = Net(f"input 6x4\nbidirectional(lstm(3), merge = {merge})", params=ours.params)
        close(found(x), wanted, merge)


def test_weights_of_a_plain_torch_net() -> None:
    """A whole net, filled from a PyTorch module with the weights that it begins with."""
    torch.manual_seed(0)
    stack, top = torch.nn.LSTM(8, 16, num_layers=2, batch_first=True), torch.nn.Linear(16, 3)
    ours = Net("input 10x8\nlstm(16) -> lstm(16, return = last) -> dense(3, softmax)")
    values = {"dense.kernel": top.weight.detach().numpy().T, "dense.bias": top.bias.detach().numpy()}
    for index, name in enumerate(["lstm", "lstm_2"]):
        weights = {
            n: getattr(stack, f"{n}_l{index}").detach() for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        found = from_torch("lstm", weights, one_bias=False)
        values |= {f"{name}.{n}": v.sum(0) if n == "bias" else v for n, v in found.items()}
    ours.fill(values)
    x = data((4, 10, 8))
    wanted = torch.softmax(top(stack(torch.tensor(x))[0][:, -1]), -1).detach().numpy()
    assert np.abs(ours(x) - wanted).max() < 1e-5


# ---------------------------------------------------------------- padding

LENGTHS = (7, 4, 1)
IDS = np.array([[3, 9, 1, 1, 5, 2, 8], [4, 2, 2, 7, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("call", "returned"),
    [
        ("rnn(3)", "sequence"),
        ("gru(3)", "last"),
        ("bidirectional(lstm(3))", "sequence"),
        ("bidirectional(gru(3))", "last"),
    ],
)
def test_padding_is_skipped(call: str, returned: str) -> None:
    """As PyTorch does with packed sequences, whatever the padded steps hold."""
    kind = next(k for k in TORCH if k in call)
    text = call.replace("(3", f"(3, return = {returned}")
    ours = Net(f"input 7 tokens(20, pad = 0)\nembedding(4) -> {text}")
    real = IDS != 0
    rows = data((3, 7, 6 if "bi" in call else 3), seed=7)
    ours.run(IDS, rows * real[..., None] if returned == "sequence" else rows[:, 0])
    prefix = call.partition("(")[0]
    ours.weights = {n.removeprefix(f"{prefix}."): v for n, v in ours.weights.items()}
    ours.gradients = {n.removeprefix(f"{prefix}."): v for n, v in ours.gradients.items()}
    layer = torch_layer(kind, ours.weights)
    table = torch.tensor(ours.weights["embedding.embedding"], requires_grad=True)
    packed = packing.pack_padded_sequence(table[torch.tensor(IDS)], LENGTHS, batch_first=True)
    output, last = layer(packed)
    last = last[0] if kind == "lstm" else last
    y = packing.pad_packed_sequence(output, batch_first=True)[0] if returned == "sequence" else torch.cat([*last], -1)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y * real[..., None] if returned == "sequence" else ours.y, y, "forward")
    close(ours.gradients["embedding.embedding"], table.grad, "gradient of the embedding")
    check_gradients(kind, ours, layer)


def test_what_comes_out_at_padded_steps() -> None:
    """Forwards the result of the last real step is carried on; backwards nothing has happened yet."""
    y = Net("input 7 tokens(20, pad = 0)\nembedding(4) -> bidirectional(lstm(3))")(IDS)
    for row, length in zip(y, LENGTHS, strict=True):
        assert (row[length:, :3] == row[length - 1, :3]).all()
        assert (row[length:, 3:] == 0).all()
        assert (row[:length] != 0).all()


ENDS = ["rnn(3) -> last", "gru(3, return = last)", "bidirectional(lstm(3, return = last))", "lstm(3) -> mean_pool"]
NETS = [
    f"({' | '.join(ENDS)} | first | last | mean_pool | lstm(3, reverse = true) -> first) -> concat",
    "bidirectional(gru(3), merge = add) -> dense(4, relu) -> bidirectional(lstm(2)) -> mean_pool -> dense(2)",
    "encoder(3) -> encoder(3, add) -> (first | last | mean_pool) -> concat",
    "recurrent -> recurrent -> last",
]
DEFS = (
    "def encoder(n, join = concat) = bidirectional(lstm(n), merge = join) -> layernorm -> dense(4)\n"
    "share recurrent = gru(4)\n"
)


@pytest.mark.parametrize("text", NETS)
def test_padding_changes_nothing(text: str) -> None:
    """A padded text gives what the text alone gives, with the padding behind it or in front."""
    ours = Net(f"input T tokens(20, pad = 0)\n{DEFS}embedding(4) -> {text}")
    alone = Net(f"input T tokens(20)\n{DEFS}embedding(4) -> {text}", params=ours.params)
    behind, in_front = ours(IDS), ours(np.stack([np.roll(row, 7 - n) for row, n in zip(IDS, LENGTHS, strict=True)]))
    for index, length in enumerate(LENGTHS):
        wanted = alone(IDS[index : index + 1, :length])[0]
        close(behind[index], wanted, f"{length} real steps, then padding")
        close(in_front[index], wanted, f"padding, then {length} real steps")


def test_a_text_of_padding_alone() -> None:
    """The state it begins with, zero, is also the last one; the mean of no steps is 0, and its gradient too."""
    ours = Net(f"input 5 tokens(20, pad = 0)\nembedding(4) -> ({' | '.join(ENDS)}) -> concat")
    ours.run(np.zeros((2, 5), int))
    assert (ours.y == 0).all()
    assert all((value == 0).all() for value in ours.gradients.values())


def test_mean_of_no_steps() -> None:
    ours = Net("input 5 tokens(20, pad = 0)\nembedding(4) -> mean_pool")
    ours.run(np.array([[0, 0, 0, 0, 0], [1, 2, 0, 0, 0]]))
    table = ours.weights["embedding.embedding"]
    close(ours.y, np.stack([np.zeros(4), (table[1] + table[2]) / 2]), "forward")
    assert (ours.gradients["embedding.embedding"][0] == 0).all()


def test_steps_without_padding() -> None:
    x = data((2, 6, 4))
    for word, wanted in {"first": x[:, 0], "last": x[:, -1], "mean_pool": x.mean(1)}.items():
        close(Net(f"input 6x4\n{word}")(x), wanted, word)
