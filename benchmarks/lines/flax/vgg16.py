"""VGG-16 in Flax NNX, with a loop over its configuration."""

from functools import partial

from flax import nnx

CONFIGURATION = [64, 64, "pool", 128, 128, "pool", *[256] * 3, "pool", *[512] * 3, "pool", *[512] * 3, "pool"]


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        layers = []
        channels = 3
        for item in CONFIGURATION:
            if item == "pool":
                layers.append(partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2)))
            else:
                layers.append(nnx.Conv(channels, item, kernel_size=(3, 3), rngs=rngs))
                layers.append(nnx.relu)
                channels = item
        self.features = nnx.Sequential(*layers)
        self.linear1 = nnx.Linear(25088, 4096, rngs=rngs)
        self.dropout1 = nnx.Dropout(rate=0.5, rngs=rngs)
        self.linear2 = nnx.Linear(4096, 4096, rngs=rngs)
        self.dropout2 = nnx.Dropout(rate=0.5, rngs=rngs)
        self.linear3 = nnx.Linear(4096, 1000, rngs=rngs)

    def __call__(self, x):
        x = self.features(x)
        x = x.reshape(x.shape[0], -1)
        x = self.dropout1(nnx.relu(self.linear1(x)))
        x = self.dropout2(nnx.relu(self.linear2(x)))
        return self.linear3(x)
