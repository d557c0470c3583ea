"""Errors, models and results go to other processes and come back, and copies do not share weights."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec

SPEC = """
input 4
dense(8, bias = false) -> batchnorm -> relu -> dropout(0.2) -> dense(3, softmax)
data {
    normalize = standard
    val = 20%
}
expect { test_accuracy > 99% }
"""


def arrays() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    return rng.normal(size=(60, 4)).astype(np.float32) * 9 + 5, y


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> netspec.Result:
    runs = tmp_path_factory.mktemp("runs")
    return netspec.train(SPEC, arrays(), epochs=2, runs=runs, verbose=0, expect="ignore")


def broken() -> netspec.CompileError:
    with pytest.raises(netspec.CompileError) as caught:
        netspec.compile("input 4\ndens(8) -> dense(3, sofmax)")
    return caught.value


def test_another_process_takes_them(result: netspec.Result, tmp_path: Path) -> None:
    """As worker processes do: they import nothing of netspec before they unpickle."""
    error, x = broken(), arrays()[0]
    given, back = tmp_path / "given.pickle", tmp_path / "back.pickle"
    given.write_bytes(pickle.dumps((error, result, result.model, netspec.predict(result.model, x), x)))
    program = (
        "import pickle, pathlib, numpy as np\n"
        f"error, result, model, predictions, x = pickle.loads(pathlib.Path({str(given)!r}).read_bytes())\n"
        "found = {'error': str(error), 'codes': [d.code for d in error.diagnostics], 'model': np.asarray(model(x)),\n"
        "         'result': np.asarray(result.model(x)), 'metrics': result.metrics,\n"
        "         'problems': repr(result.problems),\n"
        "         'examples': predictions.examples, 'module': type(result.module).__name__}\n"
        f"pathlib.Path({str(back)!r}).write_bytes(pickle.dumps((found, error, result)))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    found, error_back, result_back = pickle.loads(back.read_bytes())
    assert found["error"] == str(error) == str(error_back) and found["codes"] == ["NS201", "NS201"]
    expected = np.asarray(result.model(x))
    for name in ("model", "result"):
        np.testing.assert_array_equal(found[name], expected)
    np.testing.assert_array_equal(np.asarray(result_back.model(x)), expected)
    assert found["metrics"] == result.metrics and found["problems"] == repr(result.problems)
    assert found["examples"] == netspec.predict(result.model, x).examples
    assert found["module"] == type(result.module).__name__


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copied_model_has_weights_of_its_own(result: netspec.Result, make: Any) -> None:
    x = arrays()[0]
    before = np.asarray(result.model(x))
    twin = make(result.model)
    assert type(twin) is netspec.Model and twin.name == result.model.name
    np.testing.assert_array_equal(np.asarray(twin(x)), before)
    twin.module.dense.kernel[...] = twin.module.dense.kernel[...] * 0
    assert not np.array_equal(np.asarray(twin(x)), before)
    np.testing.assert_array_equal(np.asarray(result.model(x)), before)


def test_errors_are_copied() -> None:
    error = broken()
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert str(twin) == str(error)
        assert [d.as_json() for d in twin.diagnostics] == [d.as_json() for d in error.diagnostics]


def test_a_model_without_weights_stays_without(result: netspec.Result) -> None:
    fresh = netspec.compile(SPEC, seed=3)
    twin = pickle.loads(pickle.dumps(fresh))
    assert "module" not in vars(twin) and twin.seed == 3
    np.testing.assert_array_equal(np.asarray(twin(arrays()[0])), np.asarray(fresh(arrays()[0])))
