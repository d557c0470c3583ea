"""merges: 16x12x8 and 8 -> 3. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Excite(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(8, 2, rngs=rngs)
        self.dense_2 = nn.Linear(2, 8, rngs=rngs)

    def __call__(self, x):
        y = jnp.mean(x, axis=(1, 2))  # 8
        y = nn.relu(self.dense(y))  # 2
        y = nn.sigmoid(self.dense_2(y))  # 8
        x = x * jnp.expand_dims(y, (1, 2))  # 16x12x8
        return x


class Merges(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.excite = Excite(rngs=rngs)
        self.conv = nn.Conv(8, 1, (1, 1), rngs=rngs)
        self.dense = nn.Linear(8, 8, rngs=rngs)
        self.conv_2 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_3 = nn.Conv(8, 4, (3, 3), strides=(2, 2), rngs=rngs)
        self.dense_2 = nn.Linear(24, 24, rngs=rngs)
        self.dense_3 = nn.Linear(24, 3, rngs=rngs)

    def logits(self, image, note):
        gated = self.excite(image)  # 16x12x8
        x = nn.sigmoid(self.conv(gated))  # 16x12x1
        seen = gated * x  # 16x12x8
        told = seen + jnp.expand_dims(note, (1, 2))  # 16x12x8
        note = nn.tanh(self.dense(note))  # 8
        best = nn.maximum(told, image, jnp.expand_dims(note, (1, 2)))  # 16x12x8
        best = nn.average(best, told)  # 16x12x8
        x = self.conv_2(best)  # 16x12x8
        best = jnp.concatenate([best, x], axis=1)  # 32x12x8
        best = nn.relu(self.conv_3(best))  # 16x6x4
        best = jnp.reshape(best, (-1, 16, 24))  # 16x24
        x = self.dense_2(best)  # 16x24
        best = jnp.concatenate([best, x], axis=1)  # 32x24
        best = jnp.mean(best, axis=(1,))  # 24
        best = self.dense_3(best)  # 3
        return best

    def __call__(self, image, note):
        return nn.softmax(self.logits(image, note))
