"""tuples_and_lists: 8x8x1 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class TuplesAndLists(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            1,
            1,
            (3, 3),
            padding="VALID",
            use_bias=False,
            kernel_init=nn.fixed([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
            rngs=rngs,
        )
        self.dense = nn.Linear(9, 2, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)  # 6x6x1
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 3x3x1
        x = jnp.reshape(x, (-1, 9, 1))  # 9x1
        x = nn.flatten(x)  # 9
        x = self.dense(x)  # 2
        return x
