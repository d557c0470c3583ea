"""Activations: options of layers, and layers of their own."""

from __future__ import annotations

from typing import Any

from netspec.interchange.keras.reading.options import make, tidy
from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.keras.reading.training_options import frozen
from netspec.interchange.reading.sketch import Step
from netspec.language.lazy import np
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.merge import Add
from netspec.layers.reshape import Scale
from netspec.layers.spatial.conv import Depthwise

NAMES: dict[str, Activation] = {
    "relu": words.Relu(),
    "relu6": words.Relu6(),
    "leaky_relu": words.LeakyRelu(slope=0.2),
    "elu": words.Elu(),
    "selu": words.Selu(),
    "celu": words.Celu(),
    "gelu": words.Gelu(),
    "silu": words.Silu(),
    "swish": words.Silu(),
    "mish": words.Mish(),
    "hard_silu": words.Hardswish(),
    "hard_swish": words.Hardswish(),
    "hard_sigmoid": words.Hardsigmoid(),
    "sigmoid": words.Sigmoid(),
    "tanh": words.Tanh(),
    "softplus": words.Softplus(),
    "softsign": words.Softsign(),
    "softmax": words.Softmax(),
    "log_softmax": words.LogSoftmax(),
}
"""By the names in Keras."""
LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax")
"""Classes of layers that are activations with options."""


def activation_of(site: Site, given: Any) -> Activation | None:
    """An activation that is an option; None for the identity.

    Raises:
        Unreadable: netspec has none like it.
    """
    if isinstance(given, dict):
        if given.get("class_name") in LAYERS and isinstance(given.get("config"), dict):
            return of_layer(str(given["class_name"]), given["config"])
        given = given.get("config") if given.get("class_name") == "function" else given.get("class_name")
    if given is None or given == "linear":
        return None
    name = str(given).rpartition(".")[2].rpartition(">")[2]
    if name not in NAMES:
        raise Unreadable(f"netspec has no activation like `{name}`")
    if name == "hard_sigmoid" and site.version.startswith(("1", "2")):
        site.note("hard_sigmoid", "Keras 2 computes it with another slope; that of Keras 3 is taken")
    return NAMES[name]


def of_layer(kind: str, config: dict[str, Any]) -> Activation:
    """The activation of a layer `ReLU`, `LeakyReLU`, `ELU` or `Softmax`.

    Raises:
        Unreadable: netspec has none with these options.
    """

    def number(name: str, default: float) -> float:
        value = config.get(name)
        value = value.get("value") if isinstance(value, dict) else value  # an array of Keras 2
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Unreadable(f"its `{name}` is not a number")
        return default if value is None else tidy(value)

    match kind:
        case "LeakyReLU":
            return make(words.LeakyRelu, slope=number("negative_slope", number("alpha", 0.3)))
        case "ELU":
            return make(words.Elu, alpha=number("alpha", 1.0))
        case "Softmax":
            return words.Softmax()
    slope, most, threshold = (number(name, 0.0) for name in ("negative_slope", "max_value", "threshold"))
    if threshold or (most and (most != 6 or slope)):
        raise Unreadable("netspec has no relu with these options")
    if most:
        return words.Relu6()
    return make(words.LeakyRelu, slope=slope) if slope else words.Relu()


def applied(site: Site, x: Value, activation: Activation | None) -> Value:
    """The value after an activation, which takes each number, or all channels at a position."""
    if isinstance(activation, words.Softmax | words.LogSoftmax):
        return softmax_on(site, x, activation, -1)
    return Value(site.activated(x.step, activation), x.is_first, x.is_masked, x.is_unmasked)


def softmax_on(site: Site, x: Value, activation: Activation, axis: Any) -> Value:
    """Softmax along an axis of Keras."""
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if x.rank == 3 and axis in (2, -2) and not x.is_first:  # the middle axis of an image
        raise Unreadable(f"it works on axis {axis}, which does not have the channels")
    moved = site.on_axis(x, axis)
    return Value(site.activated(moved.step, activation), moved.is_first, x.is_masked, x.is_unmasked)


@reads("Activation")
def activation(site: Site, x: Value) -> Value:
    return applied(site, x, activation_of(site, site.get("activation")))


@reads("ReLU", "LeakyReLU", "ELU")
def with_options(site: Site, x: Value) -> Value:
    return applied(site, x, of_layer(site.layer.kind, site.layer.config))


@reads("Softmax")
def softmax(site: Site, x: Value) -> Value:
    return softmax_on(site, x, words.Softmax(), site.get("axis", -1))


@reads("PReLU")
def prelu(site: Site, x: Value) -> Value:
    slopes = site.array("vars/0")
    shared = site.get("shared_axes")
    shared = shared if isinstance(shared, list) else []
    is_one = sorted(axis % (x.rank + 1) for axis in shared) == list(range(1, x.rank + 1))
    if is_one or (slopes is not None and not np.ptp(slopes)):
        value = None if slopes is None else np.float32(slopes.flat[0])
        step = site.add(
            ActivationLayer, x.step, weights={"negative_slope": value}, activation=words.Prelu()
        )  # one number for all channels
        return Value(step, x.is_first, x.is_masked, x.is_unmasked)
    return _slopes(site, x, slopes, shared)


def _slopes(site: Site, x: Value, slopes: Any, shared: list[int]) -> Value:
    """A slope for each channel: relu(x) - slope * relu(-x), with a depthwise convolution of one point."""
    channel = 1 if x.is_first else x.rank
    apart = {axis for axis in range(1, x.rank + 1) if axis not in {a % (x.rank + 1) for a in shared}}
    if x.rank < 2 or apart != {channel}:
        raise Unreadable("it has a slope for each position", "use `shared_axes`, so that positions share their slopes")
    below: Step = site.activated(site.add(Scale, x.step, factor=-1.0, name=""), words.Relu())
    weights = None if slopes is None else -slopes.reshape((*(1,) * x.rank, -1))
    options = {"kernel": 1 if x.rank == 2 else (1,) * (x.rank - 1), "bias": False, **frozen(site)}
    scaled = site.add(Depthwise, below, weights={"kernel": weights}, **options)
    step = site.sketch.add(Add(), site.activated(x.step, words.Relu()), scaled, scope=site.scope)
    return Value(step, x.is_first, x.is_masked, x.is_unmasked)
