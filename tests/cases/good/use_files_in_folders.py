"""use_files_in_folders: 16x16x3 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Normed(nn.Module):
    def __init__(self, in_features: int, n: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, n, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(n, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        x = nn.relu(x)
        return x


class Tower(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.normed = Normed(in_features=3, n=8, rngs=rngs)
        self.normed_2 = Normed(in_features=8, n=16, rngs=rngs)

    def __call__(self, x):
        x = self.normed(x)  # 16x16x8
        x = self.normed_2(x)  # 16x16x16
        return x


class UseFilesInFolders(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.tower = Tower(rngs=rngs)
        self.normed = Normed(in_features=16, n=4, rngs=rngs)
        self.dense = nn.Linear(4, 2, rngs=rngs)

    def logits(self, x):
        x = self.tower(x)  # 16x16x16
        x = self.normed(x)  # 16x16x4
        x = jnp.mean(x, axis=(1, 2))  # 4
        x = self.dense(x)  # 2
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
