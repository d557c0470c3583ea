"""Modules of PyTorch, each compared with itself on random inputs by the import."""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from netspec.language.diagnostics import CompileError

torch: Any = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # it may not be installed
from torch.nn import functional as F  # noqa: E402

from tests.interchange.reading.torch import nets  # noqa: E402
from tests.interchange.reading.torch.checked import Of, imported  # noqa: E402


class Several(nn.Module):
    """Modules and functions side by side: one output of each."""

    def __init__(self, parts: dict[str, Any]) -> None:
        super().__init__()
        self.parts = parts
        self.modules_of = nn.ModuleDict({name: part for name, part in parts.items() if isinstance(part, nn.Module)})

    def forward(self, x: Any) -> Any:
        return {f"y_{name}": part(x) for name, part in self.parts.items()}


# ---------------------------------------------------------------- layers

IMAGE: dict[str, Any] = {
    "conv": nn.Conv2d(4, 6, 3),
    "strided": nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), dilation=(2, 1)),
    "same": nn.Conv2d(4, 6, 4, padding="same"),
    "groups": nn.Conv2d(4, 6, 3, groups=2, padding=1),
    "depthwise": nn.Conv2d(4, 8, 3, groups=4),
    "reflected": nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
    "circular": nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"),
    "transposed": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
    "max_pool": nn.MaxPool2d(3, 2, 1),
    "max_pool_ceil": nn.MaxPool2d(3, 2, ceil_mode=True),
    "avg_pool": nn.AvgPool2d(3, 2, 1),
    "avg_pool_real": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive": nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive_uneven": nn.AdaptiveAvgPool2d((4, 3)),
    "adaptive_max": nn.AdaptiveMaxPool2d(1),
    "batchnorm": nn.BatchNorm2d(4),
    "batchnorm_plain": nn.BatchNorm2d(4, affine=False),
    "groupnorm": nn.GroupNorm(2, 4),
    "instancenorm": nn.InstanceNorm2d(4),
    "instancenorm_weights": nn.InstanceNorm2d(4, affine=True),
    "lrn": nn.LocalResponseNorm(3),
    "layernorm_all": nn.LayerNorm((4, 9, 8)),
    "layernorm_channels": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2),
    "nearest": nn.Upsample(scale_factor=2),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, size=(18, 16), mode="bicubic"),
    "exact": lambda x: F.interpolate(x, size=(12, 10), mode="nearest-exact"),
    "smaller": lambda x: F.interpolate(x, size=(5, 4), mode="bilinear", antialias=True),
    "pixel_shuffle": nn.PixelShuffle(2),
    "channel_shuffle": nn.ChannelShuffle(2),
    "zero_pad": nn.ZeroPad2d((1, 2, 0, 1)),
    "reflect_pad": nn.ReflectionPad2d(2),
    "edge_pad": nn.ReplicationPad2d((1, 0, 2, 1)),
    "mean": lambda x: x.mean((2, 3)),
    "mean_kept": lambda x: x.mean((2, 3), keepdim=True),
    "largest": lambda x: x.amax((2, 3)),
    "softmax": lambda x: torch.softmax(x, 1),
    "log_softmax_width": lambda x: F.log_softmax(x, 3),
    "sum_channels": lambda x: x.sum(1),
    "flat": nn.Sequential(nn.Flatten(), nn.Linear(288, 3)),
    "flat_order": lambda x: x.view(x.size(0), -1),
    "patches": nn.Sequential(nn.Conv2d(4, 6, 2, 2), nn.Flatten(2)),
    "steps": lambda x: x.flatten(2).transpose(1, 2),
    "rows": lambda x: x[:, :, 1:5],
    "chunks": lambda x: torch.cat([x.chunk(2, 1)[1], x.chunk(2, 1)[0]], 1),
    "split": lambda x: x.split(3, 1)[0] * 2,
    "normalized": lambda x: F.normalize(x, dim=1),
    "gated": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "gated_positions": lambda x: x * torch.sigmoid(x.mean(1, keepdim=True)),
}
VECTOR: dict[str, Any] = {
    "relu6": nn.ReLU6(),
    "leaky_relu": nn.LeakyReLU(0.2),
    "prelu": nn.PReLU(),
    "prelu_channels": nn.PReLU(6),
    "elu": nn.ELU(0.7),
    "selu": nn.SELU(),
    "celu": nn.CELU(1.3),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU("tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(),
    "sigmoid": nn.Sigmoid(),
    "softplus": nn.Softplus(beta=2),
    "softsign": nn.Softsign(),
    "log_sigmoid": nn.LogSigmoid(),
    "hardtanh": nn.Hardtanh(0, 6),
    "batchnorm": nn.BatchNorm1d(6),
    "rmsnorm": nn.RMSNorm(6),
    "dropout": nn.Dropout(0.3),
    "alpha_dropout": nn.AlphaDropout(0.2),
    "unflatten": nn.Unflatten(1, (3, 2)),
    "arithmetic": lambda x: (2 * x + 1 - x / 4).neg() + x * x,
    "from_one": lambda x: 1 - x,
    "constants": lambda x: x * torch.arange(6.0) + torch.ones(6) * 0.5,
    "maximum": lambda x: torch.maximum(x, 2 * x),
    "max_of_two": lambda x: torch.max(x, 2 * x),
    "clamp": lambda x: x.clamp(min=0),
    "in_place": lambda x: (x * 1).add_(1).relu_(),
    "product": lambda x: x @ torch.arange(12.0).view(6, 2) / 10,
    "features": lambda x: torch.cat([x[:, 1:], x[:, :1]], 1),
    "alpha": lambda x: torch.add(x, 3 * x, alpha=0.5),
    "difference": lambda x: x - torch.tanh(x),
}
SEQUENCE: dict[str, Any] = {
    "turned": lambda x: x.transpose(1, 2),
    "mean": lambda x: x.mean(1),
    "mean_features": lambda x: x.mean(2),
    "last": lambda x: x[:, -1],
    "first": lambda x: x[:, 0],
    "middle": lambda x: x[:, 3],
    "largest": lambda x: x.max(1).values,
    "linear": nn.Linear(6, 3),
    "softmax_steps": nn.Softmax(1),
    "positions": lambda x: x + torch.arange(42.0).view(1, 7, 6),
    "all_rows": lambda x: (x.reshape(-1, 6) @ torch.ones(6, 2)).view(-1, 7, 2),
    "pooled": lambda x: F.adaptive_avg_pool1d(x.transpose(1, 2), 1).squeeze(-1),
    "part": lambda x: x[:, 1:4],
    "unbound": lambda x: x.unbind(1)[2],
    "centered": lambda x: x * x.mean(1, keepdim=True),
}
CHANNELS_FIRST: dict[str, Any] = {
    "chain": nn.Sequential(
        *(nn.Conv1d(6, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(4, 3, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
    ),
    "transposed": nn.ConvTranspose1d(6, 3, 4, 2, 1),
    "flat": nn.Sequential(nn.Conv1d(6, 4, 3), nn.Flatten(), nn.Linear(40, 2)),
    "causal": nn.Sequential(nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(6, 4, 3)),
    "linear": nn.Upsample(scale_factor=2, mode="linear"),
}
VOLUME: dict[str, Any] = {
    "chain": nn.Sequential(
        *(nn.Conv3d(2, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(48, 2))
    ),
    "transposed": nn.ConvTranspose3d(2, 3, 2, 2),
    "pool": nn.AdaptiveAvgPool3d(1),
}


@pytest.mark.parametrize(
    ("parts", "shape"),
    [(IMAGE, (4, 9, 8)), (VECTOR, (6,)), (SEQUENCE, (7, 6)), (CHANNELS_FIRST, (6, 12)), (VOLUME, (2, 4, 6, 5))],
    ids=["image", "vector", "sequence", "channels-first", "volume"],
)
def test_layers_and_functions(parts: dict[str, Any], shape: tuple[int, ...]) -> None:
    imported(Several(parts), shape)


def test_one_axis_of_an_image_is_not_taken_for_another() -> None:
    """Sizes that are equal, and equal to those of a batch."""
    module = nn.Sequential(nn.Conv2d(5, 5, 1), nn.Flatten(), nn.Linear(125, 5))
    imported(module, (5, 5, 5))


# ---------------------------------------------------------------- recurrent layers

RECURRENT: dict[str, Any] = {
    "last": Of(lambda m, x: m.out(m.rnn(x)[0][:, -1]), rnn=nn.LSTM(4, 5, 2, batch_first=True), out=nn.Linear(5, 2)),
    "state": Of(lambda m, x: m.rnn(x)[1][0][-1], rnn=nn.LSTM(4, 5, 2, batch_first=True, dropout=0.2)),
    "both": Of(
        lambda m, x: (lambda h: torch.cat([h[-2], h[-1]], 1))(m.rnn(x)[1]),
        rnn=nn.GRU(4, 5, 2, batch_first=True, bidirectional=True),
    ),
    "steps_first": Of(lambda m, x: m.rnn(x.transpose(0, 1))[0].mean(0), rnn=nn.RNN(4, 5, nonlinearity="relu")),
    "squeezed": Of(lambda m, x: m.rnn(x)[1].squeeze(0), rnn=nn.GRU(4, 5, batch_first=True, bias=False)),
    "all": Of(lambda m, x: m.rnn(x)[0], rnn=nn.LSTM(4, 5, batch_first=True, bidirectional=True)),
}


def test_recurrent_layers() -> None:
    text = imported(Several(RECURRENT), (7, 4)).text
    assert "lstm(5) * 2 -> last -> dense(2)" in text and "lstm(5) -> dropout(0.2) -> lstm(5) -> last" in text
    assert "bidirectional(gru(5, return = last))" in text and "rnn(5, relu)" in text


def test_states_that_are_not_in_the_language() -> None:
    one_way = Of(lambda m, x: m.rnn(x)[1][0], rnn=nn.GRU(4, 5, batch_first=True, bidirectional=True))
    cells = Of(lambda m, x: m.rnn(x)[1][1][-1], rnn=nn.LSTM(4, 5, batch_first=True))
    for module, reason in ((one_way, "the last state of one direction alone"), (cells, "cannot be imported")):
        with pytest.raises(CompileError, match=reason) as caught:
            netspec.import_model(module, inputs=(7, 4))
        assert {d.code for d in caught.value.diagnostics} == {"NS571"}


# ---------------------------------------------------------------- networks


NETWORKS: dict[str, Any] = {
    "resnet": (nets.ResNet(nets.BasicBlock, (1, 1, 1, 1), 5, 4), (3, 32, 32)),
    "bottleneck": (nets.ResNet(nets.Bottleneck, (1, 1, 1, 1), 5, 4), (3, 32, 32)),
    "densenet": (nets.DenseNet((2, 1, 1, 1), 4, 3), (3, 64, 64)),
    "vgg": (nets.Vgg((1, 1, 1, 1, 1), 5, norm=True, width=8, base=2), (3, 224, 224)),
    "mobilenet": (nets.MobileNetV2(5), (3, 32, 32)),
    "googlenet": (nets.GoogLeNet(5), (3, 64, 64)),
    "alexnet": (nets.AlexNet(3), (3, 224, 224)),
}


def test_networks(*, long: bool) -> None:
    for name, (module, shape) in NETWORKS.items():
        if long or name == "resnet":
            imported(module, shape)


def test_names_and_modules_around() -> None:
    from netspec.interchange.torch.reading.reader import read

    steps = read(nets.ResNet(nets.BasicBlock, (1, 1, 1, 1), 5, 4), None, inputs=(3, 32, 32)).sketch.steps
    conv = next(step for step in steps if step.name == "conv2")
    assert conv.scope == ("layer1", "0:BasicBlock")


def test_a_layer_that_is_used_twice() -> None:
    from netspec.interchange.torch.reading.reader import read

    steps = read(Of(lambda m, x: m.a(m.a(x).relu()), a=nn.Linear(4, 4)), None, inputs=(4,)).sketch.steps
    first, second = (step for step in steps if step.weights)
    assert second.shared is first and first.shared is None


def test_the_module_is_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module[1].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    netspec.import_model(module, inputs=(4,))
    assert [part.training for part in module] == [True, False, True] and module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_other_precisions() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).double()
    assert netspec.import_model(module, inputs=(4,)).verification is not None
    assert module[0].weight.dtype == torch.float64


# ---------------------------------------------------------------- what cannot be read


def test_all_problems_are_in_one_message() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Hardshrink(), nn.Tanhshrink()
            self.pool = nn.FractionalMaxPool2d(2, output_size=2)

        def forward(self, x: Any) -> Any:
            return self.first(x).sum(1), torch.fft.rfft(x).abs(), self.pool(x)

    with pytest.raises(CompileError) as caught:
        netspec.import_model(Odd(), inputs=(2, 6, 6))
    whats = [d.what for d in caught.value.diagnostics]
    assert {d.code for d in caught.value.diagnostics} == {"NS571"}
    assert any("first (Hardshrink)" in what for what in whats) and len(whats) == 3


def test_what_export_refuses() -> None:
    class Depends(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2 if x.sum() > 0 else x

    with pytest.raises(CompileError, match=r"torch\.export does not trace it") as caught:
        netspec.import_model(Depends(), inputs=(3,))
    assert caught.value.diagnostics[0].code == "NS570"
    with pytest.raises(CompileError, match="must have same reduction dim"):
        netspec.import_model(nn.Linear(3, 2), inputs=(4,))


def test_a_part_that_is_changed_in_place() -> None:
    def change(m: Any, x: Any) -> Any:
        y = x * 2
        y[:, 0] += 1
        return y

    with pytest.raises(CompileError, match="NS571"):
        netspec.import_model(Of(change), inputs=(3, 4))


@pytest.mark.parametrize("inputs", [None, "3", (3.5,), [], (0, 3), object(), {"input": "y"}])
def test_inputs_that_are_none(inputs: Any) -> None:
    with pytest.raises(TypeError, match="input"):
        netspec.import_model(nn.Linear(3, 2), inputs=inputs)


def test_inputs_that_forward_does_not_have() -> None:
    with pytest.raises(ValueError, match="`forward` has no argument `y`"):
        netspec.import_model(nn.Linear(3, 2), inputs={"y": (3,)})
    with pytest.raises(ValueError, match="`forward` takes 1"):
        netspec.import_model(nn.Linear(3, 2), inputs=[(3,), (3,)])
    with pytest.raises(TypeError, match=r"a file or a torch\.nn\.Module, not int"):
        netspec.import_model(3)
