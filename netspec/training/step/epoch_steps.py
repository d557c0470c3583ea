"""The steps of an epoch, as the programs that run them: one step per call, or several where a step is very short.

A loop on the device starts a step in no time; from Python it takes about a quarter of a millisecond. On a CPU only
networks of dense layers are looped: XLA computes a convolution inside a loop many times slower than outside. On other
devices this has not been measured yet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from math import prod
from typing import Any, TypeAlias

import jax
import numpy as np

from netspec.nn.lowering.choice import note
from netspec.training.feed.batch_feed import BatchFeed
from netspec.training.feed.device_data import Data
from netspec.training.feed.prefetch import Stream
from netspec.training.step.engine import Engine

STEPS_PER_CALL = 8
"""Steps of a program that runs several. More are not faster, and an interrupt would take effect later."""
MAX_OPERATIONS = 2e9
"""A step with more operations (multiplications and additions, forward and backward) is started alone."""
NOT_IN_LOOPS = ("conv_general_dilated", "reduce_window", "select_and_scatter_add", "scan", "while", "sort")
"""Primitives of JAX, by the beginnings of their names, that XLA computes slowly inside a loop on a CPU, or that are
loops already."""
PASSES = 3
"""Forward, and backward to the inputs and to the weights."""

Step: TypeAlias = tuple[Any, tuple[Any, ...], int]
"""A compiled program, its arguments after the state, and how many steps it runs: `state, loss = program(state,
*arguments)`, with the loss of the last of them."""


def steps_of(
    engine: Engine,
    data: Data | Stream | BatchFeed,
    epoch: int,
    first: int = 0,
    last: int | None = None,
    *,
    is_single: bool = False,
) -> Generator[Step, None, None]:
    """The steps of an epoch (from 0), from `first` up to but without `last` (None: the end of the epoch).

    Streamed data are read ahead until the iterator is closed; of an iterable all steps are given.
    `is_single`: one step per call.

    Raises:
        CompileError: the data cannot be read any more (NS515).
    """
    if isinstance(data, BatchFeed):  # an iterable has no other order, and says by itself where an epoch ends
        with closing(data.batches(epoch)) as given:
            for one in given:
                yield engine.batch_program(one.size), (one.arrays, np.bool_(one.is_last)), 1
        return
    last = engine.steps_per_epoch if last is None else last
    if isinstance(data, Data):
        yield from _on_device(engine, data, engine.order(epoch, data.examples), first, last, is_single)
        return
    order, batch = engine.order_of_rows(epoch, data.examples), engine.recipe.batch
    rows = [order[at * batch : (at + 1) * batch] for at in range(first, last)]
    with closing(data.batches(rows)) as batches:
        for indices, examples in zip(rows, batches, strict=True):
            yield engine.batch_program(len(indices)), (examples,), 1


def _on_device(engine: Engine, data: Data, order: Any, at: int, last: int, is_single: bool) -> Iterator[Step]:
    """A step is always run by the same program, or a run that is resumed would differ in the last bits."""
    most = engine.cached("steps per call", lambda: _steps_per_call(engine, data))
    while at < last:
        size = engine.batch_size(at, data.examples)
        if most == 1 or size < engine.recipe.batch:
            count = 1
            yield engine.step_program(size), (data.arrays, order), 1
        else:
            count = 1 if is_single else min(most, last - at, data.examples // size - at)
            yield engine.loop_program(size), (data.arrays, order, np.int32(count)), count
        at += count


def _steps_per_call(engine: Engine, data: Data) -> int:
    recipe = engine.recipe
    if "steps" not in recipe.lowering or engine.experiment.augment is not None or recipe.remat:
        return 1
    batch = [jax.ShapeDtypeStruct((recipe.batch, *x.shape[1:]), x.dtype) for x in data.inputs]
    return choose_steps_per_call(engine.training_logits, engine.first_weights[0], batch)


def choose_steps_per_call(forward: Callable[..., Any], weights: Any, inputs: Sequence[Any]) -> int:
    """How many steps of a network one program should run: 1 or `STEPS_PER_CALL`.

    Args:
        forward: the network in training mode: (weights, inputs) -> outputs.
        weights: a tree of arrays, or of their shapes.
        inputs: a batch, or its shapes.
    """
    if jax.default_backend() != "cpu":
        return 1
    batch = len(jax.tree.leaves(inputs)[0])
    shapes = [leaf.shape for leaf in jax.tree.leaves(weights)]
    # What is known without tracing: kernels of convolutions have more axes, and each weight is multiplied once.
    least = 2 * PASSES * batch * sum(prod(shape) for shape in shapes if len(shape) == 2)
    if any(len(shape) > 2 for shape in shapes) or least > MAX_OPERATIONS:
        return 1
    traced = list(_equations(jax.make_jaxpr(forward)(weights, inputs)))
    has_slow = any(equation.primitive.name.startswith(NOT_IN_LOOPS) for equation in traced)
    products = sum(_operations(e) for e in traced if e.primitive.name == "dot_general")
    if has_slow or PASSES * products > MAX_OPERATIONS:
        return 1
    why = "a step is so short that dispatch would take a tenth of its time"
    note("steps", "steps", f"{STEPS_PER_CALL} steps per call of the compiled program", why)
    return STEPS_PER_CALL


def _equations(jaxpr: Any) -> Iterator[Any]:
    """Those of a program, and of the functions that it calls."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in inner_computations(equation):
            yield from _equations(inner)


def _operations(equation: Any) -> float:
    """Those of a matrix product."""
    (contracted, _), _ = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    return 2.0 * float(prod(equation.outvars[0].aval.shape) * prod(left[axis] for axis in contracted))


def inner_computations(equation: Any) -> Iterator[Any]:
    """The computations inside one of a computation: branches, bodies of loops, calls."""
    for value in equation.params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            inner = getattr(item, "jaxpr", item)
            if hasattr(inner, "eqns"):
                yield inner
