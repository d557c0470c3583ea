"""Numbers that are computed once, however many read them.

XLA puts cheap work into each operation that reads its result. Between the layers of a network that is the same work
several times: a convolution, its gradient to the weights and the residual connection beside it each compute batchnorm
and relu anew, in a ResNet from the first block on, and where an array is turned round first, in the order of the turned
one. A barrier ends it. XLA for CPUs takes barriers away before it puts operations together, unless it is told not to
(`compiler_options`, lowering.py).
"""

from __future__ import annotations

from typing import Any

import jax
from jax import lax


def computed_once(tree: Any) -> Any:
    """The same numbers, computed once."""
    return lax.optimization_barrier(tree)


@jax.custom_vjp  # type: ignore[untyped-decorator]
def input_once(x: Any) -> Any:
    """The same numbers; where a gradient is taken, they are computed once for the layer and for its gradient."""
    return x


@jax.custom_vjp  # type: ignore[untyped-decorator]
def gradient_once(x: Any) -> Any:
    """The same numbers; the gradient to them is computed once for all that is made of it."""
    return x


input_once.defvjp(lambda x: (computed_once(x), None), lambda _, gradient: (gradient,))
gradient_once.defvjp(lambda x: (x, None), lambda _, gradient: (computed_once(gradient),))
