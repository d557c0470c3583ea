"""Every optimizer of Optax has its word, with all its arguments and their defaults, and takes the same steps."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from netspec.language.vocabulary import why_absent, words
from netspec.testing import check_docs
from netspec.training.optimizers import ChainWord, OptimizerChain
from netspec.training.optimizers.optax_base import OptaxWord, Seeded, kernels_only
from netspec.training.optimizers.optax_words import Sgd
from netspec.training.optimizers.wrappers import Mechanize, ScheduleFree

WORDS: dict[str, type[OptaxWord]] = {
    name: word for name, word in words("optimizer").items() if issubclass(word, OptaxWord)
}

PARTS_OF_OTHERS = {"scale_by_learning_rate", "scale_by_rprop", "scale_by_madgrad"}
"""They take a learning rate, and are what optimizers are made of."""

SAME_AS = {"optimistic_adam": "optimistic_adam_v2"}
"""Optax has deprecated them for others."""

NOT_OFFERED = {
    "mu_dtype": "moments have the type that the precision of the run gives them",
    "accumulator_dtype": "as mu_dtype",
    "dtype_momentum": "as mu_dtype",
    "state_dtype": "as mu_dtype",
    "warmup_steps": "the schedule has a warmup",
    "seed": "deprecated; random numbers follow from the seed of the run",
    "key": "random numbers follow from the seed of the run",
    "clip_value_fn": "a function",
    "base_optimizer": "a function",
    "linesearch": "a function",
    "weight_dimension_numbers": "a function of the weights",
    "muon_weight_dimension_numbers": "a function of the weights",
}
"""Arguments without an option, and why."""

SEVERAL_OPTIONS = {"betas": {"b1", "b2"}, "init_step": {"begin", "begin_at"}}
"""Arguments that are made of several options."""

OTHER_DEFAULTS = {
    ("rmsprop", "eps_in_sqrt"): "as PyTorch and Keras do it",
    ("acprop", "eps"): "with that of Optax a net with ReLUs breaks",
    ("muon", "ns_coeffs"): "the name of the preset with these numbers",
    ("lars", "trust_ratio_mask"): "`all` is `True`",
    ("adafactor", "momentum"): "0 is none",
    ("adafactor", "weight_decay_rate"): "0 is none",
    ("sgd", "momentum"): "0 is none",
    ("rmsprop", "momentum"): "0 is none",
    ("dog", "weight_decay"): "0 adds nothing",
    ("dowg", "weight_decay"): "0 adds nothing",
    ("schedule_free_sgd", "weight_decay"): "0 adds nothing",
}


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Everything of Optax that takes a learning rate and can be called with weights and gradients."""
    for home in (optax, contrib):
        for name in dir(home):
            function = getattr(home, name)
            if name.startswith("_") or not isinstance(function, FunctionType | partial) or name in PARTS_OF_OTHERS:
                continue
            arguments = inspect.signature(function).parameters
            if {"learning_rate", "max_learning_rate"} & arguments.keys() and not name.startswith("scale_by_"):
                yield name, function


OFFERED = dict(functions())


def test_every_optimizer_of_optax_is_there_or_is_refused_with_a_reason() -> None:
    assert len(OFFERED) > 45
    generic = {"schedule_free"}
    missing = [n for n in OFFERED if SAME_AS.get(n, n) not in WORDS and not why_absent("optimizer", n)]
    assert set(missing) == generic and set(words("optimizer")) >= generic
    assert set(WORDS) <= set(OFFERED)


def argument_names(word: type[OptaxWord]) -> dict[str, str]:
    """The arguments of Optax that the options of a word stand for, with the names of the options."""
    found = {}
    for item in word.options():
        name = word.argument(item.name)
        whole = next((whole for whole, parts in SEVERAL_OPTIONS.items() if item.name in parts), None)
        is_part = whole is not None and name not in inspect.signature(OFFERED[word.word]).parameters
        found[whole if is_part and whole is not None else name] = item.name
    return found


@pytest.mark.parametrize("name", WORDS)
def test_the_options_are_the_arguments_of_optax(name: str) -> None:
    word, parameters = WORDS[name], inspect.signature(OFFERED[name]).parameters
    ours = argument_names(word)
    assert ours.keys() <= parameters.keys()
    left = set(parameters) - ours.keys() - NOT_OFFERED.keys()
    assert not left, f"`{name}` of Optax takes {left} too"
    rate = word.argument("rate")
    defaults = {item.name: item.default for item in word.options()}
    for argument, option in ours.items():
        if argument in (rate, word.argument("on")) or argument in SEVERAL_OPTIONS or (name, argument) in OTHER_DEFAULTS:
            continue
        assert defaults[option] == parameters[argument].default, f"{argument} of {name}"


@pytest.mark.parametrize("name", WORDS)
def test_words_of_the_table_can_be_copied_and_pickled(name: str) -> None:
    word = WORDS[name](rate=0.25)
    assert pickle.loads(pickle.dumps(word)) == word == copy.deepcopy(word)
    assert word.to_source().startswith(f"{name}(0.25")


@pytest.mark.parametrize("name", words("optimizer"))
def test_the_docs_are_complete(name: str) -> None:
    check_docs(words("optimizer")[name])


# ---------------------------------------------------------------- numbers


def network() -> tuple[Any, Callable[[Any], Any]]:
    """The weights of a small net with a convolution, a dense layer and a norm, and its loss."""
    keys = jax.random.split(jax.random.key(3), 4)
    weights = {
        "conv": {"kernel": 0.5 * jax.random.normal(keys[0], (3, 2, 4)), "bias": jnp.zeros(4)},
        "norm": {"scale": jnp.ones(4)},
        "dense": {"kernel": 0.5 * jax.random.normal(keys[1], (4, 4)), "bias": jnp.zeros(4)},
    }
    x, y = jax.random.normal(keys[2], (5, 3, 2)), jax.random.normal(keys[3], (5, 4))

    def loss(weights: Any) -> Any:
        hidden = jnp.einsum("btc,tcd->bd", x, weights["conv"]["kernel"]) + weights["conv"]["bias"]
        hidden = jnp.tanh(hidden) * weights["norm"]["scale"]
        return jnp.mean((hidden @ weights["dense"]["kernel"] + weights["dense"]["bias"] - y) ** 2)

    return weights, loss


WEIGHTS, LOSS = network()
VALUE_AND_GRADIENT = jax.jit(jax.value_and_grad(LOSS))
STEPS = 3


def factor(step: int) -> float:
    return 1.0 / (1 + step)


def ours(*chain: ChainWord, steps: int = STEPS, seed: int = 0) -> Any:
    optimizer, weights = OptimizerChain(chain, seed=seed), WEIGHTS
    state = optimizer.init(weights)
    for step in range(steps):
        value, gradient = VALUE_AND_GRADIENT(weights)
        updates, after = optimizer.update(gradient, state, weights, factor=jnp.float32(factor(step)), value=value)
        assert types(after) == types(state), "it would be compiled twice"
        weights, state = optax.apply_updates(weights, updates), after
    return weights


def types(tree: Any) -> list[Any]:
    return [(x.shape, x.dtype, x.weak_type) for x in map(jax.typeof, jax.tree.leaves(tree))]


def theirs(make: Callable[[Any], Any], *, steps: int = STEPS) -> Any:
    """The same with Optax alone; `make` takes a schedule."""
    optimizer, weights = make(factor), WEIGHTS
    state = optimizer.init(weights)
    follow = optax.with_extra_args_support(optimizer).update
    for _ in range(steps):
        value, gradient = VALUE_AND_GRADIENT(weights)
        updates, state = follow(gradient, state, weights, value=value)
        weights = optax.apply_updates(weights, updates)
    return weights


def assert_near(found: Any, expected: Any) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-6), found, expected)


TAKE_NO_SCHEDULE = {"sm3", "madgrad"}
"""Their function takes a number."""

OWN_STEPS = {"rprop": "Optax takes each step one step late; test_optimizers.py compares with PyTorch"}


def by_hand(word: OptaxWord) -> Callable[[Any], Any]:
    """A call of Optax with the defaults of a word; decay on kernels where there is a mask."""
    name, rate = word.word, word.rate  # type: ignore[attr-defined]
    function = OFFERED[name]
    parameters = inspect.signature(function).parameters
    given: dict[str, Any] = {word.argument("on"): kernels_only} if hasattr(word, "on") else {}
    given |= {"weight_decay": word.decay} if "weight_decay" in parameters else {}  # type: ignore[attr-defined]
    given |= {"eps_in_sqrt": False} if name == "rmsprop" else {}
    given |= {"eps": 1e-4} if name == "acprop" else {}

    def make(course: Callable[[Any], Any]) -> Any:
        if name in TAKE_NO_SCHEDULE:
            return function(rate, **given)
        return function(**{word.argument("rate"): lambda count: rate * course(count)}, **given)

    return make


@pytest.mark.parametrize("name", sorted(WORDS.keys() - TAKE_NO_SCHEDULE - OWN_STEPS.keys()))
def test_steps_are_those_of_optax(name: str) -> None:
    if issubclass(WORDS[name], Seeded):
        return  # its random numbers are those of the run; see below
    has_decay = any(item.name == "decay" for item in WORDS[name].options()) and name != "adafactor"
    word = WORDS[name](decay=0.03) if has_decay and name != "rmsprop" else WORDS[name]()
    found = ours(word)
    assert_near(found, theirs(by_hand(word)))
    moved = max(float(jnp.abs(a - b).max()) for a, b in zip(*map(jax.tree.leaves, (found, WEIGHTS)), strict=True))
    assert 0 < moved < 20


@pytest.mark.parametrize("name", sorted(TAKE_NO_SCHEDULE))
def test_those_that_take_no_schedule_follow_it_here(name: str) -> None:
    word = WORDS[name]()
    assert_near(ours(word, steps=1), theirs(by_hand(word), steps=1))
    at_full_rate = theirs(by_hand(word))
    found = ours(word)
    difference = [
        float(jnp.abs(a - b).max()) for a, b in zip(*map(jax.tree.leaves, (found, at_full_rate)), strict=True)
    ]
    assert max(difference) > 1e-5


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ({"name": "sgd", "momentum": 0.9, "nesterov": True}, lambda r: optax.sgd(r, 0.9, nesterov=True)),
        ({"name": "adam", "nesterov": True, "epsilon_root": 1e-6}, lambda r: optax.adam(
            r, eps_root=1e-6, nesterov=True)),
        ({"name": "rmsprop", "centered": True, "momentum": 0.5}, lambda r: optax.rmsprop(
            r, centered=True, momentum=0.5, eps_in_sqrt=False)),
        ({"name": "adafactor", "decay": 0.01, "momentum": 0.9, "min_dim_size_to_factor": 2}, lambda r: optax.adafactor(
            r, 2, weight_decay_rate=0.01, momentum=0.9, weight_decay_mask=kernels_only)),
        ({"name": "lars", "trust_on": "kernels", "decay": 0.1}, lambda r: optax.lars(
            r, 0.1, kernels_only, trust_ratio_mask=kernels_only)),
        ({"name": "adamw", "on": "all", "decay": 0.3}, lambda r: optax.adamw(r, weight_decay=0.3)),
        ({"name": "prodigy", "b1": 0.8, "beta3": 0.9}, lambda r: contrib.prodigy(r, (0.8, 0.999), 0.9)),
        ({"name": "dog", "begin": "distance", "begin_at": 0.1}, lambda r: contrib.dog(r, ("distance", 0.1))),
        ({"name": "muon", "adam_rate": 0.02, "ns_coeffs": "dion"}, lambda r: contrib.muon(
            r, "dion", adam_learning_rate=r)),
        ({"name": "polyak_sgd", "variant": "sps_plus", "f_min": 0.1}, lambda r: optax.polyak_sgd(
            scaling=r, variant="sps+", f_min=0.1)),
        ({"name": "optimistic_adam_v2", "alpha": 0.9}, lambda r: optax.optimistic_adam_v2(r, alpha=0.9)),
    ],
    ids=lambda v: v["name"] if isinstance(v, dict) else "",
)  # fmt: skip
def test_options_reach_optax(text: dict[str, Any], make: Callable[[Any], Any]) -> None:
    options = dict(text)
    word = WORDS[options.pop("name")](**options)
    rate = word.rate  # type: ignore[attr-defined]
    assert_near(ours(word), theirs(lambda course: make(lambda count: rate * course(count))))


def test_wrappers_of_optax() -> None:
    expected = theirs(lambda course: contrib.mechanize(optax.sgd(lambda c: 0.1 * course(c)), s_init=0.1))
    assert_near(ours(Mechanize(s_init=0.1), Sgd(rate=0.1)), expected)
    found = ours(ScheduleFree(b1=0.8), Sgd(rate=0.1))
    # Optax counts the steps of `schedule_free` from 1, those of the optimizer in it from 0; here a step has one rate.
    expected = theirs(lambda course: contrib.schedule_free(optax.sgd(lambda c: 0.1 * course(c)),
                                                           lambda c: 0.1 * course(c - 1), b1=0.8))  # fmt: skip
    assert_near(found, expected)


def test_random_numbers_follow_from_the_seed() -> None:
    word = WORDS["noisy_sgd"](eta=0.5)
    assert_near(ours(word, seed=3), ours(word, seed=3))
    first, other = ours(word, seed=3), ours(word, seed=4)
    assert float(jnp.abs(first["dense"]["kernel"] - other["dense"]["kernel"]).max()) > 1e-3
    expected = theirs(lambda course: optax.sgd(lambda c: 0.01 * course(c)))
    assert_near(ours(WORDS["noisy_sgd"](eta=0.0), seed=3), expected)


def test_biases_and_scales_do_not_decay_whatever_their_axes() -> None:
    weights = {"attention": {"kernel": jnp.ones((4, 2, 3)), "bias": jnp.ones((2, 3))}, "table": jnp.ones((5, 2))}
    assert kernels_only(weights) == {"attention": {"kernel": True, "bias": False}, "table": True}
