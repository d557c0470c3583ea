"""Arrays in a file: any kind of numbers comes back, other tools can read it, and every damage is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open

from netspec.language.files import atomic_files as files
from netspec.storage.array_file import Damaged, read_arrays, write_arrays
from tests.training.disk import fill_disk

ARRAYS = {
    "a/kernel": jnp.arange(6, dtype=jnp.float32).reshape(2, 3),
    "half": jnp.ones((2, 2), jnp.bfloat16),
    "tiny": jnp.asarray([1, -2, 3], jnp.int4),
    "eight": jnp.ones(3, jnp.float8_e4m3fn),
    "none": np.zeros((0, 3), np.float32),
    "one": jnp.float32(3),
    "flags": np.array([True, False, True]),
    "wave": np.array([1 + 2j], np.complex64),
    "turned": np.arange(6.0).reshape(2, 3).T,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "x.safetensors", ARRAYS, {"record": "{}"})
    return tmp_path / "x.safetensors"


def test_arrays_come_back(path: Path) -> None:
    found, metadata = read_arrays(path)
    assert metadata == {"record": "{}"}
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == np.asarray(array).tobytes()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_equal_arrays_have_equal_files(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    for _ in range(8):
        write_arrays(path, ARRAYS, {"record": "{}"})
        assert path.read_bytes() == before


def test_safetensors_reads_it(path: Path) -> None:
    with safe_open(path, "np") as file:
        assert np.array_equal(file.get_tensor("a/kernel"), ARRAYS["a/kernel"])
        assert np.array_equal(file.get_tensor("turned"), ARRAYS["turned"])
        assert json.loads(file.metadata()["arrays"])["tiny"] == ["int4", [3]]


def test_every_changed_byte_and_every_cut_is_noticed(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 0x20
        for damaged in (bytes(changed), content[:place]):
            (tmp_path / "damaged").write_bytes(damaged)
            with pytest.raises(Damaged):
                read_arrays(tmp_path / "damaged")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for name, text in (("missing", "No such file"), ("", "folder")):
        with pytest.raises(Damaged, match=text):
            read_arrays(tmp_path / name)


@pytest.mark.parametrize("room", [0, 5, 300])
def test_a_full_disk_leaves_the_old_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        fill_disk(patch, room)
        with pytest.raises(OSError, match="No space left"):
            write_arrays(path, {"a": np.ones(1000)}, {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("room", [0, 5])
def test_a_line_is_added_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    files.append_line(tmp_path / "log", "first")
    with monkeypatch.context() as patch:
        fill_disk(patch, room)
        with pytest.raises(OSError, match="No space left"):
            files.append_line(tmp_path / "log", "second, and long")
    assert (tmp_path / "log").read_text() == "first\n"
    files.append_line(tmp_path / "log", "third")
    assert (tmp_path / "log").read_text() == "first\nthird\n"
