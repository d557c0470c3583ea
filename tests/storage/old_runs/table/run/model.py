"""spec: 7 -> 3. Written by netspec."""

from netspec import nn


class Spec(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(7, 12, rngs=rngs)
        self.dense_2 = nn.Linear(12, 3, rngs=rngs)

    def logits(self, x):
        x = nn.tanh(self.dense(x))  # 12
        x = self.dense_2(x)  # 3
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
