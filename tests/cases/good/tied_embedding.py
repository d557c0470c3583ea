"""tied_embedding: 8 tokens(50) -> 8x50. Written by netspec."""

from netspec import nn


class Block(nn.Module):
    def __init__(self, units: int, *, rngs: nn.Rngs):
        self.dense = nn.Linear(16, units, rngs=rngs)
        self.dense_2 = nn.Linear(units, 16, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.dense(x))
        x = self.dense_2(x)  # 8x16
        return x


class TiedEmbedding(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.table = nn.Embed(50, 16, embedding_init=nn.initializers.normal(0.05), rngs=rngs)
        self.block = Block(units=32, rngs=rngs)
        self.block_2 = Block(units=24, rngs=rngs)

    def logits(self, text):
        text = self.table(text)  # 8x16
        text = self.block(text)  # 8x16
        text = self.block_2(text)  # 8x16
        text = self.table.attend(text)  # 8x50
        return text

    def __call__(self, text):
        return nn.softmax(self.logits(text))
