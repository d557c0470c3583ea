"""The loop on small nets: what it learns, what it reports, when it stops, and that it repeats itself."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.language.diagnostics import CompileError
from netspec.training.control.stop import Early
from netspec.training.experiment import Experiment
from netspec.training.loop import loop
from netspec.training.loop.callback import Tick, TrainingCallback
from netspec.training.loop.evaluate import evaluate
from netspec.training.loop.loop import fit
from netspec.training.optimizers.optax_words import Adam, Sgd
from netspec.training.schedules.words import Cosine, Warmup
from netspec.training.step import epoch_steps
from netspec.training.step.engine import Engine
from tests.training.nets import (
    CLASSES,
    SOFTMAX,
    Classifier,
    Regressor,
    TwoHeads,
    class_data,
    class_job,
    figures_of,
    number_data,
    number_job,
    recipe_for,
    same,
)


class Recorder(TrainingCallback):
    """Keeps everything it is told."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.ticks: list[Tick] = []
        self.epochs: list[Any] = []
        self.ended: list[Any] = []

    def start(self, record: Any) -> None:
        self.started.append(record)

    def progress(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def epoch(self, record: Any) -> None:
        self.epochs.append(record)

    def done(self, record: Any) -> None:
        self.ended.append(record)


def test_learns_classes() -> None:
    result = fit(class_job(epochs=12, optimizer=(Adam(rate=0.01),)))
    assert result.metrics["test_accuracy"] > 0.9
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]


def test_learns_numbers() -> None:
    result = fit(number_job(epochs=30, optimizer=(Adam(rate=0.05),)))
    assert result.metrics["test_r2"] > 0.98


def test_every_step_equals_a_loop_by_hand() -> None:
    """Order, partial last batch, schedule, penalty and optimizer against plain Optax."""
    penalty = 0.01
    job = number_job(epochs=2, batch=128, schedule=(Warmup(), Cosine()), optimizer=(Adam(rate=0.1),), keep="last")
    result = fit(replace(job, penalties=[(("dense1", "kernel"), 0.0, penalty)]))

    factors = [1 / 3, 2 / 3, 1.0] + [0.5 * (1 + np.cos(np.pi * i / 3)) for i in range(3)]
    model = Regressor(nnx.Rngs(0))
    definition, params = nnx.split(model)
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=0.1)
    memory, losses = optimizer.init(params), []
    x, y = job.train.inputs["input"], job.train.targets["output"]

    def objective(params: Any, rows: Any) -> Any:
        data = ((nnx.merge(definition, params)(x[rows]) - y[rows]) ** 2).mean()
        return data + penalty * (params["dense1"]["kernel"][...] ** 2).sum(), data

    for step in range(6):
        order = np.random.default_rng((0, step // 3)).permutation(300)
        rows = order[step % 3 * 128 : step % 3 * 128 + 128]
        (_, data), gradient = jax.value_and_grad(objective, has_aux=True)(params, rows)
        losses.append(float(data) * len(rows))
        memory.hyperparams["learning_rate"] = jnp.float32(0.1 * factors[step])
        updates, memory = optimizer.update(gradient, memory, params)
        params = optax.apply_updates(params, updates)

    np.testing.assert_allclose(result.weights.params["dense1"]["kernel"], params["dense1"]["kernel"][...], atol=1e-5)
    assert [h["loss"] for h in result.history] == pytest.approx(
        [sum(losses[:3]) / 300, sum(losses[3:]) / 300], rel=1e-5
    )
    assert all(h["metrics"]["penalty"] > 0 for h in result.history)


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = fit(class_job()), fit(class_job())
    assert same(first.weights, second.weights)
    assert figures_of(first.history) == figures_of(second.history)


def test_another_seed_gives_others() -> None:
    assert not same(fit(class_job()).weights, fit(class_job(seed=1)).weights)


def test_training_figures_of_a_frozen_moment_are_those_of_the_data() -> None:
    """With a rate of almost zero, the figures of an epoch are those of the first weights."""
    job = number_job(epochs=1, optimizer=(Sgd(rate=1e-12),))
    result = fit(job)
    expected = evaluate(result.engine, result.weights, job.train)
    found = {"loss": result.history[0]["loss"], **result.history[0]["metrics"]}
    for name in ("loss", "mse", "rmse", "mae", "r2"):
        assert found[name] == pytest.approx(expected[name], rel=1e-5)


def test_records() -> None:
    recorder = Recorder()
    result = fit(class_job(), reporter=recorder)
    (start,) = recorder.started
    assert (start["event"], start["epochs"], start["steps"], start["examples"]) == ("start", 3, 7, 200)
    assert start["parameters"] == 8 * 16 + 16 + 32 + 16 * 3 + 3
    assert [r["epoch"] for r in recorder.epochs] == [1, 2, 3]
    for record in recorder.epochs:
        assert list(record) == ["event", "epoch", "seconds", "train_seconds", "loss", "metrics"]
        assert set(record["metrics"]) == {"accuracy", "val_loss", "val_accuracy"}
        assert record["seconds"] >= record["train_seconds"] > 0
    (done,) = recorder.ended
    assert (done["event"], done["run"], done["epochs"]) == ("done", None, 3)
    assert {"test_loss", "test_accuracy", "test_confusion_matrix", "val_loss", "loss"} <= set(done["metrics"])
    assert np.sum(done["metrics"]["test_confusion_matrix"]) == 70
    assert result.epochs == 3


def test_ticks_have_the_figures_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(epoch_steps, "STEPS_PER_CALL", 2)
    recorder = Recorder()
    fit(class_job(epochs=1), reporter=recorder)
    assert [t.step for t in recorder.ticks if not t.is_compiling] == [2, 4, 6]
    assert all(0 <= t.metrics["accuracy"] <= 1 and t.seconds_left > 0 for t in recorder.ticks)


@pytest.mark.parametrize(("examples", "told"), [(200, [(1, 6)]), (192, [])], ids=["partial", "whole"])
def test_the_last_batch_of_its_own_size_is_told_to_be_compiled_once(examples: int, told: list[Any]) -> None:
    recorder = Recorder()
    fit(class_job(epochs=2, examples=examples), reporter=recorder)
    assert [(t.epoch, t.step) for t in recorder.ticks if t.is_compiling] == told


def test_best_weights_are_kept() -> None:
    result = fit(class_job(epochs=6, optimizer=(Adam(rate=0.3),)))
    losses = [h["metrics"]["val_loss"] for h in result.history]
    assert result.best_epoch == int(np.argmin(losses)) + 1
    job = class_job()
    assert job.val is not None
    assert evaluate(result.engine, result.weights, job.val)["loss"] == pytest.approx(min(losses), rel=1e-6)
    assert result.metrics["val_loss"] == min(losses)


def test_last_weights_are_kept_when_asked() -> None:
    result = fit(class_job(epochs=4, keep="last", optimizer=(Adam(rate=0.3),)))
    assert result.best_epoch is None
    assert result.metrics["val_loss"] == result.history[-1]["metrics"]["val_loss"]


def test_early_stopping_waits_and_stops() -> None:
    result = fit(class_job(epochs=50, optimizer=(Adam(rate=0.2),), stop=Early(patience=2)))
    losses = [h["metrics"]["val_loss"] for h in result.history]
    best = int(np.argmin(losses))
    assert len(losses) < 50 and len(losses) == best + 1 + 2


def test_early_stopping_on_a_figure_that_grows() -> None:
    stop = Early(metric="val_accuracy", patience=1, min_delta=0.5)
    result = fit(class_job(epochs=50, stop=stop))
    assert len(result.history) == 2  # no epoch gains half of all examples


def test_several_outputs_add_their_losses() -> None:
    x = class_data(150)
    size = (x.inputs["input"][:, :1] > 0).astype(np.float32)
    train = Arrays(x.inputs, {"kind": x.targets["output"], "size": size})
    heads = {"kind": OutputHead((3,), "softmax"), "size": OutputHead((1,), "sigmoid")}
    recipe = recipe_for(heads, {"kind": CLASSES["output"], "size": Target("binary")}, epochs=8, batch=10)
    result = fit(Experiment(TwoHeads, recipe, ["input"], train, train))
    last = result.history[-1]
    assert last["loss"] == pytest.approx(last["metrics"]["kind_loss"] + last["metrics"]["size_loss"], rel=1e-6)
    assert {"kind_accuracy", "val_size_roc_auc", "val_size_accuracy"} <= set(last["metrics"])
    assert result.metrics["val_size_accuracy"] > 0.8


def test_a_batch_may_be_larger_than_the_data() -> None:
    assert len(fit(class_job(examples=20, batch=64, epochs=2)).history) == 2


def test_frozen_weights_stay() -> None:
    class Frozen(nnx.Variable[Any]):
        pass

    def make(rngs: nnx.Rngs) -> nnx.Module:
        net = Classifier(rngs)
        net.dense1.kernel = Frozen(net.dense1.kernel[...])
        return net

    job = replace(class_job(), make_module=make)
    before = Engine(job).start()["other"]["dense1"]["kernel"]
    np.testing.assert_array_equal(fit(job).weights.other["dense1"]["kernel"], before)


def test_nothing_to_train() -> None:
    class Fixed(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.scale = nnx.BatchStat(jnp.ones(()))

        def __call__(self, x: jax.Array) -> jax.Array:
            return x[:, :2] * self.scale[...]

    with pytest.raises(CompileError) as caught:
        fit(replace(number_job(), make_module=Fixed))
    assert caught.value.diagnostics[0].code == "NS461"


def test_without_validation_and_test() -> None:
    recipe = recipe_for(SOFTMAX, CLASSES, has_val=False, epochs=2)
    result = fit(Experiment(Classifier, recipe, ["input"], class_data(50)))
    assert set(result.metrics) == {"loss", "accuracy"}


def test_the_module_answers_with_the_kept_weights() -> None:
    job = class_job()
    result = fit(job)
    assert job.test is not None
    module: Any = result.module
    right = np.argmax(module(job.test.inputs["input"]), axis=1) == job.test.targets["output"]
    assert right.mean() == pytest.approx(result.metrics["test_accuracy"])


def test_numbers_of_64_bits_are_taken() -> None:
    data = number_data(40)
    wide = Arrays({"input": data.inputs["input"].astype(np.float64)}, data.targets)
    fit(replace(number_job(epochs=1), train=wide))


def test_an_epoch_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(TrainingCallback):
        def epoch(self, record: Any) -> None:
            time.sleep(0.2)

    result = fit(class_job(), reporter=Slow())
    assert result.seconds > sum(h["seconds"] for h in result.history) + 0.5
