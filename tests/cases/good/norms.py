"""norms: 16x16x3 -> 16. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Stage(nn.Module):
    def __init__(self, in_features: int, filters: int, *, rngs: nn.Rngs):
        self.conv = nn.Conv(in_features, filters, (3, 3), dtype=jnp.bfloat16, rngs=rngs)
        self.groupnorm = nn.GroupNorm(filters, 4, epsilon=1e-05, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x)
        x = self.groupnorm(x)
        x = nn.silu(x)
        return x


class Norms(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.stage = Stage(in_features=3, filters=16, rngs=rngs)
        self.stage_2 = Stage(in_features=16, filters=32, rngs=rngs)
        self.conv = nn.Conv(32, 32, (3, 3), use_bias=False, rngs=rngs)
        self.instancenorm = nn.InstanceNorm(
            32,
            epsilon=1e-05,
            use_scale=False,
            use_bias=False,
            use_fast_variance=False,
            rngs=rngs,
        )
        self.conv_2 = nn.Conv(32, 32, (1, 1), rngs=rngs)
        self.droppath = nn.Dropout(0.1, broadcast_dims=(1, 2, 3), rngs=rngs)
        self.dropout = nn.Dropout(0.2, broadcast_dims=(1, 2), rngs=rngs)
        self.noise = nn.GaussianNoise(0.05, rngs=rngs)
        self.batchnorm = nn.frozen(
            nn.BatchNorm(32, momentum=0.9, use_fast_variance=False, rngs=rngs),
        )
        self.rmsnorm = nn.RMSNorm(32, epsilon=1e-05, dtype=jnp.float16, rngs=rngs)
        self.dense = nn.Linear(32, 16, rngs=rngs)
        self.layernorm = nn.LayerNorm(16, epsilon=1e-05, use_fast_variance=False, rngs=rngs)

    def __call__(self, x):
        x = self.stage(x)  # 16x16x16
        x = self.stage_2(x)  # 16x16x32
        x = self.conv(x)  # 16x16x32
        x = self.instancenorm(x)  # 16x16x32
        x = nn.local_response_norm(x, 5, alpha=0.0001, beta=0.75, k=1.0, divide=True)  # 16x16x32
        y = self.conv_2(x)  # 16x16x32
        y = self.droppath(y)  # 16x16x32
        x = x + y  # 16x16x32
        x = self.dropout(x)  # 16x16x32
        x = self.noise(x)  # 16x16x32
        x = jnp.mean(x, axis=(1, 2))  # 32
        x = self.batchnorm(x)  # 32
        x = self.rmsnorm(x)  # 32
        x = self.dense(x)  # 16
        x = self.layernorm(x)  # 16
        x = nn.l2_normalize(x)  # 16
        return x
