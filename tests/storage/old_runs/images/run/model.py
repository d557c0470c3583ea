"""spec: 8x8x1 -> 10. Written by netspec."""

from netspec import nn


class Spec(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(1, 6, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(6, momentum=0.9, use_fast_variance=False, rngs=rngs)
        self.dense = nn.Linear(96, 16, rngs=rngs)
        self.dropout = nn.Dropout(0.2, rngs=rngs)
        self.dense_2 = nn.Linear(16, 10, rngs=rngs)

    def logits(self, x):
        x = self.conv(x)  # 8x8x6
        x = self.batchnorm(x)  # 8x8x6
        x = nn.relu(x)  # 8x8x6
        x = nn.max_pool(x, (2, 2), strides=(2, 2))  # 4x4x6
        x = nn.flatten(x)  # 96
        x = nn.relu(self.dense(x))  # 16
        x = self.dropout(x)  # 16
        x = self.dense_2(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
