"""def_without_parameters: 12x12x1 -> 3. Written by netspec."""

from netspec import nn


class Stage(nn.Module):
    def __init__(self, in_features: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, 8, (3, 3), rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return x


class DefWithoutParameters(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.stage = Stage(in_features=1, rngs=rngs)
        self.stage_2 = Stage(in_features=8, rngs=rngs)
        self.dense = nn.Linear(72, 3, rngs=rngs)

    def logits(self, x):
        x = self.stage(x)  # 6x6x8
        x = self.stage_2(x)  # 3x3x8
        x = nn.flatten(x)  # 72
        x = self.dense(x)  # 3
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
