"""Pairs of images from folders of classes: which are drawn, and that nothing of the test is trained on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netspec.data.dataset.dataset import Dataset, HoldOut
from netspec.data.dataset.lazy_rows import read_all
from netspec.data.settings import DataSettings
from netspec.data.sources.images.pair_drawing import draw_pairs, possible_pairs
from netspec.data.sources.images.pairs import Pairs
from netspec.data.splits.split import split_dataset
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text


def write_images(folder: Path, classes: int = 4, each: int = 10, size: int = 3) -> None:
    """Each image has one gray value, the number of the image: 10 * class + place."""
    for number in range(classes):
        (folder / f"c{number}").mkdir(parents=True)
        for place in range(each):
            Image.new("L", (size, size), 10 * number + place).save(folder / f"c{number}" / f"{place}.png")


def numbers(images: Any) -> np.ndarray:
    """The numbers of images, by their gray values."""
    return np.rint(read_all(images)[:, 0, 0, 0] * 255).astype(int)


def pairs_in(dataset: Dataset, part: Any) -> list[tuple[int, int, int]]:
    left, right = numbers(part.inputs["left"]), numbers(part.inputs["right"])
    return list(zip(left.tolist(), right.tolist(), part.targets["output"].tolist(), strict=True))


@pytest.mark.parametrize("count", [7, 60, 500])
def test_pairs_are_balanced_and_repeat_as_late_as_possible(count: int) -> None:
    labels = np.array([2, 0, 1, 0, 2, 2, 1, 0])
    left, right, same = draw_pairs(labels, count, np.random.default_rng(0))
    assert same.sum() == count // 2 and len(left) == count
    assert np.array_equal(labels[left] == labels[right], same == 1) and not (left == right).any()
    assert possible_pairs(labels) == (3 + 1 + 3, 3 * 2 + 3 * 3 + 2 * 3)
    for answer, most in zip((1, 0), possible_pairs(labels), strict=True):
        drawn = Counter(
            tuple(sorted(pair)) for pair, s in zip(zip(left.tolist(), right.tolist(), strict=True), same, strict=True)
            if s == answer
        )  # fmt: skip
        assert max(drawn.values()) - (min(drawn.values()) if len(drawn) == most else 0) <= 1


@pytest.mark.parametrize("split_by", ["images", "classes"])
def test_nothing_of_the_test_is_trained_on(tmp_path: Path, split_by: str) -> None:
    write_images(tmp_path / "faces", classes=8 if split_by == "classes" else 4)
    settings = DataSettings(val=0.25, test=0.25)
    source = Pairs(folder="faces", split_by=split_by, count=200).under(settings.hold_out)
    data = source.load(tmp_path)
    assert isinstance(data, Dataset) and data.facts == source.facts(tmp_path)
    assert data.facts.inputs == {"left": Shape((3, 3, 1)), "right": Shape((3, 3, 1))}
    splits = split_dataset(data, settings)
    parts = [pairs_in(data, part) for part in (splits.train, splits.val, splits.test)]
    assert [len(part) for part in parts] == [112, 38, 50]
    divisor = 10 if split_by == "classes" else 1
    seen = [{side // divisor for left, right, _ in part for side in (left, right)} for part in parts]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    for part in parts:
        assert all((left // 10 == right // 10) == bool(same) for left, right, same in part)
        assert sum(same for *_, same in part) == len(part) // 2
    assert data.where(0).startswith("faces pair c") and ".png, c" in data.where(0)


def test_the_same_seed_gives_the_same_pairs_also_when_they_are_streamed(tmp_path: Path) -> None:
    write_images(tmp_path / "faces")
    hold_out = HoldOut(test=0.2, val=0.2)
    source = Pairs(folder="faces", count=40).under(hold_out)
    data, streamed = source.load(tmp_path), source.stream(tmp_path)
    assert isinstance(data, Dataset) and streamed is not None
    assert pairs_in(data, data.train) == pairs_in(streamed, streamed.train) and streamed.facts == data.facts
    other = Pairs(folder="faces", count=40, seed=1).under(hold_out).load(tmp_path)
    assert isinstance(other, Dataset) and pairs_in(other, other.train) != pairs_in(data, data.train)


def test_a_folder_for_the_test_may_have_other_classes(tmp_path: Path) -> None:
    write_images(tmp_path / "faces")
    write_images(tmp_path / "new", classes=2, each=3)
    (tmp_path / "new" / "c1").rename(tmp_path / "new" / "another")
    source = Pairs(folder="faces", test="new", size=(3, 3)).under(HoldOut(val=0.1))
    data = source.load(tmp_path)
    assert isinstance(data, Dataset) and data.test is not None
    assert (len(data.train), len(data.test)) == (4 * 40, 4 * 6)
    assert {side for left, right, _ in pairs_in(data, data.test) for side in (left, right)} == {0, 1, 2, 10, 11, 12}


def found(folder: Path, source: Any) -> tuple[str, str]:
    with pytest.raises(Unplaced) as caught:
        source.facts(folder)
    return code_and_text(caught.value)


def test_too_few_images(tmp_path: Path) -> None:
    write_images(tmp_path / "few", classes=3, each=3)
    write_images(tmp_path / "one", classes=1)
    (tmp_path / "flat").mkdir()
    Image.new("L", (3, 3)).save(tmp_path / "flat" / "a.png")
    code, text = found(tmp_path, Pairs(folder="few").under(HoldOut(test=0.2)))
    assert code == "NS630" and "test part: 0 in 0 classes" in text and "test = 0" in text
    assert found(tmp_path, Pairs(folder="few", split_by="classes").under(HoldOut(test=0.2)))[0] == "NS630"
    assert found(tmp_path, Pairs(folder="one").under(HoldOut(test=0)))[0] == "NS630"
    assert "no folders of classes" in found(tmp_path, Pairs(folder="flat"))[1]
    assert found(tmp_path, Pairs(folder="few").under(HoldOut(test=0, folds=3)))[0] == "NS631"
    assert Pairs(folder="few").under(HoldOut(test=0)).facts(tmp_path) is not None


def test_what_may_surprise_is_told(tmp_path: Path) -> None:
    write_images(tmp_path / "faces", classes=3)
    for place in range(8):
        (tmp_path / "faces" / "c2" / f"{place}.png").unlink()
    remarks = Pairs(folder="faces", count=400).under(HoldOut(test=0.2)).remarks(tmp_path)
    texts = [code_and_text(remark) for remark in remarks]
    assert {code for code, _ in texts} == {"NS632"}
    assert any("1 of 3 classes have too few images" in text and "`c2`" in text for _, text in texts)
    assert any("the train part has 160 pairs of the same class, of which only 57 differ" in text for _, text in texts)
    assert not Pairs(folder="faces", count=20).under(HoldOut(test=0)).remarks(tmp_path)
