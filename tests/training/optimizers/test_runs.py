"""Whole runs with the words of a chain: what stays frozen, what is skipped, what answers, and going on bit for bit."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.language.diagnostics import CompileError
from netspec.language.values import Duration
from netspec.storage.run_files import checkpoint_steps
from netspec.storage.run_folder import Run
from netspec.storage.tree_paths import Weights
from netspec.training.experiment import Experiment
from netspec.training.loop import loop
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.evaluate import evaluate
from netspec.training.loop.loop import fit
from netspec.training.optimizers.optax_words import Adam, Adamw, ScheduleFreeSgd, Sgd
from netspec.training.optimizers.transforms import Clip, Ema, Lookahead, Noise, RateOf, WeightDecay
from netspec.training.optimizers.wrappers import Accumulate, SkipNonfinite
from netspec.training.schedules.words import ReduceOnPlateau, Warmup
from netspec.training.step import epoch_steps
from netspec.training.step.engine import Engine
from netspec.training.step.epoch_steps import steps_of
from tests.training.nets import Exploding, Regressor, class_job, figures_of, number_data, number_job, recipe_for, same

pytestmark = pytest.mark.usefixtures("default_signals")

EVERYTHING: dict[str, Any] = {
    "optimizer": (
        SkipNonfinite(most=3),
        Accumulate(steps=3),
        Noise(eta=1e-4),
        Clip(norm=1.0),
        Adamw(rate=0.01),
        WeightDecay(decay=0.01),
        RateOf(names=("dense1",), factor=0.5),
        Lookahead(steps=2),
        Ema(decay=0.9),
    ),
    "schedule": (
        Warmup(length=Duration(10, "steps")),
        ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.2, cooldown=1),
    ),
    "freeze": ("norm",),
}


class Interrupt(TrainingCallback):
    """Asks for the end of the run at a step of an epoch, from 1."""

    def __init__(self, epoch: int, step: int) -> None:
        self.place = epoch, step

    def progress(self, tick: Any) -> None:
        if (tick.epoch, tick.step) == self.place:
            os.kill(os.getpid(), signal.SIGTERM)


# ---------------------------------------------------------------- going on


def test_a_run_with_everything_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(class_job(epochs=4, **EVERYTHING))
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(epoch_steps, "STEPS_PER_CALL", 5)
    run = Run.create(tmp_path, "net", {}, {})
    first = fit(class_job(epochs=4, **EVERYTHING), run=run, reporter=Interrupt(3, 5))  # in the middle of a group
    assert first.interrupted and first.epochs == 2
    found = fit(class_job(epochs=4, **EVERYTHING), run=run, resume=True)
    assert same(found.weights, whole.weights)
    assert figures_of(found.history) == figures_of(whole.history)
    assert found.best_epoch == whole.best_epoch
    assert (run.path / "log.txt").read_text().count("the scheduled learning rate is now multiplied by") >= 1


# ---------------------------------------------------------------- gathered gradients


def test_four_small_batches_are_one_large_one() -> None:
    """300 examples: in both runs the last step of an epoch is over what is left, 12 of them."""
    large = fit(number_job(epochs=2, batch=32, optimizer=(Adam(rate=0.01),)))
    small = fit(number_job(epochs=2, batch=8, optimizer=(Accumulate(steps=4), Adam(rate=0.01))))
    for a, b in zip(jax.tree.leaves(small.weights.params), jax.tree.leaves(large.weights.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert small.engine.steps_per_epoch == 38


# ---------------------------------------------------------------- weights that answer


def last_state(job: Experiment) -> tuple[Any, Any]:
    """The engine and the state behind the last step, step by step."""
    engine = Engine(job)
    data, state, seen = engine.put_split(job.train), engine.start(), []
    for step in range(job.recipe.epochs * engine.steps_per_epoch):
        order = engine.order(step // engine.steps_per_epoch, data.examples)
        state, _ = engine.step_program(engine.batch_size(step, data.examples))(state, data.arrays, order)
        seen.append(jax.device_get(state["params"]))
    return engine, (state, seen)


def test_the_mean_is_what_is_measured_and_kept() -> None:
    keys: dict[str, Any] = {"epochs": 2, "batch": 50, "optimizer": (Sgd(rate=0.05), Ema(decay=0.7)), "keep": "last"}
    result = fit(number_job(**keys))
    _, (_, seen) = last_state(number_job(**keys))
    shares = np.float64([0.7 ** (len(seen) - 1 - i) for i in range(len(seen))])
    expected = jax.tree.map(lambda *parts: np.tensordot(shares / shares.sum(), np.stack(parts), 1), *seen)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), result.weights.params, expected)
    job = number_job(**keys)
    assert job.val is not None
    found = evaluate(Engine(job), Weights(expected, result.weights.other), job.val, prefix="val_")
    assert result.history[-1]["metrics"]["val_loss"] == pytest.approx(found["val_loss"], rel=1e-5)


@pytest.mark.parametrize("words", [(Adam(rate=0.01), Lookahead(steps=4)), (ScheduleFreeSgd(rate=0.1),)])
def test_the_figures_are_those_of_the_weights_that_are_kept(words: Any, tmp_path: Path) -> None:
    job = number_job(epochs=3, optimizer=words)
    run = Run.create(tmp_path, "net", {}, {})
    result = fit(job, run=run)
    assert job.val is not None and result.best_epoch is not None
    found = evaluate(Engine(job), result.weights, job.val, prefix="val_")
    assert result.history[result.best_epoch - 1]["metrics"]["val_loss"] == pytest.approx(found["val_loss"], rel=1e-6)
    engine, (state, _) = last_state(job)
    assert not same(engine.eval_weights(state), state["params"])


# ---------------------------------------------------------------- parts of the net


def test_what_is_frozen_stays_bit_for_bit_and_has_no_moments() -> None:
    job = class_job(epochs=2, optimizer=(Adamw(rate=0.05, decay=0.1),), freeze=("dense1", "norm"), keep="last")
    engine = Engine(job)
    params, other = engine.first_weights
    result = fit(job)
    for name in ("dense1", "norm"):
        assert same(result.weights.params[name], params[name])
    assert not same(result.weights.params["dense2"], params["dense2"])
    assert same(result.weights.other["norm"], other["norm"])  # running means stay, too
    moments = {leaf.shape for leaf in jax.tree.leaves(engine.start()["optimizer"]) if leaf.ndim}
    assert moments == {(16, 3), (3,)}


def test_without_freeze_running_means_move() -> None:
    job = class_job(epochs=1, keep="last")
    _, other = Engine(job).first_weights
    assert not same(fit(job).weights.other["norm"], other["norm"])


def test_a_part_at_a_rate_of_its_own() -> None:
    keys: dict[str, Any] = {"epochs": 1, "batch": 300, "keep": "last"}
    whole = fit(class_job(optimizer=(Sgd(rate=0.1),), **keys)).weights.params
    found = fit(class_job(optimizer=(Sgd(rate=0.1), RateOf(names=("dense1",), factor=0.25)), **keys)).weights.params
    first, _ = Engine(class_job(**keys)).first_weights
    moved = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), found, first)
    expected = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), whole, first)
    np.testing.assert_allclose(moved["dense1"]["kernel"], 0.25 * expected["dense1"]["kernel"], rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(moved["dense2"]["kernel"], expected["dense2"]["kernel"])


@pytest.mark.parametrize(("name", "advice"), [("dens1", "did you mean `dense1`"), ("dense1/kernel", "dense1")])
def test_a_part_that_is_not_there(name: str, advice: str) -> None:
    with pytest.raises(CompileError) as caught:
        Engine(class_job(freeze=(name,)))
    (found,) = caught.value.diagnostics
    assert found.code == "NS452" and advice in found.hint_text


def test_with_everything_frozen_nothing_is_trained() -> None:
    with pytest.raises(CompileError, match="NS461"):
        fit(class_job(freeze=("dense1", "norm", "dense2")))


# ---------------------------------------------------------------- steps that are left out


def poisoned_job(poison: list[int], **keys: Any) -> Experiment:
    data = number_data(100)
    inputs = np.clip(data.inputs["input"], -2.9, 2.9)
    inputs[poison, 3] = 4.0
    recipe = recipe_for({"output": OutputHead((2,))}, {"output": Target("numbers", 2)}, has_val=False, batch=10, **keys)
    return Experiment(Exploding, recipe, ["input"], Arrays({"input": inputs}, data.targets))


def test_a_batch_that_is_not_finite_leaves_no_trace() -> None:
    result = fit(poisoned_job([77], epochs=2, optimizer=(SkipNonfinite(), Adam(rate=0.01))))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result.weights))
    assert [record["metrics"]["skipped_steps"] for record in result.history] == [1, 1]
    # The same steps by hand, without the one with example 77.
    job = poisoned_job([77], epochs=1, optimizer=(Adam(rate=0.01),))
    engine = Engine(job)
    data, state, losses = engine.put_split(job.train), engine.start(), []
    order = engine.order(0, 100)
    bad = int(np.flatnonzero(np.asarray(order) == 77)[0]) // 10
    for step in range(10):
        if step == bad:
            state = {**state, "step": state["step"] + 1}
            continue
        state, loss = engine.step_program(10)(state, data.arrays, order)
        losses.append(float(loss))
    assert result.history[0]["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    once = fit(poisoned_job([77], epochs=1, optimizer=(SkipNonfinite(), Adam(rate=0.01))))
    assert same(once.weights.params, state["params"])


def test_too_many_in_a_row_stop_the_run() -> None:
    places = np.random.default_rng((0, 0)).permutation(100)
    poison = [int(places[10 * step + 1]) for step in (2, 3, 4)]
    keys: dict[str, Any] = {"epochs": 1}
    assert fit(poisoned_job(poison, optimizer=(SkipNonfinite(most=3), Sgd(rate=0.01)), **keys)).epochs == 1
    with pytest.raises(CompileError) as caught:
        fit(poisoned_job(poison, optimizer=(SkipNonfinite(most=2), Sgd(rate=0.01)), **keys))
    (found,) = caught.value.diagnostics
    assert found.code == "NS460" and "epoch 1, step 5" in found.message


def test_running_means_of_a_skipped_batch_are_not_kept() -> None:
    job = class_job(epochs=1, batch=20, keep="last", optimizer=(SkipNonfinite(most=20), Sgd(rate=0.01)))
    inputs = np.array(job.train.inputs["input"])
    inputs[::20] = np.inf
    result = fit(replace(job, train=Arrays({"input": inputs}, dict(job.train.targets)), val=None, test=None))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(result.weights))


# ---------------------------------------------------------------- a schedule that follows a figure


def test_the_rate_falls_without_compiling_again() -> None:
    rule = ReduceOnPlateau(factor=0.5, patience=1, min_delta=1e9, min_factor=0.2)
    job = number_job(epochs=5, batch=100, optimizer=(Sgd(rate=0.1),), schedule=(rule,), keep="last")
    result = fit(job)
    assert result.engine.loop_program(100)._cache_size() == 1
    # The first epoch is progress; after the second, the third and the fourth the rate falls: 0.5, 0.25, then the least.
    scales = [1.0, 1.0, 0.5, 0.25, 0.2]
    engine = Engine(job)
    data, state = engine.put_split(job.train), engine.start()
    for epoch, scale in enumerate(scales):
        state = {**engine.begin_epoch(state), "rate_scale": jax.numpy.float32(scale)}
        for program, given, _ in steps_of(engine, data, epoch):
            state, _ = program(state, *given)
    assert same(result.weights.params, state["params"])
    assert [record["rate"] for record in result.history] == pytest.approx([0.1 * scale for scale in scales])


def test_it_follows_the_figure_only_when_its_time_has_come(tmp_path: Path) -> None:
    rule = ReduceOnPlateau(factor=0.5, patience=1, min_delta=1e9)
    keys: dict[str, Any] = {"epochs": 4, "batch": 100, "schedule": (Warmup(length=Duration(3, "epochs")), rule)}
    run = Run.create(tmp_path, "net", {}, {})
    fit(number_job(**keys), run=run)
    assert "multiplied by" not in (run.path / "log.txt").read_text()  # the fourth epoch is its first one


def test_after_a_fall_a_checkpoint_is_there(tmp_path: Path) -> None:
    """Steps that are run again, to find where a number is not finite, must all have the rate of the first time."""
    rule = ReduceOnPlateau(factor=0.5, patience=1, min_delta=1e9)
    run = Run.create(tmp_path, "net", {}, {})
    fit(number_job(epochs=3, batch=100, schedule=(rule,)), run=run, save_seconds=1e9)
    assert checkpoint_steps(run.checkpoints) == [6, 9]


def test_the_run_without_these_words_has_no_state_for_them() -> None:
    job = Experiment(Regressor, number_job().recipe, ["input"], number_data(50))
    assert {"rate_scale", "skipped"}.isdisjoint(Engine(job).start())
