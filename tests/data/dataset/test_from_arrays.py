"""Arrays from Python, and NumPy archives."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from netspec.data.dataset.dataset import Target
from netspec.data.dataset.from_arrays import dataset_of, from_arrays
from netspec.data.sources.numpy_files import Npz
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    "labels",
    [
        ["dog", "cat", "dog"],
        np.array(["dog", "cat", "dog"]),
        pd.Series(["dog", "cat", "dog"]),
        pd.Series(["dog", "cat", "dog"], dtype="category"),
        pd.DataFrame({"kind": ["dog", "cat", "dog"]}),
    ],
    ids=["list", "array", "series", "categories", "frame"],
)
def test_texts_are_names_of_classes(labels: Any) -> None:
    """In alphabetical order, as scikit-learn's LabelEncoder has them."""
    data = from_arrays(X[:3], labels, X[:2], ["cat", "emu"])
    assert data.facts.targets["output"].names == ("cat", "dog", "emu")
    assert np.asarray(data.train.targets["output"]).tolist() == [1, 0, 1]
    assert data.test is not None and np.asarray(data.test.targets["output"]).tolist() == [0, 2]


def test_columns_of_numbers_and_of_booleans_are_numbers() -> None:
    frame = pd.get_dummies(pd.DataFrame({"a": [0.5, 1.5, 2], "b": [1, 2, 3], "c": ["x", "y", "x"]}))
    data = from_arrays(frame, [0, 1, 0])
    assert data.columns == {"input": ("a", "b", "c_x", "c_y")}
    assert np.asarray(data.train.inputs["input"]).tolist() == [[0.5, 1, 1, 0], [1.5, 2, 0, 1], [2, 3, 1, 0]]


FRAME = pd.DataFrame({"a": [0.5, 1.5, 2], "c": ["x", "y", "x"], "kind": ["p", "q", "p"]})


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (FRAME, '`(df.drop(columns="kind"), df["kind"])`'),
        ((FRAME, FRAME["kind"]), '`(df.drop(columns="kind"), df["kind"])`'),
        ((FRAME, "kind"), '`(df.drop(columns="kind"), df["kind"])`'),
        ((pd.get_dummies(FRAME), "kind"), '`(pandas.get_dummies(df.drop(columns="kind")), df["kind"])`'),
        ((FRAME[["a"]], "kind"), '`df["kind"]`'),
        ((FRAME[["a", "c"]], FRAME["kind"]), "`x = pandas.get_dummies(x)`"),
    ],
)
def test_a_data_frame_that_holds_the_targets(value: Any, hint: str) -> None:
    with pytest.raises(Unplaced) as caught:
        dataset_of(value)
    code, text = code_and_text(caught.value)
    assert code == "NS415" and hint in text


def test_vectors_and_class_ids() -> None:
    data = from_arrays(X, Y)
    assert data.facts.inputs == {"input": Shape((2,))}
    assert data.facts.targets == {"output": Target("class", 1, 3)}
    assert (data.facts.examples, data.facts.has_test, data.facts.classes) == (6, False, 3)
    assert data.train.targets["output"].dtype == np.int32
    assert data.where(2) == "data example 2"


def test_nothing_is_copied_that_has_its_type() -> None:
    y = np.zeros((6, 2), np.float32)
    y[0] = 0.5
    data = from_arrays(X, y)
    assert np.shares_memory(data.train.inputs["input"], X)
    assert np.shares_memory(data.train.targets["output"], y)


TARGETS = [
    (np.array([0.5, 2, 3]), Target("numbers"), (3, 1), "float32"),
    (np.array([[0.5, 2], [3, 4], [5, 6]]), Target("numbers", 2), (3, 2), "float32"),
    (np.array([True, False, True]), Target("binary"), (3, 1), "float32"),
    (np.array([[True, False], [True, True], [False, False]]), Target("binary", 2), (3, 2), "float32"),
    (np.array([0.0, 1.0, 1.0]), Target("binary"), (3, 1), "float32"),
    (np.array([[2], [0], [1]]), Target("class", 1, 3), (3,), "int32"),
    (np.array([0, 4, 1], np.uint8), Target("class", 1, 5, labels=(0, 1, 4)), (3,), "int32"),
    (np.array([[2, 0, 1, 3]] * 3), Target("class", 4, 4), (3, 4), "int32"),
    (np.full((3, 4, 5, 1), 0.5), Target("numbers", 20), (3, 4, 5, 1), "float32"),
    ([1, 0, 1], Target("class", 1, 2), (3,), "int32"),
]


@pytest.mark.parametrize(("y", "target", "shape", "dtype"), TARGETS)
def test_the_type_says_what_targets_are(y: Any, target: Target, shape: tuple[int, ...], dtype: str) -> None:
    data = from_arrays(X[:3], y)
    assert data.facts.targets["output"] == target
    assert data.train.targets["output"].shape == shape
    assert data.train.targets["output"].dtype == dtype


INPUTS = [
    (np.zeros((3, 2)), (2,), "float32"),
    (np.zeros(3), (1,), "float32"),
    (np.zeros((3, 7), np.int64), (7,), "int32"),
    (np.full((3, 1), 2**40), (1,), "float32"),
    (np.zeros((3, 4), bool), (4,), "float32"),
    (np.zeros((3, 8, 8), np.float16), (8, 8), "float32"),
    (np.zeros((3, 8, 8), np.uint8), (8, 8, 1), "float32"),
    (np.zeros((3, 8, 8, 3), np.uint8), (8, 8, 3), "float32"),
    (np.zeros((3, 8, 8, 3), np.int32), (8, 8, 3), "float32"),
]


@pytest.mark.parametrize(("x", "sizes", "dtype"), INPUTS)
def test_the_type_says_what_inputs_are(x: Any, sizes: tuple[int, ...], dtype: str) -> None:
    data = from_arrays(x, [0, 1, 0])
    assert data.facts.inputs["input"] == Shape(sizes)
    assert data.train.inputs["input"].shape == (3, *sizes)
    assert data.train.inputs["input"].dtype == dtype


def test_bytes_of_images_are_scaled_and_stay_as_they_were() -> None:
    x = np.full((2, 4, 4), 51, np.uint8)
    data = from_arrays(x, [0, 1])
    assert data.train.inputs["input"].max() == pytest.approx(0.2)
    assert x.max() == 51
    ints = np.full((2, 4, 4, 1), 51, np.int64)
    assert from_arrays(ints, [0, 1]).train.inputs["input"].max() == 51


def test_several_inputs_and_outputs() -> None:
    data = from_arrays(
        {"image": np.zeros((4, 8, 8, 1)), "text": np.zeros((4, 5), int)},
        {"digit": [0, 1, 2, 3], "angle": np.ones(4) / 2},
    )
    assert data.facts.inputs == {"image": Shape((8, 8, 1)), "text": Shape((5,))}
    assert data.facts.targets == {"digit": Target("class", 1, 4), "angle": Target("numbers")}
    assert data.facts.classes == 4


def test_the_test_split_counts_for_the_classes() -> None:
    data = from_arrays(X, Y, X[:2], [3, 0])
    assert data.facts.classes == 4
    assert data.facts.has_test
    assert len(data.test) == 2


def test_names_of_classes() -> None:
    data = from_arrays(X, Y, names=["a", "b", "c", "d"], name="mine")
    assert data.facts.targets["output"] == Target("class", 1, 4, ("a", "b", "c", "d"))
    assert data.name == "mine"


RAGGED = [[1, 2], [3]]
OBJECTS = np.array([[1, None], [2, 3]], dtype=object)

BAD: dict[str, tuple[tuple[Any, ...], dict[str, Any], str, list[str]]] = {
    "lengths": ((X, Y[:4]), {}, "NS414", ["x and y", "6 and 4 examples"]),
    "lengths in a dict": (({"a": X, "b": X[:3]}, Y), {}, "NS414", ['x["a"]', 'x["b"]', "6 and 3"]),
    "objects": ((OBJECTS, [0, 1]), {}, "NS415", ["x contains Python objects", "float32"]),
    "ragged": ((RAGGED, [0, 1]), {}, "NS415", ["x contains rows of unequal length"]),
    "texts": ((X[:2], [["cat", "dog"], ["a", "b"]]), {}, "NS415", ["y contains texts", "return_inverse=True"]),
    "names": ((X[:2], ["cat", "dog"]), {"names": ["cat"]}, "NS414", ["the label 'dog' is not among them"]),
    "a frame": (
        (pd.DataFrame({"a": [1.0, 2.0], "color": ["r", "g"]}), [0, 1]),
        {},
        "NS415",
        ["columns that are not numbers: `color`", "x = pandas.get_dummies(x)"],
    ),
    "dates": ((np.zeros(2, "datetime64[s]"), [0, 1]), {}, "NS415", ["x contains dates"]),
    "complex": ((X[:2] * 1j, [0, 1]), {}, "NS415", ["complex numbers"]),
    "one number": ((3.0, [0]), {}, "NS415", ["a single number"]),
    "one-hot": ((X[:2], [[0, 1], [1, 0]]), {}, "NS415", ["y contains one-hot rows", "`y.argmax(axis=1)`"]),
    "no examples": ((X[:0], Y[:0]), {}, "NS405", ["x has no examples"]),
    "no numbers": ((np.zeros((3, 0)), [0, 1, 0]), {}, "NS405", ["x has no numbers in its examples", "(3, 0)"]),
    "no arrays": (({}, Y), {}, "NS405", ["x has no arrays"]),
    "half a test": ((X, Y, X), {}, "NS416", ["`x_test` is given without `y_test`"]),
    "other half": ((X, Y, None, Y), {}, "NS416", ["`y_test` is given without `x_test`"]),
    "test shape": ((X, Y, np.zeros((2, 3)), [0, 1]), {}, "NS414", ["x and x_test", "examples of 2 and of 3"]),
    "test type": ((X, Y, X, np.ones(6) / 2), {}, "NS414", ["y and y_test"]),
    "test names": (({"a": X}, Y, {"b": X}, Y), {}, "NS414", ["a and b"]),
    "few names": ((X, Y), {"names": ["a", "b"]}, "NS414", ["2 names and 3 classes"]),
    "names for numbers": ((X, X), {"names": ["a"]}, "NS414", ["0 targets have classes"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays(case: str) -> None:
    arguments, options, code, words = BAD[case]
    with pytest.raises(Unplaced) as caught:
        from_arrays(*arguments, **options)
    found, text = code_and_text(caught.value)
    assert found == code
    assert all(word in text for word in words), text


# ---------------------------------------------------------------- archives


def test_an_archive_as_keras_writes_it(tmp_path: Path) -> None:
    x = np.full((6, 4, 4), 255, np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x_train=x, y_train=Y, x_test=x[:2], y_test=[3, 0])
    source = Npz(file="a.npz")
    facts, data = source.facts(tmp_path), source.load(tmp_path)
    assert facts == data.facts
    assert facts.inputs["input"] == Shape((4, 4, 1))
    assert (facts.classes, facts.examples, facts.has_test) == (4, 6, True)
    assert data.train.inputs["input"].max() == 1
    assert data.where(3) == "a.npz example 3"


def test_an_archive_of_x_and_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=X[:, 0] / 2, extra=Y)
    facts = Npz(file="a.npz").facts(tmp_path)
    assert facts.targets["output"] == Target("numbers")
    assert not facts.has_test
    assert Npz(file="a.npz").load(tmp_path).facts == facts


def test_facts_of_an_archive_do_not_read_the_inputs(tmp_path: Path) -> None:
    """The inputs are damaged behind their head, and the facts are known all the same."""
    np.save(tmp_path / "x.npy", np.tile(X, (2000, 1)))
    np.save(tmp_path / "y.npy", np.tile(Y, 2000))
    whole = (tmp_path / "x.npy").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", whole)
        file.write(tmp_path / "y.npy", "y.npy")
    content = (tmp_path / "a.npz").read_bytes()
    assert content.count(whole[128:]) == 1
    (tmp_path / "a.npz").write_bytes(content.replace(whole[128:], whole[128:][::-1]))
    assert Npz(file="a.npz").facts(tmp_path).inputs["input"] == Shape((2,))
    with pytest.raises(Unplaced) as caught:
        Npz(file="a.npz").load(tmp_path)
    assert code_and_text(caught.value)[0] == "NS404"


BAD_ARCHIVES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no targets": ({"x_train": X}, "NS413", ["a.npz has no array `y_train`", "it has x_train"]),
    "other names": ({"data": X, "label": Y}, "NS413", ["no array `x`", "data, label"]),
    "half a test": ({"x": X, "y": Y, "x_test": X}, "NS416", ["`x_test` is given without `y_test`"]),
    "lengths": ({"x": X, "y": Y[:2]}, "NS414", ["6 and 2 examples"]),
    "objects": ({"x": np.array([None, 1]), "y": Y[:2]}, "NS415", ["`x` contains values of type object"]),
    "texts": ({"x": np.array(list("abcdef")), "y": Y}, "NS415", ["`x` contains values of type <U1"]),
    "empty": ({"x": X[:0], "y": Y[:0]}, "NS405", ["no examples", "(0, 2)"]),
    "one-hot": ({"x": X, "y": np.eye(6, dtype=int)}, "NS415", ["one-hot rows"]),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_bad_archives(tmp_path: Path, case: str) -> None:
    arrays, code, words = BAD_ARCHIVES[case]
    np.savez(tmp_path / "a.npz", **arrays)
    source = Npz(file="a.npz")
    for act in (source.facts, source.load):
        with pytest.raises(Unplaced) as caught:
            act(tmp_path)
        found, text = code_and_text(caught.value)
        assert found == code
        assert caught.value.option == "file"
        assert any(word in text for word in words), text
    with pytest.raises(Unplaced) as caught:
        source.facts(tmp_path)
    assert all(word in code_and_text(caught.value)[1] for word in words)


def test_files_that_are_no_archives(tmp_path: Path) -> None:
    write(tmp_path / "text.npz", "hello")
    np.save(tmp_path / "array.npy", X)
    for name, code in (("text.npz", "NS404"), ("array.npy", "NS404"), ("none.npz", "NS401")):
        with pytest.raises(Unplaced) as caught:
            Npz(file=name).facts(tmp_path)
        assert code_and_text(caught.value)[0] == code
