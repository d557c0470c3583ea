"""CIFAR-10 in its binary format, unpacked and packed."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from netspec.data.sources.images.cifar import INNER, NAMES, RECORD, Cifar10
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text

RNG = np.random.default_rng(0)
RECORDS = RNG.integers(0, 256, (7, RECORD), np.uint8)
RECORDS[:, 0] = [3, 1, 4, 1, 5, 9, 2]
FILES = {"data_batch_1.bin": RECORDS[:3], "data_batch_2.bin": RECORDS[3:5], "test_batch.bin": RECORDS[5:]}


def write_files(folder: Path, files: dict[str, np.ndarray] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        (folder / name).write_bytes(records.tobytes())
    return folder


def pack(path: Path, files: dict[str, np.ndarray] = FILES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, records in files.items():
            member = tarfile.TarInfo(f"{INNER}/{name}")
            member.size = records.nbytes
            archive.addfile(member, io.BytesIO(records.tobytes()))
    return path


@pytest.mark.parametrize("place", ["unpacked", "inner", "packed"])
def test_a_folder(tmp_path: Path, place: str) -> None:
    if place == "packed":
        pack(tmp_path / "c" / "cifar-10-binary.tar.gz")
    else:
        write_files(tmp_path / "c" / (INNER if place == "inner" else ""))
    source = Cifar10(folder="c")
    data = source.load(tmp_path)
    assert source.facts(tmp_path).inputs == data.facts.inputs == {"input": Shape((32, 32, 3))}
    assert data.facts.targets["output"].names == NAMES
    assert (len(data.train), len(data.test), data.facts.examples) == (5, 2, 5)
    assert data.train.targets["output"].tolist() == [3, 1, 4, 1, 5]
    x = data.train.inputs["input"]
    for channel in range(3):  # red, green and blue follow each other in the file
        plane = RECORDS[4, 1 + 1024 * channel : 1 + 1024 * (channel + 1)]
        assert np.allclose(x[4, :, :, channel].ravel() * 255, plane)


def test_where_downloads_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    pack(tmp_path / "cifar10" / "cifar-10-binary-part.tar.gz")
    assert len(Cifar10().load(tmp_path).train) == 5
    write_files(tmp_path / "cifar10" / INNER, FILES | {"data_batch_3.bin": RECORDS})
    assert len(Cifar10().load(tmp_path).train) == 12


def test_without_the_files_it_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NETSPEC_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(Unplaced) as caught:
        Cifar10().load(tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS402" and "cifar-10-binary.tar.gz" in text


WRONG = RECORDS.copy()
WRONG[2, 0] = 77
BAD = {
    "cut": (FILES | {"data_batch_1.bin": RECORDS.ravel()[:-1]}, ["bytes, and records have 3,073"]),
    "empty": (FILES | {"test_batch.bin": RECORDS[:0]}, ["it has 0 bytes"]),
    "no test": ({"data_batch_1.bin": RECORDS}, ["test_batch.bin", "it does not exist", "data_batch_1.bin"]),
    "no training": ({"test_batch.bin": RECORDS}, ["data_batch_1.bin", "it does not exist"]),
    "CIFAR-100": (FILES | {"data_batch_1.bin": WRONG}, ["record 2 has the label 77, expected 0..9", "CIFAR-100"]),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_are_none(tmp_path: Path, case: str) -> None:
    files, words = BAD[case]
    write_files(tmp_path / "c", files)
    with pytest.raises(Unplaced) as caught:
        Cifar10(folder="c").load(tmp_path)
    code, text = code_and_text(caught.value)
    assert (code, caught.value.option) == ("NS404", "folder")
    assert all(word in text for word in words), text


def test_no_folder_and_a_damaged_archive(tmp_path: Path) -> None:
    with pytest.raises(Unplaced) as caught:
        Cifar10(folder="nowhere").load(tmp_path)
    assert (caught.value.kind.code, caught.value.option) == ("NS401", "folder")
    path = pack(tmp_path / "c" / "cifar-10-binary.tar.gz")
    for content in (path.read_bytes()[:2000], b"no archive"):
        path.write_bytes(content)
        with pytest.raises(Unplaced) as caught:
            Cifar10(folder="c").load(tmp_path)
        assert caught.value.kind.code == "NS404"


SAMPLE = Path(os.environ.get("NETSPEC_DATA", "nowhere")) / "cifar10"


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="needs CIFAR-10 under NETSPEC_DATA")
def test_the_published_images() -> None:
    data = Cifar10().load(Path())
    assert data.train.targets["output"][:6].tolist() == [6, 9, 9, 4, 1, 1]  # a frog, two trucks, a deer, two cars
    assert data.train.inputs["input"].mean(axis=(0, 1, 2)) == pytest.approx([0.491, 0.482, 0.447], abs=5e-3)
