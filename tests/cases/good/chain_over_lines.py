"""chain_over_lines: 28x28x1 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class ChainOverLines(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 8, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(8, 16, (3, 3), rngs=rngs)
        self.dense = nn.Linear(16, 10, rngs=rngs)

    def logits(self, x):
        x = nn.relu(self.conv(x))  # 28x28x8
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 14x14x8
        x = nn.relu(self.conv_2(x))  # 14x14x16
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 7x7x16
        x = jnp.mean(x, axis=(1, 2))  # 16
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
