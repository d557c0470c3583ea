"""use_the_library: 32x32x3 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class BasicBlock(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(16, 16, (3, 3), padding=[(1, 1), (1, 1)], use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(16, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_2 = nn.Conv(16, 16, (3, 3), padding=[(1, 1), (1, 1)], use_bias=False, rngs=rngs)
        self.batchnorm_2 = nn.BatchNorm(16, momentum=0.9, epsilon=1e-05, rngs=rngs)

    def __call__(self, x):
        y = self.conv(x)  # 32x32x16
        y = self.batchnorm(y)  # 32x32x16
        y = nn.relu(y)  # 32x32x16
        y = self.conv_2(y)  # 32x32x16
        y = self.batchnorm_2(y)  # 32x32x16
        x = x + y  # 32x32x16
        x = nn.relu(x)  # 32x32x16
        return x


class BasicBlock2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            16,
            32,
            (3, 3),
            strides=(2, 2),
            padding=[(1, 1), (1, 1)],
            use_bias=False,
            rngs=rngs,
        )
        self.batchnorm = nn.BatchNorm(32, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_2 = nn.Conv(32, 32, (3, 3), padding=[(1, 1), (1, 1)], use_bias=False, rngs=rngs)
        self.batchnorm_2 = nn.BatchNorm(32, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_3 = nn.Conv(16, 32, (1, 1), strides=(2, 2), use_bias=False, rngs=rngs)

    def __call__(self, x):
        y = self.conv(x)  # 16x16x32
        y = self.batchnorm(y)  # 16x16x32
        y = nn.relu(y)  # 16x16x32
        y = self.conv_2(y)  # 16x16x32
        y = self.batchnorm_2(y)  # 16x16x32
        x = self.conv_3(x)  # 16x16x32
        x = x + y  # 16x16x32
        x = nn.relu(x)  # 16x16x32
        return x


class Bottleneck(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(32, 16, (1, 1), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(16, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_2 = nn.Conv(
            16,
            16,
            (3, 3),
            strides=(2, 2),
            padding=[(1, 1), (1, 1)],
            use_bias=False,
            rngs=rngs,
        )
        self.batchnorm_2 = nn.BatchNorm(16, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_3 = nn.Conv(16, 64, (1, 1), use_bias=False, rngs=rngs)
        self.batchnorm_3 = nn.BatchNorm(64, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.conv_4 = nn.Conv(32, 64, (1, 1), strides=(2, 2), use_bias=False, rngs=rngs)

    def __call__(self, x):
        y = self.conv(x)  # 16x16x16
        y = self.batchnorm(y)  # 16x16x16
        y = nn.relu(y)  # 16x16x16
        y = self.conv_2(y)  # 8x8x16
        y = self.batchnorm_2(y)  # 8x8x16
        y = nn.relu(y)  # 8x8x16
        y = self.conv_3(y)  # 8x8x64
        y = self.batchnorm_3(y)  # 8x8x64
        x = self.conv_4(x)  # 8x8x64
        x = x + y  # 8x8x64
        x = nn.relu(x)  # 8x8x64
        return x


class UseTheLibrary(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(3, 16, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(16, momentum=0.9, epsilon=1e-05, rngs=rngs)
        self.basic_block = BasicBlock(rngs=rngs)
        self.basic_block_2 = BasicBlock2(rngs=rngs)
        self.bottleneck = Bottleneck(rngs=rngs)
        self.dense = nn.Linear(64, 10, rngs=rngs)

    def logits(self, x):
        x = self.conv(x)  # 32x32x16
        x = self.batchnorm(x)  # 32x32x16
        x = nn.relu(x)  # 32x32x16
        x = self.basic_block(x)  # 32x32x16
        x = self.basic_block_2(x)  # 16x16x32
        x = self.bottleneck(x)  # 8x8x64
        x = jnp.mean(x, axis=(1, 2))  # 64
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
