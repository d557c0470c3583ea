"""Data that are read while training runs: the numbers of a run in memory, bounded memory, and files that go away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.language.diagnostics import CompileError
from netspec.runs.resume import resume_run
from netspec.spec.compilation import read_source
from netspec.spec.experiment import Result, prepare, train_prepared
from netspec.storage.run_files import checkpoint_steps
from netspec.storage.run_folder import read_run
from netspec.training.feed.prefetch import ahead
from netspec.training.loop.callback import TrainingCallback

RNG = np.random.default_rng(0)

IMAGES = """
input 6x6x1
flatten -> dense(4, relu) -> dropout(0.2) -> dense(3, softmax)
data {
    source = npy("x.npy", "y.npy")
    val = 15%
    normalize = standard
}
train {
    epochs = 3
    batch = 16
    stop = early(val_loss, patience = 5)
}
"""
VARIED = IMAGES.replace("standard", "standard\n    augment = flip -> brightness(0.1)").replace(
    "flatten ->", "conv(2, 3, bias = false) -> batchnorm -> relu -> flatten ->"
)
AUTOENCODER = """
input 7
dense(3, tanh) -> dense(7)
data {
    source = npy("v.npy")
    normalize = unit
    target = input
    shuffle = false
    limit = 50
}
train {
    epochs = 2
    batch = 16
    metrics = rmse
}
"""
FOLDERS = """
input 5x5x3
flatten -> dense(2, softmax)
data {
    source = images("photos", size = 5x5)
    normalize = imagenet
}
train {
    epochs = 2
    batch = 4
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", RNG.integers(0, 256, (150, 6, 6), np.uint8))
    np.save(tmp_path / "y.npy", RNG.integers(0, 3, 150))
    np.save(tmp_path / "v.npy", RNG.normal(size=(90, 7)))
    for i in range(24):
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (6, 8, 3), np.uint8)).save(path)
    return tmp_path


def train(folder: Path, text: str, stream: bool, reporter: Any = None, **how: Any) -> Result:
    (folder / "net.net").write_text(text, encoding="utf-8")
    prepared = prepare(read_source(folder / "net.net"), overrides={"data.stream": str(stream).lower()})
    assert any(p.code == "NS516" for p in prepared.warnings) == stream
    return train_prepared(prepared, folder / "runs", reporter, **how)


def weights(result: Result) -> bytes:
    return (result.run / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("text", [VARIED, AUTOENCODER, FOLDERS], ids=["images", "autoencoder", "folders"])
def test_the_numbers_are_those_in_memory(folder: Path, text: str) -> None:
    """Also the normalization, the order, what varies the images, and the figures, to the last bit."""
    ours, theirs = train(folder, text, True), train(folder, text, False)
    assert weights(ours) == weights(theirs)
    assert ours.metrics == theirs.metrics
    for found, expected in zip(ours.history, theirs.history, strict=True):
        assert (found["loss"], found["metrics"]) == (expected["loss"], expected["metrics"])
    assert ours.model.normalization == theirs.model.normalization
    figures = netspec.evaluate(ours.run, split="train")
    assert figures == netspec.evaluate(theirs.run, split="train")


class _After(TrainingCallback):
    """Does something when an epoch is over."""

    def __init__(self, epoch: int, act: Any) -> None:
        self.at, self.act = epoch, act

    def epoch(self, record: dict[str, Any]) -> None:
        if record["epoch"] == self.at:
            self.act()


@pytest.mark.parametrize("save_seconds", [0.0, 1e9])
def test_a_file_that_becomes_shorter_ends_the_run_which_can_go_on(folder: Path, save_seconds: float) -> None:
    """What was trained is saved; once the file is back, the run ends with the numbers that it would have had."""
    whole, path = train(folder, IMAGES, True), folder / "x.npy"
    content = path.read_bytes()

    with pytest.raises(CompileError) as caught:
        train(folder, IMAGES, True, _After(2, lambda: os.truncate(path, 2000)), save_seconds=save_seconds)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "NS515"
    assert "2,000 bytes" in diagnostic.message
    run = folder / "runs" / "net-2"
    record = read_run(run)
    assert record.failed is not None
    assert record.failed["code"] == "NS515"
    assert checkpoint_steps(run / "checkpoints")[-1] >= 2 * 7

    path.write_bytes(content)
    result = resume_run(run)
    assert weights(result) == weights(whole)
    assert [r["loss"] for r in result.history] == [r["loss"] for r in whole.history]


def test_what_streamed_goes_on_in_memory(folder: Path) -> None:
    whole = train(folder, IMAGES, False)
    with pytest.raises(KeyboardInterrupt):
        train(folder, IMAGES, True, _After(1, _interrupt), save_seconds=0)
    result = resume_run(folder / "runs" / "net-2", overrides={"data.stream": "false"})
    assert weights(result) == weights(whole)


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_an_image_that_is_removed_ends_the_run(folder: Path) -> None:
    def remove() -> None:
        for path in (folder / "photos" / "a").iterdir():
            path.unlink()

    with pytest.raises(CompileError) as caught:
        train(folder, FOLDERS, True, _After(1, remove), save_seconds=0)
    assert caught.value.diagnostics[0].code == "NS515"
    assert checkpoint_steps(folder / "runs" / "net-1" / "checkpoints")


def test_a_loss_that_is_not_finite_is_found_in_the_same_step(folder: Path) -> None:
    np.save(folder / "v.npy", np.full((90, 7), 1e30) * RNG.normal(size=(90, 7)))
    texts = []
    for stream in (True, False):
        with pytest.raises(CompileError) as caught:
            train(folder, AUTOENCODER.replace("unit", "none"), stream)
        texts.append(caught.value.diagnostics[0].message)
    assert texts[0] == texts[1]
    assert caught.value.diagnostics[0].code == "NS460"


# ---------------------------------------------------------------- reading ahead


def test_batches_come_in_their_order_and_few_of_them_early() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.01 * (item % 3))
        return item * item

    found = ahead(work, range(20), 3, 4)
    assert next(found) == 0
    time.sleep(0.1)
    assert len(begun) <= 5
    assert list(found) == [i * i for i in range(1, 20)]


def test_an_error_comes_when_it_is_the_turn_of_its_batch() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise OSError("gone")
        return item

    found = ahead(work, range(9), 3, 4)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_nothing_is_read_any_more_once_closed() -> None:
    begun: list[int] = []
    found = ahead(begun.append, range(1000), 2, 3)
    next(found)
    found.close()
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) == count <= 5


MEMORY = """
import resource, sys
from pathlib import Path
from netspec.data.dataset import lazy_rows as rows
from netspec.training.feed import prefetch
from netspec.spec.compilation import read_source
from netspec.spec.experiment import prepare, train_prepared

def taken():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

folder = Path(sys.argv[1])
prefetch.BUFFER_BYTES = rows.BLOCK_BYTES = 1 << 22
for name in ("small", "large"):
    train_prepared(prepare(read_source(folder / f"{name}.net"), overrides={"data.stream": "true"}), folder / "runs")
    print(taken())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the most memory that was taken is not known there")
def test_memory_is_bounded_by_the_buffers(tmp_path: Path) -> None:
    """A file of 300 MB takes hardly more than one of 3 MB."""
    sizes, block = {"small": 1_000, "large": 100_000}, RNG.random((1000, 768), np.float32)
    for name, count in sizes.items():
        x = np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", np.float32, (count, 768))
        for begin in range(0, count, 1000):
            x[begin : begin + 1000] = block
        x.flush()
        np.save(tmp_path / f"{name}_y.npy", np.arange(count) % 2)
        (tmp_path / f"{name}.net").write_text(
            f'input 768\ndense(2, softmax)\ndata {{\n    source = npy("{name}.npy", "{name}_y.npy")\n'
            "    normalize = standard\n}\ntrain {\n    epochs = 1\n    batch = 256\n}\n"
        )
    found = subprocess.run([sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    small, large = map(int, found.stdout.split())
    assert large - small < 100e6, f"{(large - small) / 1e6:.0f} MB more"
