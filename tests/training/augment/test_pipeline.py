"""Training with augmentations: repeatable, resumed bit for bit, on the training examples alone."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspec.data import augmentations as W
from netspec.data.augmentations import Augmentation
from netspec.data.dataset.dataset import Arrays
from netspec.language.shape import Shape
from netspec.storage.run_folder import Run
from netspec.storage.tree_paths import Weights
from netspec.training.augment.pipeline import make_augmenter
from netspec.training.experiment import Experiment
from netspec.training.loop import loop
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import evaluate
from netspec.training.loop.fit_result import FitResult
from netspec.training.loop.loop import fit
from netspec.training.metrics.classification import Accuracy
from netspec.training.step.engine import Engine
from tests.training.augment.pictures import HEIGHT, WIDTH, images
from tests.training.nets import recipe_for, same

pytestmark = pytest.mark.usefixtures("default_signals")


class Small(nnx.Module):
    """Images to 3 classes, with dropout, so that there is other random state."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.dense1 = nnx.Linear(4, 3, rngs=rngs)

    def logits(self, x: jax.Array) -> jax.Array:
        return self.dense1(self.dropout(nnx.relu(self.conv1(x)).mean(axis=(1, 2))))

    def __call__(self, x: jax.Array) -> jax.Array:
        return nnx.softmax(self.logits(x))


def image_data(count: int, seed: int) -> Arrays:
    labels = np.random.default_rng(seed).integers(0, 3, count)
    x = images(count, seed=seed) * (0.4 + 0.3 * labels[:, None, None, None])
    return Arrays({"input": x.astype(np.float32)}, {"output": labels.astype(np.int32)})


def image_job(*chain: Augmentation, **keys: Any) -> Experiment:
    recipe = recipe_for(**{"epochs": 2, "batch": 16, **keys})
    train = image_data(64, 0)
    shapes = {"input": Shape((HEIGHT, WIDTH, 1))}
    made = make_augmenter(chain, recipe, shapes, train.inputs, {}) if chain else None
    return Experiment(Small, recipe, ["input"], train, image_data(24, 1), image_data(24, 2), augment=made)


CHAIN = (W.Rotate(), W.Noise(), W.Mixup())


@pytest.fixture(scope="module")
def whole() -> FitResult:
    """Two epochs at once."""
    return fit(image_job(*CHAIN))


def test_the_same_run_gives_the_same_numbers_and_another_seed_others(whole: FitResult) -> None:
    assert same(fit(image_job(*CHAIN)).weights, whole.weights)
    assert not same(fit(image_job(*CHAIN, seed=1)).weights, whole.weights)


class StopAt(TrainingCallback):
    """Interrupts the second epoch in the middle."""

    def progress(self, tick: Any) -> None:
        if tick.epoch == 2 and tick.step == 2:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_run_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: FitResult
) -> None:
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.0)
    run = Run.create(tmp_path, "net", {}, {})
    assert fit(image_job(*CHAIN), run=run, reporter=StopAt()).interrupted
    found = fit(image_job(*CHAIN), run=run, resume=True)
    assert same(found.weights, whole.weights)
    assert [r["loss"] for r in found.history] == [r["loss"] for r in whole.history]


def key_data(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)


def test_other_random_state_and_the_asking_stay_as_they_are() -> None:
    plain, varying = Engine(image_job()), Engine(image_job(*CHAIN))
    states = []
    for engine in (plain, varying):
        state = engine.start()
        data = engine.put_split(image_job().train)
        states.append(engine.step_program(16)(state, data.arrays, engine.order(0, 64))[0])
    plain_random, random = (jax.tree.map(key_data, state["random"]) for state in states)
    assert same(plain_random, random)
    assert not same(states[0]["params"], states[1]["params"])
    weights = Engine(image_job()).first_weights
    train = image_job().train
    assert evaluate(plain, Weights(*weights), train) == evaluate(varying, Weights(*weights), train)


def test_a_batch_of_the_engine_is_the_varied_one() -> None:
    job = image_job(*CHAIN)
    engine = Engine(job)
    data, order = engine.put_split(job.train), engine.order(0, 64)
    (x,), targets = jax.jit(engine.batch, static_argnums=1)(jnp.int32(2), 16, data.arrays, order)
    rows = np.asarray(order)[32:48]
    assert job.augment is not None
    (expected,), _ = jax.jit(job.augment.__call__)(
        2, (jnp.asarray(job.train.inputs["input"][rows]),), {"output": data.targets["output"][rows]}
    )
    assert np.allclose(x, expected, atol=1e-6)
    assert targets["output"].shape == (16, 3)


def test_figures_of_mixed_examples_count_the_largest_share() -> None:
    job = image_job(W.Mixup(alpha=1.0), metrics=(Accuracy(),), epochs=1, batch=64)
    engine = Engine(job)
    data, order = engine.put_split(job.train), engine.order(0, 64)
    state = engine.start()
    (x,), targets = jax.jit(engine.batch, static_argnums=1)(state["step"], 64, data.arrays, order)
    _, random, other = engine._first
    module: Any = engine.module(state["params"], other, random)
    logits = np.asarray(module.logits(x))
    shares = np.asarray(targets["output"])
    state, found = engine.step_program(64)(state, data.arrays, order)
    sums = jax.device_get(state["sums"]["output"])
    assert sums["right"] == (logits.argmax(1) == shares.argmax(1)).sum()
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert abs(float(found) + (shares * log_p).sum(1).mean()) < 1e-5


def test_a_spec_is_trained_with_it_and_without() -> None:
    from netspec.language.source import Source
    from netspec.spec.compilation import Compilation
    from netspec.spec.experiment import prepare

    text = """
input 8x8x1
conv(4, 3x3, relu) -> gap -> dense(10, softmax)
data {
    source    = digits
    normalize = standard
    augment   = rotate(10) -> noise
}
"""
    spec = Compilation(Source("net.net", text))
    prepared = prepare(spec)
    made = prepared.augment
    assert made is not None and prepared.augment == made
    (how,) = prepared.splits.normalization.values()
    ends = made.pixels[0].from_input(jnp.asarray(how.apply(np.float32([[[[0.0]]], [[[1.0]]]]))))
    assert np.allclose(ends.reshape(-1), [0, 1], atol=1e-5)
    assert prepare(spec, overrides={"data.augment": "none"}).augment is None
    assert replace(made, seed=1) != made
