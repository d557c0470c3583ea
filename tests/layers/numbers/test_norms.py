"""Normalization, noise and dropout: numbers and gradients against PyTorch, chances against their formulas."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402  # after the check that there is a PyTorch

from tests.layers.numbers.test_layers import Ours, channels_first, channels_last, close, data, flat  # noqa: E402

pytestmark = pytest.mark.oracle


def spec(shape: tuple[int, ...], word: str) -> str:
    return f"input {'x'.join(map(str, shape))}\n{word}"


def with_weights(text: str, x: np.ndarray, **given: Any) -> tuple[Any, Any, Any, np.ndarray]:
    """A net of one layer with these weights: its result, the gradients of a weighted sum, and the weighting."""
    model = netspec.compile(text)
    variables = model.init(0)
    nnx.update(variables["params"], {model.layers[-1].node.name: {k: jnp.asarray(v) for k, v in given.items()}})
    weighting = data(x.shape, seed=7)

    def loss(params: Any, x: Any) -> Any:
        y, _ = model.apply({**variables, "params": params}, x, train=True)
        return (y * weighting).sum(), y

    (_, y), gradients = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))(variables["params"], x)
    return y, flat(gradients[0]), gradients[1], weighting


# ---------------------------------------------------------------- over the batch


def torch_batchnorm(shape: tuple[int, ...], **options: Any) -> Any:
    kind = (torch.nn.BatchNorm1d, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)[len(shape) - 1]
    return kind(shape[-1], **options)


@pytest.mark.parametrize("shape", [(6,), (5, 4, 6)])
def test_batchnorm_over_several_steps(shape: tuple[int, ...]) -> None:
    """Running statistics after three batches, and what evaluation makes of them, with its gradients."""
    model = netspec.compile(spec(shape, "batchnorm(momentum = 0.7, epsilon = 1e-3)"))
    variables = model.init(0)
    theirs = torch_batchnorm(shape, momentum=0.3, eps=1e-3)
    count = 8 * int(np.prod(shape[:-1]))
    unbiased = torch.ones(shape[-1])
    for seed in range(3):
        x = (seed + 1) * data((8, *shape), seed) + seed
        y, state = model.apply(variables, x, train=True)
        close(y, channels_last(theirs(channels_first(x))), "forward")
        variables = {"params": variables["params"], "state": state}
        # PyTorch remembers the unbiased variance, n / (n - 1) times that of the batch; ours is that of the batch.
        now = torch.tensor(x.var(axis=tuple(range(len(shape)))))
        unbiased = 0.7 * unbiased + 0.3 * now * count / (count - 1)
        close(flat(state)["mean"], theirs.running_mean, "running mean")
        close(unbiased, theirs.running_var, "what PyTorch keeps")
    biased = flat(variables["state"])["var"]
    assert np.all(biased < np.asarray(unbiased))
    theirs.eval()
    theirs.running_var = torch.tensor(biased)
    x = data((4, *shape), 9)
    inputs = channels_first(x)
    y = theirs(inputs)
    found, pull = jax.vjp(lambda x: model.apply(variables, x), jnp.asarray(x))
    close(found, channels_last(y), "inference")
    weighting = data(x.shape, 7)
    (y * channels_first(weighting).detach()).sum().backward()
    close(pull(weighting)[0], channels_last(inputs.grad), "input gradient of inference")


@pytest.mark.parametrize("word", ["batchnorm", "groupnorm(2)"])
@pytest.mark.parametrize(
    ("options", "names"),
    [("scale = false", {"bias"}), ("offset = false", {"scale"}), ("scale = false, offset = false", set())],
)
def test_norms_without_weights(word: str, options: str, names: set[str]) -> None:
    x = data((8, 5, 6)) + 3
    text = f"{word[:-1]}, {options})" if word.endswith(")") else f"{word}({options})"
    model = netspec.compile(spec((5, 6), text))
    variables = model.init(0)
    assert set(flat(variables["params"])) == names
    inputs = channels_first(x)
    wanted = functional.batch_norm(inputs, None, None, training=True)
    if word != "batchnorm":
        wanted = functional.group_norm(inputs, 2)
    close(model.apply(variables, x, train=True)[0], channels_last(wanted), "forward")


@pytest.mark.parametrize("word", ["batchnorm", "layernorm", "groupnorm(2)", "instancenorm"])
def test_far_from_zero(word: str) -> None:
    """A column of years: mean 2000, deviation 1. The mean of the squares less the square of the mean is noise there."""
    x = (2000 + data((64, 9, 6))).astype(np.float32)
    y, _, _, _ = with_weights(spec((9, 6), word), x)
    exact = x.astype(np.float64).reshape(64, 9, 2, 3)
    axes = {"batchnorm": (0, 1), "layernorm": (2, 3), "groupnorm(2)": (1, 3), "instancenorm": (1,)}[word]
    wanted = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    assert np.abs(np.asarray(y) - wanted.reshape(x.shape)).max() < 1e-3


# ---------------------------------------------------------------- over an example

RANKS = [(12,), (7, 12), (3, 4, 2, 12)]


@pytest.mark.parametrize("shape", RANKS)
@pytest.mark.parametrize("word", ["layernorm(epsilon = 1e-3)", "rmsnorm(epsilon = 1e-3)"])
def test_norms_of_the_channels(word: str, shape: tuple[int, ...]) -> None:
    x = 2 * data((4, *shape)) + 3
    given = {"scale": data((12,), 3), "bias": data((12,), 4)}
    if word.startswith("rmsnorm"):
        del given["bias"]
    y, gradients, input_gradient, weighting = with_weights(spec(shape, word), x, **given)
    inputs = torch.tensor(x, requires_grad=True)
    theirs = (torch.nn.LayerNorm if "bias" in given else torch.nn.RMSNorm)(12, eps=1e-3)
    compare(theirs, given, inputs, y, weighting, gradients, input_gradient)


@pytest.mark.parametrize(
    ("groups", "shape"), [(1, (12,)), (3, (12,)), (4, (7, 12)), (1, (5, 4, 12)), (12, (5, 4, 12)), (3, (3, 4, 2, 12))]
)
def test_groupnorm(groups: int, shape: tuple[int, ...]) -> None:
    x = 2 * data((4, *shape)) + 3
    given = {"scale": data((12,), 3), "bias": data((12,), 4)}
    y, gradients, input_gradient, weighting = with_weights(spec(shape, f"groupnorm({groups})"), x, **given)
    theirs = torch.nn.GroupNorm(groups, 12)
    compare(theirs, given, channels_first(x), y, weighting, gradients, input_gradient, first=True)


@pytest.mark.parametrize("shape", RANKS[1:])
def test_instancenorm(shape: tuple[int, ...]) -> None:
    x = 2 * data((4, *shape)) + 3
    given = {"scale": data((12,), 3), "bias": data((12,), 4)}
    y, gradients, input_gradient, weighting = with_weights(spec(shape, "instancenorm"), x, **given)
    kind = (torch.nn.InstanceNorm1d, torch.nn.InstanceNorm2d, torch.nn.InstanceNorm3d)[len(shape) - 2]
    theirs = kind(12, affine=True)
    compare(theirs, given, channels_first(x), y, weighting, gradients, input_gradient, first=True)


def compare(
    theirs: Any,
    given: dict[str, np.ndarray],
    inputs: Any,
    y: Any,
    weighting: np.ndarray,
    gradients: dict[str, np.ndarray],
    input_gradient: Any,
    *,
    first: bool = False,
) -> None:
    """Run PyTorch's module with the same weights; `first` when its channels stand first."""
    names = {"scale": "weight", "bias": "bias"}
    with torch.no_grad():
        for name, value in given.items():
            getattr(theirs, names[name]).copy_(torch.tensor(value))
    wanted = theirs(inputs)
    (wanted * (channels_first(weighting).detach() if first else torch.tensor(weighting))).sum().backward()
    as_ours = channels_last if first else (lambda t: t.detach().numpy())
    close(y, as_ours(wanted), "forward")
    close(input_gradient, as_ours(inputs.grad), "input gradient")
    for name in given:
        close(gradients[name], getattr(theirs, names[name]).grad, f"{name} gradient")


def test_norms_of_an_example_are_the_same_outside_training() -> None:
    x = data((3, 5, 4, 8))
    for word in ("layernorm", "rmsnorm", "groupnorm(4)", "instancenorm"):
        model = netspec.compile(spec((5, 4, 8), word))
        close(model(x), model.apply(model.init(0), x, train=True)[0], word)


# ---------------------------------------------------------------- padded steps

PADDED = "input 6 tokens(9, pad = 0)\nembedding(4) -> "


@pytest.mark.parametrize("word", ["batchnorm", "groupnorm(2)", "instancenorm"])
def test_padded_steps_do_not_count(word: str) -> None:
    """Texts with padding give at their real steps what the same texts give alone."""
    model = netspec.compile(PADDED + word)
    ids = np.array([[3, 1, 4, 0, 0, 0], [5, 2, 6, 8, 0, 0]])
    table = flat(model.init(0)["params"])["embedding"]
    y, _ = model.apply(model.init(0), ids, train=True)
    real = ids != 0
    vectors = table[ids]
    if word == "batchnorm":
        wanted = (vectors - vectors[real].mean(0)) / np.sqrt(vectors[real].var(0) + 1e-5)
        close(y, wanted, "forward")
        return
    for text, found in zip(ids, np.asarray(y), strict=True):
        length = int((text != 0).sum())
        alone = torch.tensor(table[text[:length]].T[None])
        groups = 2 if word == "groupnorm(2)" else 4
        close(found[:length], functional.group_norm(alone, groups)[0].T, "real steps")


@pytest.mark.parametrize("word", ["batchnorm", "groupnorm(2)", "instancenorm"])
def test_a_text_of_padding_alone_is_finite(word: str) -> None:
    model = netspec.compile(PADDED + word)
    ids = np.array([[0, 0, 0, 0, 0, 0]])
    variables = model.init(0)

    def loss(params: Any) -> Any:
        y, state = model.apply({**variables, "params": params}, ids, train=True)
        return (y * data((1, 6, 4))).sum(), (y, state)

    gradient, (y, state) = jax.grad(loss, has_aux=True)(variables["params"])
    for leaf in jax.tree.leaves((gradient, y, nnx.filter_state(state, nnx.BatchStat))):
        assert bool(jnp.all(jnp.isfinite(leaf)))


# ---------------------------------------------------------------- without weights


@pytest.mark.parametrize(
    ("size", "shape"),
    [(5, (11,)), (4, (5, 11)), (1, (4, 3, 11)), (2, (4, 3, 11)), (5, (4, 3, 11)), (15, (4, 3, 11)), (3, (2, 4, 3, 11))],
)
def test_lrn(size: int, shape: tuple[int, ...]) -> None:
    x = 3 * data((2, *shape))
    options = "alpha = 0.3, beta = 0.6, k = 1.5, divide = true"
    ours = Ours(spec(shape, f"lrn({size}, {options})"), x)
    inputs = channels_first(x)
    sized = inputs if len(shape) > 1 else inputs[:, :, None]
    y = functional.local_response_norm(sized, size, alpha=0.3, beta=0.6, k=1.5)
    y = y if len(shape) > 1 else y[:, :, 0]
    (y * channels_first(ours.weighting).detach()).sum().backward()
    close(ours.y, channels_last(y), "forward")
    close(ours.input_gradient, channels_last(inputs.grad), "input gradient")


def test_lrn_of_the_paper() -> None:
    """The defaults: b = a / (2 + 1e-4 * sum of a^2 over 5 channels)^0.75, worked out channel by channel."""
    x = 40 * data((2, 3, 3, 7))
    wanted = np.empty_like(x)
    for i in range(7):
        near = x[..., max(0, i - 2) : min(6, i + 2) + 1]
        wanted[..., i] = x[..., i] / (2 + 1e-4 * (near.astype(np.float64) ** 2).sum(-1)) ** 0.75
    close(Ours(spec((3, 3, 7), "lrn"), x).y, wanted, "forward")
    theirs = functional.local_response_norm(channels_first(x), 5, alpha=5e-4, beta=0.75, k=2.0)
    close(Ours(spec((3, 3, 7), "lrn"), x).y, channels_last(theirs), "PyTorch with five times alpha")


@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 3, 6)])
def test_l2norm(shape: tuple[int, ...]) -> None:
    x = data((3, *shape))
    x[0] = 0
    for word, eps in (("l2norm", 1e-12), ("l2norm(epsilon = 2)", 2.0)):
        ours = Ours(spec(shape, word), x)
        inputs = torch.tensor(x, requires_grad=True)
        y = functional.normalize(inputs, dim=-1, eps=eps)
        (y * torch.tensor(ours.weighting)).sum().backward()
        close(ours.y, y, "forward")
        close(ours.input_gradient, inputs.grad, "input gradient, also of a vector of zeros")


# ---------------------------------------------------------------- at random


@cache
def training_step(word: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A net of one layer, and what comes out of it in training."""
    model = netspec.compile(spec(shape, word))
    return model, jax.jit(lambda variables, x: model.apply(variables, x, train=True)[0])


def drawn(word: str, x: np.ndarray, seed: int = 0) -> np.ndarray:
    model, step = training_step(word, x.shape[1:])
    return np.asarray(step(model.init(seed), x))


@pytest.mark.parametrize("word", ["dropout(0.3)", "dropout(0.3, per = channel)", "droppath(0.3)", "noise(0.5)"])
@pytest.mark.parametrize("shape", [(6,), (4, 3, 6)])
def test_nothing_is_drawn_outside_training(word: str, shape: tuple[int, ...]) -> None:
    x = np.ones((32, *shape), np.float32)
    model = netspec.compile(spec(shape, word))
    assert np.array_equal(np.asarray(model(x)), x)
    first, second = drawn(word, x, 1), drawn(word, x, 2)
    assert first.shape == x.shape
    assert not np.array_equal(first, x)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, drawn(word, x, 1))


def test_dropout_of_channels() -> None:
    """All places of a channel are kept or dropped together, each channel of each example by itself."""
    y = drawn("dropout(0.25, per = channel)", np.ones((400, 4, 3, 10), np.float32))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    kept = y[:, 0, 0, :] > 0
    assert np.array_equal(y > 0, np.broadcast_to(kept[:, None, None, :], y.shape))
    assert abs(kept.mean() - 0.75) < 4 * np.sqrt(0.25 * 0.75 / kept.size)


def test_dropout_of_numbers() -> None:
    y = drawn("dropout(0.25)", np.ones((20, 8, 8, 20), np.float32))
    kept = y > 0
    assert abs(kept.mean() - 0.75) < 4 * np.sqrt(0.25 * 0.75 / kept.size)
    assert (kept.any((1, 2)) & ~kept.all((1, 2))).all(), "no channel is dropped or kept as a whole"


def test_droppath() -> None:
    """An example is kept or dropped as a whole; the mean stays."""
    y = drawn("droppath(0.4)", np.ones((5000, 3, 2), np.float32))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.6)}
    kept = y[:, 0, 0] > 0
    assert np.array_equal(y > 0, np.broadcast_to(kept[:, None, None], y.shape))
    assert abs(kept.mean() - 0.6) < 4 * np.sqrt(0.4 * 0.6 / kept.size)


def test_droppath_leaves_the_shortcut() -> None:
    model = netspec.compile("input 3\nidentity + (scale(2) -> droppath(0.5))")
    x = np.tile(np.array([[1.0, 2, 3]], np.float32), (64, 1))
    y, _ = model.apply(model.init(0), x, train=True)
    assert set(np.unique(np.asarray(y)[:, 0])) == {1.0, 5.0}


def test_noise() -> None:
    x = data((200, 100))
    added = drawn("noise(0.5)", x) - x
    assert abs(added.mean()) < 4 * 0.5 / np.sqrt(added.size)
    assert abs(added.std() / 0.5 - 1) < 4 / np.sqrt(2 * added.size)
    assert abs((added**4).mean() / 0.5**4 - 3) < 0.15  # as a normal distribution has it
    assert np.array_equal(drawn("noise(0)", x[:2]), x[:2])


def test_noise_is_new_at_every_step() -> None:
    model = netspec.compile("input 4\nnoise(1)")
    variables = model.init(0)
    x = jnp.zeros((2, 4))
    first, state = model.apply(variables, x, train=True)
    second, _ = model.apply({**variables, "state": state}, x, train=True)
    assert not np.array_equal(first, second)


# ---------------------------------------------------------------- dtype

DTYPES = {"bf16": jnp.bfloat16, "f16": jnp.float16}


@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_in_low_precision(dtype: str) -> None:
    """Inputs and weights are rounded, the product is taken in that precision, and gradients reach weights in f32."""
    kind = DTYPES[dtype]
    model = netspec.compile(f"input 7\ndense(5, relu, dtype = {dtype})")
    variables = model.init(0)
    x = data((4, 7))
    kernel, bias = (flat(variables["params"])[name] for name in ("kernel", "bias"))
    wanted = jax.nn.relu(jnp.dot(x.astype(kind), kernel.astype(kind)) + bias.astype(kind))
    y = model.apply(variables, x)
    assert y.dtype == wanted.dtype == kind
    assert np.array_equal(y, wanted)
    gradient = jax.grad(lambda p: model.apply({**variables, "params": p}, x).astype(jnp.float32).sum())
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(gradient(variables["params"])))
    assert kernel.dtype == np.float32


LOW = {
    "conv(4, 3x3, dtype = {})": (6, 6, 3),
    "dense(4, dtype = {})": (5, 3),
    "batchnorm(dtype = {})": (6, 6, 4),
    "layernorm(dtype = {})": (6, 4),
    "groupnorm(2, dtype = {})": (6, 6, 4),
    "instancenorm(dtype = {})": (6, 6, 4),
    "rmsnorm(dtype = {})": (6, 4),
}


@pytest.mark.parametrize(("word", "dtype"), [(word, ("bf16", "f16")[i % 2]) for i, word in enumerate(LOW)])
def test_low_precision(word: str, dtype: str) -> None:
    """The result has the precision asked for and is near that of f32; weights and running means stay in f32."""
    x = data((4, *LOW[word])) + 1
    low, full = (netspec.compile(spec(LOW[word], word.format(name))) for name in (dtype, "f32"))
    assert full.source.count("dtype=jnp.float32") == 1
    assert "dtype" not in netspec.compile(spec(LOW[word], word.replace("dtype = {}", "").replace(", )", ")"))).source
    for train in (True, False):
        found, wanted = (jax.jit(m.apply, static_argnames="train")(m.init(0), x, train=train) for m in (low, full))
        if train:
            assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(nnx.filter_state(found[1], nnx.BatchStat)))
            found, wanted = found[0], wanted[0]
        assert found.dtype == DTYPES[dtype]
        assert wanted.dtype == jnp.float32
        unit = float(jnp.finfo(DTYPES[dtype]).eps)
        assert np.abs(np.asarray(found, np.float32) - np.asarray(wanted)).max() < 8 * unit * np.abs(wanted).max()


def test_embedding_in_low_precision() -> None:
    ids = np.array([[0, 3, 3, 10]])
    model = netspec.compile("input 4 tokens(11)\nembedding(5, dtype = bf16)")
    variables = model.init(0)
    table = flat(variables["params"])["embedding"]
    y = model.apply(variables, ids)
    assert table.dtype == np.float32
    assert y.dtype == jnp.bfloat16
    assert np.array_equal(y, table.astype(jnp.bfloat16)[ids])


@pytest.mark.parametrize("word", ["lrn", "l2norm", "noise(0.1)", "droppath(0.1)", "dropout(0.1, per = channel)"])
def test_low_precision_passes_through(word: str) -> None:
    model = netspec.compile(f"input 6x6x3\nconv(4, dtype = bf16) -> {word}")
    x = data((2, 6, 6, 3))
    for train in (True, False):
        found = jax.eval_shape(lambda variables, train=train: model.apply(variables, x, train=train), model.init(0))
        assert (found[0] if train else found).dtype == jnp.bfloat16


def test_training_in_low_precision(tmp_path: Path) -> None:
    """The loss is taken in f32, and the weights, kept in f32, learn."""
    x = data((256, 6))
    y = (x[:, :1] + x[:, 1:2] > 0).astype(np.float32)
    text = "input 6\ndense(16, relu, dtype = bf16) -> layernorm(dtype = bf16) -> dense(1, sigmoid, dtype = bf16)"
    result = netspec.train(text, (x, y), epochs=10, optimizer="adam(0.05)", runs=tmp_path)
    assert result.metrics["test_accuracy"] > 0.9
    assert result.model(x).dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(nnx.state(result.model.module, nnx.Param)))
