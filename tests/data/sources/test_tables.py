"""Tables: which columns are what, missing values, categories, several targets, layouts of images, test files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset, Target
from netspec.data.formats.tables.table import read_table
from netspec.data.formats.tables.table_files import TableFile
from netspec.data.formats.tables.table_layout import Wanted
from netspec.data.settings import DataSettings
from netspec.data.sources.tables import words as tables
from netspec.data.sources.tables.words import Csv
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.encoders import Column, Encoder, RowEncoder, input_name
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write

WANTED = Wanted(categories=("b",), missing="keep")
PEOPLE = "id,age,sex,port,fare,alive\n1,22,m,S,7,no\n2,38,f,C,71,yes\n3,26,f,S,8,yes\n4,35,m,Q,53,no\n"


def load(folder: Path, text: str, **options: Any) -> Dataset:
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **options)
    data = source.load(folder)
    assert isinstance(data, Dataset)
    assert source.facts(folder) == data.facts
    for name, shape in data.facts.inputs.items():
        assert data.train.inputs[name].shape == (len(data.train), *shape.sizes)
        assert data.train.inputs[name].dtype in (("int32",) if shape.is_tokens else ("float32", "float64"))
    return data


def fail(folder: Path, text: str, **options: Any) -> Unplaced:
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **options)
    with pytest.raises(Unplaced) as caught:
        source.facts(folder)
        source.load(folder)
    return caught.value


# ---------------------------------------------------------------- columns


def test_columns_are_named_left_out_and_put_in_order(tmp_path: Path) -> None:
    data = load(tmp_path, PEOPLE, target=("alive",), columns=("fare", "age"))
    assert data.columns == {"input": ("fare", "age")}
    assert data.train.inputs["input"].tolist() == [[7, 22], [71, 38], [8, 26], [53, 35]]
    data = load(tmp_path, PEOPLE, target=("alive",), drop=("id", "sex", "port"))
    assert data.columns == {"input": ("age", "fare")}


def test_categories_become_zeros_and_ones_in_their_place(tmp_path: Path) -> None:
    data = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories=("sex", "port"))
    names = ("age", "sex = f", "sex = m", "port = C", "port = Q", "port = S", "fare")
    assert data.columns == {"input": names}
    assert data.train.inputs["input"][:2].tolist() == [[22, 0, 1, 0, 0, 1, 7], [38, 1, 0, 1, 0, 0, 71]]


def test_columns_of_text_are_found(tmp_path: Path) -> None:
    found = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories="auto")
    named = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories=("sex", "port"))
    assert found.encoder == named.encoder
    gaps = load(tmp_path, "a,b,y\n?,1,p\nx,2,q\n", target=("y",), categories="auto", missing="mean")
    assert gaps.columns == {"input": ("a = x", "a is missing", "b")}


def test_numbers_may_be_categories(tmp_path: Path) -> None:
    data = load(tmp_path, "grade,y\n10,a\n9,b\n10,b\n", target=("y",), categories=("grade",))
    assert data.columns == {"input": ("grade = 9", "grade = 10")}


def test_categories_as_ids_are_inputs_of_their_own(tmp_path: Path) -> None:
    data = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories="auto", encode="ids")
    assert data.facts.inputs == {"numbers": Shape((2,)), "sex": Shape((), 3), "port": Shape((), 4)}
    assert data.train.inputs["port"].tolist() == [3, 1, 3, 2]
    assert data.columns == {"numbers": ("age", "fare")}
    only = load(tmp_path, "Home Town,y\nx,a\nz,b\n", target=("y",), categories="auto", encode="ids")
    assert only.facts.inputs == {"home_town": Shape((), 3)}


def test_names_of_inputs_can_be_typed() -> None:
    found = [input_name(name) for name in ("Home Town", "2nd", "größe", "x-1", "?")]
    assert found == ["home_town", "column_2nd", "gr_e", "x_1", "column"]


def test_several_numbers_to_predict(tmp_path: Path) -> None:
    data = load(tmp_path, "x,Left Arm,right\n1,0.5,2\n2,1,3.5\n", target=("Left Arm", "right"))
    assert data.facts.targets == {"left_arm": Target("numbers"), "right": Target("numbers")}
    assert data.train.targets["right"].tolist() == [[2], [3.5]]


def test_a_table_may_have_no_target(tmp_path: Path) -> None:
    data = load(tmp_path, "a,b\n1,2\n3,4\n")
    assert data.facts.targets == data.train.targets == {}
    assert data.facts.inputs == {"input": Shape((2,))}


# ---------------------------------------------------------------- missing values

GAPS = "age,port,y\n1,S,a\n,C,b\n3,,a\nNA,S,b\n8,S,a\n"


def test_rows_with_missing_values_are_left_out(tmp_path: Path) -> None:
    data = load(tmp_path, GAPS, target=("y",), categories=("port",), missing="drop")
    assert [data.where(i) for i in range(2)] == ["t.csv row 2", "t.csv row 6"]
    data = load(tmp_path, "a,y\n1,p\n2,\n3,q\n", target=("y",), missing="drop")
    assert len(data.train) == 2


def test_missing_values_stay_open_until_the_split(tmp_path: Path) -> None:
    data = load(tmp_path, GAPS, target=("y",), categories=("port",), missing="mean")
    x = data.train.inputs["input"]
    assert np.isnan(x[:, 0]).tolist() == [False, True, False, True, False]
    assert data.columns["input"] == ("age", "port = C", "port = S", "port is missing")
    assert x[2, 1:].tolist() == [0, 0, 1] and x[0, 1:].tolist() == [0, 1, 0]
    assert not np.isnan(x[:, 1:]).any()


def test_a_run_from_before_has_no_category_for_missing_values(tmp_path: Path) -> None:
    options: dict[str, Any] = {"target": ("y",), "categories": ("port",), "missing": "mean"}
    encoder = load(tmp_path, GAPS, **options).encoder
    assert isinstance(encoder, RowEncoder)
    before = encoder.replace(columns=tuple(column.replace(marks_missing=False) for column in encoder.columns))
    again = Csv(file="t.csv", **options).as_of_run(before).load(tmp_path)
    assert again.encoder == before and again.columns["input"] == ("age", "port = C", "port = S")
    assert Csv(file="t.csv", **options).as_of_run(encoder).load(tmp_path).encoder == encoder


def test_a_number_takes_the_place_of_missing_ones(tmp_path: Path) -> None:
    data = load(tmp_path, "age,y\n1,a\n,b\n", target=("y",), missing=-1.0)
    assert data.train.inputs["input"].tolist() == [[1], [-1]]
    assert data.fill == {}


def test_other_words_may_stand_for_missing_values(tmp_path: Path) -> None:
    text = "age,y\n1,a\n-999.0,b\nUNKNOWN,b\n3,a\n"
    data = load(tmp_path, text, target=("y",), missing="drop", absent=("-999", "unknown"))
    assert data.train.inputs["input"].tolist() == [[1], [3]]


@pytest.mark.parametrize(("how", "expected"), [("mean", 26.0), ("median", 4.0)])
def test_missing_values_are_filled_in_from_the_training_part_alone(tmp_path: Path, how: str, expected: float) -> None:
    rows = "".join(f"{value},{i % 2}\n" for i, value in enumerate([1, 2, "", 4, "", 6, 117]))
    data = load(tmp_path, "x,y\n" + rows, target=("y",), missing=how)
    splits = split_dataset(data, DataSettings(test=0))
    assert splits.normalization["input"].fill == pytest.approx((expected,))
    assert splits.train.inputs["input"][2].tolist() == [expected]
    held = split_dataset(data, DataSettings(test=3, stratify=False, normalize="unit"))
    left = held.dataset.train.inputs["input"][held.train_index]
    figure = np.nanmean if how == "mean" else np.nanmedian
    assert held.normalization["input"].fill == pytest.approx((figure(left),))
    assert not any(np.isnan(part.inputs["input"]).any() for part in (held.train, held.test))
    assert math.isclose(held.train.inputs["input"].max(), 1)


def test_a_column_without_any_number_is_filled_with_zero(tmp_path: Path) -> None:
    data = load(tmp_path, "a,b,y\n1,,p\n2,,q\n3,,p\n", target=("y",), missing="mean")
    splits = split_dataset(data, DataSettings(test=0))
    assert splits.train.inputs["input"][:, 1].tolist() == [0, 0, 0]


# ---------------------------------------------------------------- images in rows


def pixels(names: list[str], label: str = "label") -> str:
    rows = "".join(f"{i},{','.join(str(i * 10 + j) for j in range(len(names)))}\n" for i in range(2))
    return f"{label},{','.join(names)}\n{rows}"


LAYOUTS = [
    [f"pixel{i}" for i in range(16)],
    [f"pixel{i}" for i in range(1, 17)],
    [f"Pixel {i}" for i in range(16)],
    [f"{row}x{column}" for row in range(1, 5) for column in range(1, 5)],
]


@pytest.mark.parametrize("names", LAYOUTS, ids=lambda names: names[0])
def test_columns_called_like_pixels_are_an_image(tmp_path: Path, names: list[str]) -> None:
    data = load(tmp_path, pixels(names), target=("label",))
    assert data.facts.inputs == {"input": Shape((4, 4, 1))}
    assert data.train.inputs["input"][1, 1, :, 0].tolist() == [14, 15, 16, 17]
    assert data.columns == {}


OTHERS = [
    [f"pixel{i}" for i in range(12)],  # no square
    [f"pixel{i}" for i in (1, 0, 2, 3)],  # not in order
    [f"column{i}" for i in range(16)],
]


@pytest.mark.parametrize("names", OTHERS, ids=str)
def test_other_columns_are_none(tmp_path: Path, names: list[str]) -> None:
    assert load(tmp_path, pixels(names), target=("label",)).facts.inputs["input"].rank == 1


def test_a_shape_that_is_written_comes_first(tmp_path: Path) -> None:
    names = [f"pixel{i}" for i in range(16)]
    assert load(tmp_path, pixels(names), target=("label",), shape=(2, 2, 4)).facts.inputs["input"] == Shape((2, 2, 4))
    flat = load(tmp_path, pixels(names), target=("label",), shape=(16,))
    assert flat.facts.inputs["input"] == Shape((16,))
    assert flat.columns["input"][3] == "pixel3"


# ---------------------------------------------------------------- a file for the test


def test_a_test_file_is_read_by_the_columns_of_the_training_file(tmp_path: Path) -> None:
    write(tmp_path / "test.csv", "alive,fare,port,sex,age,comment\nyes,9,S,f,30,new\nno,8,X,m,40,new\n")
    data = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories="auto", test="test.csv")
    assert data.facts.has_test
    assert data.test.inputs["input"].tolist() == [[30, 1, 0, 0, 0, 1, 9], [40, 0, 1, 0, 0, 0, 8]]
    assert data.test.targets["output"].tolist() == [1, 0]
    assert data.where(1, "test") == "test.csv row 3"


def test_a_test_file_without_a_column_or_with_a_new_class(tmp_path: Path) -> None:
    write(tmp_path / "test.csv", "age,alive\n30,yes\n40,maybe\n50,perhaps\n")
    bad = fail(tmp_path, PEOPLE, target=("alive",), columns=("age",), test="test.csv")
    code, text = code_and_text(bad)
    assert (code, bad.option) == ("NS483", "test")
    assert 'test.csv row 3, column `alive`: the class "maybe"' in text
    assert "2 such rows" in text and "no, yes" in text
    bad = fail(tmp_path, PEOPLE, target=("alive",), columns=("fare",), test="test.csv")
    assert (bad.kind.code, bad.option) == ("NS408", "test")


# ---------------------------------------------------------------- mistakes


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'red' if i % 2 else 5},{'' if i % 3 else 1},p\n" for i in range(60)) + "1,2\n3\n"
    bad = fail(tmp_path, "a,b,c,y\n" + rows, target=("y",))
    assert [one.kind.code for one in bad.all] == ["NS407", "NS410", "NS409"]
    texts = [code_and_text(one)[1] for one in bad.all]
    assert "t.csv row 62 has 2 cells, but the header has 4" in texts[0] and "the same in row 63" in texts[0]
    assert "row 3, column `c`" in texts[1] and "rows 4, 6, 7, 9, 10 and 34 more" in texts[1]
    assert 'row 3, column `b`: not a number: "red"' in texts[2] and 'rows 5 ("red"), 7 ("red")' in texts[2]
    assert "and 24 more" in texts[2]


def test_many_columns_of_text_are_counted(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(8)]
    text = f"y,{','.join(names)}\np,{','.join('t' * 8)}\nq,{','.join('t' * 8)}\n"
    _, text = code_and_text(fail(tmp_path, text, target=("y",)))
    assert 'column `c0` row 3 ("t"); column `c1` rows 2 ("t"), 3 ("t")' in text
    assert "3 more columns" in text
    assert '`categories = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]`' in text


IDS = "name,y\n" + "".join(f"n{i},{i % 2}\n" for i in range(40))
NUMBERS = "x,y\n1,1.5\n2,red\n3,blue\n"
TARGET_GAPS = "x,y\n" + "".join(f"{i},{'NA' if i % 9 == 4 else i / 8}\n" for i in range(40))

BAD: dict[str, tuple[str, dict[str, Any], str, list[str], str | None]] = {
    "unknown column": ("a,b,y\n1,2,p\n", {"columns": ("a", "bb")}, "NS408", ["no column `bb`", "`b`?"], "columns"),
    "unknown drop": ("a,b,y\n1,2,p\n", {"drop": ("zz",)}, "NS408", ["no column `zz`", "a, b, y"], "drop"),
    "unknown category": ("a,y\n1,p\n", {"categories": ("A",)}, "NS408", ["no column `A`", "`a`?"], "categories"),
    "second target": ("a,y\n1,p\n", {"target": ("y", "z")}, "NS408", ["no column `z`"], "target"),
    "target twice": ("a,y\n1,p\n", {"target": ("y", "y")}, "NS442", ["`y`", "named twice in `target`"], "target"),
    "dropped target": ("a,y\n1,p\n", {"drop": ("y",)}, "NS442", ["in `drop` and in `target`"], "drop"),
    "dropped column": (
        "a,y\n1,p\n",
        {"drop": ("a",), "columns": ("a",)},
        "NS442",
        ["in `columns` and in `drop`", "take it out of `columns`"],
        "columns",
    ),
    "dropped category": (
        "a,b,y\n1,2,p\n",
        {"drop": ("a",), "categories": ("a",)},
        "NS442",
        ["in `categories` and in `drop`"],
        "categories",
    ),
    "category beside the columns": (
        "a,b,y\n1,2,p\n",
        {"columns": ("a",), "categories": ("b",)},
        "NS442",
        ["in `categories` and not in `columns`", "add it to `columns`"],
        "categories",
    ),
    "names as categories": (
        IDS,
        {"categories": "auto"},
        "NS442",
        ["40 different values in 40 rows", "add other columns"],
        None,
    ),
    "nothing left": ("a,y\n1,p\n", {"drop": ("a",)}, "NS405", ["no column but the target"], "file"),
    "text among numbers": (NUMBERS, {"task": "numbers"}, "NS409", ['"red"', 'row 4 ("blue")', "classes"], "file"),
    "infinite target": ("a,y\n1,1e999\n2,x\n", {"task": "numbers"}, "NS409", ['"x"'], "file"),
    "NA among numbers": (
        TARGET_GAPS,
        {},
        "NS410",
        ["row 6, column `y`", "rows 15, 24, 33", '`missing = drop, absent = "NA"`'],
        "file",
    ),
    "every row has a gap": ("a,b,y\n,1,p\n2,,q\n", {"missing": "drop"}, "NS405", ["every row", "mean"], "file"),
    "inputs of one name": (
        "a b,a-b,y\nx,z,p\n",
        {"categories": "auto", "encode": "ids"},
        "NS406",
        ["two inputs the name `a_b`", "rename"],
        "file",
    ),
    "a category called numbers": (
        "numbers,x,y\nx,1,p\n",
        {"categories": "auto", "encode": "ids"},
        "NS406",
        ["the name `numbers`"],
        "file",
    ),
    "shape with categories": (
        "a,b,y\n1,x,p\n2,z,q\n",
        {"categories": "auto", "shape": (2, 2)},
        "NS412",
        ["3 numbers", "2x2 holds 4"],
        "shape",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(tmp_path: Path, case: str) -> None:
    text, options, code, words, option = BAD[case]
    bad = fail(tmp_path, text, **({"target": ("y",)} | options))
    found, message = code_and_text(bad)
    assert found == code, message
    assert all(word in message for word in words), message
    assert bad.option == option or option is None


# ---------------------------------------------------------------- the encoder


def test_the_encoder_goes_to_json_and_back(tmp_path: Path) -> None:
    for options in ({"encode": "ids"}, {"missing": 0.5, "absent": ("x",)}):
        data = load(tmp_path, PEOPLE, target=("alive",), drop=("id",), categories="auto", **options)
        assert msgspec.json.decode(msgspec.json.encode(data.encoder), type=Encoder) == data.encoder


def test_the_encoder_knows_features_and_what_was_not_seen() -> None:
    encoder = RowEncoder((Column("a"), Column("b", ("x", "y"))))
    assert encoder.features == ("a", "b = x", "b = y")
    assert encoder.shapes() == {"input": Shape((3,))}
    table = read_table(TableFile.of_rows("t", ["a", "b"], [["1", "x"], ["2", "z"], ["3", ""]]), WANTED)
    assert encoder.unseen(table) == {"b": [(1, "z")]}
    assert encoder.encode(table)["input"].tolist() == [[1, 1, 0], [2, 0, 0], [3, 0, 0]]


def test_a_file_is_parsed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(tables, "read_table", lambda *rest: calls.append(rest) or read_table(*rest))
    path = write(tmp_path / "t.csv", PEOPLE)
    source = Csv(file="t.csv", target=("alive",), drop=("id", "sex", "port"))
    for _ in range(3):
        assert source.facts(tmp_path).examples == len(source.load(tmp_path).train) == 4
    assert len(calls) == 1
    write(path, PEOPLE + "5,40,m,S,9,yes\n")
    assert source.facts(tmp_path).examples == 5
    Csv(file="t.csv", target=("alive",), drop=("id", "sex", "port"), missing="drop").facts(tmp_path)
    assert len(calls) == 3
