"""shared_inside_a_def: 32 -> 2. Written by netspec."""

from netspec import nn


class Twice(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.cell = nn.Linear(16, 16, rngs=rngs)

    def __call__(self, x):
        x = nn.tanh(self.cell(x))  # 16
        x = nn.tanh(self.cell(x))  # 16
        return x


class SharedInsideADef(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(32, 16, rngs=rngs)
        self.twice = Twice(rngs=rngs)
        self.twice_2 = Twice(rngs=rngs)
        self.dense_2 = nn.Linear(16, 2, rngs=rngs)

    def __call__(self, x):
        x = self.dense(x)  # 16
        x = self.twice(x)  # 16
        x = self.twice_2(x)  # 16
        x = self.dense_2(x)  # 2
        return x
