"""The library of blocks, `use std.…`: what each computes against PyTorch, and what it weighs by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402  # after the check that there is a PyTorch

pytestmark = pytest.mark.oracle

LIBRARY = sorted((Path(netspec.__file__).parent / "std").glob("*.net"))


class Made:
    """A net of library blocks with random weights and statistics, and what it gives for one batch."""

    def __init__(self, library: str, names: str, shape: str, net: str) -> None:
        model = netspec.compile(f"use std.{library} ({names})\ninput {shape}\n{net}")
        self.module = model.module
        self.weights = model.cost.trainable
        numbers = np.random.default_rng(0)
        for path, variable in nnx.to_flat_state(nnx.state(self.module, (nnx.Param, nnx.BatchStat))):
            if path[-1] in ("scale", "var"):
                variable[...] = numbers.uniform(0.5, 1.5, variable.shape).astype(np.float32)
            elif path[-1] in ("bias", "mean"):
                variable[...] = numbers.normal(0, 0.2, variable.shape).astype(np.float32)
        x = numbers.normal(size=(2, *map(int, shape.split("x")))).astype(np.float32)
        self.x = torch.tensor(np.moveaxis(x, -1, 1).copy())
        self.y = np.moveaxis(np.asarray(model(x)), -1, 1)

    def check(self, wanted: Any, weights: int) -> None:
        """The numbers are PyTorch's within 1e-5 of the largest, and there are as many weights as counted by hand."""
        found = np.asarray(wanted.detach())
        assert self.y.shape == found.shape
        assert np.abs(self.y - found).max() <= 1e-5 * max(1.0, np.abs(found).max())
        assert self.weights == weights


def kernel(part: Any, *order: int) -> Any:
    return torch.tensor(np.asarray(part.kernel[...]).transpose(order).copy())


def bias(part: Any) -> Any:
    return torch.tensor(np.asarray(part.bias[...])) if part.bias is not None else None


def conv(x: Any, part: Any, **options: Any) -> Any:
    return functional.conv2d(x, kernel(part, 3, 2, 0, 1), bias(part), **options)


def dense(x: Any, part: Any) -> Any:
    return functional.linear(x, kernel(part, 1, 0), bias(part))


def norm(x: Any, part: Any) -> Any:
    values = (torch.tensor(np.asarray(v[...])) for v in (part.mean, part.var, part.scale, part.bias))
    return functional.batch_norm(x, *values, eps=1e-5)


def conv_norm(x: Any, part: Any, **options: Any) -> Any:
    return norm(conv(x, part.conv, **options), part.batchnorm)


# ---------------------------------------------------------------- what the library says of itself


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_definition_says_what_it_is(path: Path) -> None:
    """A comment stands over the file, with the paper, and over every definition."""
    source = Source.read(path)
    spec = Compilation(source)
    lines = source.text.splitlines()
    assert "arXiv:" in source.text.partition("\n\n")[0]
    definitions = [s for s in parse_source(source, spec.problems).statements if isinstance(s, tree.Define)]
    assert definitions and not list(spec.problems)
    for define in definitions:
        line = source.text[: define.span.start].count("\n")
        assert lines[line - 1].startswith("# "), lines[line]


# ---------------------------------------------------------------- std.resnet


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (6, 1)])
def test_basic_block(channels: int, stride: int) -> None:
    made = Made("resnet", "basic_block", f"8x7x{channels}", f"basic_block(4, stride = {stride})")
    block = made.module.basic_block
    y = conv_norm(made.x, block.conv_norm, stride=stride, padding=1).relu()
    y = conv_norm(y, block.conv_norm_2, padding=1)
    projects = channels != 4 or stride != 1
    shortcut = conv_norm(made.x, block.projection, stride=stride) if projects else made.x
    weights = 9 * channels * 4 + 8 + 9 * 4 * 4 + 8 + (channels * 4 + 8 if projects else 0)
    made.check((y + shortcut).relu(), weights)


@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (8, 2), (6, 1)])
def test_bottleneck(channels: int, stride: int) -> None:
    made = Made("resnet", "bottleneck", f"8x7x{channels}", f"bottleneck(2, stride = {stride})")
    block = made.module.bottleneck
    y = conv_norm(made.x, block.conv_norm).relu()
    y = conv_norm(y, block.conv_norm_2, stride=stride, padding=1).relu()
    y = conv_norm(y, block.conv_norm_3)
    projects = channels != 8 or stride != 1
    shortcut = conv_norm(made.x, block.projection, stride=stride) if projects else made.x
    weights = channels * 2 + 4 + 9 * 2 * 2 + 4 + 2 * 8 + 16 + (channels * 8 + 16 if projects else 0)
    made.check((y + shortcut).relu(), weights)


def test_projection_alone() -> None:
    made = Made("resnet", "projection", "8x7x3", "projection(5, 2)")
    made.check(conv_norm(made.x, made.module.projection, stride=2), 3 * 5 + 10)


# ---------------------------------------------------------------- std.inception


def test_inception() -> None:
    text = "inception(2, reduce3 = 3, conv3 = 4, reduce5 = 5, conv5 = 6, pool = 7)"
    made = Made("inception", "inception", "9x8x3", text)
    block = made.module.inception
    small = conv(made.x, block.conv).relu()
    three = conv(conv(made.x, block.conv_2).relu(), block.conv_3, padding=1).relu()
    five = conv(conv(made.x, block.conv_4).relu(), block.conv_5, padding=2).relu()
    pooled = conv(functional.max_pool2d(made.x, 3, 1, 1), block.conv_6).relu()
    weights = (3 * 2 + 2) + (3 * 3 + 3) + (9 * 3 * 4 + 4) + (3 * 5 + 5) + (25 * 5 * 6 + 6) + (3 * 7 + 7)
    made.check(torch.cat([small, three, five, pooled], 1), weights)


# ---------------------------------------------------------------- std.unet


def double(x: Any, part: Any, padding: int) -> Any:
    return conv(conv(x, part.conv, padding=padding).relu(), part.conv_2, padding=padding).relu()


@pytest.mark.parametrize(("size", "padding", "after"), [(44, 0, 4), (16, 1, 16)])
def test_levels_inside_each_other(size: int, padding: int, after: int) -> None:
    """Two levels around a bottom; without padding the way down is cropped to what comes up."""
    pad = f", pad = {padding}" if padding else ""
    net = f"level(2, level(3, double_conv(4{pad}){pad}){pad})"
    made = Made("unet", "double_conv, level", f"{size}x{size}x1", net)
    outer = made.module.level
    inner = outer.level

    def up(x: Any, skip: Any, part: Any) -> Any:
        """PyTorch's kernel has the input channels first, then the filters, as ours has them last."""
        x = functional.conv_transpose2d(x, kernel(part, 3, 2, 0, 1), bias(part), stride=2)
        margin = (skip.shape[2] - x.shape[2]) // 2
        cut = slice(margin, margin + x.shape[2])
        return torch.cat([skip[:, :, cut, cut], x], 1)

    high = double(made.x, outer.double_conv, padding)
    middle = double(functional.max_pool2d(high, 2), inner.double_conv, padding)
    low = double(functional.max_pool2d(middle, 2), inner.double_conv_2, padding)
    middle = double(up(low, middle, inner.upconv), inner.double_conv_3, padding)
    wanted = double(up(middle, high, outer.upconv), outer.double_conv_2, padding)
    assert wanted.shape[2] == after

    def weights(before: int, filters: int) -> int:
        return 9 * before * filters + filters + 9 * filters * filters + filters

    ups = (4 * 4 * 3 + 3) + (4 * 3 * 2 + 2)
    made.check(wanted, weights(1, 2) + weights(2, 3) + weights(3, 4) + weights(6, 3) + weights(4, 2) + ups)


# ---------------------------------------------------------------- std.mobile


@pytest.mark.parametrize(
    ("filters", "stride", "expand"),
    [(4, 1, 6), (4, 2, 6), (5, 1, 6), (4, 1, 1)],
    ids=["around", "stride", "filters", "unexpanded"],
)
def test_inverted_residual(filters: int, stride: int, expand: int) -> None:
    net = f"inverted_residual({filters}, stride = {stride}, expand = {expand})"
    made = Made("mobile", "inverted_residual", "8x7x4", net)
    block = made.module.inverted_residual
    wide = 4 * expand
    y = conv_norm(made.x, block.conv_norm).clamp(0, 6) if expand > 1 else made.x
    y = conv(y, block.depthwise, stride=stride, padding=1, groups=wide)
    y = norm(conv(norm(y, block.batchnorm).clamp(0, 6), block.conv), block.batchnorm_2)
    if stride == 1 and filters == 4:
        y = y + made.x
    widen = 4 * wide + 2 * wide if expand > 1 else 0
    made.check(y, widen + 9 * wide + 2 * wide + wide * filters + 2 * filters)


def test_squeeze_excite() -> None:
    made = Made("mobile", "squeeze_excite", "5x6x8", "squeeze_excite(4)")
    block = made.module.squeeze_excite
    gate = dense(dense(made.x.mean((2, 3)), block.dense).relu(), block.dense_2).sigmoid()
    made.check(made.x * gate[:, :, None, None], 8 * 2 + 2 + 2 * 8 + 8)


# ---------------------------------------------------------------- std.dense


def test_dense_block_and_transition() -> None:
    made = Made("dense", "dense_block, transition", "6x8x4", "dense_block(3, growth = 2) -> transition")
    block = made.module.dense_block
    x, weights = made.x, 0
    for layer in (block.dense_layer, block.dense_layer_2, block.dense_layer_3):
        y = conv(norm(x, layer.batchnorm).relu(), layer.conv)
        y = conv(norm(y, layer.batchnorm_2).relu(), layer.conv_2, padding=1)
        weights += 2 * x.shape[1] + x.shape[1] * 8 + 2 * 8 + 9 * 8 * 2
        x = torch.cat([x, y], 1)
    end = made.module.transition
    x = functional.avg_pool2d(conv(norm(x, end.batchnorm).relu(), end.conv), 2)
    made.check(x, weights + 2 * 10 + 10 * 5)


# ---------------------------------------------------------------- blocks train


@pytest.mark.parametrize(
    ("library", "net"),
    [
        ("resnet", "bottleneck(2, stride = 2)"),
        ("inception", "inception(2, reduce3 = 3, conv3 = 4, reduce5 = 5, conv5 = 6, pool = 7)"),
        ("unet", "level(2, double_conv(4, 1), pad = 1)"),
        ("mobile", "inverted_residual(4) -> squeeze_excite(2)"),
        ("dense", "dense_block(2, growth = 2) -> transition"),
    ],
)
def test_every_weight_learns(library: str, net: str) -> None:
    """No part of a block is cut off: each weight has a gradient."""
    model = netspec.compile(f"use std.{library}\ninput 8x8x4\n{net}")
    variables = model.init(0)
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 4)).astype(np.float32)

    def loss(params: Any) -> Any:
        y, _ = model.apply({"params": params, "state": variables["state"]}, x, train=True)
        return (y * np.random.default_rng(1).normal(size=y.shape)).sum()

    gradients = jax.jit(jax.grad(loss))(variables["params"])
    for path, gradient in nnx.to_flat_state(gradients):
        assert bool((gradient[...] != 0).any()), path
