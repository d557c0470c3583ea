"""Columns of a table by patterns of their names, and by the type of their cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netspec.data.dataset.dataset import Dataset
from netspec.data.sources.tables.columns import CategoryColumn, ImageColumn, OfColumns
from netspec.data.sources.tables.words import Csv
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write

TABLE = "a1,b1,a2,b2,a*,y\n" + "".join(f"{i},{i + 0.5},{2 * i},{-i},{7 * i},{i % 2}\n" for i in range(1, 7))


def source(folder: Path, text: str = TABLE, **options: Any) -> Csv:
    write(folder / "t.csv", text)
    return Csv(file="t.csv", target=("y",), **options)


def load(folder: Path, **options: Any) -> Dataset:
    own = source(folder, **options)
    data = own.load(folder)
    assert isinstance(data, Dataset) and data.facts == own.facts(folder)
    return data


def test_a_pattern_is_the_columns_that_it_fits(tmp_path: Path) -> None:
    """In the order of the table; a column that is really called so is only itself."""
    text = TABLE.replace(",a*,", ",c,")
    inputs = OfColumns(columns=("a*",), to="left"), OfColumns(columns=("b*",), to="right")
    data = load(tmp_path, text=text, per_column=inputs, drop=("*c",))
    assert data.columns == {"left": ("a1", "a2"), "right": ("b1", "b2")}
    assert np.array_equal(data.train.inputs["right"], [[i + 0.5, -i] for i in range(1, 7)])
    assert load(tmp_path, text=text, columns=("*2", "a*")).columns == {"input": ("a2", "b2", "a1")}
    assert load(tmp_path, drop=("a*",)).columns == {"input": ("a1", "b1", "a2", "b2")}
    assert load(tmp_path, text=text, columns=("*",)).columns == {"input": ("a1", "b1", "a2", "b2", "c")}


def test_a_pattern_that_fits_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unplaced) as caught:
        source(tmp_path, per_column=(OfColumns(columns=("z*",), to="left"),)).facts(tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS408" and "no column `z*`" in text


def test_columns_of_images(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (4, 3), 50 * number).save(tmp_path / f"{number}.png")
    text = "left,right,y\n" + "".join(f"{i % 3}.png,{(i + 1) % 3}.png,{i % 2}\n" for i in range(6))
    data = load(tmp_path, text=text, image=("left", "right"))
    assert data.facts.inputs == {"left": Shape((3, 4, 1)), "right": Shape((3, 4, 1))}
    assert np.array_equal(np.rint(data.train.inputs["right"][:, 0, 0, 0] * 255), [50, 100, 0, 50, 100, 0])
    typed = OfColumns(columns=("left", "right"), as_=ImageColumn(size=(2, 2)))
    small = load(tmp_path, text=text, image=("right",), per_column=(typed,))
    assert small.facts.inputs == {"left": Shape((2, 2, 1)), "right": Shape((2, 2, 1))}
    streamed = source(tmp_path, text=text, image=("left", "right")).stream(tmp_path)
    assert streamed is not None and streamed.facts == data.facts
    clash = OfColumns(columns=("left",), as_=CategoryColumn())
    with pytest.raises(Unplaced) as caught:
        source(tmp_path, text=text, image=("left", "right"), per_column=(clash,)).facts(tmp_path)
    assert "the option `image` names it, too" in code_and_text(caught.value)[1]
