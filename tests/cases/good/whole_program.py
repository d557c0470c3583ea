"""whole_program: 8x8x1 -> 10. Written by netspec."""

from netspec import nn


class Block(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, (3, 3), rngs=rngs)
        self.conv_2 = nn.Conv(filters, filters, (3, 3), rngs=rngs)
        self.dropout = nn.Dropout(0.25, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.conv(x))
        x = nn.relu(self.conv_2(x))
        x = nn.max_pool(x, (2, 2), strides=(2, 2))
        x = self.dropout(x)
        return x


class WholeProgram(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.block = Block(in_features=1, filters=16, rngs=rngs)
        self.block_2 = Block(in_features=16, filters=32, rngs=rngs)
        self.dense = nn.Linear(128, 64, rngs=rngs)
        self.dropout = nn.Dropout(0.5, rngs=rngs)
        self.dense_2 = nn.Linear(64, 10, rngs=rngs)

    def logits(self, x):
        x = self.block(x)  # 4x4x16
        x = self.block_2(x)  # 2x2x32
        x = nn.flatten(x)  # 128
        x = nn.relu(self.dense(x))  # 64
        x = self.dropout(x)  # 64
        x = self.dense_2(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
