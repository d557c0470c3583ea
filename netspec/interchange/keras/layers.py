"""The layers of Keras that compute what those of netspec do, by the class of the layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Unsupported
from netspec.interchange.keras.writer import Tensor, Writer
from netspec.interchange.writing.table import WriterTable
from netspec.interchange.writing.windows import crop_sides
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.base import per_axis
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import DIRECTIONS, Add, Average, Concat, Maximum, Merge, Mul
from netspec.layers.norm import BatchNorm, Centering, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from netspec.layers.regularization import Dropout, DropPath, Noise
from netspec.layers.reshape import Flatten, Permute, Reshape, Scale
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Gated, Gru, Lstm, Recurrent, SimpleRnn
from netspec.layers.spatial.conv import Conv, Depthwise, Filtering
from netspec.layers.spatial.cropping import Crop, Pad, margins
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, GlobalPool, MaxPool, Pool
from netspec.layers.spatial.resize import Upsample
from netspec.layers.spatial.transposed_conv import Upconv

LAYERS: WriterTable[Callable[..., Tensor]] = WriterTable()
"""Each function takes a `Site`, the layer and its inputs as `Tensor`s; it returns the output without the activation."""
writes = LAYERS.writes

NAMES: dict[type[Activation], str] = {
    words.Linear: "linear",
    words.Relu: "relu",
    words.Relu6: "relu6",
    words.Selu: "selu",
    words.Silu: "silu",
    words.Mish: "mish",
    words.Hardswish: "hard_silu",
    words.Hardsigmoid: "hard_sigmoid",
    words.Sigmoid: "sigmoid",
    words.Tanh: "tanh",
    words.Softplus: "softplus",
    words.Softsign: "softsign",
    words.Softmax: "softmax",
    words.LogSoftmax: "log_softmax",
}


@dataclass(frozen=True)
class Site:
    """A layer that is written: its name, the live module with its weights, and whether others may share them.

    `is_output` is set for the last one of an output, whose name it then has.
    """

    writer: Writer
    path: str
    module: Any = None
    is_shared: bool = False
    is_output: bool = False

    def numbers(self, name: str, part: str | None = None) -> Array:
        module = self.module if part is None else getattr(self.module, part)
        return np.asarray(getattr(module, name)[...])

    def add(
        self, kind: str, inputs: Any, shape: Shape, weights: dict[str, Array] | None = None, **config: Any
    ) -> Tensor:
        given = inputs if isinstance(inputs, list) else [inputs]
        shared = self.module if self.is_shared and weights else None
        return self.writer.layer(kind, config, given, shape, self.path, weights, shared)


def activate(site: Site, activation: Activation | None, x: Tensor) -> Tensor:
    """The tensor after an activation.

    Raises:
        Unsupported: Keras has none like it.
    """
    if activation is None or isinstance(activation, words.Linear | words.Prelu):
        return x
    is_named = site.is_output or site.path.endswith(activation.word)
    after = site if is_named else replace(site, path=f"{site.path}_{activation.word}")
    match activation:
        case words.LeakyRelu():
            return after.add("LeakyReLU", x, x.shape, negative_slope=activation.slope)
        case words.Elu():
            return after.add("ELU", x, x.shape, alpha=activation.alpha)
        case words.Gelu() if not activation.approximate:
            return after.add("Activation", x, x.shape, activation="gelu")
    return after.add("Activation", x, x.shape, activation=name_of(activation))


def name_of(activation: Activation) -> str:
    """The name of an activation in Keras."""
    if type(activation) not in NAMES:
        raise Unsupported(f"the activation `{activation.to_source()}`")
    return NAMES[type(activation)]


def _bias(site: Site, layer: Any, kernel: Array) -> dict[str, Array]:
    return {"vars/0": kernel, **({"vars/1": site.numbers("bias")} if layer.bias else {})}


@writes(ActivationLayer)
def activation_layer(site: Site, layer: ActivationLayer, x: Tensor) -> Tensor:
    if not isinstance(layer.activation, words.Prelu):
        return x  # applied as those of every layer
    axes = list(range(1, x.shape.rank + 1))
    slope = site.numbers("negative_slope").reshape((1,) * x.shape.rank)
    return site.add("PReLU", x, x.shape, {"vars/0": slope}, shared_axes=axes)


@writes(Dense)
def dense(site: Site, layer: Dense, x: Tensor) -> Tensor:
    weights = _bias(site, layer, site.numbers("kernel"))
    return site.add("Dense", x, layer.infer(x.shape), weights, units=layer.units, use_bias=layer.bias)


@writes(Embedding)
def embedding(site: Site, layer: Embedding, x: Tensor) -> Tensor:
    table = site.numbers("embedding")
    sizes = {"input_dim": table.shape[0], "output_dim": table.shape[1]}
    return site.add("Embedding", x, layer.infer(x.shape), {"vars/0": table}, **sizes)


# ---------------------------------------------------------------- convolutions and pools


def _dimensions(x: Tensor) -> str:
    return f"{x.shape.rank - 1}D"


def _padded(site: Site, layer: Any, x: Tensor) -> tuple[Tensor, str]:
    """The tensor and the padding of Keras, which has no numbers: rows of zeros are added before."""
    if isinstance(layer.pad, str):
        return x, layer.pad
    pad = per_axis(layer.pad, x.shape, "pad")
    if not any(pad):
        return x, "valid"
    space = [size + 2 * p for size, p in zip(x.shape.space, pad, strict=True)]
    shape = Shape((*space, x.shape.channels))
    return site.add(f"ZeroPadding{_dimensions(x)}", x, shape, padding=_sides([(p, p) for p in pad])), "valid"


def _sides(pairs: Any) -> Any:
    return list(pairs[0]) if len(pairs) == 1 else [list(pair) for pair in pairs]


def _window(layer: Any, x: Tensor, name: str = "dilation") -> dict[str, Any]:
    strides, dilation = (per_axis(getattr(layer, n), x.shape, n) for n in ("stride", "dilation"))
    if max(strides) > 1 and max(dilation) > 1:
        raise Unsupported("`stride` and `dilation` together")
    return {"kernel_size": per_axis(layer.kernel, x.shape, "kernel"), "strides": strides, "dilation_rate": dilation}


@writes(Conv, Depthwise)
def convolution(site: Site, layer: Filtering, x: Tensor) -> Tensor:
    kernel, window, shape = site.numbers("kernel"), _window(layer, x), layer.infer(x.shape)
    source, pad = _padded(site, layer, x)
    config = {**window, "padding": pad, "use_bias": layer.bias}
    if isinstance(layer, Conv):
        config |= {"filters": layer.filters, "groups": layer.groups}
        return site.add(f"Conv{_dimensions(x)}", source, shape, _bias(site, layer, kernel), **config)
    assert isinstance(layer, Depthwise)
    if x.shape.rank == 4:
        raise Unsupported("`depthwise` of volumes")
    if len(set(window["strides"])) > 1:
        raise Unsupported("`depthwise` with strides that differ")
    apart = kernel.reshape(*kernel.shape[:-2], -1, layer.multiplier)  # window x channels x filters of each
    config["depth_multiplier"] = layer.multiplier
    return site.add(f"DepthwiseConv{_dimensions(x)}", source, shape, _bias(site, layer, apart), **config)


@writes(Upconv)
def transposed_convolution(site: Site, layer: Upconv, x: Tensor) -> Tensor:
    if not isinstance(layer.pad, str) or layer.output_pad not in (0, (0,) * (x.shape.rank - 1)):
        raise Unsupported("`upconv` with numbers for `pad` or `output_pad`")
    window = _window(layer, x)
    if layer.pad == "valid" and any(s > k for s, k in zip(window["strides"], window["kernel_size"], strict=True)):
        raise Unsupported("`upconv` with a stride beyond its kernel")
    weights = _bias(site, layer, site.numbers("kernel"))
    config = {**window, "padding": layer.pad, "use_bias": layer.bias, "filters": layer.filters}
    return site.add(f"Conv{_dimensions(x)}Transpose", x, layer.infer(x.shape), weights, **config)


@writes(MaxPool, AvgPool)
def pool(site: Site, layer: Pool, x: Tensor) -> Tensor:
    shape, is_max = layer.infer(x.shape), isinstance(layer, MaxPool)
    if layer.to is not None:
        raise Unsupported("`to`")
    if layer.rounds_up and layer.pad != "same":
        raise Unsupported("`ceil = true`")
    if isinstance(layer, AvgPool) and layer.count_pad and layer.pad != "valid":
        raise Unsupported("`count_pad`")
    if not isinstance(layer.pad, str) and any(per_axis(layer.pad, x.shape, "pad")):
        raise Unsupported("a pool with a number for `pad`")
    pad = layer.pad if isinstance(layer.pad, str) else "valid"
    windows, steps = per_axis(layer.size, x.shape, "window"), per_axis(layer.step, x.shape, "stride")
    kind = f"{'Max' if is_max else 'Average'}Pooling{_dimensions(x)}"
    return site.add(kind, x, shape, padding=pad, pool_size=windows, strides=steps)


@writes(GlobalAvgPool, GlobalMaxPool)
def global_pool(site: Site, layer: GlobalPool, x: Tensor) -> Tensor:
    kind = "Average" if isinstance(layer, GlobalAvgPool) else "Max"
    return site.add(f"Global{kind}Pooling{_dimensions(x)}", x, layer.infer(x.shape), keepdims=layer.keep)


@writes(Upsample)
def upsample(site: Site, layer: Upsample, x: Tensor) -> Tensor:
    factors, shape = per_axis(layer.factor, x.shape, "factor"), layer.infer(x.shape)
    if layer.method != "nearest" and x.shape.rank != 3:
        raise Unsupported(f"`{layer.method}` for sequences and volumes")
    if layer.method == "bicubic":
        raise Unsupported("`bicubic`, of which Keras has another kind")
    size = factors[0] if x.shape.rank == 2 else list(factors)
    more: dict[str, Any] = {"interpolation": layer.method} if x.shape.rank == 3 else {}
    return site.add(f"UpSampling{_dimensions(x)}", x, shape, size=size, **more)


@writes(Crop)
def crop(site: Site, layer: Crop, x: Tensor, like: Tensor | None = None) -> Tensor:
    shape = layer.infer(x.shape, None if like is None else like.shape)
    return site.add(f"Cropping{_dimensions(x)}", x, shape, cropping=_sides(crop_sides(layer, x.shape, shape)))


@writes(Pad)
def pad(site: Site, layer: Pad, x: Tensor) -> Tensor:
    if layer.mode != "constant" or layer.value:
        raise Unsupported("`pad` with anything but zeros")
    sides = list(margins(layer.margin, x.shape, "margin"))
    return site.add(f"ZeroPadding{_dimensions(x)}", x, layer.infer(x.shape), padding=_sides(sides))


# ---------------------------------------------------------------- norms


def _affine(site: Site, layer: Centering) -> dict[str, Array]:
    arrays = [site.numbers("scale")] if layer.scale else []
    arrays += [site.numbers("bias")] if layer.offset else []
    return {f"vars/{index}": array for index, array in enumerate(arrays)}


@writes(BatchNorm)
def batch_norm(site: Site, layer: BatchNorm, x: Tensor) -> Tensor:
    weights = _affine(site, layer)
    for name in ("mean", "var"):
        weights[f"vars/{len(weights)}"] = site.numbers(name)
    config = {"epsilon": layer.epsilon, "momentum": layer.momentum, "center": layer.offset, "scale": layer.scale}
    return site.add("BatchNormalization", x, x.shape, weights, **config)


@writes(LayerNorm, GroupNorm, InstanceNorm)
def layer_norm(site: Site, layer: Centering, x: Tensor) -> Tensor:
    config: dict[str, Any] = {"epsilon": layer.epsilon, "center": layer.offset, "scale": layer.scale}
    kind = "LayerNormalization"
    if not isinstance(layer, LayerNorm):
        kind, config["groups"] = "GroupNormalization", layer.groups if isinstance(layer, GroupNorm) else -1
    return site.add(kind, x, x.shape, _affine(site, layer), **config)


@writes(RMSNorm)
def rms_norm(site: Site, layer: RMSNorm, x: Tensor) -> Tensor:
    if not layer.scale:
        raise Unsupported("`rmsnorm` without a scale")
    return site.add("RMSNormalization", x, x.shape, {"vars/0": site.numbers("scale")}, epsilon=layer.epsilon)


# ---------------------------------------------------------------- merges and shapes


@writes(Add, Mul, Maximum, Average)
def merge(site: Site, layer: Merge, *inputs: Tensor) -> Tensor:
    rank = max(x.shape.rank for x in inputs)
    fitted = []
    for x in inputs:
        if x.shape.rank < rank:
            sizes = (*(1,) * (rank - 1), x.shape.channels)
            x = site.add("Reshape", x, Shape(sizes), target_shape=list(sizes))
        fitted.append(x)
    kind = {Add: "Add", Mul: "Multiply", Maximum: "Maximum", Average: "Average"}[type(layer)]
    return site.add(kind, fitted, layer.infer(*(x.shape for x in inputs)))


@writes(Concat)
def concat(site: Site, layer: Concat, *inputs: Tensor) -> Tensor:
    axis = -1 if layer.along == "channels" else DIRECTIONS[layer.along][inputs[0].shape.rank] + 1
    return site.add("Concatenate", list(inputs), layer.infer(*(x.shape for x in inputs)), axis=axis)


@writes(Flatten)
def flatten(site: Site, layer: Flatten, x: Tensor) -> Tensor:
    return x if x.shape.rank == 1 else site.add("Flatten", x, layer.infer(x.shape))


@writes(Reshape)
def reshape(site: Site, layer: Reshape, x: Tensor) -> Tensor:
    return site.add("Reshape", x, layer.infer(x.shape), target_shape=list(layer.sizes))


@writes(Permute)
def permute(site: Site, layer: Permute, x: Tensor) -> Tensor:
    return site.add("Permute", x, layer.infer(x.shape), dims=layer.order)


@writes(Scale)
def scale(site: Site, layer: Scale, x: Tensor) -> Tensor:
    return site.add("Rescaling", x, x.shape, scale=layer.factor, offset=layer.offset)


@writes(Dropout, DropPath)
def dropout(site: Site, layer: Dropout | DropPath, x: Tensor) -> Tensor:
    """It does nothing at inference, and something if the model is trained further."""
    kept: list[int | None] | None = None  # all numbers are dropped by themselves
    if isinstance(layer, DropPath):
        kept = [None, *[1] * x.shape.rank]
    elif layer.per == "channel":
        kept = [None, *[1] * (x.shape.rank - 1), None]
    return site.add("Dropout", x, x.shape, rate=layer.rate, noise_shape=kept)


@writes(Noise)
def noise(site: Site, layer: Noise, x: Tensor) -> Tensor:
    return site.add("GaussianNoise", x, x.shape, stddev=layer.std)


# ---------------------------------------------------------------- recurrent layers

KINDS: dict[type[Recurrent], str] = {SimpleRnn: "SimpleRNN", Lstm: "LSTM", Gru: "GRU"}


@writes(*KINDS)
def recurrent(site: Site, layer: Recurrent, x: Tensor) -> Tensor:
    if layer.reverse and layer.return_ != "last":
        raise Unsupported("`reverse` with all steps")
    weights = _cell(site, layer, "cell/vars", None)
    return site.add(KINDS[type(layer)], x, layer.infer(x.shape), weights, **_config(layer))


@writes(Bidirectional)
def bidirectional(site: Site, layer: Bidirectional, x: Tensor) -> Tensor:
    inner = layer.layer
    if inner.reverse:
        raise Unsupported("`reverse` inside `bidirectional`")
    weights = {
        **_cell(site, inner, "forward_layer/cell/vars", "forward"),
        **_cell(site, inner, "backward_layer/cell/vars", "backward"),
    }
    config = {"name": f"{site.path.replace('/', '_')}_layer", **_config(inner)}
    wrapped = {"module": "keras.layers", "class_name": KINDS[type(inner)], "config": config, "registered_name": None}
    mode = {"concat": "concat", "add": "sum", "mul": "mul", "average": "ave"}[layer.merge]
    return site.add("Bidirectional", x, layer.infer(x.shape), weights, layer=wrapped, merge_mode=mode)


def _config(layer: Recurrent) -> dict[str, Any]:
    config: dict[str, Any] = {
        "units": layer.units,
        "activation": name_of(layer.activation),
        "use_bias": layer.bias,
        "return_sequences": layer.return_ != "last",
        "go_backwards": layer.reverse,
    }
    if isinstance(layer, Gated):
        config["recurrent_activation"] = name_of(layer.recurrent_activation)
    return {**config, "reset_after": layer.reset_after} if isinstance(layer, Gru) else config


def _cell(site: Site, layer: Recurrent, path: str, part: str | None) -> dict[str, Array]:
    names = ("kernel", "recurrent_kernel", *(["bias"] if layer.bias else []))
    return {f"{path}/{index}": site.numbers(name, part) for index, name in enumerate(names)}
