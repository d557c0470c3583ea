"""Targets as losses and metrics read them: class ids, or numbers in the shape of the output."""

from __future__ import annotations

from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.lazy import lazy, np

jax = lazy("jax")
jnp = lazy("jax.numpy")


def are_ids(head: OutputHead, target: Target) -> bool:
    """Whether losses read the targets as class ids; otherwise as numbers in the shape of the output."""
    return target.kind == "class" and head.units > 1


def place_targets(array: Any, head: OutputHead, target: Target) -> Any:
    """Targets as losses and metrics take them: int32 ids, or float32 numbers in the shape of the output.

    Raises:
        ValueError: the numbers do not fit that shape.
    """
    count = len(array)
    if are_ids(head, target):
        return np.asarray(array, np.int32).reshape(count, *head.shape[:-1])
    return np.asarray(array, np.float32).reshape(count, *head.shape)


def as_numbers(targets: Any, units: int) -> Any:
    """Class ids (integers) one-hot encoded; numbers as they are."""
    if jnp.issubdtype(targets.dtype, jnp.integer):
        return jax.nn.one_hot(targets, units, dtype=jnp.float32)
    return targets
