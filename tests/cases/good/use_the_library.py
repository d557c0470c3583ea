"""use_the_library: 32x32x3 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class ConvNorm(nn.Module):
    def __init__(self, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            filters,
            filters,
            (3, 3),
            padding=[(1, 1), (1, 1)],
            use_bias=False,
            rngs=rngs,
        )
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        return x


class BasicBlock(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv_norm = ConvNorm(filters=16, rngs=rngs)
        self.conv_norm_2 = ConvNorm(filters=16, rngs=rngs)

    def __call__(self, x):
        y = self.conv_norm(x)  # 32x32x16
        y = nn.relu(y)  # 32x32x16
        y = self.conv_norm_2(y)  # 32x32x16
        y = y + x  # 32x32x16
        y = nn.relu(y)  # 32x32x16
        return y


class ConvNorm2(nn.Module):
    def __init__(self, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            16,
            filters,
            (3, 3),
            strides=(2, 2),
            padding=[(1, 1), (1, 1)],
            use_bias=False,
            rngs=rngs,
        )
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        return x


class Projection(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, (1, 1), strides=(2, 2), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        return x


class BasicBlock2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv_norm = ConvNorm2(filters=32, rngs=rngs)
        self.conv_norm_2 = ConvNorm(filters=32, rngs=rngs)
        self.projection = Projection(in_features=16, filters=32, rngs=rngs)

    def __call__(self, x):
        y = self.conv_norm(x)  # 16x16x32
        y = nn.relu(y)  # 16x16x32
        y = self.conv_norm_2(y)  # 16x16x32
        x = self.projection(x)  # 16x16x32
        y = y + x  # 16x16x32
        y = nn.relu(y)  # 16x16x32
        return y


class ConvNorm3(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            in_features,
            filters,
            (1, 1),
            padding=[(0, 0), (0, 0)],
            use_bias=False,
            rngs=rngs,
        )
        self.batchnorm = nn.BatchNorm(filters, momentum=0.9, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.batchnorm(x)
        return x


class Bottleneck(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv_norm = ConvNorm3(in_features=32, filters=16, rngs=rngs)
        self.conv_norm_2 = ConvNorm2(filters=16, rngs=rngs)
        self.conv_norm_3 = ConvNorm3(in_features=16, filters=64, rngs=rngs)
        self.projection = Projection(in_features=32, filters=64, rngs=rngs)

    def __call__(self, x):
        y = self.conv_norm(x)  # 16x16x16
        y = nn.relu(y)  # 16x16x16
        y = self.conv_norm_2(y)  # 8x8x16
        y = nn.relu(y)  # 8x8x16
        y = self.conv_norm_3(y)  # 8x8x64
        x = self.projection(x)  # 8x8x64
        y = y + x  # 8x8x64
        y = nn.relu(y)  # 8x8x64
        return y


class UseTheLibrary(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(3, 16, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(16, momentum=0.9, use_fast_variance=False, rngs=rngs)
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
