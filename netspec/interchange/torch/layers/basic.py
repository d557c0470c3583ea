"""Dense layers, activations, merges, and layers that rearrange or rescale."""

from __future__ import annotations

from typing import Any

from netspec.interchange.torch.table import (
    Site,
    Tensor,
    channel_axis,
    from_last,
    last,
    options,
    positions,
    unless,
    writes,
    writes_activation,
)
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import DIRECTIONS, Add, Average, Concat, Maximum, Merge, Mul
from netspec.layers.reshape import Flatten, Permute, Reshape, Scale
from netspec.layers.sequence.positions import PositionEmbedding
from netspec.layers.sequence.unembed import TiedOutput

# ---------------------------------------------------------------- activations

PLAIN: dict[type[Activation], str] = {
    words.Relu: "F.relu",
    words.Relu6: "F.relu6",
    words.Selu: "F.selu",
    words.Silu: "F.silu",
    words.Mish: "F.mish",
    words.Hardswish: "F.hardswish",
    words.Hardsigmoid: "F.hardsigmoid",
    words.Sigmoid: "torch.sigmoid",
    words.Tanh: "torch.tanh",
    words.Softplus: "F.softplus",
    words.Softsign: "F.softsign",
}


@writes_activation(*PLAIN)
def plain(activation: Activation, x: str, axis: int) -> str:
    return f"{PLAIN[type(activation)]}({x})"


@writes_activation(words.Linear, words.Prelu)
def linear(activation: Activation, x: str, axis: int) -> str:
    return x


@writes_activation(words.LeakyRelu)
def leaky_relu(activation: words.LeakyRelu, x: str, axis: int) -> str:
    return f"F.leaky_relu({x}, {activation.slope!r})"


@writes_activation(words.Elu, words.Celu)
def elu(activation: Any, x: str, axis: int) -> str:
    return f"F.{activation.word}({x}{options(alpha=unless(activation.alpha, 1))})"


@writes_activation(words.Gelu)
def gelu(activation: words.Gelu, x: str, axis: int) -> str:
    return f"F.gelu({x}{options(approximate='tanh' if activation.approximate else None)})"


@writes_activation(words.Softmax, words.LogSoftmax)
def softmax(activation: Activation, x: str, axis: int) -> str:
    return f"F.{activation.word}({x}, dim={axis})"


@writes_activation(words.Step)
def step(activation: Activation, x: str, axis: int) -> str:
    return f"({x} > 0).float()"


@writes(ActivationLayer)
def activation_layer(site: Site, layer: ActivationLayer, x: Tensor) -> str:
    if isinstance(layer.activation, words.Prelu):
        return f"{site.add('nn.PReLU()', {'weight': site.numbers('negative_slope').reshape(1)})}({x[0]})"
    return x[0]  # others are applied as those of every layer


# ---------------------------------------------------------------- dense


@writes(Dense)
def dense(site: Site, layer: Dense, x: Tensor) -> str:
    kernel = site.numbers("kernel")
    arrays = {"weight": kernel.T, **({"bias": site.numbers("bias")} if layer.bias else {})}
    inputs, outputs = kernel.shape
    return f"{site.add(f'nn.Linear({inputs}, {outputs}{_no_bias(layer)})', arrays)}({x[0]})"


def _no_bias(layer: Any) -> str:
    return "" if layer.bias else ", bias=False"


@writes(Embedding)
def embedding(site: Site, layer: Embedding, x: Tensor) -> str:
    return f"{_table(site)}({x[0]})"


@writes(TiedOutput)
def tied_output(site: Site, layer: TiedOutput, x: Tensor) -> str:
    return f"F.linear({x[0]}, {_table(site)}.weight)"


def _table(site: Site) -> str:
    table = site.numbers("embedding")
    return site.add(f"nn.Embedding({table.shape[0]}, {table.shape[1]})", {"weight": table})


@writes(PositionEmbedding)
def position_embedding(site: Site, layer: PositionEmbedding, x: Tensor) -> str:
    table, rank = site.numbers("embedding"), x[1].rank
    return f"{x[0]} + {site.parameter(table.transpose(2, 0, 1) if rank == 3 else table)}"


# ---------------------------------------------------------------- merges


@writes(Add, Mul, Maximum, Average)
def merge(site: Site, layer: Merge, *inputs: Tensor) -> str:
    names = _fitted(inputs)
    if isinstance(layer, Maximum):
        return _nested("torch.maximum", names)
    text = (" * " if isinstance(layer, Mul) else " + ").join(names)
    return f"({text}) / {len(names)}" if isinstance(layer, Average) else text


def _nested(function: str, names: list[str]) -> str:
    text = names[0]
    for name in names[1:]:
        text = f"{function}({text}, {name})"
    return text


def _fitted(inputs: tuple[Tensor, ...]) -> list[str]:
    """The tensors, with axes of size 1 in vectors."""
    rank = max(shape.rank for _, shape in inputs)
    spread = "[:, :" + ", None" * (rank - 1) + "]" if rank > 2 else "[:, None]"
    return [f"{name}{spread}" if shape.rank < rank else name for name, shape in inputs]


@writes(Concat)
def concat(site: Site, layer: Concat, *inputs: Tensor) -> str:
    rank = inputs[0][1].rank
    axis = channel_axis(rank)
    if layer.along != "channels":
        axis = positions(rank)[DIRECTIONS[layer.along][rank]]
    return f"torch.cat([{', '.join(name for name, _ in inputs)}], dim={axis})"


# ---------------------------------------------------------------- reshaping


@writes(Flatten)
def flatten(site: Site, layer: Flatten, x: Tensor) -> str:
    name, shape = x
    return name if shape.rank == 1 else f"{last(name, shape.rank)}.flatten(1)"


@writes(Reshape)
def reshape(site: Site, layer: Reshape, x: Tensor) -> str:
    name, shape = x
    batch = f"{name}.shape[0]" if -1 in layer.sizes else "-1"
    sizes = ", ".join(map(str, layer.sizes))
    return from_last(f"{last(name, shape.rank)}.reshape({batch}, {sizes})", len(layer.shape))


@writes(Permute)
def permute(site: Site, layer: Permute, x: Tensor) -> str:
    name, shape = x
    turned = f"{last(name, shape.rank)}.permute(0, {', '.join(map(str, layer.order))})"
    return from_last(turned, shape.rank)


@writes(Scale)
def scale(site: Site, layer: Scale, x: Tensor) -> str:
    y = x[0] if layer.factor == 1 else f"{x[0]} * {layer.factor!r}"
    return y if layer.offset == 0 else f"{y} + {layer.offset!r}"
