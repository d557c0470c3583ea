"""number_suffixes: 100 -> 2. Written by netspec."""

from netspec import nn


class NumberSuffixes(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(100, 100, rngs=rngs)
        self.dropout = nn.Dropout(0.25, rngs=rngs)
        self.dense_2 = nn.Linear(100, 100, rngs=rngs)
        self.dense_3 = nn.Linear(100, 2, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.dense(x))  # 100
        x = self.dropout(x)  # 100
        x = nn.relu(self.dense_2(x))  # 100
        x = self.dense_3(x)  # 2
        return x
