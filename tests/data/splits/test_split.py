"""Splits: disjoint, complete, repeatable, in proportion; normalized by the training part alone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.settings import DataSettings
from netspec.data.sources.bundled import Iris
from netspec.data.sources.synthetic import Xor
from netspec.data.splits.split import Splits, split_dataset
from netspec.data.transforms.normalization import Normalization, measure
from netspec.language.diagnostics import Unplaced
from tests.data.files import code_and_text


def numbered(count: int, classes: int = 0) -> Dataset:
    """Examples whose input is their number."""
    y = np.arange(count) % classes if classes else np.linspace(0.1, 0.9, count)
    return from_arrays(np.arange(count, dtype=np.float32)[:, None], y)


def members(splits: Splits) -> dict[str, list[int]]:
    parts = {"train": splits.train, "val": splits.val, "test": splits.test}
    return {name: part.inputs["input"][:, 0].astype(int).tolist() for name, part in parts.items() if part is not None}


def test_by_default_a_fifth_is_the_test_and_nothing_is_held_out_for_validation() -> None:
    splits = split_dataset(numbered(50), DataSettings())
    assert (len(splits.train), splits.val, len(splits.test)) == (40, None, 10)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(8, 60),
    classes=st.integers(0, 4),
    val=st.sampled_from([0, 1, 3, 0.1, 0.25]),
    test=st.sampled_from([None, 0, 2, 0.2]),
    seed=st.integers(0, 5),
)
def test_every_example_is_in_exactly_one_part(
    count: int, classes: int, val: float, test: float | None, seed: int
) -> None:
    splits = split_dataset(numbered(count, classes), DataSettings(val=val, test=test, seed=seed))
    found = members(splits)
    assert sorted(number for part in found.values() for number in part) == list(range(count))
    assert all(found.values())
    for name, index in (("train", splits.train_index), ("val", splits.val_index), ("test", splits.test_index)):
        assert (index.tolist() if index is not None else None) == found.get(name)
    held = {"val": val, "test": 0.2 if test is None else test}
    left = count
    for name in ("test", "val"):
        portion = held[name]
        expected = portion if isinstance(portion, int) else int(portion * left + 0.5)
        assert len(found.get(name, [])) == expected
        left -= expected


def test_the_seed_decides() -> None:
    data = numbered(60, 3)
    first, again, other = (members(split_dataset(data, DataSettings(val=0.2, seed=s))) for s in (4, 4, 5))
    assert first == again
    assert first["test"] != other["test"]
    assert first["val"] != other["val"]


def test_the_test_does_not_depend_on_the_other_settings() -> None:
    data = numbered(60, 3)
    plain = members(split_dataset(data, DataSettings()))["test"]
    for other in (DataSettings(val=0.3), DataSettings(limit=5), DataSettings(normalize="standard")):
        assert split_dataset(data, other).test_index.tolist() == plain


def test_classes_are_held_out_in_proportion() -> None:
    y = np.repeat([0, 1, 2], [60, 30, 10])
    data = from_arrays(np.arange(100.0), y)
    splits = split_dataset(data, DataSettings(val=0.1, test=0.2))
    counts = [np.bincount(part.targets["output"]).tolist() for part in (splits.train, splits.val, splits.test)]
    assert counts[2] == [12, 6, 2]
    assert counts[1] == [5, 2, 1]  # 8 of 48, 24 and 8: 4.8, 2.4 and 0.8
    assert counts[0] == [43, 22, 7]


def test_a_class_with_one_example_stays_in_training() -> None:
    y = np.array([0] * 9 + [1])
    for seed in range(10):
        splits = split_dataset(from_arrays(np.arange(10.0), y), DataSettings(test=0.3, seed=seed))
        assert 1 in splits.train.targets["output"]


def test_without_stratify_the_draw_is_plain() -> None:
    data = from_arrays(np.arange(100.0), np.repeat([0, 1], 50))
    shares = set()
    for seed in range(10):
        splits = split_dataset(data, DataSettings(stratify=False, seed=seed))
        shares.add(int(splits.test.targets["output"].sum()))
    assert len(shares) > 1
    assert int(split_dataset(data, DataSettings()).test.targets["output"].sum()) == 10


def test_the_test_split_of_the_source_is_taken_as_it_is() -> None:
    data = from_arrays(np.arange(10.0), np.arange(10) % 2, np.arange(3.0), [0, 1, 0])
    splits = split_dataset(data, DataSettings(test=0.5))
    assert splits.test is data.test
    assert splits.train is data.train
    assert splits.test_index is None
    assert splits.where(1, "test") == "data test example 1"


def test_a_truth_table_is_trained_and_tested_whole() -> None:
    splits = split_dataset(Xor().load(Path()), DataSettings())
    assert len(splits.train) == len(splits.test) == 4
    assert len(split_dataset(Xor().load(Path()), DataSettings(test=1)).train) == 3
    assert split_dataset(Xor().load(Path()), DataSettings(test=0)).test is None


def test_limit_keeps_some_of_the_training_examples() -> None:
    splits = split_dataset(numbered(100, 2), DataSettings(val=10, limit=7))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (7, 10, 20)
    assert splits.train_index.tolist() != list(range(7))
    assert len(split_dataset(numbered(10), DataSettings(limit=500)).train) == 8


def test_examples_keep_their_names() -> None:
    splits = split_dataset(numbered(50), DataSettings(val=5))
    for part, arrays in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        number = int(arrays.inputs["input"][2, 0])
        assert splits.where(2, part) == f"data example {number}"


def test_two_examples_are_enough() -> None:
    splits = split_dataset(numbered(2), DataSettings())
    assert (len(splits.train), len(splits.test)) == (1, 1)


BAD = {
    "val too small": (40, DataSettings(val=0.01, test=0), "val", ["val = 0.01 of 40", "val part without examples"]),
    "val takes all": (40, DataSettings(val=40, test=0), "val", ["no example to train on", "from 1 to 39"]),
    "val takes what the test leaves": (40, DataSettings(val=32), "val", ["32 of 32 examples"]),
    "test takes all": (10, DataSettings(test=0.99), "test", ["test = 0.99 of 10", "no example to train on"]),
    "one example": (1, DataSettings(), "test", ["test = 0.2 of 1", "`test = 0`"]),
}


@pytest.mark.parametrize("case", BAD)
def test_no_part_is_ever_empty(case: str) -> None:
    count, data_settings, option, words = BAD[case]
    with pytest.raises(Unplaced) as caught:
        split_dataset(numbered(count), data_settings)
    code, text = code_and_text(caught.value)
    assert code == "NS420"
    assert all(word in text for word in words), text
    assert caught.value.option == option


# ---------------------------------------------------------------- normalization


def test_mean_and_deviation_by_feature() -> None:
    found = measure(np.array([[1, 10, 5], [3, 30, 5]], np.float32))
    assert found.mean == (2, 20, 5)
    assert found.std == (1, 10, 1)  # what never changes is only shifted
    assert found.apply(np.array([[3, 0, 6]], np.float32)).tolist() == [[1, -2, 1]]


def test_mean_and_deviation_by_channel() -> None:
    images = np.zeros((2, 2, 2, 2), np.float32)
    images[..., 1] = np.arange(8).reshape(2, 2, 2)
    found = measure(images)
    assert found.mean == (0, 3.5)
    assert found.std == pytest.approx((1, np.std(np.arange(8))))


def test_large_data_are_summed_in_blocks() -> None:
    x = np.random.default_rng(0).normal(1000, 0.5, (10_000, 3)).astype(np.float32)
    found = measure(x)
    assert found.mean == pytest.approx(x.astype(np.float64).mean(axis=0), abs=1e-9)
    assert found.std == pytest.approx(x.astype(np.float64).std(axis=0), abs=1e-9)


def test_a_constant_is_not_blown_up() -> None:
    found = measure(np.full((10_007, 1), 0.1, np.float32))
    assert found.std == (1.0,)


def test_applying_leaves_the_array_alone_and_gives_float32() -> None:
    x = np.array([[1, 2]], np.int32)
    scaled = Normalization((1, 1), (2, 2)).apply(x)
    assert scaled.tolist() == [[0, 0.5]]
    assert scaled.dtype == np.float32
    assert x.tolist() == [[1, 2]]


def test_json_and_back() -> None:
    found = measure(np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Normalization) == found


def test_only_the_training_part_is_measured() -> None:
    data = Iris().load(Path())
    splits = split_dataset(data, DataSettings(val=0.1, normalize="standard"))
    raw = data.train.inputs["input"]
    found = splits.normalization["input"]
    assert found.mean == pytest.approx(raw[splits.train_index].mean(axis=0), abs=1e-5)
    assert splits.train.inputs["input"].mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-5)
    assert splits.train.inputs["input"].std(axis=0) == pytest.approx(np.ones(4), abs=1e-4)
    assert np.allclose(splits.test.inputs["input"], found.apply(raw[splits.test_index]))
    assert np.allclose(splits.val.inputs["input"], found.apply(raw[splits.val_index]))
    assert splits.train.targets["output"].dtype == np.int32


def test_token_ids_cannot_be_normalized() -> None:
    data = from_arrays(np.arange(20).reshape(10, 2), np.arange(10) % 2)
    with pytest.raises(Unplaced) as caught:
        split_dataset(data, DataSettings(normalize="standard"))
    assert code_and_text(caught.value)[0] == "NS421"
    assert caught.value.option == "normalize"
