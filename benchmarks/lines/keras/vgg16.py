"""VGG-16 in Keras, layer by layer as keras.applications has it."""

import keras
from keras import layers

model = keras.Sequential(
    [
        keras.Input(shape=(224, 224, 3)),
        # Block 1
        layers.Conv2D(64, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(64, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2), strides=(2, 2)),
        # Block 2
        layers.Conv2D(128, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(128, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2), strides=(2, 2)),
        # Block 3
        layers.Conv2D(256, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(256, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(256, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2), strides=(2, 2)),
        # Block 4
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2), strides=(2, 2)),
        # Block 5
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.Conv2D(512, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2), strides=(2, 2)),
        # Classification block
        layers.Flatten(),
        layers.Dense(4096, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(4096, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1000, activation="softmax"),
    ]
)
