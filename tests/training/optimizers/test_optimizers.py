"""Optimizers against PyTorch, step by step, and what the words of a chain do to gradients, steps and weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspec.training.optimizers import ChainWord, OptimizerChain
from netspec.training.optimizers.base import ChainContext
from netspec.training.optimizers.optax_words import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Adamw,
    Amsgrad,
    Radam,
    Rmsprop,
    Rprop,
    Sgd,
)
from netspec.training.optimizers.transforms import (
    Agc,
    Centralize,
    Clip,
    ClipValue,
    Ema,
    Lookahead,
    Noise,
    Normalize,
    RateOf,
    WeightDecay,
)
from netspec.training.optimizers.wrappers import Accumulate

START = {"kernel": np.float32([[1.0, -2.0], [0.5, 3.0]]), "bias": np.float32([0.3, -0.7])}
GRADIENTS = [
    {name: np.random.default_rng(i).normal(size=value.shape).astype(np.float32) for name, value in START.items()}
    for i in range(6)
]
PATHS = {"all": [("kernel",), ("bias",)], "bias": [("bias",)], "kernel": [("kernel",)]}


def course_of(*chain: ChainWord, gradients=GRADIENTS, factor=lambda step: 1.0, seed: int = 0, **more: Any):
    """The weights after each step, and those that answer; `more` goes to each step."""
    optimizer = OptimizerChain(chain, seed=seed, chosen=PATHS)
    params = {name: jnp.asarray(value) for name, value in START.items()}
    state, found, answers = optimizer.init(params), [], []
    for step, gradient in enumerate(gradients):
        given = {key: value[step] for key, value in more.items()}
        updates, state = optimizer.update(
            jax.tree.map(jnp.asarray, gradient), state, params, factor=factor(step), **given
        )
        params = optax.apply_updates(params, updates)
        found.append(params)
        answers.append(optimizer.eval_weights(state, params))
    return found, answers


def ours(*chain: ChainWord, **keys: Any):
    return course_of(*chain, **keys)[0][-1]


def assert_near(found: Any, expected: Any, rtol: float = 2e-5, atol: float = 5e-6) -> None:
    for name in START:
        np.testing.assert_allclose(found[name], np.asarray(expected[name]), rtol=rtol, atol=atol)


# ---------------------------------------------------------------- PyTorch


CASES = [
    (Adam(rate=0.1), lambda o, p: o.Adam(p, lr=0.1)),
    (Adam(rate=0.1, b1=0.5, b2=0.9, epsilon=1e-3), lambda o, p: o.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=1e-3)),
    (Adamax(rate=0.1), lambda o, p: o.Adamax(p, lr=0.1)),
    (Radam(rate=0.1, b2=0.9), lambda o, p: o.RAdam(p, lr=0.1, betas=(0.9, 0.9))),
    (Sgd(rate=0.1), lambda o, p: o.SGD(p, lr=0.1)),
    (Sgd(rate=0.1, momentum=0.9), lambda o, p: o.SGD(p, lr=0.1, momentum=0.9)),
    (Sgd(rate=0.1, momentum=0.9, nesterov=True), lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    (Rmsprop(rate=0.01), lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.9)),
    (Rmsprop(rate=0.01, centered=True), lambda o, p: o.RMSprop(p, lr=0.01, alpha=0.9, centered=True)),
    (Adadelta(), lambda o, p: o.Adadelta(p)),
    (Adagrad(initial_accumulator_value=0.1), lambda o, p: o.Adagrad(p, initial_accumulator_value=0.1)),
    (Rprop(rate=0.01), lambda o, p: o.Rprop(p, lr=0.01)),
]


def torch_course(make: Any, gradients: Any = GRADIENTS, groups: Any = None) -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    params = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in START.items()}
    theirs = make(torch.optim, list(params.values()) if groups is None else groups(params))
    for gradient in gradients:
        for name, value in params.items():
            value.grad = torch.tensor(gradient[name])
        theirs.step()
    return {name: value.detach().numpy() for name, value in params.items()}


@pytest.mark.oracle
@pytest.mark.parametrize(("word", "make"), CASES, ids=lambda v: v.to_source() if isinstance(v, ChainWord) else "")
def test_equals_pytorch(word: ChainWord, make) -> None:
    assert_near(ours(word), torch_course(make))


def decaying(decay: float) -> Any:
    """Parameter groups of PyTorch in which biases do not decay."""
    return lambda params: [
        {"params": [params["kernel"]], "weight_decay": decay},
        {"params": [params["bias"]], "weight_decay": 0.0},
    ]


@pytest.mark.oracle
def test_decay_of_kernels_equals_pytorch() -> None:
    expected = torch_course(lambda o, g: o.AdamW(g, lr=0.1), groups=decaying(0.3))
    assert_near(ours(Adamw(rate=0.1, decay=0.3)), expected)
    assert_near(ours(Adam(rate=0.1), WeightDecay(decay=0.3)), expected)
    expected = torch_course(lambda o, g: o.SGD(g, lr=0.1, momentum=0.9), groups=decaying(0.3))
    assert_near(ours(WeightDecay(decay=0.3), Sgd(rate=0.1, momentum=0.9)), expected)
    expected = torch_course(lambda o, p: o.AdamW(p, lr=0.1, weight_decay=0.3))
    assert_near(ours(Adamw(rate=0.1, decay=0.3, on="all")), expected)
    assert_near(ours(Adam(rate=0.1), WeightDecay(decay=0.3, on="all")), expected)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "behind",
    [
        (RateOf(names=("bias",), factor=0.1),),
        (RateOf(names=("all",), factor=0.1), RateOf(names=("kernel",), factor=10)),
    ],
)
def test_rates_of_layers_equal_groups_of_pytorch(behind: tuple[RateOf, ...]) -> None:
    expected = torch_course(
        lambda o, g: o.AdamW(g, lr=0.1, weight_decay=0.0),
        groups=lambda params: [{"params": [params["kernel"]]}, {"params": [params["bias"]], "lr": 0.01}],
    )
    assert_near(ours(Adam(rate=0.1), *behind), expected)


# ---------------------------------------------------------------- on the way to the optimizer


def step_of(*chain: ChainWord, gradient: dict[str, Any]) -> dict[str, Any]:
    """What is taken from the weights in one step."""
    found = ours(*chain, gradients=[gradient])
    return {name: START[name] - np.asarray(found[name]) for name in START}


def test_clip_shrinks_all_weights_together() -> None:
    gradient = {"kernel": np.float32([[3, 0], [0, 0]]), "bias": np.float32([0, 4])}  # of length 5
    assert_near(step_of(Clip(norm=1.0), Sgd(rate=1.0), gradient=gradient), {k: v / 5 for k, v in gradient.items()})
    assert_near(step_of(Normalize(), Sgd(rate=1.0), gradient=gradient), {k: v / 5 for k, v in gradient.items()})


def test_clip_leaves_short_gradients_alone() -> None:
    gradient = {"kernel": np.float32([[0.3, 0], [0, 0]]), "bias": np.float32([0, 0.4])}
    assert_near(step_of(Clip(norm=1.0), Sgd(rate=1.0), gradient=gradient), gradient)


def test_clip_value_cuts_each_number() -> None:
    gradient = {"kernel": np.float32([[3, -0.2], [-9, 0]]), "bias": np.float32([0.1, 4])}
    expected = {"kernel": [[0.5, -0.2], [-0.5, 0]], "bias": [0.1, 0.5]}
    assert_near(step_of(ClipValue(limit=0.5), Sgd(rate=1.0), gradient=gradient), expected)


def test_agc_compares_each_unit_with_its_weights() -> None:
    gradient = {"kernel": np.float32([[3, 0.01], [4, 0]]), "bias": np.float32([0.001, 0])}
    # The first unit has weights of length sqrt(1.25) and a gradient of length 5, the second one is below the limit.
    factor = 0.1 * np.sqrt(1.25) / 5
    expected = {"kernel": [[3 * factor, 0.01], [4 * factor, 0]], "bias": [0.001, 0]}
    assert_near(step_of(Agc(clipping=0.1), Sgd(rate=1.0), gradient=gradient), expected)


def test_centralize_takes_the_mean_of_each_unit_away() -> None:
    gradient = {"kernel": np.float32([[3, 1], [1, 2]]), "bias": np.float32([1, 2])}
    expected = {"kernel": [[1, -0.5], [-1, 0.5]], "bias": [1, 2]}  # a column of the kernel is a unit
    assert_near(step_of(Centralize(), Sgd(rate=1.0), gradient=gradient), expected)


def test_noise_becomes_smaller_and_each_word_has_its_own() -> None:
    nothing = [{name: np.zeros((200, 2), np.float32) for name in START}] * 50
    optimizer = OptimizerChain((Noise(eta=0.04, gamma=0.55), Sgd(rate=1.0)), seed=1)
    params = jax.tree.map(jnp.asarray, nothing[0])
    state, sizes = optimizer.init(params), []
    for gradient in nothing:
        updates, state = optimizer.update(gradient, state, params)
        sizes.append(float(updates["kernel"].std()))
    np.testing.assert_allclose(sizes, [np.sqrt(0.04 / t**0.55) for t in range(1, 51)], rtol=0.15)
    keys = [ChainContext(1.0, 1.0, seed=seed, index=i).key for seed in (0, 1) for i in (0, 1)]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 4


def test_the_schedule_multiplies_the_rate() -> None:
    ones = {name: np.ones_like(value) for name, value in START.items()}
    found = ours(Sgd(rate=0.5), gradients=[ones] * 3, factor=lambda step: 1.0 if step < 2 else 0.1)
    np.testing.assert_allclose(START["bias"] - found["bias"], [1.05, 1.05], rtol=1e-6)


# ---------------------------------------------------------------- gathered gradients


def test_accumulate_steps_as_optax_does() -> None:
    found = course_of(Accumulate(steps=3), Adam(rate=0.1))[0]
    theirs = optax.MultiSteps(optax.adam(0.1), 3)
    params = jax.tree.map(jnp.asarray, START)
    state = theirs.init(params)
    for gradient, here in zip(GRADIENTS, found, strict=True):
        updates, state = theirs.update(jax.tree.map(jnp.asarray, gradient), state, params)
        params = optax.apply_updates(params, updates)
        assert_near(here, params)


def test_accumulate_weighs_batches_by_their_examples_and_closes_an_epoch() -> None:
    sizes, closes = [8, 8, 3, 8, 8, 3], [False, False, True] * 2
    found = course_of(Accumulate(steps=2), Sgd(rate=1.0), examples=sizes, closes=closes)[0]

    def mean(*steps: int) -> dict[str, Any]:
        count = sum(sizes[i] for i in steps)
        return {name: sum(sizes[i] * GRADIENTS[i][name] for i in steps) / count for name in START}

    expected = {name: START[name] - mean(0, 1)[name] for name in START}
    assert_near(found[0], START)
    assert_near(found[1], expected)
    expected = {name: expected[name] - GRADIENTS[2][name] for name in START}
    assert_near(found[2], expected)  # one batch was left in this epoch
    assert_near(found[3], expected)
    assert_near(found[4], {name: expected[name] - mean(3, 4)[name] for name in START})


def test_the_schedule_counts_batches_and_not_groups() -> None:
    rates = [1.0, 0.5, 0.25, 0.125]
    ones = {name: np.ones_like(value) for name, value in START.items()}
    found = ours(Accumulate(steps=2), Sgd(rate=1.0), gradients=[ones] * 4, factor=lambda step: rates[step])
    np.testing.assert_allclose(START["bias"] - found["bias"], [0.625, 0.625], rtol=1e-6)


def test_the_mean_of_the_weights_sees_whole_groups_only() -> None:
    steps, means = course_of(Accumulate(steps=2), Sgd(rate=1.0), Ema(decay=0.5))
    assert_near(means[1], steps[1])
    assert_near(means[2], steps[1])
    assert_near(means[3], {n: (0.5 * steps[1][n] + steps[3][n]) / 1.5 for n in START})


# ---------------------------------------------------------------- weights of their own


def test_ema_is_the_mean_of_optax_without_the_first_weights() -> None:
    steps, means = course_of(Adam(rate=0.1), Ema(decay=0.8))
    theirs = optax.ema(0.8, debias=True)
    state = theirs.init(START)
    for weights, mean in zip(steps, means, strict=True):
        expected, state = theirs.update(weights, state)
        assert_near(mean, expected)
    assert_near(steps[-1], ours(Adam(rate=0.1)))


@pytest.mark.oracle
def test_ema_equals_pytorch() -> None:
    """PyTorch's mean begins with the weights after the first step, and has no correction."""
    torch = pytest.importorskip("torch")
    averaged = torch.optim.swa_utils
    steps, _ = course_of(Sgd(rate=0.1))
    rule, mean = averaged.get_ema_avg_fn(0.8), torch.tensor(np.asarray(steps[0]["bias"]))
    for weights in steps[1:]:
        mean = rule(mean, torch.tensor(np.asarray(weights["bias"])), 1)
    means = course_of(Sgd(rate=0.1), Ema(decay=0.8))[1]
    # Ours is the same sum, in which the first weights have as small a part as the others.
    last, first = np.asarray(means[-1]["bias"]), np.asarray(steps[0]["bias"])
    np.testing.assert_allclose(last * (1 - 0.8**6) + 0.8**5 * first * 0.8, mean.numpy(), rtol=1e-4)


def test_lookahead_is_that_of_optax() -> None:
    found, slow = course_of(Adam(rate=0.1), Lookahead(steps=2, slow=0.4))
    theirs = optax.lookahead(optax.adam(0.1), 2, 0.4)
    params = optax.LookaheadParams.init_synced(jax.tree.map(jnp.asarray, START))
    state = theirs.init(params)
    for gradient, here, kept in zip(GRADIENTS, found, slow, strict=True):
        updates, state = theirs.update(jax.tree.map(jnp.asarray, gradient), state, params)
        params = optax.apply_updates(params, updates)
        assert_near(here, params.fast)
        assert_near(kept, params.slow)


def test_the_last_word_with_weights_of_its_own_answers() -> None:
    _, answers = course_of(Sgd(rate=0.1), Lookahead(steps=2), Ema(decay=0.5))
    steps, _ = course_of(Sgd(rate=0.1), Lookahead(steps=2))
    assert_near(answers[0], steps[0])
    assert_near(answers[1], {n: (0.5 * steps[0][n] + steps[1][n]) / 1.5 for n in START})


def test_without_such_a_word_nothing_is_kept() -> None:
    optimizer = OptimizerChain((Clip(norm=1.0), Sgd(rate=0.1)))
    assert not optimizer.has_eval_weights and optimizer.max_skipped is None
    assert jax.tree.leaves(optimizer.init(START)) == []


# ---------------------------------------------------------------- other types of numbers


@pytest.mark.parametrize("chain", [(Adam(),), (Accumulate(steps=2), Amsgrad(), Ema()), (Sgd(), Lookahead(steps=2))])
def test_what_is_remembered_keeps_its_types(chain: tuple[ChainWord, ...]) -> None:
    optimizer = OptimizerChain(chain)
    params = jax.tree.map(lambda value: jnp.asarray(value, jnp.bfloat16), START)
    state = optimizer.init(params)
    _, after = jax.eval_shape(lambda g, s: optimizer.update(g, s, params, factor=jnp.float32(1)), params, state)
    before = [(x.shape, x.dtype, x.weak_type) for x in map(jax.typeof, jax.tree.leaves(state))]
    assert before == [(x.shape, x.dtype, x.weak_type) for x in jax.tree.leaves(after)]
