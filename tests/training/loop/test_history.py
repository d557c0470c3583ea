"""The metrics of every epoch: as records, and by name for plots and data frames."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import netspec
from netspec.language.diagnostics import CompileError
from netspec.training.loop.fit_result import History

SPEC = "input 3\ndense(1)\ndata { val = 20% }\ntrain { metrics = mae\nstop = early(val_mae, 9)\n"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    data = x, x.sum(axis=1, keepdims=True)
    return netspec.train(SPEC + "epochs = 3 }\n", data, runs=tmp_path_factory.mktemp("runs"), verbose=0)


def test_values_by_name_are_those_of_the_records(result: Any) -> None:
    records = [*result.history]
    assert len(records) == result.epochs == 3 and records[1] is result.history[1]
    assert result.history["val_mae"] == [record["metrics"]["val_mae"] for record in records]
    assert result.history["loss"] == [record["loss"] for record in records]
    frame = pd.DataFrame(result.history.columns)
    assert {*frame} == {"epoch", "loss", "mae", "val_loss", "val_mae", "seconds"}
    assert frame["epoch"].tolist() == [1, 2, 3] and frame.dtypes["val_mae"] == np.float64
    with pytest.raises(KeyError, match="no metric `val_mea`: there are epoch, loss, "):
        result.history["val_mea"]
    assert pickle.loads(pickle.dumps(result.history)) == result.history


def test_what_is_not_finite_is_nan() -> None:
    records = [{"epoch": 1, "loss": None, "metrics": {}, "seconds": 1.0}]
    records += [{"epoch": 2, "loss": 0.5, "metrics": {"mae": 1.0}, "seconds": 1.0}]
    columns = History(records).columns
    assert math.isnan(columns["loss"][0]) and math.isnan(columns["mae"][0]) and columns["mae"][1] == 1.0


def test_weights_are_saved_and_start_another_training(result: Any, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    result.model.save(file)
    (kernel,) = [array for array in load_file(file).values() if array.size == 3]
    x = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(
        np.asarray(result.model.module(x)) - np.asarray(result.model.module(0 * x)), kernel.reshape(3, 1), rtol=1e-5
    )
    data = x, x.sum(axis=1, keepdims=True)
    again = netspec.train(
        "input 3\ndense(1)\ndata { test = 1 }\n", data, runs=tmp_path, epochs=1, init=f'"{file}"',
        optimizer="sgd(1e-30)", verbose=0,
    )  # fmt: skip
    (started,) = [a for a in load_file(again.run / "weights.safetensors").values() if a.size == 3]
    np.testing.assert_array_equal(started, kernel)
    with pytest.raises(CompileError) as caught:
        result.model.save(tmp_path / "absent" / "net.safetensors")
    assert [d.code for d in caught.value.diagnostics] == ["NS477"]
    with pytest.raises(TypeError, match="`file` is the name of a file"):
        result.model.save(3)
