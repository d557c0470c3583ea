"""Parquet files are read as CSV files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netspec.data.sources.tables.words import Csv, Parquet
from netspec.language.diagnostics import Unplaced
from tests.data.files import code_and_text, write

ROWS = {
    "age": [22.0, None, 26.5, 35.0],
    "class": [3, 1, 3, 1],
    "sex": ["m", "f", None, "f"],
    "alive": [False, True, True, False],
    "name": ["a", "b", "c", "d"],
}


def save(path: Path, columns: dict[str, list[Any]]) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_the_same_data_as_from_a_csv_file(tmp_path: Path) -> None:
    save(tmp_path / "t.parquet", ROWS)
    write(tmp_path / "t.csv", "age,class,sex,alive,name\n22,3,m,0,a\n,1,f,1,b\n26.5,3,,1,c\n35,1,f,0,d\n")
    options: dict[str, Any] = {"target": ("alive",), "drop": ("name",), "categories": "auto", "missing": "mean"}
    one, other = Parquet(file="t.parquet", **options), Csv(file="t.csv", **options)
    assert one.facts(tmp_path) == other.facts(tmp_path)
    left, right = one.load(tmp_path), other.load(tmp_path)
    assert str(left.train.inputs["input"]) == str(right.train.inputs["input"])
    assert left.train.targets["output"].tolist() == right.train.targets["output"].tolist()
    assert left.where(0) == "t.parquet row 1"


def test_mistakes_have_row_and_column(tmp_path: Path) -> None:
    save(tmp_path / "t.parquet", ROWS)
    with pytest.raises(Unplaced) as caught:
        Parquet(file="t.parquet", target=("alive",)).facts(tmp_path)
    codes = [one.kind.code for one in caught.value.all]
    assert codes == ["NS410", "NS409"]
    assert "t.parquet row 2, column `age`" in code_and_text(caught.value)[1]


def test_files_that_are_none(tmp_path: Path) -> None:
    write(tmp_path / "t.parquet", "hello, this is no table")
    for name, code in (("t.parquet", "NS404"), ("x.parquet", "NS401")):
        with pytest.raises(Unplaced) as caught:
            Parquet(file=name, target=("y",)).facts(tmp_path)
        assert (caught.value.kind.code, caught.value.option) == (code, "file")
