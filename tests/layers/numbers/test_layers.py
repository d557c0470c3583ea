"""The numbers of layers against PyTorch, and against what a person works out by hand."""

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

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-5


def close(ours: Any, theirs: Any, what: str) -> None:
    """Equal within 1e-5 of the largest number."""
    wanted = theirs.detach().numpy() if hasattr(theirs, "detach") else np.asarray(theirs)
    found = np.asarray(ours)
    assert found.shape == wanted.shape, what
    assert np.abs(found - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max()), what


def data(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def channels_first(x: np.ndarray) -> Any:
    return torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)


def channels_last(x: Any) -> np.ndarray:
    return np.moveaxis(x.detach().numpy(), 1, -1)


class Ours:
    """A net of one layer: its result, and the gradients of a weighted sum of it."""

    def __init__(self, text: str, x: np.ndarray, *, train: bool = False) -> None:
        self.model = netspec.compile(text)
        self.variables = self.model.init(1)
        state = self.variables["state"]

        shape = jax.eval_shape(lambda: self.model.apply(self.variables, x)).shape
        self.weighting = data(shape, seed=7)

        def loss(params: Any, x: Any) -> Any:
            found = self.model.apply({"params": params, "state": state}, x, train=train)
            y, after = found if train else (found, state)
            return (y * self.weighting).sum(), (y, after)

        run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True, allow_int=True))
        (_, (self.y, self.state)), gradients = run(self.variables["params"], jnp.asarray(x))
        self.weights = flat(self.variables["params"])
        self.weight_gradients, self.input_gradient = flat(gradients[0]), gradients[1]


def flat(state: Any) -> dict[str, np.ndarray]:
    """Weights by the name that they have in their module."""
    return {str(path[-1]): np.asarray(leaf[...]) for path, leaf in nnx.to_flat_state(state)}


# ---------------------------------------------------------------- dense, convolutions, embeddings


@pytest.mark.parametrize(("shape", "bias"), [((5, 7), True), ((3, 4, 6), True), ((5, 7), False)])
def test_dense(shape: tuple[int, ...], bias: bool) -> None:
    x = data(shape)
    ours = Ours(f"input {'x'.join(map(str, shape[1:]))}\ndense(3, bias = {str(bias).lower()})", x)
    inputs = torch.tensor(x, requires_grad=True)
    kernel = torch.tensor(ours.weights["kernel"], requires_grad=True)
    offset = torch.tensor(ours.weights["bias"], requires_grad=True) if bias else None
    y = functional.linear(inputs, kernel.T, offset)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    close(ours.input_gradient, inputs.grad, "input gradient")
    close(ours.weight_gradients["kernel"], kernel.grad, "kernel gradient")
    if offset is not None:
        close(ours.weight_gradients["bias"], offset.grad, "bias gradient")


CONVOLUTIONS = [
    ((9, 4), "3", {}),
    ((9, 4), "3", {"pad": 1, "stride": 2}),
    ((9, 7, 4), "3x3", {"pad": "valid"}),
    ((9, 7, 4), "3x2", {"pad": "same"}),
    ((9, 7, 4), "3x3", {"pad": "same", "stride": 2}),
    ((8, 7, 4), "4x3", {"pad": "same", "stride": (3, 2)}),
    ((9, 7, 4), "3x3", {"pad": (1, 2), "stride": 2}),
    ((9, 7, 4), "3x3", {"pad": "same", "dilation": 2}),
    ((11, 9, 4), "3x2", {"pad": 2, "dilation": (2, 3), "stride": (1, 2)}),
    ((9, 7, 4), "3x3", {"groups": 2}),
    ((9, 7, 4), "3x3", {"groups": 4, "stride": 2, "pad": 1}),
    ((5, 6, 7, 2), "3x3x3", {"pad": "same", "stride": 2}),
    ((5, 6, 7, 2), "2x3x3", {"pad": "valid", "dilation": (1, 2, 1)}),
    ((9, 7, 4), "1x1", {"bias": False}),
]


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * axes


def padded(x: Any, kernel: tuple[int, ...], options: dict[str, Any]) -> Any:
    """`same` and numbers as an explicit padding with zeros."""
    axes = len(kernel)
    pad, stride, dilation = options.get("pad", "same"), options.get("stride", 1), options.get("dilation", 1)
    if pad == "valid":
        return x
    if pad == "same":
        sizes = zip(x.shape[2:], kernel, per_axis(stride, axes), per_axis(dilation, axes), strict=True)
        margins = [same_by_hand(*numbers) for numbers in sizes]
    else:
        margins = [(p, p) for p in per_axis(pad, axes)]
    return functional.pad(x, [n for pair in reversed(margins) for n in pair])


def same_by_hand(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """ceil(size / stride) places; the odd one of the padding goes behind."""
    places = (size + stride - 1) // stride
    missing = (places - 1) * stride + (kernel - 1) * dilation + 1 - size
    before = max(missing, 0) // 2
    return before, max(missing, 0) - before


@pytest.mark.parametrize(("shape", "kernel", "options"), CONVOLUTIONS)
def test_conv(shape: tuple[int, ...], kernel: str, options: dict[str, Any]) -> None:
    x = data((2, *shape))
    ours = Ours(f"input {'x'.join(map(str, shape))}\nconv(8, {kernel}{spelled(options)})", x)
    inputs = channels_first(x)
    weight = torch.tensor(np.moveaxis(ours.weights["kernel"], (-1, -2), (0, 1)).copy(), requires_grad=True)
    bias = torch.tensor(ours.weights["bias"], requires_grad=True) if "bias" in ours.weights else None
    axes = len(shape) - 1
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[axes - 1]
    numbers = {k: per_axis(v, axes) for k, v in options.items() if k in ("stride", "dilation")}
    sizes = tuple(map(int, kernel.split("x")))
    y = convolve(padded(inputs, sizes, options), weight, bias, groups=options.get("groups", 1), **numbers)
    (y * channels_first(ours.weighting).detach()).sum().backward()
    close(ours.y, channels_last(y), "forward")
    close(ours.input_gradient, channels_last(inputs.grad), "input gradient")
    gradient = np.moveaxis(weight.grad.numpy(), (0, 1), (-1, -2))
    close(ours.weight_gradients["kernel"], gradient, "kernel gradient")
    if bias is not None:
        close(ours.weight_gradients["bias"], bias.grad, "bias gradient")


def spelled(options: dict[str, Any]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, tuple):
            return "x".join(map(str, value))
        return str(value).lower()

    return "".join(f", {name} = {text(value)}" for name, value in options.items())


def test_same_padding_by_hand() -> None:
    for size, kernel, stride, dilation in [(9, 3, 2, 1), (8, 4, 3, 1), (7, 3, 1, 2), (5, 1, 2, 1), (6, 5, 4, 1)]:
        reach = (kernel - 1) * dilation + 1
        assert jax.lax.padtype_to_pads((size,), (reach,), (stride,), "SAME") == [
            same_by_hand(size, kernel, stride, dilation)
        ]


def test_embedding() -> None:
    ids = np.array([[0, 3, 3, 10], [1, 2, 0, 5]])
    ours = Ours("input 4 tokens(11)\nembedding(5)", ids)
    table = torch.tensor(ours.weights["embedding"], requires_grad=True)
    y = functional.embedding(torch.tensor(ids), table)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    close(ours.weight_gradients["embedding"], table.grad, "gradient")


# ---------------------------------------------------------------- pools

POOLS = [
    ((9, 7, 3), "2", {}),
    ((9, 7, 3), "3", {"stride": 1}),
    ((9, 7, 3), "3", {"stride": 2, "pad": 1}),
    ((9, 7, 3), "2", {"ceil": True}),
    ((8, 7, 3), "3", {"stride": 2, "ceil": True}),
    ((8, 7, 3), "3", {"stride": 2, "pad": 1, "ceil": True}),
    ((7, 7, 3), "2", {"stride": 3, "pad": 1, "ceil": True}),
    ((9, 8, 3), "3x2", {"stride": (2, 3), "pad": (1, 0)}),
    ((9, 3), "3", {"stride": 2, "ceil": True}),
    ((5, 6, 7, 2), "2", {"ceil": True}),
]


@pytest.mark.parametrize("count_pad", [None, False, True])
@pytest.mark.parametrize(("shape", "window", "options"), POOLS)
def test_pools(shape: tuple[int, ...], window: str, options: dict[str, Any], count_pad: bool | None) -> None:
    """`count_pad` None stands for maxpool."""
    x = data((2, *shape))
    word = "maxpool" if count_pad is None else "avgpool"
    given = options if count_pad is None else {**options, "count_pad": count_pad}
    ours = Ours(f"input {'x'.join(map(str, shape))}\n{word}({window}{spelled(given)})", x)
    axes = len(shape) - 1
    pool = getattr(functional, f"{'max' if count_pad is None else 'avg'}_pool{axes}d")
    more = {"ceil_mode": options.get("ceil", False), "padding": per_axis(options.get("pad", 0), axes)}
    if count_pad is not None:
        more["count_include_pad"] = count_pad
    sizes = per_axis(tuple(map(int, window.split("x"))) if "x" in window else int(window), axes)
    inputs = channels_first(x)
    y = pool(inputs, sizes, stride=per_axis(options.get("stride", sizes), axes), **more)
    (y * channels_first(ours.weighting).detach()).sum().backward()
    close(ours.y, channels_last(y), "forward")
    close(ours.input_gradient, channels_last(inputs.grad), "input gradient")


def test_pool_same_leaves_its_padding_out() -> None:
    ours = Ours("input 5x1\navgpool(3, stride = 2, pad = same)", np.array([[[1.0], [2], [3], [4], [6]]], np.float32))
    assert ours.y[0, :, 0].tolist() == [1.5, 3.0, 5.0]


def test_gap() -> None:
    x = data((2, 5, 6, 7, 3))
    inputs = channels_first(x)
    for ours, mean, source in (
        (Ours("input 5x6x7x3\ngap", x), inputs.mean((2, 3, 4)), x),
        (Ours("input 5x6x3\ngap", x[:, :, :, 0]), inputs[..., 0].mean((2, 3)), x[:, :, :, 0]),
        (Ours("input 5x3\ngap", x[:, :, 0, 0]), inputs[..., 0, 0].mean(2), x[:, :, 0, 0]),
    ):
        close(ours.y, mean, "forward")
        places = np.prod(source.shape[1:-1])
        wanted = np.broadcast_to(ours.weighting.reshape(2, *[1] * (source.ndim - 2), 3), source.shape) / places
        close(ours.input_gradient, wanted, "input gradient")


# ---------------------------------------------------------------- normalization


@pytest.mark.parametrize("shape", [(6,), (5, 6), (5, 4, 6), (3, 4, 2, 6)])
@pytest.mark.parametrize("train", [True, False])
def test_batchnorm(shape: tuple[int, ...], train: bool) -> None:
    x = 2 * data((8, *shape)) + 3
    ours = Ours(f"input {'x'.join(map(str, shape))}\nbatchnorm(momentum = 0.8)", x, train=train)
    inputs = channels_first(x)
    norm = (torch.nn.BatchNorm1d, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)[len(shape) - 1](
        6, momentum=0.2
    )
    norm.train(train)
    y = norm(inputs)
    (y * channels_first(ours.weighting).detach()).sum().backward()
    close(ours.y, channels_last(y), "forward")
    close(ours.input_gradient, channels_last(inputs.grad), "input gradient")
    close(ours.weight_gradients["scale"], norm.weight.grad, "scale gradient")
    close(ours.weight_gradients["bias"], norm.bias.grad, "offset gradient")
    if train:
        # PyTorch takes the unbiased variance for the running one; ours is the variance itself, as in Keras and Flax.
        axes = tuple(range(len(shape)))
        state = flat(ours.state)
        close(state["mean"], norm.running_mean, "running mean")
        close(state["var"], 0.8 + 0.2 * x.var(axis=axes), "running variance")


def test_batchnorm_uses_running_statistics() -> None:
    model = netspec.compile("input 3\nbatchnorm(momentum = 0.5)")
    variables = model.init(0)
    x = jnp.array([[1.0, 2, 3], [3, 6, 3]])
    _, state = model.apply(variables, x, train=True)
    found = model.apply({"params": variables["params"], "state": state}, x)
    mean, variance = np.array([1.0, 2, 1.5]), np.array([1.0, 2.5, 0.5])  # halfway from 0 and 1 to those of the batch
    close(found, (np.asarray(x) - mean) / np.sqrt(variance + 1e-5), "inference")


@pytest.mark.parametrize("shape", [(6,), (5, 6), (5, 4, 6)])
def test_layernorm(shape: tuple[int, ...]) -> None:
    x = 2 * data((4, *shape)) + 3
    ours = Ours(f"input {'x'.join(map(str, shape))}\nlayernorm", x)
    inputs = torch.tensor(x, requires_grad=True)
    norm = torch.nn.LayerNorm(6)
    y = norm(inputs)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    close(ours.input_gradient, inputs.grad, "input gradient")
    close(ours.weight_gradients["scale"], norm.weight.grad, "scale gradient")
    close(ours.weight_gradients["bias"], norm.bias.grad, "offset gradient")


# ---------------------------------------------------------------- activations

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x * 1,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
    "leaky_relu(0.2)": lambda x: functional.leaky_relu(x, 0.2),
    "prelu": lambda x: functional.prelu(x, torch.tensor([0.01])),
    "elu": functional.elu,
    "elu(0.5)": lambda x: functional.elu(x, 0.5),
    "selu": functional.selu,
    "celu": functional.celu,
    "celu(2)": lambda x: functional.celu(x, 2.0),
    "gelu": functional.gelu,
    "gelu(approximate = true)": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "softmax": lambda x: functional.softmax(x, -1),
    "log_softmax": lambda x: functional.log_softmax(x, -1),
    "step": lambda x: (x > 0).float() + 0 * x,
}


def test_every_activation_is_compared() -> None:
    from netspec.language.vocabulary import words

    assert {name.partition("(")[0] for name in ACTIVATIONS} == set(words("activation"))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    x = np.concatenate([4 * data((6, 5)), [[-30.0, -5.5, 0.25, 5.5, 30.0]]]).astype(np.float32)
    ours = Ours(f"input 5\n{name}", x)
    inputs = torch.tensor(x, requires_grad=True)
    y = ACTIVATIONS[name](inputs)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y, "forward")
    close(ours.input_gradient, inputs.grad, "gradient")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_as_an_option(name: str) -> None:
    x = data((6, 5))
    ours = Ours(f"input 5\ndense(4, {name})", x)
    kernel, bias = torch.tensor(ours.weights["kernel"]), torch.tensor(ours.weights["bias"])
    close(ours.y, ACTIVATIONS[name](functional.linear(torch.tensor(x), kernel.T, bias)), "forward")
