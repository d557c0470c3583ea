"""Folders of texts: classes, splits, encodings, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset
from netspec.data.load import learned_source, read_dataset, read_facts
from netspec.data.settings import DataSettings
from netspec.data.sources.texts.folder import Texts
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.encoders import RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write


def make(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, text)


def read(base: Path, settings: dict[str, Any] | None = None, **options: Any) -> Dataset:
    section = DataSettings(source=Texts(**({"folder": "t", "min_count": 1} | options)), **(settings or {"test": 0}))
    found = read_dataset(section, base)
    assert read_facts(section, base) == found.facts
    return found


def vocabulary(data: Dataset) -> tuple[str, ...]:
    assert isinstance(data.encoder, RowEncoder) and data.encoder.only_text == "text"
    return data.encoder.texts["text"].vocabulary


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    make(
        tmp_path / "t",
        {"pos/b.txt": "very good", "pos/a.txt": "good\r\n", "neg/c.md": "\ufeffbad bad", "neg/.x.txt": "?"},
    )
    data = read(tmp_path)
    assert data.facts.targets["output"].names == ("neg", "pos")
    assert data.facts.inputs == {"text": Shape((2,), 5)} and data.facts.pads == {"text": 0}
    assert data.train.targets["output"].tolist() == [0, 1, 1]
    words = [[vocabulary(data)[i] for i in row if i] for row in data.train.inputs["text"]]
    assert words == [["bad", "bad"], ["good"], ["very", "good"]]
    assert data.where(2) == "t text pos/b.txt"


def test_the_vocabulary_is_that_of_the_training_split(tmp_path: Path) -> None:
    make(tmp_path / "t", {f"{'ab'[i % 2]}/{i:02d}.txt": f"word{i}" for i in range(30)})
    data = read(tmp_path, {"val": 0.2})
    splits = split_dataset(data, DataSettings(val=0.2))
    assert data.rows is not None
    trained = {f"word{int(Path(str(data.rows[i])).stem)}" for i in splits.train_index.tolist()}
    assert {*vocabulary(data)[2:]} == trained and len(trained) == 19


def test_train_and_test_folders(tmp_path: Path) -> None:
    texts = {"train/a/1.txt": "x", "train/b/1.txt": "y", "test/a/1.txt": "z", "test/b/1.txt": "x"}
    make(tmp_path / "t", texts)
    data = read(tmp_path, {})
    assert data.test is not None and data.facts.has_test and vocabulary(data)[2:] == ("x", "y")
    assert data.test.inputs["text"].tolist() == [[1], [2]]
    named = read(tmp_path, {}, folder="t/train", test="t/test")
    assert np.array_equal(named.train.inputs["text"], data.train.inputs["text"])
    make(tmp_path / "t", {"val/a/1.txt": "x"})
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, {})
    assert 'texts("t/train", test = "t/test")' in code_and_text(bad.value)[1]


def test_mistakes(tmp_path: Path) -> None:
    make(tmp_path, {"none/a/x.jpg": "", "half/a/1.txt": "x", "half/b/1.jpg": "", "empty/1.txt": "", "few/1.txt": "x"})
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "1.txt").write_bytes("schön".encode("latin-1"))
    cases = {
        "nowhere": ("NS401", "there is no such folder"),
        "none": ("NS427", "has no texts in it"),
        "half": ("NS427", "is a class without texts"),
        "latin": ("NS404", 'encoding = "cp1252"'),
        "empty": ("NS614", "are all empty"),
    }
    for folder, (code, words) in cases.items():
        with pytest.raises(Unplaced) as bad:
            read(tmp_path, {"test": 0, "target": "input"}, folder=folder)
        found, message = code_and_text(bad.value)
        assert found == code and words in message, message
    latin = read(tmp_path, {"test": 0, "target": "input"}, folder="latin", encoding="cp1252")
    assert vocabulary(latin)[2:] == ("schön",)


def test_empty_texts_are_told(tmp_path: Path) -> None:
    make(tmp_path / "t", {"a/1.txt": "x y", "a/2.txt": " \n", "b/1.txt": "x"})
    section = DataSettings(source=Texts(folder="t"), test=0)
    (remark,) = learned_source(section, tmp_path).remarks(tmp_path)
    code, message = code_and_text(remark)
    assert code == "NS610" and "empty texts in `t`: 1, the first of them a/2.txt" in message
    assert read(tmp_path).train.inputs["text"].tolist()[1] == [1, 0]
