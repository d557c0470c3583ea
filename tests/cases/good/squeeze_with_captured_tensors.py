"""squeeze_with_captured_tensors: 16x16x8 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Back(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), rngs=rngs)

    def __call__(self, x, skip):
        x = nn.relu(self.conv(x))  # 16x16x8
        x = x + skip  # 16x16x8
        x = nn.relu(x)  # 16x16x8
        return x


class SqueezeWithCapturedTensors(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (1, 1), rngs=rngs)
        self.back = Back(rngs=rngs)
        self.back_2 = Back(rngs=rngs)
        self.dense = nn.Linear(8, 2, rngs=rngs)

    def __call__(self, x):
        skip = nn.relu(self.conv(x))  # 16x16x8
        x = self.back(x, skip)  # 16x16x8
        x = self.back_2(x, skip)  # 16x16x8
        x = jnp.mean(x, axis=(1, 2))  # 8
        x = self.dense(x)  # 2
        return x
