"""GoogLeNet in Keras, with a function for the block."""

import keras
from keras import layers, ops


class LocalResponseNormalization(layers.Layer):
    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        half = self.size // 2
        squares = ops.pad(x * x, [[0, 0], [0, 0], [0, 0], [half, half]])
        total = sum(squares[..., i : i + x.shape[-1]] for i in range(self.size))
        return x / (self.k + self.alpha * total) ** self.beta


def inception(x, conv1, reduce3, conv3, reduce5, conv5, pool):
    branch1 = layers.Conv2D(conv1, 1, activation="relu")(x)
    branch3 = layers.Conv2D(reduce3, 1, activation="relu")(x)
    branch3 = layers.Conv2D(conv3, 3, padding="same", activation="relu")(branch3)
    branch5 = layers.Conv2D(reduce5, 1, activation="relu")(x)
    branch5 = layers.Conv2D(conv5, 5, padding="same", activation="relu")(branch5)
    branch_pool = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    branch_pool = layers.Conv2D(pool, 1, activation="relu")(branch_pool)
    return layers.Concatenate()([branch1, branch3, branch5, branch_pool])


inputs = keras.Input(shape=(224, 224, 3))
x = layers.Conv2D(64, 7, strides=2, padding="same", activation="relu")(inputs)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
x = LocalResponseNormalization()(x)
x = layers.Conv2D(64, 1, activation="relu")(x)
x = layers.Conv2D(192, 3, padding="same", activation="relu")(x)
x = LocalResponseNormalization()(x)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
x = inception(x, 64, 96, 128, 16, 32, 32)
x = inception(x, 128, 128, 192, 32, 96, 64)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
x = inception(x, 192, 96, 208, 16, 48, 64)
x = inception(x, 160, 112, 224, 24, 64, 64)
x = inception(x, 128, 128, 256, 24, 64, 64)
x = inception(x, 112, 144, 288, 32, 64, 64)
x = inception(x, 256, 160, 320, 32, 128, 128)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
x = inception(x, 256, 160, 320, 32, 128, 128)
x = inception(x, 384, 192, 384, 48, 128, 128)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.4)(x)
outputs = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, outputs)
