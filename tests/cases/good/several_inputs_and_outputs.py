"""several_inputs_and_outputs: 32x32x3 and 1 -> 10 and 1 and 1. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class SeveralInputsAndOutputs(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(3, 16, (3, 3), rngs=rngs)
        self.dense = nn.Linear(1, 8, rngs=rngs)
        self.dense_2 = nn.Linear(24, 32, rngs=rngs)
        self.dense_3 = nn.Linear(32, 10, rngs=rngs)
        self.dense_4 = nn.Linear(32, 1, rngs=rngs)
        self.dense_5 = nn.Linear(32, 1, rngs=rngs)

    def logits(self, image, age):
        image = nn.relu(self.conv(image))  # 32x32x16
        features = jnp.mean(image, axis=(1, 2))  # 16
        age = nn.relu(self.dense(age))  # 8
        features = jnp.concatenate([features, age], axis=-1)  # 24
        both = nn.relu(self.dense_2(features))  # 32
        kind = self.dense_3(both)  # 10
        ill = self.dense_4(both)  # 1
        size = self.dense_5(both)  # 1
        return {"kind": kind, "ill": ill, "size": size}

    def __call__(self, image, age):
        logits = self.logits(image, age)
        return {
            "kind": nn.softmax(logits["kind"]),
            "ill": nn.sigmoid(logits["ill"]),
            "size": logits["size"],
        }
