"""Keras 3 on the JAX backend: `compile`, `fit`, `train_on_batch`, `predict_on_batch`."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
from keras import layers

from benchmarks.data import Data
from benchmarks.workloads import CLASSES, Optimizer, Workload

# ------------------------------------------------------------ the nets; the last layer gives logits


def sequential(shape: tuple[int, ...], *parts: Any) -> keras.Model:
    return keras.Sequential([layers.Input(shape), *parts, layers.Dense(CLASSES)])


def sdsc_cnn() -> keras.Model:
    return sequential(
        (28, 28, 1),
        layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(32, activation="relu"),
    )  # fmt: skip


def mnist_cnn() -> keras.Model:
    return sequential(
        (28, 28, 1),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(128, activation="relu"),
    )  # fmt: skip


def digit_recognizer() -> keras.Model:
    return sequential(
        (28, 28, 1),
        layers.Conv2D(8, 5, padding="same", activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.25),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2), layers.Dropout(0.25),
        layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dropout(0.5),
    )  # fmt: skip


def lenet5() -> keras.Model:
    return sequential(
        (28, 28, 1),
        layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"), layers.AveragePooling2D(2),
        layers.Conv2D(120, 5, activation="tanh"),
        layers.Flatten(), layers.Dense(84, activation="tanh"),
    )  # fmt: skip


def mlp() -> keras.Model:
    return sequential((784,), layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu"))


def functional(shape: tuple[int, ...], body: Any) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, layers.Dense(CLASSES)(body(inputs)))


def conv_norm(x: Any, filters: int, kernel: int, stride: int = 1) -> Any:
    if stride > 1 and kernel > 1:  # "same" would pad more on the right than on the left
        x = layers.ZeroPadding2D(kernel // 2)(x)
        x = layers.Conv2D(filters, kernel, strides=stride, use_bias=False)(x)
    else:
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def residual(body: Any, shortcut: Any) -> Any:
    return layers.ReLU()(layers.Add()([body, shortcut]))


def two_convolutions(x: Any, filters: int, stride: int) -> Any:
    return conv_norm(layers.ReLU()(conv_norm(x, filters, 3, stride)), filters, 3)


def cifar20_block(x: Any, filters: int, stride: int) -> Any:
    shortcut = x
    if stride != 1:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x)
        shortcut = layers.Concatenate()([shortcut, keras.ops.zeros_like(shortcut)])
    return residual(two_convolutions(x, filters, stride), shortcut)


def basic_block(x: Any, filters: int, stride: int) -> Any:
    projects = stride != 1 or x.shape[-1] != filters
    return residual(two_convolutions(x, filters, stride), conv_norm(x, filters, 1, stride) if projects else x)


def bottleneck(x: Any, filters: int, stride: int) -> Any:
    y = layers.ReLU()(conv_norm(x, filters, 1))
    y = layers.ReLU()(conv_norm(y, filters, 3, stride))
    y = conv_norm(y, 4 * filters, 1)
    projects = stride != 1 or x.shape[-1] != 4 * filters
    return residual(y, conv_norm(x, 4 * filters, 1, stride) if projects else x)


def resnet20() -> keras.Model:
    def body(x: Any) -> Any:
        x = layers.ReLU()(conv_norm(x, 16, 3))
        for filters, stride in [(16, 1)] * 3 + [(32, 2)] + [(32, 1)] * 2 + [(64, 2)] + [(64, 1)] * 2:
            x = cifar20_block(x, filters, stride)
        return layers.GlobalAveragePooling2D()(x)

    return functional((32, 32, 3), body)


def resnet18() -> keras.Model:
    def body(x: Any) -> Any:
        x = layers.ReLU()(conv_norm(x, 64, 3))
        for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
            x = basic_block(basic_block(x, filters, stride), filters, 1)
        return layers.GlobalAveragePooling2D()(x)

    return functional((32, 32, 3), body)


def resnet50() -> keras.Model:
    def body(x: Any) -> Any:
        x = layers.ReLU()(conv_norm(x, 64, 7, 2))
        x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))  # zeros do no harm behind a relu
        for filters, stride, count in [(64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)]:
            for at in range(count):
                x = bottleneck(x, filters, stride if at == 0 else 1)
        return layers.GlobalAveragePooling2D()(x)

    return functional((64, 64, 3), body)


def inverted_residual(x: Any, filters: int, stride: int = 1, expand: int = 6) -> Any:
    channels, y = x.shape[-1], x
    if expand > 1:
        y = layers.ReLU(max_value=6)(conv_norm(y, expand * channels, 1))
    if stride > 1:
        y = layers.ZeroPadding2D(1)(y)
    y = layers.DepthwiseConv2D(3, strides=stride, padding="valid" if stride > 1 else "same", use_bias=False)(y)
    y = layers.ReLU(max_value=6)(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(y))
    y = conv_norm(y, filters, 1)
    return layers.Add()([x, y]) if stride == 1 and channels == filters else y


def mobilenet() -> keras.Model:
    def body(x: Any) -> Any:
        x = layers.ReLU(max_value=6)(conv_norm(x, 32, 3))
        for sizes in [(16, 1, 1), (24, 1), (24, 1), (32, 2), (32, 1), (64, 2), (64, 1)]:
            x = inverted_residual(x, *sizes)
        x = layers.ReLU(max_value=6)(conv_norm(x, 256, 1))
        return layers.GlobalAveragePooling2D()(x)

    return functional((32, 32, 3), body)


def inception(x: Any, conv1: int, reduce3: int, conv3: int, reduce5: int, conv5: int, pool: int) -> Any:
    def conv(x: Any, filters: int, kernel: int) -> Any:
        return layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)

    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    branches = [conv(x, conv1, 1), conv(conv(x, reduce3, 1), conv3, 3), conv(conv(x, reduce5, 1), conv5, 5),
                conv(pooled, pool, 1)]  # fmt: skip
    return layers.Concatenate()(branches)


def inception_net() -> keras.Model:
    def body(x: Any) -> Any:
        x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
        x = inception(x, 64, 96, 128, 16, 32, 32)
        x = inception(x, 128, 128, 192, 32, 96, 64)
        x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))  # zeros do no harm behind a relu
        x = inception(x, 192, 96, 208, 16, 48, 64)
        return layers.GlobalAveragePooling2D()(x)

    return functional((28, 28, 3), body)


def encoder_layer(x: Any, heads: int, hidden: int) -> Any:
    features = x.shape[-1]
    attended = layers.MultiHeadAttention(heads, features // heads)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    y = layers.Dense(features)(layers.Dense(hidden, activation="relu")(x))
    return layers.LayerNormalization()(layers.Add()([x, y]))


def encoder() -> keras.Model:
    def body(x: Any) -> Any:
        for _ in range(4):
            x = encoder_layer(x, 8, 1024)
        return layers.GlobalAveragePooling1D()(x)

    return functional((128, 256), body)


def bilstm() -> keras.Model:
    return sequential(
        (128, 128),
        layers.Bidirectional(layers.LSTM(128, return_sequences=True)),
        layers.GlobalAveragePooling1D(),
    )  # fmt: skip


NETS = {
    "sdsc_cnn": sdsc_cnn,
    "mnist_cnn": mnist_cnn,
    "digit_recognizer": digit_recognizer,
    "lenet5_mnist": lenet5,
    "mlp_784": mlp,
    "resnet20": resnet20,
    "resnet18_cifar": resnet18,
    "resnet50_64": resnet50,
    "mobilenet_small": mobilenet,
    "inception_small": inception_net,
    "transformer_encoder": encoder,
    "bilstm": bilstm,
}

# ------------------------------------------------------------ the loops


def count_weights(model: keras.Model) -> int:
    return sum(weight.value.size for weight in model.trainable_weights)


def make_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    if optimizer.name == "adam":
        return keras.optimizers.Adam(optimizer.rate)
    return keras.optimizers.SGD(optimizer.rate, momentum=0.9)


class Training:
    def __init__(self, workload: Workload, data: Data, model: keras.Model) -> None:
        self.workload, self.data = workload, data
        self.model, self.parameters = model, count_weights(model)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=make_optimizer(workload.optimizer), loss=loss, metrics=["accuracy"])

    def warm_up(self) -> None:
        if self.workload.kind != "epochs":
            self.run(1)
            return
        size = self.workload.batch
        count = size + len(self.data.x) % size  # a whole batch, and one as large as the last of an epoch
        self.model.fit(self.data.x[:count], self.data.y[:count], batch_size=size, verbose=0)

    def run(self, units: int) -> None:
        if self.workload.kind == "epochs":
            self.model.fit(self.data.x, self.data.y, batch_size=self.workload.batch, epochs=units, verbose=0)
            return
        for _ in range(units):
            self.model.train_on_batch(self.data.x, self.data.y)
        jax.block_until_ready([w.value for w in self.model.trainable_weights])

    def accuracy(self) -> float:
        return float(self.model.evaluate(self.data.x_test, self.data.y_test, batch_size=1000, verbose=0)[1])


class Answers:
    def __init__(self, workload: Workload, data: Data, model: keras.Model) -> None:
        self.parameters, self.x = count_weights(model), data.x
        self.model = keras.Sequential([model, layers.Softmax()])

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        for _ in range(units):
            self.model.predict_on_batch(self.x)

    def accuracy(self) -> float:
        raise NotImplementedError("nothing was learned")


def build(workload: Workload, data: Data, style: str) -> Any:
    keras.utils.set_random_seed(0)
    keras.utils.clear_session()
    model = NETS[workload.net.name]()
    return Answers(workload, data, model) if workload.kind == "answer" else Training(workload, data, model)
