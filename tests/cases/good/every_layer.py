"""every_layer: 16x16x4 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class EveryLayer(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.Conv(
            4,
            8,
            (3, 3),
            padding=[(1, 1), (1, 1)],
            kernel_dilation=(2, 2),
            feature_group_count=2,
            rngs=rngs,
        )
        self.batchnorm = nn.BatchNorm(
            8,
            momentum=0.99,
            epsilon=0.001,
            use_fast_variance=False,
            rngs=rngs,
        )
        self.conv_2 = nn.Conv(8, 8, (3, 3), rngs=rngs)
        self.conv_3 = nn.Conv(8, 8, (1, 1), rngs=rngs)
        self.conv_4 = nn.Conv(8, 4, (1, 3), rngs=rngs)
        self.layernorm = nn.LayerNorm(
            12,
            epsilon=1e-05,
            use_bias=False,
            use_fast_variance=False,
            rngs=rngs,
        )
        self.dropout = nn.Dropout(0.3, rngs=rngs)
        self.dense = nn.Linear(192, 16, rngs=rngs)
        self.answer = nn.Linear(4, 2, rngs=rngs)

    def __call__(self, x):
        x = nn.leaky_relu(self.conv(x), negative_slope=0.2)  # 14x14x8
        x = self.batchnorm(x)  # 14x14x8
        x = nn.relu(x)  # 14x14x8
        x = nn.avg_pool(x, (3, 3), strides=(2, 2), padding=[(1, 1), (1, 1)])  # 7x7x8
        y = nn.relu(self.conv_2(x))  # 7x7x8
        x = x + y  # 7x7x8
        y = self.conv_3(x)  # 7x7x8
        x = x + y  # 7x7x8
        y = self.conv_4(x)  # 7x7x4
        x = jnp.concatenate([x, y], axis=-1)  # 7x7x12
        x = nn.max_pool(
            x,
            (2, 2),
            strides=(2, 2),
            padding=nn.ceil_padding(x, (2, 2), (2, 2), [(0, 0), (0, 0)]),
        )
        x = self.layernorm(x)  # 4x4x12
        x = nn.scale(x, 2.0, 1.0)  # 4x4x12
        x = jnp.reshape(x, (-1, 12, 4, 4))  # 12x4x4
        x = nn.flatten(x)  # 192
        x = self.dropout(x)  # 192
        x = nn.relu(self.dense(x))  # 16
        x = jnp.reshape(x, (-1, 4, 4))  # 4x4
        x = jnp.mean(x, axis=(1,))  # 4
        x = self.answer(x)  # 2
        return x
