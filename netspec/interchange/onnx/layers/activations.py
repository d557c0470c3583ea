"""Activations, as options and as layers."""

from __future__ import annotations

from typing import Any

from netspec.interchange.errors import Unsupported
from netspec.interchange.onnx.table import ACTIVATIONS, writes, writes_activation
from netspec.interchange.onnx.writer import FLOAT, Site, Value
from netspec.language.lazy import np
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation

PLAIN: dict[type[Activation], tuple[str, dict[str, Any]]] = {
    words.Relu: ("Relu", {}),
    words.Selu: ("Selu", {}),
    words.Mish: ("Mish", {}),
    words.Hardswish: ("HardSwish", {}),
    words.Hardsigmoid: ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    words.Sigmoid: ("Sigmoid", {}),
    words.Tanh: ("Tanh", {}),
    words.Softplus: ("Softplus", {}),
    words.Softsign: ("Softsign", {}),
}
"""Activations that are one operator with fixed attributes."""


def activate(site: Site, activation: Activation | None, value: Value) -> Value:
    """The tensor after an activation; None for none.

    Raises:
        Unsupported: the activation is user-defined.
    """
    if activation is None:
        return value
    write = ACTIVATIONS.get(type(activation))
    if write is None:
        raise Unsupported(f"the activation `{activation.word}`")
    return Value(write(site, activation, value.name, value.channel_axis), value.shape, value.channels_first)


@writes(ActivationLayer)
def activation_layer(site: Site, layer: ActivationLayer, x: Value) -> Value:
    if isinstance(layer.activation, words.Prelu):
        return Value(site.op("PRelu", x.name, _slope(site)), x.shape, x.channels_first)
    return x  # others are applied as those of every layer


def _slope(site: Site) -> str:
    return site.weight("negative_slope", lambda slope: slope.reshape(1), "vector")


@writes_activation(words.Linear, words.Prelu)
def linear(site: Site, activation: Activation, x: str, axis: int) -> str:
    return x


@writes_activation(*PLAIN)
def plain(site: Site, activation: Activation, x: str, axis: int) -> str:
    kind, attributes = PLAIN[type(activation)]
    return site.op(kind, x, **attributes)


@writes_activation(words.Relu6)
def relu6(site: Site, activation: Activation, x: str, axis: int) -> str:
    return site.op("Clip", x, site.number(0), site.number(6))


@writes_activation(words.LeakyRelu)
def leaky_relu(site: Site, activation: words.LeakyRelu, x: str, axis: int) -> str:
    return site.op("LeakyRelu", x, alpha=activation.slope)


@writes_activation(words.Elu)
def elu(site: Site, activation: words.Elu, x: str, axis: int) -> str:
    return site.op("Elu", x, alpha=activation.alpha)


@writes_activation(words.Celu)
def celu(site: Site, activation: words.Celu, x: str, axis: int) -> str:
    return site.op("Celu", x, alpha=activation.alpha)


@writes_activation(words.Gelu)
def gelu(site: Site, activation: words.Gelu, x: str, axis: int) -> str:
    if site.writer.opset >= 20:
        return site.op("Gelu", x, approximate="tanh" if activation.approximate else "none")
    if activation.approximate:
        cube = site.op("Mul", site.op("Mul", site.op("Mul", x, x), x), site.number(0.044715))
        inner = site.op("Mul", site.op("Add", x, cube), site.number(np.sqrt(2 / np.pi)))
        bent = site.op("Tanh", inner)
    else:
        bent = site.op("Erf", site.op("Mul", x, site.number(np.sqrt(0.5))))
    return site.op("Mul", site.op("Mul", x, site.number(0.5)), site.op("Add", bent, site.number(1)))


@writes_activation(words.Silu)
def silu(site: Site, activation: Activation, x: str, axis: int) -> str:
    return site.op("Mul", x, site.op("Sigmoid", x))


@writes_activation(words.Softmax)
def softmax(site: Site, activation: Activation, x: str, axis: int) -> str:
    return site.op("Softmax", x, axis=axis)


@writes_activation(words.LogSoftmax)
def log_softmax(site: Site, activation: Activation, x: str, axis: int) -> str:
    return site.op("LogSoftmax", x, axis=axis)


@writes_activation(words.Step)
def step(site: Site, activation: Activation, x: str, axis: int) -> str:
    return site.op("Cast", site.op("Greater", x, site.number(0)), to=FLOAT)
