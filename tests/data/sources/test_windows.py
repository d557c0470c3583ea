"""Windows over series: which rows they hold, gaps, groups, missing values, splits in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.data.checks.leaks import check_leaks
from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.lazy_rows import Rows, read_all
from netspec.data.dataset.options import Last
from netspec.data.settings import DataSettings
from netspec.data.sources.series.cut import longest_stretch
from netspec.data.sources.series.windows import Windows
from netspec.data.sources.tables.columns import DateColumn, OfColumns
from netspec.data.splits.folds import Grouped
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.times import season_name, times_after
from netspec.language.diagnostics import Unplaced


def write(path: Path, rows: Sequence[Sequence[Any]], header: str = "time,load,heat") -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")


def hours(count: int, *, without: Sequence[int] = ()) -> list[list[Any]]:
    """A row for each hour: its number, and ten times that."""
    times = [np.datetime64("2024-03-01T00:00") + np.timedelta64(i, "h") for i in range(count)]
    return [[str(t).replace("T", " "), i, 10 * i] for i, t in enumerate(times) if i not in without]


def source(folder: Path, rows: Sequence[Sequence[Any]], header: str = "time,load,heat", **options: Any) -> Windows:
    write(folder / "load.csv", rows, header)
    given = {"past": 3, "inputs": ("load", "heat"), "targets": ("load",), "time": "time", **options}
    return Windows(file="load.csv", **given)


def load(folder: Path, rows: Sequence[Sequence[Any]], header: str = "time,load,heat", **options: Any) -> Dataset:
    made = source(folder, rows, header, **options).load(folder)
    assert isinstance(made, Dataset)
    return made


def arrays(dataset: Dataset) -> tuple[Any, Any]:
    return read_all(dataset.train.inputs["input"]), read_all(dataset.train.targets["output"])


def test_windows_are_those_of_numpy(tmp_path: Path) -> None:
    rows = hours(20)
    x, y = arrays(load(tmp_path, rows, ahead=2, step=3))
    numbers = np.array([row[1:] for row in rows], np.float32)
    view = np.lib.stride_tricks.sliding_window_view(numbers, 5, axis=0).transpose(0, 2, 1)[::3]
    np.testing.assert_array_equal(x, view[:, :3])
    np.testing.assert_array_equal(y, view[:, 3:, 0])


def test_rows_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    rows = hours(12)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(12)]
    for found, expected in zip(arrays(load(tmp_path, shuffled)), arrays(load(tmp_path, rows)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_streamed_windows_are_the_same_and_hold_each_row_once(tmp_path: Path) -> None:
    made = source(tmp_path, hours(50), past=20)
    streamed = made.stream(tmp_path)
    loaded = made.load(tmp_path)
    assert streamed is not None and isinstance(loaded, Dataset)
    column = streamed.train.inputs["input"]
    assert isinstance(column, Rows)
    np.testing.assert_array_equal(read_all(column), loaded.train.inputs["input"])
    assert column.base.nbytes == 50 * 2 * 4  # type: ignore[attr-defined]
    assert made.stream_above is not None


def test_no_window_reaches_over_a_gap(tmp_path: Path) -> None:
    made = source(tmp_path, hours(20, without=[8]))
    x, y = arrays(made.load(tmp_path))  # type: ignore[arg-type]
    every = np.concatenate([x[:, :, 0], y], axis=1)
    assert len(every) == 5 + 8 and (np.diff(every, axis=1) == 1).all()
    (gap,) = made.remarks(tmp_path)
    text = gap.diagnostic().message
    assert "1 gap" in text and "2024-03-01 07:00, then 2024-03-01 09:00" in text and "row 9" in text
    with pytest.raises(Unplaced) as refused:
        made.replace(gaps="error").load(tmp_path)
    assert refused.value.diagnostic().code == "NS624"


def test_months_are_no_gaps_and_a_forecast_follows_the_calendar(tmp_path: Path) -> None:
    rows = [[f"2023-{month:02}-28", month, month] for month in range(1, 13)]
    made = source(tmp_path, rows)
    assert len(made.load(tmp_path).train) == 9 and made.remarks(tmp_path) == []  # type: ignore[union-attr]
    last = np.datetime64("2024-01-31").astype("datetime64[s]").astype(float)
    months = times_after(last, 3, 30.4 * 86400, "%Y-%m-%d").astype("datetime64[s]").astype("datetime64[D]")
    assert months.astype(str).tolist() == ["2024-02-29", "2024-03-31", "2024-04-30"]


def test_no_window_crosses_from_one_series_to_another(tmp_path: Path) -> None:
    rows = [[*row, name] for row in hours(10) for name in ("north", "south")]
    rows = [[t, load + 100 * (name == "south"), heat, name] for t, load, heat, name in rows]
    dataset = load(tmp_path, rows, "time,load,heat,station", group="station")
    x, y = arrays(dataset)
    assert len(x) == 14 and all(len({*(part // 100).reshape(-1)}) == 1 for part in np.c_[x[:, :, 0], y])
    with pytest.raises(Unplaced) as twice:
        load(tmp_path, rows, "time,load,heat,station")
    assert twice.value.diagnostic().code == "NS622" and "group" in twice.value.diagnostic().hint_text


def test_missing_values(tmp_path: Path) -> None:
    rows = hours(12)
    rows[5][2] = ""
    with pytest.raises(Unplaced) as error:
        load(tmp_path, rows)
    assert "row 7" in error.value.diagnostic().message
    x, _ = arrays(load(tmp_path, rows, missing="drop"))
    assert not {3, 4, 5} & {*x[:, 0, 0].tolist()} and len(x) == 6
    x, _ = arrays(load(tmp_path, rows, missing="previous"))
    assert len(x) == 9 and x[3, 2, 1] == 40  # the value of the hour before, not of the hour after
    x, _ = arrays(load(tmp_path, rows, missing=-1.0))
    assert x[3, 2, 1] == -1
    rows[5][1] = ""  # no forecast is measured against a number that is not there
    _, y = arrays(load(tmp_path, rows, missing="previous"))
    assert 5 not in y and len(y) == 8


def test_known_columns_are_those_of_the_rows_ahead(tmp_path: Path) -> None:
    dataset = load(tmp_path, hours(12), ahead=2, inputs=("load",), known=("heat",))
    past, known = (read_all(dataset.train.inputs[name]) for name in ("past", "known"))
    assert past.shape == (8, 3, 1) and known.shape == (8, 2, 1)
    np.testing.assert_array_equal(known[0, :, 0], [30, 40])
    with pytest.raises(Unplaced) as leak:
        load(tmp_path, hours(12), known=("load",))
    assert leak.value.diagnostic().code == "NS621"


def test_categories_and_the_time_itself(tmp_path: Path) -> None:
    rows = [[*row, "ab"[i % 2]] for i, row in enumerate(hours(12))]
    dataset = load(tmp_path, rows, "time,load,heat,kind", inputs=("load", "kind", "time"))
    assert dataset.train.inputs["input"].shape == (9, 3, 1 + 2 + 3)  # hours, sine and cosine of the day
    ids = load(tmp_path, rows, "time,load,heat,kind", inputs=("load", "kind"), encode="ids")
    assert ids.facts.inputs["kind"].vocabulary == 3 and ids.train.inputs["kind"].shape == (9, 3)


def test_parts_of_the_time(tmp_path: Path) -> None:
    """The features are those of the formula; what grows with time is left out."""
    dates = OfColumns(columns=("time",), as_=DateColumn(parts=("week", "day")))
    dataset = load(tmp_path, hours(30), ahead=2, inputs=("load",), known=("time",), per_column=(dates,))
    known = read_all(dataset.train.inputs["known"])
    hour = np.arange(3, 30 - 1)[:, None] + np.arange(2)[None, :]
    week, day = 2 * np.pi * (4 + hour / 24) / 7, 2 * np.pi * hour / 24  # the 1st of March 2024 was a Friday
    expected = np.stack([np.sin(week), np.cos(week), np.sin(day), np.cos(day)], axis=-1)
    np.testing.assert_allclose(known, expected[: len(known)], atol=1e-6)
    (tmp_path / "net.net").write_text(
        SPEC.format(split="").replace(
            'time = "time"', 'time = "time", per_column = of("time", as = date(parts = month))'
        )
    )
    (wrong, *_) = netspec.check(tmp_path / "net.net")
    assert wrong.is_error and "`linear`, `year`, `week` or `day`" in wrong.message + wrong.hint_text + wrong.label_text


def test_class_of_the_last_row(tmp_path: Path) -> None:
    rows = [[*row, "rest" if i < 6 else "walk"] for i, row in enumerate(hours(12))]
    dataset = load(tmp_path, rows, "time,load,heat,what", targets=("what",), ahead=0)
    assert dataset.facts.targets["output"].names == ("rest", "walk")
    np.testing.assert_array_equal(dataset.train.targets["output"], [0] * 4 + [1] * 6)
    with pytest.raises(Unplaced) as leak:
        load(tmp_path, hours(12), ahead=0)
    assert leak.value.diagnostic().code == "NS621"


def test_too_few_rows(tmp_path: Path) -> None:
    with pytest.raises(Unplaced) as few:
        load(tmp_path, hours(8, without=[3]), past=5)
    assert "the longest stretch has 4" in str(few.value.diagnostic().label_text)
    assert longest_stretch(np.array([0, 0, 0, 1, 1]), np.array([False, True, False, False, False])) == 2


# ---------------------------------------------------------------- splits in the order of time


def test_splits_are_the_ends_and_do_not_overlap(tmp_path: Path) -> None:
    rows = [[*row, name] for name in ("north", "south") for row in hours(60)]
    dataset = load(tmp_path, rows, "time,load,heat,station", group="station", ahead=4)
    splits = split_dataset(dataset, DataSettings(test=Last(size=0.1), val=Last(size=0.2)))
    order = dataset.order
    assert order is not None and splits.val_index is not None and splits.test_index is not None
    for series in (0, 1):
        train, val, test = (
            part[order.series[part] == series] for part in (splits.train_index, splits.val_index, splits.test_index)
        )
        assert len(test) == 5 and len(val) == 9  # a tenth of 54, a fifth of what is left
        rows_of = {*np.concatenate([np.arange(order.begin[i], order.end[i] + 1) for i in train]).tolist()}
        for held in (val, test):
            targets = {*np.concatenate([np.arange(order.target[i], order.end[i] + 1) for i in held]).tolist()}
            assert not rows_of & targets
        assert order.end[train].max() < order.target[val].min() <= order.target[test].min()


def test_a_planted_leak_is_refused(tmp_path: Path) -> None:
    """As by a draw at random: the last window of the training holds the first target of the validation."""
    dataset = load(tmp_path, hours(60))
    splits = split_dataset(dataset, DataSettings(test=0, val=Last(size=0.2)))
    assert [*check_leaks(splits, None)] == []
    leaking = replace(splits, train_index=np.append(splits.train_index, splits.train_index[-1] + 1))
    (leak,) = check_leaks(leaking, None)
    assert leak.code == "NS621" and leak.message.startswith("1 windows of the training")
    drawn = np.random.default_rng(0).permutation(57)
    (leak,) = check_leaks(replace(splits, train_index=drawn[10:], val_index=drawn[:10]), None)
    assert leak.code == "NS621"


def test_normalization_knows_nothing_of_the_end(tmp_path: Path) -> None:
    rows = hours(60)
    settings = DataSettings(test=Last(size=0.2), normalize="standard")
    before = split_dataset(load(tmp_path, rows), settings)
    for row in rows[-11:]:
        row[1] = row[2] = 1e6
    after = split_dataset(load(tmp_path, rows), settings)
    assert before.normalization == after.normalization


def labeled(names: Sequence[str] = ("",)) -> list[list[Any]]:
    return [
        [row[0], row[1] + 1000 * k, row[2], "ab"[i // 7 % 2], name]
        for k, name in enumerate(names)
        for i, row in enumerate(hours(60))
    ]


LABELS: dict[str, Any] = {"targets": ("what",), "ahead": 0, "past": 10}


@pytest.mark.parametrize("step", [1, 4])
def test_labeled_windows_of_the_parts_share_no_row(tmp_path: Path, step: int) -> None:
    rows = labeled(("north", "south"))
    dataset = load(tmp_path, rows, "time,load,heat,what,station", group="station", step=step, **LABELS)
    splits = split_dataset(dataset, DataSettings(test=Last(size=0.2), val=Last(size=0.2)))
    order = dataset.order
    assert order is not None and splits.val_index is not None and splits.test_index is not None
    held = [
        {row for i in part for row in range(order.begin[i], order.begin[i] + 10)}
        for part in (splits.train_index, splits.val_index, splits.test_index)
    ]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
    gap = -(-10 // step) - 1  # a window begins every `step` rows; all that share none of the 10 rows are kept
    for series in (0, 1):
        sizes = [int((order.series[i] == series).sum()) for i in (splits.train_index, splits.val_index,
                                                                  splits.test_index)]  # fmt: skip
        assert sum(sizes) == (51 + step - 1) // step - 2 * gap
    # planted: the window before the first of the test, which shares 10 - step of its rows
    first = splits.test_index[0]
    leaking = replace(splits, train_index=np.append(splits.train_index, first - 1), val_index=None)
    (leak,) = check_leaks(leaking, None)
    assert leak.code == "NS621" and leak.message.startswith("1 windows of the training share rows")
    assert [*check_leaks(splits, None)] == []


def test_a_test_file_that_shares_rows_with_labeled_windows_is_refused(tmp_path: Path) -> None:
    rows = labeled()
    write(tmp_path / "later.csv", rows[30:], "time,load,heat,what,station")
    made = source(tmp_path, rows[:32], "time,load,heat,what,station", test="later.csv", **LABELS)
    with pytest.raises(Unplaced) as leak:  # rows 30 and 31 are in both; no label of the test file is in the training
        made.load(tmp_path)
    assert "share rows with those of the test file" in leak.value.diagnostic().message
    assert len(
        source(tmp_path, rows[:30], "time,load,heat,what,station", test="later.csv", **LABELS).load(tmp_path).test
    )  # type: ignore


def test_whole_series_are_held_out_by_their_group(tmp_path: Path) -> None:
    rows = labeled("pqrst")
    dataset = load(tmp_path, rows, "time,load,heat,what,station", group="station", **LABELS)
    assert dataset.order is not None
    seen = []
    for fold in (1, 2, 3):
        settings = DataSettings(folds=Grouped(count=3, by="station"), fold=fold, val=1)
        splits = split_dataset(dataset, settings)
        assert splits.test_index is not None and splits.val_index is not None
        parts = [{*dataset.order.series[i].tolist()} for i in (splits.train_index, splits.val_index, splits.test_index)]
        assert len(parts[1]) == 1 and sum(map(len, parts)) == len(parts[0] | parts[1] | parts[2]) == 5
        assert [*check_leaks(splits, None)] == []
        seen += [*parts[2]]
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_only_folds_by_the_group_keep_windows_apart(tmp_path: Path) -> None:
    write(tmp_path / "load.csv", labeled("pqrst"), "time,load,heat,what,station")
    spec = """
input 10x2
flatten -> dense(1, sigmoid)
data {{
    source = windows("load.csv", past = 10, ahead = 0, inputs = ["load", "heat"], targets = "what", time = "time",
                     group = "station")
    {split}
}}
"""
    (tmp_path / "net.net").write_text(spec.format(split='folds = grouped(3, by = "station")'))
    assert netspec.check(tmp_path / "net.net") == []
    for split in ("folds = 3", "folds = grouped(3, by = heat)", "folds = by_time(3)"):
        (tmp_path / "net.net").write_text(spec.format(split=split))
        (wrong,) = netspec.check(tmp_path / "net.net")
        assert wrong.code == "NS620" and 'grouped(3, by = "station")` for whole series' in wrong.hint_text
    (tmp_path / "net.net").write_text(spec.format(split="test = 20%"))
    (wrong,) = netspec.check(tmp_path / "net.net")
    assert "`test = 20%` draws" in wrong.message and "`test = last(20%)`" in wrong.hint_text


def test_known_needs_rows_ahead(tmp_path: Path) -> None:
    with pytest.raises(Unplaced) as wrong:
        load(tmp_path, labeled(), "time,load,heat,what,station", known=("heat",), **LABELS)
    assert wrong.value.diagnostic().code == "NS628" and "`known` needs rows ahead" in wrong.value.diagnostic().message


def test_the_advice_for_an_input_has_its_name(tmp_path: Path) -> None:
    write(tmp_path / "load.csv", hours(40))
    text = SPEC.replace("input 3x2", "input past: 3x2\ninput known: 4x1")
    text = text.replace("flatten -> dense(1)", "(past -> flatten | known -> flatten) -> concat -> dense(1)")
    text = text.format(split="val = last(20%)").replace('time = "time"', 'time = "time", known = "heat"')
    (tmp_path / "net.net").write_text(text)
    (wrong,) = netspec.check(tmp_path / "net.net")
    assert wrong.code == "NS430" and "write `input known: 1x1`" in wrong.hint_text


SPEC = """
input 3x2
flatten -> dense(1)
data {{
    source = windows("load.csv", past = 3, inputs = ["load", "heat"], targets = "load", time = "time")
    {split}
}}
"""


def test_random_windows_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "load.csv", hours(40))
    for split, part in (("val = 20%", "val"), ("test = 5", "test")):
        (tmp_path / "net.net").write_text(SPEC.format(split=split))
        (wrong,) = netspec.check(tmp_path / "net.net")
        assert wrong.code == "NS620" and f"`{part} = last(" in wrong.hint_text
    (tmp_path / "net.net").write_text(SPEC.format(split="val = last(20%)"))
    assert netspec.check(tmp_path / "net.net") == []


def test_a_test_file_with_rows_of_the_training_is_refused(tmp_path: Path) -> None:
    rows = hours(60)
    write(tmp_path / "later.csv", rows[40:])
    made = source(tmp_path, rows[:45], test="later.csv")
    with pytest.raises(Unplaced) as leak:
        made.load(tmp_path)
    assert leak.value.diagnostic().code == "NS621" and "rows that are targets of the test file" in str(
        leak.value.diagnostic().message
    )
    assert len(source(tmp_path, rows[:43], test="later.csv").load(tmp_path).test) == 17  # type: ignore


def test_classes_of_a_test_file_are_those_of_the_training(tmp_path: Path) -> None:
    rows = [[row[0], row[1], "abc"[row[1] % 3]] for row in hours(60)]
    options: dict[str, Any] = {"targets": ("heat",), "inputs": ("load",), "ahead": 0, "test": "later.csv"}
    write(tmp_path / "later.csv", [[*row[:2], "cb"[row[1] % 2]] for row in rows[45:]])
    dataset = source(tmp_path, rows[:40], **options).load(tmp_path)
    assert isinstance(dataset, Dataset) and dataset.test is not None
    assert dataset.facts.targets["output"].names == ("a", "b", "c")
    assert np.asarray(dataset.test.targets["output"]).tolist() == [1 + (n + 1) % 2 for n in range(47, 60)]
    write(tmp_path / "later.csv", [[*row[:2], "d" if row[1] == 50 else "a"] for row in rows[45:]])
    with pytest.raises(Unplaced) as unseen:
        source(tmp_path, rows[:40], **options).load(tmp_path)
    assert unseen.value.diagnostic().code == "NS483"


def test_baselines(tmp_path: Path) -> None:
    dataset = load(tmp_path, hours(40), ahead=5, season=4, past=6)
    assert dataset.order is not None
    last, season = dataset.baselines["last value"], dataset.baselines["4 hours before"]
    for i, begin in enumerate(dataset.order.begin.tolist()):
        ahead = begin + 6 + np.arange(5)
        np.testing.assert_array_equal(last[i], np.repeat(begin + 5, 5))
        np.testing.assert_array_equal(season[i], [ahead[0] - 4, ahead[1] - 4, ahead[2] - 4, ahead[3] - 4, ahead[4] - 8])


@pytest.mark.parametrize(
    ("season", "interval", "name"),
    [
        (24, 3600.0, "same hour yesterday"),
        (168, 3600.0, "same hour last week"),
        (96, 900.0, "same time yesterday"),
        (7, 86400.0, "same day last week"),
        (12, 31 * 86400.0, "same month last year"),
        (24, None, "24 rows before"),
    ],
)
def test_names_of_seasons(season: int, interval: float | None, name: str) -> None:
    assert season_name(season, interval, "%Y-%m-%d") == name


def test_the_end_of_a_table_and_of_arrays() -> None:
    x, y = np.arange(20, dtype=np.float32)[:, None], np.arange(20, dtype=np.float32)
    model = netspec.compile("input 1\ndense(1)\ndata { val = last(20%)\ntest = last(10%) }")
    from netspec.spec.experiment import prepare

    splits = prepare(model.compilation, (x, y)).splits
    assert splits.test_index is not None and splits.val_index is not None
    assert splits.test_index.tolist() == [18, 19] and splits.val_index.tolist() == [14, 15, 16, 17]
    assert splits.train_index.tolist() == [*range(14)]
