"""The lowering that is fastest here is measured, remembered, and taken by the next training of the same network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netspec import nn
from netspec.analysis.tune_lowering import Tuning, recall, remember, tune, with_lowering
from netspec.cli.main import run
from netspec.language.lowering_families import FAST, REFERENCE
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare

NET = """
input 8x8x1
conv(4, 3x3) -> batchnorm -> relu -> maxpool(2) -> dense(classes, softmax)
data {{
    source = digits
    limit = 256
}}
train {{
    epochs = 1
    {keys}
}}
"""


def spec(keys: str = "") -> Compilation:
    return Compilation(Source("net.net", NET.format(keys=keys)))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_candidates_are_what_the_network_has_a_use_for() -> None:
    found = tune(prepare(spec()), seconds=0)
    without = {frozenset(FAST) - frozenset(lowering) for lowering in found.seconds}
    wanted = [{"convolution"}, {"batchnorm"}, {"max_pool"}, set(), set(FAST)]
    assert all(set(left_out) in wanted or len(left_out) > 1 for left_out in without)
    assert {frozenset(names) for names in wanted} <= without
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert found.seconds[found.best] == min(found.seconds.values())


def test_it_is_remembered_for_the_network_and_the_batch() -> None:
    assert recall(spec()) is None
    found = Tuning({FAST: 2.0, REFERENCE: 1.0, ("max_pool",): 0.5})
    path = remember(spec(), found)
    assert path is not None and json.loads(path.read_text())["milliseconds"]['["max_pool"]'] == 500
    assert recall(spec()) == ("max_pool",)
    assert recall(spec("batch = 7")) is None
    path.write_text("{")
    assert recall(spec()) is None


def test_training_takes_it_and_says_so_in_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    remember(spec(), Tuning({("max_pool",): 0.5}))
    (tmp_path / "net.net").write_text(NET.format(keys=""))
    assert run(["train", "net.net"]) == 0
    settings = json.loads((tmp_path / "runs/net-1/settings.json").read_text())
    assert settings["train"]["lowering"] == ["max_pool"]
    (tmp_path / "net.net").write_text(NET.format(keys="lowering = fast"))
    assert run(["train", "net.net"]) == 0
    settings = json.loads((tmp_path / "runs/net-2/settings.json").read_text())
    assert settings["train"]["lowering"] == list(FAST)
    # What was measured since then changes nothing about a run that goes on.
    remember(spec(), Tuning({REFERENCE: 0.5}))
    assert run(["train", "--resume", "runs/net-1", "-D", "train.epochs=2"]) == 0
    settings = json.loads((tmp_path / "runs/net-1/settings.json").read_text())
    assert settings["train"]["lowering"] == ["max_pool"]


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.net").write_text(NET.format(keys=""))
    assert run(["tune-speed", str(tmp_path / "net.net"), "--seconds", "0", "--json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["best"] in record["milliseconds"] and Path(record["kept"]).exists()
    assert not (tmp_path / "runs").exists()
    assert run(["tune-speed", str(tmp_path / "net.net"), "--seconds", "0"]) == 0
    shown = capsys.readouterr().out
    assert "fast without max_pool" in shown and "reference" in shown and "lowering = " in shown


@pytest.mark.parametrize("text", ["slow", '["conv"]', "3", '["max_pool", 3]'])
def test_a_lowering_that_is_none(text: str) -> None:
    (diagnostic,) = spec(f"lowering = {text}").diagnose().errors
    assert "`fast`, `reference`" in f"{diagnostic.message} {diagnostic.hint_text}"


def test_a_list_of_families() -> None:
    assert spec('lowering = ["max_pool", "convolution"]').train.lowering == ("convolution", "max_pool")
    assert with_lowering(spec(), REFERENCE).train.lowering == REFERENCE
    assert tuple(nn.LOWERINGS["fast"]) == FAST
