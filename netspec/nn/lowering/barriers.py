"""Optimization barriers: values that are computed once, however many operations read them.

XLA fuses cheap work into each operation that reads its result. Between the layers of a network that repeats the same
work: a convolution, its weight gradient and the residual connection next to it each recompute batchnorm and relu, and
where an array is transposed first, in the order of the transposed one. A barrier prevents that. XLA for CPUs removes
barriers before it fuses operations, unless it is told not to (`compiler_options` in `choice`).
"""

from __future__ import annotations

from typing import Any

import jax
from jax import lax


@jax.custom_vjp  # type: ignore[untyped-decorator]
def input_barrier(x: Any) -> Any:
    """The identity; under differentiation its value is computed once for the layer and for its gradient."""
    return x


@jax.custom_vjp  # type: ignore[untyped-decorator]
def gradient_barrier(x: Any) -> Any:
    """The identity; its gradient is computed once for everything that reads it."""
    return x


input_barrier.defvjp(lambda x: (lax.optimization_barrier(x), None), lambda _, gradient: (gradient,))
gradient_barrier.defvjp(lambda x: (x, None), lambda _, gradient: (lax.optimization_barrier(gradient),))
