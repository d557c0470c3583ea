"""shared_embedding: 20 tokens(1000) and 12 tokens(1000) -> 1. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class SharedEmbedding(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.embed = nn.Embed(1000, 16, embedding_init=nn.initializers.normal(0.05), rngs=rngs)
        self.dense = nn.Linear(32, 1, rngs=rngs)

    def logits(self, question, answer):
        question = self.embed(question)  # 20x16
        q = jnp.mean(question, axis=(1,))  # 16
        answer = self.embed(answer)  # 12x16
        a = jnp.mean(answer, axis=(1,))  # 16
        q = jnp.concatenate([q, a], axis=-1)  # 32
        q = self.dense(q)  # 1
        return q

    def __call__(self, question, answer):
        return nn.sigmoid(self.logits(question, answer))
