"""layers_by_name: 784 -> 10. Written by netspec."""

from netspec import nn


class LayersByName(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(784, 128, rngs=rngs)
        self.dropout = nn.Dropout(0.2, rngs=rngs)
        self.dense_2 = nn.Linear(128, 60, rngs=rngs)
        self.dense_3 = nn.Linear(60, 128, rngs=rngs)
        self.dropout_2 = nn.Dropout(0.2, rngs=rngs)
        self.dense_4 = nn.Linear(128, 10, rngs=rngs)

    def logits(self, x):
        x = nn.relu(self.dense(x))  # 128
        x = self.dropout(x)  # 128
        x = nn.relu(self.dense_2(x))  # 60
        x = nn.relu(self.dense_3(x))  # 128
        x = self.dropout_2(x)  # 128
        x = self.dense_4(x)  # 10
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
