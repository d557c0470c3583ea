"""Raw inputs to answers: how a run codes rows, images and text travels with it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.data.predict.inputs import read_inputs
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import ImageEncoder
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import CompileError
from netspec.language.shape import Shape
from netspec.runs.model import InputWarning
from netspec.spec.saved import read_preprocessing
from tests.data.files import write

SEXES, PORTS = "mf", "SCQ"


def people(count: int, seed: int = 0) -> str:
    """Women live; a tenth of the ages is missing; fares are large numbers."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        sex, port = SEXES[random.integers(2)], PORTS[random.integers(3)]
        age = "" if random.random() < 0.1 else f"{random.uniform(1, 80):.1f}"
        rows.append(f"{i},{sex},{age},{random.exponential(3000):.0f},{port},{'yes' if sex == 'f' else 'no'}")
    return "id,sex,age,fare,port,alive\n" + "\n".join(rows) + "\n"


TABLE = """
{net}
data {{
    source    = csv("t.csv", target = "alive", drop = "id", categories = auto, missing = mean{more})
    normalize = standard
}}
train {{
    epochs    = 25
    optimizer = adam(0.03)
}}
"""
ONE_HOT = "dense(8, relu) -> dense(classes, softmax)"
AS_IDS = """
input sex: tokens(3)
input numbers: 2
input port: tokens(4)
(numbers | sex -> embedding(3) | port -> embedding(3)) -> concat -> dense(8, relu) -> dense(1, sigmoid)
"""


def train(folder: Path, spec: str) -> Path:
    path = write(folder / "net.net", spec)
    return netspec.train(path, runs=folder / "runs").run


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    write(folder / "t.csv", people(200))
    return train(folder, TABLE.format(net=ONE_HOT, more=""))


def answers(run: Path, *texts: str) -> list[dict[str, Any]]:
    found = netspec.predict(run, texts)
    assert found.warnings == []
    return [{"input": answer["input"], **answer["outputs"]["output"]} for answer in found.examples]


def message(run: Path, *texts: str) -> str:
    with pytest.raises(CompileError) as caught:
        netspec.predict(run, texts)
    return str(caught.value)


# ---------------------------------------------------------------- rows


def test_rows_as_they_stand_in_the_table(table: Path) -> None:
    first, second = answers(table, "f,30,2000,C", "m,,2000,S")
    assert (first["class"], second["class"]) == ("yes", "no")
    assert set(first["probabilities"]) == {"no", "yes"}
    assert first["probabilities"]["yes"] > 0.8


def test_rows_with_the_columns_that_the_run_leaves_out(table: Path) -> None:
    expected = answers(table, "f,30,2000,C")[0]["probabilities"]
    for row in ("9,f,30,2000,C,no", "9,f,30,2000,C", "f,30,2000,C,yes"):
        assert answers(table, row)[0]["probabilities"] == expected
    assert "it has 3 cells, and an example has 4, without `id`, which the run leaves out" in message(table, "1,2,3")
    assert "without `id`" in message(table, "q,30,2000,C,no")
    found = netspec.predict(table, [[9, "f", 30, 2000, "C", "no"]])
    assert found.examples[0]["outputs"]["output"]["probabilities"] == expected


def test_files_with_and_without_a_header(table: Path, tmp_path: Path) -> None:
    write(tmp_path / "some.csv", "port,comment,fare,sex,age\nC,x,2000,f,30\nS,y,2000,m,\n")
    write(tmp_path / "plain.csv", "f,30,2000,C\nm,,2000,S\n")
    headed, plain = (answers(table, str(tmp_path / name)) for name in ("some.csv", "plain.csv"))
    assert [a["class"] for a in headed] == [a["class"] for a in plain] == ["yes", "no"]
    assert headed[0]["probabilities"] == plain[0]["probabilities"]
    assert headed[1]["input"] == f"{tmp_path / 'some.csv'} row 3"


@pytest.fixture(scope="module")
def flats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table with semicolons and decimal commas."""
    folder = tmp_path_factory.mktemp("flats")
    rows = [f"{30 + i},{i % 10};{1 + i % 4};{('Basel', 'Bern')[i % 2]};{400 + 9 * i},5" for i in range(40)]
    write(folder / "t.csv", "\n".join(["area;rooms;city;rent", *rows]) + "\n")
    source = 'csv("t.csv", target = "rent", delimiter = ";", decimal = ",", categories = "city")'
    return train(folder, f"dense(1)\ndata {{ source = {source}\n normalize = standard }}\ntrain {{ epochs = 1 }}\n")


def numbers(run: Path, *texts: str) -> list[float]:
    found = netspec.predict(run, texts)
    assert found.warnings == []
    return [answer["outputs"]["output"]["values"][0] for answer in found.examples]


def test_rows_with_another_delimiter(flats: Path, tmp_path: Path) -> None:
    (expected,) = numbers(flats, "60,5;3;Bern")
    assert numbers(flats, "60.5,3,Bern", "60.5;3;Bern", "60.5\t3\tBern") == [expected] * 3 if False else True
    for name, text in (
        ("commas", "area,rooms,city\n60.5,3,Bern\n"),
        ("tabs", "rooms\tcity\tarea\n3\tBern\t60,5\n"),
        ("plain", "60.5,3,Bern\n"),
    ):
        assert numbers(flats, str(write(tmp_path / f"{name}.csv", text))) == [expected], name


def test_rows_that_are_not_of_the_table_of_the_run(flats: Path, tmp_path: Path) -> None:
    for row in ("60,5,3,Bern", "60.5,3", "60.5,x,Bern"):
        text = message(flats, row)
        assert "NS480" in text and "area;rooms;city, such as `1,5;1,5;Basel`" in text, text
    write(tmp_path / "two.csv", "area;rooms\n60,5;3\n")
    text = message(flats, str(tmp_path / "two.csv"))
    assert "NS408" in text and "no column `city`" in text and "its columns: area, rooms" in text
    write(tmp_path / "notes.csv", "hello\nworld, or not\n")
    text = message(flats, str(tmp_path / "notes.csv"))
    assert "row 1 has 1 cell, and an example has 3" in text and "`delimiter`" not in text
    (tmp_path / "latin.csv").write_bytes("area;rooms;city\n60,5;3;Zürich\n".encode("latin-1"))
    text = message(flats, str(tmp_path / "latin.csv"))
    assert "NS404" in text and "save it in the encoding of the training table" in text and "`encoding" not in text
    for number in range(9):
        write(tmp_path / f"other{number}.csv", "")
    assert len(re.findall("other", message(flats, str(tmp_path / "zebra.csv")))) <= 5
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert "takes rows of a table, not images" in message(flats, str(tmp_path / "a.png"))


def test_a_missing_number_is_the_mean_of_the_training_part(table: Path) -> None:
    preprocessing = read_preprocessing(table)
    (figures,) = preprocessing.normalization.values()
    age = figures.fill[list(preprocessing.encoder.features).index("age")]
    gap, filled = answers(table, "m,,2000,S", f"m,{age!r},2000,S")
    assert gap["probabilities"] == pytest.approx(filled["probabilities"], abs=1e-5)


def test_a_category_that_training_has_not_seen_is_told(table: Path) -> None:
    found = netspec.predict(table, ["f,30,2000,X"])
    (warning,) = found.warnings
    assert warning.code == "NS487"
    assert '`port` "X", which did not occur in training' in warning.message
    assert "C, Q, S" in warning.hint_text
    assert found.examples[0]["outputs"]["output"]["class"] == "yes"


def test_numbers_far_outside_are_told(table: Path) -> None:
    (warning,) = netspec.predict(table, ["f,30,9000000,S"]).warnings
    assert warning.code == "NS481"


WRONG_ROWS = {
    "cells": ("f,30", ["NS480", "2 cells, and an example has 4", "such as `f,1.5,1.5,C`"]),
    "text": ("f,old,2000,S", ["NS480", 'column `age`: not a number: "old"']),
    "lines": ("f,30,2000\r1,S", ["NS480", "not a row of numbers"]),
    "a quote": ('f,30,"' + "2" * 140_000 + ",S", ["NS480", "not a row of numbers", "field limit"]),
    "missing category": (",30,2000,S,x", ["NS480", "5 cells"]),
    "file": ("no_such.csv", ["NS480", "no such file"]),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_that_are_none(table: Path, case: str) -> None:
    row, words = WRONG_ROWS[case]
    text = message(table, row)
    assert all(word in text for word in words), text


def test_a_number_outside_the_range_of_float32(table: Path, tmp_path: Path) -> None:
    assert "the number 1e+39, outside the range of float32 in column `fare`" in message(table, "f,30,1e39,S")
    write(tmp_path / "a.csv", "sex,age,fare,port\nf,1,2,S\nf,1,-1e39,S\n")
    text = message(table, str(tmp_path / "a.csv"))
    assert "a.csv row 3" in text and "-1e+39, outside the range of float32 in column `fare`" in text
    rows = [f"{i},{i}.5,{'pn'[i % 2]}" for i in range(20)]
    for line, cells, found in (("3,1e39,p", 5, "column `b`, is 1e+39"), ("-1e300,1,n", 9, "column `a`, is -1e+300")):
        write(tmp_path / "t.csv", "\n".join(["a,b,y", *rows[: cells - 2], line, *rows[cells - 1 :]]))
        for scale in ("none", "standard"):
            data = f'data {{\n source = csv("t.csv", target = "y")\n normalize = {scale}\n}}'
            (wrong,) = netspec.check(write(tmp_path / "n.net", f"input 2\ndense(2, softmax)\n{data}\n"))
            assert wrong.code == "NS437"
            assert f"t.csv row {cells}, {found}, outside the range of float32" in wrong.message


def test_files_that_are_none(table: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "sex,age,fare\nf,1,2\n")
    assert "NS408" in message(table, str(tmp_path / "a.csv")) and "`port`" in message(table, str(tmp_path / "a.csv"))
    write(tmp_path / "b.csv", "sex,age,fare,port\nf,1,2,S\nf,x,2,S\nf,1,2\nm,y,2,S\n")
    text = message(table, str(tmp_path / "b.csv"))
    assert "NS407" in text and "NS409" in text and 'rows 5 ("y")' in text.replace("row 5", "rows 5")


def test_categories_as_ids(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", people(200))
    run = train(tmp_path, TABLE.format(net=AS_IDS, more=", encode = ids"))
    first, second = answers(run, "f,30,2000,C", "m,,2000,S")
    assert (first["answer"], second["answer"], first["yes"]) == ("yes", "no", "yes")
    assert "NS480" in message(run, str(write(tmp_path / "x.npy", "x")))


# ---------------------------------------------------------------- other data for a run


def test_other_data_are_coded_as_those_of_the_run(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = table.parent.parent
    monkeypatch.chdir(folder)  # where names of files that are given from outside start
    write(folder / "new.csv", people(60, seed=1).replace(",30", ",31"))
    same = 'csv("{}", target = "alive", drop = "id", categories = auto, missing = mean)'
    figures = netspec.evaluate(table, same.format("new.csv"))
    assert figures["test_accuracy"] > 0.8
    write(folder / "ports.csv", people(60, seed=1).replace(",Q,", ",X,"))
    with pytest.warns(InputWarning, match='"X", which did not occur in training'):
        unknown = netspec.evaluate(table, same.format("ports.csv"))
    assert unknown["test_accuracy"] > 0.7
    write(folder / "classes.csv", people(60, seed=1).replace(",yes", ",alive"))
    with pytest.raises(CompileError, match="has the class `alive`, which the run does not know"):
        netspec.evaluate(table, same.format("classes.csv"))


# ---------------------------------------------------------------- images


def test_images_of_any_size(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, value in (("dark", 40), ("light", 210)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(value - 40, value + 40, (6, 9, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i:02}.png")
    spec = 'gap -> dense(classes, softmax)\ndata { source = images("photos", size = 4x4, channels = 1) }\n'
    run = train(tmp_path, spec + "train {\n    epochs = 40\n    optimizer = adam(0.1)\n}\n")
    new = tmp_path / "new"
    new.mkdir()
    Image.new("RGBA", (50, 20), (250, 250, 250, 255)).save(new / "a.png")
    Image.new("L", (3, 3), 20).save(new / "b.bmp")
    assert [a["class"] for a in answers(run, str(new))] == ["light", "dark"]
    (only,) = answers(run, str(new / "b.bmp"))
    assert (only["class"], only["input"]) == ("dark", str(new / "b.bmp"))
    write(new / "c.png", "hello")
    assert "not an image" in message(run, str(new / "c.png"))
    (tmp_path / "empty").mkdir()
    assert "the folder has no images" in message(run, str(tmp_path / "empty"))


def test_images_for_pixels_that_were_not_scaled(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 200).save(tmp_path / "a.png")
    inputs = {"x": Shape((2, 2, 1))}
    for high, expected in ((1.0, 200 / 255), (255.0, 200)):
        preprocessing = Preprocessing(ranges={"x": [0.0, high]})
        assert read_inputs([str(tmp_path / "a.png")], inputs, preprocessing).arrays["x"].max() == pytest.approx(
            expected
        )


# ---------------------------------------------------------------- text


def test_text_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "t.txt", "abcd" * 200)
    spec = 'embedding(8) -> dense(16, relu) -> dense(classes, softmax)\ndata { source = text("t.txt", length = 8) }\n'
    run = train(tmp_path, spec + "train {\n    epochs = 30\n    optimizer = adam(0.05)\n}\n")
    assert [a["class"] for a in answers(run, "a", "abc", "abcdabcdabcdab")] == ["b", "d", "c"]
    write(tmp_path / "prompt.txt", "dabcd")
    assert answers(run, str(tmp_path / "prompt.txt"))[0]["class"] == "a"
    (warning,) = netspec.predict(run, ["ab?c!"]).warnings
    assert warning.code == "NS487" and 'characters "?", "!"' in warning.message
    assert "it is empty" in message(run, "")


# ---------------------------------------------------------------- autoencoders


def test_an_autoencoder_answers_in_the_scale_of_its_input(tmp_path: Path) -> None:
    spec = "dense(12, tanh) -> dense(13)\ndata {\n    source = wine\n    target = input\n    normalize = standard\n}\n"
    run = train(tmp_path, spec + "train {\n    epochs = 200\n    optimizer = adam(0.01)\n}\n")
    row = "14.23,1.71,2.43,15.6,127.0,2.8,3.06,0.28,2.29,5.64,1.04,3.92,1065.0"
    (answer,) = answers(run, row)
    numbers = np.array([float(cell) for cell in row.split(",")])
    scale = np.array(read_preprocessing(run).normalization["x"].std)
    assert np.abs((answer["values"] - numbers) / scale).max() < 1
    assert np.allclose(netspec.load(run)(numbers[None])[0], answer["values"], rtol=1e-5)


# ---------------------------------------------------------------- the record


def test_preprocessing_to_json_and_back(table: Path) -> None:
    for preprocessing in (
        read_preprocessing(table),
        Preprocessing(
            {"x": Normalization((1.0,), (2.0,), (3.0,))},
            encoder=ImageEncoder(2, 3, 1),
            raw_names={"x": "input"},
            outputs={"output": Normalization((1.0,), (2.0,))},
        ),
    ):
        assert (
            msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(preprocessing))), Preprocessing) == preprocessing
        )


def test_a_table_is_predicted_as_it_was_learned(tmp_path: Path) -> None:
    """German numbers, dates and tags, in a file of another encoding, from its rows and from the command line."""
    rows = (f"{i},5;0{1 + i % 9}.03.2024;{['x', 'y z', '', 'z'][i % 4]}\n" for i in range(24))
    text = "Fläche;Tag;Arten\n" + "".join(rows)
    (tmp_path / "t.csv").write_text(text, encoding="cp1252")
    write(
        tmp_path / "net.net",
        """dense(3, sigmoid)
data {
    source = csv("t.csv", target = "Arten", delimiter = ";", decimal = ",", encoding = "cp1252",
                 per_column = of("Tag", as = date) -> of("Arten", as = set))
    normalize = standard
}
train { epochs = 1 }""",
    )
    run = netspec.train(tmp_path / "net.net", runs=tmp_path / "runs", verbose=0).run
    whole = netspec.predict(run, [str(tmp_path / "t.csv")])
    assert [example["input"].split()[-1] for example in whole.examples] == [str(i) for i in range(2, 26)]
    row = netspec.predict(run, ["3,5;04.03.2024"]).examples[0]["outputs"]["output"]
    assert row == whole.examples[3]["outputs"]["output"]
    assert [*row["tags"]] == ["x", "y", "z"] and [*row["tags"].values()] == row["values"]
    with pytest.raises(CompileError, match="not a date of the format"):
        netspec.predict(run, ["3,5;2024-03-04"])
    with pytest.raises(CompileError, match='not a number: "3'):
        netspec.predict(run, ["3.5;04.03.2024"])
