"""params_of_the_command_line: 16 -> 2. Written by netspec."""

from netspec import nn


class ParamsOfTheCommandLine(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(16, 64, rngs=rngs)
        self.dense_2 = nn.Linear(64, 64, rngs=rngs)
        self.dense_3 = nn.Linear(64, 2, rngs=rngs)

    def __call__(self, x):
        x = nn.tanh(self.dense(x))  # 64
        x = nn.tanh(self.dense_2(x))  # 64
        x = self.dense_3(x)  # 2
        return x
