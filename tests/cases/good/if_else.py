"""if_else: 8x8x4 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Unit(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(4, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 8x8x8
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 4x4x8
        return x


class Unit2(nn.Module):
    def __init__(self, in_features: int, n: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, n, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        return x


class IfElse(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.unit = Unit(rngs=rngs)
        self.unit_2 = Unit2(in_features=8, n=16, rngs=rngs)
        self.unit_3 = Unit2(in_features=16, n=4, rngs=rngs)
        self.dense = nn.Linear(4, 10, rngs=rngs)

    def logits(self, x):
        x = self.unit(x)  # 4x4x8
        x = self.unit_2(x)  # 4x4x16
        x = self.unit_3(x)  # 4x4x4
        x = jnp.mean(x, axis=(1, 2))  # 4
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
