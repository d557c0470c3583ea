"""Dense layers under the name that Flax gives them, lowered to what is fast on the current device.

The product of a sequence, batch x steps x features, with a matrix is fast on a CPU; the products of its gradient are
not: XLA transposes one of the two arrays first, number by number, and takes a slower product. With all steps of all
examples as the rows of one matrix it does neither.
"""

from __future__ import annotations

from typing import Any

from flax import nnx
from jax import lax

from netspec.nn import initializers
from netspec.nn.lowering.choice import is_fast_on_cpu, note


class Linear(nnx.Linear):  # type: ignore[misc]  # Flax is not read by the type checker
    """`flax.nnx.Linear`, computed by `multiply`."""

    def __init__(self, *args: Any, kernel_init: Any = initializers.default, **more: Any) -> None:
        super().__init__(*args, kernel_init=kernel_init, dot_general=multiply, **more)


def multiply(x: Any, kernel: Any, dimension_numbers: Any, **more: Any) -> Any:
    """`jax.lax.dot_general` of … x features with features x units.

    Args:
        x: the input.
        kernel: the matrix.
        dimension_numbers: as Flax gives them: the last axis of `x` with the first one of `kernel`.
        more: for `dot_general`.
    """
    if x.ndim < 3 or not is_fast_on_cpu("dense", x, kernel):
        return lax.dot_general(x, kernel, dimension_numbers, **more)
    what = f"dense, {kernel.shape[0]} -> {kernel.shape[1]} features of each step"
    note("dense", what, "all steps as rows of one matrix", "avoids transposes in the backward pass")
    rows = lax.dot_general(x.reshape(-1, x.shape[-1]), kernel, (((1,), (0,)), ((), ())), **more)
    return rows.reshape(*x.shape[:-1], kernel.shape[1])
