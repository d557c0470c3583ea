"""inits: 16 -> 2. Written by netspec."""

from netspec import nn


class Inits(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.he_normal(),
            bias_init=nn.initializers.zeros_init(),
            rngs=rngs,
        )
        self.dense_2 = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.he_uniform(),
            bias_init=nn.initializers.constant(0.1),
            rngs=rngs,
        )
        self.dense_3 = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.glorot_uniform(),
            bias_init=nn.initializers.ones_init(),
            rngs=rngs,
        )
        self.dense_4 = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.glorot_normal(),
            bias_init=nn.initializers.normal(0.01),
            rngs=rngs,
        )
        self.dense_5 = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.lecun_normal(),
            bias_init=nn.uniform_between(-0.1, 0.1),
            rngs=rngs,
        )
        self.dense_6 = nn.Linear(16, 16, kernel_init=nn.initializers.lecun_uniform(), rngs=rngs)
        self.dense_7 = nn.Linear(16, 16, kernel_init=nn.initializers.orthogonal(1.0), rngs=rngs)
        self.dense_8 = nn.Linear(
            16,
            16,
            kernel_init=nn.initializers.truncated_normal(0.02),
            rngs=rngs,
        )
        self.dense_9 = nn.Linear(16, 16, kernel_init=nn.uniform_between(-0.05, 0.05), rngs=rngs)
        self.dense_10 = nn.Linear(16, 2, rngs=rngs)

    def __call__(self, x):
        x = nn.relu(self.dense(x))  # 16
        x = nn.relu(self.dense_2(x))  # 16
        x = nn.tanh(self.dense_3(x))  # 16
        x = nn.tanh(self.dense_4(x))  # 16
        x = nn.selu(self.dense_5(x))  # 16
        x = nn.selu(self.dense_6(x))  # 16
        x = self.dense_7(x)  # 16
        x = self.dense_8(x)  # 16
        x = self.dense_9(x)  # 16
        x = self.dense_10(x)  # 2
        return x
