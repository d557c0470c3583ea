"""The benchmarks without the libraries that they compare with: the nets compile, and rows become the right figures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the folder beside the package; they import none of the other libraries."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import measuring, reporting, workloads

    return SimpleNamespace(measuring=measuring, reporting=reporting, workloads=workloads)


@pytest.fixture
def row(benchmarks: SimpleNamespace):
    part = benchmarks.measuring.Part
    parts = {
        "netspec": part([1.0, 4.0, 2.0], parameters=5),
        "nnx": part([2.0, 4.0, 8.0], parameters=5),
        "torch": part([3.0, 3.0, 3.0], parameters=5),
        "torch.compile": part([2.0, 2.0, 2.0], parameters=6),
        "keras": part(failure="it broke"),
    }
    return benchmarks.measuring.Row(benchmarks.workloads.WORKLOADS["bilstm-step"], parts, peak=[0.02, 0.01, 0.03])


def test_every_net_compiles(benchmarks: SimpleNamespace) -> None:
    macs = {name: benchmarks.reporting.multiply_adds(w) for name, w in benchmarks.workloads.WORKLOADS.items()}
    assert min(macs.values()) > 100_000
    assert macs["resnet20-step"] == 40_551_040


def test_ratios_are_those_within_the_rounds(row) -> None:
    assert row.ratio("netspec", "nnx") == (0.5, 0.25, 1.0)
    assert row.ratio("netspec", "keras") is None
    assert row.best_torch == "torch.compile"


def test_failures_and_different_nets_are_problems(row) -> None:
    failure, sizes = row.problems()
    assert failure == "bilstm-step, keras: it broke"
    assert "'torch.compile': 6" in sizes


def test_share_of_the_peak(benchmarks: SimpleNamespace, row) -> None:
    record = benchmarks.reporting.record_of(row)
    peak = 2 * 1024**3 / 0.02
    assert record["peak_gflops"] == pytest.approx(peak / 1e9)
    done = 2 * 3 * 32 * 33_556_992 / 2.0  # operations, passes, examples, multiply-adds; seconds
    assert record["contestants"]["netspec"]["share_of_peak"] == pytest.approx(done / peak)


def test_goals_in_the_table(benchmarks: SimpleNamespace, row) -> None:
    machine = {"processor": "p", "cores": 2, "memory_gib": 1, "system": "s", "python": "3", "compiler": None}
    text = benchmarks.reporting.table([benchmarks.reporting.record_of(row)], {**machine, "versions": {}})
    line = text.split("netspec takes")[1].splitlines()[2]
    assert line.split()[:7] == ["bilstm-step", "0.50", "1.00", "0.7", "/", "1.0", "yes"]  # Keras has no ratio
