"""activations_as_layers: 12 -> 3. Written by netspec."""

from netspec import nn


class ActivationsAsLayers(nn.Module):
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

    def __call__(self, x):
        x = self.dense(x)  # 8
        x = nn.relu(x)  # 8
        x = self.dense_2(x)  # 8
        x = nn.relu6(x)  # 8
        x = self.dense_3(x)  # 8
        x = nn.leaky_relu(x, negative_slope=0.01)  # 8
        x = self.dense_4(x)  # 8
        x = self.prelu(x)  # 8
        x = self.dense_5(x)  # 8
        x = nn.elu(x, alpha=0.5)  # 8
        x = self.dense_6(x)  # 8
        x = nn.selu(x)  # 8
        x = self.dense_7(x)  # 8
        x = nn.celu(x, alpha=2.0)  # 8
        x = self.dense_8(x)  # 8
        x = nn.gelu(x, approximate=False)  # 8
        x = self.dense_9(x)  # 8
        x = nn.silu(x)  # 8
        x = self.dense_10(x)  # 8
        x = nn.mish(x)  # 8
        x = self.dense_11(x)  # 8
        x = nn.hard_swish(x)  # 8
        x = self.dense_12(x)  # 8
        x = nn.hard_sigmoid(x)  # 8
        x = self.dense_13(x)  # 8
        x = nn.tanh(x)  # 8
        x = self.dense_14(x)  # 8
        x = nn.softplus(x)  # 8
        x = self.dense_15(x)  # 8
        x = nn.soft_sign(x)  # 8
        x = self.dense_16(x)  # 8
        x = nn.step(x)  # 8
        x = self.dense_17(x)  # 8
        x = x  # 8
        x = self.dense_18(x)  # 3
        x = nn.log_softmax(x)  # 3
        return x
