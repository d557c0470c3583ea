"""logistic_regression: 30 -> 1. Written by netspec."""

from netspec import nn


class LogisticRegression(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(30, 1, rngs=rngs)

    def logits(self, x):
        x = self.dense(x)  # 1
        return x

    def __call__(self, x):
        return nn.sigmoid(self.logits(x))
