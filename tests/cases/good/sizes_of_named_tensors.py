"""sizes_of_named_tensors: 16x16x3 and 16x16x1 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Block(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 16x16x8
        return x


class SizesOfNamedTensors(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(4, 8, (3, 3), rngs=rngs)
        self.block = Block(rngs=rngs)
        self.block_2 = Block(rngs=rngs)
        self.conv_2 = nn.Conv(8, 4, (3, 3), rngs=rngs)
        self.dense = nn.Linear(1024, 16, rngs=rngs)
        self.dense_2 = nn.Linear(16, 2, rngs=rngs)

    def logits(self, image, mask):
        both = jnp.concatenate([image, mask], axis=-1)  # 16x16x4
        h = nn.relu(self.conv(both))  # 16x16x8
        h = self.block(h)  # 16x16x8
        h = self.block_2(h)  # 16x16x8
        h = self.conv_2(h)  # 16x16x4
        h = nn.flatten(h)  # 1024
        h = nn.relu(self.dense(h))  # 16
        h = self.dense_2(h)  # 2
        return h

    def __call__(self, image, mask):
        return nn.softmax(self.logits(image, mask))
