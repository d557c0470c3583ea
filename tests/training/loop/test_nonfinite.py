"""Runs that leave the finite numbers: what is said, and what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.storage.run_folder import Run
from netspec.training.experiment import Experiment
from netspec.training.loop.loop import fit
from netspec.training.optimizers.optax_words import Sgd
from tests.training.nets import Exploding, Regressor, number_data, recipe_for


def locate(module: Any, inputs: tuple[Any, ...]) -> str | None:
    (x,) = inputs
    for name, value in (("dense1", module.dense1(x)), ("middle", module.middle(x))):
        if not bool(jnp.isfinite(value).all()):
            return name
    return None


def failing(job: Experiment, run: Run | None = None) -> Diagnostic:
    with pytest.raises(CompileError) as caught:
        fit(job, run=run, save_seconds=0.0)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "NS460"
    return diagnostic


def exploding_job(**keys: Any) -> tuple[Experiment, int, int]:
    """A job whose example 77 is poison, with the epoch and the step (from 1) that it comes in."""
    data = number_data(100)
    inputs = np.clip(data.inputs["input"], -2.9, 2.9)
    inputs[77, 3] = 4.0
    recipe = recipe_for({"output": OutputHead((2,))}, {"output": Target("numbers", 2)}, has_val=False, batch=10, **keys)
    place = int(np.flatnonzero(np.random.default_rng((0, 0)).permutation(100) == 77)[0])
    return (
        Experiment(Exploding, recipe, ["input"], Arrays({"input": inputs}, data.targets), locate_nonfinite=locate),
        1,
        place // 10 + 1,
    )


@pytest.mark.parametrize("on_disk", [False, True])
def test_epoch_step_and_layer_are_named(tmp_path: Path, on_disk: bool) -> None:
    job, epoch, step = exploding_job(epochs=3)
    run = Run.create(tmp_path, "x", {}, {}) if on_disk else None
    found = failing(job, run)
    assert f"in epoch {epoch}, step {step}: first in the layer `middle`" in found.message
    assert run is None or "NS460" in (run.path / "log.txt").read_text()


def test_a_rate_too_high(tmp_path: Path) -> None:
    recipe = recipe_for(
        {"output": OutputHead((2,))}, {"output": Target("numbers", 2)}, has_val=False, optimizer=(Sgd(rate=1e12),)
    )
    run = Run.create(tmp_path, "x", {}, {})
    found = failing(Experiment(Regressor, recipe, ["input"], number_data(100)), run)
    assert "in epoch 1" in found.message and "rate" in found.hint_text
    step = int(found.message.split("step ")[1].split(":")[0])
    assert all(
        int(p.stem.removeprefix("step-")) < step for p in run.checkpoints.iterdir()
    )  # what is not finite is never written


def test_a_weight_that_breaks_in_the_last_step(tmp_path: Path) -> None:
    """The loss of the only step is finite, its update is not: nothing may be saved."""
    data = number_data(10)
    recipe = recipe_for(
        {"output": OutputHead((2,))},
        {"output": Target("numbers", 2)},
        has_val=False,
        epochs=1,
        optimizer=(Sgd(rate=1e38),),
    )
    big = Arrays({"input": data.inputs["input"] * 1e3}, data.targets)
    run = Run.create(tmp_path, "x", {}, {})
    found = failing(Experiment(Regressor, recipe, ["input"], big), run)
    assert "epoch 1, step 1" in found.message and "dense1" in found.message
    assert not (run.path / "weights.safetensors").exists()


def test_inputs_that_are_not_finite() -> None:
    data = number_data(30)
    data.inputs["input"][3, 1] = np.nan
    recipe = recipe_for({"output": OutputHead((2,))}, {"output": Target("numbers", 2)}, has_val=False)
    assert "the inputs hold" in failing(Experiment(Regressor, recipe, ["input"], data)).message
