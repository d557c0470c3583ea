"""use_a_whole_program: 8x8x1 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Block(nn.Module):
    def __init__(self, in_features: int, n: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, n, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        return x


class UseAWholeProgram(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.block = Block(in_features=1, n=12, rngs=rngs)
        self.block_2 = Block(in_features=12, n=3, rngs=rngs)
        self.dense = nn.Linear(3, 2, rngs=rngs)

    def logits(self, x):
        x = self.block(x)  # 8x8x12
        x = self.block_2(x)  # 8x8x3
        x = jnp.mean(x, axis=(1, 2))  # 3
        x = self.dense(x)  # 2
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
