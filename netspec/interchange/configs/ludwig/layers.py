"""Stacks of layers that encoders, the combiner and decoders of Ludwig share: dense layers, convolutions over steps."""

from __future__ import annotations

from typing import Any

from netspec.interchange.configs.ludwig.section import Reading, Section
from netspec.interchange.reading.sketch import Step
from netspec.language.source import Span
from netspec.layers import activations as words, initializers
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.merge import Add
from netspec.layers.norm import BatchNorm, LayerNorm
from netspec.layers.regularization import Dropout

ACTIVATIONS: dict[str, words.Activation | None] = {
    "relu": words.Relu(),
    "elu": words.Elu(),
    "leakyrelu": words.LeakyRelu(),
    "leaky_relu": words.LeakyRelu(),
    "sigmoid": words.Sigmoid(),
    "logsigmoid": None,
    "tanh": words.Tanh(),
    "softmax": words.Softmax(),
    "selu": words.Selu(),
    "gelu": words.Gelu(),
    "silu": words.Silu(),
    "swish": words.Silu(),
    "mish": words.Mish(),
}
NO_ACTIVATION = ("linear", "none", "None", "")
INITIALIZERS: dict[str, initializers.Initializer] = {
    "zeros": initializers.Zeros(),
    "ones": initializers.Ones(),
    "orthogonal": initializers.Orthogonal(),
    "normal": initializers.Normal(std=1.0),
    "xavier_uniform": initializers.GlorotUniform(),
    "xavier_normal": initializers.GlorotNormal(),
    "glorot_uniform": initializers.GlorotUniform(),
    "glorot_normal": initializers.GlorotNormal(),
    "kaiming_uniform": initializers.HeUniform(),
    "kaiming_normal": initializers.HeNormal(),
    "he_uniform": initializers.HeUniform(),
    "he_normal": initializers.HeNormal(),
    "lecun_normal": initializers.LecunNormal(),
    "lecun_uniform": initializers.LecunUniform(),
}
PRETRAINED = ("pretrained_embeddings", "pretrained_model_name_or_path", "use_pretrained", "saved_weights_in_checkpoint")


def add(reading: Reading, layer: Layer, *inputs: Step, span: Span | None, name: str = "", scope: Any = ()) -> Step:
    """One step more."""
    return reading.sketch.add(layer, *inputs, name=name, scope=scope, span=span)


class LayerOptions:
    """What layers of a stack have where they do not say otherwise.

    `prefix` comes before the keys, as in `fc_activation`.
    """

    def __init__(self, section: Section, prefix: str = "", *, activation: str = "relu") -> None:
        self.reading = section.reading
        names = {key: (f"{prefix}{key}",) for key in ("norm", "activation", "dropout", "use_bias")}
        self.norm = section.text(*names["norm"])
        self.activation = section.text(*names["activation"], default=activation)
        self.dropout = section.number(*names["dropout"], default=0.0, high=0.999)
        self.bias = section.flag(*names["use_bias"], default=True)
        self.init = initializer(section, f"{prefix}weights_initializer")
        section.ignore("", (f"{prefix}bias_initializer",))
        section.ignore("its options are those of netspec", (f"{prefix}norm_params",))

    def of(self, layer: Section) -> LayerOptions:
        """Those of one layer."""
        made: LayerOptions = object.__new__(LayerOptions)
        made.reading = self.reading
        made.norm = layer.text("norm", default=self.norm)
        made.activation = layer.text("activation", default=self.activation)
        made.dropout = layer.number("dropout", default=self.dropout, high=0.999)
        made.bias = layer.flag("use_bias", default=self.bias)
        made.init = initializer(layer, "weights_initializer") or self.init
        layer.ignore("", ("bias_initializer",))
        layer.ignore("its options are those of netspec", ("norm_params",))
        return made

    def weights(self) -> dict[str, Any]:
        """The options of the layer with weights."""
        return ({} if self.bias else {"bias": False}) | ({} if self.init is None else {"init": self.init})

    def finish(self, x: Step, span: Span | None) -> Step:
        """The norm, the activation and the dropout after a layer."""
        x = normalized(self.reading, x, self.norm, span)
        x = activated(self.reading, x, self.activation, span)
        return dropped(self.reading, x, self.dropout, span)


def initializer(section: Section, key: str) -> initializers.Initializer | None:
    """The initializer that a key names; None where it is not given."""
    found = section.value(key)
    name = found.data if found is not None else None
    if isinstance(name, dict) and "type" in name:
        name = name["type"].data
    if found is None:
        return None
    if not isinstance(name, str) or name not in INITIALIZERS:
        section.reading.left_out(f"{section.name}.{key}", "netspec has another initializer", found.span)
        return None
    return INITIALIZERS[name]


def normalized(reading: Reading, x: Step, norm: str, span: Span | None) -> Step:
    if not norm or norm in ("none", "None"):
        return x
    if norm not in ("batch", "layer"):
        advice = "norms are `batch` and `layer`"
        return reading.lost(f"norm: {norm}", f"netspec has no norm `{norm}`", span, advice)
    return add(reading, BatchNorm() if norm == "batch" else LayerNorm(), x, span=span)


def activated(reading: Reading, x: Step, name: str, span: Span | None) -> Step:
    if name in NO_ACTIVATION:
        return x
    word = ACTIVATIONS.get(name.lower())
    if word is None:
        advice = f"activations are {', '.join(key for key, value in ACTIVATIONS.items() if value is not None)}"
        return reading.lost(f"activation: {name}", f"netspec has no activation `{name}`", span, advice)
    return add(reading, ActivationLayer(activation=word), x, span=span)


def dropped(reading: Reading, x: Step, rate: float, span: Span | None) -> Step:
    return x if rate == 0 else add(reading, Dropout(rate=rate), x, span=span)


def dense_stack(
    section: Section,
    x: Step,
    options: LayerOptions,
    *,
    size: int,
    prefix: str = "",
    count: int = 0,
    default: Any = (),
    counted_by: str = "num_fc_layers",
) -> Step:
    """Dense layers: `fc_layers` lists them, or `num_fc_layers` counts them.

    Where norm and dropout are given for all of them, they come before the first one, too.

    Args:
        section: the encoder, the combiner or the decoder.
        x: what the first layer reads.
        options: what all layers have.
        size: the units of a layer that does not say how many.
        prefix: before the keys for all layers.
        count: how many layers there are if nothing says so.
        default: their units if nothing says how many layers there are.
        counted_by: the key that counts them.
    """
    reading = section.reading
    items = section.items("fc_layers")
    given = section.value(counted_by)
    size = section.integer(f"{prefix}output_size", "fc_size", default=size)
    residual = section.flag("residual", default=False)
    if items is not None:
        layers = [reading.section(item, f"{section.name}.fc_layers") for item in items]
    elif given is not None:
        total = section.integer(counted_by, default=count, low=0, high=500)
        layers = [reading.section(None, section.name) for _ in range(total)]
    else:
        layers = [reading.section(None, section.name) for _ in default or range(count)]
    sizes = list(default) if items is None and given is None and default else [size] * len(layers)
    span = section.span
    if x.is_lost:
        return x
    x = normalized(reading, x, options.norm, span)
    x = dropped(reading, x, options.dropout, span)
    for layer, units in zip(layers, sizes, strict=True):
        own, place = options.of(layer), layer.span or span
        units = layer.integer("output_size", "fc_size", default=units)
        y = own.finish(add(reading, Dense(units=units, **own.weights()), x, span=place), place)
        x = add(reading, Add(), x, y, span=place) if residual and y.shape == x.shape and not y.is_lost else y
    return x
