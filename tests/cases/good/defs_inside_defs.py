"""defs_inside_defs: 16x16x3 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Unit(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        x = nn.relu(x)
        return x


class Stage(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.unit = Unit(in_features=3, filters=8, rngs=rngs)

    def __call__(self, x):
        x = self.unit(x)  # 16x16x8
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 8x8x8
        return x


class Stage2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.unit = Unit(in_features=8, filters=16, rngs=rngs)
        self.unit_2 = Unit(in_features=16, filters=16, rngs=rngs)

    def __call__(self, x):
        x = self.unit(x)  # 8x8x16
        x = self.unit_2(x)  # 8x8x16
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 4x4x16
        return x


class DefsInsideDefs(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.stage = Stage(rngs=rngs)
        self.stage_2 = Stage2(rngs=rngs)
        self.dense = nn.Linear(16, 10, rngs=rngs)

    def logits(self, x):
        x = self.stage(x)  # 8x8x8
        x = self.stage_2(x)  # 4x4x16
        x = jnp.mean(x, axis=(1, 2))  # 16
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
