"""names_of_tensors: 28x28x1 -> 14. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class NamesOfTensors(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 8, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(8, 16, (3, 3), rngs=rngs)
        self.dense = nn.Linear(24, 8, rngs=rngs)
        self.dense_2 = nn.Linear(8, 14, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 28x28x8
        h = nn.max_pool(x, (2, 2), strides=(2, 2))  # 14x14x8
        wide = nn.relu(self.conv_2(h))  # 14x14x16
        h = jnp.concatenate([h, wide], axis=-1)  # 14x14x24
        h = jnp.mean(h, axis=(1, 2))  # 24
        h = nn.relu(self.dense(h))  # 8
        h = self.dense_2(h)  # 14
        return h
