"""use_everything_of_a_file: 16x16x8 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class ConvNorm(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), padding=[(1, 1), (1, 1)], use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(8, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)  # 16x16x8
        x = self.batchnorm(x)  # 16x16x8
        return x


class BasicBlock(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv_norm = ConvNorm(rngs=rngs)
        self.conv_norm_2 = ConvNorm(rngs=rngs)

    def __call__(self, x):
        y = self.conv_norm(x)  # 16x16x8
        y = nn.relu(y)  # 16x16x8
        y = self.conv_norm_2(y)  # 16x16x8
        y = y + x  # 16x16x8
        y = nn.relu(y)  # 16x16x8
        return y


class UseEverythingOfAFile(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.basic_block = BasicBlock(rngs=rngs)
        self.basic_block_2 = BasicBlock(rngs=rngs)
        self.dense = nn.Linear(8, 2, rngs=rngs)

    def __call__(self, x):
        x = self.basic_block(x)  # 16x16x8
        x = self.basic_block_2(x)  # 16x16x8
        x = jnp.mean(x, axis=(1, 2))  # 8
        x = self.dense(x)  # 2
        return x
