"""One step of everything: times and memory, and no trace of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from tests.training.first_aid.conftest import write_spec


def test_each_part_is_done_once_and_nothing_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(folder, train="optimizer = adam(0.01)\n    tensorboard = true", data="test = 20%")
    before = sorted(folder.iterdir())
    assert run(["train", spec, "--dry-run", "--json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["event"] == "dry_run"
    assert set(record["seconds"]) >= {
        "data and first weights",
        "training step",
        "validation and checkpoint",
        "test metrics and weights",
        "predict",
    }
    assert all(seconds > 0 for seconds in record["seconds"].values())
    weights = 4 * (4 * 16 + 16 + 16 * 3 + 3)
    assert record["bytes"]["weights"] == weights
    assert record["bytes"]["state of training"] > 3 * weights  # Adam has two means of each
    assert record["bytes"]["checkpoints"] > 3 * weights
    assert record["metrics"].keys() >= {"accuracy", "test_accuracy"}
    assert record["steps"] == 2
    assert sorted(folder.iterdir()) == before


def test_what_fails_late_fails_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(folder, train="optimizer = sgd(1e30)", net="dense(8) -> dense(8) -> dense(classes, softmax)")
    assert run(["train", spec, "--dry-run"]) == 1
    assert "error[NS460]" in capsys.readouterr().err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("options", [["--seeds", "2", "-D", "train.epochs=1"], ["--folds", "4"]])
def test_of_several_trainings_the_first_is_tried(
    options: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", write_spec(folder), "--dry-run", *options]) == 0
    assert "everything works; nothing was kept" in capsys.readouterr().out
    assert not (folder / "runs").exists()


def test_streamed_tokens_and_masks_are_tried_too(folder: Path) -> None:
    random = np.random.default_rng(0)
    text = "input 8 tokens(16)\nembedding(8) -> mean_pool -> dense(2, softmax)"
    found = netspec.dry_run(text, (random.integers(1, 16, (12, 8)), random.integers(0, 2, 12)), batch=4)
    assert found.batch == 4
    assert found.step_seconds is not None
    masks = "input 8x8x1\nconv(4, 3x3, relu) -> conv(2, 1x1, softmax)"
    images = random.normal(size=(8, 8, 8, 1)).astype(np.float32)
    assert netspec.dry_run(masks, (images, random.integers(0, 2, (8, 8, 8))), batch=4).steps == 2
    np.save(folder / "x.npy", random.normal(size=(20, 4)).astype(np.float32))
    np.save(folder / "y.npy", random.integers(0, 2, 20))
    streamed = 'input 4\ndense(2, softmax)\ndata {\n    source = npy("x.npy", "y.npy")\n    stream = true\n}'
    (folder / "streamed.net").write_text(streamed)
    assert netspec.overfit_batch(folder / "streamed.net", batch=2, optimizer="adam(0.1)").learned
