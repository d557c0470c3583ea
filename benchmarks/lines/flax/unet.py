"""The U-Net of 2015 in Flax NNX, with loops over the levels."""

import jax.numpy as jnp
from flax import nnx


class DoubleConv(nnx.Module):
    def __init__(self, channels, filters, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(channels, filters, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(filters, filters, kernel_size=(3, 3), padding="VALID", rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.conv1(x))
        return nnx.relu(self.conv2(x))


def crop(x, like):
    margin = (x.shape[1] - like.shape[1]) // 2
    return x[:, margin : margin + like.shape[1], margin : margin + like.shape[2]]


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.down = nnx.List([])
        channels = 1
        for filters in [64, 128, 256, 512]:
            self.down.append(DoubleConv(channels, filters, rngs=rngs))
            channels = filters
        self.bottom = DoubleConv(512, 1024, rngs=rngs)
        self.dropout = nnx.Dropout(rate=0.5, rngs=rngs)
        self.up = nnx.List([])
        self.convs = nnx.List([])
        for filters in [512, 256, 128, 64]:
            self.up.append(nnx.ConvTranspose(2 * filters, filters, kernel_size=(2, 2), strides=(2, 2), rngs=rngs))
            self.convs.append(DoubleConv(2 * filters, filters, rngs=rngs))
        self.last = nnx.Conv(64, 2, kernel_size=(1, 1), rngs=rngs)

    def __call__(self, x):
        skips = []
        for conv in self.down:
            x = conv(x)
            skips.append(x)
            x = nnx.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = self.dropout(self.bottom(x))
        for up, conv, skip in zip(self.up, self.convs, reversed(skips), strict=True):
            x = up(x)
            x = jnp.concatenate([crop(skip, x), x], axis=-1)
            x = conv(x)
        return self.last(x)
