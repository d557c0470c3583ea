"""Several steps in one program: the steps are the same ones, and only nets that gain by it take part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.language.lowering_families import FAST
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine
from netspec.training.step.epoch_steps import STEPS_PER_CALL, choose_steps_per_call, steps_of
from tests.training.nets import class_job, figures_of, same

APART = tuple(family for family in FAST if family != "steps")


def shape(*sizes: int) -> Any:
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def dense(weights: Any, inputs: Any) -> Any:
    return jax.nn.relu(inputs[0] @ weights[0])


def convolved(weights: Any, inputs: Any) -> Any:
    return jax.lax.conv(inputs[0], weights[0], (1, 1), "SAME")


def pooled(weights: Any, inputs: Any) -> Any:
    return jax.lax.reduce_window(inputs[0] @ weights[0], 0.0, jax.lax.add, (1, 2), (1, 2), "VALID")


def scanned(weights: Any, inputs: Any) -> Any:
    return jax.lax.scan(lambda h, x: (h @ weights[0] + x, None), inputs[0][0], inputs[0])[0]


def often(weights: Any, inputs: Any) -> Any:
    return jax.jit(lambda x: jnp.concatenate([x @ weights[0]] * 2) @ weights[0])(inputs[0])


@pytest.mark.parametrize(
    ("forward", "weights", "batch", "wanted"),
    [
        (dense, shape(64, 64), shape(128, 64), STEPS_PER_CALL),
        (dense, shape(2048, 2048), shape(128, 2048), 1),  # long enough
        (convolved, shape(4, 1, 3, 3), shape(128, 1, 8, 8), 1),
        (pooled, shape(64, 64), shape(128, 64), 1),
        (scanned, shape(64, 64), shape(8, 16, 64), 1),
        (often, shape(1000, 1000), shape(200, 1000), 1),  # as weights alone it would be short enough
    ],
)
def test_who_takes_part(forward: Callable[..., Any], weights: Any, batch: Any, wanted: int) -> None:
    assert choose_steps_per_call(forward, [weights], [batch]) == wanted


def test_other_devices_are_not_assumed_to_be_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert choose_steps_per_call(dense, [shape(64, 64)], [shape(128, 64)]) == 1


def test_steps_of_an_epoch() -> None:
    """650 examples, 32 a step: twenty whole steps and one of ten."""
    job = class_job(examples=650)
    engine = Engine(job)
    data = engine.feed(job.train)

    def counts(*span: int, **options: Any) -> list[int]:
        return [count for _, _, count in steps_of(engine, data, 0, *span, **options)]

    assert counts() == [8, 8, 4, 1]
    assert counts(3) == [8, 8, 1, 1]
    assert counts(3, 13) == [8, 2]
    assert counts(18, is_single=True) == [1, 1, 1]
    programs = [program for program, _, _ in steps_of(engine, data, 0)]
    assert programs[0] is programs[1] is programs[2] is not programs[3]


def test_the_same_figures_as_step_by_step() -> None:
    job = class_job(examples=650, epochs=2, watch=True)
    apart = replace(job, recipe=job.recipe.replace(lowering=APART))
    found, wanted = fit(job), fit(apart)
    for a, b in zip(figures_of(found.history), figures_of(wanted.history), strict=True):
        assert a[1] == pytest.approx(b[1], rel=1e-5)
    for a, b in zip(jax.tree.leaves(found.weights.params), jax.tree.leaves(wanted.weights.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_step_is_the_same_in_any_company() -> None:
    """Bit for bit: a run that goes on begins its groups elsewhere."""
    job = class_job(examples=650)
    engine = Engine(job)
    data = engine.feed(job.train)

    def run(*spans: tuple[int, int]) -> Any:
        state = engine.start()
        for first, last in spans:
            for program, given, _ in steps_of(engine, data, 0, first, last):
                state, _ = program(state, *given)
        return state["params"], state["sums"], state["optimizer"]

    assert same(run((0, 21)), run((0, 3), (3, 4), (4, 17), (17, 21)))
