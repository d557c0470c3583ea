"""Outputs of imported networks beside those of PyTorch, whose images have their channels first."""

from __future__ import annotations

from typing import Any

import numpy as np


def channels_last(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, 1, -1) if x.ndim > 3 else x


def assert_equal(y: Any, tensor: Any) -> None:
    """Up to rounding, relative to the largest number."""
    expected = channels_last(tensor.numpy())
    assert np.abs(np.asarray(y) - expected.reshape(y.shape)).max() <= 1e-5 * np.abs(expected).max()
