"""defaults_from_what_flows_in: 16x16x12 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Narrow(nn.Module):
    def __init__(self, in_features: int, filters: int, wide: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, (1, 1), rngs=rngs)
        self.conv_2 = nn.Conv(filters, wide, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        x = nn.relu(self.conv_2(x))
        return x


class DefaultsFromWhatFlowsIn(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.narrow = Narrow(in_features=12, filters=3, wide=6, rngs=rngs)
        self.narrow_2 = Narrow(in_features=6, filters=5, wide=10, rngs=rngs)
        self.narrow_3 = Narrow(in_features=10, filters=2, wide=7, rngs=rngs)
        self.dense = nn.Linear(7, 2, rngs=rngs)

    def logits(self, x):
        x = self.narrow(x)  # 16x16x6
        x = self.narrow_2(x)  # 16x16x10
        x = self.narrow_3(x)  # 16x16x7
        x = jnp.mean(x, axis=(1, 2))  # 7
        x = self.dense(x)  # 2
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
