"""activations_as_arguments: 12 -> 3. Written by netspec."""

from netspec import nn


class ActivationsAsArguments(nn.Module):
    def __init__(self, *, rngs: nn.Rngs):
        self.dense = nn.Linear(12, 8, rngs=rngs)
        self.dense_2 = nn.Linear(8, 8, rngs=rngs)
        self.dense_3 = nn.Linear(8, 8, rngs=rngs)
        self.dense_4 = nn.Linear(8, 8, rngs=rngs)
        self.prelu = nn.PReLU()
        self.dense_5 = nn.Linear(8, 8, rngs=rngs)
        self.dense_6 = nn.Linear(8, 8, rngs=rngs)
        self.dense_7 = nn.Linear(8, 8, rngs=rngs)
        self.dense_8 = nn.Linear(8, 8, rngs=rngs)
        self.dense_9 = nn.Linear(8, 8, rngs=rngs)
        self.dense_10 = nn.Linear(8, 8, rngs=rngs)
        self.dense_11 = nn.Linear(8, 8, rngs=rngs)
        self.dense_12 = nn.Linear(8, 8, rngs=rngs)
        self.dense_13 = nn.Linear(8, 8, rngs=rngs)
        self.dense_14 = nn.Linear(8, 8, rngs=rngs)
        self.dense_15 = nn.Linear(8, 8, rngs=rngs)
        self.dense_16 = nn.Linear(8, 8, rngs=rngs)
        self.dense_17 = nn.Linear(8, 8, rngs=rngs)
        self.dense_18 = nn.Linear(8, 3, rngs=rngs)

    def logits(self, x):
        x = nn.relu(self.dense(x))  # 8
        x = nn.relu6(self.dense_2(x))  # 8
        x = nn.leaky_relu(self.dense_3(x), negative_slope=0.1)  # 8
        x = self.dense_4(x)  # 8
        x = self.prelu(x)  # 8
        x = nn.elu(self.dense_5(x))  # 8
        x = nn.selu(self.dense_6(x))  # 8
        x = nn.celu(self.dense_7(x))  # 8
        x = nn.gelu(self.dense_8(x), approximate=True)  # 8
        x = nn.silu(self.dense_9(x))  # 8
        x = nn.mish(self.dense_10(x))  # 8
        x = nn.hard_swish(self.dense_11(x))  # 8
        x = nn.hard_sigmoid(self.dense_12(x))  # 8
        x = nn.tanh(self.dense_13(x))  # 8
        x = nn.softplus(self.dense_14(x))  # 8
        x = nn.soft_sign(self.dense_15(x))  # 8
        x = self.dense_16(x)  # 8
        x = nn.sigmoid(self.dense_17(x))  # 8
        x = self.dense_18(x)  # 3
        return x

    def __call__(self, x):
        return nn.softmax(self.logits(x))
