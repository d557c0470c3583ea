"""Targets are normalized by the statistics of the training split, each number by its own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from netspec.compiler.ir.graph import Padding
from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.settings import DataSettings
from netspec.data.splits.split import normalize_targets, split_dataset
from netspec.data.transforms.target_scaling import find_target_scaling, scale_targets

X = np.arange(60.0, dtype=np.float32)[:, None]


def head(*sizes: int, **more: object) -> OutputHead:
    return OutputHead(sizes, is_unbounded=True, **more)  # type: ignore[arg-type]


def test_each_number_is_scaled_by_the_training_split() -> None:
    y = np.random.default_rng(0).normal([180_000, 0.001], [60_000, 0.01], size=(60, 2))
    plain = split_dataset(from_arrays(X, y), DataSettings(val=0.2))
    splits = normalize_targets(plain, {"output": head(2)})
    expected = StandardScaler().fit(plain.train.targets["output"].astype(np.float64))
    scale = splits.target_scaling["output"]
    np.testing.assert_allclose(scale.mean, expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(scale.std, expected.scale_, rtol=1e-12)
    for part in ("train", "val", "test"):
        raw, scaled = (getattr(s, part).targets["output"] for s in (plain, splits))
        np.testing.assert_allclose(scaled, expected.transform(raw.astype(np.float64)), rtol=1e-5, atol=1e-6)
        assert scaled.dtype == np.float32


def test_classes_and_binary_labels_stay() -> None:
    for y in (np.arange(60) % 3, np.arange(60) % 2 == 0):
        plain = split_dataset(from_arrays(X, y), DataSettings())
        scaled = normalize_targets(plain, {"output": head(3)})
    assert scaled.target_scaling == {}
    assert scaled.train.targets["output"] is plain.train.targets["output"]


def test_equal_targets_are_only_centered() -> None:
    train = Arrays({}, {"y": np.full((5, 1), 7.1)})
    scale = find_target_scaling(train, {"y": head(1)})["y"]
    assert scale.mean == (7.1,) and scale.std == (1.0,)
    assert scale_targets(train, {"y": scale}).targets["y"].tolist() == [[0.0]] * 5


def test_large_numbers_keep_their_differences() -> None:
    y = 1.7e12 + np.arange(60.0)[:, None] * 1000
    train = Arrays({}, {"y": y})
    scales = find_target_scaling(train, {"y": head(1)})
    scaled = scale_targets(train, scales).targets["y"]
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(y), rtol=1e-6, atol=1e-6)


def test_padded_steps_do_not_count() -> None:
    tokens = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    y = np.array([[[1.0], [3.0], [99.0]], [[5.0], [99.0], [99.0]]])
    train = Arrays({"text": tokens}, {"y": y})
    scale = find_target_scaling(train, {"y": head(3, 1, padding=Padding("text", 0))})["y"]
    assert scale.mean == (3.0,) and scale.std == pytest.approx((np.std([1, 3, 5]),))


def test_steps_share_the_statistics_of_their_unit() -> None:
    y = np.random.default_rng(1).normal(50, 9, size=(30, 4, 2))
    scale = find_target_scaling(Arrays({}, {"y": y.reshape(30, 8)}), {"y": head(4, 2)})["y"]
    np.testing.assert_allclose(scale.mean, y.reshape(-1, 2).mean(axis=0))
    np.testing.assert_allclose(scale.std, y.reshape(-1, 2).std(axis=0))
