"""What `normalize` takes, weights of classes, repeated examples, and the warnings about sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset, Facts, Target, single
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.dataset.options import Missing, Names, Scaling, Weights
from netspec.data.prepare import prepare_data
from netspec.data.settings import DataSettings, check_settings
from netspec.data.sources.bundled import Iris, Wine
from netspec.data.splits.class_weights import class_weights
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.normalization import IMAGENET, Normalization
from netspec.data.transforms.scaling import scaling_problem
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from netspec.language.values import Symbol
from netspec.language.word import Mismatch
from tests.data.files import code_and_text, ends

HERE = Path()


def images(channels: int = 3, high: float = 1) -> Dataset:
    x = np.random.default_rng(0).random((6, 4, 4, channels)) * high
    return from_arrays(x, [0, 1] * 3)


# ---------------------------------------------------------------- what may be typed

KINDS = [
    (Scaling(), Symbol("unit"), "unit", "unit"),
    (Scaling(), [0.5, 2], ((0.5,), (2.0,)), "[0.5, 2]"),
    (Scaling(), [[0, 1], [1, 2]], ((0.0, 1.0), (1.0, 2.0)), "[[0, 1], [1, 2]]"),
    (Weights(), Symbol("balanced"), "balanced", "balanced"),
    (Weights(), [1, 0.5, 0], (1.0, 0.5, 0.0), "[1, 0.5, 0]"),
    (Names(), "a b", ("a b",), '"a b"'),
    (Names(), ["a", "b"], ("a", "b"), '["a", "b"]'),
    (Names(auto=True), Symbol("auto"), "auto", "auto"),
    (Missing(), Symbol("drop"), "drop", "drop"),
    (Missing(), 0, 0.0, "0"),
]


@pytest.mark.parametrize(("kind", "typed", "kept", "spelled"), KINDS)
def test_values_and_how_they_are_typed(kind: Any, typed: object, kept: object, spelled: str) -> None:
    assert kind.accept(typed) == kept
    assert kind.to_source(kept) == spelled
    hash(kept)


WRONG = [
    *[(Scaling(), wrong) for wrong in ([1], [0, 0], [[1, 2], [1]], [[1, 2], [1, -1]], [[], []], ["a", 1], 3, "unit")],
    *[(Weights(), wrong) for wrong in ([], [1, -1], ["a"], [[1]], 2, [True])],
    *[(Names(), wrong) for wrong in ([], "", ["a", 3], 3, Symbol("auto"))],
    *[(Missing(), wrong) for wrong in ("mean", True, [1], Symbol("zero"))],
]


@pytest.mark.parametrize(("kind", "wrong"), WRONG)
def test_what_may_not_be_typed(kind: Any, wrong: object) -> None:
    with pytest.raises(Mismatch):
        kind.accept(wrong)


# ---------------------------------------------------------------- normalize


def test_unit_brings_the_training_part_to_zero_and_one() -> None:
    splits = split_dataset(Iris().load(HERE), DataSettings(normalize="unit"))
    train = splits.train.inputs["input"]
    assert train.min(axis=0).tolist() == [0] * 4 and train.max(axis=0).tolist() == [1] * 4
    raw = Iris().load(HERE).train.inputs["input"]
    found = splits.normalization["input"]
    assert found.mean == pytest.approx(raw[splits.train_index].min(axis=0))
    assert np.allclose(splits.test.inputs["input"], found.apply(raw[splits.test_index]))


def test_unit_is_by_channel_and_leaves_what_never_changes_at_zero() -> None:
    x = np.zeros((4, 2, 2, 2))
    x[..., 0] = np.arange(16).reshape(4, 2, 2) * 10
    x[..., 1] = 7
    found = split_dataset(from_arrays(x, [0, 1] * 2), DataSettings(test=0, normalize="unit"))
    assert found.train.inputs["input"][..., 0].max() == 1
    assert not found.train.inputs["input"][..., 1].any()


def test_the_figures_of_imagenet_and_figures_that_are_given() -> None:
    data = images()
    splits = split_dataset(data, DataSettings(test=0, normalize="imagenet"))
    assert splits.normalization["input"] == Normalization(*IMAGENET, double=True)
    pixel = data.train.inputs["input"][0, 0, 0]
    assert splits.train.inputs["input"][0, 0, 0] == pytest.approx((pixel - IMAGENET[0]) / IMAGENET[1], abs=1e-5)
    given = split_dataset(data, DataSettings(test=0, normalize=((0.5,), (0.25,))))
    assert given.normalization["input"] == Normalization((0.5,) * 3, (0.25,) * 3, double=True)
    each = split_dataset(data, DataSettings(test=0, normalize=((0.0, 1.0, 2.0), (1.0, 1.0, 2.0))))
    assert each.normalization["input"].std == (1, 1, 2)


def test_inputs_of_ids_stay_as_they_are() -> None:
    data = from_arrays({"a": np.arange(6).reshape(6, 1), "b": np.arange(6.0)[:, None]}, [0, 1] * 3)
    splits = split_dataset(data, DataSettings(test=0, normalize="unit"))
    assert set(splits.normalization) == {"b"}
    assert splits.train.inputs["a"].dtype == np.int32


def test_pixels_that_are_not_scaled_do_not_go_with_imagenet() -> None:
    with pytest.raises(Unplaced) as caught:
        split_dataset(images(high=255), DataSettings(test=0, normalize="imagenet"))
    code, text = code_and_text(caught.value)
    assert (code, caught.value.option) == ("NS421", "normalize")
    assert "pixels from 0 to 1" in text


PROBLEMS = [
    ({"a": Shape((4, 4, 1))}, "imagenet", "examples of 4x4x1"),
    ({"a": Shape((3,))}, "imagenet", "examples of 3"),
    ({"a": Shape((4,))}, ((0.0, 0.0), (1.0, 1.0)), "or 4 of each"),
    ({"a": Shape((4,), 9)}, "standard", "token ids"),
]


@pytest.mark.parametrize(("inputs", "how", "words"), PROBLEMS)
def test_what_shapes_alone_tell(inputs: dict[str, Shape], how: Any, words: str) -> None:
    bad = scaling_problem(inputs, how)
    assert bad is not None and words in code_and_text(bad)[1]
    (found,) = check_settings(DataSettings(normalize=how), Facts(inputs, {"output": Target("numbers")}))
    assert (found.code, found.severity) == ("NS421", "error")


def test_features_of_very_different_size_are_told() -> None:
    inputs, heads = {"input": Shape((13,))}, {"output": ends(3, "softmax")}
    _, (found,) = prepare_data(Wine().load(HERE), DataSettings(), inputs, heads)
    assert (found.code, found.severity) == ("NS444", "warning")
    assert (
        "`proline` has the standard deviation 3" in found.message and "`nonflavanoid_phenols` has 0.12" in found.message
    )
    assert "normalize = standard" in found.hint_text
    assert prepare_data(Wine().load(HERE), DataSettings(normalize="unit"), inputs, heads)[1] == []
    assert prepare_data(Wine().load(HERE), DataSettings(), inputs, heads, self_scaling={"input"})[1] == []


def test_small_features_and_pixels_are_not() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)) * [1, 1e-4]
    for data, shape in ((from_arrays(x, [0, 1] * 20), Shape((2,))), (images(), Shape((4, 4, 3)))):
        assert prepare_data(data, DataSettings(), {"input": shape}, {"output": ends(2, "softmax")})[1] == []


def test_pixels_that_are_normalised_are_not_warned_about() -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1)).astype(np.float32)
    data, inputs, heads = (
        from_arrays(x, [0, 1] * 15),
        {"input": Shape((8, 8, 1))},
        {"output": ends(2, "softmax")},
    )
    assert [d.code for d in prepare_data(data, DataSettings(), inputs, heads)[1]] == ["NS448"]
    assert prepare_data(data, DataSettings(normalize="unit"), inputs, heads)[1] == []


# ---------------------------------------------------------------- classes and repetition


def test_balanced_weights_make_every_class_count_the_same() -> None:
    y = np.repeat([0, 1, 2], [60, 30, 10])
    splits = split_dataset(from_arrays(np.arange(100.0), y), DataSettings(class_weights="balanced"))
    (weights,) = splits.class_weights.values()
    counts = np.bincount(splits.train.targets["output"])
    assert counts * weights == pytest.approx([80 / 3] * 3)


def test_weights_of_yes_or_no_and_of_several_targets() -> None:
    data = from_arrays(np.arange(4.0), {"a": [True, False, False, False], "b": [0, 0, 0, 2], "c": [0.5, 1, 2, 3]})
    splits = split_dataset(data, DataSettings(test=0, class_weights="balanced"))
    assert splits.class_weights == {"a": pytest.approx((4 / 6, 2)), "b": pytest.approx((4 / 6, 0, 2))}


def test_weights_that_are_given() -> None:
    facts = single(Shape((1,)), Target.of_classes("ab"))
    train = from_arrays(np.arange(2.0), [0, 1]).train
    assert class_weights(facts, train, np.arange(2), (1.0, 5.0)) == {"output": (1.0, 5.0)}
    assert class_weights(facts, train, np.arange(2), None) == {}


TWO = Facts({"x": Shape((1,))}, {"a": Target.of_classes("ab"), "b": Target.of_classes("cd")})
WEIGHTS = [
    (single(Shape((1,)), Target("numbers")), "balanced", ["need a target with classes"]),
    (single(Shape((1,)), Target.of_classes("abc")), (1.0, 2.0), ["2 numbers for 3 classes", "in the order a, b, c"]),
    (single(Shape((1,)), Target("binary")), (1.0,), ["1 numbers for 2 classes"]),
    (TWO, (1.0, 2.0), ["may be for `a` and `b`", "balanced"]),
]


@pytest.mark.parametrize(("facts", "weights", "words"), WEIGHTS)
def test_weights_that_do_not_fit(facts: Facts, weights: Any, words: list[str]) -> None:
    (found,) = check_settings(DataSettings(class_weights=weights), facts)
    assert found.code == "NS482"
    assert all(word in f"{found.message}\n{found.hint_text}" for word in words)


def test_repeated_examples() -> None:
    data = from_arrays(np.arange(10.0), [0, 1] * 5)
    once, thrice = (split_dataset(data, DataSettings(repeat=n)) for n in (1, 3))
    assert len(thrice.train) == 3 * len(once.train) == 24
    assert (thrice.train.inputs["input"] == np.tile(once.train.inputs["input"], (3, 1))).all()
    assert thrice.where(23) == once.where(7)
    assert (thrice.test.inputs["input"] == once.test.inputs["input"]).all()
