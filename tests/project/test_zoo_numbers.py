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

SPECS = Path(__file__).parents[2] / "specs"


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
    if isinstance(theirs, torch_nn.LayerNorm):
        ours.scale[...], ours.bias[...] = weights["weight"], weights["bias"]
        return
    if isinstance(theirs, torch_nn.Embedding):
        ours.embedding[...] = weights["weight"]
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


# ---------------------------------------------------------------- BERT, in small


class BertLayer(torch_nn.Module):
    """A layer of BERT: norms behind the sums, the gelu with erf, no attention to padded steps."""

    def __init__(self, features: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (torch_nn.Linear(features, features) for _ in range(4))
        self.up, self.down = torch_nn.Linear(features, hidden), torch_nn.Linear(hidden, features)
        self.norm1, self.norm2 = (torch_nn.LayerNorm(features, eps=1e-12) for _ in range(2))

    def forward(self, x: Any, real: Any) -> Any:
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        weights = scores.masked_fill(~real[:, None, None, :], -torch.inf).softmax(-1)
        x = self.norm1(x + self.out((weights @ value).transpose(1, 2).flatten(2)))
        hidden = self.up(x)
        return self.norm2(x + self.down(hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))))


class Bert(torch_nn.Module):
    """BERT with two layers of 8 features, for texts of seven of twenty words; its last step is the pooler."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.segments, self.positions = (torch_nn.Embedding(n, 8) for n in (20, 2, 7))
        self.norm = torch_nn.LayerNorm(8, eps=1e-12)
        self.layers = torch_nn.ModuleList(BertLayer(8, 2, 16) for _ in range(2))
        self.pooler = torch_nn.Linear(8, 8)

    def forward(self, ids: Any, segments: Any) -> tuple[Any, Any]:
        x = self.norm(self.words(ids) + self.segments(segments) + self.positions.weight)
        for layer in self.layers:
            x = layer(x, ids != 0)
        return x, self.pooler(x[:, 0]).tanh()


def bert_pairs(theirs: Bert, ours: Any) -> Iterator[tuple[Any, Any]]:
    """Every layer with weights, theirs and ours."""
    yield theirs.words, ours.embedding
    yield theirs.segments, ours.embedding_2
    yield theirs.positions, ours.posembed
    yield theirs.norm, ours.layernorm
    for layer, twin in zip(theirs.layers, (ours.encoder_layer, ours.encoder_layer_2), strict=True):
        for name in ("query", "key", "value", "out"):
            yield getattr(layer, name), getattr(twin.attention, name)
        yield layer.norm1, twin.layernorm
        yield layer.up, twin.feed_forward.dense
        yield layer.down, twin.feed_forward.dense_2
        yield layer.norm2, twin.layernorm_2
    yield theirs.pooler, ours.dense


def test_bert_in_small() -> None:
    """The spec of BERT with smaller numbers. What goes into its layers is so small that a larger epsilon would show."""
    torch.manual_seed(0)
    theirs = Bert()
    for part in theirs.modules():
        if isinstance(part, torch_nn.LayerNorm):
            part.weight.data.uniform_(0.5, 1.5)
            part.bias.data.normal_(0, 0.1)
    for parameter in (*theirs.norm.parameters(), theirs.layers[0].value.bias, *theirs.layers[0].out.parameters()):
        parameter.data.mul_(1e-3)
    text = (SPECS / "bert_base.net").read_text().partition("expect")[0]
    smaller = {"512 tokens(30522": "7 tokens(20", "512 tokens(2)": "7 tokens(2)", "768": "8", "(12, 3072": "(2, 16"}
    smaller |= {"* 12\n": "* 2\n", "\npooled\n": "\noutput steps = sequence\noutput summary = pooled\n"}
    for old, new in smaller.items():
        assert old in text
        text = text.replace(old, new)
    ours = netspec.compile(text).module
    for one, other in bert_pairs(theirs, ours):
        copy(one, other)
    ours.eval()
    ids = np.array([[3, 9, 1, 1, 5, 2, 8], [4, 2, 2, 7, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0]])
    segments = np.array([[0, 0, 0, 1, 1, 1, 1]] * 3)
    real = ids != 0

    steps, summary = theirs(torch.tensor(ids), torch.tensor(segments))
    found = nnx.jit(lambda module: module(ids, segments))(ours)
    close(np.asarray(found["steps"])[real], steps[real])
    close(found["summary"], summary)

    rng = np.random.default_rng(0)
    on_steps, on_summary = (rng.normal(size=y.shape).astype(np.float32) for y in (steps, summary))
    on_steps *= real[..., None]
    ((steps * torch.tensor(on_steps)).sum() + (summary * torch.tensor(on_summary)).sum()).backward()

    def loss(module: Any) -> Any:
        y = module(ids, segments)
        return (y["steps"] * on_steps).sum() + (y["summary"] * on_summary).sum()

    gradients = nnx.jit(nnx.grad(loss))(ours)
    for one, other in bert_pairs(theirs, gradients):
        if isinstance(one, torch_nn.Linear):
            close(other.kernel[...], one.weight.grad.T)
            close(other.bias[...], one.bias.grad)
        elif isinstance(one, torch_nn.LayerNorm):
            close(other.scale[...], one.weight.grad)
            close(other.bias[...], one.bias.grad)
        else:
            close(other.embedding[...], one.weight.grad)
