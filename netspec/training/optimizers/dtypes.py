"""Dtypes of optimizer states: they stay the same from the first step on, so that the step compiles once."""

from __future__ import annotations

from typing import Any

from netspec.language.lazy import lazy

jax = lazy("jax")
jnp = lazy("jax.numpy")


def strong(tree: Any) -> Any:
    """Arrays that are not weakly typed; random keys stay as they are."""
    return jax.tree.map(typed_as, tree, tree)


def typed_as(new: Any, old: Any) -> Any:
    """An array in the dtype of another one."""
    return new if jnp.issubdtype(old.dtype, jax.dtypes.prng_key) else jnp.asarray(new, old.dtype)
