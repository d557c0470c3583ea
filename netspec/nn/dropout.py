"""Dropout under the name that Flax gives it, lowered to what is fast on the current device.

Flax draws 32 random bits for each number, which on a CPU is a fifth of the training step of a small network. Here a
word of 32 bits decides about four numbers, or about two where the fraction to keep is not a multiple of 1/256.
"""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from netspec.nn.lowering.choice import is_fast_on_cpu, note


class Dropout(nnx.Dropout):  # type: ignore[misc]  # Flax is not read by the type checker
    """`flax.nnx.Dropout`, with other random numbers at the same rate."""

    def __call__(self, inputs: Any, *, deterministic: bool | None = None, rngs: Any = None) -> Any:
        is_off = self.deterministic if deterministic is None else deterministic
        is_own = rngs is None and self.rngs is not None and 0 < self.rate < 1
        if is_off is not False or not is_own or not is_fast_on_cpu("dropout", inputs):
            return super().__call__(inputs, deterministic=deterministic, rngs=rngs)
        what, why = f"dropout of {self.rate:g}", "the 32 bits of Flax take two to four times as long"
        note("dropout", what, f"{bits_for(1 - self.rate)} random bits per value", why)
        shape = [1 if axis in self.broadcast_dims else size for axis, size in enumerate(inputs.shape)]
        mask = draw_mask(self.rngs(), 1 - self.rate, tuple(shape))
        return jnp.where(jnp.broadcast_to(mask, inputs.shape), inputs / (1 - self.rate), 0)


def bits_for(fraction: float) -> int:
    """How many random bits decide whether a number is kept, so that the fraction is exact to 1/65536."""
    return 8 if fraction * 256 == round(fraction * 256) else 16


def draw_mask(key: Any, fraction: float, shape: tuple[int, ...]) -> Any:
    """True for the numbers that are kept.

    Args:
        key: of `jax.random`.
        fraction: between 0 and 1, both excluded.
        shape: of the numbers.
    """
    bits = bits_for(fraction)
    levels, count = 2**bits, prod(shape)
    limit = min(max(round(fraction * levels), 1), levels - 1)
    words = jax.random.bits(key, (-(-count * bits // 32),), jnp.uint32)
    numbers = lax.bitcast_convert_type(words, jnp.uint8 if bits == 8 else jnp.uint16)
    return numbers.reshape(-1)[:count].reshape(shape) < limit
