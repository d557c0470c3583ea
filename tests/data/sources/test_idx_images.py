"""IDX files that the tests write, and MNIST where it is there."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from netspec.data.formats.idx import read_head, read_idx
from netspec.data.sources.images.idx_images import FashionMnist, Idx, Mnist
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, idx_bytes, write, write_idx

PIXELS = np.array([[[0, 255], [51, 102]], [[1, 2], [3, 4]], [[9, 8], [7, 6]]], np.uint8)  # three images of 2x2
LABELS = np.array([0, 2, 1], np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_idx(tmp_path / "x.idx", PIXELS)
    write_idx(tmp_path / "y.idx", LABELS)
    return tmp_path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", ">i2", ">i4", ">f4", ">f8"])
def test_every_type_of_idx_file_is_read(tmp_path: Path, kind: str, packed: bool) -> None:
    array = np.arange(-3, 9).reshape(3, 2, 2).astype(kind)
    path = write_idx(tmp_path / "x.bin", array, packed=packed)
    head = read_head(path)
    assert head.sizes == (3, 2, 2)
    assert read_idx(path).tolist() == array.tolist()


def test_images_and_labels_of_ones_own(folder: Path) -> None:
    source = Idx(images="x.idx", labels="y.idx")
    facts, data = source.facts(folder), source.load(folder)
    x = data.train.inputs["input"]
    assert facts.inputs["input"] == Shape((2, 2, 1))
    assert (facts.classes, facts.examples, facts.has_test) == (3, 3, False)
    assert x.dtype == np.float32
    assert x[0, :, :, 0].tolist() == pytest.approx(np.array([[0, 1], [0.2, 0.4]]))
    assert data.train.targets["output"].tolist() == [0, 2, 1]
    assert data.where(1) == "x.idx image 1"


def test_a_test_split_counts_for_the_classes(folder: Path) -> None:
    write_idx(folder / "tx.idx", PIXELS[:2], packed=True)
    write_idx(folder / "ty.idx", np.array([5, 0], np.uint8))
    source = Idx(images="x.idx", labels="y.idx", test_images="tx.idx", test_labels="ty.idx")
    facts, data = source.facts(folder), source.load(folder)
    assert facts.has_test
    assert facts.classes == 6
    assert len(data.test) == 2
    assert data.where(1, "test") == "x.idx test image 1"


def test_colour_images_keep_their_channels_and_floats_their_size(tmp_path: Path) -> None:
    write_idx(tmp_path / "x.idx", np.full((2, 4, 5, 3), 7, ">f4"))
    write_idx(tmp_path / "y.idx", np.array([0, 1], ">i4"))
    source = Idx(images="x.idx", labels="y.idx")
    assert source.facts(tmp_path).inputs["input"] == Shape((4, 5, 3))
    assert source.load(tmp_path).train.inputs["input"].max() == 7


BROKEN = [
    (b"", "NS404", "nothing"),
    (b"\x89PNG\r\n\x1a\n", "NS404", "89 50 4e 47"),
    (b"\x00\x00\x07\x01\x00\x00\x00\x01a", "NS404", "begins with"),
    (idx_bytes(PIXELS)[:9], "NS404", "ends inside its head"),
    (idx_bytes(PIXELS)[:-3], "NS404", "announces 12 bytes, and 9 follow"),
    (idx_bytes(PIXELS) + b"..", "NS404", "announces 12 bytes, and 14 follow"),
    (gzip.compress(idx_bytes(PIXELS), mtime=0)[:-12], "NS404", "cannot be unpacked"),
    (b"\x1f\x8b" + b"x" * 30, "NS404", "cannot be unpacked"),
]


@pytest.mark.parametrize(("content", "code", "words"), BROKEN)
def test_a_broken_file_is_told(folder: Path, content: bytes, code: str, words: str) -> None:
    (folder / "x.idx").write_bytes(content)
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx").load(folder)
    found, text = code_and_text(caught.value)
    assert found == code
    assert words in text
    assert "x.idx" in text
    assert caught.value.option == "images"


def test_a_missing_file_gets_the_nearest_name(folder: Path) -> None:
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idy", labels="y.idx").facts(folder)
    code, text = code_and_text(caught.value)
    assert code == "NS401"
    assert "there is no such file" in text
    assert "did you mean `x.idx`?" in text


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "sub").mkdir()
    with pytest.raises(Unplaced) as caught:
        Idx(images="sub", labels="y.idx").facts(folder)
    assert code_and_text(caught.value)[0] == "NS401"


def test_images_and_labels_swapped(folder: Path) -> None:
    with pytest.raises(Unplaced) as caught:
        Idx(images="y.idx", labels="x.idx").facts(folder)
    code, text = code_and_text(caught.value)
    assert code == "NS404"
    assert "is `images` the file with the labels?" in text


def test_float_labels_are_no_labels(folder: Path) -> None:
    write_idx(folder / "y.idx", np.zeros(3, ">f4"))
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx").facts(folder)
    assert "of integers" in code_and_text(caught.value)[1]


def test_unequal_counts(folder: Path) -> None:
    write_idx(folder / "y.idx", LABELS[:2])
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx").facts(folder)
    code, text = code_and_text(caught.value)
    assert code == "NS414"
    assert "3 images and 2 labels" in text


def test_no_images(folder: Path) -> None:
    write_idx(folder / "x.idx", PIXELS[:0])
    write_idx(folder / "y.idx", LABELS[:0])
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx").facts(folder)
    assert code_and_text(caught.value)[0] == "NS405"


def test_test_images_of_another_size(folder: Path) -> None:
    write_idx(folder / "tx.idx", np.zeros((3, 4, 4), np.uint8))
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx", test_images="tx.idx", test_labels="y.idx").facts(folder)
    code, text = code_and_text(caught.value)
    assert code == "NS414"
    assert "images of 2x2 and of 4x4" in text


@pytest.mark.parametrize(("given", "missing"), [("test_images", "test_labels"), ("test_labels", "test_images")])
def test_half_a_test_split(folder: Path, given: str, missing: str) -> None:
    with pytest.raises(Unplaced) as caught:
        Idx(images="x.idx", labels="y.idx", **{given: "x.idx"}).facts(folder)
    code, text = code_and_text(caught.value)
    assert code == "NS416"
    assert f"`{given}` is given without `{missing}`" in text
    assert caught.value.option == given


def test_another_file_under_the_name_of_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    home = tmp_path / "mnist"
    home.mkdir()
    for name in ("train", "t10k"):
        write_idx(home / f"{name}-images-idx3-ubyte", PIXELS)
        write_idx(home / f"{name}.labels", LABELS)
        write_idx(home / f"{name}-labels.idx1-ubyte", LABELS)  # the name that Kaggle gives it
    with pytest.raises(Unplaced) as caught:
        Mnist().load(tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS404"
    assert "3x2x2" in text
    assert "3x28x28" in text
    write(home / "train-images-idx3-ubyte", "hello, world")
    with pytest.raises(Unplaced) as caught:
        Mnist().load(tmp_path)
    assert "68 65 6c 6c" in code_and_text(caught.value)[1]


def test_facts_of_the_published_sets_are_constants() -> None:
    for source in (Mnist(), FashionMnist()):
        facts = source.facts(Path("nowhere"))
        assert facts.inputs["input"] == Shape((28, 28, 1))
        assert (facts.classes, facts.examples, facts.has_test) == (10, 60_000, True)
    assert FashionMnist().facts(Path()).targets["output"].names[9] == "Ankle boot"


@pytest.mark.mnist
def test_mnist_is_the_real_one() -> None:
    data = Mnist().load(Path())
    x, y = data.train.inputs["input"], data.train.targets["output"]
    assert x.shape == (60_000, 28, 28, 1)
    assert (x.min(), x.max()) == (0, 1)
    assert float(x.mean()) == pytest.approx(0.1307, abs=1e-4)  # the figures that every tutorial has
    assert float(x.std()) == pytest.approx(0.3081, abs=1e-4)
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert len(data.test) == 10_000
    assert data.test.targets["output"][:5].tolist() == [7, 2, 1, 0, 4]
    assert data.where(5) == "mnist image 5"
