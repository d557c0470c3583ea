"""CSV tables: what is read, and what is said about what cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.data.dataset.dataset import Dataset, Facts, Target
from netspec.data.dataset.options import Delimiter, Encoding
from netspec.data.sources.tables.words import Csv
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Dim, Shape
from netspec.language.word import Mismatch
from tests.data.files import code_and_text, write

WINE = "alcohol,ash,grower\n12.5,2.1,north\n13,2.5,south\n\n11.75,-1e-1,north\n"


def read(folder: Path, text: str, **options: object) -> tuple[Facts, Dataset]:
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **({"target": ("y",)} | options))
    facts, data = source.facts(folder), source.load(folder)
    assert facts == data.facts
    return facts, data


def fail(folder: Path, text: str, **options: object) -> tuple[str, str, str | None]:
    """The code, the text and the option at fault; facts and loading say the same."""
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **({"target": ("y",)} | options))
    with pytest.raises(Unplaced) as early:
        source.facts(folder)
    with pytest.raises(Unplaced) as late:
        source.load(folder)
    assert code_and_text(early.value) == code_and_text(late.value)
    return *code_and_text(early.value), early.value.option


def test_texts_are_classes_sorted_by_name(tmp_path: Path) -> None:
    facts, data = read(tmp_path, WINE, target=("grower",))
    assert facts.targets["output"] == Target.of_classes(("north", "south"))
    assert facts.inputs["input"] == Shape((2,))
    assert data.train.inputs["input"].dtype == "float64"  # 2.1 is not a number of float32
    assert data.train.inputs["input"].tolist() == [[12.5, pytest.approx(2.1)], [13, 2.5], [11.75, pytest.approx(-0.1)]]
    assert data.train.targets["output"].tolist() == [0, 1, 0]
    assert data.columns == {"input": ("alcohol", "ash")}


def test_rows_are_those_of_the_file(tmp_path: Path) -> None:
    _, data = read(tmp_path, WINE, target=("grower",))
    assert [data.where(i) for i in range(3)] == ["t.csv row 2", "t.csv row 3", "t.csv row 5"]


def test_whole_numbers_are_classes_in_the_order_of_numbers(tmp_path: Path) -> None:
    facts, data = read(tmp_path, "x,y\n0,10\n1,9\n2,-1\n3,10\n")
    assert facts.targets["output"].names == ("-1", "9", "10")
    assert data.train.targets["output"].tolist() == [2, 1, 0, 2]


def test_numbers_with_a_fraction_are_numbers(tmp_path: Path) -> None:
    facts, data = read(tmp_path, "y,x\n1.5,0\n2,1\n")
    assert facts.targets["output"] == Target("numbers")
    assert data.train.targets["output"].tolist() == [[1.5], [2.0]]
    assert data.train.inputs["input"].tolist() == [[0], [1]]


def test_numbers_that_are_all_zero_or_one_are_yes_or_no(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n5,0.0\n6,1.0\n")[0].targets["output"] == Target("binary")
    assert read(tmp_path, "x,y\n5,0\n6,1\n", task="numbers")[0].targets["output"] == Target("binary")


def test_the_task_decides(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n5,3\n6,4\n", task="numbers")[0].targets["output"] == Target("numbers")
    facts, _ = read(tmp_path, "x,y\n5,2.5\n6,-1.5\n", task="classes")
    assert facts.targets["output"].names == ("-1.5", "2.5")


@pytest.mark.parametrize(("typed", "character"), [(";", ";"), ("\\t", "\t"), ("tab", "\t"), ("|", "|")])
def test_other_delimiters(tmp_path: Path, typed: str, character: str) -> None:
    delimiter = Delimiter().accept(typed)
    facts, _ = read(tmp_path, "a,b,y\n1,2,c\n".replace(",", character), delimiter=delimiter)
    assert facts.inputs["input"] == Shape((2,))
    assert Delimiter().accept(Delimiter().to_source(delimiter).strip('"')) == character


@pytest.mark.parametrize("wrong", ["", ";;", '"', "\n", 3, None])
def test_a_delimiter_is_one_character(wrong: object) -> None:
    with pytest.raises(Mismatch, match="one character"):
        Delimiter().accept(wrong)


def test_quotes_spaces_line_ends_and_the_byte_order_mark(tmp_path: Path) -> None:
    text = '\ufeff"a, b", y\r\n" 1" , "x ""1"""\r\n2,"line\nbreak"\r\n'.replace('" ,', '",')
    facts, data = read(tmp_path, text)
    assert facts.targets["output"].names == ("line\nbreak", 'x "1"')
    assert data.columns == {"input": ("a, b",)}
    assert data.where(0) == "t.csv row 2"


def test_images_in_rows(tmp_path: Path) -> None:
    facts, data = read(tmp_path, "y,a,b,c,d\nx,0,1,2,3\nz,4,5,6,7\n", shape=(2, 2, 1))
    assert facts.inputs["input"] == Shape((2, 2, 1))
    assert data.train.inputs["input"][1, :, :, 0].tolist() == [[4, 5], [6, 7]]
    assert data.columns == {}


def test_na_may_be_a_class(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n1,NA\n2,DE\n")[0].targets["output"].names == ("DE", "NA")


MANY = "x,y\n" + "".join(f"{i},{i * 3}\n" for i in range(40))
NAMES = "x,y\n" + "".join(f"{i},name {i}\n" for i in range(40))


def test_integers_that_are_far_apart_are_numbers(tmp_path: Path) -> None:
    prices = [180_000 + (i * 7919) % 60_000 for i in range(40)]
    facts, data = read(tmp_path, "x,y\n" + "".join(f"{i},{price}\n" for i, price in enumerate(prices)))
    assert facts.targets["output"].kind == "numbers"
    assert data.train.targets["output"].reshape(-1).tolist() == prices


BAD = {
    "empty file": ("", {}, "NS405", ["t.csv has no header", "the first row names the columns"], "file"),
    "empty first row": ("\n1,2\n", {}, "NS405", ["t.csv has no header"], "file"),
    "header only": ("x,y\n", {}, "NS405", ["t.csv has no examples", "add rows"], "file"),
    "one column": ("y\n1\n", {}, "NS405", ["no column but the target"], "file"),
    "name twice": ("x,y,x\n1,2,3\n", {}, "NS406", ["has `x` twice, as columns 1 and 3"], "file"),
    "no name": ("x,,y\n1,2,3\n", {}, "NS406", ["no name for column 2"], "file"),
    "no header": (
        "1,2.5,3\n4,5,6\n",
        {},
        "NS406",
        ["looks like data: 1, 2.5, 3", '`header = none, target = "column_3"`', "`column_1` to `column_3`"],
        "file",
    ),
    "short row": ("a,b,y\n1,2,3\n1,2\n", {}, "NS407", ["t.csv row 3 has 2 cells, but the header has 3"], "file"),
    "long row": ("a,b,y\n1,2,3,4\n", {}, "NS407", ["row 2 has 4 cells", "double quotes"], "file"),
    "misspelt target": ("a,label\n1,2\n", {"target": ("lable",)}, "NS408", ["no column `lable`", "`label`?"], "target"),
    "unknown target": ("a,b\n1,2\n", {"target": ("zzz",)}, "NS408", ["its columns: a, b"], "target"),
    "wrong delimiter": ("a;b;y\n1;2;3\n", {}, "NS408", ['set `delimiter = ";"`'], "target"),
    "tabs": ("a\tb\ty\n1\t2\t3\n", {}, "NS408", ['set `delimiter = "\\t"`'], "target"),
    "text feature": (
        "a,b,y\n1,2,n\n1,red,n\n",
        {},
        "NS409",
        ['row 3, column `b`: not a number: "red"', '`categories = "b"`', '`drop = "b"`'],
        "file",
    ),
    "decimal comma": ('a,y\n"1,5",n\n', {}, "NS409", ['not a number: "1,5"', '`decimal = ","`'], "file"),
    "unit": ("a,y\n$1200,n\n", {}, "NS409", ['"$1200"', "without signs and units"], "file"),
    "kilograms": ("a,y\n12 kg,n\n", {}, "NS409", ['"12 kg"', "without signs and units"], "file"),
    "infinite": ("a,y\ninf,n\n", {}, "NS409", ['"inf"', "finite"], "file"),
    "one empty column": ("a,b,y\n1,,n\n3,4,n\n", {}, "NS410", ['of("b", missing = median)'], "file"),
    "empty cell": ("a,b,y\n1,2,n\n3,,n\n", {}, "NS410", ["t.csv row 3, column `b`: the value is missing"], "file"),
    "nan": ("a,b,y\n1,NaN,n\n", {}, "NS410", ["row 2, column `b`", "`missing = mean`"], "file"),
    "question mark": ("a,b,y\n1,?,n\n", {}, "NS410", ["row 2, column `b`"], "file"),
    "missing target": ("a,y\n1,n\n2,\n", {}, "NS410", ["row 3, column `y`"], "file"),
    "text for numbers": ("a,y\n1,2\n2,x\n", {"task": "numbers"}, "NS409", ["row 3, column `y`", "classes"], "file"),
    "whole numbers": (MANY, {}, "NS411", ["40 different values in 40 rows", "`task = numbers`"], "target"),
    "names": (NAMES, {}, "NS411", ["is this the column to predict?", "`task = classes`"], "target"),
    "shape": ("a,b,c,y\n1,2,3,n\n", {"shape": (2, 2)}, "NS412", ["2x2 holds 4", "product is 3"], "shape"),
    "unknown shape": ("a,b,y\n1,2,n\n", {"shape": (Dim.named("H"), 1)}, "NS412", ["Hx1 is not known"], "shape"),
    "open quote": ('a,y\n"1,n\n2,n\n', {}, "NS404", ["not a valid CSV file", "row 3", "double quotes"], "file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(tmp_path: Path, case: str) -> None:
    text, options, code, words, option = BAD[case]
    found, message, at = fail(tmp_path, text, **options)
    assert found == code
    assert all(word in message for word in words), message
    assert at == option


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_named_and_then_read(tmp_path: Path, encoding: str) -> None:
    """The encoding is one that can be pasted: with it, the cells are what was written."""
    text = "größe,note,y\n1,Müller,a\n2,naïve café,b\n" + ("3,\x81,b\n" if encoding == "latin-1" else "")
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    source = Csv(file="t.csv", target=("y",), categories=("note",))
    with pytest.raises(Unplaced) as caught:
        source.facts(tmp_path)
    code, message = code_and_text(caught.value)
    assert code == "NS404" and "not UTF-8 text" in message
    assert f'write `encoding = "{encoding}"`; it has the word "größe" then' in message
    data = source.replace(encoding=encoding).load(tmp_path)
    assert data.columns["input"][:3] == ("größe", "note = Müller", "note = naïve café")


def test_rows_may_end_in_the_delimiter(tmp_path: Path) -> None:
    _, data = read(tmp_path, "a,b,y\n1,2,n\n".replace("2,n", "2,n,") + "3,4,m,\n")
    assert data.train.inputs["input"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(Unplaced) as caught:
        read(tmp_path, "a,b,y\n1,2,n,\n3,4,m,x\n")
    assert caught.value.kind.code == "NS407"


def test_classes_and_categories_that_look_alike_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,color,y\n1,red,Cat\n2,Red,cat\n3,dark red,dog\n4,darkred,cat\n")
    remarks = Csv(file="t.csv", target=("y",), categories="auto").remarks(tmp_path)
    assert [one.diagnostic().message for one in remarks if one.kind.code == "NS543"] == [
        "`y` has 2 names that differ only in case or spaces: `Cat`, `cat`",
        "`color` has 2 names that differ only in case or spaces: `Red`, `red`",
        "`color` has 2 names that differ only in case or spaces: `dark red`, `darkred`",
    ]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    for content, words in (
        (b"PK\x03\x04abc", "an Excel file"),
        (b"PAR1abc", 'write `parquet("t.csv", …)`'),
        (b'[{"a": 1}]', "read_json"),
        (b"\0\1" * 9, ""),
    ):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(Unplaced) as caught:
            Csv(file="t.csv", target=("y",)).facts(tmp_path)
        code, message = code_and_text(caught.value)
        assert code == "NS404" and words in message


@pytest.mark.parametrize("wrong", ["klingon", "", 8, "base64"])
def test_an_encoding_is_one_that_is_known(wrong: object) -> None:
    with pytest.raises(Mismatch):
        Encoding().accept(wrong)


def test_a_file_without_a_header(tmp_path: Path) -> None:
    text = "1,2.5,a\n3,4.5,b\n"
    _, data = read(tmp_path, text, header="none", target=("column_3",))
    assert data.columns == {"input": ("column_1", "column_2")}
    assert data.train.inputs["input"].tolist() == [[1, 2.5], [3, 4.5]]
    assert data.where(0) == "t.csv row 1"
    _, named = read(tmp_path, text, header="none", names=("p", "q", "y"))
    assert named.columns == {"input": ("p", "q")}
    assert fail(tmp_path, text, header="none", names=("p", "y"))[::2] == ("NS406", "names")
    assert fail(tmp_path, text, names=("p", "q", "y"))[::2] == ("NS416", "names")
    assert fail(tmp_path, "1,2\n3,x\n", header="none", target=("column_1",))[1].startswith("t.csv row 2")
    assert (
        "row 2 has 1 cell, but the first row has 2"
        in fail(tmp_path, "1,2\n3\n", header="none", target=("column_1",))[1]
    )


def test_a_first_row_that_is_data(tmp_path: Path) -> None:
    code, message, at = fail(tmp_path, "7,0,0,0\n2,0,1,0\n", target=("label",))
    assert (code, at) == ("NS406", "file")
    assert "write `header = none`; its columns are `column_1` to `column_4`" in message
    code, message, _ = fail(tmp_path, "5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n", target=("species",))
    assert code == "NS406" and "looks like data: 5.1, 3.5, 1.4, 0.2, …" in message


SIGNS = [
    ('decimal = ","', "1,5;-2,25;,5;7;1e3;+3,0;5,", [1.5, -2.25, 0.5, 7, 1000, 3, 5]),
    ('decimal = ",", thousands = "."', "1.234,5;1.234.567;12;0,5;-1.000", [1234.5, 1234567, 12, 0.5, -1000]),
    ('thousands = ","', "1,234.5;12,345,678;999;0.25", [1234.5, 12345678, 999, 0.25]),
    ('thousands = "\'"', "1'234.5;7", [1234.5, 7]),
    ('decimal = ",", thousands = " "', "1 234,5;8,25", [1234.5, 8.25]),
]


@pytest.mark.parametrize(("typed", "cells", "values"), SIGNS, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("quotes", ["", " "])  # spaces before quotes are read row by row
def test_numbers_as_other_countries_write_them(
    tmp_path: Path, typed: str, cells: str, values: list[float], quotes: str
) -> None:
    options = dict(re.findall(r'(\w+) = "(.)"', typed))
    text = "a;y\n" + "".join(f'{quotes}"{cell}";{cell}\n' for cell in cells.split(";"))
    code, message, _ = fail(tmp_path, text, delimiter=";", task="numbers")
    assert code == "NS409" and f"`{typed}`" in message, message
    _, data = read(tmp_path, text, delimiter=";", task="numbers", **options)
    assert data.train.inputs["input"][:, 0].tolist() == values
    assert data.train.targets["output"][:, 0].tolist() == values


@pytest.mark.parametrize("cell", ["1.5", "1.23,4", "12.34", "1..234", ".234", "1,2,3", "x", "1.234e", "--1"])
def test_groups_have_three_digits(tmp_path: Path, cell: str) -> None:
    """1.5 is never read as 15."""
    code, message, _ = fail(tmp_path, f"a;y\n1,5;p\n{cell};q\n", delimiter=";", decimal=",", thousands=".")
    assert code == "NS409" and f'not a number: "{cell}"' in message


def test_what_1_234_means_is_for_the_owner_to_say(tmp_path: Path) -> None:
    _, message, _ = fail(tmp_path, "a;y\n1,234;p\n2,500;q\n", delimiter=";")
    assert '`decimal = ","` if 1,234 is 1.234 or `thousands = ","` if 1,234 is 1234' in message
    assert fail(tmp_path, "a;y\n1;p\n", delimiter=";", decimal=",", thousands=",")[::2] == ("NS523", "decimal")
    assert '`decimal = "."`' in fail(tmp_path, "a;y\n1.5;p\n", delimiter=";", decimal=",")[1]


def test_a_missing_file_and_a_missing_folder(tmp_path: Path) -> None:
    write(tmp_path / "wine.csv", WINE)
    write(tmp_path / "spec.net", "")
    for name, words in (("wnie.csv", "did you mean `wine.csv`?"), ("data/wine.csv", "there is no folder")):
        with pytest.raises(Unplaced) as caught:
            Csv(file=name, target=("grower",)).facts(tmp_path)
        code, text = code_and_text(caught.value)
        assert code == "NS401"
        assert words in text
        assert "spec.net" not in text


def test_an_absolute_name_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "wine.csv", WINE)
    assert Csv(file=str(path), target=("grower",)).facts(Path("elsewhere")).classes == 2


def test_a_single_column_beside_a_target_of_numbers_named_by_numbers(tmp_path: Path) -> None:
    """Columns may be called by numbers as long as the target is among them."""
    facts, _ = read(tmp_path, "0,1\n5,a\n6,b\n", target=("1",))
    assert facts.classes == 2


LONG = "x" * 21
LONG_CELLS = {
    "plain": (f"a,{{b}},y\n1,2,0\n\n3,{LONG},1\n", 4, "`{b}`"),
    "quoted": (f'a,b,y\n1,"2\n",0\n3,"{LONG}, and",1\n', 4, "`b`"),
    "in single rows": (f'a,b,y\n1,2"",0\n3,{LONG},1\n', 3, "`b`"),
    "the last one": (f"a,b,y\n1,2,0\n3,4,{LONG}", 3, "`y`"),
    "a name": (f"a,{LONG},y\n1,2,0\n", 1, "2"),
}


@pytest.mark.parametrize("case", LONG_CELLS)
def test_a_cell_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    text, row, column = LONG_CELLS[case]
    monkeypatch.setenv("NETSPEC_MAX_CELL", "20")
    code, message, option = fail(tmp_path, text)
    assert (code, option) == ("NS401", "file")
    length = 26 if case == "quoted" else 21
    expected = f"row {row}, column {column} has {length} characters, and the limit is 20 characters"
    assert expected in message and "NETSPEC_MAX_CELL to a larger number of characters" in message, message


def test_cells_up_to_the_limit_are_read_however_long_their_row_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETSPEC_MAX_CELL", "20")
    cell, word = "1" * 20, '"a, b, c, d, e, f, g"'  # 20 characters, and 19 between quotes
    _, data = read(tmp_path, f"a,b,c,y\n{cell},{cell},{word},0\n2,3,{word},1\n", categories=("c",))
    assert data.train.inputs["input"][0].tolist() == [float(cell), float(cell), 1]
    monkeypatch.delenv("NETSPEC_MAX_CELL")
    long = "é" * 131_072  # more bytes than characters
    _, data = read(tmp_path, f"a,y\n1,{long}\n2,n\n")
    assert data.facts.targets["output"].names == ("n", long)
    code, message, _ = fail(tmp_path, f"a,y\n1,{long}é\n2,n\n")
    assert code == "NS401" and "131,073 characters, and the limit is 131,072" in message
