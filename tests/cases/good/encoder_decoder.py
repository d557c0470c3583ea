"""encoder_decoder: 30x30x3 -> 40x40x1. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Level(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.depthwise = nn.Conv(
            8,
            8,
            (3, 3),
            padding="VALID",
            feature_group_count=8,
            use_bias=False,
            rngs=rngs,
        )
        self.pointwise = nn.Conv(8, 16, (1, 1), rngs=rngs)
        self.depthwise_2 = nn.Conv(16, 32, (3, 3), feature_group_count=16, rngs=rngs)
        self.upconv = nn.ConvTranspose(
            32,
            16,
            (2, 2),
            strides=(2, 2),
            transpose_kernel=True,
            rngs=rngs,
        )
        self.conv = nn.Conv(32, 16, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = self.depthwise(x)  # 12x12x8
        skip = nn.relu(self.pointwise(x))  # 12x12x16
        x = nn.max_pool(skip, (2, 2), strides=(2, 2))  # 6x6x16
        x = nn.relu(self.depthwise_2(x))  # 6x6x32
        x = nn.avg_pool(x, (2, 2), strides=(2, 2))  # 3x3x32
        x = nn.resize(x, (5, 5), method="bicubic")  # 5x5x32
        below = self.upconv(x)  # 10x10x16
        skip = nn.crop_like(skip, below)  # 10x10x16
        skip = jnp.concatenate([skip, below], axis=-1)  # 10x10x32
        skip = nn.relu(self.conv(skip))  # 10x10x16
        return skip


class Level2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.depthwise = nn.Conv(
            3,
            3,
            (3, 3),
            padding="VALID",
            feature_group_count=3,
            use_bias=False,
            rngs=rngs,
        )
        self.pointwise = nn.Conv(3, 8, (1, 1), rngs=rngs)
        self.level = Level(rngs=rngs)
        self.upconv = nn.ConvTranspose(
            16,
            8,
            (2, 2),
            strides=(2, 2),
            transpose_kernel=True,
            rngs=rngs,
        )
        self.conv = nn.Conv(16, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = self.depthwise(x)  # 28x28x3
        skip = nn.relu(self.pointwise(x))  # 28x28x8
        x = nn.max_pool(skip, (2, 2), strides=(2, 2))  # 14x14x8
        x = self.level(x)  # 10x10x16
        below = self.upconv(x)  # 20x20x8
        skip = nn.crop_like(skip, below)  # 20x20x8
        skip = jnp.concatenate([skip, below], axis=-1)  # 20x20x16
        skip = nn.relu(self.conv(skip))  # 20x20x8
        return skip


class EncoderDecoder(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.level = Level2(rngs=rngs)
        self.conv = nn.Conv(8, 1, (1, 1), rngs=rngs)

    def logits(self, x):
        x = self.level(x)  # 20x20x8
        x = jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")  # 24x24x8
        x = nn.upsample(x, (2, 2))  # 48x48x8
        x = nn.center_crop(x, (40, 40))  # 40x40x8
        x = self.conv(x)  # 40x40x1
        return x

    def __call__(self, x):
        return nn.sigmoid(self.logits(x))
