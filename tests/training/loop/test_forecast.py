"""A forecast from windows, from training to prediction: metrics beside their baselines, times, groups, formats."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netspec
from netspec.cli.main import run

SPEC = """
input 6x2
flatten -> dense(3)
data {
    source = windows(
        "load.csv", past = 6, ahead = 3, season = 4, inputs = ["load", "heat"], targets = "load", time = "date",
        group = "station"
    )
    val  = last(10%)
    test = last(20%)
    normalize = standard
}
train { epochs = 2 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two stations, and the rows of the table."""
    folder = tmp_path_factory.mktemp("forecast")
    rng = np.random.default_rng(3)
    rows = []
    for station, base in (("north", 10), ("south", 30)):
        for i in range(80):
            when = str(np.datetime64("2024-05-01T00:00") + np.timedelta64(i, "h")).replace("T", " ")
            load = base + 3 * np.sin(2 * np.pi * i / 4) + rng.normal() * 0.3
            rows.append([when, station, f"{load:.3f}", f"{rng.normal():.2f}"])
    with (folder / "load.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["date", "station", "load", "heat"], *rows])
    (folder / "net.net").write_text(SPEC)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> netspec.Result:
    return netspec.train(folder / "net.net", runs=folder / "runs")


def series(folder: Path, station: str) -> np.ndarray:
    frame = pl.read_csv(folder / "load.csv").filter(pl.col("station") == station)
    return frame["load"].to_numpy()


def test_baselines_are_those_of_numpy(folder: Path, trained: netspec.Result) -> None:
    errors: dict[str, list[np.ndarray]] = {"last value": [], "4 hours before": []}
    for station in ("north", "south"):
        load = series(folder, station)
        count = round(0.2 * (80 - 9 + 1))
        for begin in range(80 - 9 + 1 - count, 80 - 9 + 1):
            target = load[begin + 6 : begin + 9]
            errors["last value"].append(target - load[begin + 5])
            errors["4 hours before"].append(target - load[begin + 2 : begin + 5])
    for name, found in errors.items():
        known = trained.baselines[name]
        assert known["test_mae"] == pytest.approx(np.abs(found).mean(), rel=1e-4)
        assert known["test_rmse"] == pytest.approx(np.sqrt(np.square(found).mean()), rel=1e-4)
    record = json.loads((trained.run / "metrics.jsonl").read_text().splitlines()[-1])
    assert record["baselines"]["last value"]["test_mae"] == pytest.approx(trained.baselines["last value"]["test_mae"])


def test_the_last_line_compares(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder)
    assert run(["train", "net.net", "-D", "train.epochs=1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "test_mae" in shown and "(last value" in shown and "4 hours before" in shown


def test_predictions_have_times_and_units(folder: Path, trained: netspec.Result, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder)
    assert run(["predict", str(trained.run), "load.csv", "-o", "out.csv"]) == 0
    rows = list(csv.reader((folder / "out.csv").open()))
    assert rows[0] == ["station", "date", "load"]
    assert [row[:2] for row in rows[1:4]] == [["north", f"2024-05-04 {hour:02}:00"] for hour in (8, 9, 10)]
    assert len(rows) == 7
    frame = pl.read_csv(folder / "load.csv")
    found = trained.model.predict(frame)
    windows = np.stack(
        [frame.filter(pl.col("station") == s)[["load", "heat"]].to_numpy()[-6:] for s in ("north", "south")]
    )
    np.testing.assert_allclose(found.values, np.asarray(trained.model(windows.astype(np.float32))), rtol=1e-5)
    np.testing.assert_allclose([float(row[2]) for row in rows[1:]], found.values.reshape(-1), rtol=1e-5)
    assert found.forecast_rows()[3]["series"] == "south"
    parsed = frame.with_columns(pl.col("date").str.to_datetime("%Y-%m-%d %H:%M"))
    np.testing.assert_array_equal(trained.model.predict(parsed).values, found.values)
    np.testing.assert_array_equal(netspec.predict(trained.run, windows).values, found.values)
    every = netspec.predict(trained.run, frame, every_window=True)
    assert len(every) == 2 * (80 - 6 + 1) and every.forecast_rows()[0]["after"] == "2024-05-01 05:00"
    assert run(["predict", str(trained.run), "load.csv", "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-2])
    assert first["input"] == "north after 2024-05-04 07:00"
    assert [one["time"] for one in first["outputs"]["output"]["forecast"]] == [row[1] for row in rows[1:4]]


def test_series_with_too_few_rows_are_told(folder: Path, trained: netspec.Result, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder)
    lines = (folder / "load.csv").read_text().splitlines()
    (folder / "few.csv").write_text("\n".join([*lines[:81], *lines[-3:]]) + "\n")
    assert run(["predict", str(trained.run), "few.csv"]) == 0
    shown = capsys.readouterr()
    assert "NS629" in shown.err and "south" in shown.err and "north after" in shown.out
    (folder / "none.csv").write_text("\n".join([lines[0], *lines[-3:]]) + "\n")
    assert run(["predict", str(trained.run), "none.csv"]) == 1
    assert "NS625" in capsys.readouterr().err
    assert run(["predict", str(trained.run), "missing.csv"]) == 1
    assert "date, station, load, heat" in " ".join(capsys.readouterr().err.split())


def test_evaluation_on_a_file_and_resume(folder: Path, trained: netspec.Result, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    again = netspec.evaluate(trained.run)
    assert again["test_mae"] == pytest.approx(trained.metrics["test_mae"])
    other = netspec.evaluate(trained.run, "load.csv")
    assert other["test_mae"] > 0
    longer = netspec.resume(trained.run, epochs=3)
    assert longer.epochs == 3


def test_eval_shows_the_baselines_of_each_split(folder: Path, trained: netspec.Result, monkeypatch, capsys) -> None:
    monkeypatch.chdir(folder)
    assert run(["eval", str(trained.run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baselines"] == json.loads(json.dumps(trained.baselines))
    assert run(["eval", str(trained.run), "--split", "val", "--json"]) == 0
    load = {station: series(folder, station) for station in ("north", "south")}
    windows, test = 80 - 9 + 1, round(0.2 * (80 - 9 + 1))
    before = windows - test - 2  # two windows more hold a target of the test
    begins = range(before - round(0.1 * before), before)
    errors = [load[s][b + 6 : b + 9] - load[s][b + 5] for s in load for b in begins]
    shown = json.loads(capsys.readouterr().out)["baselines"]["last value"]
    assert shown["val_mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    assert run(["eval", str(trained.run), "--data", "load.csv"]) == 0
    assert "4 hours before" in capsys.readouterr().out


def test_a_forecast_of_the_future_needs_what_is_known_of_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As typed: a file that ends before the forecast does says so, and one with rows appended forecasts them."""
    rows = [row for row in csv.reader((folder / "load.csv").open()) if row[1] in ("station", "north")]
    table = tmp_path / "load.csv"

    def write(more: list[list[str]], count: int = 81) -> None:
        table.write_text("\n".join(",".join(row) for row in [*rows[:count], *more]) + "\n")

    write([])
    text = SPEC.replace("input 6x2\nflatten -> dense(3)", "input past: 6x1\ninput known: 3x1\n"
                        "(past -> flatten | known -> flatten) -> concat -> dense(3)")  # fmt: skip
    text = text.replace('inputs = ["load", "heat"]', 'inputs = "load", known = "heat"').replace(
        "epochs = 2", "epochs = 1"
    )
    (tmp_path / "net.net").write_text(text)
    assert run(["train", str(tmp_path / "net.net"), "--run-folder", str(tmp_path / "run"), "--no-report"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "is better than the network by test_rmse" in printed  # after an epoch
    assert run(["predict", str(tmp_path / "run"), str(table), "--json"]) == 0
    told = capsys.readouterr()
    assert "NS670" in told.out + told.err and "`date`, `station`, `heat`" in told.out + told.err
    times = ["2024-05-04 08:00", "2024-05-04 09:00", "2024-05-04 10:00"]
    write([[time, "north", "", "0.5"] for time in times])
    assert run(["predict", str(tmp_path / "run"), str(table), "--json"]) == 0
    told = capsys.readouterr()
    assert "NS670" not in told.out + told.err and all(time in told.out for time in times)
    write([], count=6)
    assert run(["predict", str(tmp_path / "run"), str(table)]) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the last 6 rows of a series, and after them 3 rows with what is known in advance" in said
