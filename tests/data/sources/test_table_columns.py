"""Single columns of tables: types, missing values, inputs of their own, identifiers, a first row that is data."""

from __future__ import annotations

import math
import re
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image

from netspec.data.dataset.dataset import Dataset, Target
from netspec.data.dataset.lazy_rows import is_streamed
from netspec.data.settings import DataSettings
from netspec.data.sources.tables.columns import (
    CategoryColumn,
    DateColumn,
    ImageColumn,
    NumberColumn,
    OfColumns,
    SetColumn,
)
from netspec.data.sources.tables.words import Csv, Parquet
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.dates import UNITS, detect_formats, fit_dates, parse_dates
from netspec.data.transforms.encoders import Column, Encoder, RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, write


def of(*columns: str, **options: Any) -> OfColumns:
    return OfColumns(columns=columns, **options)


def load(folder: Path, text: str, *per_column: OfColumns, **options: Any) -> Dataset:
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **({"target": ("y",), "per_column": per_column} | options))
    data = source.load(folder)
    assert source.facts(folder) == data.facts
    assert msgspec.json.decode(msgspec.json.encode(data.encoder), type=Encoder) == data.encoder
    return data


def fail(folder: Path, text: str, *per_column: OfColumns, **options: Any) -> tuple[str, str, str | None]:
    with pytest.raises(Unplaced) as caught:
        load(folder, text, *per_column, **options)
    return *code_and_text(caught.value), caught.value.option


# ---------------------------------------------------------------- dates


def by_hand(when: datetime, origin: datetime, unit: float) -> list[float]:
    """The features of a point in time, by Python's own calendar."""
    since = (when - origin).total_seconds()
    time = (when - datetime(when.year, when.month, when.day)).total_seconds() / 86400
    length = (date(when.year + 1, 1, 1) - date(when.year, 1, 1)).days
    positions = [(when.timetuple().tm_yday - 1 + time) / length, (when.weekday() + time) / 7, time]
    return [since / unit] + [f(2 * math.pi * p) for p in positions for f in (math.sin, math.cos)]


def test_dates_become_a_linear_part_and_cycles(tmp_path: Path) -> None:
    times = [datetime(2019, 12, 31, 23, 59, 59), datetime(2020, 2, 29, 6, 30), datetime(2023, 7, 4, 12)]
    text = "when,y\n" + "".join(f"{t:%Y-%m-%d %H:%M:%S},{i}.5\n" for i, t in enumerate(times))
    data = load(tmp_path, text, of("when", as_=DateColumn()))
    names = ["when in years", "when year sin", "when year cos", "when week sin", "when week cos", "when day sin"]
    assert data.columns["input"] == (*names, "when day cos")
    expected = [by_hand(t, datetime(2000, 1, 1), 365.2425 * 86400) for t in times]
    np.testing.assert_allclose(data.train.inputs["input"], expected, atol=1e-6)


SPANS = [
    (["2021-03-01", "2021-03-20"], "days", ("year", "week")),
    (["2021-03-01", "2021-03-08", "2021-03-15"], "days", ("year",)),  # all are Mondays
    (["01.03.2021 06:00", "01.03.2021 18:30"], "hours", ("day",)),
    (["10:00:00", "10:59:30"], "minutes", ("day",)),
    (["1700000000000", "1700000030500"], "seconds", ("day",)),
    (["2021-03-01", "2021-03-01"], "seconds", ()),
    (["1999-01-01", "2021-03-01"], "years", ("year", "week")),
]


@pytest.mark.parametrize(("cells", "unit", "cycles"), SPANS, ids=lambda value: str(value)[:30])
def test_the_parts_are_those_that_vary(cells: list[str], unit: str, cycles: tuple[str, ...]) -> None:
    (form,) = detect_formats(cells)
    dates = fit_dates(parse_dates(cells, form), form)
    assert (dates.unit, dates.cycles) == (unit, cycles)
    linear = dates.encode(parse_dates(cells, form))[:, 0]
    assert (np.ptp(linear) < 366 and linear.min() >= 0) or unit == "years"


FORMATS = {
    "2024-12-31": "%Y-%m-%d", "2024-12-31 18:30:05.25": "%Y-%m-%d %H:%M:%S.%f", "2024-12-31T18:30": "%Y-%m-%dT%H:%M",
    "31.12.2024": "%d.%m.%Y", "31.12.24": "%d.%m.%y", "12/31/2024": "%m/%d/%Y", "31/12/2024 18:30": "%d/%m/%Y %H:%M",
    "12/31/2024 06:30 PM": "%m/%d/%Y %I:%M %p", "31 Dec 2024": "%d %b %Y", "31-Dec-24": "%d-%b-%y",
    "December 31, 2024": "%B %d, %Y", "20241231": "%Y%m%d", "2024/12/31": "%Y/%m/%d", "2024-12": "%Y-%m",
}  # fmt: skip


@pytest.mark.parametrize("cell", FORMATS)
def test_formats_are_detected(cell: str) -> None:
    """The same points in time as Python's `strptime` finds."""
    (form,) = detect_formats([cell])
    expected = (datetime.strptime(cell, FORMATS[cell]) - datetime(1970, 1, 1)).total_seconds()
    assert parse_dates([cell], form).tolist() == parse_dates([cell], FORMATS[cell]).tolist() == [expected]


def test_zones_and_counted_times() -> None:
    cells = ["2024-12-31T18:30:00Z", "2024-12-31T20:30:00+02:00"]
    (form,) = detect_formats(cells)
    assert {*parse_dates(cells, form).tolist()} == {datetime(2024, 12, 31, 18, 30).timestamp()}
    for unit, form in ((1, "unix"), (1e3, "unix_ms"), (1e6, "unix_us")):
        assert detect_formats([str(int(1735669800 * unit))]) == [form]
        assert parse_dates([str(int(1735669800 * unit))], form).tolist() == [1735669800]
    assert UNITS["years"] == 31556952  # the mean year of the calendar


def test_dates_that_can_be_read_in_two_ways(tmp_path: Path) -> None:
    text = "when,y\n03/04/2021,a\n05/06/2021,b\n"
    code, message, at = fail(tmp_path, text, of("when", as_=DateColumn()))
    assert (code, at) == ("NS525", "per_column")
    assert '`of("when", as = date("%d/%m/%Y"))` or `of("when", as = date("%m/%d/%Y"))`' in message
    data = load(tmp_path, text, of("when", as_=DateColumn(format="%d/%m/%Y")))
    assert data.train.inputs["input"][:, 0].tolist() == [0, 63]  # from April 3 to June 5
    load(tmp_path, "when,y\n03/04/2021,a\n05/16/2021,b\n", of("when", as_=DateColumn()))


def test_cells_that_are_no_dates(tmp_path: Path) -> None:
    code, message, _ = fail(tmp_path, "when,y\nred,a\nblue,b\n", of("when", as_=DateColumn()))
    assert code == "NS525" and '"red" in row 2' in message
    form = DateColumn(format="%Y-%m-%d")
    code, message, _ = fail(tmp_path, "when,y\n2021-01-01,a\n2021-02-30,b\n", of("when", as_=form))
    assert code == "NS524" and 't.csv row 3, column `when`: not a date of the format %Y-%m-%d: "2021-02-30"' in message
    assert fail(tmp_path, "when,y\n,a\n2021-02-03,b\n", of("when", as_=DateColumn()))[0] == "NS410"
    assert fail(tmp_path, "a,y\n1,2021-02-03\n", of("y", as_=DateColumn()))[::2] == ("NS526", "per_column")


def test_a_missing_date_is_filled_in_and_marked(tmp_path: Path) -> None:
    text = "when,y\n2021-01-01,a\n,b\n2021-01-03,a\n"
    data = load(tmp_path, text, of("when", as_=DateColumn(), missing="category"))
    splits = split_dataset(data, DataSettings(test=0))
    x = splits.train.inputs["input"]
    assert x[:, 0].tolist() == [0, 1, 2] and x[:, -1].tolist() == [0, 1, 0]
    assert splits.dataset.columns["input"][-1] == "when is missing"


def test_dates_of_a_parquet_file(tmp_path: Path) -> None:
    times = [datetime(2021, 1, 1, 12), datetime(2021, 1, 2, 18, 0, 0, 500_000)]
    table = pl.DataFrame({"day": [t.date() for t in times], "time": times, "y": ["a", "b"]})
    table.write_parquet(tmp_path / "t.parquet")
    both = of("day", "time", as_=DateColumn())
    data = Parquet(file="t.parquet", target=("y",), per_column=(both,)).load(tmp_path)
    assert data.train.inputs["input"][:, 0].tolist() == [0, 1]
    time = data.columns["input"].index("time in days")
    np.testing.assert_allclose(data.train.inputs["input"][:, time], [0.5, 1.75 + 0.5 / 86400])


# ---------------------------------------------------------------- missing values and types

CHURN = "tenure,charges,plan,y\n1,10,A,no\n0, ,B,yes\n5,30,,no\n9,50,A,yes\n"


def test_missing_values_of_single_columns(tmp_path: Path) -> None:
    plan = of("plan", as_=CategoryColumn(), missing="category")
    data = load(tmp_path, CHURN, of("charges", missing="median"), plan)
    x = split_dataset(data, DataSettings(test=0)).train.inputs["input"]
    assert data.columns["input"] == ("tenure", "charges", "plan = A", "plan = B", "plan is missing")
    assert x.tolist() == [[1, 10, 1, 0, 0], [0, 30, 0, 1, 0], [5, 30, 0, 0, 1], [9, 50, 1, 0, 0]]
    data = load(tmp_path, CHURN, of("charges", missing=-1.0), plan)
    assert data.train.inputs["input"][1, 1] == -1 and data.fill == {}
    data = load(tmp_path, CHURN, of("charges", missing="drop"), plan)
    assert [data.where(i) for i in range(3)] == ["t.csv row 2", "t.csv row 4", "t.csv row 5"]
    data = load(tmp_path, CHURN, of("charges", missing="category"), plan)
    x = split_dataset(data, DataSettings(test=0)).train.inputs["input"]
    assert x[:, 1:3].tolist() == [[10, 0], [30, 1], [30, 0], [50, 0]]
    code, message, _ = fail(tmp_path, CHURN, of("charges", missing="median"), of("plan", as_=CategoryColumn()))
    assert code == "NS410" and "row 4, column `plan`" in message and "charges" not in message


def test_two_statistics_in_one_input(tmp_path: Path) -> None:
    text = "a,b,y\n1,1,p\n2,,q\n,2,p\n9,30,q\n"
    data = load(tmp_path, text, of("a", missing="mean"), of("b", missing="median"))
    assert data.fill == {"input": ("mean", "median")}
    x = split_dataset(data, DataSettings(test=0)).train.inputs["input"]
    assert x.tolist() == [[1, 1], [2, 2], [4, 2], [9, 30]]


def test_normalization_of_single_columns(tmp_path: Path) -> None:
    text = "a,b,c,d,y\n1,10,5,7,p\n2,20,6,8,q\n3,60,7,9,p\n"
    per_column = of("a", normalize="none"), of("b", normalize="unit"), of("c", normalize="standard")
    data = load(tmp_path, text, *per_column)
    raw = np.array([[1, 10, 5, 7], [2, 20, 6, 8], [3, 60, 7, 9]])
    unit, standard = (raw[:, 1] - 10) / 50, (raw[:, 2] - 6) / np.std(raw[:, 2])
    x = split_dataset(data, DataSettings(test=0)).train.inputs["input"]
    np.testing.assert_allclose(x, np.stack([raw[:, 0], unit, standard, raw[:, 3]], 1), rtol=1e-6)
    x = split_dataset(data, DataSettings(test=0, normalize="standard")).train.inputs["input"]
    np.testing.assert_allclose(x, np.stack([raw[:, 0], unit, standard, standard], 1), rtol=1e-6)


def test_timestamps_keep_their_digits(tmp_path: Path) -> None:
    """1.7e12 + 0 ... 60,000 ms: float32 would round them to steps of 131 seconds."""
    rng = np.random.default_rng(0)
    times = 1_700_000_000_000 + rng.permutation(60_000)[:200]
    text = "time,y\n" + "".join(f"{time},{'pq'[i % 2]}\n" for i, time in enumerate(times.tolist()))
    splits = split_dataset(load(tmp_path, text), DataSettings(test=0, normalize="standard"))
    expected = (times - times.mean()) / times.std()
    np.testing.assert_allclose(splits.train.inputs["input"][:, 0], expected, atol=1e-5)
    assert splits.train.inputs["input"].dtype == "float32"


def test_a_missing_category_as_an_id(tmp_path: Path) -> None:
    plan = of("plan", as_=CategoryColumn(encode="ids"), missing="category")
    data = load(tmp_path, CHURN, plan, missing="mean")
    assert data.facts.inputs == {"numbers": Shape((2,)), "plan": Shape((), 4)}
    assert data.train.inputs["plan"].tolist() == [1, 2, 3, 1]


def test_types_of_features_and_targets(tmp_path: Path) -> None:
    text = "grade,word,y\n" + "".join(f"{i % 3},{'ab'[i % 2]},{i}\n" for i in range(30))
    data = load(tmp_path, text, of("grade", as_=CategoryColumn()), of("y", as_=NumberColumn()), categories="auto")
    assert data.columns["input"] == ("grade = 0", "grade = 1", "grade = 2", "word = a", "word = b")
    assert data.facts.targets["output"] == Target("numbers")
    data = load(tmp_path, "a,y\n1,0.5\n2,1.5\n", of("y", as_=CategoryColumn()))
    assert data.facts.targets["output"].names == ("0.5", "1.5")
    code, message, _ = fail(tmp_path, "a,y\n1,p\nx,q\n", of("a", as_=NumberColumn()), categories="auto")
    assert code == "NS409" and 'row 3, column `a`: not a number: "x"' in message


CONFLICTS = [
    ((of("a", missing="mean"), of("a", as_=NumberColumn())), "NS526", "is named twice"),
    ((of("b", as_=CategoryColumn(), missing="mean"),), "NS526", "`missing = mean`, which a category cannot have"),
    ((of("b", as_=SetColumn(), missing="drop"),), "NS526", "an empty cell is an empty set"),
    ((of("y", as_=ImageColumn()),), "NS526", "a target cannot be images"),
    ((of("zz", missing="mean"),), "NS408", "no column `zz`"),
    ((of("c", missing="mean"),), "NS442", "in `per_column` and in `drop`"),
    ((of("b", as_=CategoryColumn(encode="ids"), to="numbers"),), "NS406", "two inputs the name `numbers`"),
]


@pytest.mark.parametrize(("per_column", "code", "words"), CONFLICTS, ids=lambda value: str(value)[-40:])
def test_what_does_not_go_together(tmp_path: Path, per_column: Any, code: str, words: str) -> None:
    text = "a,b,c,y\n1,x,3,p\n2,z,4,q\n"
    found, message, _ = fail(tmp_path, text, *per_column, drop=("c",), categories=("b",))
    assert found == code and words in message, message


# ---------------------------------------------------------------- sets

FILMS = "year,cast,genres\n1999,Ann Bob,Drama|Comedy\n2001,,\n2005,Bob,Comedy\n2010,Cid Ann,Drama | War\n"


def test_cells_with_several_tags(tmp_path: Path) -> None:
    data = load(
        tmp_path, FILMS, of("cast", as_=SetColumn()), of("genres", as_=SetColumn(separator="|")), target=("genres",)
    )
    assert data.columns["input"] == ("year", "cast = Ann", "cast = Bob", "cast = Cid")
    assert data.train.inputs["input"][:, 1:].tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert data.facts.targets["output"] == Target("binary", 3, 3, ("Comedy", "Drama", "War"))
    assert data.train.targets["output"].tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 1]]


def test_a_tag_that_only_the_test_file_has(tmp_path: Path) -> None:
    write(tmp_path / "u.csv", "year,cast,genres\n1999,Ann,Drama\n2000,Eve,Opera|War\n")
    sets = of("cast", as_=SetColumn()), of("genres", as_=SetColumn(separator="|"))
    code, message, _ = fail(tmp_path, FILMS, *sets, target=("genres",), test="u.csv")
    assert code == "NS483" and 'u.csv row 3, column `genres`: the class "Opera"' in message


# ---------------------------------------------------------------- images, several inputs


def photos(folder: Path, sizes: list[tuple[int, int]], mode: str = "RGB") -> str:
    (folder / "img").mkdir(exist_ok=True)
    for i, size in enumerate(sizes):
        Image.new(mode, size, 40 * i if mode == "L" else (40 * i, 0, 255)).save(folder / f"img/{i}.png")
    return "photo,rooms,y\n" + "".join(f"img/{i}.png,{i},{i}.5\n" for i in range(len(sizes)))


def test_images_named_in_a_column(tmp_path: Path) -> None:
    text = photos(tmp_path, [(4, 3)] * 3)
    data = load(tmp_path, text, of("photo", as_=ImageColumn()))
    assert data.facts.inputs == {"numbers": Shape((1,)), "photo": Shape((3, 4, 3))}
    assert data.train.inputs["photo"][2, 0, 0].tolist() == pytest.approx([80 / 255, 0, 1])
    named = load(tmp_path, text.replace("img/", ""), of("photo", as_=ImageColumn(folder="img"), to="picture"))
    assert np.array_equal(named.train.inputs["picture"], data.train.inputs["photo"])
    small = load(tmp_path, text, of("photo", as_=ImageColumn(size=(2, 2), channels=1)))
    assert small.facts.inputs["photo"] == Shape((2, 2, 1))


def test_images_in_a_table_are_streamed_with_the_same_numbers(tmp_path: Path) -> None:
    text = photos(tmp_path, [(4, 3)] * 5)
    data = load(tmp_path, text, of("photo", as_=ImageColumn()))
    streamed = Csv(file="t.csv", target=("y",), per_column=(of("photo", as_=ImageColumn()),)).stream(tmp_path)
    assert streamed is not None and is_streamed(streamed.train.inputs["photo"])
    for name, values in streamed.train.loaded().inputs.items():
        assert np.array_equal(values, data.train.inputs[name])
    assert streamed.facts == data.facts and [*streamed.train.inputs] == ["numbers", "photo"]
    splits = split_dataset(streamed, DataSettings(test=2, normalize="standard"))
    whole = split_dataset(data, DataSettings(test=2, normalize="standard"))
    for name, values in splits.test.loaded().inputs.items():
        assert np.array_equal(values, whole.test.inputs[name])
    assert Csv(file="t.csv", target=("y",), columns=("rooms",)).stream(tmp_path) is None


def test_a_run_keeps_its_columns_and_dates(tmp_path: Path) -> None:
    """Data of a run are encoded as before: an id that it has learned from stays, and days count from the same day."""
    day = of("day", as_=DateColumn())
    text = "id,day,y\n" + "".join(f"{i},2021-03-{i + 1:02},{i}.5\n" for i in range(12))
    before = load(tmp_path, text, day, of("id", as_=NumberColumn()))
    write(tmp_path / "t.csv", text.replace("2021", "2022"))
    source = Csv(file="t.csv", target=("y",), per_column=(day,)).as_of_run(before.encoder)
    after = source.load(tmp_path)
    assert after.columns["input"][:2] == ("id", "day in days")
    assert after.train.inputs["input"][:2, :2].tolist() == [[0, 365], [1, 366]]


HEAD = "name,a,ticket,day,sex,y\n"


def test_columns_that_are_no_categories_are_named_together(tmp_path: Path) -> None:
    rows = "".join(f"n{i},{i},t{i},2021-01-{i + 1:02},{'ab'[i % 2]},{'pq'[i % 2]}\n" for i in range(25))
    code, message, _ = fail(tmp_path, HEAD + rows, categories="auto", drop=("a",))
    assert code == "NS442" and "25 different values in 25 rows" in message
    assert '`per_column = of("day", as = date), drop = ["a", "name", "ticket"]`' in message
    _, message, _ = fail(tmp_path, HEAD + rows, drop=("a",))
    options = 'categories = "sex", per_column = of("day", as = date), drop = ["a", "name", "ticket"]'
    assert f"write `{options}`" in message
    left_out = ("a", "name", "ticket")
    data = load(tmp_path, HEAD + rows, of("day", as_=DateColumn()), drop=left_out, categories=("sex",))
    assert data.columns["input"][0] == "day in days"


def test_images_that_cannot_be_read(tmp_path: Path) -> None:
    text = photos(tmp_path, [(4, 3), (4, 3), (5, 3)])
    code, message, _ = fail(tmp_path, text, of("photo", as_=ImageColumn()))
    assert code == "NS529" and "t.csv row 4, column `photo`: it is 3x5, the first is 3x4" in message
    code, message, _ = fail(tmp_path, text + "img/x.png,1,2.5\n,1,2.5\n", of("photo", as_=ImageColumn()))
    assert code == "NS410" and "row 6, column `photo`" in message
    code, message, _ = fail(tmp_path, text + "img/x.png,1,2.5\n", of("photo", as_=ImageColumn(size=(2, 2))))
    assert code == "NS529" and 'row 5, column `photo`: there is no such file: "img/x.png"' in message
    write(tmp_path / "img" / "x.png", "no image")
    code, message, _ = fail(tmp_path, text + "img/x.png,1,2.5\n", of("photo", as_=ImageColumn(size=(2, 2))))
    assert code == "NS529" and "not an image" in message


def test_groups_of_columns_are_inputs(tmp_path: Path) -> None:
    text = "age,fare,sex,lat,lon,y\n1,2,f,50,8,p\n3,4,m,51,9,q\n"
    data = load(tmp_path, text, of("lat", "lon", to="place"), of("sex", to="person"), categories=("sex",))
    assert data.facts.inputs == {"numbers": Shape((2,)), "person": Shape((2,)), "place": Shape((2,))}
    assert data.train.inputs["place"].tolist() == [[50, 8], [51, 9]]
    assert data.train.inputs["person"].tolist() == [[1, 0], [0, 1]]
    assert data.train.inputs["numbers"].tolist() == [[1, 2], [3, 4]]


# ---------------------------------------------------------------- identifiers, the first row


def remarks(folder: Path, text: str, **options: Any) -> list[str]:
    write(folder / "t.csv", text)
    source = Csv(file="t.csv", **({"target": ("y",)} | options))
    source.facts(folder)
    return ["\n".join(code_and_text(one)) for one in source.remarks(folder)]


def ids(name: str, cell: str = "{}", rows: int = 12) -> str:
    return f"{name},a,y\n" + "".join(f"{cell.format(7 * i % rows)},{i},{'pq'[i % 2]}\n" for i in range(rows))


@pytest.mark.parametrize("name", ["id", "PassengerId", "customerID", "user_id", "Order ID", "index", "Unnamed: 0"])
@pytest.mark.parametrize("cell", ["{}", "n-{}"])
def test_identifiers_are_left_out_with_a_word(tmp_path: Path, name: str, cell: str) -> None:
    text = ids(name, cell)
    assert load(tmp_path, text).columns == {"input": ("a",)}
    assert load(tmp_path, text, categories="auto").columns == {"input": ("a",)}
    (warning,) = remarks(tmp_path, text)
    assert f"NS527\nthe column `{name}` of t.csv identifies the rows" in warning
    assert f'`drop = "{name}"`' in warning
    assert (f'`per_column = of("{name}", as = number)`' in warning) == (cell == "{}")
    assert remarks(tmp_path, text, drop=(name,)) == []
    if cell == "{}":
        kept = load(tmp_path, text, of(name, as_=NumberColumn()))
        assert kept.columns == load(tmp_path, text, columns=(name, "a")).columns == {"input": (name, "a")}


OTHERS = [("paid", "{}"), ("humid", "{}"), ("idle", "{}"), ("id", "{}.5"), ("a_id", "1{}"), ("idx", "{}")]


@pytest.mark.parametrize(("name", "cell"), OTHERS[:4] + OTHERS[5:])
def test_other_columns_stay(tmp_path: Path, name: str, cell: str) -> None:
    assert load(tmp_path, ids(name, cell)).columns == {"input": (name, "a")}
    assert remarks(tmp_path, ids(name, cell)) == []


@pytest.mark.parametrize("rows", [3, 12])
@pytest.mark.parametrize("cell", ["{}", "n-{}"])
def test_a_first_column_without_a_name_that_identifies_the_rows_is_left_out(
    tmp_path: Path, cell: str, rows: int
) -> None:
    text = ids("", cell, rows)
    assert load(tmp_path, text).columns == {"input": ("a",)}
    (warning,) = remarks(tmp_path, text)
    assert '`drop = "Unnamed: 0"` in `csv(…)`' in warning
    assert remarks(tmp_path, text, drop=("Unnamed: 0",)) == []
    assert load(tmp_path, text, columns=("a",)).columns == {"input": ("a",)}


NAMELESS = [
    (",a,y\n7,1,p\n7,2,q\n", (), "column 1", '`drop = "Unnamed: 0"`'),
    ("a,,y\n7,1,p\n8,2,q\n", (), "column 2", '`drop = "Unnamed: 1"`'),
    ("a,b,y,\n7,1,p,\n8,2,q,\n", ("b",), "column 4", '`drop = ["b", "Unnamed: 3"]`'),
    (",a,,y\n0,1,2,p\n1,2,3,q\n", (), "column 1", '`drop = ["Unnamed: 0", "Unnamed: 2"]`'),
]


@pytest.mark.parametrize(("text", "drop", "column", "hint"), NAMELESS)
def test_other_columns_without_a_name_are_refused(
    tmp_path: Path, text: str, drop: tuple[str, ...], column: str, hint: str
) -> None:
    code, message, _ = fail(tmp_path, text, drop=drop)
    assert code == "NS406" and f"no name for {column}" in message and hint in message
    written = tuple(re.findall('"([^"]*)"', hint))
    assert load(tmp_path, text, drop=written).columns == {"input": ("a",)}


def test_an_id_that_repeats_stays(tmp_path: Path) -> None:
    text = ids("id") + "3,5,p\n"
    assert load(tmp_path, text).columns == {"input": ("id", "a")}
    assert load(tmp_path, ids("id", rows=9)).columns == {"input": ("id", "a")}  # too few rows to say


def test_a_first_row_of_numbers_that_is_taken_for_names(tmp_path: Path) -> None:
    (warning,) = remarks(tmp_path, "5.1,3.5,setosa\n4.9,3,setosa\n6,3.1,virginica\n", target=("setosa",))
    assert "NS528\nthe first row of t.csv looks like data: 5.1, 3.5, setosa" in warning
    assert "`header = none`, which calls the columns `column_1` to `column_3`" in warning
    assert remarks(tmp_path, "2010,2011,2012,y\n1,2,3,p\n4,5,6,q\n") == []
    assert remarks(tmp_path, "a,2,y\n1,2,p\n3,4,q\n") == []
    assert remarks(tmp_path, "5.1,3.5,setosa\n4.9,3,setosa\n", target=("column_3",), header="none") == []


def test_many_columns_take_time_in_proportion() -> None:
    encoder = RowEncoder(tuple(Column(str(number)) for number in range(20_000)))
    began = time.process_time()
    assert len(encoder.features) == 20_000 and encoder.shapes() == {"input": Shape((20_000,))}
    assert time.process_time() - began < 5  # the square would take a minute
