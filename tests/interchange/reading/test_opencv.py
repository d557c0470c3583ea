"""What OpenCV is given, and what is made of its results; a stand-in for it computes with PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from netspec.interchange.configs import opencv
from netspec.interchange.configs.caffe.reader import read
from netspec.interchange.imports import import_model
from netspec.language.diagnostics import CompileError
from netspec.language.lazy import lazy
from tests.interchange.reading.caffe_nets import CaffeNet, lenet
from tests.interchange.reading.darknet_nets import DarknetNet


class StandIn:
    """A network of OpenCV: what it is given, and a function for what it gives."""

    def __init__(self, text: bytes, compute: Any) -> None:
        self.text, self.compute = text.decode(), compute
        self.given: dict[str, np.ndarray] = {}

    def setPreferableBackend(self, backend: int) -> None:
        assert backend == 3

    def setPreferableTarget(self, target: int) -> None:
        assert target == 0

    def setInput(self, x: np.ndarray, name: str) -> None:
        assert x.dtype == np.float32
        self.given[name] = x

    def forward(self, names: list[str]) -> list[np.ndarray]:
        return [np.asarray(y) for y in self.compute(self.given, names)]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes OpenCV compute with a function of the inputs and the names of layers; returns the networks that it read."""

    def install(compute: Any) -> list[StandIn]:
        networks: list[StandIn] = []

        def read_network(text: np.ndarray, weights: np.ndarray) -> StandIn:
            assert text.dtype == weights.dtype == np.uint8
            networks.append(StandIn(text.tobytes(), compute))
            return networks[-1]

        dnn = SimpleNamespace(
            readNetFromCaffe=read_network, readNetFromDarknet=read_network, DNN_BACKEND_OPENCV=3, DNN_TARGET_CPU=0
        )
        module = SimpleNamespace(dnn=dnn, error=ArithmeticError)
        monkeypatch.setitem(sys.modules, "cv2", module)
        monkeypatch.setattr(opencv, "cv2", lazy("cv2"))
        return networks

    return install


def pooled(kernel: torch.Tensor, bias: torch.Tensor) -> Any:
    """A convolution of one position, as channels x height x width."""

    def compute(given: Mapping[str, np.ndarray], names: list[str]) -> list[torch.Tensor]:
        x = torch.tensor(given["data"])
        assert x.shape[1:] == (3, 6, 5)
        assert names == ["c"]
        return [torch.nn.functional.conv2d(x, kernel, bias)]

    return compute


def network(folder: Path) -> tuple[Path, Path, Any]:
    net = CaffeNet(3, 6, 5)
    net.conv(4, 1, name="c")
    kernel, bias = (torch.tensor(array) for array in net.weights["c"])
    return *net.write(folder), pooled(kernel, bias)


def test_results_are_in_the_layout_of_netspec(stand_in: Any, tmp_path: Path) -> None:
    text, weights, compute = network(tmp_path)
    networks = stand_in(compute)
    found = import_model(text, weights=weights)
    assert "verified with OpenCV" in found.checked
    assert len(networks) == 1
    assert 'input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 5 }' in networks[0].text


def test_other_results_are_an_error(stand_in: Any, tmp_path: Path) -> None:
    text, weights, compute = network(tmp_path)
    stand_in(lambda given, names: [1.01 * y for y in compute(given, names)])
    with pytest.raises(CompileError, match="NS573"):
        import_model(text, weights=weights)


def test_a_network_that_opencv_refuses_is_not_verified(stand_in: Any, tmp_path: Path) -> None:
    def refuse(given: Mapping[str, np.ndarray], names: list[str]) -> list[torch.Tensor]:
        raise ArithmeticError("not implemented")

    text, weights, _ = network(tmp_path)
    stand_in(refuse)
    assert import_model(text, weights=weights).checked.startswith("not verified")


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text, weights, _ = network(tmp_path)
    for module in (None, SimpleNamespace(dnn=SimpleNamespace())):  # not installed; OpenCV 5
        monkeypatch.setitem(sys.modules, "cv2", module)
        monkeypatch.setattr(opencv, "cv2", lazy("cv2"))
        found = import_model(text, weights=weights)
        assert found.checked == "not verified: OpenCV is not installed (pip install 'opencv-python-headless<5')"


def test_a_training_is_run_without_its_data_and_loss(stand_in: Any, tmp_path: Path) -> None:
    """OpenCV gets the layers that predict, with a softmax instead of the loss."""
    net = lenet()
    text, weights = net.write(tmp_path)
    head = (
        'layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 28 force_gray: true } }'
    )
    body = "\n".join(net.lines[3:-1])
    loss = (
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" param { lr_mult: 0 } }'
    )
    text.write_text(f"{head}\n{body}\n{loss}\n")
    networks = stand_in(lambda given, names: [torch.zeros(len(given["data"]), 10)])
    read(text, weights)
    (given,) = networks
    assert 'layer { name: "loss" type: "Softmax" bottom: "ip2" top: "loss prediction" }' in given.text
    assert "label" not in given.text
    assert 'input: "data" input_shape { dim: 1 dim: 1 dim: 28 dim: 28 }' in given.text


def test_boxes_are_cut_off_for_opencv(stand_in: Any, tmp_path: Path) -> None:
    net = DarknetNet(3, 8, 8)
    net.conv(6, 1, norm=False, activation="linear")
    net.yolo()
    net.route(-2)
    net.maxpool()

    def compute(given: Mapping[str, np.ndarray], names: list[str]) -> list[torch.Tensor]:
        assert names == ["identity_1", "identity_4"]
        assert list(given) == [""]
        kernel = torch.tensor(net.numbers[1]).reshape(6, 3, 1, 1)
        y = torch.nn.functional.conv2d(torch.tensor(given[""]), kernel, torch.tensor(net.numbers[0]))
        return [y, torch.nn.functional.max_pool2d(y, 2)]

    cfg, weights = net.write(tmp_path)
    networks = stand_in(compute)
    assert "verified with OpenCV" in import_model(cfg, weights=weights).checked
    kinds = [line for line in networks[0].text.splitlines() if line.startswith("[")]
    assert kinds == ["[net]", "[convolutional]", "[dropout]", "[route]", "[maxpool]", "[dropout]"]
