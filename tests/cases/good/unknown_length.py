"""unknown_length: _1 tokens(5000) -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class UnknownLength(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.embedding = nn.Embed(5000, 32, embedding_init=nn.initializers.normal(0.05), rngs=rngs)
        self.conv = nn.Conv(32, 64, (5,), rngs=rngs)
        self.dense = nn.Linear(64, 2, rngs=rngs)

    def logits(self, text):
        text = self.embedding(text)  # _1x32
        text = nn.relu(self.conv(text))  # _1x64
        text = jnp.mean(text, axis=(1,))  # 64
        text = self.dense(text)  # 2
        return text

    def __call__(self, text):
        return nn.softmax(self.logits(text))
