"""Types of what optimizers remember: they stay the same from the first step on, so that the step compiles once."""

from __future__ import annotations

from typing import Any


def strong(tree: Any) -> Any:
    """Arrays whose types are their own, not those of numbers of Python; keys of random numbers stay as they are."""
    import jax

    return jax.tree.map(typed_as, tree, tree)


def typed_as(new: Any, old: Any) -> Any:
    """An array in the type of another one."""
    import jax
    import jax.numpy as jnp

    return new if jnp.issubdtype(old.dtype, jax.dtypes.prng_key) else jnp.asarray(new, old.dtype)
