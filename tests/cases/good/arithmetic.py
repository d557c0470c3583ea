"""arithmetic: 14 -> 4. Written by netspec."""

from netspec import nn


class Arithmetic(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(14, 3, rngs=rngs)
        self.dense_2 = nn.Linear(3, 2, rngs=rngs)
        self.dense_3 = nn.Linear(2, 4, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.dense(x))  # 3
        x = nn.scale(x, 0.14285714285714285, -0.5)  # 3
        x = nn.relu(self.dense_2(x))  # 2
        x = self.dense_3(x)  # 4
        return x
