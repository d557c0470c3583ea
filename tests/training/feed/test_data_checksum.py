"""The checksum over the examples of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import FileRows
from netspec.training.feed import data_checksum as module
from netspec.training.feed.data_checksum import fingerprint
from tests.training.nets import class_data


def changed(data: Arrays, place: tuple[int, ...]) -> Arrays:
    inputs = data.inputs["input"].copy()
    inputs[place] += 1
    return Arrays({"input": inputs}, data.targets)


def test_equal_data_have_equal_ones() -> None:
    data = class_data(50)
    turned = Arrays({"input": np.asfortranarray(data.inputs["input"])}, data.targets)
    assert fingerprint(data, None) == fingerprint(class_data(50), None) == fingerprint(turned, None)
    assert len(fingerprint()) == 8


def test_other_data_have_others() -> None:
    data = class_data(50)
    others = [
        changed(data, (0, 0)),
        changed(data, (49, 7)),
        class_data(50, 1),
        class_data(49),
        data.take(np.arange(50)[::-1]),
    ]
    labels = Arrays(data.inputs, {"output": (data.targets["output"] + 1) % 3})
    wider = Arrays({"input": data.inputs["input"].astype(np.float64)}, data.targets)
    renamed = Arrays({"x": data.inputs["input"]}, data.targets)
    found = [fingerprint(d, None) for d in (data, *others, labels, wider, renamed)]
    found += [fingerprint(None, data), fingerprint(data, data), fingerprint(data, None, data)]
    assert len(set(found)) == len(found)


def test_large_arrays_are_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 400)
    data = class_data(50)  # 32 bytes each: every fourth is looked at
    assert fingerprint(data) == fingerprint(changed(data, (1, 0)))
    assert fingerprint(data) != fingerprint(changed(data, (4, 0)))


def test_examples_in_files(tmp_path: Path) -> None:
    numbers = np.arange(200 * 4, dtype=np.float32).reshape(200, 4)

    def stored(values: np.ndarray) -> str:
        (tmp_path / "x").write_bytes(values.tobytes())
        return fingerprint(Arrays({"input": FileRows(tmp_path / "x", (200, 4), np.float32)}, {}))

    assert stored(numbers) == stored(numbers.copy()) != stored(numbers + 1)
