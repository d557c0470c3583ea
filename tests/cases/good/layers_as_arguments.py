"""layers_as_arguments: 32x32x1 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Twice(nn.Module):
    def __init__(self, in_features: int, conv_out_features: int, conv_kernel_size: tuple, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, conv_out_features, conv_kernel_size, rngs=rngs)
        self.conv_2 = nn.Conv(conv_out_features, conv_out_features, conv_kernel_size, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = nn.relu(x)
        x = self.conv_2(x)
        return x


class Level(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 8, (3, 3), rngs=rngs)
        self.twice = Twice(in_features=8, conv_out_features=16, conv_kernel_size=(3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(16, 8, (1, 1), rngs=rngs)

    def __call__(self, x):
        across = nn.relu(self.conv(x))  # 32x32x8
        x = nn.max_pool(across, (2, 2), strides=(2, 2))  # 16x16x8
        x = self.twice(x)  # 16x16x16
        below = nn.relu(self.conv_2(x))  # 16x16x8
        across = nn.max_pool(across, (2, 2), strides=(2, 2))  # 16x16x8
        across = jnp.concatenate([across, below], axis=-1)  # 16x16x16
        return across


class Level2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(16, 16, (3, 3), rngs=rngs)
        self.twice = Twice(in_features=16, conv_out_features=8, conv_kernel_size=(1, 1), rngs=rngs)
        self.conv_2 = nn.Conv(16, 8, (1, 1), use_bias=False, rngs=rngs)
        self.dropout = nn.Dropout(0.1, rngs=rngs)
        self.conv_3 = nn.Conv(8, 16, (1, 1), rngs=rngs)

    def __call__(self, x):
        across = nn.relu(self.conv(x))  # 16x16x16
        x = nn.max_pool(across, (2, 2), strides=(2, 2))  # 8x8x16
        y = self.twice(x)  # 8x8x8
        x = self.conv_2(x)  # 8x8x8
        x = x + y  # 8x8x8
        x = self.dropout(x)  # 8x8x8
        below = nn.relu(self.conv_3(x))  # 8x8x16
        across = nn.max_pool(across, (2, 2), strides=(2, 2))  # 8x8x16
        across = jnp.concatenate([across, below], axis=-1)  # 8x8x32
        return across


class LayersAsArguments(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.level = Level(rngs=rngs)
        self.level_2 = Level2(rngs=rngs)
        self.dense = nn.Linear(32, 2, rngs=rngs)

    def logits(self, x):
        x = self.level(x)  # 16x16x16
        x = self.level_2(x)  # 8x8x32
        x = jnp.mean(x, axis=(1, 2))  # 32
        x = self.dense(x)  # 2
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
