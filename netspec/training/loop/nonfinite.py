"""Where the first number that is not finite comes from: the steps are run again up to the one at fault."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.language.diagnostics import Diagnostic
from netspec.storage.tree_paths import Tree, flatten
from netspec.training.errors.recipe import NonfiniteLoss
from netspec.training.feed.device_data import Data
from netspec.training.feed.prefetch import Stream
from netspec.training.step.engine import Engine, State
from netspec.training.step.epoch_steps import steps_of


def run_until(engine: Engine, data: Data | Stream, state: State, step: int) -> State:
    """The state before a step of the run, from an earlier one; the same numbers as the first time."""
    position = int(state["step"])
    while position < step:
        epoch, first = divmod(position, engine.steps_per_epoch)
        last = min(engine.steps_per_epoch, first + step - position)
        with closing(steps_of(engine, data, epoch, first, last)) as taken:
            for program, given, count in taken:
                state, _ = program(state, *given)
                position += count
    return state


def explain(engine: Engine, data: Data | Stream, state: State, step: int) -> Diagnostic:
    """The diagnostic for a loss that is not finite in a step of the run, from 0; `state` is an earlier one."""
    state = run_until(engine, data, state, step)
    epoch = step // engine.steps_per_epoch
    inputs, targets = _examples_of(engine, step, data)
    where = _first_place(engine, state, inputs, targets)
    return NonfiniteLoss(epoch=epoch + 1, step=step % engine.steps_per_epoch + 1, where=where)


def _examples_of(engine: Engine, step: int, data: Data | Stream) -> tuple[Tree, Tree]:
    """The inputs and targets of a step of the run, as the network sees them in it."""
    order = engine.order(step // engine.steps_per_epoch, data.examples)
    size = engine.batch_size(step, data.examples)
    if isinstance(data, Data):
        return engine.batch(jnp.int32(step), size, data.arrays, order)
    begin = (step % engine.steps_per_epoch) * engine.recipe.batch
    return engine.varied(jnp.int32(step), data.read(np.asarray(order)[begin : begin + size]))


def explain_weights(engine: Engine, state: State) -> Diagnostic:
    """The diagnostic for weights that are not finite after the last step, though its loss was."""
    step = int(state["step"]) - 1
    spoilt = ", ".join(_not_finite_names(state)[:3])
    where = f"its gradient leaves numbers in {spoilt} that are not finite"
    return NonfiniteLoss(epoch=step // engine.steps_per_epoch + 1, step=step % engine.steps_per_epoch + 1, where=where)


def _first_place(engine: Engine, state: State, inputs: Any, targets: Any) -> str:
    if not bool(engine.is_finite(inputs)):
        return "the inputs hold numbers that are not finite"
    if not bool(engine.is_finite(targets)):
        return "the targets hold numbers that are not finite"
    names = ", ".join(_not_finite_names(state)[:3])
    spoilt = f"{names} {'is' if ',' not in names else 'are'} not finite since the step before" if names else ""
    locate = engine.experiment.locate_nonfinite
    layer = locate(engine.module(state["params"], state["other"], state["random"]), inputs) if locate else None
    if layer is not None:
        return f"first in the layer `{layer}`" + (f"; {spoilt}" if spoilt else "")
    return spoilt or "first in the loss itself"


def _not_finite_names(state: State) -> list[str]:
    leaves = flatten((state["params"], state["other"]))
    return [f"`{name.partition('/')[2]}`" for name, leaf in leaves.items() if not bool(jnp.isfinite(leaf).all())]


def not_finite(engine: Engine, state: State) -> bool:
    """Whether a weight or other state of the network is not finite."""
    return not bool(engine.placement.get(engine.is_finite((state["params"], state["other"]))))
