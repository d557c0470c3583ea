"""Dropout under the name of Flax, lowered to what is fast on the device at hand.

Flax draws 32 random bits for each number, which on a CPU is a fifth of the training step of a small net. Here a word of
32 bits decides over four numbers, or over two where the share to keep is no multiple of 1/256.
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
    """`flax.nnx.Dropout`, with other random numbers of the same shares."""

    def __call__(self, inputs: Any, *, deterministic: bool | None = None, rngs: Any = None) -> Any:
        is_off = self.deterministic if deterministic is None else deterministic
        is_own = rngs is None and self.rngs is not None and 0 < self.rate < 1
        if is_off is not False or not is_own or not is_fast_on_cpu("dropout", inputs):
            return super().__call__(inputs, deterministic=deterministic, rngs=rngs)
        bits = bits_for(1 - self.rate)
        what = f"dropout of {self.rate:g}"
        note(
            "dropout", what, f"{bits} random bits for a number", "Flax draws 32, which takes two to four times as long"
        )
        shape = [1 if axis in self.broadcast_dims else size for axis, size in enumerate(inputs.shape)]
        mask = draw_mask(self.rngs(), 1 - self.rate, tuple(shape))
        return jnp.where(jnp.broadcast_to(mask, inputs.shape), inputs / (1 - self.rate), 0)


def bits_for(share: float) -> int:
    """How many random bits tell whether a number is kept, so that the share is met to 1/65536."""
    return 8 if share * 256 == round(share * 256) else 16


def draw_mask(key: Any, share: float, shape: tuple[int, ...]) -> Any:
    """True for the numbers that are kept.

    Args:
        key: of `jax.random`.
        share: between 0 and 1, both left out.
        shape: of the numbers.
    """
    bits = bits_for(share)
    levels, count = 2**bits, prod(shape)
    limit = min(max(round(share * levels), 1), levels - 1)
    words = jax.random.bits(key, (-(-count * bits // 32),), jnp.uint32)
    numbers = lax.bitcast_convert_type(words, jnp.uint8 if bits == 8 else jnp.uint16)
    return numbers.reshape(-1)[:count].reshape(shape) < limit
