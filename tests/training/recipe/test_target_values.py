"""Nets whose targets only their loss makes sense of: found to fit, or told before the first step what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import prepare

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(80, 8)).astype(np.float32)
STEPS = RANDOM.normal(size=(80, 12, 8)).astype(np.float32)
IDS = RANDOM.integers(0, 3, 80)
SHARES = RANDOM.dirichlet(np.ones(3), 80).astype(np.float32)
SPELT = np.where(np.arange(4) < RANDOM.integers(0, 5, 80)[:, None], RANDOM.integers(1, 6, (80, 4)), 0)
ONE_HOT = np.eye(3, dtype=np.float32)[IDS]


def found(layers: str, loss: str, x: Any, y: Any) -> list[tuple[str, str]]:
    """Codes and messages, warnings too."""
    shape = "x".join(map(str, x.shape[1:]))
    spec = Source("t.net", f"input {shape}\n{layers}\ntrain {{ loss = {loss} }}")
    try:
        prepared = prepare(Compilation(spec), (x, y))
    except CompileError as wrong:
        assert all(d.hint_text for d in wrong.diagnostics)
        return [(d.code, d.message) for d in wrong.diagnostics]
    return [(d.code, d.message) for d in prepared.warnings]


@pytest.mark.parametrize(
    ("layers", "loss", "x", "y"),
    [
        ("dense(3, softmax)", "kl", X, SHARES),
        ("dense(3, softmax)", "cross_entropy", X, SHARES),
        ("dense(3, softmax)", "cross_entropy", X, ONE_HOT),
        ("dense(3)", "kl", X, SHARES),
        ("dense(3)", "hinge", X, IDS),
        ("dense(1)", "hinge", X, IDS > 0),
        ("dense(1)", "poisson", X, IDS.astype(np.float32)),
        ("dense(7) -> l2norm", "triplet(0.2)", X, IDS),
        ("dense(2)", "contrastive", X, IDS),
        ("gru(5) -> dense(6, softmax)", "ctc", STEPS, SPELT),
        ("gru(5) -> dense(6)", "ctc", STEPS, SPELT[:, :1]),
    ],
)
def test_nothing_is_said_of_what_fits(layers: str, loss: str, x: Any, y: Any) -> None:
    assert found(layers, loss, x, y) == []


NEGATIVE = np.where(np.arange(80) == 50, -2, IDS).astype(np.float32)
HOLE = np.where(np.arange(80)[:, None] == 3, [1, 0, 2, 0], SPELT)
LONG = np.where(np.arange(80)[:, None] == 3, [1, 1, 1, 1], SPELT)


@pytest.mark.parametrize(
    ("layers", "loss", "x", "y", "code", "words"),
    [
        ("dense(3, softmax)", "kl", X, SHARES * 2, "NS462", "sum up to 2"),
        ("dense(3, softmax)", "cross_entropy", X, SHARES - 1 / 3 + 1e-9, "NS462", "sum up to"),
        ("dense(2, softmax)", "kl", X, np.tile(np.float32([1.5, -0.5]), (80, 1)), "NS462", "the number -0.5"),
        ("dense(4, softmax)", "kl", X, SHARES, "NS440", "3 numbers"),
        ("dense(1)", "poisson", X, NEGATIVE, "NS462", "example 50 is -2"),
        ("gru(5) -> dense(6, softmax)", "ctc", STEPS, HOLE, "NS462", "between its classes"),
        ("maxpool(2) -> gru(5) -> dense(6, softmax)", "ctc", STEPS, LONG, "NS462", "needs 7 steps for 4 classes"),
        ("gru(5) -> dense(5, softmax)", "ctc", STEPS, SPELT, "NS432", "6 classes"),
        ("dense(3, softmax)", "hinge", X, IDS, "NS450", "hinge"),
        ("dense(3)", "triplet", X, SHARES, "NS450", "triplet"),
    ],
)
def test_what_does_not_fit(layers: str, loss: str, x: Any, y: Any, code: str, words: str) -> None:
    wrong = found(layers, loss, x, y)
    assert [c for c, _ in wrong] == [code]
    assert words in wrong[0][1]


def test_distributions_without_a_loss_that_takes_them() -> None:
    spec = Source("t.net", "input 8\ndense(3, softmax)")
    with pytest.raises(CompileError) as caught:
        prepare(Compilation(spec), (X, SHARES))
    assert [d.code for d in caught.value.diagnostics] == ["NS435"]


@pytest.mark.parametrize(
    ("layers", "settings"),
    [
        ("conv(4, relu) -> conv(1, 3x3, sigmoid)", "loss = binary_cross_entropy"),
        ("conv(4, relu) -> conv(1, 3x3)", "metrics = [rmse, r2]"),
        ("conv(4, relu) -> conv(1, 3x3)", "loss = cosine"),
        ("flatten -> dense(16, relu) -> dense(64, sigmoid) -> reshape(8x8x1)", "loss = huber"),
    ],
)
def test_images_that_are_given_back(tmp_path: Path, layers: str, settings: str) -> None:
    images = RANDOM.random((60, 8, 8, 1)).astype(np.float32)
    text = f"input 8x8x1\n{layers}\ndata {{ target = input }}\ntrain {{\n    epochs = 2\n    {settings}\n}}"
    if "cosine" in settings:
        with pytest.raises(CompileError) as caught:  # at each place there is one channel, which has no direction
            netspec.train(netspec.compile(text), images, runs=tmp_path)
        assert [d.code for d in caught.value.diagnostics] == ["NS450"]
        return
    result = netspec.train(netspec.compile(text), {"x": images, "x_test": images}, runs=tmp_path)
    answers = np.asarray(result.model(images), np.float64)
    expected = np.sqrt(((answers - images) ** 2).mean())
    assert result.metrics["test_rmse"] == pytest.approx(expected, rel=1e-4)
    if "binary" in settings:
        surprise = -(images * np.log(answers) + (1 - images) * np.log(1 - answers))
        assert result.metrics["test_loss"] == pytest.approx(surprise.mean(), rel=1e-4)
    if "r2" in settings:
        flat, right = answers.reshape(60, -1), images.reshape(60, -1)
        each = 1 - ((flat - right) ** 2).sum(0) / ((right - right.mean(0)) ** 2).sum(0)
        assert result.metrics["test_r2"] == pytest.approx(each.mean(), rel=1e-4)


def test_what_a_net_spells(tmp_path: Path) -> None:
    """Steps show which class it is; the answer has each once where it comes twice in a row, and no blanks."""
    letters = RANDOM.integers(0, 4, (200, 8))
    letters[:, 1::2] = letters[:, ::2]  # each one lasts two steps
    spelt = [[i for i, before in zip(row, [0, *row], strict=False) if i not in (before, 0)] for row in letters.tolist()]
    targets = np.array([row + [0] * (4 - len(row)) for row in spelt])
    steps = np.eye(4, dtype=np.float32)[letters]
    spec = netspec.compile("input 8x4\ndense(4, softmax)\ntrain {\n    loss = ctc\n    optimizer = adam(0.1)\n}")
    result = netspec.train(spec, (steps, targets), runs=tmp_path, epochs=30, batch=50)
    assert result.metrics["test_error_rate"] < 0.02
    np.save(tmp_path / "new.npy", steps[:5])
    found = netspec.predict(result.run, [str(tmp_path / "new.npy")]).examples
    assert [a["outputs"]["output"]["classes"] for a in found] == [[str(i) for i in row] for row in spelt[:5]]
