"""Small networks, and the same in PyTorch with weights copied one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import netspec

CONVOLUTIONS = "input 8x6x2\nconv(3, 3x3, relu) -> maxpool(2) -> conv(4, 3x3, relu) -> flatten -> dense(5, softmax)"
TOKENS = "input 6 tokens(7)\nembedding(4) -> dense(5, tanh) -> mean_pool -> dense(3, softmax)"


@pytest.fixture(scope="session")
def convolutions() -> netspec.Model:
    return netspec.compile(CONVOLUTIONS, seed=3)


@pytest.fixture(scope="session")
def tokens() -> netspec.Model:
    model = netspec.compile(TOKENS, seed=5)
    table = model.module.embedding.embedding
    table[...] = np.random.default_rng(0).normal(size=table.shape).astype(np.float32)
    return model


@pytest.fixture(scope="session")
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture(scope="session")
def twin(convolutions: netspec.Model, torch: Any) -> Callable[[Any], tuple[Any, Any]]:
    """The network with convolutions in PyTorch: from images with channels last to logits, and the last feature maps."""
    weights = {
        name: tuple(torch.tensor(np.asarray(getattr(layer, part)[...])) for part in ("kernel", "bias"))
        for name in ("conv", "conv_2", "dense")
        for layer in (getattr(convolutions.module, name),)
    }
    functional = torch.nn.functional

    def convolve(x: Any, name: str) -> Any:
        kernel, bias = weights[name]
        return functional.relu(functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1))

    def run(images: Any) -> tuple[Any, Any]:
        maps = convolve(functional.max_pool2d(convolve(images.permute(0, 3, 1, 2), "conv"), 2), "conv_2")
        kernel, bias = weights["dense"]
        return maps.permute(0, 2, 3, 1).reshape(len(images), -1) @ kernel + bias, maps

    return run
