"""Checkpoints: any tree comes back, training does not wait for the disk, and a disk that fails loses nothing."""

from __future__ import annotations

import threading
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.language.diagnostics import CompileError
from netspec.language.vocabulary import words
from netspec.storage.array_file import read_arrays
from netspec.storage.checkpoints import file_store
from netspec.storage.checkpoints.file_store import FileStore
from netspec.storage.checkpoints.store import CheckpointStore, MemoryStore, Snapshot
from netspec.storage.run_files import checkpoint_file, checkpoint_steps
from netspec.storage.run_folder import Run, read_run
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.loop import fit
from netspec.training.optimizers.base import Optimizer
from netspec.training.step.engine import Engine
from tests.training.disk import fill_disk
from tests.training.nets import class_job, same

Pair = namedtuple("Pair", "first second")
TREE = {
    "params": {"a/b": jnp.ones((2, 3)), "a": {"b": jnp.zeros(3, jnp.bfloat16)}},
    "nested": [Pair(jnp.int32(7), None), (jnp.float32(0.5), {"empty": {}}), ()],
    "random": {"key": jax.random.key(3), "old": jax.random.PRNGKey(4), "many": jax.random.split(jax.random.key(5), 3)},
    "flags": jnp.array([True, False]),
    "tiny": jnp.asarray([1, -2], jnp.int4),
    "none": jnp.zeros((0, 4)),
}
COPY = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))


def keep(folder: Path, tree: Any, best: Any = None) -> FileStore:
    store = FileStore(folder / "checkpoints", COPY)
    store.save(7, tree, best, {"epoch": 2, "loss": np.float64(0.1), "sums": np.arange(2)})
    store.wait()
    return store


def kinds(tree: Any) -> list[Any]:
    return [(leaf.dtype, leaf.shape) for leaf in jax.tree.leaves(tree)]


def keyless(tree: Any) -> Any:
    """A tree with the numbers that random keys are made of in place of the keys."""
    return jax.tree.map(
        lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf, tree
    )


def test_any_tree_comes_back(tmp_path: Path) -> None:
    best = ({"w": jnp.ones(3)}, {})
    found = keep(tmp_path, TREE, best).restore(TREE, best)
    assert found is not None and found.best is not None
    assert same(keyless(found.state), keyless(TREE)) and kinds(found.state) == kinds(TREE)
    assert same(found.best, best)
    assert found.record == {"epoch": 2, "loss": 0.1, "sums": [0, 1]}


@pytest.mark.parametrize("word", [w for w in words("optimizer").values() if w.has_rate], ids=lambda w: w.word)
def test_the_state_of_every_optimizer_comes_back(tmp_path: Path, word: type[Optimizer]) -> None:
    engine = Engine(class_job(optimizer=(word(),)))
    state = engine.start()
    like = engine.start()
    found = keep(tmp_path, state).restore(like, ())
    assert found is not None and found.best is None
    assert same(keyless(found.state), keyless(like)) and kinds(found.state) == kinds(like)
    # A weak type would be lost in the file, and might change what follows after going on.
    assert not any(getattr(leaf, "weak_type", False) for leaf in jax.tree.leaves(like))


def test_what_is_of_another_net(tmp_path: Path) -> None:
    store = keep(tmp_path, {"a": jnp.ones(3)})
    for like, told in (
        ({"a": jnp.ones(4)}, "`a` is 3, not 4"),
        ({"a": jnp.ones(3, jnp.int32)}, "`a` is float32, not int32"),
        ({"a": jnp.ones(3), "b": jnp.ones(1)}, "it has no `b`"),
        ({}, "it has `a`, which the network does not have"),
    ):
        with pytest.raises(CompileError) as caught:
            store.restore(like, ())
        assert caught.value.diagnostics[0].code == "NS474" and told in caught.value.diagnostics[0].message


@pytest.mark.parametrize("make", [lambda folder: FileStore(folder / "c", COPY), lambda folder: MemoryStore(COPY)])
def test_before_anything_was_kept(tmp_path: Path, make: Any) -> None:
    store: CheckpointStore = make(tmp_path)
    assert store.restore({}, ()) is None and not store.is_busy()
    store.save(1, {"a": jnp.ones(2)}, None, {})
    store.wait()
    found = store.restore({"a": jnp.zeros(2)}, ())
    assert isinstance(found, Snapshot) and same(found.state, {"a": jnp.ones(2)})


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    keep(tmp_path, {"a": jnp.ones(3)})
    left = tmp_path / "checkpoints" / ".step-00000008.safetensors.tmp"
    left.write_bytes(b"half of it")
    again = FileStore(tmp_path / "checkpoints", COPY)
    assert not left.exists() and again.steps == [7]


# ---------------------------------------------------------------- not waiting


class Counts(TrainingCallback):
    """Sets an event after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.reached = epochs, threading.Event()

    def epoch(self, record: Any) -> None:
        if record["epoch"] == self.epochs:
            self.reached.set()


def test_training_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint is written before the fourth epoch is over: whoever waited for one would do so for long."""
    follower = Counts(4)
    write, in_time = file_store.write_arrays, []

    def slow(path: Path, *rest: Any) -> None:
        in_time.append(follower.reached.wait(30))
        write(path, *rest)

    monkeypatch.setattr(file_store, "write_arrays", slow)
    run = Run.create(tmp_path, "net", {}, {})
    found = fit(class_job(epochs=5), run=run, reporter=follower, save_seconds=1e-9)
    assert in_time and all(in_time)
    assert checkpoint_steps(run.checkpoints)[-1] == 35 and len(found.history) == 5


def test_handing_over_takes_no_time(tmp_path: Path) -> None:
    """Against a state of 80 MB, which takes the disk far longer."""
    state = {f"layer{i}": jnp.ones(1_000_000) for i in range(20)}
    store = FileStore(tmp_path / "c", COPY)
    jax.block_until_ready(COPY(state))
    took = []
    for step in range(3):
        began = time.perf_counter()
        store.save(step, state, None, {})
        took.append(time.perf_counter() - began)
        store.wait()
    assert min(took) < 0.25 * store.seconds


# ---------------------------------------------------------------- disks that fail


def is_checkpoint(path: Path) -> bool:
    return path.name.startswith(".step-")


def test_a_full_disk_ends_the_training_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(class_job(epochs=4), run=Run.create(tmp_path, "whole", {}, {}))
    run = Run.create(tmp_path, "net", {}, {})
    fit(class_job(epochs=2), run=run, save_seconds=0.0)
    before = {path: path.read_bytes() for path in run.checkpoints.iterdir()}
    with monkeypatch.context() as patch, pytest.raises(CompileError) as caught:
        fill_disk(patch, 2000, is_checkpoint)
        fit(class_job(epochs=4), run=run, resume=True, save_seconds=0.0)
    (told,) = caught.value.diagnostics
    assert told.code == "NS490" and told.message.endswith("cannot be written: No space left on device")
    assert told.hint_text == f"free some space, then continue from step 14 with `netspec train --resume {run.path}`"
    assert {path: path.read_bytes() for path in run.checkpoints.iterdir()} == before
    assert "NS490" in (run.path / "log.txt").read_text()
    assert same(fit(class_job(epochs=4), run=run, resume=True).weights, whole.weights)


def test_a_disk_that_is_full_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    with monkeypatch.context() as patch, pytest.raises(CompileError) as caught:
        fill_disk(patch, 0, is_checkpoint)
        fit(class_job(), run=run)
    assert caught.value.diagnostics[0].hint_text == "nothing was saved yet; free some space, and start again"
    assert [*run.checkpoints.iterdir()] == [] and not (run.path / "weights.safetensors").exists()
    assert fit(class_job(), run=run, resume=True).epochs == 3  # it starts from the beginning


def test_weights_that_cannot_be_written_leave_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    with monkeypatch.context() as patch, pytest.raises(CompileError) as caught:
        fill_disk(patch, 10, lambda path: "weights" in path.name)
        fit(class_job(), run=run)
    assert caught.value.diagnostics[0].code == "NS477"
    steps = checkpoint_steps(run.checkpoints)
    assert steps == [21]
    read_arrays(checkpoint_file(run.checkpoints, 21))
    assert fit(class_job(), run=run, resume=True).epochs == 3 and read_run(run.path).done is not None


def test_a_mistake_while_writing_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(file_store, "write_arrays", broken)
    with pytest.raises(ZeroDivisionError):
        fit(class_job(), run=Run.create(tmp_path, "net", {}, {}))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("in the way")
    with pytest.raises(CompileError) as caught:
        FileStore(tmp_path / "c", COPY)
    assert caught.value.diagnostics[0].code == "NS477"
