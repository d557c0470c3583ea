"""The exercises of a first course, specs/courses/: each comes out as its `expect` says, and what it shows is there."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.data.sources.synthetic import SIGNS
from netspec.language.diagnostics import render
from netspec.language.source import Source
from netspec.spec.experiment import Result, prepare
from tests.conftest import mnist_folder

COURSES = Path(__file__).parents[2] / "specs" / "courses"
LARGE = {path.stem for path in COURSES.glob("two_layers*.net")} | {"kaggle_digits"}
SMALL = sorted(path.stem for path in COURSES.glob("*.net") if path.stem not in LARGE)


def train(name: str, folder: Path, **overrides: Any) -> Result:
    return netspec.train(COURSES / f"{name}.net", runs=folder, **overrides)


def weights(result: Result, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a layer, in double precision."""
    found = getattr(result.model.module, layer)
    return np.asarray(found.kernel[...], np.float64), np.asarray(found.bias[...], np.float64)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Every small exercise, trained once, as a student trains it."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: train(name, folder) for name in SMALL}


def test_each_comes_out_as_expected(results: dict[str, Result]) -> None:
    assert {name: [render(p) for p in result.problems] for name, result in results.items() if result.problems} == {}
    assert len(results) >= 11


def test_logistic_unit_finds_the_numbers_of_the_curve(results: dict[str, Result]) -> None:
    kernel, bias = weights(results["logistic_unit"], "dense")
    np.testing.assert_allclose([kernel[0, 0], bias[0]], [2, -1], atol=1e-3)


def test_least_squares_ends_at_the_closed_form(results: dict[str, Result]) -> None:
    table = np.loadtxt(COURSES / "least_squares.csv", delimiter=",", skiprows=1)
    columns = np.column_stack([table[:, :3], np.ones(len(table))])
    closed = np.linalg.lstsq(columns, table[:, 3], rcond=None)[0]
    found = np.concatenate([part.reshape(-1) for part in weights(results["least_squares"], "dense")])
    np.testing.assert_allclose(found, closed, atol=1e-3)


def test_one_unit_is_no_hill(results: dict[str, Result], tmp_path: Path) -> None:
    alone = netspec.train(netspec.compile(COURSES / "two_logistic_units.net", params={"units": 1}), runs=tmp_path)
    assert alone.metrics["test_r2"] < 0.5 < results["two_logistic_units"].metrics["test_r2"]


def test_more_hidden_units_help_exclusive_or(tmp_path: Path) -> None:
    model = netspec.compile(COURSES / "xor_tanh.net", params={"hidden": 4})
    assert netspec.train(model, seed=4, runs=tmp_path).problems == ()


@pytest.mark.parametrize(
    "name, loss, measures",
    [
        ("output_numbers", "mse", ["mse", "rmse", "mae", "r2"]),
        ("output_fractions", "mse", ["rmse", "mae"]),
        ("output_yes_no", "binary_cross_entropy", ["accuracy", "balanced_accuracy", "roc_auc", "confusion_matrix"]),
        ("output_classes", "cross_entropy", ["accuracy", "confusion_matrix"]),
    ],
)
def test_kinds_of_outputs(name: str, loss: str, measures: list[str]) -> None:
    """The loss and the measures follow from the last layer and the targets."""
    output = prepare(Source.read(COURSES / f"{name}.net")).recipe.outputs["output"]
    assert output.loss.word == loss
    assert [metric.word for metric in output.metrics] == measures


def picture(kernel: np.ndarray) -> list[str]:
    """A filter as a picture: # for weights that are clearly above their mean."""
    deviations = kernel - kernel.mean()
    return ["".join("#" if weight > 0.3 * abs(deviations).max() else "." for weight in row) for row in deviations]


def test_filter_of_the_2x2_world_can_be_read(results: dict[str, Result]) -> None:
    kernel, _ = weights(results["signs_2x2"], "conv")
    assert picture(kernel[:, :, 0, 0]) == ["#.", ".#"]


def test_filters_of_the_3x3_world_can_be_read(results: dict[str, Result]) -> None:
    kernel, _ = weights(results["signs_3x3"], "conv")
    pictures = [picture(kernel[:, :, 0, i]) for i in range(len(SIGNS))]
    assert dict(zip(SIGNS, pictures, strict=True)) == {
        "X": ["#.#", "...", "#.#"],  # its middle is that of / and \, too
        "O": [".#.", "#.#", ".#."],  # its corners are those of X, too
        "/": ["..#", ".#.", "#.."],
        "\\": ["#..", ".#.", "..#"],
    }


# ---------------------------------------------------------------- with the real digits


@pytest.mark.parametrize("name", sorted(LARGE))
def test_large_ones_compile(name: str) -> None:
    assert netspec.check(COURSES / f"{name}.net") == []


@pytest.mark.mnist
@pytest.mark.parametrize("name", sorted(LARGE - {"kaggle_digits"}))
def test_two_layers_learn(name: str, tmp_path: Path) -> None:
    result = train(name, tmp_path, epochs=1, **{"data.limit": 1000, "data.val": 200})
    assert result.metrics["test_accuracy"] > 0.3


def test_two_layers_begin_evenly_between_limits() -> None:
    module = netspec.compile(COURSES / "two_layers.net").module
    kernels = [np.asarray(layer.kernel[...]) for layer in (module.dense, module.dense_2, module.dense_3)]
    assert all(0.29 < abs(kernel).max() <= 0.3 for kernel in kernels)
    evenly = 0.3 / 3**0.5  # the deviation of numbers that are even between -0.3 and 0.3
    assert kernels[0].std() == pytest.approx(evenly, rel=0.01)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The first 600 digits of MNIST as Kaggle writes them."""
    folder = mnist_folder()
    assert folder is not None
    images = np.frombuffer(gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    rows = np.column_stack([labels[:600], images.reshape(-1, 784)[:600]])
    path = tmp_path / "train.csv"
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")
    return path


@pytest.mark.mnist
def test_kaggle_table(table: Path, tmp_path: Path) -> None:
    """A tenth is held out, pixels come as 0..1, they are turned and shifted, and an epoch makes the loss smaller."""
    spec = Source.read(COURSES / "kaggle_digits.net")
    overrides = {"data.source": f'csv("{table}", target = "label")', "train.epochs": "2", "train.batch": "32"}
    prepared = prepare(spec, overrides=overrides)
    parts = {name: len(getattr(prepared.splits, name)) for name in ("train", "val", "test")}
    assert sum(parts.values()) == 600
    assert parts["val"] == pytest.approx(0.1 * (600 - parts["test"]), abs=1)
    (images,) = prepared.splits.train.inputs.values()
    assert images.shape[1:] == (28, 28, 1) and images.min() == 0 and images.max() == 1
    assert prepared.augment is not None
    result = netspec.train(COURSES / "kaggle_digits.net", runs=tmp_path, **overrides)
    assert result.history[1]["metrics"]["val_loss"] < result.history[0]["metrics"]["val_loss"]
