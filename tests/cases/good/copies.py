"""copies: 8x8x3 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Copies(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(3, 8, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_3 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_4 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.dropout = nn.Dropout(0.1, rngs=rngs)
        self.conv_5 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.dropout_2 = nn.Dropout(0.1, rngs=rngs)
        self.dense = nn.Linear(8, 2, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 8x8x8
        x = nn.relu(self.conv_2(x))  # 8x8x8
        x = nn.relu(self.conv_3(x))  # 8x8x8
        x = nn.relu(self.conv_4(x))  # 8x8x8
        x = self.dropout(x)  # 8x8x8
        x = nn.relu(self.conv_5(x))  # 8x8x8
        x = self.dropout_2(x)  # 8x8x8
        x = jnp.mean(x, axis=(1, 2))  # 8
        x = self.dense(x)  # 2
        return x
