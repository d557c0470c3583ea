"""The forecasts of a report: their errors are those computed from the table and from what `predict` says."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netspec
from netspec.analysis.quality.evaluated import evaluated
from netspec.analysis.quality.numbers.forecasts import Forecasts
from netspec.analysis.quality.sections import quality_sections
from netspec.analysis.quality.views.forecasts import forecasts_html
from netspec.display.charts.dates import date_axis
from tests.analysis.quality.conftest import train

PAST, AHEAD, ROWS, TEST = 6, 3, 60, 10
STATIONS = {"north": 10.0, "south": 300.0, "west": 2000.0}
GROUPS = """
input 6x1
flatten -> dense(3)
data {
    source = windows(
        "stations.csv", past = 6, ahead = 3, season = 4, inputs = "load", targets = "load", time = "date",
        group = "station"
    )
    test      = last(10)
    normalize = standard
}
train { epochs = 2 }
"""
PLAIN = """
input 4x2
flatten -> dense(2)
data {
    source = windows("two.csv", past = 4, ahead = 1, inputs = ["a", "b"], targets = ["a", "b"])
    test   = last(20%)
}
train { epochs = 1 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of series: three stations by the hour, their rows mixed; and two numbers without times."""
    found, rng = tmp_path_factory.mktemp("forecasts"), np.random.default_rng(1)
    rows = []
    for hour in range(ROWS):
        for station, size in STATIONS.items():
            when = str(np.datetime64("2024-12-30T00:00") + np.timedelta64(hour, "h")).replace("T", " ")
            load = size * (1 + 0.3 * np.sin(np.pi * hour / 2) + 0.05 * rng.normal())
            rows.append({"date": when, "station": station, "load": round(load, 3)})
    pl.DataFrame(rows).write_csv(found / "stations.csv")
    pl.DataFrame({"a": rng.normal(size=40), "b": rng.normal(size=40)}).write_csv(found / "two.csv")
    return found


@pytest.fixture(scope="module")
def groups(folder: Path) -> Path:
    return train(folder, "groups", GROUPS)


def errors_of(folder: Path, run: Path) -> dict[str, dict[str, np.ndarray]]:
    """By station, the errors of the test windows: those of the network from `predict`, those of others by hand."""
    table = pl.read_csv(folder / "stations.csv")
    found = {}
    for station in STATIONS:
        own = table.filter(pl.col("station") == station)
        load = own["load"].to_numpy()
        made = np.array(netspec.predict(run, own, every_window=True).values).reshape(-1, AHEAD)
        begins = np.arange(ROWS - PAST - AHEAD + 1)[-TEST:]
        true = load[begins[:, None] + PAST + np.arange(AHEAD)]
        last, season = load[begins + PAST - 1][:, None], load[begins[:, None] + PAST - 4 + np.arange(AHEAD)]
        found[station] = {
            "network": np.abs(made[begins] - true),
            "last value": np.abs(last - true),
            "4 hours before": np.abs(season - true),
        }
    return found


def rows_of(body: str, caption: str) -> list[list[str]]:
    """The cells of a table of a section."""
    table = next(one for one in re.findall(r"<table>.*?</table>", body) if f"<caption>{caption}" in one)
    return [[unescape(c) for c in re.findall(r"<t[hd][^>]*>([^<]*)</t", row)] for row in table.split("<tr>")[1:]]


def test_errors_are_those_of_predictions(folder: Path, groups: Path) -> None:
    bodies = {one.key: one.body for one in quality_sections(groups)}
    assert [*bodies] == ["quality", "forecasts", "errors"]
    body, errors = bodies["forecasts"], errors_of(folder, groups)
    head, *steps = rows_of(body, "Mean absolute error by step ahead")
    assert head[1:] == ["network", "last value", "4 hours before"]
    for step, row in enumerate(steps):
        expected = [np.mean([errors[s][name][:, step] for s in STATIONS]) for name in head[1:]]
        assert row[0] == str(step + 1)
        assert [float(cell.replace(",", "")) for cell in row[1:]] == pytest.approx(expected, rel=1e-3)
    head, *series = rows_of(body, "Mean absolute error by series: All 3 series")
    worst_first = sorted(STATIONS, key=lambda s: -errors[s]["network"].mean())
    assert [row[:2] for row in series] == [[station, str(TEST)] for station in worst_first]
    for station, row in zip(worst_first, series, strict=True):
        expected = [errors[station][name].mean() for name in head[2:]]
        assert [float(cell.replace(",", "")) for cell in row[2:]] == pytest.approx(expected, rel=1e-3)
    titles = re.findall(r"<svg[^>]*><title>([^<]*)\.", body)
    assert [title.split(". ")[0].partition(": error")[0] for title in titles] == [
        f"Worst of 3 series: {worst_first[0]}",
        f"Median of 3 series: {worst_first[1]}",
        "Worst window",
        "Median window",
        "Error by step ahead",
        "Error over time",
    ]
    worst = max(errors[s]["network"].mean(axis=1).max() for s in STATIONS)
    shown = next(title for title in titles if title.startswith("Worst window"))
    assert float(re.findall(r"error ([\d,.]+)", shown)[0].rstrip(".").replace(",", "")) == pytest.approx(
        worst, rel=1e-3
    )


def forecasts(run: Path) -> list[Forecasts]:
    of = evaluated(run)
    assert of is not None
    order = of.examples.order(of.index)
    assert order is not None
    outcome, baselines = of.outcomes["output"], of.splits.baselines["test"]
    return [*Forecasts.of(order, of.index, outcome.expected, outcome.predicted, baselines)]


def test_windows_of_a_curve_do_not_overlap(folder: Path, groups: Path) -> None:
    (found,) = forecasts(groups)
    south = found.by_series()["south"]
    shown = south.take(south.chained(9))
    load = pl.read_csv(folder / "stations.csv").filter(pl.col("station") == "south")["load"].to_numpy()
    np.testing.assert_allclose(shown.expected.reshape(-1), load[-9:], rtol=1e-6)
    assert np.diff(shown.times().reshape(-1)).tolist() == [3600.0] * 8
    middle, errors = south.over_time(5)
    assert len(middle) == 5 and errors["network"].mean() == pytest.approx(south.mae()["network"])


def test_several_targets_without_times(folder: Path) -> None:
    run = train(folder, "plain", PLAIN)
    of = evaluated(run)
    assert of is not None
    body = forecasts_html(of, of.outcomes["output"])
    assert re.findall("<h3>([^<]*)</h3>", body) == ["a", "b"] and "by step ahead" not in body
    first, second = forecasts(run)
    table = pl.read_csv(folder / "two.csv")
    np.testing.assert_allclose(first.expected[:, 0], table["a"].to_numpy()[-7:], rtol=1e-6)
    made = np.array(netspec.predict(run, table, every_window=True).values).reshape(-1, 2)
    np.testing.assert_allclose(
        second.made["network"][:, 0], made[-8:-1, 1] if len(made) == 37 else made[-7:, 1], rtol=1e-5
    )
    assert first.times()[:, 0].tolist() == [*range(35, 42)]  # rows of the file, below its header


def seconds(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64))


@pytest.mark.parametrize(
    ("begin", "end", "labels", "told"),
    [
        ("2024-05-01T08:00", "2024-05-01T12:30", ["08:00", "09:00", "10:00", "11:00", "12:00"], "2024-05-01"),
        ("2024-12-30T12:00", "2025-01-01T12:00", ["2024-12-30 12:00", "2024-12-31 00:00", "2024-12-31 12:00"], ""),
        ("2024-03-02", "2024-03-12", ["03-02", "03-04", "03-06", "03-08", "03-10", "03-12"], "2024"),
        ("1960-01-01", "2020-01-01", ["1960", "1980", "2000", "2020"], ""),
        ("2023-11-20", "2024-09-20", ["2024-01", "2024-04", "2024-07"], ""),
    ],
)
def test_times_of_an_axis_are_round(begin: str, end: str, labels: list[str], told: str) -> None:
    axis, years = date_axis(seconds(begin), seconds(end))
    assert axis.texts[: len(labels)] == labels and years == told
    assert axis.low <= axis.ticks[0] and axis.ticks[-1] <= axis.high and len(axis.ticks) == len(axis.texts)
