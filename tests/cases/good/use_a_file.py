"""use_a_file: 32x32x3 -> 10. Written by netspec."""

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


class ConvUnit(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.unit = Unit(in_features=in_features, filters=filters, rngs=rngs)

    def __call__(self, x):
        x = self.unit(x)
        return x


class Down(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv_unit = ConvUnit(in_features=in_features, filters=filters, rngs=rngs)

    def __call__(self, x):
        x = self.conv_unit(x)
        x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return x


class UseAFile(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv_unit = ConvUnit(in_features=3, filters=8, rngs=rngs)
        self.down = Down(in_features=8, filters=16, rngs=rngs)
        self.down_2 = Down(in_features=16, filters=32, rngs=rngs)
        self.dense = nn.Linear(32, 10, rngs=rngs)

    def logits(self, x):
        x = self.conv_unit(x)  # 32x32x8
        x = self.down(x)  # 16x16x16
        x = self.down_2(x)  # 8x8x32
        x = jnp.mean(x, axis=(1, 2))  # 32
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
