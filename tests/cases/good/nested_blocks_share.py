"""nested_blocks_share: 8 and 8 -> 2. Written by netspec."""

import jax.numpy as jnp
from netspec import nn


class Core(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(8, 16, rngs=rngs)
        self.dense_2 = nn.Linear(16, 16, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.dense(x))  # 16
        x = self.dense_2(x)  # 16
        return x


class Arm(nn.Module):
    def __init__(self, n: int, core: nn.Module, *, rngs: nn.Rngs):
        self.core = core
        self.dense = nn.Linear(16, n, rngs=rngs)

    def __call__(self, x):
        x = self.core(x)  # 16
        x = nn.relu(x)  # 16
        x = self.dense(x)
        return x


class NestedBlocksShare(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.core = Core(rngs=rngs)
        self.arm = Arm(n=4, core=self.core, rngs=rngs)
        self.arm_2 = Arm(n=6, core=self.core, rngs=rngs)
        self.dense = nn.Linear(10, 2, rngs=rngs)

    def __call__(self, a, b):
        a = self.arm(a)  # 4
        b = self.arm_2(b)  # 6
        a = jnp.concatenate([a, b], axis=-1)  # 10
        a = self.dense(a)  # 2
        return a
