"""GoogLeNet in Flax NNX, with a module for the block."""

from functools import partial

import jax.numpy as jnp
from flax import nnx


def local_response_norm(x, size=5, alpha=1e-4, beta=0.75, k=2.0):
    half = size // 2
    squares = jnp.pad(x * x, [(0, 0), (0, 0), (0, 0), (half, half)])
    total = sum(squares[..., i : i + x.shape[-1]] for i in range(size))
    return x / (k + alpha * total) ** beta


class Inception(nnx.Module):
    def __init__(self, channels, conv1, reduce3, conv3, reduce5, conv5, pool, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(channels, conv1, kernel_size=(1, 1), rngs=rngs)
        self.reduce3 = nnx.Conv(channels, reduce3, kernel_size=(1, 1), rngs=rngs)
        self.conv3 = nnx.Conv(reduce3, conv3, kernel_size=(3, 3), rngs=rngs)
        self.reduce5 = nnx.Conv(channels, reduce5, kernel_size=(1, 1), rngs=rngs)
        self.conv5 = nnx.Conv(reduce5, conv5, kernel_size=(5, 5), rngs=rngs)
        self.pool = nnx.Conv(channels, pool, kernel_size=(1, 1), rngs=rngs)

    def __call__(self, x):
        branch1 = nnx.relu(self.conv1(x))
        branch3 = nnx.relu(self.conv3(nnx.relu(self.reduce3(x))))
        branch5 = nnx.relu(self.conv5(nnx.relu(self.reduce5(x))))
        pooled = nnx.max_pool(x, window_shape=(3, 3), strides=(1, 1), padding="SAME")
        branch_pool = nnx.relu(self.pool(pooled))
        return jnp.concatenate([branch1, branch3, branch5, branch_pool], axis=-1)


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(3, 64, kernel_size=(7, 7), strides=2, padding=3, rngs=rngs)
        self.conv2 = nnx.Conv(64, 64, kernel_size=(1, 1), rngs=rngs)
        self.conv3 = nnx.Conv(64, 192, kernel_size=(3, 3), rngs=rngs)
        self.max_pool = partial(nnx.max_pool, window_shape=(3, 3), strides=(2, 2), padding="SAME")
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32, rngs=rngs)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64, rngs=rngs)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64, rngs=rngs)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64, rngs=rngs)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64, rngs=rngs)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64, rngs=rngs)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128, rngs=rngs)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128, rngs=rngs)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128, rngs=rngs)
        self.dropout = nnx.Dropout(rate=0.4, rngs=rngs)
        self.linear = nnx.Linear(1024, 1000, rngs=rngs)

    def __call__(self, x):
        x = local_response_norm(self.max_pool(nnx.relu(self.conv1(x))))
        x = nnx.relu(self.conv3(nnx.relu(self.conv2(x))))
        x = self.max_pool(local_response_norm(x))
        x = self.inception3b(self.inception3a(x))
        x = self.max_pool(x)
        x = self.inception4a(x)
        x = self.inception4b(x)
        x = self.inception4c(x)
        x = self.inception4d(x)
        x = self.inception4e(x)
        x = self.max_pool(x)
        x = self.inception5b(self.inception5a(x))
        x = jnp.mean(x, axis=(1, 2))
        return self.linear(self.dropout(x))
