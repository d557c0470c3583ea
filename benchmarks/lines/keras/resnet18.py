"""ResNet-18 in Keras: a function for the block and one for the stage, as keras.applications has them."""

import keras
from keras import layers


def basic_block(x, filters, stride=1):
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        shortcut = layers.BatchNormalization(epsilon=1e-5)(shortcut)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-5)(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-5)(x)
    x = layers.Add()([shortcut, x])
    return layers.Activation("relu")(x)


def stage(x, filters, blocks, stride=2):
    x = basic_block(x, filters, stride=stride)
    for _ in range(blocks - 1):
        x = basic_block(x, filters)
    return x


inputs = keras.Input(shape=(224, 224, 3))
x = layers.ZeroPadding2D(3)(inputs)
x = layers.Conv2D(64, 7, strides=2, use_bias=False)(x)
x = layers.BatchNormalization(epsilon=1e-5)(x)
x = layers.Activation("relu")(x)
x = layers.ZeroPadding2D(1)(x)
x = layers.MaxPooling2D(3, strides=2)(x)
x = stage(x, 64, 2, stride=1)
x = stage(x, 128, 2)
x = stage(x, 256, 2)
x = stage(x, 512, 2)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, outputs)
