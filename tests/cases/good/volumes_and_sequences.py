"""volumes_and_sequences: 8x16x16x1 and 100x3 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class VolumesAndSequences(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 4, (3, 3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(4, 8, (1, 3, 3), strides=(2, 2, 2), rngs=rngs)
        self.conv_3 = nn.Conv(3, 8, (5,), rngs=rngs)
        self.dense = nn.Linear(8, 6, rngs=rngs)
        self.dense_2 = nn.Linear(14, 2, rngs=rngs)

    def logits(self, scan, pulse):
        scan = nn.relu(self.conv(scan))  # 8x16x16x4
        scan = nn.max_pool(scan, (2, 2, 2), strides=(2, 2, 2))  # 4x8x8x4
        scan = nn.relu(self.conv_2(scan))  # 2x4x4x8
        a = jnp.mean(scan, axis=(1, 2, 3))  # 8
        pulse = nn.relu(self.conv_3(pulse))  # 100x8
        pulse = nn.avg_pool(pulse, (4,), strides=(4,))  # 25x8
        pulse = nn.relu(self.dense(pulse))  # 25x6
        pulse = nn.max_pool(pulse, (5,), strides=(5,))  # 5x6
        b = jnp.mean(pulse, axis=(1,))  # 6
        a = jnp.concatenate([a, b], axis=-1)  # 14
        a = self.dense_2(a)  # 2
        return a

    def __call__(self, scan, pulse):
        return nn.softmax(self.logits(scan, pulse))
