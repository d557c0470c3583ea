"""Folders, arrays, texts and data sets by name: what `netspec new` writes for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

import netspec


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def correct(data: str, **options: str) -> str:
    """The spec for data, which has neither errors nor warnings."""
    text = netspec.new(data, **options)
    assert netspec.check(text) == []
    return text


def pictures(folder: str, count: int, side: int = 16, channels: str = "RGB") -> None:
    random = np.random.default_rng(len(folder))
    Path(folder).mkdir(parents=True)
    for i in range(count):
        shape = (side, side, 3) if channels == "RGB" else (side, side)
        Image.fromarray(random.integers(0, 255, shape, dtype=np.uint8), channels).save(f"{folder}/{i}.png")


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(netspec.CompileError) as error:
        call()
    return error.value.diagnostics[0].code


def test_folders_of_images() -> None:
    for name in ("cat", "dog"):
        pictures(f"photos/{name}", 12)
    text = correct("photos")
    assert 'images("photos", size = 16x16)' in text
    assert "block(32)" in text
    assert code_of(lambda: netspec.new("photos", target="cat")) == "NS660"
    assert code_of(lambda: netspec.new("photos/cat")) == "NS661"


def test_folders_of_images_with_splits() -> None:
    for name in ("cat", "dog"):
        pictures(f"photos/train/{name}", 12)
        pictures(f"photos/test/{name}", 5)
    text = correct("photos")
    assert 'images("photos/train", size = 16x16, test = "photos/test")' in text
    assert "test  " not in text


def test_folders_of_texts() -> None:
    for name in ("good", "bad"):
        Path("reviews", name).mkdir(parents=True)
        for i in range(12):
            Path("reviews", name, f"{i}.txt").write_text(f"a {name} film number {i} of many")
    assert 'texts("reviews")' in correct("reviews")


def test_folders_of_sounds() -> None:
    time = np.arange(2000) / 8000
    random = np.random.default_rng(0)
    for pitch in (440, 880):
        Path("tones", str(pitch)).mkdir(parents=True)
        for i in range(12):
            sound = np.sin(2 * np.pi * pitch * time) + random.normal(0, 0.1, 2000)
            wavfile.write(f"tones/{pitch}/{i}.wav", 8000, np.round(8000 * sound).astype(np.int16))
    assert 'sounds("tones", rate = 8000, seconds = 0.25, as = mel(32))' in correct("tones")


def test_images_with_masks() -> None:
    pictures("scenes/images", 12, 32)
    Path("scenes/masks").mkdir()
    for i in range(12):
        mask = np.zeros((32, 32), np.uint8)
        mask[i : i + 8] = 1
        mask[:4] = 2
        Image.fromarray(mask, "L").save(f"scenes/masks/{i}.png")
    text = correct("scenes")
    assert 'masks("scenes/images", "scenes/masks", size = 32x32)' in text
    assert "dice(cross_entropy = 1)" in text


def test_arrays() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 5)).astype("float32"), np.arange(60) % 3
    np.savez("points.npz", x=x, y=y)
    assert "normalize = standard" in correct("points.npz")
    np.savez("images.npz", x=random.integers(0, 255, (60, 12, 12, 1), dtype=np.uint8), y=y)
    assert "block(32)" in correct("images.npz")
    np.savez("steps.npz", x=random.normal(size=(60, 20, 3)).astype("float32"), y=y)
    assert "gru(" in correct("steps.npz")


def test_texts_are_for_language_models() -> None:
    random = np.random.default_rng(0)
    Path("poems.txt").write_text("".join(random.choice([*"once upon a midnight dreary"], 6000)))
    assert 'text("poems.txt", length = 32' in correct("poems.txt")
    Path("short.txt").write_text("too short")
    assert code_of(lambda: netspec.new("short.txt")) == "NS661"


def test_data_sets_by_name() -> None:
    for name in ("iris", "diabetes", "digits"):
        assert f"source    = {name}" in correct(name) or f"source = {name}" in correct(name)


def test_what_cannot_be_read() -> None:
    Path("empty").mkdir()
    Path("notes.docx").write_bytes(b"PK\x03\x04")
    Path("nothing.csv").write_text("")
    assert code_of(lambda: netspec.new("empty")) == "NS661"
    assert code_of(lambda: netspec.new("notes.docx")) == "NS661"
    assert code_of(lambda: netspec.new("missing.csv", target="y")) == "NS661"
    assert code_of(lambda: netspec.new("nothing.csv", target="y")).startswith("NS4")
