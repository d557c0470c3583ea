"""Checkpoints of sharded states: folders that Orbax writes, with our record and checksums.

What does not need several devices runs in this process. `sharded.py` has the rest: eight simulated devices, two
processes, kills.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.storage import errors
from netspec.storage.checkpoints.file_store import FileStore
from netspec.storage.checkpoints.folder_store import FolderStore
from netspec.storage.checkpoints.orbax_store import OrbaxStore
from netspec.storage.checkpoints.read import read_checkpoint, read_record
from netspec.storage.run_files import checkpoint_file, checkpoint_folder, checkpoints_in
from netspec.training.distributed.channel import free_port
from tests.storage.sharded import child, copy, differing, kill_while_saving, state_of

TREE = state_of(1)
LIKE = state_of(0)
BEST = ({"w": jnp.arange(3.0)}, {"mean": jnp.ones(2)})
ZEROS = jax.tree.map(jnp.zeros_like, BEST)


def keep(folder: Path, *steps: int, kind: type[FolderStore] = OrbaxStore, **keys: Any) -> FolderStore:
    """A store with checkpoints of some steps, the last of which has other best weights."""
    store = kind(folder / "checkpoints", copy, **keys)
    for step in steps:
        store.save(step, state_of(step), BEST if step == steps[-1] else None, {"epoch": step})
        store.wait()
    return store


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def caught(store: FolderStore, like: Any = LIKE) -> Diagnostic:
    with pytest.raises(CompileError) as error:
        store.restore(like, ZEROS)
    return error.value.diagnostics[0]


def test_any_tree_comes_back(tmp_path: Path) -> None:
    found = keep(tmp_path, 1).restore(LIKE, ZEROS)
    assert found is not None and found.warnings == () and found.record == {"epoch": 1}
    assert differing(found.state, TREE) == [] and differing(found.best, BEST) == []


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    found = keep(tmp_path, 1, 2, 3).restore(LIKE, ZEROS)
    assert names(tmp_path) == ["step-00000002.orbax", "step-00000003.orbax"]
    assert found is not None and differing(found.state, state_of(3)) == []


def test_the_weights_to_keep_are_read_from_the_checkpoint(tmp_path: Path) -> None:
    seen = []

    def publish(state: Any, best: Any) -> None:
        seen.append((np.asarray(state["params"]["kernel"]), None if best is None else np.asarray(best[0]["w"])))

    keep(tmp_path, 1, 2, publish=publish)
    assert [best is None for _, best in seen] == [True, False] and np.array_equal(seen[1][1], BEST[0]["w"])
    for step, (kernel, _) in enumerate(seen, 1):
        assert np.array_equal(kernel, state_of(step)["params"]["kernel"])


# ---------------------------------------------------------------- damage


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, shorten, Path.unlink])
def test_damage_of_any_file_is_noticed_and_an_older_one_is_used(tmp_path: Path, damage: Any) -> None:
    keep(tmp_path, 1, 2)
    newest = checkpoint_folder(tmp_path / "checkpoints", 2)
    files = [path for path in newest.rglob("*") if path.is_file()]
    assert newest / "record.json" in files and len(files) > 5
    for file in files:
        content = file.read_bytes()
        damage(file)
        found = OrbaxStore(tmp_path / "checkpoints", copy).restore(LIKE, ZEROS)
        assert found is not None and found.record == {"epoch": 1} and differing(found.state, TREE) == [], file
        (warning,) = found.warnings
        assert warning.code == "NS472" and file.name in warning.message and "resuming from step 1" in warning.message
        file.write_bytes(content)
    found = OrbaxStore(tmp_path / "checkpoints", copy).restore(LIKE, ZEROS)
    assert found is not None and found.record == {"epoch": 2} and found.warnings == ()


def test_all_are_damaged(tmp_path: Path) -> None:
    store = keep(tmp_path, 1, 2)
    for path in checkpoints_in(tmp_path / "checkpoints"):
        flip(path / "record.json")
    assert caught(store).code == "NS471"


def test_damaged_ones_are_not_counted_as_kept(tmp_path: Path) -> None:
    store = keep(tmp_path, 1, 2)
    flip(checkpoint_folder(tmp_path / "checkpoints", 2) / "record.json")
    store.restore(LIKE, ZEROS)
    store.save(3, TREE, None, {})
    store.wait()
    assert names(tmp_path) == ["step-00000001.orbax", "step-00000003.orbax"]


def test_a_file_of_arrays_that_is_a_link_out_of_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    store = keep(run, 1)
    file = checkpoint_folder(run / "checkpoints", 1) / "arrays" / "manifest.ocdbt"
    shutil.move(file, tmp_path / "outside")
    file.symlink_to(tmp_path / "outside")
    told = caught(store)
    assert told.code == "NS471" and "it is a link out of the run folder" in told.message


def test_a_record_that_cannot_be_used(tmp_path: Path) -> None:
    keep(tmp_path, 1, 2)

    def check(record: Any, file: Path) -> None:
        if record["epoch"] == 2:
            raise CompileError([damaged_file(file)])

    found = OrbaxStore(tmp_path / "checkpoints", copy, check=check).restore(LIKE, ZEROS)
    assert found is not None and found.record == {"epoch": 1}
    assert "its record cannot be used" in found.warnings[0].message


def damaged_file(file: Path) -> Diagnostic:
    return errors.DamagedFile(file=str(file), reason="`epoch` is 2")


def test_the_checkpoint_of_another_network(tmp_path: Path) -> None:
    store = keep(tmp_path, 1)
    wider = {**LIKE, "params": {**LIKE["params"], "kernel": jnp.zeros((8, 9))}}
    whole = {**LIKE, "flags": jnp.zeros(3, jnp.int32)}
    less = {name: tree for name, tree in LIKE.items() if name != "flags"}
    for like, told in (
        (wider, "`params/kernel` is 8x8, not 8x9"),
        (whole, "`flags` is bool, not int32"),
        ({**LIKE, "more": jnp.ones(1)}, "it has no `more`"),
        (less, "it has `flags`, which the network does not have"),
    ):
        diagnostic = caught(store, like)
        assert diagnostic.code == "NS474" and told in diagnostic.message


# ---------------------------------------------------------------- writing


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses what would make a file larger, as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_gets_full(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = OrbaxStore(tmp_path / "checkpoints", copy)
    noise = jnp.asarray(np.random.default_rng(0).random(50_000, np.float32))  # which cannot be compressed
    for last, hint in (
        (0, "nothing was saved yet"),
        (1, f"continue from step 1 with `netspec train --resume {tmp_path}`"),
    ):
        if last:
            store.save(1, {"w": noise}, None, {})
            store.wait()
        with files_of_at_most(20_000), pytest.raises(CompileError) as error:
            store.save(2, {"w": noise}, None, {})
            store.wait()
        (told,) = error.value.diagnostics
        assert told.code == "NS490" and told.message == "the checkpoint of step 2 cannot be written: File too large"
        assert told.hint_text is not None and hint in told.hint_text
        assert names(tmp_path) == ["step-00000001.orbax"] * last
    found = store.restore({"w": noise}, ())
    assert found is not None and found.warnings == ()
    assert capfd.readouterr().err == ""  # Orbax logs such errors with their tracebacks


def test_what_a_killed_process_left(tmp_path: Path) -> None:
    """A folder that lacks its name only is complete; others are removed."""
    keep(tmp_path, 1, 2)
    folder = tmp_path / "checkpoints"
    (folder / "step-00000002.orbax").rename(folder / ".step-00000002.orbax.tmp")
    (folder / ".step-00000003.orbax.tmp" / "arrays.orbax-checkpoint-tmp").mkdir(parents=True)
    (folder / ".step-00000000.orbax.old.tmp").mkdir()
    (folder / ".step-00000004.safetensors.tmp").write_bytes(b"half of it")
    found = FileStore(folder, copy).restore(LIKE, ZEROS)
    assert names(tmp_path) == ["step-00000001.orbax", "step-00000002.orbax"]
    assert found is not None and found.record == {"epoch": 2} and differing(found.best, BEST) == []


def test_handing_over_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    store, state = OrbaxStore(tmp_path / "checkpoints", copy), {f"layer{i}": jnp.ones(500_000) for i in range(10)}
    seconds = []
    for step in range(3):
        store.save(step, state, None, {})
        seconds.append(store.is_busy())
        store.wait()
    assert any(seconds)


# ---------------------------------------------------------------- who only looks


@pytest.mark.parametrize("kind", [FileStore, OrbaxStore])
def test_both_kinds_are_read_alike(tmp_path: Path, kind: type[FolderStore]) -> None:
    keep(tmp_path, 1, kind=kind)
    (path,) = checkpoints_in(tmp_path / "checkpoints")
    assert path == (checkpoint_file if kind is FileStore else checkpoint_folder)(tmp_path / "checkpoints", 1)
    arrays, record = read_checkpoint(tmp_path, path)
    assert record == read_record(tmp_path, path) == {"epoch": 1}
    assert np.array_equal(arrays["state/params/kernel"], TREE["params"]["kernel"])
    assert np.array_equal(arrays["state/random/key"], jax.random.key_data(TREE["random"]["key"]))
    assert arrays["state/none"].shape == (0, 3) and np.array_equal(arrays["best/0/w"], BEST[0]["w"])


# ---------------------------------------------------------------- child processes


def finish(process: subprocess.Popen[str]) -> None:
    _, problems = process.communicate(timeout=120)
    assert process.returncode == 0, problems


def test_several_devices_and_both_kinds(tmp_path: Path) -> None:
    finish(child("several_devices", str(tmp_path)))


def test_two_processes(tmp_path: Path) -> None:
    port = str(free_port())
    started = [child("one_of_two", str(tmp_path / "checkpoints"), port, str(index), devices=2) for index in range(2)]
    for process in started:
        finish(process)


def test_a_kill_while_saving(tmp_path: Path) -> None:
    _, saved = kill_while_saving(tmp_path / "checkpoints", 0.1)
    resumed, _ = kill_while_saving(tmp_path / "checkpoints", 0.0)
    assert saved <= resumed <= saved + 1
