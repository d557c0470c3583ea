"""The nets in PyTorch: images have their channels first for it, and last in memory. A call gives logits."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.workloads import CLASSES


def sdsc_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(13 * 13 * 16, 32), nn.ReLU(),
        nn.Linear(32, CLASSES),
    )  # fmt: skip


def mnist_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 32, 128), nn.ReLU(),
        nn.Linear(128, CLASSES),
    )  # fmt: skip


def digit_recognizer() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(7 * 7 * 16, 256), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(256, CLASSES),
    )  # fmt: skip


def lenet5() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(),
        nn.Flatten(), nn.Linear(120, 84), nn.Tanh(),
        nn.Linear(84, CLASSES),
    )  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, CLASSES)
    )  # fmt: skip


# ------------------------------------------------------------ convolutions with a norm


def conv_norm(channels: int, filters: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(filters),
    )


class Mean(nn.Module):
    """Of every channel over all places."""

    def forward(self, x):
        return x.mean(dim=(2, 3))


class Halve(nn.Module):
    """Every second place, and as many channels of zeros."""

    def forward(self, x):
        x = x[:, :, ::2, ::2]
        return F.pad(x, (0, 0, 0, 0, 0, x.shape[1]))


class Residual(nn.Module):
    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.body, self.shortcut, self.relu = body, shortcut or nn.Identity(), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


def cifar20_block(channels: int, filters: int, stride: int) -> nn.Module:
    body = nn.Sequential(
        conv_norm(channels, filters, 3, stride), nn.ReLU(inplace=True), conv_norm(filters, filters, 3)
    )  # fmt: skip
    return Residual(body, Halve() if stride != 1 else None)


def basic_block(channels: int, filters: int, stride: int) -> nn.Module:
    body = nn.Sequential(
        conv_norm(channels, filters, 3, stride), nn.ReLU(inplace=True), conv_norm(filters, filters, 3)
    )  # fmt: skip
    projects = stride != 1 or channels != filters
    return Residual(body, conv_norm(channels, filters, 1, stride) if projects else None)


def bottleneck(channels: int, filters: int, stride: int) -> nn.Module:
    body = nn.Sequential(
        conv_norm(channels, filters, 1), nn.ReLU(inplace=True),
        conv_norm(filters, filters, 3, stride), nn.ReLU(inplace=True),
        conv_norm(filters, 4 * filters, 1),
    )  # fmt: skip
    projects = stride != 1 or channels != 4 * filters
    return Residual(body, conv_norm(channels, 4 * filters, 1, stride) if projects else None)


def resnet20() -> nn.Module:
    plan = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    return nn.Sequential(
        conv_norm(3, 16, 3), nn.ReLU(inplace=True),
        *(cifar20_block(*sizes) for sizes in plan),
        Mean(), nn.Linear(64, CLASSES),
    )  # fmt: skip


def resnet18() -> nn.Module:
    blocks, channels = [], 64
    for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        blocks += [basic_block(channels, filters, stride), basic_block(filters, filters, 1)]
        channels = filters
    return nn.Sequential(
        conv_norm(3, 64, 3), nn.ReLU(inplace=True), *blocks, Mean(), nn.Linear(512, CLASSES)
    )  # fmt: skip


def resnet50() -> nn.Module:
    blocks, channels = [], 64
    for filters, stride, count in [(64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)]:
        for at in range(count):
            blocks.append(bottleneck(channels, filters, stride if at == 0 else 1))
            channels = 4 * filters
    return nn.Sequential(
        conv_norm(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1),
        *blocks, Mean(), nn.Linear(2048, CLASSES),
    )  # fmt: skip


class InvertedResidual(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int = 1, expand: int = 6):
        super().__init__()
        wide = expand * channels
        widen = [conv_norm(channels, wide, 1), nn.ReLU6(inplace=True)] if expand > 1 else []
        self.body = nn.Sequential(
            *widen, conv_norm(wide, wide, 3, stride, groups=wide), nn.ReLU6(inplace=True), conv_norm(wide, filters, 1)
        )
        self.has_shortcut = stride == 1 and channels == filters

    def forward(self, x):
        return x + self.body(x) if self.has_shortcut else self.body(x)


def mobilenet() -> nn.Module:
    plan = [(32, 16, 1, 1), (16, 24, 1), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    return nn.Sequential(
        conv_norm(3, 32, 3), nn.ReLU6(inplace=True),
        *(InvertedResidual(*sizes) for sizes in plan),
        conv_norm(64, 256, 1), nn.ReLU6(inplace=True),
        Mean(), nn.Linear(256, CLASSES),
    )  # fmt: skip


# ------------------------------------------------------------ inception


def conv_relu(channels: int, filters: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, filters, kernel, padding=kernel // 2), nn.ReLU(inplace=True))


class Inception(nn.Module):
    def __init__(self, channels: int, conv1: int, reduce3: int, conv3: int, reduce5: int, conv5: int, pool: int):
        super().__init__()
        self.branches = nn.ModuleList([
            conv_relu(channels, conv1, 1),
            nn.Sequential(conv_relu(channels, reduce3, 1), conv_relu(reduce3, conv3, 3)),
            nn.Sequential(conv_relu(channels, reduce5, 1), conv_relu(reduce5, conv5, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, padding=1), conv_relu(channels, pool, 1)),
        ])  # fmt: skip

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def inception_net() -> nn.Module:
    return nn.Sequential(
        conv_relu(3, 64, 3),
        Inception(64, 64, 96, 128, 16, 32, 32),
        Inception(256, 128, 128, 192, 32, 96, 64),
        nn.MaxPool2d(3, 2, padding=1),
        Inception(480, 192, 96, 208, 16, 48, 64),
        Mean(), nn.Linear(512, CLASSES),
    )  # fmt: skip


# ------------------------------------------------------------ sequences


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, CLASSES)

    def forward(self, x):
        return self.head(self.encoder(x).mean(dim=1))


class BiLstm(nn.Module):
    """The second bias of each direction, which the others do not have, stays zero and is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(128, 128, batch_first=True, bidirectional=True)
        for name in ("bias_hh_l0", "bias_hh_l0_reverse"):
            getattr(self.lstm, name).requires_grad_(False).zero_()
        self.head = nn.Linear(256, CLASSES)

    def forward(self, x):
        return self.head(self.lstm(x)[0].mean(dim=1))


NETS = {
    "sdsc_cnn": sdsc_cnn,
    "mnist_cnn": mnist_cnn,
    "digit_recognizer": digit_recognizer,
    "lenet5_mnist": lenet5,
    "mlp_784": mlp,
    "resnet20": resnet20,
    "resnet18_cifar": resnet18,
    "resnet50_64": resnet50,
    "mobilenet_small": mobilenet,
    "inception_small": inception_net,
    "transformer_encoder": Encoder,
    "bilstm": BiLstm,
}
