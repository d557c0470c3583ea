"""siamese_towers: 28x28x1 and 28x28x1 -> 1. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Tower(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 8, (3, 3), rngs=rngs)
        self.dense = nn.Linear(1568, 32, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 28x28x8
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 14x14x8
        x = nn.flatten(x)  # 1568
        x = nn.relu(self.dense(x))  # 32
        return x


class SiameseTowers(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.tower = Tower(rngs=rngs)
        self.dense = nn.Linear(64, 1, rngs=rngs)

    def logits(self, left, right):
        left = self.tower(left)  # 32
        right = self.tower(right)  # 32
        left = jnp.concatenate([left, right], axis=-1)  # 64
        left = self.dense(left)  # 1
        return left

    def __call__(self, left, right):
        return nn.sigmoid(self.logits(left, right))
