"""What is watched of gradients: norms by hand, the noise scale on a problem whose gradients are known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays, Target
from netspec.training.experiment import Experiment
from netspec.training.loop.loop import fit
from netspec.training.optimizers.optax_words import Adam, Sgd
from netspec.training.step.engine import Engine
from tests.training.nets import Regressor, class_job, figures_of, number_job, recipe_for, same


def test_it_changes_nothing() -> None:
    plain, watched = fit(class_job()), fit(class_job(watch="gradients"))
    assert same(plain.weights, watched.weights)
    assert figures_of(plain.history) == figures_of(watched.history)
    assert "gradients" not in plain.history[0]


def test_it_costs_nothing_when_not_asked_for() -> None:
    job = class_job()
    engine = Engine(job)
    assert "watch" not in engine.start()


def test_norms_by_hand() -> None:
    job = number_job(epochs=1, batch=100, optimizer=(Adam(rate=0.1),), watch="gradients", keep="last")
    found = fit(job).history[0]["gradients"]
    definition, params = nnx.split(Regressor(nnx.Rngs(0)))
    optimizer = optax.adam(0.1)
    memory, gradients, updates = optimizer.init(params), [], []
    x, y = job.train.inputs["input"], job.train.targets["output"]
    order = np.random.default_rng((0, 0)).permutation(300)
    for rows in np.split(order, 3):
        gradient = jax.grad(lambda p, r=rows: ((nnx.merge(definition, p)(x[r]) - y[r]) ** 2).mean())(params)
        update, memory = optimizer.update(gradient, memory, params)
        params = optax.apply_updates(params, update)
        gradients.append(np.concatenate([np.ravel(g) for g in jax.tree.leaves(gradient)]))
        updates.append(np.concatenate([np.ravel(u) for u in jax.tree.leaves(update)]))
    assert set(found) == {"total", "dense1"} and found["total"] == found["dense1"]
    assert found["total"]["gradient_norm"] == pytest.approx(np.mean([np.linalg.norm(g) for g in gradients]), rel=1e-5)
    assert found["total"]["update_norm"] == pytest.approx(np.mean([np.linalg.norm(u) for u in updates]), rel=1e-5)
    signal = np.mean([gradients[0] @ gradients[1], gradients[1] @ gradients[2]])
    spread = 100 * np.mean([g @ g - signal for g in gradients])
    assert found["total"]["noise_scale"] == pytest.approx(max(0.0, spread / signal), rel=1e-3, abs=1e-3)


class Place(nnx.Module):
    """A point that does not look at the input: its gradient is twice its way to the targets, over their size."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.here = nnx.Linear(1, 4, use_bias=False, kernel_init=nnx.initializers.constant(1.0), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.here(jnp.ones_like(x))


def place_job(**keys: Any) -> Experiment:
    """Targets around 0 with a deviation of 3: G = 2 * 1 / 4 in each of four sizes, and a variance of (2 * 3 / 4)^2."""
    random = np.random.default_rng(0)
    targets = random.normal(size=(20_000, 4)).astype(np.float32) * 3
    recipe = recipe_for(
        {"output": OutputHead((4,))}, {"output": Target("numbers", 4)}, has_val=False, watch="gradients", **keys
    )
    return Experiment(
        Place, recipe, ["input"], Arrays({"input": np.ones((20_000, 1), np.float32)}, {"output": targets})
    )


@pytest.mark.parametrize("batch", [8, 64])
def test_the_noise_scale_is_that_of_the_problem(batch: int) -> None:
    """tr(S) / |G|^2 = 4 * (6 / 4)^2 / (4 * (2 / 4)^2) = 9, whatever the batch; the weights hardly move."""
    found = fit(place_job(epochs=1, batch=batch, optimizer=(Sgd(rate=1e-9),))).history[0]["gradients"]
    assert found["total"]["noise_scale"] == pytest.approx(9, rel=0.15)


def test_one_step_an_epoch() -> None:
    """The first step has none before it; from the second on the gradient of all examples has no noise to speak of."""
    first, second = fit(place_job(epochs=2, batch=20_000, optimizer=(Sgd(rate=1e-9),))).history
    assert first["gradients"]["total"]["noise_scale"] is None
    assert second["gradients"]["total"]["noise_scale"] == pytest.approx(0, abs=1)


def test_parts_add_up() -> None:
    """With one step an epoch the norms are of one gradient: squares of the parts make that of the whole."""
    job = class_job(epochs=1, batch=200, watch="gradients")
    found = fit(job).history[0]["gradients"]
    assert list(found) == ["total", "dense1", "dense2", "norm"]
    for name in ("gradient_norm", "update_norm"):
        squares = sum(found[part][name] ** 2 for part in ("dense1", "dense2", "norm"))
        assert found["total"][name] ** 2 == pytest.approx(squares, rel=1e-5)
