"""How many steps one program runs: several where a step is so short that starting it counts.

A loop on the device starts a step in no time; from Python it takes about a quarter of a millisecond. On a CPU only nets
of dense layers take part: XLA computes a convolution inside of a loop many times slower than outside. On other devices
nobody has measured it yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import jax

from netspec.nn.lowering.choice import note
from netspec.training.step.jaxpr import inner_computations

TOGETHER = 8
"""Steps of a program that runs several. More are no faster, and an end that is asked for would come later."""
MOST_OPERATIONS = 2e9
"""A step of more operations (multiplications and additions, forward and backward) is started by itself."""
NOT_IN_LOOPS = ("conv_general_dilated", "reduce_window", "select_and_scatter_add", "scan", "while", "sort")
"""What XLA computes slowly inside of a loop on a CPU, or what is a loop already; by how the names that JAX gives it
begin."""
PASSES = 3
"""Forward, and backward to the inputs and to the weights."""


def steps_at_once(forward: Callable[..., Any], weights: Any, inputs: Sequence[Any]) -> int:
    """How many steps of a net are best run by one program: 1 or `TOGETHER`.

    Args:
        forward: the net: (weights, inputs) -> what it answers.
        weights: a tree of arrays, or of their shapes.
        inputs: a batch, or its shapes.
    """
    if jax.default_backend() != "cpu":
        return 1
    batch = len(jax.tree.leaves(inputs)[0])
    shapes = [leaf.shape for leaf in jax.tree.leaves(weights)]
    # What can be told without tracing: kernels of convolutions have more axes, and each weight is multiplied once.
    least = 2 * PASSES * batch * sum(prod(shape) for shape in shapes if len(shape) == 2)
    if any(len(shape) > 2 for shape in shapes) or least > MOST_OPERATIONS:
        return 1
    traced = list(_equations(jax.make_jaxpr(forward)(weights, inputs)))
    has_slow = any(equation.primitive.name.startswith(NOT_IN_LOOPS) for equation in traced)
    products = sum(_operations(e) for e in traced if e.primitive.name == "dot_general")
    if has_slow or PASSES * products > MOST_OPERATIONS:
        return 1
    note(
        "steps", "steps", f"{TOGETHER} in one program", "a step is so short that starting each would take a tenth of it"
    )
    return TOGETHER


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
