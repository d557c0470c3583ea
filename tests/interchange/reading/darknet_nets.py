"""Networks of Darknet, written as a cfg and a file of weights, and computed by PyTorch at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "leaky": lambda x: F.leaky_relu(x, 0.1),
    "relu": F.relu,
    "mish": F.mish,
    "swish": F.silu,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
}
HEADS = {
    (0, 1): np.array([0, 1, 0], "<i4").tobytes() + np.array([7], "<i4").tobytes(),
    (0, 2): np.array([0, 2, 0], "<i4").tobytes() + np.array([7], "<i8").tobytes(),
    (2000, 0): np.array([2000, 0, 0], "<i4").tobytes() + np.array([7], "<i4").tobytes(),
}
"""The heads of files of weights by their version; the count of images has 32 or 64 bits."""


class DarknetNet:
    """Writes sections, and computes them at once for a batch of inputs; `values` are the outputs of all layers."""

    def __init__(self, *sizes: int, seed: int = 0, version: tuple[int, int] = (0, 2), more: str = "") -> None:
        self.rng = np.random.default_rng(seed)
        names = ("channels", "height", "width") if len(sizes) == 3 else ("inputs",)
        options = "\n".join(f"{name}={size}" for name, size in zip(names, sizes, strict=True))
        self.lines = [f"[net]\n{options}\n{more}"]
        self.version = version
        self.numbers: list[np.ndarray] = []
        self.input = torch.tensor(self.rng.normal(size=(2, *sizes)), dtype=torch.float32)
        self.values: list[torch.Tensor] = []
        self.ends: list[torch.Tensor] = []

    @property
    def x(self) -> torch.Tensor:
        return self.values[-1] if self.values else self.input

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The cfg and the weights."""
        cfg, weights = folder / "net.cfg", folder / "net.weights"
        cfg.write_text("\n".join(self.lines))
        weights.write_bytes(self.weights())
        return cfg, weights

    def weights(self) -> bytes:
        """The bytes of the weights."""
        return HEADS[self.version] + b"".join(n.astype("<f4").tobytes() for n in self.numbers)

    def section(self, kind: str, y: torch.Tensor, **options: Any) -> None:
        self.lines.append(f"[{kind}]\n" + "".join(f"{name}={value}\n" for name, value in options.items()))
        self.values.append(y)

    def _numbers(self, *shape: int, scale: float = 1.0, low: float | None = None) -> torch.Tensor:
        found = self.rng.normal(size=shape) if low is None else self.rng.uniform(low, low + 1, size=shape)
        self.numbers.append((found * scale).astype(np.float32).reshape(-1))
        return torch.tensor(found * scale, dtype=torch.float32)

    def _norm(self, units: int, is_normalized: bool) -> tuple[torch.Tensor, ...]:
        bias = self._numbers(units, scale=0.1)
        if not is_normalized:
            return (bias,)
        return bias, self._numbers(units, low=0.5), self._numbers(units, scale=0.2), self._numbers(units, low=0.5)

    def conv(
        self,
        filters: int,
        size: int = 3,
        stride: int = 1,
        *,
        activation: str = "leaky",
        norm: bool = True,
        groups: int = 1,
        dilation: int = 1,
    ) -> None:
        x = self.x if self.x.ndim > 2 else self.x[:, :, None, None]
        parts = self._norm(filters, norm)
        inner = x.shape[1] // groups
        weight = self._numbers(filters, inner, size, size, scale=(1.5 / (inner * size * size)) ** 0.5)
        pad = size // 2 * dilation
        y = F.conv2d(x, weight, None if norm else parts[0], stride, pad, dilation, groups)
        if norm:
            y = F.batch_norm(y, parts[2], parts[3], parts[1], parts[0], eps=1e-6)
        more: dict[str, Any] = {"batch_normalize": 1} if norm else {}
        more |= {"groups": groups} if groups > 1 else {}
        more |= {"dilation": dilation} if dilation > 1 else {}
        options = {"filters": filters, "size": size, "stride": stride, "pad": 1, "activation": activation}
        self.section("convolutional", ACTIVATIONS[activation](y), **more, **options)

    def connected(self, units: int, activation: str = "linear", norm: bool = False) -> None:
        x = self.x.flatten(1)
        bias = self._numbers(units, scale=0.1)
        if self.version[0] > 1000:
            weight = self._numbers(x.shape[1], units, scale=x.shape[1] ** -0.5).T
        else:
            weight = self._numbers(units, x.shape[1], scale=x.shape[1] ** -0.5)
        y = x @ weight.T
        if norm:
            scale, mean = self._numbers(units, low=0.5), self._numbers(units, scale=0.2)
            y = F.batch_norm(y, mean, self._numbers(units, low=0.5), scale, bias, eps=1e-6)
        else:
            y = y + bias
        more = {"batch_normalize": 1} if norm else {}
        self.section("connected", ACTIVATIONS[activation](y), output=units, activation=activation, **more)

    def maxpool(self, size: int = 2, stride: int = 2) -> None:
        before = (size - 1) // 2
        padded = F.pad(self.x, (before, size - 1 - before) * 2, value=-torch.inf)
        self.section("maxpool", F.max_pool2d(padded, size, stride), size=size, stride=stride)

    def avgpool(self) -> None:
        self.section("avgpool", self.x.mean((2, 3), keepdim=True))

    def softmax(self) -> None:
        self.section("softmax", self.x.flatten(1).softmax(1), groups=1)

    def dropout(self) -> None:
        self.section("dropout", self.x, probability=0.5)

    def route(self, *layers: int, groups: int = 1, group: int = 0) -> None:
        found = [self.values[layer] for layer in layers]
        y = torch.cat([x.chunk(groups, 1)[group] for x in found], 1)
        more = {"groups": groups, "group_id": group} if groups > 1 else {}
        self.section("route", y, layers=",".join(map(str, layers)), **more)

    def shortcut(self, layer: int, activation: str = "linear") -> None:
        y = ACTIVATIONS[activation](self.x + self.values[layer])
        self.section("shortcut", y, **{"from": layer}, activation=activation)

    def upsample(self, stride: int = 2) -> None:
        y = self.x.repeat_interleave(stride, 2).repeat_interleave(stride, 3)
        self.section("upsample", y, stride=stride)

    def reorg(self, stride: int = 2) -> None:
        """As `reorg_cpu` of Darknet, number by number."""
        x = self.x
        n, c, h, w = x.shape
        flat, y = x.reshape(n, -1), torch.empty(n, c * h * w)
        for k in range(c):
            for j in range(h):
                for i in range(w):
                    inner, offset = k % (c // stride**2), k // (c // stride**2)
                    i2, j2 = i * stride + offset % stride, j * stride + offset // stride
                    y[:, i + w * (j + h * k)] = flat[:, i2 + w * stride * (j2 + h * stride * inner)]
        self.section("reorg", y.reshape(n, c * stride**2, h // stride, w // stride), stride=stride)

    def scale_channels(self, layer: int) -> None:
        self.section("scale_channels", self.values[layer] * self.x, **{"from": layer})

    def yolo(self, kind: str = "yolo") -> None:
        self.ends.append(self.x)
        self.section(kind, self.x, mask="0,1,2", anchors="10,14, 23,27, 37,58", classes=2, num=3)


def darknet19() -> DarknetNet:
    net = DarknetNet(3, 64, 64, more="learning_rate=0.1\npolicy=poly\npower=4\nmax_batches=1600000")
    net.conv(4)
    net.maxpool()
    net.conv(8)
    net.maxpool()
    for filters, count in ((12, 3), (16, 3), (24, 5), (32, 5)):
        for index in range(count):
            net.conv(filters if index % 2 == 0 else filters // 2, 3 if index % 2 == 0 else 1)
        if filters < 32:
            net.maxpool()
    net.conv(10, 1, norm=False, activation="linear")
    net.avgpool()
    net.softmax()
    return net


def yolo_v2() -> DarknetNet:
    net = DarknetNet(3, 64, 64)
    for filters in (4, 8, 12, 16):
        net.conv(filters)
        net.maxpool()
    net.conv(24)
    net.route(-3)
    net.conv(8, 1)
    net.reorg()
    net.route(-1, -4)
    net.conv(16)
    net.conv(21, 1, norm=False, activation="linear")
    return net


def tiny_yolo_v2() -> DarknetNet:
    net = DarknetNet(3, 96, 96)
    for filters in (4, 6, 8, 12, 16):
        net.conv(filters)
        net.maxpool()
    net.conv(16)
    net.maxpool(2, 1)
    net.conv(24)
    net.conv(21, 1, norm=False, activation="linear")
    net.yolo("region")
    return net


def tiny_yolo_v3() -> DarknetNet:
    net = DarknetNet(3, 64, 64)
    for filters in (4, 6, 8, 12):
        net.conv(filters)
        net.maxpool()
    net.conv(16)
    net.maxpool()
    net.conv(16)
    net.maxpool(2, 1)
    net.conv(24)
    net.conv(8, 1)
    net.conv(16)
    net.conv(21, 1, norm=False, activation="linear")
    net.yolo()
    net.route(-4)
    net.conv(8, 1)
    net.upsample()
    net.route(-1, 8)
    net.conv(16)
    net.conv(21, 1, norm=False, activation="linear")
    net.yolo()
    return net


def yolo_v3() -> DarknetNet:
    net = DarknetNet(3, 64, 64)
    net.conv(4)
    for filters, count in ((8, 1), (12, 2), (16, 2), (24, 1)):
        net.conv(filters, 3, 2)
        for _ in range(count):
            net.conv(filters // 2, 1)
            net.conv(filters)
            net.shortcut(-3)
        if filters == 16:
            saved = len(net.values) - 1
    for _ in range(2):
        net.conv(12, 1)
        net.conv(24)
    net.conv(21, 1, norm=False, activation="linear")
    net.yolo()
    net.route(-4)
    net.conv(8, 1)
    net.upsample()
    net.route(-1, saved)
    net.conv(16)
    net.conv(21, 1, norm=False, activation="linear")
    net.yolo()
    return net


def yolo_v4_tiny() -> DarknetNet:
    """Routes to half of the channels, mish, and spatial pyramids of pools."""
    net = DarknetNet(3, 48, 48)
    net.conv(8, 3, 2, activation="mish")
    net.conv(8)
    net.route(-1, groups=2, group=1)
    net.conv(4)
    net.conv(4)
    net.route(-1, -2)
    net.conv(8, 1)
    net.route(-6, -1)
    net.maxpool(2, 2)
    net.conv(8, 1)
    net.maxpool(5, 1)
    net.route(-2)
    net.maxpool(9, 1)
    net.route(-1, -3, -4)
    net.conv(12, 1, activation="swish")
    return net


def efficient() -> DarknetNet:
    """Depthwise convolutions and squeeze-and-excitation, as in EfficientNet."""
    net = DarknetNet(3, 32, 32)
    net.conv(8, 3, 2, activation="swish")
    net.conv(8, 3, 1, activation="swish", groups=8)
    net.avgpool()
    net.conv(4, 1, norm=False, activation="swish")
    net.conv(8, 1, norm=False, activation="logistic")
    net.scale_channels(-4)
    net.conv(6, 1, activation="linear")
    net.conv(6, 3, 1, activation="relu", groups=2)
    net.dropout()
    net.shortcut(-3)
    net.avgpool()
    net.connected(5)
    net.softmax()
    return net


NETS: dict[str, Callable[[], DarknetNet]] = {
    found.__name__: found
    for found in (darknet19, yolo_v2, tiny_yolo_v2, tiny_yolo_v3, yolo_v3, yolo_v4_tiny, efficient)
}
"""Networks by name."""


def outputs(net: DarknetNet) -> Sequence[torch.Tensor]:
    """What the network gives: maps that boxes are found in, or what its last layer gives."""
    return net.ends or [net.x]
