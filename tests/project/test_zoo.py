"""The classic networks under specs/: published counts, shapes, source that stands by itself; small ones that learn."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from sklearn.datasets import load_digits

import netspec
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.cost import total_cost
from netspec.language.diagnostics import render
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from tests.project.zoo import ZOO

SPECS = Path(__file__).parents[2] / "specs"


@cache
def compilation(name: str) -> Compilation:
    spec = Compilation(Source.read(SPECS / f"{name}.net"))
    spec.check()
    return spec


@cache
def abstract(name: str) -> Any:
    """The module that the source without netspec makes, with shapes in place of weights."""
    source = emit_source(compilation(name).optimized, standalone=True)
    assert "import netspec" not in source and "from netspec" not in source
    network = network_class(load_source(source, name))
    return nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))


SIZES = {"S": 7, "T": 5}
"""What sizes that are not known stand for when a network runs."""


def as_typed(shape: str) -> str:
    """A shape as a spec has it: 6x6x256, (S, 512)."""
    sizes = shape.split("x")
    return shape if all(size.isdecimal() for size in sizes) else f"({', '.join(sizes)})"


def in_numbers(shape: str) -> str:
    """A shape with numbers for sizes that are not known."""
    return "x".join(str(SIZES.get(size, size)) for size in shape.split("x"))


def batch(shape: Shape, examples: int) -> jax.ShapeDtypeStruct:
    """So many examples of an input."""
    sizes = (SIZES.get(str(size), size) for size in shape.sizes)
    return jax.ShapeDtypeStruct((examples, *sizes), jnp.int32 if shape.is_tokens else jnp.float32)


def size_of(module: Any, kind: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, kind)))


@pytest.mark.parametrize("name", ZOO)
def test_counts_and_shapes(name: str) -> None:
    net, spec = ZOO[name], compilation(name)
    assert [render(d) for d in spec.problems] == []
    assert spec.graph is not None
    cost = total_cost(spec.graph)
    assert (cost.trainable, cost.state, cost.frozen) == (net.parameters, net.state, 0)
    assert net.macs is None or cost.macs == net.macs
    found = {label: str(spec.graph.shape_of(spec.graph.labels[label])) for label in net.shapes}
    assert found == net.shapes
    assert {o.name or "output": str(spec.graph.shape_of(o.edge)) for o in spec.graph.outputs} == net.outputs


@pytest.mark.parametrize("name", ZOO)
def test_says_what_it_expects(name: str) -> None:
    """The numbers of the table stand in the spec too, where a reader looks for them."""
    expected = compilation(name).source.text.partition("expect {")[2]
    assert f"params == {ZOO[name].parameters}\n" in expected
    for label, shape in ZOO[name].shapes.items():
        assert f"{label} == {as_typed(shape)}\n" in expected


DEEP = ("densenet121", "resnet101", "resnet152", "unet")
"""Networks that take long, and of whose layers others are made, too."""


def with_deep_ones_marked(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.long) if name in DEEP else name for name in names]


@pytest.mark.parametrize("name", with_deep_ones_marked(ZOO))
def test_source_without_netspec(name: str) -> None:
    """It makes as many weights as were counted, and gives the shapes that were inferred, for training and after."""
    net, module = ZOO[name], abstract(name)
    assert size_of(module, nnx.Param) == net.parameters
    assert size_of(module, nnx.BatchStat) == net.state
    graph = compilation(name).optimized
    inputs = [batch(node.shape, 2) for node in graph.input_nodes]
    for mode in (module.train, module.eval):
        mode()
        found = nnx.eval_shape(lambda module, *inputs: module(*inputs), module, *inputs)
        named = found if isinstance(found, dict) else {"output": found}
        wanted = {name: in_numbers(shape) for name, shape in net.outputs.items()}
        assert {k: "x".join(map(str, v.shape[1:])) for k, v in named.items()} == wanted
        assert all(v.shape[0] == 2 for v in named.values())


def test_multiply_adds_of_the_literature() -> None:
    """In billions, for one image of 224x224: what papers and libraries report to the digits they give."""
    known = {
        "alexnet": 0.714,
        "vgg16": 15.470,
        "vgg19": 19.632,
        "resnet18": 1.814,
        "resnet50": 4.089,
        "resnet152": 11.514,
    }
    for name, billions in known.items():
        graph = compilation(name).graph
        assert graph is not None
        assert round(total_cost(graph).macs / 1e9, 3) == billions, name


# ---------------------------------------------------------------- large ones run once

LARGE = [
    *("alexnet", "alexnet_grouped", "vgg16", "googlenet", "resnet34", "resnet50", "unet", "mobilenet_v2"),
    *("densenet121", "bert_base", "transformer", "imdb_bilstm"),
]


def drawn(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Weights that keep the numbers of a deep net at their size: kernels as He et al. 2015 have them, factors of 1."""
    if name in ("scale", "var"):
        return np.ones(shape, np.float32)
    deviation = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
    return np.float32(deviation) * rng.standard_normal(shape, np.float32)


@pytest.mark.parametrize("name", with_deep_ones_marked(LARGE))
def test_runs(name: str) -> None:
    """One example goes through. VGG-19, ResNet-101 and ResNet-152 are left out: more of the same layers."""
    rng, model = np.random.default_rng(0), netspec.compile(SPECS / f"{name}.net")
    module = nnx.eval_shape(lambda: model.module_class(rngs=nnx.Rngs(0)))
    module.eval()
    definition, weights, rest = nnx.split(module, (nnx.Param, nnx.BatchStat), ...)
    flat = [(path, leaf.replace(drawn(path[-1], leaf.shape, rng))) for path, leaf in nnx.to_flat_state(weights)]
    run = jax.jit(lambda weights, *inputs: nnx.merge(definition, weights, rest, copy=True)(*inputs))
    inputs = [
        rng.integers(shape.vocabulary, size=batch(shape, 1).shape)
        if shape.is_tokens
        else rng.standard_normal(batch(shape, 1).shape, np.float32)
        for shape in model.inputs.values()
    ]
    found = np.asarray(run(nnx.from_flat_state(flat), *inputs))
    assert {"output": "x".join(map(str, found.shape[1:]))} == {n: in_numbers(s) for n, s in ZOO[name].outputs.items()}
    assert np.isfinite(found).all() and found.any()


# ---------------------------------------------------------------- small ones run and learn, on the digits on board


@cache
def digits(size: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of 8x8 enlarged, in the middle of an empty image."""
    images, labels = load_digits(return_X_y=True)
    factor = size // 8
    large = np.kron(images.reshape(-1, 8, 8) / 16, np.ones((factor, factor)))
    margin = (size - 8 * factor) // 2
    large = np.pad(large, ((0, 0), (margin, margin), (margin, margin)))
    return np.repeat(large[..., None], channels, -1).astype(np.float32), labels


@pytest.mark.parametrize(("name", "size", "channels"), [("lenet5", 32, 1), ("keras_mnist_convnet", 28, 1)])
def test_classifier_learns(name: str, size: int, channels: int, tmp_path: Path) -> None:
    x, y = digits(size, channels)
    result = netspec.train(
        SPECS / f"{name}.net",
        (x[:1500], y[:1500], x[1500:], y[1500:]),
        epochs=4,
        batch=25,
        optimizer="adam(2e-3)",
        runs=tmp_path,
    )
    assert result.metrics["test_accuracy"] > 0.9


@pytest.mark.parametrize(("name", "examples", "epochs"), [("keras_cifar10", 48, 12), ("resnet20_cifar", 24, 8)])
def test_larger_classifier_fits_a_few(name: str, examples: int, epochs: int, tmp_path: Path) -> None:
    x, y = (part[:examples] for part in digits(32, 3))
    options = {"epochs": epochs, "batch": 12, "optimizer": "adam(2e-3)", "schedule": "constant", "data.val": 0}
    result = netspec.train(SPECS / f"{name}.net", (x, y, x, y), runs=tmp_path, **options)
    losses = [record["loss"] for record in result.history]
    assert losses[-1] < 0.6 * losses[0]


def test_autoencoder_learns(tmp_path: Path) -> None:
    """Its code of 30 numbers says more of an image than the mean image does."""
    x, _ = digits(28)
    result = netspec.train(SPECS / "autoencoder.net", (x, x), epochs=3, batch=64, runs=tmp_path)
    error = float(jnp.mean((result.model(x[:200]) - x[:200]) ** 2))
    assert error < 0.6 * float(np.mean((x - x.mean(0)) ** 2))


def test_multitask_learns(tmp_path: Path) -> None:
    x, y = digits(28)
    targets = {"digit": y, "is_even": (y % 2 == 0).astype(np.float32)[:, None]}
    result = netspec.train(SPECS / "multitask.net", (x, targets), epochs=2, batch=25, runs=tmp_path)
    assert result.metrics["test_digit_accuracy"] > 0.9
    assert result.metrics["test_is_even_accuracy"] > 0.9


def test_embedding_can_be_read(tmp_path: Path) -> None:
    """Words that go with the same words come to lie together in the plane: here the first three, and the last three."""
    groups = [(a, b) for kind in (range(3), range(3, 6)) for a in kind for b in kind]
    x = np.eye(6, dtype=np.float32)[[a for a, _ in groups]]
    y = np.array([b for _, b in groups])
    result = netspec.train(SPECS / "embedding_mlp.net", (x, y, x, y), epochs=200, runs=tmp_path)
    points = np.asarray(result.model.module.words.kernel[...])
    assert points.shape == (6, 2)
    within = max(np.linalg.norm(points[a] - points[b]) for a, b in groups)
    between = min(np.linalg.norm(points[a] - points[b]) for a in range(3) for b in range(3, 6))
    assert between > 2 * within


@pytest.mark.parametrize(
    ("name", "params", "optimizer"),
    [("char_lstm", {}, "adam(2e-3)"), ("char_transformer", {"width": 32}, "adam(5e-3)")],
)
def test_language_model_learns(name: str, params: dict[str, int], optimizer: str, tmp_path: Path) -> None:
    """Twelve letters in their order, over and over: which one comes next follows from the one before. Short texts."""
    letters = (np.arange(16)[:, None] + np.arange(33)) % 12
    x, y = letters[:, :-1], letters[:, 1:]
    text = (SPECS / f"{name}.net").read_text().partition("expect")[0].replace("128 tokens", "32 tokens")
    options = {"epochs": 12, "batch": 8, "optimizer": optimizer, "schedule": "constant", "data.val": 0}
    result = netspec.train(text, (x, y, x, y), params={"vocabulary": 12, **params}, runs=tmp_path, **options)
    losses = [record["loss"] for record in result.history]
    assert losses[-1] < 0.5 * losses[0]


def test_sentiment_learns(tmp_path: Path) -> None:
    """Reviews of different lengths; every second word is one of ten that only good, or only bad ones have."""
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    x = rng.integers(50, 20_000, (24, 200))
    x[:, ::2] = rng.integers(1, 11, (24, 100)) + 10 * y[:, None]
    x[np.arange(200) >= rng.integers(20, 201, (24, 1))] = 0
    options = {"epochs": 4, "batch": 8, "optimizer": "adam(1e-2)", "schedule": "constant", "data.val": 0}
    targets = y.astype(np.float32)
    result = netspec.train(SPECS / "imdb_bilstm.net", (x, targets, x, targets), runs=tmp_path, **options)
    losses = [record["loss"] for record in result.history]
    assert losses[-1] < 0.5 * losses[0]


def test_siamese_learns(tmp_path: Path) -> None:
    """Whether two digits, zeros and ones, are the same; in images of 72x72 instead of 105x105."""
    images, labels = digits(72)
    few = np.flatnonzero(labels < 2)[:32]
    left, right = few[:16], few[16:]
    x = {"left": images[left], "right": images[right]}
    y = (labels[left] == labels[right]).astype(np.float32)
    text = (SPECS / "siamese.net").read_text().partition("expect")[0].replace("105x105x1", "72x72x1")
    options = {"epochs": 5, "batch": 8, "optimizer": "adam(1e-3)", "schedule": "constant", "data.val": 0}
    result = netspec.train(text, (x, y, x, y), runs=tmp_path, **options)
    losses = [record["loss"] for record in result.history]
    assert losses[-1] < 0.6 * losses[0]


def test_siamese_looks_at_both_with_the_same_eyes() -> None:
    model = netspec.compile(SPECS / "siamese.net")
    a, b = np.random.default_rng(0).random((2, 1, 105, 105, 1), np.float32)
    assert float(model(a, a)[0, 0]) == 0.5  # no distance, and the last bias is zero
    assert float(model(a, b)[0, 0]) == pytest.approx(float(model(b, a)[0, 0]), abs=1e-6)
    assert float(model(a, b)[0, 0]) != 0.5


@pytest.mark.parametrize(("name", "size", "channels"), [("lenet5", 32, 1), ("keras_cifar10", 32, 3)])
def test_first_loss_without_an_opinion(name: str, size: int, channels: int) -> None:
    """With a head of zeros every one of k classes has the chance 1 / k, and the loss is ln k."""
    text = (SPECS / f"{name}.net").read_text().replace("dense(10, softmax)", "dense(10, softmax, init = zeros)")
    model = netspec.compile(text)
    x, y = digits(size, channels)
    logits = model.apply(model.init(0), x[:50], logits=True)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, y[:50]).mean()
    assert float(loss) == pytest.approx(log(10), abs=1e-6)
