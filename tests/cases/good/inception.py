"""inception: 28x28x16 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Inception2(nn.Module):
    def __init__(self, in_features: int, a: int, b: int, c: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, a, (1, 1), rngs=rngs)
        self.conv_2 = nn.Conv(in_features, b, (1, 1), rngs=rngs)
        self.conv_3 = nn.Conv(b, b, (3, 3), rngs=rngs)
        self.conv_4 = nn.Conv(in_features, c, (1, 1), rngs=rngs)

    def __call__(self, x):
        y = nn.relu(self.conv(x))
        z = nn.relu(self.conv_2(x))
        z = nn.relu(self.conv_3(z))
        x = nn.max_pool(x, (3, 3), strides=(1, 1), padding="SAME")
        x = nn.relu(self.conv_4(x))
        y = jnp.concatenate([y, z, x], axis=-1)
        return y


class Inception(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.inception = Inception2(in_features=16, a=8, b=16, c=4, rngs=rngs)
        self.inception_2 = Inception2(in_features=28, a=16, b=32, c=8, rngs=rngs)
        self.dense = nn.Linear(56, 10, rngs=rngs)

    def logits(self, x):
        x = self.inception(x)  # 28x28x28
        x = self.inception_2(x)  # 28x28x56
        x = jnp.mean(x, axis=(1, 2))  # 56
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
