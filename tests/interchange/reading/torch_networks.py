"""Small networks of PyTorch with what real ones have, to be exported and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, channels: int, activation: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        return self.activation(x + self.bn2(self.conv2(self.activation(self.bn1(self.conv1(x))))))


class Gate(nn.Module):
    """Squeeze and excite."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Any) -> Any:
        return x * torch.sigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.SiLU(), pool)
        self.layer1 = nn.Sequential(Residual(8, nn.GELU()), Residual(8, nn.Hardswish()))
        self.gate = Gate(8)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 9 * 9, 16), nn.ELU(0.7), nn.Dropout(), nn.Linear(16, 5))

    def forward(self, x: Any) -> Any:
        return self.head(self.gate(self.layer1(self.stem(x)))).softmax(1)


class ConvNext(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.depthwise = nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 7, padding=3, groups=4)
        self.norm, self.up, self.down = nn.LayerNorm(4, 1e-6), nn.Linear(4, 16), nn.Linear(16, 4)
        self.gamma = nn.Parameter(torch.randn(4))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 1, 3)
        self.up, self.group, self.instance = nn.ConvTranspose2d(8, 4, 2, 2), nn.GroupNorm(2, 8), nn.InstanceNorm2d(4)

    def forward(self, x: Any) -> Any:
        h = F.relu(self.instance(self.a(x)))
        y = F.leaky_relu(self.group(self.b(F.avg_pool2d(h, 2))), 0.2)
        return torch.sigmoid(self.c(F.interpolate(torch.cat([self.up(y), h], 1), scale_factor=2)))


class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.tokens = nn.LayerNorm(6), nn.Linear(8, 8)
        self.channels, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        x = x + F.gelu(self.tokens(self.norm(x).transpose(1, 2)), approximate="tanh").transpose(1, 2)
        return self.head((x + self.channels(x)).mean(1))


class Rearranged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.prelu = nn.Conv2d(6, 6, 3, groups=2), nn.PReLU(6)

    def forward(self, x: Any) -> Any:
        a, b = x.chunk(2, 1)
        x = self.prelu(self.conv(F.pad(torch.cat([b, a], 1), (1, 1, 1, 1), "reflect")))
        x = F.pixel_shuffle(torch.cat([x, x[:, :2]], 1), 2)
        x = F.hardtanh(x, -1, 0.5) + torch.abs(x) + F.relu6(x) * F.softsign(x) + x**2
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.log_softmax(F.normalize(torch.cat([x, -x, x], 1)), 1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.gru = nn.Embedding(20, 6), nn.GRU(10, 4, batch_first=True)
        self.lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True, num_layers=2)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.gru(self.lstm(self.embedding(x))[0])[0][:, -1])


class ConvRecurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(3, 4, 3, padding=1), nn.BatchNorm1d(4)
        self.rnn, self.head = nn.RNN(4, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x: Any) -> Any:
        y = F.max_pool1d(F.relu(self.norm(self.conv(x))), 2).transpose(1, 2)
        return self.head(self.rnn(y)[1][-1])


class Encoder(nn.Module):
    """With the attention of PyTorch, which joins the batch with other axes."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")
        self.embedding, self.positions = nn.Embedding(30, 8), nn.Parameter(torch.randn(1, 7, 8))
        self.layers, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(8, 30)

    def forward(self, x: Any) -> Any:
        return self.head(self.layers(self.embedding(x) + self.positions))


class VisionTransformer(nn.Module):
    """With one projection for queries, keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.randn(1, 1, 8))
        self.positions, self.norm = nn.Parameter(torch.randn(1, 17, 8)), nn.LayerNorm(8)
        self.qkv, self.out, self.head = nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        count, steps, features = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(count, steps, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q @ k.transpose(-2, -1)) * 0.5).softmax(-1) @ v
        return self.head((x + self.out(y.transpose(1, 2).reshape(count, steps, features)))[:, 0])


class Causal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(30, 8), nn.Linear(8, 30, bias=False)
        self.q, self.k, self.v, self.out = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Any) -> Any:
        x = self.embedding(x)
        count, steps, features = x.shape
        q, k, v = (f(x).view(count, steps, 2, 4).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(x + self.out(y.transpose(1, 2).reshape(count, steps, features)))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "resnet": (ResNet, (3, 33, 33)),
    "convnext": (ConvNext, (3, 16, 16)),
    "unet": (UNet, (1, 8, 8)),
    "mixer": (Mixer, (8, 6)),
    "rearranged": (Rearranged, (6, 6, 6)),
    "recurrent": (Recurrent, ()),
    "conv_recurrent": (ConvRecurrent, (3, 10)),
    "encoder": (Encoder, ()),
    "vision_transformer": (VisionTransformer, (3, 16, 16)),
    "causal": (Causal, ()),
}
"""A network, and the sizes of one example; none for seven token ids."""
