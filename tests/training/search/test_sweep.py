"""`netspec train --sweep` and `netspec.sweep`: runs, the best, failures, interruptions, and what takes a sweep."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.runs.catalog import look_at
from netspec.storage.weights import load_weights
from netspec.training.step.engine import Engine
from tests.training.nets import same
from tests.training.search.test_tune import SPEC, write_points

NET = SPEC[: SPEC.index("tune {")].replace("epochs = 2", "epochs = 2\n    optimizer = sgd(0.1)")
WIDTHS, RATES = [4, 8], [0.05, 0.5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, its data, and a finished sweep, which tests only read."""
    folder = tmp_path_factory.mktemp("sweep")
    write_points(folder / "points.csv")
    (folder / "net.net").write_text(NET)
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> tuple[netspec.SweepResult, list[object]]:
    """A sweep over two widths and two rates, and the programs that were compiled for it."""
    compiled: list[object] = []
    original = Engine._compiled
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_compiled", lambda self, step: compiled.append(step) or original(self, step))
        values = {"width": WIDTHS, "rate": RATES}
        result = netspec.sweep(folder / "net.net", None, values, runs=folder / "runs", verbose=0)
    return result, compiled


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_runs_are_those_of_single_trainings(done: Any, folder: Path) -> None:
    """To rounding, since the rate is a number of the state; each is a usual run folder."""
    result, compiled = done
    assert [(one.values["width"], one.values["rate"]) for one in result.runs] == [
        (str(width), str(rate)) for width in WIDTHS for rate in RATES
    ]
    assert len(compiled) == 4  # for each width the loop, and the step of the last batch
    for one in result.runs:
        optimizer = f"sgd({one.values['rate']})"
        params = {"width": int(one.values["width"])}
        alone = netspec.train(folder / "net.net", params=params, optimizer=optimizer, runs=folder / "alone", verbose=0)
        assert one.metrics["val_loss"] == pytest.approx(alone.metrics["val_loss"], rel=1e-5)
        assert netspec.evaluate(one.path, split="val")["val_loss"] == pytest.approx(one.metrics["val_loss"], rel=1e-5)


def test_the_result(done: Any) -> None:
    result, _ = done
    assert result.metric == "val_accuracy" and result.best is not None
    best = max(one.metrics["val_accuracy"] for one in result.runs)
    assert result.best.metrics["val_accuracy"] == best
    assert result.table["width"] == [4, 4, 8, 8] and result.table["rate"] == RATES * 2
    assert result.table["state"] == ["finished"] * 4 and result.table["val_accuracy"][0] == pytest.approx(
        result.runs[0].metrics["val_accuracy"]
    )
    text = str(result)
    assert "4 runs, compared by val_accuracy:" in text and text.count("★") == 1 and str(result.best.path) in text


def test_commands_take_a_sweep(done: Any, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = done
    info = look_at(result.run)
    assert (info.state, info.runs, info.epochs) == ("finished", 4, 8)
    assert info.metrics == result.best.metrics
    assert run(["runs"]) == 0
    listed = capsys.readouterr().out
    assert "net-sweep-1" in listed and "the best of 4 runs" in listed
    assert run(["report", "net-sweep-1", "-o", "page.html"]) == 0
    page = Path("page.html").read_text()
    assert "★ best" in page and "run-4" in page
    assert (
        run(["plot", "net-sweep-1", "-o", "curves.csv"]) == 0 and "net-sweep-1/run-4" in Path("curves.csv").read_text()
    )
    assert run(["diff", "runs/net-sweep-1", "runs/net-sweep-1/run-1"]) == 1
    capsys.readouterr()
    assert run(["eval", "net-sweep-1"]) == 1
    error = capsys.readouterr().err
    assert "NS554" in error and str(result.best.number) in error
    with pytest.raises(netspec.CompileError, match="NS554"):
        netspec.load(result.run)
    with pytest.raises(TypeError, match="sweep"):
        netspec.resume(result.run)


def test_a_run_that_fails_is_marked_and_the_others_go_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "net.net", "--sweep", "rate=1e30,0.1", "--run-folder", "runs/fails"]
    assert run([*arguments, "--json", "--no-report"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    last = records[-1]
    assert last["event"] == "sweep" and last["best"] == 2
    assert [one["state"] for one in last["runs"]] == ["failed", "finished"]
    assert last["runs"][0]["code"] == "NS460" and "diverged" in last["runs"][0]["reason"]
    assert [r["values"] for r in records if r["event"] == "run"] == [{"rate": "1e30"}, {"rate": "0.1"}]
    assert {r["number"] for r in records if r["event"] == "epoch"} == {2}
    assert look_at(Path("runs/fails")).state == "finished"
    assert run([*arguments, "--json", "--no-report"]) == 0  # nothing is trained again
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["sweep"]
    assert run([*arguments[:3], "rate=1e30,0.2", *arguments[4:]]) == 1
    assert "over other values" in " ".join(capsys.readouterr().err.split())
    assert run([*arguments, "-D", "train.epochs=5"]) == 1
    assert "NS494" in capsys.readouterr().err
    assert run(["train", "--resume", "runs/fails", "--no-report"]) == 0
    assert "run 1 failed: NS460" in " ".join(capsys.readouterr().out.split())
    assert run(["train", "net.net", "--sweep", "rate=1e30,2e30", "--no-report"]) == 1


class _Interrupt(netspec.Callback):
    """Sends a signal in an epoch of the second run."""

    def epoch(self, record: Any) -> None:
        if record["number"] == 2 and record["epoch"] == 1:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("default_signals")
def test_an_interrupted_sweep_continues_bit_for_bit(done: Any, here: Path) -> None:
    whole, _ = done
    values = {"width": WIDTHS, "rate": RATES}
    begun = netspec.sweep(here / "net.net", None, values, runs="again", callbacks=[_Interrupt()], verbose=0)
    assert begun.signal == "SIGINT"
    assert [one.state for one in begun.runs] == ["finished", "interrupted", "waiting", "waiting"]
    assert look_at(begun.run).state == "interrupted"
    netspec.resume(begun.runs[1].path, verbose=0)  # by itself
    ended = netspec.sweep(resume=begun.run, verbose=0)
    assert ended.signal is None and [one.state for one in ended.runs] == ["finished"] * 4
    assert all(same(load_weights(a.path), load_weights(b.path)) for a, b in zip(whole.runs, ended.runs, strict=True))


def test_other_data_are_noticed(done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    spec = "input 2\ndense(4, relu) -> dense(2, softmax)\ndata { val = 20% }\ntrain { epochs = 1 }"
    result = netspec.sweep(spec, (x, y), {"batch": [8, 16]}, runs=tmp_path, verbose=0)
    assert netspec.sweep(resume=result.run, data=(x, y), verbose=0).table == result.table
    with pytest.raises(netspec.CompileError, match="NS478"):
        netspec.sweep(resume=result.run, data=(x + 1, y), verbose=0)


def test_data_settings_and_the_check_of_each_combination(here: Path) -> None:
    result = netspec.sweep(here / "net.net", None, {"val": ["20%", "40%"]}, epochs=1, runs="val", verbose=0)
    counts = [json.loads((one.path / "settings.json").read_text())["parts"]["val"] for one in result.runs]
    assert counts == [32, 64]  # of 160, without the test split
    before = {*here.glob("runs/*")}
    with pytest.raises(netspec.CompileError, match=r"NS599\]: with width = 0 the spec has an error: NS206"):
        netspec.sweep(here / "net.net", None, {"width": [4, 0]}, verbose=0)
    with pytest.raises(netspec.CompileError, match="`seeds` asks for several runs"):
        netspec.sweep(here / "net.net", None, {"width": [4, 8]}, seeds=3, verbose=0)
    assert {*here.glob("runs/*")} == before


def test_arguments_of_python(here: Path) -> None:
    with pytest.raises(TypeError, match="give a model"):
        netspec.sweep()
    with pytest.raises(TypeError, match="`values` is a dict of lists"):
        netspec.sweep("net.net")
    with pytest.raises(TypeError, match="a list of values"):
        netspec.sweep("net.net", None, {"rate": 0.1})
    with pytest.raises(netspec.CompileError, match="NS599"):
        netspec.sweep("net.net", None, {}, verbose=0)
    with pytest.raises(netspec.CompileError, match="NS599"):
        netspec.sweep("net.net", None, {"rate": []}, verbose=0)
    with pytest.raises(netspec.CompileError, match="NS599"):
        netspec.sweep(resume=here / "val-1", verbose=0)
