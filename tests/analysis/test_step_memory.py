"""What a training step takes: sums by hand, and what grows with the batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec.analysis.step_memory import Footprint, footprint_of
from netspec.cli.main import run
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

NET = "input 8x8x3\nconv(4) -> batchnorm -> relu -> flatten -> dense(10, softmax)\n"
WEIGHTS = 4 * ((3 * 3 * 3 + 1) * 4 + 2 * 4 + (8 * 8 * 4 + 1) * 10)
STATISTICS = 4 * 2 * 4


def footprint(text: str, **settings: object) -> Footprint:
    overrides = {f"train.{name}": str(value) for name, value in settings.items()}
    return footprint_of(Compilation(Source("net.net", text), overrides=overrides))


def test_what_can_be_counted_by_hand() -> None:
    found = footprint(NET, batch=16, optimizer="adam(0.001)")
    assert found.weights == WEIGHTS
    assert 2 * WEIGHTS + STATISTICS <= found.state <= 2 * WEIGHTS + STATISTICS + 200  # and a few counters
    assert found.batch == 16 * (4 * 8 * 8 * 3 + 4)
    assert found.total == found.weights + found.state + found.batch + found.work


def test_sgd_remembers_less_than_adam() -> None:
    assert footprint(NET, optimizer="sgd(0.1)").state < WEIGHTS < footprint(NET, optimizer="adam(0.001)").state


def test_work_grows_with_the_batch_alone() -> None:
    small, large = footprint(NET, batch=64), footprint(NET, batch=256)
    assert large.weights == small.weights and large.state == small.state
    kept = 4 * 8 * 8 * 4  # of an example: what comes out of the convolution
    assert large.work - small.work > (256 - 64) * kept


@pytest.mark.parametrize(
    "text",
    [
        "input text: 16 tokens(100)\nembedding(8) -> lstm(4) -> dense(1, sigmoid)",
        "input text: T tokens(100)\nembedding(8) -> lstm(4, return = last) -> dense(3, softmax)",
        "input a: 4\ninput b: 3\nh = (a | b) -> concat -> dense(8, relu)\n"
        "output x = h -> dense(2)\noutput y = h -> dense(3, softmax)",
    ],
)
def test_inputs_and_outputs_of_every_kind(text: str) -> None:
    assert footprint(text, batch=4).work > 0


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.net").write_text(NET)
    assert run(["show", str(tmp_path / "net.net"), "--memory"]) == 0
    assert "total" in capsys.readouterr().out
    assert run(["show", str(tmp_path / "net.net"), "--memory", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == WEIGHTS


def test_a_net_without_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.net").write_text("input 8x8x1\nmaxpool(2)\n")
    assert run(["show", str(tmp_path / "net.net"), "--memory"]) == 1
    assert "NS461" in capsys.readouterr().err
