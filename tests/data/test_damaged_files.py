"""Files that are damaged, announce too much, or are none: every source ends in a diagnostic, at once."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data.dataset.dataset import Source
from netspec.data.predict.inputs import read_inputs
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.sources.images.cifar import Cifar10
from netspec.data.sources.images.idx_images import Idx
from netspec.data.sources.images.image_folder import Images
from netspec.data.sources.numpy_files import Npy, Npz
from netspec.data.sources.tables.words import Csv, Parquet
from netspec.data.sources.texts.file import TextFile
from netspec.data.transforms.encoders import TextEncoder
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write_idx
from tests.data.image_files import png_head

SOURCES: dict[str, Callable[[str], Source]] = {
    "npy": lambda name: Npy(x=name, y="y.npy"),
    "npz": lambda name: Npz(file=name),
    "idx": lambda name: Idx(images=name, labels="labels"),
    "csv": lambda name: Csv(file=name, target=("y",)),
    "parquet": lambda name: Parquet(file=name, target=("y",)),
    "text": lambda name: TextFile(file=name, length=4),
}


def failure(source: Source, folder: Path, acts: tuple[str, ...] = ("facts", "load")) -> tuple[str, str]:
    found = []
    for act in acts:
        with pytest.raises(Unplaced) as caught:
            getattr(source, act)(folder)
        found.append(code_and_text(caught.value))
    assert len({*found}) == 1, "the check says what training says"
    return found[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "y.npy", np.array([0, 1]))
    write_idx(tmp_path / "labels", np.array([0, 1], np.uint8))
    return tmp_path


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("name", SOURCES)
def test_what_is_no_file_is_not_waited_for(name: str, kind: str, folder: Path) -> None:
    path = folder / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    code, text = failure(SOURCES[name]("x"), folder)
    named = {"pipe": "a named pipe"}.get(kind, f"a {kind}")
    assert code == "NS401" and f"it is {named}, not a file" in text


def test_pipes_among_images_and_in_cifar(folder: Path) -> None:
    (folder / "photos/cat").mkdir(parents=True)
    os.mkfifo(folder / "photos/cat/1.png")
    assert "it is a named pipe" in failure(Images(folder="photos"), folder)[1]
    (folder / "batches").mkdir()
    for name in ("data_batch_1.bin", "test_batch.bin"):
        os.mkfifo(folder / "batches" / name)
    assert "it is a named pipe" in failure(Cifar10(folder="batches"), folder, ("load",))[1]


@pytest.mark.parametrize("name", ["csv", "text"])
def test_files_that_are_too_large_to_read(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "x").open("wb") as file:
        file.truncate(1 << 40)  # it takes no space on the disk
    code, text = failure(SOURCES[name]("x"), folder)
    assert code == "NS401" and "it has 1,100 GB, and the limit is 16 GB" in text and "NETSPEC_MAX_FILE_GB" in text


def npy_head(shape: str, *, version: bytes = b"\1\0", dtype: str = "'<f8'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


HEADS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is empty"),
    "magic only": (b"\x93NUMPY", "not with 93 NUMPY and a version"),
    "negative": (npy_head("(-2, 2)") + bytes(32), "its head has the shape (-2, 2)"),
    "huge": (npy_head("(10**12, 4)") + bytes(32), "its head cannot be read"),
    "large": (npy_head("(1000000000000, 4)") + bytes(32), "announces 32,000,000,000,000 bytes, and 32 follow"),
    "parentheses": (npy_head("(" * 5000), "its head cannot be read"),
    "deep lists": (npy_head("(2, " + "[" * 3000 + "]" * 3000 + ")"), ""),
    "no literal": (npy_head("__import__('os')"), ""),
    "short": (npy_head("(2, 2)") + bytes(31), "announces 32 bytes, and 31 follow"),
    "long": (npy_head("(2, 2)") + bytes(40), "announces 32 bytes, and 40 follow"),
    "version": (npy_head("(2, 2)", version=b"\x09\x09") + bytes(32), ""),
    "unknown type": (npy_head("(2, 2)", dtype="'<q9'") + bytes(32), ""),
    "text": (b"hello", "it begins with 68 65 6c 6c 6f, not with 93 NUMPY"),
}


@pytest.mark.parametrize("case", HEADS)
@pytest.mark.parametrize("kind", ["npy", "npz", "predict"])
def test_heads_of_arrays(case: str, kind: str, folder: Path) -> None:
    content, reason = HEADS[case]
    if kind == "npz":
        with zipfile.ZipFile(folder / "x.npz", "w") as file:
            file.writestr("x.npy", content)
            file.write(folder / "y.npy", "y.npy")
        code, text = failure(Npz(file="x.npz"), folder)
        reason = "" if case == "nothing" else reason
    else:
        (folder / "x.npy").write_bytes(content)
        if kind == "predict":
            with pytest.raises(CompileError) as caught:
                read_inputs([str(folder / "x.npy")], {"input": Shape((2,))}, Preprocessing())
            (diagnostic,) = caught.value.diagnostics
            assert diagnostic.code == "NS480" and reason in diagnostic.message
            return
        code, text = failure(Npy(x="x.npy", y="y.npy"), folder)
    assert code == "NS404" and reason in text


def test_objects_are_never_unpickled(folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return pytest.fail, ("it was unpickled",)

    np.save(folder / "x.npy", np.array([Trap(), Trap()], object), allow_pickle=True)
    code, text = failure(Npy(x="x.npy", y="y.npy"), folder)
    assert code == "NS415" and "values of type object" in text


def test_archives_that_unpack_to_too_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETSPEC_MAX_UNPACKED_GB", "0.001")
    np.savez_compressed(folder / "x.npz", x=np.zeros((2, 500_000)), y=np.array([0, 1]))
    code, text = failure(Npz(file="x.npz"), folder)
    assert code == "NS401" and "unpacked, `x` has 0.008 GB, and the limit is 0.001 GB" in text
    assert "NETSPEC_MAX_UNPACKED_GB" in text
    np.savez(folder / "x.npz", x=np.zeros((2, 500_000)), y=np.array([0, 1]))
    assert len(Npz(file="x.npz").load(folder).train) == 2, "not compressed, it is as large as its file"


def test_a_directory_of_an_archive_that_lies(folder: Path) -> None:
    """The entry says that it has fewer bytes than the head of its array."""
    np.savez_compressed(folder / "x.npz", x=np.zeros((2, 1000)), y=np.array([0, 1]))
    content = (folder / "x.npz").read_bytes()
    (folder / "x.npz").write_bytes(content.replace(struct.pack("<I", 16128), struct.pack("<I", 1024)))
    code, text = failure(Npz(file="x.npz"), folder)
    assert code == "NS404" and "x.npz is not a valid npz file" in text


def test_encrypted_archives(folder: Path) -> None:
    np.savez(folder / "x.npz", x=np.zeros((2, 2)), y=np.array([0, 1]))
    content = bytearray((folder / "x.npz").read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        position = content.find(mark)
        while position >= 0:
            content[position + at] |= 1
            position = content.find(mark, position + 1)
    (folder / "x.npz").write_bytes(bytes(content))
    code, text = failure(Npz(file="x.npz"), folder)
    assert code == "NS404" and "encrypted" in text


# ---------------------------------------------------------------- IDX


def idx_head(*sizes: int, code: int = 8) -> bytes:
    return bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


IDX: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "NS404", "it begins with nothing"),
    "magic": (b"\0\1\x08\3", "NS404", "it begins with 00 01 08 03"),
    "type": (idx_head(2, 2, 2, code=7), "NS404", "not with 00 00 and a type"),
    "cut head": (idx_head(2, 2, 2)[:9], "NS404", "it ends inside its head"),
    "no axes": (bytes([0, 0, 8, 0]), "NS404", "not with 00 00 and a type"),
    "huge": (idx_head(2, 2**31, 2**31) + bytes(8), "NS404", "announces 9,223,372,036,854,775,808 bytes, and 8 follow"),
    "short": (idx_head(2, 2, 2) + bytes(7), "NS404", "announces 8 bytes, and 7 follow"),
    "long": (idx_head(2, 2, 2) + bytes(9), "NS404", "announces 8 bytes, and 9 follow"),
}


@pytest.mark.parametrize("case", IDX)
def test_heads_of_idx_files(case: str, folder: Path) -> None:
    content, code, reason = IDX[case]
    (folder / "x").write_bytes(content)
    found, text = failure(Idx(images="x", labels="labels"), folder, ("load",))
    assert found == code and reason in text


def test_a_stream_that_is_longer_than_its_head_says(folder: Path) -> None:
    """3 GB of zeros behind a head for 8 bytes; reading stops at the ninth."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(idx_head(2, 2, 2) + bytes(1 << 20))
    end = gzip.compress(bytes(1 << 24), 1)
    (folder / "x").write_bytes(buffer.getvalue() + end * 180)
    code, text = failure(Idx(images="x", labels="labels"), folder, ("load",))
    assert code == "NS404" and "announces 8 bytes, and more follow" in text


def test_a_head_that_announces_more_than_the_limit(folder: Path) -> None:
    (folder / "x").write_bytes(gzip.compress(idx_head(2, 10**5, 10**5) + bytes(100)))
    code, text = failure(Idx(images="x", labels="labels"), folder, ("load",))
    assert code == "NS401" and "unpacked, it has 20 GB, and the limit is 8 GB" in text


@pytest.mark.parametrize("kind", ["npy", "npz", "idx"])
def test_bytes_that_flip(kind: str, folder: Path) -> None:
    """Whatever is damaged, the result is data or a diagnostic."""
    x = np.arange(16, dtype=np.float64).reshape(2, 8)
    np.save(folder / "x", x)
    np.savez_compressed(folder / "a.npz", x=x, y=np.array([0, 1]))
    write_idx(folder / "i", x.astype("u1").reshape(2, 2, 4), packed=True)
    path = folder / {"npy": "x.npy", "npz": "a.npz", "idx": "i"}[kind]
    content, random = path.read_bytes(), np.random.default_rng(2)
    source = SOURCES[kind](path.name)
    for _ in range(int(os.environ.get("NETSPEC_ATTACKS", "80"))):
        data = bytearray(content)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        path.write_bytes(bytes(data[: int(random.integers(len(data) // 2, len(data) + 1))]))
        for act in (source.facts, source.load):
            try:
                act(folder)
            except Unplaced as bad:
                assert bad.diagnostic().message


# ---------------------------------------------------------------- predict


def predict(text: object, preprocessing: Preprocessing | None = None, shape: tuple[int, ...] = (2,)) -> str:
    with pytest.raises(CompileError) as caught:
        read_inputs([str(text)], {"input": Shape(shape)}, preprocessing or Preprocessing())
    (diagnostic,) = caught.value.diagnostics
    return f"{diagnostic.message}\n{diagnostic.hint_text}"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (np.nan, "NaN (not a number)"),
        (-np.inf, "an infinite number"),
        (1e300, "the number 1e+300, outside the range of float32"),
    ],
)
def test_numbers_that_cannot_be_predicted_for(value: float, named: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[0, 1], [2, value]]))
    assert f"x.npy 2`: it has {named} at position 1" in predict(tmp_path / "x.npy")
    filled = Preprocessing({"input": Normalization((0.0, 0.0), (1.0, 1.0), (5.0, 5.0))})
    if np.isnan(value):
        assert np.isnan(read_inputs([str(tmp_path / "x.npy")], {"input": Shape((2,))}, filled).arrays["input"][1, 1])
    else:
        assert named in predict(tmp_path / "x.npy", filled)


def test_an_array_without_examples(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 2)))
    assert "x.npy has no examples" in predict(tmp_path / "x.npy")


@pytest.mark.parametrize("ending", [".npy", ".csv", ".png", ".parquet", ""])
def test_pipes_are_not_predicted_for(ending: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"x{ending}")
    shape = (2, 2, 1) if ending == ".png" else (2,)
    assert "it is a named pipe, not a file" in predict(tmp_path / f"x{ending}", shape=shape)


def test_huge_images_are_not_predicted_for(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png_head(50_000, 50_000))
    text = predict(tmp_path / "x.png", shape=(2, 2, 1))
    assert "it has 2,500 megapixels, and the limit is 89 megapixels" in text and "NETSPEC_MAX_IMAGE" in text


def test_texts_that_are_no_names_of_files(tmp_path: Path) -> None:
    assert "no such file" in predict("x" * 5000)
    assert "no such file" in predict("a\0b")
    row = ",".join(["0.5"] * 400)
    assert read_inputs([row], {"input": Shape((400,))}, Preprocessing()).arrays["input"].shape == (1, 400)
    encoder = TextEncoder("char", 3, ("<unknown>", "a"))
    os.mkfifo(tmp_path / "x.txt")
    assert "it is a named pipe" in predict(tmp_path / "x.txt", Preprocessing(encoder=encoder))
