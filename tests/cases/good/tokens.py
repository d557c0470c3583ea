"""tokens: 64 tokens(2000) -> 4. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Tokens(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.embedding = nn.Embed(2000, 32, embedding_init=nn.initializers.normal(0.02), rngs=rngs)
        self.dense = nn.Linear(32, 32, rngs=rngs)
        self.layernorm = nn.LayerNorm(32, epsilon=1e-05, use_fast_variance=False, rngs=rngs)
        self.dense_2 = nn.Linear(32, 4, rngs=rngs)

    def logits(self, x):
        x = self.embedding(x)  # 64x32
        x = nn.gelu(self.dense(x), approximate=False)  # 64x32
        x = self.layernorm(x)  # 64x32
        x = jnp.mean(x, axis=(1,))  # 32
        x = self.dense_2(x)  # 4
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
