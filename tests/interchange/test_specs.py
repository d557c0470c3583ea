"""The specs that come with netspec as ONNX; large ones with fewer channels and smaller images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netspec
from tests.interchange.conftest import check

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.net"))
SLOW = {
    *("alexnet", "alexnet_grouped", "bert_base", "densenet121", "googlenet", "googlenet_aux", "mobilenet_v2"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vgg16", "vgg16_bn", "vgg19", "siamese", "unet"),
    *("transformer", "char_lstm", "keras_cifar10", "digit_recognizer", "mlp", "softmax_regression", "sdsc_cnn"),
    "mnist_augmented",
}
"""Those that take long, or are much like others: they are tested with `--long`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    paths = [path for path in SPECS if metafunc.config.getoption("--long") or path.stem not in SLOW]
    metafunc.parametrize("path", paths, ids=[path.stem for path in paths])


SMALLER = {"224x224": "96x96", "227x227": "99x99", "572x572": "188x188"}
"""The sizes of images, and those that they are tested with."""


def small(text: str) -> str:
    """A spec with smaller images and an eighth of the channels, where it has many, without its expectations."""
    text = text.partition("\nexpect {")[0]
    for size, smaller in SMALLER.items():
        text = text.replace(size, smaller)
    return re.sub(r"(?<![\dx.])\d{3,}(?![\dx.])", lambda n: str(int(n[0]) // 8) if int(n[0]) > 127 else n[0], text)


def test_specs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    has_data = "\ndata {" in text
    check(netspec.compile(path) if has_data else netspec.compile(small(text)))
