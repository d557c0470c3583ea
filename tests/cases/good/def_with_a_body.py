"""def_with_a_body: 16x16x8 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class DenseBlock(nn.Module):
    def __init__(self, in_features: int, growth: int, rate: float, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, growth, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(3 * growth, growth, (3, 3), rngs=rngs)
        self.dropout = nn.Dropout(rate, rngs=rngs)

    def __call__(self, x):
        a = nn.relu(self.conv(x))
        y = jnp.concatenate([x, a], axis=-1)
        y = nn.relu(self.conv_2(y))
        b = self.dropout(y)
        x = jnp.concatenate([x, a, b], axis=-1)
        return x


class DefWithABody(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense_block = DenseBlock(in_features=8, growth=4, rate=0.1, rngs=rngs)
        self.dense_block_2 = DenseBlock(in_features=16, growth=8, rate=0.2, rngs=rngs)
        self.dense = nn.Linear(32, 10, rngs=rngs)

    def logits(self, x):
        x = self.dense_block(x)  # 16x16x16
        x = self.dense_block_2(x)  # 16x16x32
        x = jnp.mean(x, axis=(1, 2))  # 32
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
