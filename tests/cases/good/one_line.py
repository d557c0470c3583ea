"""one_line: 28x28x1 -> 10. Written by netspec."""

from netspec import nn


class OneLine(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 16, (3, 3), rngs=rngs)
        self.dense = nn.Linear(3136, 10, rngs=rngs)

    def logits(self, x):
        x = nn.relu(self.conv(x))  # 28x28x16
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 14x14x16
        x = nn.flatten(x)  # 3136
        x = self.dense(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
