"""How a spec is computed here, and why: choices are told, and none are where none are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.analysis.lowering_plan import plan_of
from netspec.cli.main import run
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

SPECS = Path(__file__).parents[2] / "specs"


def plan(text: str, **settings: str) -> dict[str, tuple[str, int]]:
    overrides = {f"train.{name}": value for name, value in settings.items()}
    found = plan_of(Compilation(Source("net.net", text), overrides=overrides))
    assert found.device.startswith("cpu")
    return {choice.what: (choice.how, choice.count) for choice in found.layers}


def test_choices_of_layers() -> None:
    found = plan(
        "input 16x16x3\nconv(20) -> batchnorm -> maxpool(2) -> depthwise(3x3) -> conv(24) -> conv(24, 1x1) * 2 "
        "-> gap -> dense(2)"
    )
    assert found["3x3 convolution, 3 -> 20 channels"] == ("computes 4 adjacent windows at once", 1)
    assert found["3x3 convolution, 20 -> 24 channels"] == (
        "optimization barriers around its input and the gradient of its output",
        1,
    )
    assert found["3x3 convolution, 20 -> 20 channels"] == ("a sum of shifted products", 1)
    assert found["1x1 convolution, 24 -> 24 channels"] == (
        "optimization barriers around its input and the gradient of its output",
        2,
    )
    assert {"batchnorm, 20 channels", "2x2 max pool, 20 channels"} <= found.keys()


def test_the_reference_makes_none() -> None:
    assert plan("input 8x8x3\nconv(8) -> batchnorm -> maxpool(2) -> dense(2)", lowering="reference") == {}


def test_sizes_that_only_the_data_know() -> None:
    assert plan("input (T, 20)\nconv(8, 3) -> mean_pool -> dense(2)")


@pytest.mark.parametrize("spec", ["mnist_cnn", "char_lstm", "siamese", "multitask"])
def test_on_the_command_line(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(SPECS / f"{spec}.net"), "--stage", "plan"]) == 0
    shown = capsys.readouterr().out
    assert "program" in shown and "layers" in shown and "metrics" in shown
