"""ResNet-18 in Flax NNX, with a module for the block."""

import jax.numpy as jnp
from flax import nnx


class BasicBlock(nnx.Module):
    def __init__(self, channels, filters, stride=1, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(
            channels, filters, kernel_size=(3, 3), strides=stride, padding=1, use_bias=False, rngs=rngs
        )
        self.norm1 = nnx.BatchNorm(filters, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(filters, filters, kernel_size=(3, 3), padding=1, use_bias=False, rngs=rngs)
        self.norm2 = nnx.BatchNorm(filters, momentum=0.9, rngs=rngs)
        self.projects = stride != 1 or channels != filters
        if self.projects:
            self.projection = nnx.Conv(channels, filters, kernel_size=(1, 1), strides=stride, use_bias=False, rngs=rngs)
            self.projection_norm = nnx.BatchNorm(filters, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        shortcut = x
        x = nnx.relu(self.norm1(self.conv1(x)))
        x = self.norm2(self.conv2(x))
        if self.projects:
            shortcut = self.projection_norm(self.projection(shortcut))
        return nnx.relu(x + shortcut)


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(3, 64, kernel_size=(7, 7), strides=2, padding=3, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(64, momentum=0.9, rngs=rngs)
        blocks = []
        channels = 64
        for stage in range(4):
            filters = 64 * 2**stage
            for block in range(2):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(BasicBlock(channels, filters, stride, rngs=rngs))
                channels = filters
        self.blocks = nnx.Sequential(*blocks)
        self.linear = nnx.Linear(512, 1000, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        x = nnx.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        x = self.blocks(x)
        x = jnp.mean(x, axis=(1, 2))
        return self.linear(x)
