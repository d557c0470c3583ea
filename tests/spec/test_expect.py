"""The section `expect`: figures of each part of the data, and how those that are not met are told."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec.compiler.elaborate.expect import Expectation, unmet_metric
from netspec.language.source import Source, Span

LINE = """
input 1
dense(1)
data {
    source = sine
    val = 20%
}
train {
    epochs = 2
    keep = best
}
"""


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "found", "shown"),
    [
        (">=", "97%", 0.97, 0.9469223, "94.69%"),
        (">=", "99%", 0.99, 0.98999, "98.999%"),
        ("<", "0.05", 0.05, 0.0712345678, "0.07123"),
        ("<", "0.05", 0.05, 0.0500001, "0.05"),
        ("<=", "0.05", 0.05, 0.0500001, "0.0500001"),
        ("<", "10", 10, 12345.678, "12346"),
        ("<=", "0", 0, 1.23456e-7, "1.235e-07"),
        ("<", "1", 1, float("nan"), "nan"),
        ("==", "2", 2, 0.0, "0"),
    ],
)
def test_a_measured_figure_is_told_as_people_write_it(
    operator: str, wanted: str, value: float, found: float, shown: str
) -> None:
    text = f"test_x {operator} {wanted}"
    expectation = Expectation("test_x", operator, value, wanted, Span(Source("t.net", text), 0, len(text)))
    unmet = unmet_metric(expectation, found)
    assert unmet is not None
    assert unmet.message == f"expected test_x {operator} {wanted}, but it is {shown}"


def test_figures_of_training_are_those_of_the_last_epoch(tmp_path: Path) -> None:
    result = netspec.train(LINE + "expect { train_mse < 0.0001 }", runs=tmp_path)
    (problem,) = [p for p in result.problems if p.is_error]
    assert problem.code == "NS229"
    found = float(problem.message.rpartition(" ")[2])
    assert found == pytest.approx(result.history[-1]["metrics"]["mse"], rel=1e-3)
    met = netspec.train(LINE + "expect { train_loss > 0.0001 }", runs=tmp_path)
    assert not any(p.is_error for p in met.problems)


def test_a_figure_that_training_does_not_measure_is_told_before_it(tmp_path: Path) -> None:
    spec = LINE.replace("sine", "moons").replace("input 1\ndense(1)", "input 2\ndense(1, sigmoid)")
    assert netspec.check(spec + "expect { val_roc_auc > 90% }") == []
    (problem,) = netspec.check(spec + "expect { train_roc_auc > 90% }")
    assert "`val_roc_auc`" in problem.hint_text
