"""A profile: a trace that Perfetto opens, with the names of layers, and the time of each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.analysis.first_aid.trace import UNKNOWN, busy_parts, layer_of, layers_of_operations
from netspec.cli.main import run
from tests.training.first_aid.conftest import write_spec

NET = "def block(n) = dense(n, relu) -> batchnorm\n\nblock(16) -> block(8) -> dense(classes, softmax)"
LAYERS = {"block/dense", "block/batchnorm", "block_2/dense", "block_2/batchnorm", "dense"}


def events_of(file: Path) -> list[dict[str, Any]]:
    """The events of a trace, after a look at what Perfetto's importer of Chrome traces asks of each."""
    trace = json.loads(gzip.decompress(file.read_bytes()))
    assert isinstance(trace["traceEvents"], list)
    for event in trace["traceEvents"]:
        assert event.get("ph", "X") in {"X", "M", "B", "E", "C", "i", "I", "s", "t", "f", "b", "e", "n"}
        if event.get("ph") == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
            assert isinstance(event["name"], str)
            assert {"pid", "tid"} <= event.keys()
    return list(trace["traceEvents"])


@pytest.fixture
def spec(folder: Path) -> str:
    path = Path(write_spec(folder, net="NET"))
    path.write_text(path.read_text().replace("input 4\nNET", NET.replace("\n\n", "\n\ninput 4\n")))
    return str(path)


def test_the_trace_names_the_layers_and_the_training_stays_the_same(
    spec: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", spec, "--no-report"]) == 0
    assert run(["train", spec, "--no-report", "--profile"]) == 0
    shown = capsys.readouterr().out
    assert "profile of 10 steps" in shown
    assert "the trace is in runs/points-2/profile.json.gz" in shown
    events = events_of(folder / "runs/points-2/profile.json.gz")
    named = {event["args"]["layer"] for event in events if "layer" in event.get("args", {})}
    assert named >= LAYERS
    first, second = ((folder / f"runs/points-{i}/weights.safetensors").read_bytes() for i in (1, 2))
    assert first == second
    assert run(["train", "--resume", "runs/points-2", "--no-report", "--profile", "-D", "train.epochs=3"]) == 0
    assert run(["train", spec, "--no-report", "--sweep", "rate=1e-3,1e-2", "--profile-to", "s.json.gz"]) == 0
    assert events_of(folder / "s.json.gz")
    assert run(["train", spec, "--profile-to", "s.json.gz"]) == 1
    assert "error[NS658]: no profile: s.json.gz exists" in capsys.readouterr().err
    assert not (folder / "runs/points-4").exists()


def test_the_shares_from_python_add_up(spec: str, folder: Path) -> None:
    profiler = netspec.Profiler(folder / "deep" / "trace.json.gz")
    netspec.train(spec, callbacks=[profiler], verbose=0)
    profile = profiler.profile
    assert profile is not None
    assert sum(part.share for part in profile.parts) == pytest.approx(1)
    assert {part.name for part in profile.parts if part.kind == "layer"} == LAYERS
    assert profile.unattributed < 0.2
    busy = sum(event["dur"] for event in events_of(profile.file) if "layer" in event.get("args", {}))
    assert sum(part.seconds for part in profile.parts) <= busy * 1e-6 * 1.001


@pytest.mark.parametrize("option", ["--profile", "--dry-run"])
def test_several_processes_are_refused(option: str, spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", spec, option, "--processes", "2"]) == 1
    assert f"error[NS657]: `{option}` cannot be combined with `--processes`" in capsys.readouterr().err


def test_time_inside_an_operation_is_not_counted_twice() -> None:
    """A loop of 10 µs with two operations of 3 and 4 µs in it, beside one on another thread."""

    def event(scope: str, ts: float, dur: float, tid: int = 1) -> dict[str, Any]:
        return {"pid": 1, "tid": tid, "ts": ts, "dur": dur, "_scope": scope}

    events = [
        event("jit(step)/jvp(layer:a)/while", 0, 10),
        event("jit(step)/transpose(jvp(layer:a))/add", 1, 3),
        event("jit(step)/jvp(layer:block)/layer:b/dot", 5, 4),
        event("", 0, 5, tid=2),
    ]
    parts = {part.name: part for part in busy_parts(events, ["a", "block/b"])}
    assert list(parts) == ["a", "block/b", UNKNOWN]
    np.testing.assert_allclose([parts["a"].forward, parts["a"].backward, parts["block/b"].forward], [3e-6, 3e-6, 4e-6])
    assert parts[UNKNOWN].share == pytest.approx(5 / 15)


def test_scopes_are_read_from_the_text_of_a_program() -> None:
    text = """HloModule jit_step, is_scheduled=true

%fused (p: f32[2]) -> f32[2] {
  %p = f32[2]{0} parameter(0)
  ROOT %m = f32[2]{0} multiply(%p, %p), metadata={op_name="jit(step)/jvp(layer:a)/mul"}
}

ENTRY %main (x: f32[2]) -> f32[2] {
  %x = f32[2]{0} parameter(0)
  %copy.1 = f32[2]{0} copy(%x)
  %fusion = f32[2]{0} fusion(%copy.1), kind=kLoop, calls=%fused
  ROOT %add = f32[2]{0} add(%fusion, %fusion), metadata={op_name="jit(step)/add"}
}
"""
    scopes = layers_of_operations(text)
    assert [layer_of(scopes[name], ["a"]) for name in ("fusion", "copy.1", "add")] == ["a", "a", "optimizer and batch"]
