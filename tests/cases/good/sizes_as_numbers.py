"""sizes_as_numbers: 32x32x4 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Wider(nn.Module):
    def __init__(self, in_features: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, 2 * in_features, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        return x


class Nested(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.wider = Wider(in_features=8, rngs=rngs)
        self.conv = nn.Conv(16, 8, (1, 1), rngs=rngs)

    def __call__(self, x):
        x = self.wider(x)  # 32x32x16
        x = self.conv(x)  # 32x32x8
        return x


class Copies(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(8, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))  # 32x32x8
        x = nn.relu(self.conv_2(x))  # 32x32x8
        return x


class Choice(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)  # 32x32x8
        return x


class Smaller(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        pass

    def __call__(self, x):
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 16x16x8
        return x


class Windows(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        pass

    def __call__(self, x):
        x = nn.avg_pool(x, (2, 2), strides=(2, 2))  # 8x8x8
        return x


class Rows(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        pass

    def __call__(self, x):
        x = jnp.reshape(x, (-1, 16, 8))  # 16x8
        return x


class Named(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 6, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(6, 12, (3, 3), rngs=rngs)
        self.conv_3 = nn.Conv(12, 8, (3, 3), rngs=rngs)
        self.rows = Rows(rngs=rngs)
        self.dense = nn.Linear(8, 4, rngs=rngs)

    def __call__(self, x):
        h = self.conv(x)  # 8x8x6
        low = nn.max_pool(h, (2, 2), strides=(2, 2))  # 4x4x6
        low = self.conv_2(low)  # 4x4x12
        low = self.conv_3(low)  # 4x4x8
        low = self.rows(low)  # 16x8
        low = nn.relu(self.dense(low))  # 16x4
        return low


class SizesAsNumbers(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.wider = Wider(in_features=4, rngs=rngs)
        self.nested = Nested(rngs=rngs)
        self.copies = Copies(rngs=rngs)
        self.choice = Choice(rngs=rngs)
        self.smaller = Smaller(rngs=rngs)
        self.windows = Windows(rngs=rngs)
        self.named = Named(rngs=rngs)
        self.dense = nn.Linear(64, 10, rngs=rngs)

    def logits(self, x):
        x = self.wider(x)  # 32x32x8
        x = self.nested(x)  # 32x32x8
        x = self.copies(x)  # 32x32x8
        x = self.choice(x)  # 32x32x8
        x = self.smaller(x)  # 16x16x8
        x = self.windows(x)  # 8x8x8
        x = self.named(x)  # 16x4
        x = nn.flatten(x)  # 64
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
