"""Examples that are read when they are wanted: the same as in memory, whatever is taken of them, in any order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netspec.data.checks.values import check_input_values
from netspec.data.dataset.dataset import Dataset, Source
from netspec.data.dataset.lazy_rows import FileRows, Joined, Rows, blocks, is_streamed, min_max, read_all
from netspec.data.load import read_dataset
from netspec.data.settings import DataSettings
from netspec.data.sources import streaming as streams
from netspec.data.sources.bundled import Digits
from netspec.data.sources.images.cifar import RECORD, Cifar10
from netspec.data.sources.images.idx_images import Idx
from netspec.data.sources.images.image_folder import Images
from netspec.data.sources.numpy_files import Npy
from netspec.data.sources.streaming import open_stream
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.normalization import measure, measure_range
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write_idx

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (23, 5, 4), np.uint8)
LABELS = RNG.integers(0, 3, 23)


def npy(folder: Path, x: np.ndarray = BYTES, *, test: bool = False, **more: np.ndarray) -> Npy:
    arrays = {"x": x, "y": LABELS, **({"x_test": x[:7], "y_test": LABELS[:7]} if test else {}), **more}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return Npy(**{name: f"{name}.npy" for name in arrays})


def idx(folder: Path) -> Idx:
    write_idx(folder / "images", BYTES)
    write_idx(folder / "labels", LABELS.astype(np.uint8))
    return Idx(images="images", labels="labels")


def cifar(folder: Path) -> Cifar10:
    records = RNG.integers(0, 256, (9, RECORD), np.uint8)
    records[:, 0] %= 10
    for name, part in {"data_batch_1": records[:4], "data_batch_2": records[4:7], "test_batch": records[7:]}.items():
        (folder / f"{name}.bin").write_bytes(part.tobytes())
    return Cifar10(folder=".")


def images(folder: Path, **options: object) -> Images:
    for i in range(6):
        path = folder / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (4, 6, 3), np.uint8)).save(path)
    return Images(folder="photos", **options)  # type: ignore[arg-type]


SOURCES: dict[str, Callable[[Path], Source]] = {
    "npy of bytes": npy,
    "npy with a test": lambda folder: npy(folder, test=True),
    "npy of floats": lambda folder: npy(folder, RNG.normal(size=(23, 3)).astype(np.float64)),
    "npy of big-endian floats": lambda folder: npy(folder, RNG.normal(size=(23, 3)).astype(">f4")),
    "npy of ids": lambda folder: npy(folder, RNG.integers(0, 9, (23, 5))),
    "npy of whole numbers too large for ids": lambda folder: npy(folder, RNG.integers(0, 2**40, (23, 5))),
    "npy of single numbers": lambda folder: npy(folder, RNG.normal(size=23)),
    "idx": idx,
    "cifar10": cifar,
    "images": images,
    "images of a size": lambda folder: images(folder, size=(3, 5)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_streams_are_what_is_loaded(tmp_path: Path, name: str) -> None:
    source = SOURCES[name](tmp_path)
    loaded, found = source.load(tmp_path), source.stream(tmp_path)
    assert isinstance(loaded, Dataset)
    assert found is not None
    assert (found.facts, found.name, found.noun, found.rows) == (loaded.facts, loaded.name, loaded.noun, loaded.rows)
    for ours, theirs in ((found.train, loaded.train), (found.test, loaded.test)):
        assert (ours is None) == (theirs is None)
        if ours is None or theirs is None:
            continue
        rows, array = ours.inputs["input"], theirs.inputs["input"]
        assert isinstance(rows, Rows)
        assert (rows.shape, rows.dtype, rows.nbytes) == (array.shape, array.dtype, array.nbytes)
        order = RNG.integers(0, len(rows), 40)
        assert rows.read(order).tobytes() == read_all(array)[order].tobytes()
        assert ours.targets["output"].dtype == theirs.targets["output"].dtype
        assert np.array_equal(read_all(ours.targets["output"]), read_all(theirs.targets["output"]))


@pytest.mark.parametrize("name", ["npy in columns", "npy of bytes, packed", "digits"])
def test_what_cannot_be_streamed_is_loaded(tmp_path: Path, name: str) -> None:
    source: Source = Digits()
    if name == "npy in columns":
        source = npy(tmp_path, np.asfortranarray(BYTES))
    elif name == "npy of bytes, packed":
        source = idx(tmp_path)
        write_idx(tmp_path / "images", BYTES, packed=True)
    assert source.stream(tmp_path) is None
    assert not is_streamed(read_dataset(DataSettings(source=source), tmp_path, 1).train.inputs["input"])
    with pytest.raises(Unplaced) as caught:
        read_dataset(DataSettings(source=source, stream=True), tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS514"
    assert source.word in text


def test_how_much_memory_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = npy(tmp_path, test=True)
    size = (23 + 7) * (5 * 4 * 4 + 4)

    def streams_with(when: bool | None, free: int | None, device: int | None = None) -> bool:
        monkeypatch.setattr(streams, "free_memory", lambda: free)
        return open_stream(source, tmp_path, when, device) is not None

    assert not streams_with(None, 4 * size)
    assert streams_with(None, 4 * size - 4)
    assert not streams_with(None, None)
    assert not streams_with(None, 9 * size, size)
    assert streams_with(None, 9 * size, size - 1)
    assert streams_with(True, 9 * size)
    assert not streams_with(False, 1)


def test_a_container_leaves_less(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert streams._container_left(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert streams._container_left(tmp_path) is None
    assert streams._container_left(tmp_path / "none") is None
    free = streams.free_memory()
    assert free is None or free > 1 << 20


def test_some_of_some() -> None:
    rows = Joined([_Counting(np.arange(10.0)), _Counting(np.arange(10.0, 30.0))])
    some = rows[np.array([29, 3, 12, 3])]
    assert some.read(np.arange(4)).tolist() == [29, 3, 12, 3]
    assert some[1:].read(np.array([2, 0])).tolist() == [3, 3]
    assert rows[::7].map(lambda x: x * 2, "int32").read(np.arange(5)).tolist() == [0, 14, 28, 42, 56]
    assert min_max(Joined([_Counting(np.arange(8.0).reshape(4, 2))])[1:3])[1].tolist() == [4, 5]
    with pytest.raises(TypeError, match="blocks"):
        np.asarray(rows)


class _Counting(Rows):
    def __init__(self, array: np.ndarray) -> None:
        super().__init__(array.shape, array.dtype)
        self.array = array

    def read(self, index: np.ndarray) -> np.ndarray:
        return self.array[index]


def test_figures_of_the_training_part_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.dataset.lazy_rows.BLOCK_BYTES", 200)
    source = npy(tmp_path, RNG.normal(5, 3, (23, 4, 3)).astype(np.float32))
    rows, array = (data.train.inputs["input"] for data in (source.stream(tmp_path), source.load(tmp_path)) if data)
    assert len(list(blocks(rows))) > 3
    assert measure(rows) == measure(array)
    assert np.allclose(measure(rows).mean, read_all(array).mean(axis=(0, 1), dtype=np.float64), rtol=1e-6)
    assert np.allclose(measure(rows).std, read_all(array).std(axis=(0, 1), dtype=np.float64), rtol=1e-6)
    assert measure_range(rows) == measure_range(array)


@pytest.mark.parametrize("settings", [{"val": 0.2}, {"limit": 5, "test": 0.3}, {"repeat": 2, "stratify": True}])
def test_the_parts_are_those_in_memory(tmp_path: Path, settings: dict[str, object]) -> None:
    source = npy(tmp_path)
    chosen = DataSettings(source=source, normalize="standard", class_weights="balanced", **settings)  # type: ignore[arg-type]
    ours, theirs = (split_dataset(data, chosen) for data in (source.stream(tmp_path), source.load(tmp_path)) if data)
    assert (ours.normalization, ours.class_weights) == (theirs.normalization, theirs.class_weights)
    for part in ("train", "val", "test"):
        found, expected = getattr(ours, part), getattr(theirs, part)
        assert (found is None) == (expected is None)
        if found is not None:
            assert read_all(found.inputs["input"]).tobytes() == expected.inputs["input"].tobytes()
            assert np.array_equal(found.targets["output"], expected.targets["output"])


def test_numbers_are_checked_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.dataset.lazy_rows.BLOCK_BYTES", 40)
    x = RNG.normal(size=(23, 3)).astype(np.float32)
    x[17, 2] = np.nan
    data = npy(tmp_path, x).stream(tmp_path)
    assert data is not None
    (wrong,) = check_input_values(data, "input", Shape((3,)), None, None)
    assert wrong.code == "NS437"
    assert "17" in wrong.message
    ids = npy(tmp_path, np.full((23, 4), 7)).stream(tmp_path)
    assert ids is not None
    assert check_input_values(ids, "input", Shape((4,), 8), None, None) == []
    (wrong,) = check_input_values(ids, "input", Shape((4,), 7), None, None)
    assert "7" in wrong.message


def test_a_file_that_became_shorter_or_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(30, dtype=np.int32).tofile(path)
    rows = FileRows(path, (10, 3), np.int32)
    assert rows.read(np.array([9, 0])).tolist() == [[27, 28, 29], [0, 1, 2]]
    path.write_bytes(path.read_bytes()[:-1])
    assert rows.read(np.array([8])).tolist() == [[24, 25, 26]]
    for gone in (False, True):
        if gone:
            path.unlink()
        with pytest.raises(CompileError) as caught:
            rows.read(np.array([3, 9]))
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "NS515"
        assert ("no longer exists" if gone else "119 bytes") in diagnostic.message


def test_an_image_that_has_gone_or_changed(tmp_path: Path) -> None:
    data = images(tmp_path).stream(tmp_path)
    assert data is not None
    rows = data.train.inputs["input"]
    first, second, third = (path for path in sorted((tmp_path / "photos" / "a").iterdir()))
    first.unlink()
    second.write_bytes(second.read_bytes()[:60])
    Image.new("RGB", (5, 5)).save(third)
    for index, reason in enumerate(("no longer exists", "truncated", "5x5")):
        with pytest.raises(CompileError, match=reason) as caught:
            rows.read(np.array([index]))  # type: ignore[union-attr]
        assert caught.value.diagnostics[0].code == "NS515"


def test_images_are_opened_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.sources.images.image_folder.MAX_CHECKED", 2)
    source = images(tmp_path)
    data = source.stream(tmp_path)
    assert data is not None
    warning = streams.streamed_warning(data)
    assert warning is not None
    assert "2 of 6 images" in warning.message
    loaded = source.load(tmp_path)
    assert isinstance(loaded, Dataset)
    assert streams.streamed_warning(loaded) is None
    (tmp_path / "photos" / "a" / "0.png").write_bytes(b"no image")
    with pytest.raises(Unplaced):
        source.stream(tmp_path)
