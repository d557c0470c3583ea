"""branches_and_add: 8x8x4 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class BranchesAndAdd(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(4, 8, (1, 1), rngs=rngs)
        self.conv_2 = nn.Conv(4, 8, (3, 3), rngs=rngs)
        self.conv_3 = nn.Conv(4, 8, (5, 5), rngs=rngs)
        self.conv_4 = nn.Conv(8, 4, (3, 3), rngs=rngs)
        self.dense = nn.Linear(264, 2, rngs=rngs)

    def __call__(self, x):
        y = self.conv(x)  # 8x8x8
        z = self.conv_2(x)  # 8x8x8
        x = self.conv_3(x)  # 8x8x8
        y = y + z + x  # 8x8x8
        y = nn.relu(y)  # 8x8x8
        x = jnp.mean(y, axis=(1, 2))  # 8
        y = nn.relu(self.conv_4(y))  # 8x8x4
        y = nn.flatten(y)  # 256
        x = jnp.concatenate([x, y], axis=-1)  # 264
        x = self.dense(x)  # 2
        return x
