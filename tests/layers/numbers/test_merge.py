"""Merges: what they compute, what they repeat, what they refuse, and how the emitted source says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import netspec
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.ir.graph import Graph

torch = pytest.importorskip("torch")

from tests.layers.numbers.test_layers import close, data  # noqa: E402  # after the check that there is a PyTorch

pytestmark = pytest.mark.oracle

Shape = tuple[int, ...]


def joined(word: str, *shapes: Shape) -> str:
    """A net that joins inputs of these shapes."""
    lines = [f"input x{i}: {'x'.join(map(str, shape))}" for i, shape in enumerate(shapes)]
    return "\n".join([*lines, f"({' | '.join(f'x{i}' for i in range(len(shapes)))}) -> {word}"])


def pairwise(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(first: Any, *others: Any) -> Any:
        for other in others:
            first = combine(first, other)
        return first

    return run


THEIRS: dict[str, Callable[..., Any]] = {
    "add": pairwise(torch.add),
    "mul": pairwise(torch.mul),
    "max": pairwise(torch.maximum),
    "average": lambda *xs: sum(xs) / len(xs),
}


def check_numbers(word: str, shapes: list[Shape], result: Shape) -> None:
    """The result and the gradient to every input, against PyTorch with the axes written out."""
    given = [data((2, *shape), seed) for seed, shape in enumerate(shapes)]
    model = netspec.compile(joined(word, *shapes))
    assert model.outputs["output"].sizes == result
    weighting = data((2, *result), 99)
    variables = model.init(0)

    def loss(*xs: Any) -> Any:
        y = model.apply(variables, *xs)
        return (y * weighting).sum(), y

    (_, y), gradients = jax.value_and_grad(loss, argnums=tuple(range(len(given))), has_aux=True)(
        *map(jnp.asarray, given)
    )
    tensors = [torch.tensor(x, requires_grad=True) for x in given]
    rank = len(result)
    sized = [t.reshape(2, *[1] * (rank - 1), t.shape[-1]) if t.ndim == 2 else t for t in tensors]
    wanted = THEIRS[word](*sized)
    (wanted * torch.tensor(weighting)).sum().backward()
    close(y, wanted, "forward")
    for ours, tensor in zip(gradients, tensors, strict=True):
        close(ours, tensor.grad, "gradient")


@pytest.mark.parametrize("word", THEIRS)
@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        ([(5,), (5,)], (5,)),
        ([(4, 5), (4, 5), (4, 5)], (4, 5)),
        ([(4, 3, 5), (5,)], (4, 3, 5)),
        ([(5,), (4, 5), (5,)], (4, 5)),
        ([(5,), (2, 4, 3, 5), (5,), (2, 4, 3, 5)], (2, 4, 3, 5)),
    ],
)
def test_merges(word: str, shapes: list[Shape], result: Shape) -> None:
    check_numbers(word, shapes, result)


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        ([(4, 3, 5), (4, 3, 1)], (4, 3, 5)),
        ([(4, 3, 1), (5,), (4, 3, 5), (1,)], (4, 3, 5)),
        ([(1,), (5,)], (5,)),
        ([(4, 5), (1,)], (4, 5)),
        ([(4, 1), (4, 1)], (4, 1)),
    ],
)
def test_gates(shapes: list[Shape], result: Shape) -> None:
    """A single channel multiplies all channels."""
    check_numbers("mul", shapes, result)


def test_ties_share_the_gradient() -> None:
    model = netspec.compile(joined("max", (2,), (2,)))
    gradients = jax.grad(lambda a, b: model.apply(model.init(0), a, b).sum(), argnums=(0, 1))
    first, second = gradients(jnp.array([[1.0, 3]]), jnp.array([[1.0, 2]]))
    assert first.tolist() == [[0.5, 1]]
    assert second.tolist() == [[0.5, 0]]


def test_plus_repeats_a_vector() -> None:
    model = netspec.compile("input 4x3x2\nidentity + (gap -> scale(10))")
    x = data((2, 4, 3, 2))
    close(model(x), x + 10 * x.mean((1, 2), keepdims=True), "forward")


def test_squeeze_and_excite() -> None:
    text = """
    input 6x5x8
    def excite(squeeze) = (
        identity | gap -> dense(input.channels // squeeze, relu) -> dense(input.channels, sigmoid)
    ) -> mul
    excite(4)
    """
    model = netspec.compile(text)
    x = data((2, 6, 5, 8))
    weights = {
        row.node.name: {
            name: np.asarray(getattr(getattr(model.module.excite, row.node.name), name)[...]) for name in row.weights
        }
        for row in model.layers
        if row.weights
    }
    hidden = np.maximum(x.mean((1, 2)) @ weights["dense"]["kernel"] + weights["dense"]["bias"], 0)
    logits = hidden @ weights["dense_2"]["kernel"] + weights["dense_2"]["bias"]
    close(model(x), x / (1 + np.exp(-logits[:, None, None, :])), "forward")
    assert "x = x * jnp.expand_dims(y, (1, 2))  # 6x5x8" in model.source


def test_unknown_sizes() -> None:
    model = netspec.compile("input (H, W, 3)\n(conv(4) | conv(4) -> gap | conv(1, 1x1, sigmoid)) -> mul")
    assert str(model.outputs["output"]) == "HxWx4"
    for shape in ((2, 5, 7, 3), (1, 8, 4, 3)):
        assert model(data(shape)).shape == (*shape[:-1], 4)


@pytest.mark.parametrize("word", THEIRS)
def test_many_inputs(word: str) -> None:
    """Also more than Python can read as one expression."""
    count = 1500
    model = netspec.compile(f"input 2\n({' | '.join(['scale(1)'] * count)}) -> {word}")
    x = jnp.array([[1.0, 0.5]])
    wanted = {"add": [count, count / 2], "mul": [1, 0], "max": [1, 0.5], "average": [1, 0.5]}[word]
    close(model.apply(model.init(0), x), np.array([wanted], np.float32), "forward")


@pytest.mark.parametrize("word", THEIRS)
def test_low_precision(word: str) -> None:
    """The precision of the result is the higher one of its inputs, as everywhere in JAX."""
    net = f"input 4\n(dense(3, dtype = bf16) | dense(3, dtype = {{}})) -> {word}"
    assert netspec.compile(net.format("bf16"))(data((2, 4))).dtype == jnp.bfloat16
    assert netspec.compile(net.format("f32"))(data((2, 4))).dtype == jnp.float32


def test_source() -> None:
    """As a person would write it."""
    text = "input 4x6\n(identity | relu | gap) -> {}"
    lines = {word: netspec.compile(text.format(word)).source for word in THEIRS}
    assert "x = x + y + jnp.expand_dims(z, 1)" in lines["add"]
    assert "x = x * y * jnp.expand_dims(z, 1)" in lines["mul"]
    assert "x = nn.maximum(x, y, jnp.expand_dims(z, 1))" in lines["max"]
    assert "x = nn.average(x, y, jnp.expand_dims(z, 1))" in lines["average"]
    assert "jnp.maximum(x, y)" in netspec.compile("input 4\n(identity | relu) -> max").source


@pytest.mark.parametrize("word", THEIRS)
def test_standalone(word: str) -> None:
    model = netspec.compile(f"input 4x6\n(identity | relu | tanh -> gap) -> {word}")
    optimized = model.compilation.optimized
    assert isinstance(optimized, Graph)
    names: dict[str, Any] = {}
    exec(emit_source(optimized, standalone=True), names)
    from flax import nnx

    network = [value for value in names.values() if isinstance(value, type) and issubclass(value, nnx.Module)][-1]
    x = data((2, 4, 6))
    close(network(rngs=nnx.Rngs(0))(x), model(x), "forward")


# ---------------------------------------------------------------- behind each other


@pytest.mark.parametrize(
    ("along", "axis", "shapes", "result"),
    [
        ("channels", -1, [(4,), (1,), (3,)], (8,)),
        ("channels", -1, [(4, 3, 2), (4, 3, 5)], (4, 3, 7)),
        ("length", 1, [(4, 3), (2, 3), (1, 3)], (7, 3)),
        ("height", 1, [(4, 3, 2), (5, 3, 2)], (9, 3, 2)),
        ("width", 2, [(4, 3, 2), (4, 1, 2)], (4, 4, 2)),
        ("depth", 1, [(2, 4, 3, 2), (1, 4, 3, 2)], (3, 4, 3, 2)),
        ("height", 2, [(2, 4, 3, 2), (2, 1, 3, 2)], (2, 5, 3, 2)),
        ("width", 3, [(2, 4, 3, 2), (2, 4, 2, 2)], (2, 4, 5, 2)),
    ],
)
def test_concat(along: str, axis: int, shapes: list[Shape], result: Shape) -> None:
    given = [data((2, *shape), seed) for seed, shape in enumerate(shapes)]
    model = netspec.compile(joined(f"concat(along = {along})", *shapes))
    assert model.outputs["output"].sizes == result
    close(model(*given), torch.cat([torch.tensor(x) for x in given], axis), "forward")


def test_concat_of_unknown_lengths() -> None:
    model = netspec.compile("input a: (S, 3)\ninput b: (T, 3)\n(a | b) -> concat(along = length) -> dense(2)")
    assert str(model.outputs["output"]) == "(S + T)x2"
    assert model(data((2, 4, 3)), data((2, 5, 3))).shape == (2, 9, 2)


# ---------------------------------------------------------------- what does not fit


def problem(text: str) -> str:
    """The one error, with its hint."""
    errors = [found for found in netspec.check(text) if found.severity == "error"]
    assert len(errors) == 1, errors
    return f"{errors[0].code} {errors[0].message}: {errors[0].label_text}; {errors[0].hint_text}"


@pytest.mark.parametrize(
    ("word", "shapes", "said"),
    [
        (
            "add",
            [(4, 4, 8), (16,)],
            ["NS303", "4x4x8 and 16", "a vector of 16 and an image with 8 channels", "`dense(8)`"],
        ),
        ("mul", [(16,), (4, 8)], ["NS303", "a vector of 16 and a sequence with 8 channels", "`dense(8)`"]),
        (
            "mul",
            [(8, 8, 16), (8, 8, 32)],
            ["NS303", "the channels differ, 16 and 32", "`(x0 -> conv(32, 1x1) | x1) -> mul`"],
        ),
        (
            "add",
            [(8, 8, 16), (8, 8, 1)],
            ["NS303", "the channels differ, 16 and 1", "`(x0 -> conv(1, 1x1) | x1) -> add`"],
        ),
        ("max", [(8, 8, 16), (1, 1, 16)], ["NS303", "the heights differ, 8 and 1", "`flatten` the 1x1x16 first"]),
        ("average", [(25, 25, 4), (24, 24, 4)], ["NS303", "the heights differ, 25 and 24", "x1 -> resize(25x25)"]),
        ("add", [(8, 8, 4), (4, 4, 4)], ["NS303", "the heights differ, 8 and 4", "x0 -> maxpool(2)"]),
        ("add", [(8, 8, 4), (8, 4)], ["NS303", "an image and a sequence", "`gap`"]),
        ("mul", [(4,), (5, 4), (6, 4)], ["NS303", "the lengths differ, 5 and 6", "the same strides"]),
        (
            "concat",
            [(8, 8, 4), (7, 8, 4)],
            ["NS304", "along the channels", "heights differ, 8 and 7", "x1 -> resize(8x8)"],
        ),
        ("concat", [(8, 8, 4), (4, 4, 4)], ["NS304", "heights differ, 8 and 4", "x0 -> maxpool(2)"]),
        (
            "concat(along = length)",
            [(4, 8), (5, 7)],
            ["NS304", "along the length", "channels differ, 8 and 7", "with 8 channels"],
        ),
        ("concat(along = height)", [(4, 8, 2), (5, 7, 2)], ["NS304", "the widths differ, 8 and 7", "only the height"]),
        ("concat(along = height)", [(4, 8), (5, 8)], ["NS302", "an image or a volume", "its length or its channels"]),
        (
            "concat(along = length)",
            [(8,), (8,)],
            ["NS302", "expects a sequence", "a vector is joined along its channels"],
        ),
    ],
)
def test_what_does_not_fit(word: str, shapes: list[Shape], said: list[str]) -> None:
    message = problem(joined(word, *shapes))
    for part in said:
        assert part in message, message


def test_sizes_that_may_differ() -> None:
    message = problem("input a: (S, 3)\ninput b: (T, 3)\n(a | b) -> add")
    assert "the lengths may differ, S and T" in message


@pytest.mark.parametrize("word", ["add", "mul", "max", "average", "concat"])
def test_one_tensor_is_too_few(word: str) -> None:
    assert problem(f"input 4\ndense(3) -> {word}").startswith("NS310")


@pytest.mark.parametrize("word", ["add", "mul", "max", "average", "concat"])
def test_token_ids_are_no_numbers(word: str) -> None:
    assert problem(f"input a: 4\ninput b: 4 tokens(9)\n(a | b) -> {word}").startswith("NS302")
