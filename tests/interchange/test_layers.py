"""Every layer in every format: ONNX Runtime and PyTorch compute what netspec does, with random weights.

The layers of a family are branches of one network, so that it is compiled once.
"""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from netspec.interchange.formats import FORMATS
from netspec.interchange.onnx import network as onnx
from netspec.interchange.onnx.layers import activations
from netspec.interchange.torch import source as torch
from netspec.language.vocabulary import words
from tests.interchange.conftest import check, several

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

IMAGE = {
    "conv": """
        conv(5, 3x3)
        conv(5, 3x2, relu, stride = 2)
        conv(5, 4x4, stride = 3, dilation = 2)
        conv(6, 3x3, pad = valid, groups = 2, bias = false)
        conv(5, 2x3, pad = 1, stride = 2x1)
        conv(3, 1x1, prelu)
        depthwise(3x3, relu6, stride = 2)
        depthwise(3x3, multiplier = 2, pad = valid)
        separable(5, 3x3, relu)
    """,
    "upconv": """
        upconv(5)
        upconv(5, 3x3, relu)
        upconv(5, 4x2, stride = 2)
        upconv(5, 3x3, stride = 3x1, dilation = 2)
        upconv(5, 1x1, stride = 3)
        upconv(5, 3x3, stride = 2, pad = 1, output_pad = 1, bias = false)
        upconv(5, 3x3, stride = 1, pad = valid)
    """,
    "pool": """
        maxpool(2)
        maxpool(3, stride = 2, pad = same)
        maxpool(3, stride = 2, pad = 1)
        maxpool(3, stride = 2, ceil = true)
        maxpool(2, stride = 3, ceil = true, pad = 1)
        avgpool(2)
        avgpool(3, stride = 2, pad = same)
        avgpool(3, stride = 2, pad = 1)
        avgpool(3, stride = 2, pad = 1, count_pad = true)
        avgpool(3, stride = 2, ceil = true)
        avgpool(2, stride = 3, ceil = true, pad = 1)
        avgpool(2, stride = 3, ceil = true, pad = 1, count_pad = true)
        maxpool(to = 3x1)
        maxpool(to = 4x3)
        avgpool(to = 4x3)
        avgpool(to = 1)
        gap
        gmp
        conv(2, 1x1) -> gap(keep = true)
        conv(2, 1x1) -> gmp(keep = true)
    """,
    "resize": """
        upsample(2)
        upsample(2x3, bilinear)
        upsample(2, bicubic)
        resize(5x11)
        resize(13x4, nearest)
        resize(13x4, bicubic)
        resize(5x4, bilinear, antialias = true)
        resize(5x11, bicubic, antialias = true)
        (identity | maxpool(2)) -> resize
        crop(5x4)
        crop(margin = [[0, 1], [2, 0]])
        (identity | maxpool(2)) -> crop
        pad(2)
        pad([[1, 0], [0, 2]], value = 0.5)
        conv(2, 1x1) -> pad(2, mode = reflect)
        pad(1, mode = edge)
        pad(2, mode = wrap)
    """,
    "norm": """
        batchnorm
        conv(4, 1x1) -> batchnorm(scale = false)
        conv(4, 1x1) -> batchnorm(offset = false, epsilon = 1e-3)
        layernorm
        conv(4, 1x1) -> layernorm(scale = false, offset = false)
        groupnorm(2)
        groupnorm(1, scale = false)
        instancenorm
        instancenorm(scale = false, offset = false)
        rmsnorm
        conv(4, 1x1) -> rmsnorm
        lrn
        lrn(4, alpha = 0.5)
        lrn(3, alpha = 0.5, divide = true, k = 1)
        l2norm
        conv(4, 1x1) -> l2norm
    """,
    "merge": """
        (identity | conv(4, 1x1)) -> add
        (identity | conv(4, 1x1) | gap) -> add
        (conv(4, 1x1) | gap -> dense(4, sigmoid)) -> mul
        (identity | conv(1, 1x1, sigmoid) | scale(2)) -> mul
        (identity | conv(4, 3x3) | scale(-1, 0.5)) -> max
        (identity | conv(4, 3x3)) -> average
        (identity | conv(3, 3x3)) -> concat
        (scale(2) | scale(3, 1)) -> concat(along = height)
        (conv(3, 3x3) | conv(3, 1x1)) -> concat(along = width)
        residual(conv(5, 3x3, stride = 2))
        flatten
        dense(3)
        conv(4, 3x3) -> reshape(7x9x4)
        reshape(63x4)
        permute([2, 1, 3])
        conv(4, 3x3) -> permute([3, 1, 2])
        posembed
        conv(4, 3x3) -> posembed
        dropout(0.5) -> noise(0.1) -> droppath(0.2)
        identity
        softmax
        conv(4, 3x3, softmax)
    """,
}
SEQUENCE = {
    "steps": """
        dense(3, tanh)
        dense(3, bias = false)
        conv(5, 3, relu)
        conv(5, 3, stride = 2)
        upconv(3)
        maxpool(2)
        avgpool(to = 4)
        gap
        resize(11)
        upsample(2)
        batchnorm
        conv(4, 3) -> batchnorm
        layernorm
        groupnorm(2)
        instancenorm
        lrn(3)
        first
        last
        mean_pool
        conv(4, 3) -> mean_pool
        sinusoidal
        sinusoidal(base = 100)
        rope
        posembed
        class_token
        crop(5)
        pad([[1, 0]])
        permute([2, 1])
        (identity | scale(2)) -> concat(along = length)
        (identity | mean_pool) -> add
    """,
    "recurrent": """
        rnn(5)
        rnn(5, relu, return = last)
        lstm(5)
        lstm(5, return = last, bias = false)
        lstm(5, reverse = true)
        gru(5)
        gru(5, reverse = true, return = last)
        bidirectional(lstm(5))
        bidirectional(gru(5, return = last))
        bidirectional(rnn(5, reverse = true), merge = add)
        bidirectional(lstm(5), merge = mul)
        bidirectional(lstm(5), merge = average)
    """,
    "attention": """
        attention(2)
        attention(2, causal = true)
        attention(4, kv_heads = 2)
        attention(4, kv_heads = 1, head_size = 2, causal = true, rope = true)
        attention(2, head_size = 6, out = 5, rope = 100, bias = false)
        (identity | conv(6, 3, stride = 2)) -> attention(2)
    """,
}
VOLUME = """
    conv(5, 3x3x3)
    upconv(3)
    maxpool(2)
    avgpool(3x2x2, stride = 2, pad = same)
    batchnorm
    groupnorm(2)
    upsample(2)
    upsample(2, bilinear)
    resize(3x4x5)
    gap
    pad(1)
    lrn(3)
    (identity | conv(4, 3x3x3)) -> concat(along = depth)
"""
VECTOR = """
    dense(3)
    dense(3, bias = false) -> batchnorm
    layernorm
    rmsnorm
    groupnorm(2)
    l2norm
    lrn(3)
    reshape(3x4)
    reshape(2x3x2) -> conv(3, 1x1)
    (identity | dense(12)) -> max
    identity + dense(12)
"""
MASKED = """
    first
    last
    mean_pool
    batchnorm
    attention(2)
    attention(2, causal = true)
    attention(4, kv_heads = 2)
    rnn(5)
    lstm(5)
    lstm(5, reverse = true)
    lstm(5, return = last)
    gru(5, reverse = true, return = last)
    bidirectional(lstm(5))
    bidirectional(gru(5, return = last))
    dense(2)
"""


ONLY_ONNX = {
    "8x4": """
        resize(5, bicubic)
        upsample(2, bicubic)
        lstm(5, elu(0.5), recurrent_activation = hardsigmoid)
        lstm(5, softsign, recurrent_activation = leaky_relu(0.2), return = last)
        gru(5, reset_after = false)
        gru(5, linear, recurrent_activation = hardsigmoid)
    """,
    "5x6x7x4": "resize(3x4x5, bicubic)",
    "7 tokens(5, pad = 0)": """
        groupnorm(2)
        instancenorm(scale = false)
    """,
}
"""What PyTorch has nothing for."""


@pytest.mark.parametrize("family", IMAGE)
def test_layers_of_images(family: str) -> None:
    check(netspec.compile(several("9x7x4", IMAGE[family])))


@pytest.mark.parametrize("family", SEQUENCE)
def test_layers_of_sequences(family: str) -> None:
    check(netspec.compile(several("8x4", SEQUENCE[family])))


def test_layers_of_volumes() -> None:
    check(netspec.compile(several("5x6x7x4", VOLUME)))


def test_layers_of_vectors() -> None:
    check(netspec.compile(several("12", VECTOR)))


def test_padded_steps_are_left_out() -> None:
    """Wherever the padding is: at the end, at the start, between, or everywhere."""
    check(netspec.compile(several("7 tokens(5, pad = 0)", MASKED)))


@pytest.mark.parametrize("shape", ONLY_ONNX)
def test_layers_that_pytorch_lacks(shape: str) -> None:
    model = netspec.compile(several(shape, ONLY_ONNX[shape]))
    check(model, "onnx")
    with pytest.raises(netspec.CompileError) as error:
        FORMATS["torch"].draft(model, "model.py", {})
    found = [(d.code, d.span.text if d.span else "") for d in error.value.diagnostics]
    assert found == [("NS544", line.strip()) for line in ONLY_ONNX[shape].strip().splitlines()]


def test_activations() -> None:
    names = [name for name in words("activation") if name not in ("linear", "step")]
    options = ["gelu(approximate = true)", "leaky_relu(0.3)", "elu(0.4)", "celu(0.4)"]
    check(netspec.compile(several("5x4", "\n".join([*names, *options]))))


TABLES = [(onnx.LAYERS, activations.ACTIVATIONS), (torch.LAYERS, torch.ACTIVATIONS)]


@pytest.mark.parametrize(("layers", "activations"), TABLES, ids=["onnx", "torch"])
def test_every_word_is_written(layers: Any, activations: Any) -> None:
    expands = {name for name, word in words("layer").items() if word.is_macro or word.borrows or word.training_only}
    assert {name for name, word in words("layer").items() if word not in layers} - expands == {"identity"}
    assert {name for name, word in words("activation").items() if word not in activations} == set()
