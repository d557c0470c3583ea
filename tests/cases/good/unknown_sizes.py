"""unknown_sizes: HxWx3 -> 8. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class UnknownSizes(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(3, 8, (3, 3), strides=(2, 2), rngs=rngs)
        self.conv_2 = nn.Conv(8, 16, (3, 3), padding="VALID", rngs=rngs)
        self.dense = nn.Linear(16, 8, rngs=rngs)

    def logits(self, x):
        h = nn.relu(self.conv(x))  # ((H + 1)//2)x((W + 1)//2)x8
        h = nn.relu(self.conv_2(h))  # (((H + 1)//2) - 2)x(((W + 1)//2) - 2)x16
        h = nn.max_pool(h, (2, 2), strides=(2, 2), padding="SAME")  # (((((H + 1)//2) + 1)//2) - 1)x(((((W + 1)//2) + 1)//2) - 1)x16
        h = jnp.mean(h, axis=(1, 2))  # 16
        h = self.dense(h)  # 8
        return h

    def __call__(self, x):
        return nn.softmax(self.logits(x))
