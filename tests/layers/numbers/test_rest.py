"""What the other files leave out: shortcuts, steps of sequences, new arrangements, recurrent layers that go backwards,
norms with weights that are not 1 and 0. Forward and both gradients against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402  # after the check that there is a PyTorch
from torch.nn.utils import rnn as packing  # noqa: E402

from tests.layers.numbers.test_layers import channels_first, close, data, flat, padded  # noqa: E402
from tests.layers.numbers.test_norms import compare, spec, torch_batchnorm, with_weights  # noqa: E402
from tests.layers.numbers.test_recurrent import IDS, LENGTHS, TORCH, Net, check_against, check_gradients, torch_layer  # noqa: E402
from tests.layers.numbers.test_windows import CONVOLVE, against, filters_first  # noqa: E402

pytestmark = pytest.mark.oracle

Weights = dict[str, Any]


# ---------------------------------------------------------------- shortcuts


@pytest.mark.parametrize(
    ("shape", "kernel", "strides"),
    [
        ((8, 7, 4), (3, 3), (2, 2)),
        ((8, 7, 4), (3, 3), (1, 1)),
        ((9, 6, 4), (3, 2), (3, 1)),
        ((9, 4), (3,), (2,)),
        ((4, 5, 6, 2), (3, 3, 3), (1, 2, 2)),
    ],
)
def test_residual_with_a_projection(shape: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """The shortcut is a 1x1 convolution with the strides of the body."""

    def theirs(x: Any, w: Weights) -> Any:
        convolve = CONVOLVE[len(kernel)]
        inside = padded(x, kernel, {"stride": strides})
        body = convolve(inside, filters_first(w["conv.kernel"]), w["conv.bias"], stride=strides).tanh()
        return body + convolve(x, filters_first(w["conv_2.kernel"]), stride=strides)

    sizes = "x".join(map(str, kernel))
    against(f"residual(conv(5, {sizes}, tanh, stride = {'x'.join(map(str, strides))}))", data((2, *shape)), theirs)


def test_residual_of_vectors() -> None:
    def theirs(x: Any, w: Weights) -> Any:
        body = functional.linear(x, w["dense.kernel"].T, w["dense.bias"]).tanh()
        return body + functional.linear(x, w["dense_2.kernel"].T)

    against("residual(dense(5, tanh))", data((4, 7)), theirs)


@pytest.mark.parametrize("shape", [(7,), (5, 7)])
def test_residual_without_a_projection(shape: tuple[int, ...]) -> None:
    def theirs(x: Any, w: Weights) -> Any:
        rows = x.movedim(1, -1)
        return (rows + functional.linear(rows, w["dense.kernel"].T, w["dense.bias"]).tanh()).movedim(-1, 1)

    against("residual(dense(7, tanh))", data((4, *shape)), theirs)


# ---------------------------------------------------------------- behind each other


@pytest.mark.parametrize(
    ("shape", "along", "axis", "filters"),
    [
        ((5, 3), "channels", 1, 4),
        ((5, 3), "length", 2, 3),
        ((5, 6, 3), "channels", 1, 4),
        ((5, 6, 3), "height", 2, 3),
        ((5, 6, 3), "width", 3, 3),
        ((2, 5, 6, 3), "channels", 1, 4),
        ((2, 5, 6, 3), "depth", 2, 3),
    ],
)
def test_concat(shape: tuple[int, ...], along: str, axis: int, filters: int) -> None:
    """One tensor twice, and once through weights: each part has its share of the gradient."""

    def theirs(x: Any, w: Weights) -> Any:
        middle = CONVOLVE[len(shape) - 1](x, filters_first(w["conv.kernel"]), w["conv.bias"])
        return torch.cat([x, middle, x.tanh()], axis)

    against(f"(identity | conv({filters}, 1) | tanh) -> concat(along = {along})", data((2, *shape)), theirs)


def test_concat_of_vectors() -> None:
    def theirs(x: Any, w: Weights) -> Any:
        return torch.cat([functional.linear(x, w["dense.kernel"].T, w["dense.bias"]), x], 1)

    against("(dense(3) | identity) -> concat", data((2, 5)), theirs)


# ---------------------------------------------------------------- arranged anew


def mixed(x: Any, w: Weights) -> Any:
    """A 1x1 convolution, channels last: something with weights in front of what has none."""
    rows = x.movedim(1, -1)
    return functional.linear(rows, w["conv.kernel"].reshape(rows.shape[-1], -1).T, w["conv.bias"])


@pytest.mark.parametrize(
    ("call", "arrange"),
    [
        ("identity", lambda y: y),
        ("scale(-2.5)", lambda y: -2.5 * y),
        ("scale(1 / 3, 0.7)", lambda y: y / 3 + 0.7),
        ("flatten", lambda y: y.reshape(2, -1)),
        ("reshape(10x6)", lambda y: y.reshape(2, 10, 6)),
        ("reshape(6x2x5)", lambda y: y.reshape(2, 6, 2, 5)),
        ("reshape(60)", lambda y: y.reshape(2, 60)),
    ],
)
def test_arrangements(call: str, arrange: Callable[[Any], Any]) -> None:
    """Row by row, channels last."""
    against(f"conv(4, 1) -> {call}", data((2, 5, 3, 2)), lambda x, w: arrange(mixed(x, w)).movedim(-1, 1))


# ---------------------------------------------------------------- one vector of many steps

STEPS: dict[str, Callable[[Any], Any]] = {
    "first": lambda steps: steps[0],
    "last": lambda steps: steps[-1],
    "mean_pool": lambda steps: steps.mean(0),
}
"""What each makes of the real steps of one text."""


@pytest.mark.parametrize("word", STEPS)
def test_of_steps(word: str) -> None:
    def theirs(x: Any, w: Weights) -> Any:
        return torch.stack([STEPS[word](text) for text in mixed(x, w).tanh()])

    against(f"conv(4, 1, tanh) -> {word}", data((3, 6, 5)), theirs)


PADDED = np.array([[0, 3, 9, 1, 0, 0, 0], [4, 2, 2, 7, 1, 5, 6], [0, 0, 0, 0, 0, 0, 6], [8, 0, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("word", STEPS)
def test_of_steps_with_padding(word: str) -> None:
    """In front, behind, on both sides: the real steps count, and they alone have gradients."""
    ours = Net(f"input 7 tokens(11, pad = 0)\nembedding(4) -> dense(3, tanh) -> {word}")
    ours.run(PADDED)
    w = {name: torch.tensor(value, requires_grad=True) for name, value in ours.weights.items()}
    table = w["embedding.embedding"]
    steps = [functional.linear(table[text[text > 0]], w["dense.kernel"].T, w["dense.bias"]).tanh() for text in PADDED]
    y = torch.stack([STEPS[word](real) for real in steps])
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    for name, weight in w.items():
        close(ours.gradients[name], weight.grad, name)


# ---------------------------------------------------------------- backwards, and both ways


@pytest.mark.parametrize("returned", ["sequence", "last"])
@pytest.mark.parametrize("kind", TORCH)
def test_reverse(kind: str, returned: str) -> None:
    """PyTorch reads the steps from behind; its results are turned round again."""
    ours = Net(f"input 6x4\n{kind}(3, reverse = true, return = {returned})", inside=kind)
    x = data((2, 6, 4))
    ours.run(x)
    layer = torch_layer(kind, ours.weights)
    inputs = torch.tensor(x, requires_grad=True)
    y = layer(inputs.flip(1))[0].flip(1)
    y = y if returned == "sequence" else y[:, 0]
    check_against(kind, ours, layer, y, inputs)


@pytest.mark.parametrize("kind", TORCH)
def test_reverse_with_padding(kind: str) -> None:
    """It begins at the last real step."""
    ours = Net(f"input 7 tokens(20, pad = 0)\nembedding(4) -> {kind}(3, reverse = true)")
    real = (IDS != 0)[..., None]
    ours.run(IDS, data((3, 7, 3), seed=7) * real)
    cell = {n.removeprefix(f"{kind}."): v for n, v in ours.weights.items()}
    layer = torch_layer(kind, cell)
    table = torch.tensor(ours.weights["embedding.embedding"], requires_grad=True)
    turned = torch.nn.utils.rnn.pad_sequence(
        [table[text[:length]].flip(0) for text, length in zip(IDS, LENGTHS, strict=True)], batch_first=True
    )
    packed = layer(packing.pack_padded_sequence(turned, LENGTHS, batch_first=True))[0]
    found = packing.pad_packed_sequence(packed, batch_first=True)[0]
    y = torch.zeros(3, 7, 3)
    for index, length in enumerate(LENGTHS):
        y[index, :length] = found[index, :length].flip(0)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y * real, y, "forward")
    close(ours.gradients["embedding.embedding"], table.grad, "gradient of the embedding")
    ours.weights = cell
    ours.gradients = {n.removeprefix(f"{kind}."): v for n, v in ours.gradients.items()}
    check_gradients(kind, ours, layer)


MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "average": lambda a, b: (a + b) / 2,
}


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize(
    ("kind", "returned"), [("rnn", "sequence"), ("lstm", "sequence"), ("lstm", "last"), ("gru", "last")]
)
def test_bidirectional_merges(kind: str, returned: str, merge: str) -> None:
    ours = Net(f"input 6x4\nbidirectional({kind}(3, return = {returned}), merge = {merge})", inside="bidirectional")
    x = data((2, 6, 4))
    ours.run(x)
    layer = torch_layer(kind, ours.weights)
    inputs = torch.tensor(x, requires_grad=True)
    both, last = layer(inputs)
    last = last[0] if kind == "lstm" else last
    y = MERGES[merge](*(both.split(3, -1) if returned == "sequence" else last))
    check_against(kind, ours, layer, y, inputs)


# ---------------------------------------------------------------- batchnorm with weights that are not 1 and 0

BATCHES = [(6,), (5, 6), (5, 4, 6), (3, 4, 2, 6)]


@pytest.mark.parametrize("shape", BATCHES)
def test_batchnorm_in_training(shape: tuple[int, ...]) -> None:
    x = 2 * data((8, *shape)) + 3
    given = {"scale": data((6,), 3), "bias": data((6,), 4)}
    y, gradients, input_gradient, weighting = with_weights(spec(shape, "batchnorm(epsilon = 1e-3)"), x, **given)
    theirs = torch_batchnorm(shape, eps=1e-3)
    compare(theirs, given, channels_first(x), y, weighting, gradients, input_gradient, first=True)


@pytest.mark.parametrize("shape", BATCHES)
def test_batchnorm_in_prediction(shape: tuple[int, ...]) -> None:
    """With running statistics that are not 0 and 1, as a frozen one is trained around."""
    x = 2 * data((8, *shape)) + 3
    given = {"scale": data((6,), 3), "bias": data((6,), 4)}
    running = {"mean": data((6,), 5), "var": np.abs(data((6,), 6)) + 0.5}
    model = netspec.compile(spec(shape, "batchnorm(epsilon = 1e-3)"))
    variables = model.init(0)
    for part, values in (("params", given), ("state", running)):
        nnx.update(variables[part], {"batchnorm": {name: jnp.asarray(value) for name, value in values.items()}})
    weighting = data(x.shape, seed=7)

    def loss(params: Any, x: Any) -> Any:
        y = model.apply({**variables, "params": params}, x)
        return (y * weighting).sum(), y

    run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
    (_, y), (gradients, input_gradient) = run(variables["params"], x)
    theirs = torch_batchnorm(shape, eps=1e-3).eval()
    theirs.running_mean, theirs.running_var = (torch.tensor(value) for value in running.values())
    compare(theirs, given, channels_first(x), y, weighting, flat(gradients), input_gradient, first=True)


def test_batchnorm_of_texts() -> None:
    """Padded steps have no part in the statistics, and no gradient flows through them."""
    ours = Net("input 7 tokens(20, pad = 0)\nembedding(4) -> batchnorm")
    real = IDS != 0
    weighting = data((3, 7, 4), seed=7) * real[..., None]

    def loss(params: Any) -> Any:
        y, _ = ours.model.apply({"params": params, "state": ours.model.init(1)["state"]}, IDS, train=True)
        return (y * weighting).sum(), y

    (_, y), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(ours.params)
    w = {name: torch.tensor(value, requires_grad=True) for name, value in ours.weights.items()}
    rows = w["embedding.embedding"][torch.tensor(IDS[real])]
    wanted = functional.batch_norm(rows, None, None, w["batchnorm.scale"], w["batchnorm.bias"], training=True, eps=1e-5)
    (wanted * torch.tensor(weighting[real])).sum().backward()
    close(np.asarray(y)[real], wanted, "forward")
    for name, found in ours.named(gradients).items():
        close(found, w[name].grad, name)
