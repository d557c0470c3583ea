"""The compiled model as a person holds it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.spec.model import Model

NET = """
input 6x6x2
def block(n) = conv(n, 3x3, bias = false) -> batchnorm -> relu
def stage(n) = block(n) -> block(n) -> maxpool(2)
stage(4) -> gap -> dropout(0.5) -> dense(3, softmax)
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return netspec.compile(NET, seed=2)


@pytest.fixture(scope="module")
def variables(model: Model) -> dict[str, Any]:
    return model.init(0)


def batch(size: int = 4, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=(size, 6, 6, 2)), jnp.float32)


def leaves(tree: Any) -> list[np.ndarray]:
    """All numbers of a pytree, random keys left out."""
    found = jax.tree.leaves(tree)
    return [np.asarray(leaf) for leaf in found if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]


def equal(a: Any, b: Any) -> bool:
    pairs = zip(leaves(a), leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


# ---------------------------------------------------------------- what it is


def test_facts(model: Model) -> None:
    assert model.name == "network"
    assert {name: shape.sizes for name, shape in model.inputs.items()} == {"x": (6, 6, 2)}
    assert {name: shape.sizes for name, shape in model.outputs.items()} == {"output": (3,)}
    assert model.cost.trainable == 9 * 2 * 4 + 9 * 4 * 4 + 2 * 8 + 15
    assert model.cost.state == 2 * 8
    assert model.layers[0].name == "stage/block/conv"
    assert repr(model) == "<Model network: 6x6x2 -> 3>"


def test_source_is_what_runs(model: Model) -> None:
    assert model.source.startswith('"""network: 6x6x2 -> 3.')
    namespace: dict[str, Any] = {"__name__": "own"}
    exec(model.source, namespace)
    own = namespace["Network"](rngs=nnx.Rngs(2))
    own.eval()
    assert np.allclose(own(batch()), model(batch()), rtol=1e-5)


def test_summary(model: Model) -> None:
    text = model.summary()
    for part in ("stage", "conv(4, 3x3, bias = false)", "6x6x4", "trainable parameters"):
        assert part in text
    html = model._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") > 8
    assert "conv(4, 3x3, bias = false)" in html


def test_module_is_live() -> None:
    model = netspec.compile("input 2\ndense(2, bias = false)", seed=1)
    x = jnp.eye(2)
    assert np.allclose(model(x), model.module.dense.kernel[...])
    model.module.dense.kernel[...] = jnp.array([[1.0, 2], [3, 4]])
    assert model(x).tolist() == [[1, 2], [3, 4]]


def test_seeds() -> None:
    first, same, other = (netspec.compile("input 2\ndense(2)", seed=seed) for seed in (1, 1, 2))
    assert equal(nnx.state(first.module), nnx.state(same.module))
    assert not equal(nnx.state(first.module), nnx.state(other.module))
    assert equal(first.init(1)["params"], nnx.state(first.module, nnx.Param))


# ---------------------------------------------------------------- calls


def test_call_is_prediction(model: Model) -> None:
    y = model(batch())
    assert y.shape == (4, 3)
    assert np.allclose(y.sum(axis=1), 1, rtol=1e-5)
    assert bool((y == model(batch())).all())
    model.module.train()  # whatever the live module is switched to
    assert bool((y == model(batch())).all())
    assert np.allclose(model(np.asarray(batch())), y)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((jnp.ones((6, 6, 2)),), r"the input x of network has the shape \(batch, 6, 6, 2\), not \(6, 6, 2\)"),
        ((jnp.ones((1, 6, 6, 3)),), r"not \(1, 6, 6, 3\)"),
        ((), "takes 1 input"),
        ((jnp.ones((1, 6, 6, 2)),) * 2, "takes 1 input"),
    ],
)
def test_wrong_shapes(model: Model, inputs: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(*inputs)


def test_lists_are_inputs_too() -> None:
    model = netspec.compile("input 2\nscale(2)")
    assert model([[1, 2], [3, 4]]).tolist() == [[2, 4], [6, 8]]
    with pytest.raises(ValueError, match="shape"):
        model([1, 2])


def test_token_ids_are_whole_numbers() -> None:
    model = netspec.compile("input 3 tokens(5)\nembedding(2)")
    assert model(np.array([[0, 1, 4]])).shape == (1, 3, 2)
    with pytest.raises(ValueError, match="token ids"):
        model(jnp.ones((1, 3)))


def test_unknown_sizes_take_every_size() -> None:
    model = netspec.compile("input (H, W, 1)\nconv(2, 3x3) -> maxpool(2) -> gap")
    assert model(jnp.ones((2, 8, 5, 1))).shape == model(jnp.ones((2, 9, 31, 1))).shape == (2, 2)


def test_named_sizes_are_one_size() -> None:
    model = netspec.compile("input a: (T, 2)\ninput b: (T, 2)\na + b")
    assert model(jnp.ones((1, 3, 2)), jnp.ones((1, 3, 2))).shape == (1, 3, 2)
    with pytest.raises(ValueError, match=r"the input b of network has the shape \(batch, 3, 2\), not \(1, 4, 2\)"):
        model(jnp.ones((1, 3, 2)), jnp.ones((1, 4, 2)))


def test_bytes_are_numbers() -> None:
    model = netspec.compile("input 4x4x1\navgpool(2) -> maxpool(2) -> scale(0.5)")
    assert model(np.full((1, 4, 4, 1), 3, np.uint8)).tolist() == [[[[1.5]]]]


def test_several_inputs_and_outputs() -> None:
    model = netspec.compile(
        "input a: 3\ninput b: 2\nh = (a | b) -> concat\n"
        "output kind = h -> dense(4, softmax)\noutput place = h -> dense(2)"
    )
    x, y = jnp.ones((5, 3)), jnp.ones((5, 2))
    found = model(x, y)
    assert {name: value.shape for name, value in found.items()} == {"kind": (5, 4), "place": (5, 2)}
    assert np.allclose(found["kind"].sum(axis=1), 1, rtol=1e-5)
    logits = model.apply(model.init(0), x, y, logits=True)
    assert np.allclose(jax.nn.softmax(logits["kind"]), found["kind"], rtol=1e-5)
    with pytest.raises(ValueError, match=r"2 inputs \(a, b\)"):
        model(x)
    with pytest.raises(ValueError, match="the input a"):
        model(y, x)


# ---------------------------------------------------------------- pure functions


def test_apply_is_the_call(model: Model) -> None:
    assert np.allclose(model.apply(model.init(2), batch()), model(batch()), rtol=1e-5)


def test_apply_changes_nothing(model: Model, variables: dict[str, Any]) -> None:
    before = [leaf.copy() for leaf in leaves(variables)]
    first, state = model.apply(variables, batch(), train=True)
    again, _ = model.apply(variables, batch(), train=True)
    assert bool((first == again).all())
    assert all(np.array_equal(a, b) for a, b in zip(before, leaves(variables), strict=True))
    assert not equal(state, variables["state"])


def test_training_moves_the_statistics(model: Model, variables: dict[str, Any]) -> None:
    x = batch() + 5
    _, state = model.apply(variables, x, train=True)
    old, new = variables["state"], state
    assert jax.tree.structure(old) == jax.tree.structure(new)
    mean = {path: v[...] for path, v in nnx.to_flat_state(new) if path[-1] == "mean"}
    assert len(mean) == 2
    assert all(float(jnp.abs(value).max()) > 0.01 for value in mean.values())
    y = model.apply({"params": variables["params"], "state": state}, x)
    assert not np.allclose(y, model.apply(variables, x))


def test_dropout_differs_by_key_and_by_step() -> None:
    model = netspec.compile("input 1000\ndropout(0.5)")
    x = jnp.ones((1, 1000))
    first, second = model.init(0), model.init(1)
    a, state = model.apply(first, x, train=True)
    b, _ = model.apply(second, x, train=True)
    c, _ = model.apply({"params": first["params"], "state": state}, x, train=True)
    assert not bool((a == b).all())
    assert not bool((a == c).all())
    assert bool((model.apply(model.init(jax.random.key(0)), x, train=True)[0] == a).all())


def test_jit(model: Model, variables: dict[str, Any]) -> None:
    @jax.jit
    def step(variables: dict[str, Any], x: jax.Array) -> Any:
        return model.apply(variables, x, train=True)

    y, state = step(variables, batch())
    wanted, wanted_state = model.apply(variables, batch(), train=True)
    assert np.allclose(y, wanted, rtol=1e-4, atol=1e-5)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(leaves(state), leaves(wanted_state), strict=True))
    fresh = jax.jit(model.init)(jax.random.key(0))
    assert jax.tree.structure(fresh) == jax.tree.structure(variables)


def test_grad(model: Model, variables: dict[str, Any]) -> None:
    def loss(params: Any) -> Any:
        logits, state = model.apply({"params": params, "state": variables["state"]}, batch(), train=True, logits=True)
        return (logits**2).mean(), state

    (value, _), gradients = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    assert jax.tree.structure(gradients) == jax.tree.structure(variables["params"])
    moved = jax.tree.map(lambda p, g: p - 0.01 * g, variables["params"], gradients)
    assert loss(moved)[0] < value


def test_vmap() -> None:
    """Over examples, and over an ensemble of weights."""
    model = netspec.compile("input 3\ndense(4, relu) -> batchnorm -> dropout(0.5) -> dense(2)")
    variables, x = model.init(0), jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)), jnp.float32)
    one_by_one = jax.vmap(lambda x: model.apply(variables, x[None])[0])(x)
    assert np.allclose(one_by_one, model.apply(variables, x), rtol=1e-4, atol=1e-6)
    members = jax.vmap(model.init)(jax.random.split(jax.random.key(0), 3))
    found = jax.vmap(lambda member: model.apply(member, x))(members)
    assert found.shape == (3, 5, 2)
    assert not np.allclose(found[0], found[1])


def test_logits(model: Model, variables: dict[str, Any]) -> None:
    logits = model.apply(variables, batch(), logits=True)
    assert np.allclose(jax.nn.softmax(logits), model.apply(variables, batch()), rtol=1e-5)
    plain = netspec.compile("input 2\nscale(2)")
    assert plain.apply(plain.init(0), jnp.ones((1, 2)), logits=True).tolist() == [[2, 2]]


def test_frozen_weights_are_state() -> None:
    model = netspec.compile("input 2\ndense(3, frozen = true) -> dense(1)")
    variables = model.init(0)
    assert sum(leaf.size for leaf in leaves(variables["params"])) == 4
    assert sum(leaf.size for leaf in leaves(variables["state"])) == 9
    _, state = model.apply(variables, jnp.ones((1, 2)), train=True)
    assert equal(state, variables["state"])


def test_shared_weights_are_one_leaf() -> None:
    model = netspec.compile("input 2\nshare s = dense(2)\ndef f = s -> relu\nf -> f -> s")
    params = model.init(0)["params"]
    assert len(leaves(params)) == 2
    gradients = jax.grad(lambda p: model.apply({"params": p, "state": model.init(0)["state"]}, jnp.ones((1, 2))).sum())
    assert len(leaves(gradients(params))) == 2


# ---------------------------------------------------------------- finding trouble


def break_weights(part: Any) -> None:
    part[...] = part[...].at[0].set(jnp.nan)


def test_locate_in_a_nested_block(model: Model) -> None:
    module = model.module_class(rngs=nnx.Rngs(0))
    assert model.locate_nonfinite(module, (batch(),)) is None
    break_weights(module.stage.block_2.conv.kernel)
    assert model.locate_nonfinite(module, (batch(),)) == "stage/block_2/conv"
    assert model.locate_nonfinite(module, (batch(),)) in [row.name for row in model.layers]


def test_locate_in_the_last_layer(model: Model) -> None:
    module = model.module_class(rngs=nnx.Rngs(0))
    break_weights(module.dense.bias)
    assert model.locate_nonfinite(module, (batch(),)) == "dense"


def test_locate_leaves_the_module_alone(model: Model) -> None:
    module = model.module_class(rngs=nnx.Rngs(0))
    before = [leaf.copy() for leaf in leaves(nnx.state(module))]
    model.locate_nonfinite(module, (batch(),))
    assert all(np.array_equal(a, b) for a, b in zip(before, leaves(nnx.state(module)), strict=True))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("input 2\nscale(1e38) -> relu -> scale(1e38) -> dense(1)", "scale_2"),
        (
            "input 2\ndef deep = scale(3) -> scale(1e19)\ndef outer = deep -> deep\nouter -> dense(1)",
            "outer/deep_2/scale_2",
        ),
        ("input 2\nshare s = scale(1e20)\ns -> s -> dense(1)", "s/scale"),
        (
            "input 2\nh = input -> scale(1e38)\noutput a = h -> dense(1)\noutput b = h -> scale(1e38) -> dense(1)",
            "scale_2",
        ),
    ],
)
def test_locate_overflow(text: str, path: str) -> None:
    model = netspec.compile(text)
    found = model.locate_nonfinite(model.module, (jnp.ones((1, 2)),))
    assert found == path
