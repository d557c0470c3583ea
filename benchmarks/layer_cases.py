"""Typical layers, each as netspec, Flax NNX and PyTorch have it.

A case has the shape of one example (channels last), the batch, the word of netspec, and what makes the layer in the
other two. PyTorch sees the same images channels first with channels last in memory, and sequences as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
import optax
import torch
from flax import nnx
from torch import nn
from torch.nn import functional as F

VOCABULARY = 10_000


@dataclass(frozen=True)
class Case:
    """`flax` takes `nnx.Rngs` and gives a module, as `torch` does."""

    word: str
    shape: tuple[int, ...]
    batch: int
    flax: Callable[[nnx.Rngs], Any]
    torch: Callable[[], Any]
    kind: str = "layer"
    """`layer`, `tokens` (the input is ids), or `loss` (the input is logits)."""

    @property
    def title(self) -> str:
        sizes = "x".join(map(str, (self.batch, *self.shape)))
        return f"{self.word} on {sizes}"


class Call(nnx.Module):
    """A function of the input, and of a layer if it has one."""

    def __init__(self, function: Callable[..., Any], layer: Any = None) -> None:
        self.function, self.layer = function, layer

    def __call__(self, x: Any) -> Any:
        return self.function(x) if self.layer is None else self.function(self.layer, x)


def conv(
    size: int, channels: int, filters: int, kernel: int, *, stride: int = 1, groups: int = 1, batch: int = 32
) -> Case:
    """A square image, padded by half of the kernel. As many groups as channels make it depthwise."""
    is_depthwise = groups == channels > 1
    options = ("" if stride == 1 else f", stride = {stride}") + f", pad = {kernel // 2}"
    grouped = "" if groups == 1 else f", groups = {groups}"
    word = f"depthwise({kernel}{options})" if is_depthwise else f"conv({filters}, {kernel}{options}{grouped})"
    return Case(
        word, (size, size, channels), batch,
        lambda rngs: nnx.Conv(
            channels, filters, (kernel, kernel), strides=stride, padding=kernel // 2, feature_group_count=groups,
            rngs=rngs,
        ),
        lambda: nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, groups=groups),
    )  # fmt: skip


def pool(kind: str, size: int, channels: int, window: int, stride: int, pad: int = 0, batch: int = 32) -> Case:
    by_kind = {"max": (nnx.max_pool, nn.MaxPool2d), "avg": (nnx.avg_pool, nn.AvgPool2d)}
    apply, module = by_kind[kind]
    options = {"count_include_pad": False} if kind == "avg" else {}
    padding = ((pad, pad), (pad, pad))
    apply = partial(apply, window_shape=(window, window), strides=(stride, stride), padding=padding, **options)
    return Case(
        f"{kind}pool({window}, stride = {stride}, pad = {pad})", (size, size, channels), batch,
        lambda _: Call(apply),
        lambda: module(window, stride, padding=pad, **options),
    )  # fmt: skip


class OfSequence(nn.Module):
    """A recurrent layer that gives its outputs alone."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x)[0]


class SelfAttention(nn.Module):
    def __init__(self, features: int, heads: int, is_causal: bool) -> None:
        super().__init__()
        self.heads, self.is_causal = heads, is_causal
        self.project, self.out = nn.Linear(features, 3 * features), nn.Linear(features, features)

    def forward(self, x: Any) -> Any:
        batch, steps, features = x.shape
        split = self.project(x).reshape(batch, steps, 3, self.heads, features // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(q, k, v, is_causal=self.is_causal)
        return self.out(found.transpose(1, 2).reshape(batch, steps, features))


def attention(steps: int, features: int, heads: int, *, causal: bool = False, batch: int = 16) -> Case:
    def flax(rngs: nnx.Rngs) -> Any:
        layer = nnx.MultiHeadAttention(heads, features, decode=False, rngs=rngs)
        return Call(lambda layer, x: layer(x, mask=nnx.make_causal_mask(x[..., 0]) if causal else None), layer)

    word = f"attention({heads}, causal = true)" if causal else f"attention({heads})"
    return Case(word, (steps, features), batch, flax, lambda: SelfAttention(features, heads, causal))


def recurrent(word: str, units: int) -> Case:
    cells = {"lstm": (nnx.OptimizedLSTMCell, nn.LSTM), "gru": (nnx.GRUCell, nn.GRU)}
    cell, layer = cells[word]
    return Case(
        f"{word}({units})", (128, units), 32,
        lambda rngs: nnx.RNN(cell(units, units, rngs=rngs)),
        lambda: OfSequence(layer(units, units, batch_first=True)),
    )  # fmt: skip


def dense(features: int, units: int, batch: int) -> Case:
    return Case(
        f"dense({units})", (features,), batch, lambda rngs: nnx.Linear(features, units, rngs=rngs),
        lambda: nn.Linear(features, units),
    )  # fmt: skip


def softmax_loss(classes: int, batch: int) -> Case:
    """Softmax and cross-entropy in one; every class stands about as often as any other."""

    def flax(_: nnx.Rngs) -> Any:
        labels = jnp.arange(batch) % classes
        return Call(lambda x: optax.softmax_cross_entropy_with_integer_labels(x, labels).mean())

    class Loss(nn.Module):
        labels = torch.arange(batch) % classes

        def forward(self, x: Any) -> Any:
            return F.cross_entropy(x, self.labels)

    return Case("softmax + cross_entropy", (classes,), batch, flax, Loss, kind="loss")


def batchnorm(size: int, channels: int) -> Case:
    return Case(
        "batchnorm", (size, size, channels), 32,
        lambda rngs: nnx.BatchNorm(channels, momentum=0.9, rngs=rngs), lambda: nn.BatchNorm2d(channels),
    )  # fmt: skip


CASES = [
    # one point
    conv(28, 64, 256, 1),
    conv(14, 256, 64, 1),
    conv(8, 256, 256, 1),
    # three
    conv(28, 1, 16, 3, batch=128),
    conv(14, 16, 32, 3, batch=128),
    conv(32, 16, 16, 3, batch=128),
    conv(32, 3, 64, 3),
    conv(32, 64, 64, 3),
    conv(16, 128, 128, 3),
    conv(8, 256, 256, 3),
    # five and seven
    conv(28, 1, 8, 5, batch=128),
    conv(28, 16, 32, 5),
    conv(14, 32, 96, 5),
    conv(64, 3, 64, 7, stride=2),
    # strides
    conv(32, 64, 128, 3, stride=2),
    conv(32, 64, 128, 1, stride=2),
    # groups
    conv(16, 64, 64, 3, groups=4),
    conv(16, 64, 64, 3, groups=32),
    conv(32, 32, 32, 3, groups=32),
    conv(16, 192, 192, 3, groups=192),
    conv(16, 192, 192, 3, stride=2, groups=192),
    # pools
    pool("max", 28, 16, 2, 2, batch=128),
    pool("max", 32, 64, 3, 2, pad=1),
    pool("max", 28, 192, 3, 1, pad=1),
    pool("avg", 28, 16, 2, 2, batch=128),
    pool("avg", 28, 192, 3, 1, pad=1),
    Case("gap", (8, 8, 512), 32, lambda _: Call(lambda x: x.mean(axis=(1, 2))), lambda: OfPlaces()),
    # norms and noise
    batchnorm(32, 64),
    batchnorm(8, 512),
    Case("layernorm", (128, 256), 16, lambda rngs: nnx.LayerNorm(256, rngs=rngs), lambda: nn.LayerNorm(256)),
    Case("dropout(0.5)", (128, 256), 16, lambda rngs: nnx.Dropout(0.5, rngs=rngs), lambda: nn.Dropout(0.5)),
    # dense layers and the loss
    dense(784, 512, 128),
    dense(512, 10, 128),
    dense(1024, 1024, 512),
    softmax_loss(10, 128),
    softmax_loss(1000, 128),
    # sequences
    Case(
        "embedding(64)", (128,), 32, lambda rngs: nnx.Embed(VOCABULARY, 64, rngs=rngs),
        lambda: nn.Embedding(VOCABULARY, 64), kind="tokens",
    ),
    recurrent("lstm", 128),
    recurrent("gru", 128),
    attention(128, 256, 8),
    attention(128, 256, 8, causal=True),
    attention(512, 256, 8, batch=4),
]  # fmt: skip


class OfPlaces(nn.Module):
    """The mean over all places."""

    def forward(self, x: Any) -> Any:
        return x.mean(dim=(2, 3))
