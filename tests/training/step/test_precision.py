"""The precisions of a run: what flows, what is kept, that it learns, and that it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.spec.experiment import prepare
from netspec.storage.run_folder import Run
from netspec.storage.weights import flat_weights, weights_of
from netspec.training.experiment import Experiment
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.loop import fit
from netspec.training.optimizers.optax_words import Adam, Sgd
from netspec.training.step.engine import Engine
from tests.training.nets import class_data, class_job, figures_of, number_job, recipe_for, same

LOW, HIGH = jnp.bfloat16, jnp.float32
seen: dict[str, Any] = {}


class Probe(nnx.Module):
    """Notes the type of what comes by."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, x: Any) -> Any:
        seen[self.name] = x.dtype
        return x


class Own(nnx.Module):
    """A layer whose weight is used as it is, as one of another package may be."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.scale = nnx.Param(jnp.ones(16))

    def __call__(self, x: Any) -> Any:
        return x * self.scale[...]


class Probed(nnx.Module):
    """8 numbers to 3 classes, with a look at what comes out of each layer."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.start = Probe("start")
        self.dense1 = nnx.Linear(8, 16, rngs=rngs)
        self.after_dense1 = Probe("dense1")
        self.norm = nnx.BatchNorm(16, rngs=rngs)
        self.after_norm = Probe("norm")
        self.own = Own(rngs)
        self.after_own = Probe("own")
        self.exact = nnx.Linear(16, 16, dtype=HIGH, rngs=rngs)
        self.after_exact = Probe("exact")
        self.dense2 = nnx.Linear(16, 3, rngs=rngs)
        self.after_dense2 = Probe("dense2")

    def __call__(self, x: Any) -> Any:
        x = self.after_dense1(self.dense1(self.start(x)))
        x = self.after_own(self.own(nnx.relu(self.after_norm(self.norm(x)))))
        return self.after_dense2(self.dense2(self.after_exact(self.exact(x))))


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    seen.clear()
    yield


def probed_job(**keys: Any) -> Experiment:
    return Experiment(Probed, recipe_for(has_val=False, **keys), ["input"], class_data(200))


@pytest.mark.parametrize("word", ["mixed", "bf16"])
def test_what_flows(word: str) -> None:
    """Everything is in bfloat16 but the layer with a `dtype` of its own, and the layers behind it are again."""
    fit(probed_job(epochs=1, precision=word))
    assert seen == {"start": LOW, "dense1": LOW, "norm": LOW, "own": LOW, "exact": HIGH, "dense2": LOW}


def test_f32_costs_nothing() -> None:
    """The step of a recipe with `f32` has no conversion in it, and no number that is not f32."""
    job = class_job(precision="f32")
    engine = Engine(job)
    data = engine.put_split(job.train)
    text = engine.step_program(32).lower(engine.start(), data.arrays, engine.order(0, 200)).as_text()
    assert "bf16" not in text
    mixed = Engine(class_job(precision="mixed"))
    assert "bf16" in mixed.step_program(32).lower(mixed.start(), data.arrays, mixed.order(0, 200)).as_text()


def test_what_is_kept() -> None:
    """Weights in bfloat16 with `bf16`, but for those of a batchnorm or a layer with a `dtype`; all else in f32."""
    for word, kept in (("mixed", HIGH), ("bf16", LOW)):
        engine = Engine(probed_job(precision=word))
        data = engine.put_split(class_data(200))
        state, _ = engine.step_program(32)(engine.start(), data.arrays, engine.order(0, 200))
        params = state["params"]
        assert {params["dense1"]["kernel"].dtype, params["own"]["scale"].dtype} == {jnp.dtype(kept)}
        assert {params["norm"]["scale"].dtype, params["exact"]["kernel"].dtype} == {jnp.dtype(HIGH)}
        others = jax.tree.leaves((state["optimizer"], state["other"], state["sums"]))
        assert all(x.dtype == HIGH for x in others if jnp.issubdtype(x.dtype, jnp.floating))


def test_the_gradient_is_that_of_f32_within_the_precision() -> None:
    """One step of plain descent from the same weights; bfloat16 has eight bits, so about one part in 256."""
    found = {}
    for word in ("f32", "mixed", "bf16"):
        job = number_job(epochs=1, batch=300, precision=word, optimizer=(Sgd(rate=0.5),), keep="last")
        engine = Engine(job)
        data = engine.put_split(job.train)
        begin = engine.start()["params"]
        state, loss = engine.step_program(300)(engine.start(), data.arrays, engine.order(0, 300))
        found[word] = begin["dense1"]["kernel"], state["params"]["dense1"]["kernel"], loss
    begin, exact, loss = found["f32"]
    size = np.abs(exact - begin).max()
    for word in ("mixed", "bf16"):
        assert found[word][2] == pytest.approx(float(loss), rel=0.02)
        tolerance = 0.02 * size + (2**-8 * np.abs(begin).max() if word == "bf16" else 0)
        np.testing.assert_allclose(np.float32(found[word][1]), exact, atol=tolerance)
    assert not np.array_equal(found["mixed"][1], exact)


def test_mixed_keeps_what_bf16_rounds_away() -> None:
    """Updates below half of the last bit of a weight add up in f32 and are lost in bfloat16."""
    moved = {}
    for word in ("mixed", "bf16"):
        engine = Engine(number_job(epochs=1, batch=300, precision=word, optimizer=(Sgd(rate=1e-5),), keep="last"))
        data = engine.put_split(number_job().train)
        state = engine.start()
        begin = state["params"]["dense1"]["kernel"].copy()
        for _ in range(20):
            state, _ = engine.step_program(300)(state, data.arrays, engine.order(0, 300))
        moved[word] = float(jnp.abs(state["params"]["dense1"]["kernel"].astype(HIGH) - begin.astype(HIGH)).max())
    assert moved["mixed"] > 0 and moved["bf16"] < moved["mixed"] / 5


@pytest.mark.parametrize("word", ["mixed", "bf16"])
def test_it_learns(word: str) -> None:
    result = fit(class_job(epochs=12, optimizer=(Adam(rate=0.01),), precision=word))
    assert result.metrics["test_accuracy"] > 0.9


def test_running_means_are_those_of_f32() -> None:
    """The statistics of a batchnorm are kept in f32, and measured over inputs in bfloat16."""
    exact, mixed = (fit(class_job(epochs=1, precision=p, keep="last")) for p in ("f32", "mixed"))
    mean, variance = (exact.weights.other["norm"][name] for name in ("mean", "var"))
    np.testing.assert_allclose(mixed.weights.other["norm"]["mean"], mean, atol=0.02 * float(jnp.abs(mean).max()))
    np.testing.assert_allclose(mixed.weights.other["norm"]["var"], variance, rtol=0.02)


@pytest.mark.parametrize("word", ["mixed", "bf16"])
def test_going_on_gives_the_same_bits(word: str, tmp_path: Path) -> None:
    whole = fit(class_job(epochs=4, precision=word))
    run = Run.create(tmp_path, "net", {}, {})

    class Killed(BaseException):
        pass

    class Kill(TrainingCallback):
        def on_epoch_end(self, training: Any, record: Any) -> None:
            training.checkpointing.store.wait(check=False)
            if training.progress.epoch == 2:
                raise Killed

    with pytest.raises(Killed):
        fit(class_job(epochs=4, precision=word), run=run, save_seconds=0, reporter=Kill())
    resumed = fit(class_job(epochs=4, precision=word), run=run, resume=True)
    assert same(resumed.weights, whole.weights)
    assert figures_of(resumed.history) == figures_of(whole.history)


def test_files_hold_f32_and_the_module_computes_in_it() -> None:
    result = fit(class_job(epochs=1, precision="bf16"))
    assert {array.dtype for array in flat_weights(result.weights).values()} == {np.dtype(np.float32)}
    module: Any = result.module
    assert type(module.norm) is nnx.BatchNorm and module.dense1.dtype is None
    assert module(class_data(4).inputs["input"]).dtype == HIGH


def test_penalties_are_those_of_f32() -> None:
    job = replace(number_job(epochs=1, precision="bf16"), penalties=[(("dense1", "kernel"), 0.0, 0.01)])
    engine = Engine(job)
    kernel = np.float32(engine.start()["params"]["dense1"]["kernel"])
    found = engine._penalty(engine.start()["params"])
    assert found.dtype == HIGH and float(found) == pytest.approx(0.01 * (kernel**2).sum(), rel=1e-6)


SPEC = """
input 8x8x3
conv(4, 3x3, relu) -> batchnorm -> conv(4, 3x3, relu, dtype = f32) -> gap -> dense(3, softmax)
train {
    epochs    = 1
    batch     = 16
    precision = mixed
}
"""


def test_a_spec(tmp_path: Path) -> None:
    """From the words to the run: the source is that of f32, and what is loaded answers within the precision."""
    model = netspec.compile(SPEC)
    assert model.source == netspec.compile(SPEC.replace("mixed", "f32")).source
    assert model.source.count("dtype=jnp.float32") == 1
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 3)).astype(np.float32)
    y = np.arange(64) % 3
    result = netspec.train(model, (x, y), runs=tmp_path)
    loaded = netspec.load(result.run)
    np.testing.assert_array_equal(loaded(x), result.model(x))
    engine = Engine(prepare(model.compilation, (x, y)))
    answers = engine.inference_program(*weights_of(result.model.module), (x,))["output"]
    np.testing.assert_allclose(answers, loaded(x), atol=0.02)
    assert answers.dtype == HIGH and not np.array_equal(answers, loaded(x))
