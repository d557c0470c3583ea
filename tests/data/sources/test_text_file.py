"""Text: pieces and what comes next, a vocabulary of the training part, the end held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset, HoldOut
from netspec.data.load import read_dataset, read_facts
from netspec.data.settings import DataSettings
from netspec.data.sources.texts.file import Cut, TextFile
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.encoders import UNKNOWN, Encoder, split_text
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write


def read(folder: Path, text: str, settings: DataSettings | None = None, **options: Any) -> Dataset:
    """The data, as the section with these settings reads them."""
    write(folder / "t.txt", text)
    chosen = settings or DataSettings(test=0)
    section = DataSettings(**(chosen.__dict__ | {"source": TextFile(**({"file": "t.txt"} | options))}))
    data = read_dataset(section, folder)
    assert read_facts(section, folder) == data.facts
    return data


def spelled(data: Dataset, ids: np.ndarray) -> str:
    return "".join(data.encoder.vocabulary[i] for i in ids)


def test_pieces_and_what_comes_next(tmp_path: Path) -> None:
    data = read(tmp_path, "abcdefghij", length=3)
    x, y = data.train.inputs["input"], data.train.targets["output"]
    assert [spelled(data, row) for row in x] == ["abc", "def", "ghi"]
    assert [spelled(data, row) for row in y] == ["bcd", "efg", "hij"]
    assert data.facts.inputs == {"input": Shape((3,), 11)}
    target = data.facts.targets["output"]
    assert (target.kind, target.size, target.classes, target.names) == ("class", 3, 11, (UNKNOWN, *"abcdefghij"))
    assert x.dtype == y.dtype == np.int32
    assert data.where(2) == "t.txt piece 2"


def test_pieces_may_overlap(tmp_path: Path) -> None:
    data = read(tmp_path, "abcdefgh", length=4, stride=2)
    assert [spelled(data, row) for row in data.train.inputs["input"]] == ["abcd", "cdef"]
    assert data.gap == 1
    assert Cut.of(8, 4, 1).count == 4 and Cut.of(8, 4, 1).gap == 3
    assert Cut.of(4, 4, 4).count == 0


def test_words_and_signs(tmp_path: Path) -> None:
    assert split_text("It's 3 o'clock, Zoë!", "word") == ["It", "'", "s", "3", "o", "'", "clock", ",", "Zoë", "!"]
    data = read(tmp_path, "a b a c a b d", length=2, by="word")
    assert data.encoder.vocabulary == (UNKNOWN, "a", "b", "c", "d")  # the most frequent first
    assert data.train.inputs["input"].tolist() == [[1, 2], [1, 3], [1, 2]]


def test_the_vocabulary_may_be_limited(tmp_path: Path) -> None:
    data = read(tmp_path, "aaabbcd", length=2, vocabulary=3)
    assert data.encoder.vocabulary == (UNKNOWN, "a", "b")
    assert data.train.targets["output"].tolist() == [[1, 1], [2, 2], [0, 0]]


def test_the_vocabulary_is_that_of_the_training_part(tmp_path: Path) -> None:
    data = read(tmp_path, "abab" * 20 + "xyxy" * 5 + "z", DataSettings(test=5), length=4)
    assert data.encoder.vocabulary == (UNKNOWN, "a", "b", "x")  # the x is the last target of the training part
    splits = split_dataset(data, DataSettings(test=5))
    assert splits.test.inputs["input"].tolist() == [[3, 0, 3, 0]] * 5
    assert not (splits.train.inputs["input"] == 0).any()


def test_the_end_is_held_out_and_nothing_is_shared(tmp_path: Path) -> None:
    text = "".join(chr(0x4E00 + i) for i in range(200))  # every character once
    settings = DataSettings(test=0.2, val=5)
    data = read(tmp_path, text, settings, length=8, stride=3)
    splits = split_dataset(data, settings)
    whole = read(tmp_path, text, DataSettings(test=0), length=8, stride=3).encoder.vocabulary
    assert splits.train_index.max() < splits.val_index.min() <= splits.val_index.max() < splits.test_index.min()
    places = [{p for i in index for p in range(3 * i, 3 * i + 8)} for index in (
        splits.train_index, splits.val_index, splits.test_index
    )]  # fmt: skip
    assert not places[0] & places[1] and not places[1] & places[2]
    trained = max(places[0]) + 2  # and the target of the last one
    assert data.encoder.vocabulary == whole[: trained + 1]


@pytest.mark.parametrize(("test", "val"), [(None, 0), (0.1, 0.1), (3, 4), (0, 2)])
def test_what_is_held_out_is_known_before(tmp_path: Path, test: float | None, val: float) -> None:
    settings = DataSettings(test=test, val=val)
    data = read(tmp_path, "abcde" * 50, settings, length=5, stride=2)
    assert len(split_dataset(data, settings).train) == HoldOut(test, val).left(len(data.train), data.gap)


def test_the_encoder_goes_to_json_and_back(tmp_path: Path) -> None:
    encoder = read(tmp_path, "a b c d e", length=2, by="word").encoder
    assert msgspec.json.decode(msgspec.json.encode(encoder), type=Encoder) == encoder


def test_a_text_that_is_too_short(tmp_path: Path) -> None:
    write(tmp_path / "t.txt", "to be or not")
    with pytest.raises(Unplaced) as caught:
        TextFile(file="t.txt", length=8).facts(tmp_path)
    code, text = code_and_text(caught.value)
    assert (code, caught.value.option) == ("NS484", "length")
    assert "12 characters" in text and "sequences of 8" in text and "at least 17" in text and "at most 2" in text
    with pytest.raises(Unplaced) as caught:
        TextFile(file="t.txt", by="word").facts(tmp_path)
    assert "4 words and signs" in code_and_text(caught.value)[1]


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00")
    for name, code in (("t.txt", "NS404"), ("x.txt", "NS401")):
        with pytest.raises(Unplaced) as caught:
            TextFile(file=name).facts(tmp_path)
        assert (caught.value.kind.code, caught.value.option) == (code, "file")
