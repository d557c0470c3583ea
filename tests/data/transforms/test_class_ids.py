"""Labels that are not 0, 1, 2, …: named, numbered by `class_ids`, and never cast to something else."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder

import netspec
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.load import settle_dataset
from netspec.data.settings import DataSettings
from netspec.data.transforms.class_ids import From
from netspec.language.diagnostics import Unplaced
from netspec.language.source import Source
from netspec.spec.compilation import Compilation, read_source
from netspec.spec.experiment import prepare

LABELS = np.tile(np.arange(1, 27), 4)
X = np.random.default_rng(0).integers(0, 255, (len(LABELS), 5, 5)).astype(np.uint8)


def write_idx(path: Path, array: np.ndarray) -> None:
    code = {"u": 8, "i": 12}[array.dtype.kind]
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(head + array.astype(array.dtype.newbyteorder(">")).tobytes())


def idx(folder: Path, labels: np.ndarray) -> str:
    write_idx(folder / "x", X)
    write_idx(folder / "y", labels.astype(np.uint8 if labels.min() >= 0 else np.int32))
    return 'idx(images = "x", labels = "y")'


def npz(folder: Path, labels: np.ndarray) -> str:
    np.savez(folder / "a.npz", x=X, y=labels)
    return 'npz("a.npz")'


def npy(folder: Path, labels: np.ndarray) -> str:
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", labels)
    return 'npy("x.npy", "y.npy")'


SOURCES = {"idx": idx, "npz": npz, "npy": npy}


def check(folder: Path, source: str, end: str, more: str = "") -> list[netspec.Diagnostic]:
    file = folder / "net.net"
    file.write_text(f"flatten -> {end}\ndata {{\n    source = {source}\n    {more}\n}}\n")
    return list(Compilation(read_source(file)).diagnose())


@pytest.mark.parametrize("source", SOURCES)
def test_labels_from_1_are_told_with_the_setting(source: str, tmp_path: Path) -> None:
    given = SOURCES[source](tmp_path, LABELS)
    (found,) = check(tmp_path, given, "dense(26, softmax)")
    assert found.code == "NS434" and found.is_error
    assert "from 1 to 26" in found.hint_text and "`class_ids = from(1)`" in found.hint_text
    (found,) = check(tmp_path, given, "dense(classes, softmax)")
    assert found.code == "NS536" and not found.is_error and "`class_ids = from(1)`" in found.hint_text
    (found,) = check(tmp_path, given, "dense(10, softmax)")
    assert found.code == "NS434" and "`dense(26, softmax)`" in found.hint_text
    assert check(tmp_path, given, "dense(26, softmax)", "class_ids = from(1)") == []
    assert check(tmp_path, given, "dense(classes, softmax)", "class_ids = from(1)") == []


@pytest.mark.parametrize("source", SOURCES)
def test_gaps_are_told_with_the_setting(source: str, tmp_path: Path) -> None:
    given = SOURCES[source](tmp_path, np.array([0, 3, 7, 7])[np.arange(len(X)) % 4])
    (found,) = check(tmp_path, given, "dense(3, softmax)")
    assert found.code == "NS434" and "`class_ids = [0, 3, 7]`" in found.hint_text
    for setting in ("auto", "[0, 3, 7]", "[7, 0, 3]"):
        assert check(tmp_path, given, "dense(3, softmax)", f"class_ids = {setting}") == []
    (found,) = check(tmp_path, given, "dense(2, softmax)", "class_ids = [0, 3]")
    assert found.code == "NS537" and "label 7" in found.message
    assert found.span is not None and found.span.text == "[0, 3]"
    (found,) = check(tmp_path, given, "dense(2, softmax)", "class_ids = [0, 0]")
    assert found.code.startswith("NS2")


WIDE = {"2**40": (2**40, np.int64), "uint64": (2**63 + 5, np.uint64), "below": (-(2**40), np.int64)}


@pytest.mark.parametrize("case", WIDE)
@pytest.mark.parametrize("source", ["npz", "npy", "python"])
def test_labels_outside_int32_keep_their_number(case: str, source: str, tmp_path: Path) -> None:
    label, dtype = WIDE[case]
    y = np.where(np.arange(len(X)) % 2 == 0, np.array(label, dtype), np.array(5, dtype))
    text = "flatten -> dense(2, softmax)\ndata {{ {} }}"
    if source == "python":
        with pytest.raises(netspec.CompileError) as caught:
            prepare(Source("<text>", text.format("val = 0")), (X, y))
        (found,) = caught.value.diagnostics
        assert [*prepare(Source("<text>", text.format("class_ids = auto")), (X, y)).recipe.class_names.values()] == [
            [str(n) for n in sorted({label, 5})]
        ]
    else:
        given = SOURCES[source](tmp_path, y)
        (found,) = check(tmp_path, given, "dense(2, softmax)")
        assert check(tmp_path, given, "dense(2, softmax)", "class_ids = auto") == []
    assert found.code == "NS538" and str(label) in found.message


@pytest.mark.parametrize(
    ("labels", "setting"),
    [
        (LABELS, From(start=1)),
        (LABELS, "auto"),
        (LABELS % 5 * 3 - 3, "auto"),
        (LABELS + 2**40, "auto"),
        (LABELS, tuple(range(1, 27))),
    ],
)
def test_ids_are_those_of_scikit_learn(labels: np.ndarray, setting: Any) -> None:
    coded = settle_dataset(from_arrays(X, labels), DataSettings(class_ids=setting))
    encoder = LabelEncoder().fit(labels)
    assert coded.train.targets["output"].tolist() == encoder.transform(labels).tolist()
    assert coded.facts.targets["output"].names == tuple(map(str, encoder.classes_))
    assert coded.train.targets["output"].dtype == np.int32
    again = settle_dataset(coded, DataSettings(class_ids=setting))
    assert again.train.targets["output"].tolist() == coded.train.targets["output"].tolist()


def test_a_list_gives_the_order() -> None:
    coded = settle_dataset(from_arrays(X[:4], [7, 0, 3, 7]), DataSettings(class_ids=(7, 3, 0)))
    assert coded.train.targets["output"].tolist() == [0, 2, 1, 0]
    with pytest.raises(Unplaced) as caught:
        settle_dataset(from_arrays(X[:4], [7, 0, 3, 1]), DataSettings(class_ids=(7, 3, 0)))
    assert "label 1" in caught.value.diagnostic().message


def test_a_setting_without_effect_is_told() -> None:
    for y in (np.linspace(0, 1, len(X)), np.arange(len(X)) % 2 == 0):
        warnings = prepare(Source("<text>", "flatten -> dense(1, sigmoid)\ndata { class_ids = auto }"), (X, y)).warnings
        assert "NS422" in [d.code for d in warnings]


def test_predictions_and_metrics_have_the_labels(tmp_path: Path) -> None:
    spec = "flatten -> dense(classes, softmax)\ndata { class_ids = auto }\ntrain { epochs = 1 }"
    y = np.array([-4, 0, 2**33])[np.arange(len(X)) % 3]
    result = netspec.train(spec, (X, y), runs=tmp_path)
    found = netspec.predict(result.run, X[:3]).examples
    assert {*found[0]["outputs"]["output"]["probabilities"]} == {"-4", "0", str(2**33)}
    assert len(result.metrics["test_confusion_matrix"]) == 3
    # data with fewer labels are coded as those of the run
    some = y != 0
    metrics = netspec.evaluate(result.run, (X[some], y[some]))
    assert np.shape(metrics["test_confusion_matrix"]) == (3, 3)


def one_hot_rows(kind: Any) -> np.ndarray:
    return np.eye(6)[np.random.default_rng(0).integers(0, 6, len(X))].astype(kind)


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool", "float32", "float64"])
@pytest.mark.parametrize("end", ["dense(6, sigmoid)", "dense(6)", "dense(6, relu)"])
def test_one_hot_rows_are_classes_whatever_their_type_and_the_head(kind: str, end: str) -> None:
    with pytest.raises(netspec.CompileError) as caught:
        prepare(Source("<text>", f"flatten -> {end}"), (X, one_hot_rows(kind)))
    assert [d.code for d in caught.value.diagnostics] == ["NS415"]
    assert "argmax" in caught.value.diagnostics[0].hint_text


@pytest.mark.parametrize("change", ["none", "two"])
def test_rows_of_several_labels_are_not(change: str) -> None:
    y = one_hot_rows("float32")
    y[3] = 0 if change == "none" else [1, 1, 0, 0, 0, 0]
    prepare(Source("<text>", "flatten -> dense(6, sigmoid)"), (X, y))


def test_a_distribution_may_be_one_hot() -> None:
    text = "flatten -> dense(6, softmax)\ntrain { loss = kl }"
    prepare(Source("<text>", text), (X, one_hot_rows("float32")))
