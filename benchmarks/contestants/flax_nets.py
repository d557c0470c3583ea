"""The nets in Flax NNX. A call gives logits."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import nnx

from benchmarks.workloads import CLASSES


def flatten(x: Any) -> Any:
    return x.reshape(x.shape[0], -1)


class SdscCnn(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(1, 16, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.linear1 = nnx.Linear(13 * 13 * 16, 32, rngs=rngs)
        self.linear2 = nnx.Linear(32, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.max_pool(nnx.relu(self.conv(x)), window_shape=(2, 2), strides=(2, 2))
        return self.linear2(nnx.relu(self.linear1(flatten(x))))


class MnistCnn(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 16, kernel_size=(3, 3), rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, kernel_size=(3, 3), rngs=rngs)
        self.linear1 = nnx.Linear(7 * 7 * 32, 128, rngs=rngs)
        self.linear2 = nnx.Linear(128, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.max_pool(nnx.relu(self.conv1(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        return self.linear2(nnx.relu(self.linear1(flatten(x))))


class DigitRecognizer(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 8, kernel_size=(5, 5), rngs=rngs)
        self.conv2 = nnx.Conv(8, 16, kernel_size=(3, 3), rngs=rngs)
        self.dropout1 = nnx.Dropout(0.25, rngs=rngs)
        self.dropout2 = nnx.Dropout(0.25, rngs=rngs)
        self.linear1 = nnx.Linear(7 * 7 * 16, 256, rngs=rngs)
        self.dropout3 = nnx.Dropout(0.5, rngs=rngs)
        self.linear2 = nnx.Linear(256, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = self.dropout1(nnx.max_pool(nnx.relu(self.conv1(x)), window_shape=(2, 2), strides=(2, 2)))
        x = self.dropout2(nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2)))
        return self.linear2(self.dropout3(nnx.relu(self.linear1(flatten(x)))))


class LeNet5(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 6, kernel_size=(5, 5), rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, kernel_size=(5, 5), padding="VALID", rngs=rngs)
        self.conv3 = nnx.Conv(16, 120, kernel_size=(5, 5), padding="VALID", rngs=rngs)
        self.linear1 = nnx.Linear(120, 84, rngs=rngs)
        self.linear2 = nnx.Linear(84, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.avg_pool(nnx.tanh(self.conv1(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.avg_pool(nnx.tanh(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        return self.linear2(nnx.tanh(self.linear1(flatten(nnx.tanh(self.conv3(x))))))


class Mlp(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.linear1 = nnx.Linear(784, 512, rngs=rngs)
        self.linear2 = nnx.Linear(512, 512, rngs=rngs)
        self.linear3 = nnx.Linear(512, CLASSES, rngs=rngs)

    def __call__(self, x):
        return self.linear3(nnx.relu(self.linear2(nnx.relu(self.linear1(x)))))


# ------------------------------------------------------------ convolutions with a norm


class ConvNorm(nnx.Module):
    """A convolution without a bias, and a batchnorm."""

    def __init__(self, channels, filters, kernel, stride=1, groups=1, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(
            channels, filters, kernel_size=(kernel, kernel), strides=stride, padding=kernel // 2,
            feature_group_count=groups, use_bias=False, rngs=rngs,
        )  # fmt: skip
        self.norm = nnx.BatchNorm(filters, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        return self.norm(self.conv(x))


class Cifar20Block(nnx.Module):
    """Of the ResNets for CIFAR: where the shape changes, the shortcut is every second place and zeros for channels."""

    def __init__(self, channels, filters, stride, *, rngs: nnx.Rngs):
        self.conv1 = ConvNorm(channels, filters, 3, stride, rngs=rngs)
        self.conv2 = ConvNorm(filters, filters, 3, rngs=rngs)
        self.stride = stride

    def __call__(self, x):
        y = self.conv2(nnx.relu(self.conv1(x)))
        if self.stride != 1:
            x = x[:, :: self.stride, :: self.stride]
            x = jnp.concatenate([x, jnp.zeros_like(x)], axis=-1)
        return nnx.relu(x + y)


class BasicBlock(nnx.Module):
    def __init__(self, channels, filters, stride, *, rngs: nnx.Rngs):
        self.conv1 = ConvNorm(channels, filters, 3, stride, rngs=rngs)
        self.conv2 = ConvNorm(filters, filters, 3, rngs=rngs)
        projects = stride != 1 or channels != filters
        self.projection = ConvNorm(channels, filters, 1, stride, rngs=rngs) if projects else None

    def __call__(self, x):
        y = self.conv2(nnx.relu(self.conv1(x)))
        return nnx.relu(y + (x if self.projection is None else self.projection(x)))


class Bottleneck(nnx.Module):
    def __init__(self, channels, filters, stride, *, rngs: nnx.Rngs):
        self.conv1 = ConvNorm(channels, filters, 1, rngs=rngs)
        self.conv2 = ConvNorm(filters, filters, 3, stride, rngs=rngs)
        self.conv3 = ConvNorm(filters, 4 * filters, 1, rngs=rngs)
        projects = stride != 1 or channels != 4 * filters
        self.projection = ConvNorm(channels, 4 * filters, 1, stride, rngs=rngs) if projects else None

    def __call__(self, x):
        y = self.conv3(nnx.relu(self.conv2(nnx.relu(self.conv1(x)))))
        return nnx.relu(y + (x if self.projection is None else self.projection(x)))


class ResNet20(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = ConvNorm(3, 16, 3, rngs=rngs)
        plan = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nnx.List([Cifar20Block(*sizes, rngs=rngs) for sizes in plan])
        self.head = nnx.Linear(64, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class ResNet18(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = ConvNorm(3, 64, 3, rngs=rngs)
        blocks, channels = [], 64
        for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
            blocks += [BasicBlock(channels, filters, stride, rngs=rngs), BasicBlock(filters, filters, 1, rngs=rngs)]
            channels = filters
        self.blocks = nnx.List(blocks)
        self.head = nnx.Linear(512, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class ResNet50(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = ConvNorm(3, 64, 7, 2, rngs=rngs)
        blocks, channels = [], 64
        for filters, stride, count in [(64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)]:
            for at in range(count):
                blocks.append(Bottleneck(channels, filters, stride if at == 0 else 1, rngs=rngs))
                channels = 4 * filters
        self.blocks = nnx.List(blocks)
        self.head = nnx.Linear(2048, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem(x))
        x = nnx.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


class InvertedResidual(nnx.Module):
    def __init__(self, channels, filters, stride=1, expand=6, *, rngs: nnx.Rngs):
        wide = expand * channels
        self.widen = ConvNorm(channels, wide, 1, rngs=rngs) if expand > 1 else None
        self.depthwise = ConvNorm(wide, wide, 3, stride, groups=wide, rngs=rngs)
        self.narrow = ConvNorm(wide, filters, 1, rngs=rngs)
        self.has_shortcut = stride == 1 and channels == filters

    def __call__(self, x):
        y = x if self.widen is None else nnx.relu6(self.widen(x))
        y = self.narrow(nnx.relu6(self.depthwise(y)))
        return x + y if self.has_shortcut else y


class MobileNet(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = ConvNorm(3, 32, 3, rngs=rngs)
        plan = [(32, 16, 1, 1), (16, 24, 1), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
        self.blocks = nnx.List([InvertedResidual(*sizes, rngs=rngs) for sizes in plan])
        self.last = ConvNorm(64, 256, 1, rngs=rngs)
        self.head = nnx.Linear(256, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(nnx.relu6(self.last(x)).mean(axis=(1, 2)))


# ------------------------------------------------------------ inception


class Inception(nnx.Module):
    def __init__(self, channels, conv1, reduce3, conv3, reduce5, conv5, pool, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(channels, conv1, kernel_size=(1, 1), rngs=rngs)
        self.reduce3 = nnx.Conv(channels, reduce3, kernel_size=(1, 1), rngs=rngs)
        self.conv3 = nnx.Conv(reduce3, conv3, kernel_size=(3, 3), rngs=rngs)
        self.reduce5 = nnx.Conv(channels, reduce5, kernel_size=(1, 1), rngs=rngs)
        self.conv5 = nnx.Conv(reduce5, conv5, kernel_size=(5, 5), rngs=rngs)
        self.pool = nnx.Conv(channels, pool, kernel_size=(1, 1), rngs=rngs)

    def __call__(self, x):
        pooled = nnx.max_pool(x, window_shape=(3, 3), strides=(1, 1), padding="SAME")
        branches = [
            nnx.relu(self.conv1(x)),
            nnx.relu(self.conv3(nnx.relu(self.reduce3(x)))),
            nnx.relu(self.conv5(nnx.relu(self.reduce5(x)))),
            nnx.relu(self.pool(pooled)),
        ]
        return jnp.concatenate(branches, axis=-1)


class InceptionNet(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = nnx.Conv(3, 64, kernel_size=(3, 3), rngs=rngs)
        self.block1 = Inception(64, 64, 96, 128, 16, 32, 32, rngs=rngs)
        self.block2 = Inception(256, 128, 128, 192, 32, 96, 64, rngs=rngs)
        self.block3 = Inception(480, 192, 96, 208, 16, 48, 64, rngs=rngs)
        self.head = nnx.Linear(512, CLASSES, rngs=rngs)

    def __call__(self, x):
        x = self.block2(self.block1(nnx.relu(self.stem(x))))
        x = nnx.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        return self.head(self.block3(x).mean(axis=(1, 2)))


# ------------------------------------------------------------ sequences


class EncoderLayer(nnx.Module):
    def __init__(self, features, heads, hidden, *, rngs: nnx.Rngs):
        self.attention = nnx.MultiHeadAttention(heads, features, decode=False, rngs=rngs)
        self.norm1 = nnx.LayerNorm(features, rngs=rngs)
        self.linear1 = nnx.Linear(features, hidden, rngs=rngs)
        self.linear2 = nnx.Linear(hidden, features, rngs=rngs)
        self.norm2 = nnx.LayerNorm(features, rngs=rngs)

    def __call__(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.linear2(nnx.relu(self.linear1(x))))


class Encoder(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.layers = nnx.List([EncoderLayer(256, 8, 1024, rngs=rngs) for _ in range(4)])
        self.head = nnx.Linear(256, CLASSES, rngs=rngs)

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean(axis=1))


class BiLstm(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        forward, backward = (nnx.OptimizedLSTMCell(128, 128, rngs=rngs) for _ in range(2))
        self.lstm = nnx.Bidirectional(nnx.RNN(forward), nnx.RNN(backward))
        self.head = nnx.Linear(256, CLASSES, rngs=rngs)

    def __call__(self, x):
        return self.head(self.lstm(x).mean(axis=1))


NETS = {
    "sdsc_cnn": SdscCnn,
    "mnist_cnn": MnistCnn,
    "digit_recognizer": DigitRecognizer,
    "lenet5_mnist": LeNet5,
    "mlp_784": Mlp,
    "resnet20": ResNet20,
    "resnet18_cifar": ResNet18,
    "resnet50_64": ResNet50,
    "mobilenet_small": MobileNet,
    "inception_small": InceptionNet,
    "transformer_encoder": Encoder,
    "bilstm": BiLstm,
}
