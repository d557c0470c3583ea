"""recurrent: 200 tokens(20000) -> 1. Written by netspec."""

import jax.numpy as jnp
from netspec import nn
from functools import partial


class Encoder(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.bidirectional = nn.Bidirectional(
            forward=nn.LSTM(128, 64, recurrent_dropout=0.1, rngs=rngs),
            backward=nn.LSTM(128, 64, recurrent_dropout=0.1, reverse=True, rngs=rngs),
        )
        self.layernorm = nn.LayerNorm(128, epsilon=1e-05, use_fast_variance=False, rngs=rngs)

    def __call__(self, x, x_mask):
        x = self.bidirectional(x, x_mask)  # 200x128
        x = self.layernorm(x)  # 200x128
        return x


class Encoder2(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.bidirectional = nn.Bidirectional(
            forward=nn.LSTM(128, 32, recurrent_dropout=0.1, rngs=rngs),
            backward=nn.LSTM(128, 32, recurrent_dropout=0.1, reverse=True, rngs=rngs),
            merge="add",
        )
        self.layernorm = nn.LayerNorm(32, epsilon=1e-05, use_fast_variance=False, rngs=rngs)

    def __call__(self, x, x_mask):
        x = self.bidirectional(x, x_mask)  # 200x32
        x = self.layernorm(x)  # 200x32
        return x


class Recurrent(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.embedding = nn.Embed(
            20000,
            128,
            embedding_init=nn.initializers.normal(0.05),
            rngs=rngs,
        )
        self.encoder = Encoder(rngs=rngs)
        self.encoder_2 = Encoder2(rngs=rngs)
        self.bidirectional = nn.Bidirectional(
            forward=nn.GRU(32, 16, return_last=True, reset_after=False, rngs=rngs),
            backward=nn.GRU(32, 16, return_last=True, reset_after=False, reverse=True, rngs=rngs),
        )
        self.rnn = nn.SimpleRNN(
            8,
            8,
            activation=partial(nn.leaky_relu, negative_slope=0.2),
            kernel_init=nn.initializers.he_normal(),
            reverse=True,
            rngs=rngs,
        )
        self.lstm = nn.LSTM(
            8,
            8,
            bias_init=nn.initializers.constant(0.1),
            recurrent_activation=nn.hard_sigmoid,
            forget_bias=0.0,
            rngs=rngs,
        )
        self.dense = nn.Linear(24, 1, rngs=rngs)

    def logits(self, x):
        y = self.embedding(x)  # 200x128
        x_mask = jnp.not_equal(x, 0)  # 200
        y = self.encoder(y, x_mask)  # 200x128
        y = self.encoder_2(y, x_mask)  # 200x32
        y = self.bidirectional(y, x_mask)  # 32
        y = jnp.reshape(y, (-1, 4, 8))  # 4x8
        y = self.rnn(y)  # 4x8
        y = self.lstm(y)  # 4x8
        x = nn.first_step(y)  # 8
        z = nn.last_step(y)  # 8
        y = nn.mean_of_steps(y)  # 8
        x = jnp.concatenate([x, z, y], axis=-1)  # 24
        x = self.dense(x)  # 1
        return x

    def __call__(self, x):
        return nn.sigmoid(self.logits(x))
