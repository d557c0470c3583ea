"""Where the first number that is not finite comes from: the steps are run again up to the one at fault."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspec.language.diagnostics import Diagnostic
from netspec.storage.tree_paths import flatten
from netspec.training.errors.recipe import NonfiniteLoss
from netspec.training.feed.batch_feed import BatchFeed
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


def explain(
    engine: Engine, data: Data | Stream | BatchFeed, state: State, step: int, position: tuple[int, int] | None = None
) -> Diagnostic:
    """The diagnostic for a loss that is not finite in a step of the run, from 0; `state` is an earlier one, `position`
    the epoch of the step and its number in there, from 0 (None: epochs have the same number of steps)."""
    position = divmod(step, engine.steps_per_epoch) if position is None else position
    if isinstance(data, BatchFeed):
        return _explain_given(engine, data, state, step, position)
    state = run_until(engine, data, state, step)
    epoch, at = position
    order, size = engine.order(epoch, data.examples), engine.batch_size(step, data.examples)
    if isinstance(data, Data):
        inputs, targets = engine.batch(jnp.int32(step), size, data.arrays, order)
    else:
        begin = at * engine.recipe.batch
        inputs, targets = engine.varied(jnp.int32(step), data.read(np.asarray(order)[begin : begin + size]))
    return NonfiniteLoss(epoch=epoch + 1, step=at + 1, where=_first_place(engine, state, inputs, targets))


def _explain_given(engine: Engine, data: BatchFeed, state: State, step: int, position: tuple[int, int]) -> Diagnostic:
    """The same for an iterable, which is read again where it gives the same batches."""
    epoch, at = position
    where = "the batches cannot be read again, to find the layer"
    if int(state["step"]) == step - at and data.split.passes.repeats:
        with closing(steps_of(engine, data, epoch)) as taken:
            for number, (program, given, _) in enumerate(taken):
                if number == at:
                    where = _first_place(engine, state, *engine.varied(jnp.int32(step), given[0]))
                    break
                state, _ = program(state, *given)
    return NonfiniteLoss(epoch=epoch + 1, step=at + 1, where=where)


def explain_weights(state: State, position: tuple[int, int]) -> Diagnostic:
    """The diagnostic for weights that are not finite after the last step, though its loss was; `position` as above."""
    epoch, at = position
    where = f"its gradient makes numbers in {', '.join(_not_finite_names(state))} infinite or NaN"
    return NonfiniteLoss(epoch=epoch + 1, step=at + 1, where=where)


def _first_place(engine: Engine, state: State, inputs: Any, targets: Any) -> str:
    for what, arrays in (("inputs", inputs), ("targets", targets)):
        if not bool(engine.is_finite(arrays)):
            return f"the {what} hold numbers that are not finite"
    names = _not_finite_names(state)
    spoiled = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not finite since the step before" * bool(names)
    locate = engine.experiment.locate_nonfinite
    layer = locate(engine.module(state["params"], state["other"], state["random"]), inputs) if locate else None
    if layer is not None:
        return f"first in the layer `{layer}`" + (f"; {spoiled}" if spoiled else "")
    return spoiled or "first in the loss itself"


def _not_finite_names(state: State) -> list[str]:
    """The first three weights that are not finite."""
    leaves = flatten((state["params"], state["other"]))
    return [f"`{name.partition('/')[2]}`" for name, leaf in leaves.items() if not bool(jnp.isfinite(leaf).all())][:3]


def not_finite(engine: Engine, state: State) -> bool:
    """Whether a weight or other state of the network is not finite."""
    return not bool(engine.placement.get(engine.is_finite((state["params"], state["other"]))))
