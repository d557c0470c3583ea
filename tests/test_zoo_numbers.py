"""Whole networks against PyTorch: modules as its users write them, their weights copied into ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec

torch = pytest.importorskip("torch")
from torch import nn as torch_nn  # noqa: E402  # after the check that there is a PyTorch

pytestmark = pytest.mark.oracle

SPECS = Path(__file__).parents[1] / "specs"


class Block(torch_nn.Module):
    """The basic block of a ResNet, as torchvision has it."""

    def __init__(self, before: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = torch_nn.Conv2d(before, filters, 3, stride, 1, bias=False)
        self.bn1 = torch_nn.BatchNorm2d(filters)
        self.conv2 = torch_nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = torch_nn.BatchNorm2d(filters)
        self.downsample = torch_nn.Sequential()
        if stride != 1 or before != filters:
            self.downsample = torch_nn.Sequential(
                torch_nn.Conv2d(before, filters, 1, stride, bias=False), torch_nn.BatchNorm2d(filters)
            )

    def forward(self, x: Any) -> Any:
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.downsample(x)).relu()


class ResNet18(torch_nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch_nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = torch_nn.BatchNorm2d(64)
        self.maxpool = torch_nn.MaxPool2d(3, 2, 1)
        sizes = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
        self.blocks = torch_nn.Sequential(*(Block(*size) for size in [*sizes, (512, 512, 1)]))
        self.fc = torch_nn.Linear(512, 1000)

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        return self.fc(self.blocks(x).mean((2, 3)))


def pairs(theirs: ResNet18, ours: Any) -> Iterator[tuple[Any, Any]]:
    """Every layer with weights, theirs and ours."""
    yield theirs.conv1, ours.conv_norm.conv
    yield theirs.bn1, ours.conv_norm.batchnorm
    for number, block in enumerate(theirs.blocks, start=1):
        twin = getattr(ours, f"basic_block_{number}" if number > 1 else "basic_block")
        yield block.conv1, twin.conv_norm.conv
        yield block.bn1, twin.conv_norm.batchnorm
        yield block.conv2, twin.conv_norm_2.conv
        yield block.bn2, twin.conv_norm_2.batchnorm
        if len(block.downsample):
            yield block.downsample[0], twin.projection.conv
            yield block.downsample[1], twin.projection.batchnorm
    yield theirs.fc, ours.dense


def copy(theirs: Any, ours: Any) -> None:
    """The weights of one layer."""
    weights = {name: value.numpy().copy() for name, value in theirs.state_dict().items()}
    if isinstance(theirs, torch_nn.BatchNorm2d):
        ours.scale[...], ours.bias[...] = weights["weight"], weights["bias"]
        ours.mean[...], ours.var[...] = weights["running_mean"], weights["running_var"]
        return
    is_conv = isinstance(theirs, torch_nn.Conv2d)
    ours.kernel[...] = weights["weight"].transpose((2, 3, 1, 0) if is_conv else (1, 0))
    if theirs.bias is not None:
        ours.bias[...] = weights["bias"]


def images(*shape: int) -> tuple[np.ndarray, Any]:
    """Random images, channels last for us and channels first for PyTorch."""
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return x, torch.tensor(np.moveaxis(x, -1, 1).copy())


def close(ours: Any, theirs: Any) -> None:
    """Equal within 1e-4 of the largest number."""
    wanted = np.asarray(theirs.detach().numpy())
    assert ours.shape == wanted.shape
    assert np.abs(np.asarray(ours) - wanted).max() <= 1e-4 * max(1.0, np.abs(wanted).max())


def logits(module: Any, x: np.ndarray) -> Any:
    return nnx.jit(lambda module, x: module.logits(x))(module, x)


@pytest.fixture(scope="module")
def resnets() -> tuple[ResNet18, Any]:
    """ResNet-18 of PyTorch with statistics that are not 0 and 1, and ours with its weights, for images of 64x64."""
    torch.manual_seed(0)
    theirs = ResNet18()
    for part in theirs.modules():
        if isinstance(part, torch_nn.BatchNorm2d):
            for values in (part.weight.data, part.running_var):
                values.uniform_(0.5, 1.5)
            for values in (part.bias.data, part.running_mean):
                values.normal_(0, 0.1)
    text = (SPECS / "resnet18.net").read_text().partition("expect")[0]
    ours = netspec.compile(text.replace("input 224x224x3", "input 64x64x3")).module
    for one, other in pairs(theirs, ours):
        copy(one, other)
    return theirs, ours


def test_resnet18_has_the_same_weights(resnets: tuple[ResNet18, Any]) -> None:
    theirs, ours = resnets
    counted = sum(p.numel() for p in theirs.parameters())
    assert counted == sum(p.size for _, p in nnx.to_flat_state(nnx.state(ours, nnx.Param))) == 11_689_512


def test_resnet18_in_prediction(resnets: tuple[ResNet18, Any]) -> None:
    theirs, ours = resnets
    x, same = images(2, 64, 64, 3)
    ours.eval()
    close(logits(ours, x), theirs.eval()(same))
    close(nnx.jit(lambda module, x: module(x))(ours, x), theirs(same).softmax(-1))


def test_resnet18_in_training(resnets: tuple[ResNet18, Any]) -> None:
    """Statistics of the batch are used, and the running means follow them."""
    theirs, ours = resnets
    x, same = images(4, 64, 64, 3)
    ours.train()
    close(logits(ours, x), theirs.train()(same))
    for one, other in pairs(theirs, ours):
        if isinstance(one, torch_nn.BatchNorm2d):
            close(other.mean[...], one.running_mean)


def test_lenet5() -> None:
    torch.manual_seed(0)
    theirs = torch_nn.Sequential(
        *(torch_nn.Conv2d(1, 6, 5), torch_nn.Tanh(), torch_nn.AvgPool2d(2)),
        *(torch_nn.Conv2d(6, 16, 5), torch_nn.Tanh(), torch_nn.AvgPool2d(2)),
        *(torch_nn.Conv2d(16, 120, 5), torch_nn.Tanh(), torch_nn.Flatten()),
        *(torch_nn.Linear(120, 84), torch_nn.Tanh(), torch_nn.Linear(84, 10)),
    )
    ours = netspec.compile(SPECS / "lenet5.net").module
    layers = [part for part in theirs if list(part.parameters())]
    twins = [ours.conv, ours.conv_2, ours.conv_3, ours.dense, ours.dense_2]
    for one, other in zip(layers, twins, strict=True):
        copy(one, other)
    x, same = images(3, 32, 32, 1)
    found, wanted = logits(ours, x), theirs(same)
    close(found, wanted)

    wanted.square().sum().backward()
    gradients = nnx.grad(lambda module: jnp.sum(module.logits(x) ** 2))(ours)
    close(gradients.conv.kernel[...], layers[0].weight.grad.permute(2, 3, 1, 0))
    close(gradients.dense_2.kernel[...], layers[-1].weight.grad.T)
