"""A small table with classes that a line divides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table: 4 numbers, the class `kind` and the number `size`."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 4))
    kind, size = (x @ random.normal(size=(4, 3))).argmax(axis=1), 3 * x[:, 0] - x[:, 1]
    rows = [f"{','.join(f'{v:.4f}' for v in row)},{'abc'[k]},{s:.4f}" for row, k, s in zip(x, kind, size, strict=True)]
    (tmp_path / "points.csv").write_text("\n".join(["p,q,r,s,kind,size", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_spec(
    folder: Path,
    net: str = "dense(16, relu) -> dense(classes, softmax)",
    train: str = "optimizer = adam(0.01)",
    data: str = "",
    target: str = "kind",
) -> str:
    """A spec on the table; the path of its file."""
    ignored = "size" if target == "kind" else "kind"
    path = folder / "points.net"
    path.write_text(
        f"input 4\n{net}\n"
        f'data {{\n    source = csv("points.csv", target = "{target}", drop = ["{ignored}"])\n    {data}\n}}\n'
        f"train {{\n    epochs = 2\n    batch = 16\n    {train}\n}}\n"
    )
    return str(path)
