"""The U-Net of 2015 in Keras, with loops over the levels as the segmentation example of keras.io has them."""

import keras
from keras import layers


def double_conv(x, filters):
    x = layers.Conv2D(filters, 3, activation="relu")(x)
    return layers.Conv2D(filters, 3, activation="relu")(x)


inputs = keras.Input(shape=(572, 572, 1))
x = inputs
skips = []
for filters in [64, 128, 256, 512]:
    x = double_conv(x, filters)
    skips.append(x)
    x = layers.MaxPooling2D(2)(x)
x = double_conv(x, 1024)
x = layers.Dropout(0.5)(x)
for filters, skip in zip([512, 256, 128, 64], reversed(skips), strict=True):
    x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
    margin = (skip.shape[1] - x.shape[1]) // 2
    skip = layers.Cropping2D(margin)(skip)
    x = layers.Concatenate()([skip, x])
    x = double_conv(x, filters)
outputs = layers.Conv2D(2, 1, activation="softmax")(x)
model = keras.Model(inputs, outputs)
