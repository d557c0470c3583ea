"""weights_and_frozen: 6x6x1 -> 2. Written by netspec."""

from netspec import nn


class WeightsAndFrozen(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.conv = nn.frozen(
            nn.Conv(
                1,
                2,
                (3, 3),
                use_bias=False,
                kernel_init=nn.fixed(
                    [
                        [[[1, -1]], [[0, 0]], [[1, -1]]],
                        [[[2, 0]], [[0, 0]], [[0, 2]]],
                        [[[1, 1]], [[0, 0]], [[1, 1]]],
                    ],
                ),
                rngs=rngs,
            ),
        )
        self.conv_2 = nn.Conv(
            2,
            1,
            (1, 1),
            kernel_init=nn.fixed([[[[1], [1]]]]),
            bias_init=nn.initializers.constant(0.5),
            rngs=rngs,
        )
        self.dense = nn.frozen(nn.Linear(36, 2, kernel_init=nn.initializers.normal(0.1), rngs=rngs))

    def __call__(self, x):
        x = self.conv(x)  # 6x6x2
        x = nn.relu(x)  # 6x6x2
        x = self.conv_2(x)  # 6x6x1
        x = nn.flatten(x)  # 36
        x = self.dense(x)  # 2
        return x
