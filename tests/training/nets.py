"""Small nets, data and recipes that the tests of training share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.language.vocabulary import words
from netspec.language.word import Word
from netspec.training.experiment import Experiment
from netspec.training.recipe.recipe import Recipe, make_recipe
from netspec.training.recipe.settings import TrainSettings


class Classifier(nnx.Module):
    """8 numbers to 3 classes, with running means and dropout, so that all kinds of state are there."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.dense1 = nnx.Linear(8, 16, rngs=rngs)
        self.norm = nnx.BatchNorm(16, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.dense2 = nnx.Linear(16, 3, rngs=rngs)

    def logits(self, x: jax.Array) -> jax.Array:
        return self.dense2(self.dropout(nnx.relu(self.norm(self.dense1(x)))))

    def __call__(self, x: jax.Array) -> jax.Array:
        return nnx.softmax(self.logits(x))


class Regressor(nnx.Module):
    """8 numbers to 2."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.dense1 = nnx.Linear(8, 2, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense1(x)


class TwoHeads(nnx.Module):
    """8 numbers to 3 classes and to a yes or no."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.kind, self.size = nnx.Linear(8, 3, rngs=rngs), nnx.Linear(8, 1, rngs=rngs)

    def logits(self, x: jax.Array) -> dict[str, jax.Array]:
        return {"kind": self.kind(x), "size": self.size(x)}

    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        found = self.logits(x)
        return {"kind": nnx.softmax(found["kind"]), "size": nnx.sigmoid(found["size"])}


class Exploding(nnx.Module):
    """Its middle layer divides by zero once a number above 3 comes in."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.dense1 = nnx.Linear(8, 4, rngs=rngs)
        self.dense2 = nnx.Linear(4, 2, rngs=rngs)

    def middle(self, x: jax.Array) -> jax.Array:
        return self.dense1(x) / jnp.where(x.max(axis=1, keepdims=True) > 3, 0.0, 1.0)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense2(self.middle(x))


SOFTMAX = {"output": OutputHead((3,), "softmax")}
CLASSES = {"output": Target("class", 1, 3)}


def class_data(examples: int, seed: int = 0) -> Arrays:
    """Three clouds of points that a line can divide, mostly."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, examples)
    centres = np.random.default_rng(7).normal(size=(3, 8)) * 1.5
    x = centres[labels] + random.normal(size=(examples, 8))
    return Arrays({"input": x.astype(np.float32)}, {"output": labels.astype(np.int32)})


def number_data(examples: int, seed: int = 0) -> Arrays:
    """Two numbers that depend linearly on eight, with a little noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(examples, 8)).astype(np.float32)
    y = x @ np.random.default_rng(7).normal(size=(8, 2)) + 0.1 * random.normal(size=(examples, 2))
    return Arrays({"input": x}, {"output": y.astype(np.float32)})


def recipe_for(
    heads: Mapping[str, OutputHead] = SOFTMAX,
    targets: Mapping[str, Target] = CLASSES,
    *,
    has_val: bool = True,
    class_weights: Mapping[str, tuple[float, ...]] | None = None,
    **keys: Any,
) -> Recipe:
    """A recipe of settings; where they take a chain, one word of it may stand alone, and `keep` by its name."""
    for key in keys.keys() & {"loss", "stop", "keep"}:
        word = words("keep")[keys[key]]() if isinstance(keys[key], str) else keys[key]
        keys[key] = (word,) if isinstance(word, Word) else word
    return make_recipe(TrainSettings(**keys), heads, targets, has_val=has_val, class_weights=class_weights)


def class_job(*, examples: int = 200, **keys: Any) -> Experiment:
    """A classifier on small data with everything switched on; the last batch of an epoch is a partial one."""
    recipe = recipe_for(**{"epochs": 3, "batch": 32, **keys})
    return Experiment(Classifier, recipe, ["input"], class_data(examples), class_data(60, 1), class_data(70, 2))


def number_job(**keys: Any) -> Experiment:
    recipe = recipe_for({"output": OutputHead((2,))}, {"output": Target("numbers", 2)}, **keys)
    return Experiment(Regressor, recipe, ["input"], number_data(300), number_data(50, 1), number_data(60, 2))


def same(a: Any, b: Any) -> bool:
    """Whether two trees of arrays are equal bit for bit."""
    if jax.tree.structure(a) != jax.tree.structure(b):
        return False
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def figures_of(history: Any) -> list[Any]:
    """What an epoch's records say, without the times."""
    return [(r["epoch"], r["loss"], r["metrics"]) for r in history]
