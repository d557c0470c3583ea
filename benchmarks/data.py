"""The data: MNIST where `NETSPEC_DATA` has it, random numbers of the same shape otherwise. Equal in every process."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.workloads import CLASSES, TEST_EXAMPLES, Workload

PIXELS = 784


@dataclass(frozen=True)
class Data:
    """Examples, float32 with channels last, and their classes; `is_real` when an accuracy means something."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    is_real: bool


def mnist_folder() -> Path | None:
    folder = Path(os.environ.get("NETSPEC_DATA", "")) / "mnist"
    return folder if os.environ.get("NETSPEC_DATA") and folder.is_dir() else None


def load_data(workload: Workload) -> Data:
    """The data of a workload."""
    shape, folder = workload.net.shape, mnist_folder()
    if workload.kind == "epochs" and folder is not None and np.prod(shape) == PIXELS:
        x, y, x_test, y_test = (
            _read(folder / f"{name}.gz")
            for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                         "t10k-labels-idx1-ubyte")
        )  # fmt: skip
        train = slice(0, workload.examples)
        return Data(_pixels(x[train], shape), y[train].astype(np.int32), _pixels(x_test, shape),
                    y_test.astype(np.int32), is_real=True)  # fmt: skip
    random = np.random.default_rng(0)
    tests = min(TEST_EXAMPLES, workload.examples)
    x, x_test = (random.normal(size=(n, *shape)).astype(np.float32) for n in (workload.examples, tests))
    y, y_test = (random.integers(0, CLASSES, len(part)).astype(np.int32) for part in (x, x_test))
    return Data(x, y, x_test, y_test, is_real=False)


def _pixels(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return images.reshape(-1, *shape).astype(np.float32) / 255


def _read(path: Path) -> np.ndarray:
    """An IDX file: two zeros, the type (8: bytes), the number of axes, their sizes, the numbers."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    sizes = np.frombuffer(content, ">i4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)
