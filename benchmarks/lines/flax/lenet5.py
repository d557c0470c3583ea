"""LeNet-5 in Flax NNX, as the MNIST tutorial of Flax writes its convnet."""

from functools import partial

from flax import nnx


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 6, kernel_size=(5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, kernel_size=(5, 5), padding="VALID", rngs=rngs)
        self.conv3 = nnx.Conv(16, 120, kernel_size=(5, 5), padding="VALID", rngs=rngs)
        self.avg_pool = partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))
        self.linear1 = nnx.Linear(120, 84, rngs=rngs)
        self.linear2 = nnx.Linear(84, 10, rngs=rngs)

    def __call__(self, x):
        x = self.avg_pool(nnx.tanh(self.conv1(x)))
        x = self.avg_pool(nnx.tanh(self.conv2(x)))
        x = nnx.tanh(self.conv3(x))
        x = x.reshape(x.shape[0], -1)
        x = nnx.tanh(self.linear1(x))
        return self.linear2(x)
