"""shape_from_the_data: 8x8x1 -> 10. Written by netspec."""

from netspec import nn


class ShapeFromTheData(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(64, 32, rngs=rngs)
        self.dense_2 = nn.Linear(32, 10, rngs=rngs)

    def logits(self, x):
        x = nn.flatten(x)  # 64
        x = nn.relu(self.dense(x))  # 32
        x = self.dense_2(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
