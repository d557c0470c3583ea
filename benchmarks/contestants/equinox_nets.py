"""The nets in Equinox: they see one example, channels first, and are mapped over the batch. A call gives logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import nn

from benchmarks.workloads import CLASSES

Keys = Iterator[Any]


def keys_from(key: Any) -> Keys:
    """As many keys as are asked for."""
    while True:
        key, one = jax.random.split(key)
        yield one


def act(function: Callable[[Any], Any]) -> nn.Lambda:
    return nn.Lambda(function)


RELU, TANH, RELU6, FLATTEN = act(jax.nn.relu), act(jnp.tanh), act(jax.nn.relu6), act(jnp.ravel)
MEAN_OF_PLACES = act(lambda x: x.mean(axis=(1, 2)))
MEAN_OF_STEPS = act(lambda x: x.mean(axis=0))


def conv(keys: Keys, channels: int, filters: int, kernel: int, pad: int | None = None) -> nn.Conv2d:
    padding = kernel // 2 if pad is None else pad
    return nn.Conv2d(channels, filters, kernel, padding=padding, key=next(keys))


def linear(keys: Keys, features: int, units: int) -> nn.Linear:
    return nn.Linear(features, units, key=next(keys))


def sdsc_cnn(keys: Keys) -> list[Any]:
    return [
        conv(keys, 1, 16, 3, pad=0), RELU, nn.MaxPool2d(2, 2),
        FLATTEN, linear(keys, 13 * 13 * 16, 32), RELU, linear(keys, 32, CLASSES),
    ]  # fmt: skip


def mnist_cnn(keys: Keys) -> list[Any]:
    return [
        conv(keys, 1, 16, 3), RELU, nn.MaxPool2d(2, 2),
        conv(keys, 16, 32, 3), RELU, nn.MaxPool2d(2, 2),
        FLATTEN, linear(keys, 7 * 7 * 32, 128), RELU, linear(keys, 128, CLASSES),
    ]  # fmt: skip


def digit_recognizer(keys: Keys) -> list[Any]:
    return [
        conv(keys, 1, 8, 5), RELU, nn.MaxPool2d(2, 2), nn.Dropout(0.25),
        conv(keys, 8, 16, 3), RELU, nn.MaxPool2d(2, 2), nn.Dropout(0.25),
        FLATTEN, linear(keys, 7 * 7 * 16, 256), RELU, nn.Dropout(0.5), linear(keys, 256, CLASSES),
    ]  # fmt: skip


def lenet5(keys: Keys) -> list[Any]:
    return [
        conv(keys, 1, 6, 5), TANH, nn.AvgPool2d(2, 2),
        conv(keys, 6, 16, 5, pad=0), TANH, nn.AvgPool2d(2, 2),
        conv(keys, 16, 120, 5, pad=0), TANH,
        FLATTEN, linear(keys, 120, 84), TANH, linear(keys, 84, CLASSES),
    ]  # fmt: skip


def mlp(keys: Keys) -> list[Any]:
    return [linear(keys, 784, 512), RELU, linear(keys, 512, 512), RELU, linear(keys, 512, CLASSES)]


# ------------------------------------------------------------ convolutions with a norm


def conv_norm(keys: Keys, channels: int, filters: int, kernel: int, stride: int = 1, groups: int = 1) -> list[Any]:
    convolution = nn.Conv2d(
        channels, filters, kernel, stride, padding=kernel // 2, groups=groups, use_bias=False, key=next(keys)
    )
    return [convolution, nn.BatchNorm(filters, axis_name="batch", momentum=0.9, mode="batch")]


class Sum(nn.StatefulLayer):
    """What a body makes of x, plus what a shortcut makes of it; each a list of layers."""

    body: nn.Sequential
    shortcut: nn.Sequential

    def __init__(self, body: list[Any], shortcut: list[Any]) -> None:
        self.body, self.shortcut = nn.Sequential(body), nn.Sequential(shortcut)

    def __call__(self, x: Any, state: Any, *, key: Any = None) -> Any:
        y, state = self.body(x, state, key=key)
        z, state = self.shortcut(x, state, key=key)
        return y + z, state


class Beside(nn.StatefulLayer):
    """What several branches make of x, their channels side by side."""

    branches: list[nn.Sequential]

    def __init__(self, *branches: list[Any]) -> None:
        self.branches = [nn.Sequential(branch) for branch in branches]

    def __call__(self, x: Any, state: Any, *, key: Any = None) -> Any:
        found = []
        for branch in self.branches:
            y, state = branch(x, state, key=key)
            found.append(y)
        return jnp.concatenate(found), state


def halve(x: Any) -> Any:
    """Every second place, and as many channels of zeros."""
    x = x[:, ::2, ::2]
    return jnp.concatenate([x, jnp.zeros_like(x)])


def two_convolutions(keys: Keys, channels: int, filters: int, stride: int) -> list[Any]:
    return [*conv_norm(keys, channels, filters, 3, stride), RELU, *conv_norm(keys, filters, filters, 3)]


def basic_block(keys: Keys, channels: int, filters: int, stride: int) -> list[Any]:
    projects = stride != 1 or channels != filters
    shortcut = conv_norm(keys, channels, filters, 1, stride) if projects else []
    return [Sum(two_convolutions(keys, channels, filters, stride), shortcut), RELU]


def bottleneck(keys: Keys, channels: int, filters: int, stride: int) -> list[Any]:
    wide = 4 * filters
    body = [
        *conv_norm(keys, channels, filters, 1), RELU,
        *conv_norm(keys, filters, filters, 3, stride), RELU,
        *conv_norm(keys, filters, wide, 1),
    ]  # fmt: skip
    projects = stride != 1 or channels != wide
    return [Sum(body, conv_norm(keys, channels, wide, 1, stride) if projects else []), RELU]


def resnet20(keys: Keys) -> list[Any]:
    found = [*conv_norm(keys, 3, 16, 3), RELU]
    for channels, filters, stride in [
        *[(16, 16, 1)] * 3, (16, 32, 2), *[(32, 32, 1)] * 2, (32, 64, 2), *[(64, 64, 1)] * 2
    ]:  # fmt: skip
        body = two_convolutions(keys, channels, filters, stride)
        found += [Sum(body, [act(halve)] if stride != 1 else []), RELU]
    return [*found, MEAN_OF_PLACES, linear(keys, 64, CLASSES)]


def resnet18(keys: Keys) -> list[Any]:
    found, channels = [*conv_norm(keys, 3, 64, 3), RELU], 64
    for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        found += [*basic_block(keys, channels, filters, stride), *basic_block(keys, filters, filters, 1)]
        channels = filters
    return [*found, MEAN_OF_PLACES, linear(keys, 512, CLASSES)]


def resnet50(keys: Keys) -> list[Any]:
    found, channels = [*conv_norm(keys, 3, 64, 7, 2), RELU, nn.MaxPool2d(3, 2, padding=1)], 64
    for filters, stride, count in [(64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)]:
        for at in range(count):
            found += bottleneck(keys, channels, filters, stride if at == 0 else 1)
            channels = 4 * filters
    return [*found, MEAN_OF_PLACES, linear(keys, 2048, CLASSES)]


def inverted_residual(keys: Keys, channels: int, filters: int, stride: int = 1, expand: int = 6) -> list[Any]:
    wide = expand * channels
    body = [
        *([*conv_norm(keys, channels, wide, 1), RELU6] if expand > 1 else []),
        *conv_norm(keys, wide, wide, 3, stride, groups=wide), RELU6,
        *conv_norm(keys, wide, filters, 1),
    ]  # fmt: skip
    return [Sum(body, [])] if stride == 1 and channels == filters else body


def mobilenet(keys: Keys) -> list[Any]:
    found = [*conv_norm(keys, 3, 32, 3), RELU6]
    for sizes in [(32, 16, 1, 1), (16, 24, 1), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]:
        found += inverted_residual(keys, *sizes)
    return [*found, *conv_norm(keys, 64, 256, 1), RELU6, MEAN_OF_PLACES, linear(keys, 256, CLASSES)]


def inception(
    keys: Keys, channels: int, conv1: int, reduce3: int, conv3: int, reduce5: int, conv5: int, pool: int
) -> Beside:
    return Beside(
        [conv(keys, channels, conv1, 1), RELU],
        [conv(keys, channels, reduce3, 1), RELU, conv(keys, reduce3, conv3, 3), RELU],
        [conv(keys, channels, reduce5, 1), RELU, conv(keys, reduce5, conv5, 5), RELU],
        [nn.MaxPool2d(3, 1, padding=1), conv(keys, channels, pool, 1), RELU],
    )


def inception_net(keys: Keys) -> list[Any]:
    return [
        conv(keys, 3, 64, 3), RELU,
        inception(keys, 64, 64, 96, 128, 16, 32, 32),
        inception(keys, 256, 128, 128, 192, 32, 96, 64),
        nn.MaxPool2d(3, 2, padding=1),
        inception(keys, 480, 192, 96, 208, 16, 48, 64),
        MEAN_OF_PLACES, linear(keys, 512, CLASSES),
    ]  # fmt: skip


# ------------------------------------------------------------ sequences


class EncoderLayer(eqx.Module):
    attention: nn.MultiheadAttention
    norm1: nn.LayerNorm
    norm2: nn.LayerNorm
    linear1: nn.Linear
    linear2: nn.Linear

    def __init__(self, keys: Keys, features: int, heads: int, hidden: int) -> None:
        self.attention = nn.MultiheadAttention(
            heads, features, use_query_bias=True, use_key_bias=True, use_value_bias=True, use_output_bias=True,
            key=next(keys),
        )  # fmt: skip
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.linear1, self.linear2 = linear(keys, features, hidden), linear(keys, hidden, features)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        x = jax.vmap(self.norm1)(x + self.attention(x, x, x))
        hidden = jax.nn.relu(jax.vmap(self.linear1)(x))
        return jax.vmap(self.norm2)(x + jax.vmap(self.linear2)(hidden))


def encoder(keys: Keys) -> list[Any]:
    layers = [EncoderLayer(keys, 256, 8, 1024) for _ in range(4)]
    return [*layers, MEAN_OF_STEPS, linear(keys, 256, CLASSES)]


class BiLstm(eqx.Module):
    """Two cells, scanned forwards and backwards."""

    forward: nn.LSTMCell
    backward: nn.LSTMCell

    def __init__(self, keys: Keys, features: int, units: int) -> None:
        self.forward, self.backward = (nn.LSTMCell(features, units, key=next(keys)) for _ in range(2))

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        def scan(cell: nn.LSTMCell, reverse: bool) -> Any:
            def step(carry: Any, inputs: Any) -> Any:
                carry = cell(inputs, carry)
                return carry, carry[0]

            zeros = jnp.zeros(cell.hidden_size)
            return jax.lax.scan(step, (zeros, zeros), x, reverse=reverse)[1]

        return jnp.concatenate([scan(self.forward, False), scan(self.backward, True)], axis=-1)


def bilstm(keys: Keys) -> list[Any]:
    return [BiLstm(keys, 128, 128), MEAN_OF_STEPS, linear(keys, 256, CLASSES)]


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


def make_net(name: str) -> nn.Sequential:
    return nn.Sequential(NETS[name](keys_from(jax.random.key(0))))
