"""What tests of sharded checkpoints share, and their child processes: several devices, two processes, kills.

`python -m tests.storage.sharded kills 20` kills a process twenty times at random moments while it saves.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from netspec.language.diagnostics import CompileError
from netspec.storage.checkpoints.file_store import FileStore
from netspec.storage.checkpoints.folder_store import FolderStore, say_to_all
from netspec.storage.checkpoints.orbax_store import OrbaxStore
from netspec.storage.run_files import checkpoints_in
from tests.child_processes import child_environment

copy = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))


def state_of(step: int) -> Any:
    """A state with every type of number that training has, random keys, names with a slash, and an empty array."""
    return {
        "params": {"kernel": step * jnp.arange(64.0).reshape(8, 8), "a/b": jnp.full((8,), step, jnp.bfloat16)},
        "optimizer": (jnp.int32(step), {"mu": jnp.full((8, 8), step, jnp.float16)}),
        "random": {"key": jax.random.key(step)},
        "flags": jnp.array([True, False, step > 0]),
        "none": jnp.zeros((0, 3)),
    }


def on(mesh: Mesh, tree: Any) -> Any:
    """A tree on the devices of a mesh, matrices split over its last axis."""

    def put(leaf: Any) -> Any:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            numbers = put(jax.random.key_data(leaf))
            return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(leaf))
        names = (None, mesh.axis_names[-1]) if leaf.ndim == 2 and leaf.size else ()
        host = np.asarray(leaf)
        sharding = NamedSharding(mesh, PartitionSpec(*names))
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    return jax.tree.map(put, tree)


def mesh_of(**axes: int) -> Mesh:
    """A mesh of the first devices."""
    sizes = tuple(axes.values())
    return Mesh(np.array(jax.devices()[: int(np.prod(sizes))]).reshape(sizes), tuple(axes))


def differing(found: Any, wanted: Any) -> list[str]:
    """The arrays of a tree that are not those of another one, which has the whole of them."""
    names = []
    pairs = zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(wanted), strict=True)
    for (path, leaf), whole in pairs:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf, whole = jax.random.key_data(leaf), jax.random.key_data(whole)
        whole = np.asarray(whole)
        is_same = leaf.dtype == whole.dtype and leaf.shape == whole.shape
        if not (is_same and all(np.array_equal(part.data, whole[part.index]) for part in leaf.addressable_shards)):
            names.append(jax.tree_util.keystr(path))
    return names


def check(store: FolderStore, mesh: Mesh, step: int) -> None:
    """Restore onto a mesh, and compare with what was saved: values, and where they are."""
    like = on(mesh, state_of(0))
    found = store.restore(like, ())
    assert found is not None and found.record == {"epoch": step}, found and found.record
    assert differing(found.state, state_of(step)) == []
    for leaf, wanted in zip(jax.tree.leaves(found.state), jax.tree.leaves(like), strict=True):
        assert leaf.sharding.is_equivalent_to(wanted.sharding, leaf.ndim), (leaf.sharding, wanted.sharding)


def save(store: FolderStore, mesh: Mesh, step: int) -> None:
    store.save(step, on(mesh, state_of(step)), None, {"epoch": step})
    store.wait()


# ---------------------------------------------------------------- child processes


def several_devices(folder: str) -> None:
    """Save on one mesh, restore on others, and on the kinds of stores of one and of several devices."""
    assert len(jax.devices()) == 8 and "orbax.checkpoint" not in sys.modules
    path = Path(folder)
    one, two, eight, both = mesh_of(x=1), mesh_of(model=2), mesh_of(fsdp=8), mesh_of(data=2, fsdp=4)
    save(FileStore(path, copy), one, 1)
    assert "orbax.checkpoint" not in sys.modules  # no training on one device waits for its import
    check(OrbaxStore(path, copy), both, 1)
    for step, mesh in enumerate((both, eight, two), 2):
        save(OrbaxStore(path, copy), mesh, step)
        for other in (one, two, eight, both):
            check(OrbaxStore(path, copy), other, step)
        check(FileStore(path, copy), one, step)
    save(FileStore(path, copy), one, 4)  # of the same step, in the other kind
    assert [each.name for each in checkpoints_in(path)] == ["step-00000003.orbax", "step-00000004.safetensors"]
    save(OrbaxStore(path, copy), eight, 4)
    save(OrbaxStore(path, copy), two, 4)
    assert [each.name for each in checkpoints_in(path)] == ["step-00000003.orbax", "step-00000004.orbax"]
    check(OrbaxStore(path, copy), both, 4)


def one_of_two(folder: str, port: str, index: str) -> None:
    """A process with two devices, of two: they save together, and one notices damage that the other one finds."""
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, int(index), initialization_timeout=60)
    path, mesh, is_first = Path(folder), mesh_of(fsdp=4), index == "0"
    published: list[Any] = []

    def publish(state: Any, best: Any) -> None:
        published.append(np.asarray(state["params"]["kernel"]))

    store = OrbaxStore(path, copy, publish, is_writer=is_first)
    for step in (1, 2, 3):
        save(store, mesh, step)
    assert len(published) == 3 * is_first and all(each[7, 7] == 63 * step for step, each in enumerate(published, 1))
    check(store, mesh, 3)
    if is_first:
        files = [file for file in (path / "step-00000003.orbax").rglob("ocdbt.process_1/d/*") if file.is_file()]
        largest = max(files, key=lambda file: file.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:-1])
    say_to_all()
    found = OrbaxStore(path, copy, is_writer=is_first).restore(on(mesh, state_of(0)), ())
    assert found is not None and found.record == {"epoch": 2} and differing(found.state, state_of(2)) == []
    assert [warning.code for warning in found.warnings] == ["NS472"] and "truncated" in found.warnings[0].message
    try:
        OrbaxStore(path if is_first else path.parent / "elsewhere", copy, is_writer=is_first)
    except CompileError as error:
        assert error.diagnostics[0].code == "NS550", error
    else:
        raise AssertionError("folders that are not shared were not noticed")


def save_again_and_again(folder: str) -> None:
    """Save until the process is killed; each step is written to the standard output when it is on the disk."""
    path, mesh = Path(folder), mesh_of(data=2, fsdp=4)
    store = OrbaxStore(path, copy)
    found = store.restore(on(mesh, state_of(0)), ())
    step = 0 if found is None else found.record["epoch"]
    assert found is None or differing(found.state, state_of(step)) == []
    print(f"resumed {step}", flush=True)
    while True:
        step += 1
        save(store, mesh, step)
        print(f"saved {step}", flush=True)


def child(name: str, *arguments: str, devices: int = 8) -> subprocess.Popen[str]:
    """One of the functions above in a process with simulated devices."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.sharded", name, *arguments],
        env=child_environment(devices),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_while_saving(folder: Path, after: float) -> tuple[int, int]:
    """Kill a process so many seconds after it has saved for the first time; the step that it resumed from, and the
    last one that it has saved for certain."""
    process = child("save_again_and_again", str(folder))
    assert process.stdout is not None and process.stderr is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    rest, problems = process.communicate(timeout=60)
    assert said[0].startswith("resumed ") and said[1].startswith("saved "), problems
    return int(said[0].split()[1]), int((said[1] + rest).split()[-1])


def kills(count: str) -> None:
    """Kill a process at random moments, and see each time that the last checkpoint, or one after it, is there."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        last = 0
        for index in range(int(count)):
            after = draw.uniform(0, 1)
            resumed, saved = kill_while_saving(Path(name) / "checkpoints", after)
            assert last <= resumed <= last + 1, (last, resumed)
            last = saved
            print(f"kill {index + 1} after {after:.3f} s: resumed at {resumed}, saved {saved}", flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
