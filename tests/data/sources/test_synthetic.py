"""The sets that are made on the spot: what they show, and that a seed repeats them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.data.sources.synthetic import FourShapes, Moons, Sine, Spirals
from netspec.language.vocabulary import words

HERE = Path()


@pytest.mark.parametrize("name", ["four_shapes", "moons", "spirals", "sine"])
def test_the_seed_and_the_count(name: str) -> None:
    word = words("source")[name]
    first, again, other = (word(seed=seed, examples=30).load(HERE).train for seed in (1, 1, 2))
    assert len(first) == 30
    assert (first.inputs["input"] == again.inputs["input"]).all()
    assert (first.inputs["input"] != other.inputs["input"]).any()


def test_four_shapes_without_noise() -> None:
    data = FourShapes(noise=0.0, examples=5).load(HERE)
    signs = ["".join(".#"[int(v)] for v in x.ravel()) for x in data.train.inputs["input"]]
    assert signs == ["#.#.#.#.#", "####.####", "..#.#.#..", "#...#...#", "#.#.#.#.#"]
    assert [data.facts.targets["output"].names[i] for i in data.train.targets["output"]] == ["X", "O", "/", "\\", "X"]
    assert data.facts.is_complete


def test_moons_lie_on_two_half_circles() -> None:
    train = Moons(noise=0.0).load(HERE).train
    x, y = train.inputs["input"], train.targets["output"]
    assert np.hypot(*x[y == 0].T) == pytest.approx(1, abs=1e-5)
    assert x[y == 0][:, 1].min() >= 0
    assert np.hypot(x[y == 1][:, 0] - 1, x[y == 1][:, 1] - 0.5) == pytest.approx(1, abs=1e-5)
    assert x[y == 1][:, 1].max() <= 0.5


def test_spirals_turn_with_their_radius() -> None:
    data = Spirals(noise=0.0, arms=3, turns=2.0, examples=300).load(HERE)
    x, y = data.train.inputs["input"].astype(float), data.train.targets["output"]
    assert data.facts.classes == 3
    angle = np.arctan2(x[:, 1], x[:, 0]) - 2 * np.pi * (2 * np.hypot(*x.T) + y / 3)
    assert np.cos(angle) == pytest.approx(1, abs=1e-4)


def test_a_sine() -> None:
    train = Sine(noise=0.0).load(HERE).train
    x, y = train.inputs["input"], train.targets["output"]
    assert y == pytest.approx(np.sin(x), abs=1e-6)
    assert x.min() < -3 and x.max() > 3
    noise = Sine(noise=0.5, examples=5000).load(HERE).train
    assert (noise.targets["output"] - np.sin(noise.inputs["input"])).std() == pytest.approx(0.5, rel=0.05)
