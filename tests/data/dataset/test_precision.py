"""Numbers that float32 does not hold: kept as they are until they are normalized, in every source of arrays.

The right values are computed with NumPy in double precision, or with Python's fractions.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.dataset.lazy_rows import Rows, read_all
from netspec.data.dataset.precision import is_exact, narrowed
from netspec.data.prepare import prepare_data
from netspec.data.settings import DataSettings
from netspec.data.sources.images.idx_images import Idx
from netspec.data.sources.numpy_files import Npy, Npz
from netspec.data.splits.split import Splits, split_dataset
from netspec.data.transforms.normalization import Normalization, measure
from netspec.language.shape import Shape
from tests.data.files import ends, write_idx

HERE = Path()
START = 1_700_000_000_000
"""Some time in 2023, in milliseconds since 1970."""

TIMES = START + (np.arange(80) * 7919) % 60_000
LATE = (TIMES - START > 30_000).astype(np.int64)


def example(dtype: Any) -> np.ndarray:
    """A time, and a feature that float32 holds."""
    return np.stack([TIMES, np.arange(80) % 5], axis=1).astype(dtype)


def prepared(data: Dataset, **settings: Any) -> tuple[Splits, list[str]]:
    shape, head = {"input": Shape(data.facts.inputs["input"].sizes)}, {"output": ends(2, "softmax")}
    splits, found = prepare_data(data, DataSettings(**settings), shape, head)
    return splits, [d.code for d in found]


def source_of(kind: str, folder: Path) -> Dataset:
    x, y = example(np.float64), LATE
    if kind == "python":
        return from_arrays(x, y)
    if kind == "integers":
        return from_arrays(example(np.int64), y)
    if kind == "lists":
        return from_arrays(x.tolist(), y.tolist())
    if kind == "npz":
        np.savez(folder / "a.npz", x=x, y=y)
        return Npz(file="a.npz").load(folder)
    if kind == "idx":
        write_idx(folder / "x", x.astype(">f8"))
        write_idx(folder / "y", y.astype("u1"))
        return Idx(images="x", labels="y").load(folder)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    source = Npy(x="x.npy", y="y.npy")
    data = source.stream(folder) if kind == "stream" else source.load(folder)
    assert data is not None
    return data


KINDS = ["python", "integers", "lists", "npy", "npz", "idx", "stream"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", ["standard", "unit"])
def test_times_are_normalized_in_double_precision(kind: str, scale: str, tmp_path: Path) -> None:
    splits, found = prepared(source_of(kind, tmp_path), normalize=scale)
    assert found == [], "no constant, no duplicate"
    raw = example(np.float64)
    train = raw[splits.train_index]
    mean, std = (
        (train.mean(axis=0), train.std(axis=0)) if scale == "standard" else (train.min(axis=0), np.ptp(train, axis=0))
    )
    for part, index in (("train", splits.train_index), ("test", splits.test_index)):
        column = getattr(splits, part).inputs["input"]
        assert column.dtype == np.float32
        assert np.allclose(read_all(column), (raw[index] - mean) / std, atol=1e-6)
    exact = [Fraction(sum(map(int, column)), len(train)) for column in train.T]
    if scale == "standard":
        assert splits.normalization["input"].mean == pytest.approx([float(number) for number in exact], rel=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_without_normalization_it_is_said_that_they_are_rounded(kind: str, tmp_path: Path) -> None:
    splits, found = prepared(source_of(kind, tmp_path))
    assert found == ["NS517"], "and not that they are constant, or that rows of two splits are equal"
    assert splits.train.inputs["input"].dtype == np.float32


def test_what_the_warning_says() -> None:
    data = from_arrays(example(np.float64), LATE)
    _, (warning,) = prepare_data(data, DataSettings(), {"input": Shape((2,))}, {"output": ends(2, "softmax")})
    error = np.abs(TIMES - TIMES.astype(np.float32).astype(np.float64)).max()
    assert f"column 0 is rounded by up to {error:,.6g} and ranges over {np.ptp(TIMES):,.6g}" in warning.message
    assert "normalize = standard" in warning.hint_text


def test_numbers_that_float32_holds_are_as_before() -> None:
    for x in (np.arange(12, dtype=np.float32).reshape(6, 2) / 7, np.arange(12.0).reshape(6, 2)):
        data = from_arrays(x, [0, 1] * 3)
        assert data.train.inputs["input"].dtype == np.float32
        splits = split_dataset(data, DataSettings(test=0, normalize="standard"))
        scale = splits.normalization["input"]
        assert not scale.double
        wanted = (x.astype(np.float32) - np.float32(scale.mean)) / np.float32(scale.std)
        assert np.array_equal(splits.train.inputs["input"], wanted)
    single = np.arange(6, dtype=np.float32)[:, None] / 7
    assert from_arrays(single, [0, 1] * 3).train.inputs["input"].base is single, "not copied"


def test_equal_numbers_are_compared_as_they_are() -> None:
    """Differences that float32 cannot hold are none of the duplicates; equal rows still are, whatever their type."""
    x = 1 + np.arange(40) * 1e-12
    assert prepared(from_arrays(x[:, None], [0, 1] * 20), normalize="standard")[1] == []
    x_test = np.array([[x[3]], [5.0]])
    both = from_arrays(x[:, None], [0, 1] * 20, x_test, [0, 1])
    assert prepared(both, normalize="standard")[1] == ["NS446"]
    whole = from_arrays(np.append(x, 7.0)[:, None], [0, 1] * 20 + [0], np.array([[7.0], [8.0]]), [0, 1])
    assert whole.test.inputs["input"].dtype == np.float32 != whole.train.inputs["input"].dtype
    assert prepared(whole, normalize="standard")[1] == ["NS446"]


def test_constants_of_large_numbers() -> None:
    x = np.full((50, 2), 1e15 + 0.3)
    x[:, 1] += np.arange(50) % 4
    data = from_arrays(x, np.arange(50) % 2)
    assert prepared(data, normalize="standard", test=0)[1] == ["NS445"]
    found = measure(x)
    assert found.std[0] == 1 and found.std[1] == pytest.approx(np.std(np.arange(50) % 4), rel=1e-6)
    assert not found.apply(x)[:, 0].any()


def test_autoencoders_give_the_numbers_back() -> None:
    data = from_arrays(example(np.float64))
    splits, _ = prepared_as_target(data)
    scale = splits.own_targets["output"]
    assert splits.train.targets["output"] is splits.train.inputs["input"]
    back = scale.invert(splits.train.inputs["input"])
    assert np.abs(back - example(np.float64)[splits.train_index]).max() < 0.01


def prepared_as_target(data: Dataset) -> tuple[Splits, Any]:
    settings = DataSettings(normalize="standard", target="input")
    return prepare_data(data, settings, {"input": Shape((2,))}, {"output": ends(2)})


def test_statistics_of_older_runs_are_applied_as_they_were() -> None:
    x = example(np.float64) / 1e9
    old = Normalization((1700.0, 2.0), (0.1, 1.4))
    wanted = (x.astype(np.float32) - np.float32([1700, 2])) / np.float32([0.1, 1.4])
    assert np.array_equal(old.apply(x), wanted)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "int16", "uint16", "float16", "float32"])
def test_small_types_are_float32(dtype: str) -> None:
    assert is_exact(np.ones(3, dtype)) and narrowed(np.ones(3, dtype)).dtype == np.float32


@pytest.mark.parametrize(
    ("number", "holds"),
    [(2**24, True), (2**24 + 1, False), (2**25, True), (-(2**24) - 1, False), (2**62, True), (2**62 + 2**30, False)],
)
def test_whole_numbers(number: int, holds: bool) -> None:
    assert is_exact(np.array([0, number])) == holds
    assert (narrowed(np.array([0, number])).dtype == np.float32) == holds
    assert narrowed(np.array([0, number]))[1] == number


def test_missing_and_infinite_numbers_do_not_widen() -> None:
    assert narrowed(np.array([np.nan, np.inf, 0.5])).dtype == np.float32
    assert narrowed(np.array([np.nan, 1e39])).dtype == np.float64


def test_streams_that_float32_holds_stay_small(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(8.0).reshape(4, 2))
    np.save(tmp_path / "y.npy", np.array([0, 1, 0, 1]))
    data = Npy(x="x.npy", y="y.npy").stream(tmp_path)
    assert data is not None
    column = data.train.inputs["input"]
    assert isinstance(column, Rows) and column.dtype == np.float32


def test_targets_are_rounded_after_they_are_normalized() -> None:
    y, y_test = START + np.arange(40) / 8 + 0.001, np.array([START, START + 2.0])
    data = from_arrays(np.arange(40.0)[:, None], y, np.zeros((2, 1)), y_test)
    assert (data.train.targets["output"].dtype, data.test.targets["output"].dtype) == (np.float64, np.float64)
    shape, heads = {"input": Shape((1,))}, {"output": ends(1)}
    splits, _ = prepare_data(data, DataSettings(), shape, heads, scaled_heads=heads)
    for part, values in ((splits.train, y), (splits.test, y_test)):
        found = part.targets["output"]
        assert found.dtype == np.float32
        assert np.allclose(found[:, 0], (values - y.mean()) / y.std(), atol=1e-3)
    plain, _ = prepare_data(data, DataSettings(), shape, heads)
    assert plain.train.targets["output"].dtype == np.float32, "as in earlier versions, whose runs are resumed"


def test_targets_of_both_splits_may_differ_in_precision() -> None:
    data = from_arrays(np.arange(4.0)[:, None], [0.1, 0.2, 0.3, 0.4], np.zeros((2, 1)), [0.5, 1.5])
    assert data.facts.targets["output"].kind == "numbers"
