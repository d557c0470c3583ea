"""residual_sums: 16x16x8 -> 10. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class ResidualSums(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(8, 8, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm = nn.BatchNorm(8, momentum=0.9, use_fast_variance=False, rngs=rngs)
        self.conv_2 = nn.Conv(8, 8, (3, 3), use_bias=False, rngs=rngs)
        self.batchnorm_2 = nn.BatchNorm(8, momentum=0.9, use_fast_variance=False, rngs=rngs)
        self.conv_3 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_4 = nn.Conv(8, 8, (1, 1), rngs=rngs)
        self.conv_5 = nn.Conv(8, 16, (3, 3), strides=(2, 2), rngs=rngs)
        self.conv_6 = nn.Conv(8, 16, (1, 1), strides=(2, 2), use_bias=False, rngs=rngs)
        self.conv_7 = nn.Conv(16, 16, (3, 3), rngs=rngs)
        self.dense = nn.Linear(16, 32, rngs=rngs)
        self.dense_2 = nn.Linear(16, 32, use_bias=False, rngs=rngs)
        self.dense_3 = nn.Linear(32, 10, rngs=rngs)

    def __call__(self, x):
        y = self.conv(x)  # 16x16x8
        y = self.batchnorm(y)  # 16x16x8
        y = nn.relu(y)  # 16x16x8
        y = self.conv_2(y)  # 16x16x8
        y = self.batchnorm_2(y)  # 16x16x8
        x = x + y  # 16x16x8
        x = nn.relu(x)  # 16x16x8
        y = self.conv_3(x)  # 16x16x8
        z = self.conv_4(x)  # 16x16x8
        x = x + y + z  # 16x16x8
        y = nn.relu(self.conv_5(x))  # 8x8x16
        x = self.conv_6(x)  # 8x8x16
        x = x + y  # 8x8x16
        y = nn.relu(self.conv_7(x))  # 8x8x16
        x = x + y  # 8x8x16
        x = jnp.mean(x, axis=(1, 2))  # 16
        y = nn.relu(self.dense(x))  # 32
        x = self.dense_2(x)  # 32
        x = x + y  # 32
        x = self.dense_3(x)  # 10
        return x
