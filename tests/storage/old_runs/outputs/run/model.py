"""spec: 3 -> 1 and 1. Written by netspec."""

from netspec import nn


class Spec(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(3, 8, rngs=rngs)
        self.dense_2 = nn.Linear(8, 1, rngs=rngs)
        self.dense_3 = nn.Linear(8, 1, rngs=rngs)

    def logits(self, x):
        h = nn.relu(self.dense(x))  # 8
        price = self.dense_2(h)  # 1
        sold = self.dense_3(h)  # 1
        return {"price": price, "sold": sold}

    def __call__(self, x):
        logits = self.logits(x)
        return {
            "price": logits["price"],
            "sold": nn.sigmoid(logits["sold"]),
        }
