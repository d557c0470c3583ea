"""Files of weights by the names of torchvision, timm and transformers, against networks written in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.interchange.imports import Imported
from netspec.storage.weights import flat_weights, put_weights, weights_of

torch: Any = pytest.importorskip("torch")
save_file: Any = pytest.importorskip("safetensors.torch").save_file

from tests.interchange.reading.torch import nets  # noqa: E402  # it needs torch

SMALL = 64
"""The size of images: the specs have 224, which takes twelve times as long."""


def smaller(imported: Imported, size: int = SMALL) -> Any:
    """The imported network for smaller images."""
    text = imported.text.partition("\nexpect {")[0].replace("224x224", f"{size}x{size}")
    model = netspec.compile(text)
    put_weights(model.module, flat_weights(weights_of(imported.model.module)), "test")
    return model


def images(count: int = 2, size: int = SMALL) -> Any:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def channels_last(x: Any) -> Any:
    return x.permute(0, 2, 3, 1).numpy()


def difference(found: Any, expected: Any) -> float:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def imported_from(module: Any, folder: Path) -> Imported:
    save_file(module.state_dict(), folder / "net.safetensors")
    return netspec.import_model(folder / "net.safetensors")


VISION: dict[str, Any] = {
    "resnet18": lambda: nets.ResNet(nets.BasicBlock, (2, 2, 2, 2)),
    "resnet34": lambda: nets.ResNet(nets.BasicBlock, (3, 4, 6, 3), 7),
    "resnet50": lambda: nets.ResNet(nets.Bottleneck, (3, 4, 6, 3), 10),
    "resnet101": lambda: nets.ResNet(nets.Bottleneck, (3, 4, 23, 3), 10),
    "resnet152": lambda: nets.ResNet(nets.Bottleneck, (3, 8, 36, 3), 10),
    "mobilenet_v2": lambda: nets.MobileNetV2(5),
    "densenet121": lambda: nets.DenseNet(classes=11),
    "googlenet": lambda: nets.GoogLeNet(20),
}
FULL: dict[str, Any] = {
    "alexnet": lambda: nets.AlexNet(12),
    "vgg11": lambda: nets.Vgg((1, 1, 2, 2, 2), 3),
    "vgg16": lambda: nets.Vgg((2, 2, 3, 3, 3)),
    "vgg16_bn": lambda: nets.Vgg((2, 2, 3, 3, 3), 9, norm=True),
    "vgg19": lambda: nets.Vgg((2, 2, 4, 4, 4), 2),
}
"""These need images of 224 x 224."""
QUICK = ("resnet18",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vision" in metafunc.fixturenames:
        is_long = metafunc.config.getoption("--long")
        metafunc.parametrize("vision", [*VISION, *FULL] if is_long else QUICK)


def test_networks_for_images(vision: str, tmp_path: Path) -> None:
    module = nets.randomized((VISION | FULL)[vision]())
    found = imported_from(module, tmp_path)
    size = 224 if vision in FULL else SMALL
    model = found.model if vision in FULL else smaller(found)
    x = images(1 if vision in FULL else 2, size)
    with torch.no_grad():
        expected = torch.softmax(module(x), -1)
    assert difference(model(channels_last(x)), expected) < 1e-4
    assert np.ptp(expected.numpy()) > 1e-3
