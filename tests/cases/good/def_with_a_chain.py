"""def_with_a_chain: 32x32x3 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Block(nn.Module):
    def __init__(self, in_features: int, filters: int, conv_kernel_size: tuple, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, conv_kernel_size, use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        x = nn.relu(x)
        return x


class Block2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(32, 32, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(32, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)  # 32x32x32
        x = self.batchnorm(x)  # 32x32x32
        x = nn.silu(x)  # 32x32x32
        return x


class DefWithAChain(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.block = Block(in_features=3, filters=16, conv_kernel_size=(3, 3), rngs=rngs)
        self.block_2 = Block(in_features=16, filters=32, conv_kernel_size=(5, 5), rngs=rngs)
        self.block_3 = Block2(rngs=rngs)
        self.dense = nn.Linear(32, 10, rngs=rngs)

    def logits(self, x):
        x = self.block(x)  # 32x32x16
        x = self.block_2(x)  # 32x32x32
        x = self.block_3(x)  # 32x32x32
        x = jnp.mean(x, axis=(1, 2))  # 32
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
