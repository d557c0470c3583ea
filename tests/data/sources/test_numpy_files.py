"""NumPy's files: arrays of other names in an archive, arrays in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data.dataset.dataset import Target
from netspec.data.sources.numpy_files import Npy, Npz
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


def save(folder: Path, **arrays: Any) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_arrays_of_an_archive_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=X, labels=Y, more=X[:2], others=Y[:2], x=X[:1], y=Y[:1])
    source = Npz(file="a.npz", x=("images",), y=("labels",), x_test=("more",), y_test=("others",))
    data = source.load(tmp_path)
    assert source.facts(tmp_path) == data.facts
    assert (len(data.train), len(data.test)) == (6, 2)


@pytest.mark.parametrize("option", ["x", "y", "x_test", "y_test"])
def test_a_name_that_is_not_in_the_archive(tmp_path: Path, option: str) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(Unplaced) as caught:
        Npz(file="a.npz", **{option: ("nothing",)}).facts(tmp_path)
    code, text = code_and_text(caught.value)
    assert (code, caught.value.option) == ("NS413", option)
    assert "no array `nothing`" in text and "it has x, y" in text


def test_a_hint_has_the_names_of_the_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", signals=X, direction=Y, weights=X[0], new=X[:2], new_direction=Y[:2])
    with pytest.raises(Unplaced) as caught:
        Npz(file="a.npz").facts(tmp_path)
    _, text = code_and_text(caught.value)
    assert 'npz("a.npz", x = "signals", y = "direction", x_test = "new", y_test = "new_direction")' in text


@pytest.mark.parametrize("form", ["U", "S", "column"])
def test_texts_are_names_of_classes(tmp_path: Path, form: str) -> None:
    y = np.array(["west", "east", "north", "east", "west", "east"])
    y = y[:, None] if form == "column" else y.astype(form)
    np.savez(tmp_path / "a.npz", x=X, y=y, x_test=X[:2], y_test=y[1:3])
    save(tmp_path, x=X, y=y, a=X[:2], b=y[1:3])
    for source in (Npz(file="a.npz"), Npy(x="x.npy", y="y.npy", x_test="a.npy", y_test="b.npy")):
        data = source.load(tmp_path)
        assert data.facts == source.facts(tmp_path)
        assert data.facts.targets == {"output": Target("class", 1, 3, ("east", "north", "west"))}
        streamed = source.stream(tmp_path)
        for found in (data, streamed) if streamed is not None else (data,):
            assert found.test is not None
            assert np.asarray(found.train.targets["output"]).tolist() == [2, 0, 1, 0, 2, 0]
            assert np.asarray(found.test.targets["output"]).tolist() == [0, 1]


def test_texts_are_no_inputs_and_pickled_ones_no_targets(tmp_path: Path) -> None:
    texts = np.array(["a", "b", "a", "b", "a", "b"])
    save(tmp_path, x=X, texts=texts, objects=texts.astype(object))
    for source, words in (
        (Npy(x="texts.npy", y="texts.npy"), "save an array of numbers"),
        (Npy(x="objects.npy", y="texts.npy"), "lengths=[len(one) for one in series]"),
        (Npy(x="x.npy", y="objects.npy"), "names of classes as texts: `y.astype(str)`"),
    ):
        with pytest.raises(Unplaced) as caught:
            source.facts(tmp_path)
        code, text = code_and_text(caught.value)
        assert code == "NS415" and words in text


def test_a_file_for_each_array(tmp_path: Path) -> None:
    save(tmp_path, x=X, y=Y, a=X[:3], b=[0, 1, 3])
    source = Npy(x="x.npy", y="y.npy", x_test="a.npy", y_test="b.npy")
    data = source.load(tmp_path)
    assert source.facts(tmp_path) == data.facts
    assert data.facts.inputs == {"input": Shape((4,))}
    assert data.facts.targets == {"output": Target("class", 1, 4)}
    assert (len(data.train), len(data.test)) == (6, 3)


def test_inputs_alone(tmp_path: Path) -> None:
    save(tmp_path, x=np.full((6, 8, 8), 255, np.uint8))
    source = Npy(x="x.npy", x_test="x.npy")
    data = source.load(tmp_path)
    assert source.facts(tmp_path) == data.facts
    assert data.facts.inputs == {"input": Shape((8, 8, 1))}
    assert data.facts.targets == data.train.targets == {}
    assert data.train.inputs["input"].max() == 1
    assert len(data.test) == 6


BAD: dict[str, tuple[dict[str, str], str, str, list[str]]] = {
    "no file": ({"x": "z.npy", "y": "y.npy"}, "NS401", "x", ["z.npy", "files in"]),
    "text": ({"x": "t.npy", "y": "y.npy"}, "NS404", "x", ["t.npy", "numpy.save"]),
    "archive": ({"x": "x.npy", "y": "a.npz"}, "NS404", "y", ['`npz("a.npz")`']),
    "objects": ({"x": "o.npy", "y": "y.npy"}, "NS415", "x", ["o.npy contains values of type object"]),
    "texts": ({"x": "s.npy", "y": "y.npy"}, "NS415", "x", ["values of type <U1"]),
    "empty": ({"x": "e.npy", "y": "y.npy"}, "NS405", "x", ["its shape is (0, 4)"]),
    "number": ({"x": "n.npy", "y": "y.npy"}, "NS405", "x", ["its shape is ()"]),
    "half a test": ({"x": "x.npy", "y": "y.npy", "x_test": "x.npy"}, "NS416", "x_test", ["without `y_test`"]),
    "other half": ({"x": "x.npy", "y": "y.npy", "y_test": "y.npy"}, "NS416", "y_test", ["without `x_test`"]),
    "test targets alone": ({"x": "x.npy", "x_test": "x.npy", "y_test": "y.npy"}, "NS416", "y_test", ["`y`"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    options, code, at, words = BAD[case]
    objects = np.array([None, 1], dtype=object)
    save(tmp_path, x=X, y=Y, s=np.array(list("abcdef")), e=X[:0], n=3.0)
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=X)
    write(tmp_path / "t.npy", "hello")
    for act in ("facts", "load"):
        with pytest.raises(Unplaced) as caught:
            getattr(Npy(**options), act)(tmp_path)
        found, text = code_and_text(caught.value)
        assert (found, caught.value.option) == (code, at), text
        assert all(word in text for word in words), text


def test_lengths(tmp_path: Path) -> None:
    save(tmp_path, x=X, y=Y[:3])
    with pytest.raises(Unplaced) as caught:
        Npy(x="x.npy", y="y.npy").facts(tmp_path)
    assert code_and_text(caught.value)[0] == "NS414"


# ---------------------------------------------------------------- several inputs


def test_several_inputs_are_arrays_by_their_names(tmp_path: Path) -> None:
    """All arrays with an example for each target; `weights` has none, and is left out."""
    left, right = X, np.arange(6 * 9, dtype=np.uint8).reshape(6, 3, 3)
    np.savez(tmp_path / "a.npz", left=left, right=right, weights=X[:3], y=Y, left_test=left[:2], right_test=right[:2],
             y_test=Y[:2])  # fmt: skip
    np.savez(tmp_path / "b.npz", left_train=left, right_train=right, y_train=Y)
    data = Npz(file="a.npz").load(tmp_path)
    assert data.facts == Npz(file="a.npz").facts(tmp_path)
    assert data.facts.inputs == {"left": Shape((4,)), "right": Shape((3, 3, 1))}
    assert np.array_equal(data.train.inputs["right"][..., 0], right / np.float32(255))
    assert data.test is not None and np.array_equal(data.test.inputs["left"], left[:2])
    other = Npz(file="b.npz")
    assert other.facts(tmp_path) == other.load(tmp_path).facts == data.facts.replace(has_test=False)
    turned = Npz(file="a.npz", x=("right", "left"), x_test=("right_test", "left_test"), y_test=("y_test",))
    assert [*turned.load(tmp_path).facts.inputs] == ["right", "left"]


def test_several_targets_and_series_of_several_inputs(tmp_path: Path) -> None:
    series = np.arange(6 * 5 * 2, dtype=np.float32).reshape(6, 5, 2)
    lengths = np.array([3, 5, 1, 2, 4, 5])
    np.savez(tmp_path / "a.npz", left=series, right=X, left_lengths=lengths, digit=Y, width=X[:, 0], y=Y)
    source = Npz(file="a.npz", x=("left", "right"), y=("digit", "width"))
    data = source.load(tmp_path)
    assert data.facts.ragged == ("left",) and source.facts(tmp_path) is None
    assert np.isnan(data.train.inputs["left"]).all(axis=(1, 2)).sum() == 0
    assert (~np.isnan(data.train.inputs["left"][..., 0])).sum(axis=1).tolist() == lengths.tolist()
    assert (data.facts.targets["digit"].kind, data.facts.targets["width"].kind) == ("class", "numbers")
    plain = Npz(file="a.npz", x=("right",), y=("digit", "width"))
    assert plain.facts(tmp_path) == plain.load(tmp_path).facts


@pytest.mark.parametrize(
    ("arrays", "options", "code", "words"),
    [
        ({"left_test": X, "y_test": Y}, {}, "NS413", "no array `right_test`"),
        ({"left_test": X, "right_test": X}, {}, "NS416", "y_test"),
        ({}, {"x": ("left", "top")}, "NS413", "no array `top`"),
        ({"short": X[:3]}, {"x": ("left", "short")}, "NS414", "6 and 3 examples"),
        ({"x_test": X, "y_test": Y}, {"x": ("left", "right"), "x_test": ("x_test",)}, "NS414", "2 and 1 arrays"),
        ({}, {"lengths": "left"}, "NS404", "left_lengths"),
    ],
)
def test_mistakes_in_several_inputs(
    tmp_path: Path, arrays: dict[str, Any], options: dict[str, Any], code: str, words: str
) -> None:
    np.savez(tmp_path / "a.npz", left=X, right=X, y=Y, **arrays)
    with pytest.raises(Unplaced) as caught:
        Npz(file="a.npz", **options).facts(tmp_path)
    found, text = code_and_text(caught.value)
    assert found == code and words in text
