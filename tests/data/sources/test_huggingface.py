"""Data sets of the Hugging Face hub: a set written to disk where the package is there, and a stand-in for it where not.

What needs a network, a download by name, is not tested.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import netspec
from netspec.data.dataset.dataset import Target
from netspec.data.load import facts_by_loading
from netspec.data.sources.huggingface import HuggingFace
from netspec.data.sources.tables.columns import DateColumn, OfColumns
from netspec.data.sources.tables.words import Parquet
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text


class Split:
    """A split as the package `datasets` has it: columns by name, some with names of classes."""

    def __init__(self, columns: dict[str, list[Any]], names: dict[str, list[str]]) -> None:
        self.columns = columns
        self.column_names = [*columns]
        self.features = {key: SimpleNamespace(**({"names": names[key]} if key in names else {})) for key in columns}

    def __getitem__(self, key: str) -> list[Any]:
        return self.columns[key]


def pictures(count: int, size: int = 4) -> list[Image.Image]:
    return [Image.new("L", (size, size), 51 * i) for i in range(count)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the stand-in gives by name."""
    known: dict[str, Any] = {}
    module = ModuleType("datasets")
    module.exceptions = SimpleNamespace(DatasetsError=type("DatasetsError", (Exception,), {}))

    def load_dataset(name: str, config: str | None = None, revision: str | None = None) -> Any:
        if name not in known:
            raise module.exceptions.DatasetsError(f"Dataset '{name}' doesn't exist on the Hub\nmore lines")
        return known[name]

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return known


HERE = Path("nowhere")


def test_images_with_names_of_classes(hub: dict[str, Any]) -> None:
    names = {"label": ["cat", "dog", "cow"]}
    hub["pets"] = {
        "train": Split({"image": pictures(4), "label": [0, 1, 0, 1]}, names),
        "test": Split({"image": pictures(2), "label": [2, 1]}, names),
    }
    source = HuggingFace(name="pets")
    data = source.load(HERE)
    assert source.facts(HERE) is None  # only loading tells
    assert facts_by_loading(source, HERE) == data.facts
    assert data.facts.inputs == {"input": Shape((4, 4, 1))}
    assert data.facts.targets == {"output": Target("class", 1, 3, ("cat", "dog", "cow"))}
    assert data.train.inputs["input"][2].max() == pytest.approx(0.4)
    assert len(data.test) == 2


def test_columns_and_splits_are_named(hub: dict[str, Any]) -> None:
    columns = {"a": [[1.0, 2.0]] * 3, "b": [[3.0]] * 3, "c": [0.5, 1.5, 2.5]}
    hub["table"] = {"fit": Split(columns, {}), "check": Split(columns, {})}
    data = HuggingFace(name="table", input="a", target="c", train="fit", test="check").load(HERE)
    assert data.facts.inputs == {"input": Shape((2,))}
    assert data.facts.targets == {"output": Target("numbers")}
    assert data.facts.has_test
    only = HuggingFace(name="table", input="a", target="c", train="fit").load(HERE)
    assert not only.facts.has_test


BAD: dict[str, tuple[dict[str, Any], dict[str, list[Any]], str, list[str]]] = {
    "unknown set": ({"name": "pats"}, {}, "NS402", ["pats", "doesn't exist on the Hub", "save_to_disk"]),
    "unknown split": ({"train": "trian"}, {}, "NS424", ["no trian split", "did you mean `train`?"]),
    "unknown input": ({"input": "imag"}, {}, "NS408", ["no column `imag`", "`image`?"]),
    "unknown target": ({"target": "lable"}, {}, "NS408", ["no column `lable`", "`label`?"]),
    "no label": ({}, {"image": pictures(2), "kind": [0, 1]}, "NS442", ['`target = "image"`', "image, kind"]),
    "several inputs": ({}, {"a": [1.0], "b": [2.0], "label": [0]}, "NS442", ['`input = "a"`', "a, b"]),
    "a table, too": ({"input": "a", "missing": "mean"}, {"a": [1.0], "b": [2.0], "label": [0]}, "NS442", ["`input`"]),
    "text": ({}, {"text": ["to be"], "label": [0]}, "NS415", ["`text` contains texts", "tokenizer"]),
    "sizes": ({}, {"image": [*pictures(2), *pictures(1, 5)], "label": [0, 1, 0]}, "NS428", ["5x5", "4x4"]),
    "lengths": ({}, {"x": [[1, 2], [3]], "label": [0, 1]}, "NS415", ["rows of unequal length"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read(hub: dict[str, Any], case: str) -> None:
    options, columns, code, words = BAD[case]
    hub["pets"] = {"train": Split(columns or {"image": pictures(4), "label": [0, 1, 0, 1]}, {})}
    with pytest.raises(Unplaced) as caught:
        HuggingFace(**({"name": "pets"} | options)).load(HERE)
    found, text = code_and_text(caught.value)
    assert found == code, text
    assert all(word in text for word in words), text


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(Unplaced) as caught:
        facts_by_loading(HuggingFace(name="pets"), HERE)
    code, text = code_and_text(caught.value)
    assert code == "NS429"
    assert "pip install 'netspec-compiler[huggingface]'" in text


def test_a_set_on_disk(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    pixels = [Image.fromarray(np.full((4, 4, 3), 50 * i, np.uint8)) for i in range(4)]
    split = datasets.Dataset.from_dict({"image": pixels, "label": [0, 1, 0, 1]}, features=features)
    datasets.DatasetDict({"train": split, "test": split}).save_to_disk(str(tmp_path / "both"))
    split.save_to_disk(str(tmp_path / "one"))
    both, one = (HuggingFace(name=name).load(tmp_path) for name in ("both", "one"))
    assert both.facts.has_test and not one.facts.has_test
    assert one.facts.inputs == {"input": Shape((4, 4, 3))}
    assert one.facts.targets["output"].names == ("a", "b")
    assert one.train.inputs["input"].max(axis=(1, 2, 3)) == pytest.approx(np.arange(4) * 50 / 255)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set of several columns, `people`, and the same rows as tables."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    for name, count in (("train", 40), ("test", 8)):
        ids = {"sex": rng.integers(0, 2, count), "label": rng.integers(0, 3, count)}
        names = {"sex": ["male", "female"], "label": ["low", "mid", "high"]}
        columns = {
            "age": [None if i == 3 else float(x) for i, x in enumerate(rng.integers(1, 90, count))],
            "city": [("Ulm", "Bonn", "Kiel")[i % 3] for i in range(count)],
            "day": [datetime(2024, 1 + i % 12, 5) for i in range(count)],
            "votes": rng.integers(0, 2**40, count).tolist(),
        }
        texts = {key: [names[key][i] for i in ids[key]] for key in ids}
        pl.DataFrame(columns | texts).write_parquet(folder / f"{name}.parquet")
        split = datasets.Dataset.from_dict(columns | {key: x.tolist() for key, x in ids.items()} | {"v": [[1]] * count})
        for key in ids:
            split = split.cast_column(key, datasets.ClassLabel(names=names[key]))
        split.save_to_disk(str(folder / "people" / name))
    (folder / "people" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return folder


OF_DAY = (OfColumns(columns=("day",), as_=DateColumn()),)
OPTIONS: dict[str, dict[str, Any]] = {
    "all but some": {"drop": ("v",), "categories": ("city",), "missing": "mean", "per_column": OF_DAY},
    "some": {"columns": ("votes", "sex", "age"), "missing": 7.0},
    "ids": {"columns": ("sex", "city", "votes"), "categories": "auto", "encode": "ids"},
}


@pytest.mark.parametrize("case", OPTIONS)
def test_several_columns_are_read_as_those_of_a_table(people: Path, case: str) -> None:
    options = OPTIONS[case]
    found = HuggingFace(name="people", **options).load(people)
    same = {key: value for key, value in options.items() if key != "drop"}
    if isinstance(same.get("categories", ()), tuple):
        same["categories"] = (*same.get("categories", ()), "sex")  # the data set says that they are classes
    table = Parquet(file="train.parquet", test="test.parquet", target=("label",), **same).load(people)
    assert found.facts == table.facts and found.fill == table.fill and found.columns == table.columns
    assert found.test is not None and table.test is not None
    for part, expected in ((found.train, table.train), (found.test, table.test)):
        assert part.inputs.keys() == expected.inputs.keys()
        for name in part.inputs:
            np.testing.assert_array_equal(part.inputs[name], expected.inputs[name])
        np.testing.assert_array_equal(part.targets["output"], expected.targets["output"])
    assert found.where(3) == "people row 4"


def test_what_is_wrong_in_several_columns(people: Path) -> None:
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({}, "NS442", ['`columns = ["age", "city", "day"', '`input = "age"`']),
        ({"missing": "mean"}, "NS442", ["`v` of people does not have numbers", '`drop = "v"`']),
        ({"columns": ("age", "votes")}, "NS410", ["people row 4, column `age`"]),
        ({"columns": ("city", "votes")}, "NS409", ["people row 1, column `city`", "Ulm", '`categories = "city"']),
        ({"columns": ("ages",)}, "NS408", ["no column `ages`", "`age`?"]),
        ({"drop": ("v", "V")}, "NS408", ["no column `V`"]),
    ]
    for options, code, words in cases:
        with pytest.raises(Unplaced) as caught:
            HuggingFace(name="people", **options).load(people)
        found, text = code_and_text(caught.value)
        assert found == code and all(word in text for word in words), text


def test_a_table_is_trained_on_and_predicted(people: Path, tmp_path: Path) -> None:
    spec = people / "net.net"
    spec.write_text(
        "input 3\ndense(3, softmax)\n"
        'data {\n source = huggingface("people", columns = ["age", "sex"], missing = median)\n'
        " normalize = standard\n}\n"
        "train { epochs = 1 }\n"
    )
    run = netspec.train(spec, runs=tmp_path, verbose=0).run
    rows = netspec.predict(run, ["30,male", ",female"]).examples
    assert [row["input"] for row in rows] == ["30,male", ",female"]
    assert netspec.evaluate(run)["test_loss"] > 0
