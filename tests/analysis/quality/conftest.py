"""Runs of tiny networks that the tests of this folder only read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netspec

HOMES = """\
input all: 6
dense(8, relu) -> dense(1)
data {
    source    = csv("homes.csv", target = "price", categories = "city")
    normalize = standard
}
train {
    epochs    = 20
    optimizer = adam(0.05)
}
"""
DIGITS = """\
input 8x8x1
flatten -> dense(classes, softmax)
data { source = digits }
train {
    epochs    = 3
    optimizer = adam(0.01)
}
"""
TWO = """\
input all: 2
trunk = all -> dense(8, relu)
output price = trunk -> dense(1)
output is_large = trunk -> dense(1, sigmoid)
data { source = csv("two.csv", target = ["price", "is_large"]) }
train { epochs = 5 }
"""


def train(folder: Path, name: str, text: str) -> Path:
    (folder / f"{name}.net").write_text(text, encoding="utf-8")
    return netspec.train(folder / f"{name}.net", runs=folder / "runs", verbose=0).run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tables."""
    found, rng, count = tmp_path_factory.mktemp("quality"), np.random.default_rng(0), 150
    city, rooms, area = rng.choice(["Basel", "Bern", "Zug"], count), rng.integers(1, 6, count), rng.random(count)
    price = area * 10 + rooms * (city == "Zug") + rng.normal(0, 0.2, count)
    columns = {"city": city, "rooms": rooms, "area": area, "noise": rng.random(count), "price": price}
    pl.DataFrame(columns).write_csv(found / "homes.csv")
    answers = np.where(area > 0.6, "yes", "no")
    pl.DataFrame({"rooms": rooms, "area": area, "price": price, "is_large": answers}).write_csv(found / "two.csv")
    return found


@pytest.fixture(scope="session")
def homes(folder: Path) -> Path:
    """A run on a table with a category, whose target is a number."""
    return train(folder, "homes", HOMES)


@pytest.fixture(scope="session")
def digits(folder: Path) -> Path:
    """A run on images of ten classes."""
    return train(folder, "digits", DIGITS)


@pytest.fixture(scope="session")
def two(folder: Path) -> Path:
    """A run with two outputs: a number, and yes or no."""
    return train(folder, "two", TWO)
