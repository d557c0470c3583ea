"""input_inside_blocks: 16x16x8 -> 4. Written by netspec."""

from netspec import nn


class Widen(nn.Module):
    def __init__(self, in_features: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, 2 * in_features, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        return x


class Squeeze(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        pass

    def __call__(self, x):
        x = nn.avg_pool(x, (8, 8), strides=(8, 8))  # 1x1x32
        x = nn.flatten(x)  # 32
        return x


class InputInsideBlocks(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.widen = Widen(in_features=8, rngs=rngs)
        self.widen_2 = Widen(in_features=16, rngs=rngs)
        self.squeeze = Squeeze(rngs=rngs)
        self.dense = nn.Linear(32, 4, rngs=rngs)

    def __call__(self, x):
        x = self.widen(x)  # 16x16x16
        x = self.widen_2(x)  # 16x16x32
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 8x8x32
        x = self.squeeze(x)  # 32
        x = self.dense(x)  # 4
        return x
