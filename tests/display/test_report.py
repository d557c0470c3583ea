"""Reports about runs: their numbers are those of the data and of the runs, and no failure costs a run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import statistics
from base64 import b64decode
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import netspec
from netspec.analysis.pages import report as pages
from netspec.analysis.pages.data import read_splits
from netspec.analysis.pages.live.feed import Feed, Update
from netspec.analysis.pages.live.server import event_text
from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.reproduce import command_of
from netspec.analysis.pages.sections import run_sections
from netspec.analysis.pages.statistics import features
from netspec.analysis.pages.training import training_section
from netspec.cli.main import run
from netspec.compiler.syntax.parser import lexed
from netspec.data import load as reading
from netspec.data.dataset.dataset import Dataset, Source
from netspec.display.charts.lines import Curve, Panel, description_of, visible_points
from netspec.display.metric_text import metric_text
from netspec.display.text import number_text
from netspec.runs.catalog import histories, look_at
from netspec.storage.run_files import distinct_names
from netspec.storage.run_lock import locked
from tests.display.conftest import TABLE, flowers

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture(scope="module")
def table_page(runs: Path) -> str:
    return netspec.report(runs / "table-1" / "seed-0").html


def tables(html: str) -> dict[str, list[list[str]]]:
    """The tables of a page by their captions, as texts."""

    def text(cell: str) -> str:
        return unescape(re.sub(r"<[^>]*>", "", cell)).strip()

    found = {}
    for part in re.findall(r"<table>.*?</table>", html, re.S):
        caption = re.search(r"<caption>(.*?)</caption>", part, re.S)
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr.*?</tr>", part, re.S)]
        assert caption is not None
        found[text(caption[1])] = [[text(cell) for cell in row] for row in rows]
    return found


def test_statistics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * (1, 10, 0.1) + (0, 50, -2)
    x[::7, 1] = np.nan
    scaler, ranges = StandardScaler().fit(x), MinMaxScaler().fit(x)
    for i, one in enumerate(features(x, ("a", "b", "c"))):
        np.testing.assert_allclose((one.mean, one.std), (scaler.mean_[i], scaler.scale_[i]), rtol=1e-12)
        np.testing.assert_allclose((one.low, one.high), (ranges.data_min_[i], ranges.data_max_[i]), rtol=1e-12)
        assert one.missing == np.isnan(x[:, i]).sum() and sum(one.counts) == 200 - one.missing
    pixels = rng.random((5, 4, 4, 3)).astype(np.float32)
    assert [one.name for one in features(pixels, None)] == ["red", "green", "blue"]
    assert next(features(np.full((4, 2), np.nan), None)).counts == ()


def test_data_are_counted_as_they_are(table_page: str) -> None:
    found, frame = tables(table_page), flowers()
    classes = {row[0]: [int(cell) for cell in row[1:4]] for row in found["Examples of each class"][1:]}
    assert {name: sum(row) for name, row in classes.items()} == frame["kind <b>"].value_counts().to_dict()
    splits = {row[0]: int(row[1]) for row in found["Examples of each split"][1:]}
    assert [*splits.values()] == [sum(column) for column in zip(*classes.values(), strict=True)] == [96, 24, 30]
    numbers = found["Numbers of the 96 training examples, before normalization"]
    assert numbers[0][:3] == ["", "missing", "minimum"] and [row[0] for row in numbers[1:]] == [*frame.columns[:4]]


def test_metrics_are_those_of_the_predictions(runs: Path, table_page: str) -> None:
    folder = runs / "table-1" / "seed-0"
    (caption, rows), *_ = ((c, r) for c, r in tables(table_page).items() if c.startswith("Metrics of the weights"))
    done = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert f"epoch {done['best_epoch']} " in caption
    assert rows[0] == ["metric", "training (96)", "validation (24)", "test (30)"]
    cells = {row[0]: row[1:] for row in rows[1:]}
    assert cells["loss"] == [metric_text("loss", done["metrics"][f"{sign}loss"]) for sign in ("", "val_", "test_")]
    frame, splits = flowers(), read_splits(ReadRun(folder))
    test = frame.iloc[splits.test_index]
    predicted = [row["class"] for row in netspec.load(folder).predict(test).to_dicts()]
    assert cells["accuracy"][2] == metric_text("accuracy", accuracy_score(test["kind <b>"], predicted))


def test_texts_are_not_html(table_page: str) -> None:
    assert "<script>alert" not in table_page and "&lt;script&gt;alert(1)" in table_page
    assert "<i>setosa" not in table_page and "&lt;i&gt;setosa" in table_page


def test_gradients_and_rates_have_charts(table_page: str) -> None:
    charts = {*re.findall(r'role="img" aria-label="([^"]*)"', table_page)}
    gradients, rates = "gradient norm (mean of the steps)", "learning rate (end of epoch)"
    assert {"loss", "accuracy", gradients, rates} <= charts
    assert any(chart.startswith("time per epoch (s)") for chart in charts)
    (words,) = re.findall(r"<desc>(learning rate.*?)</desc>", table_page)
    values = [number_text(0.02 * (1 + np.cos(np.pi * step / 9)) / 2) for step in (2, 8)]  # three steps in an epoch
    assert all(f"{value} in epoch {epoch}" in words for value, epoch in zip(values, (1, 3), strict=True))


def test_the_first_epoch_does_not_flatten_the_chart_of_the_times(runs: Path) -> None:
    """It compiles: beside it the others would lie on the axis."""
    one = ReadRun(runs / "table-1" / "seed-0")
    for number, record in enumerate(one.record.history):
        record["seconds"] = 0.5 if number else 4.0
    assert ">time per epoch (s), the first took 4 s<" in training_section(one).body


def test_charts_are_described_in_words() -> None:
    panel = Panel("loss", [Curve("a", [3.0, float("nan"), 0.5, 0.75])])
    expected = "loss over the epochs. a: 3 in epoch 1, 0.75 in epoch 4; smallest 0.5 in epoch 3, largest 3 in epoch 1."
    assert description_of(panel) == expected


def test_long_curves_keep_their_extremes() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    values[1234], values[77] = 40, np.nan
    points = visible_points(values.tolist())
    shown = [value for _, value in points if np.isfinite(value)]
    assert len(points) <= 801 and max(shown) == 40 and min(shown) == np.nanmin(values)
    assert [epoch for epoch, _ in points] == sorted(epoch for epoch, _ in points)
    assert all(value == values[epoch - 1] for epoch, value in points if np.isfinite(value))
    assert sum(not np.isfinite(value) for _, value in points) == 1
    assert visible_points([3.0, 1.0]) == [(1, 3.0), (2, 1.0)]


def test_seeds_have_mean_and_standard_deviation(runs: Path) -> None:
    found = tables(netspec.report(runs / "table-1").html)["Metrics of all seeds"]
    values = []
    for seed in ("seed-0", "seed-1"):
        done = (runs / "table-1" / seed / "metrics.jsonl").read_text().splitlines()[-1]
        values.append(json.loads(done)["metrics"]["test_loss"])
    row = next(row for row in found if row[0] == "test loss")
    assert row[1:3] == [metric_text("loss", statistics.fmean(values)), metric_text("loss", statistics.stdev(values))]


def test_runs_are_compared_with_the_best_marked(runs: Path) -> None:
    html = netspec.report(runs / "table-1" / "seed-0", runs / "table-1" / "seed-1").html
    rows = {row[0]: row[1:] for row in tables(html)["The runs side by side; ★: the best of a row"]}
    assert rows["train.seed"] == ["0", "1"] and rows["parameters"][0] == rows["parameters"][1]
    losses = [float(cell) for cell in rows["validation loss"]]
    marked = re.search(r'<th scope="row">validation loss</th>(.*?)</tr>', html, re.S)
    assert marked is not None
    assert re.findall(r'class="number best">([^<]*)<', marked[1]) == [
        rows["validation loss"][losses.index(min(losses))]
    ]


def test_runs_on_different_data_have_no_best_one(runs: Path) -> None:
    page = netspec.report(runs / "table-1" / "seed-0", runs / "images-1").html
    assert "2 runs on different data" in page and 'number best"' not in page and "has the best" not in page


def test_runs_of_the_same_name_have_longer_ones(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a/x/net-1", "b/x/net-1", "b/y/net-1", "b/y/net-2")]
    assert distinct_names(folders) == ["a/x/net-1", "b/x/net-1", "y/net-1", "net-2"]


def test_a_seed_has_the_name_of_its_run_except_beside_other_seeds_of_it(runs: Path, tmp_path: Path) -> None:
    seeds = [runs / "table-1" / name for name in ("seed-0", "seed-1")]
    assert distinct_names(seeds) == ["seed-0", "seed-1"]
    assert distinct_names([seeds[1], runs / "images-1"]) == ["table-1/seed-1", "images-1"]
    assert distinct_names([seeds[1], seeds[1]]) == ["table-1/seed-1"] * 2
    assert "<title>images-1</title>" in netspec.report(runs / "images-1", runs / "images-1").html
    assert netspec.report(seeds[0]).html.count("<title>table-1/seed-0</title>") == 1
    shutil.copytree(runs / "images-1", tmp_path / "other" / "images-1")
    labels = netspec.plot(runs / "images-1", tmp_path / "other" / "images-1").svg
    assert ">other/images-1<" in labels and f">{runs.name}/images-1<" in labels


# ---------------------------------------------------------------- states of runs


@pytest.mark.parametrize(("keep", "best"), [("best", 2), ("best -> every(2 epochs)", 2), ("best(val_accuracy)", 2)])
def test_the_best_epoch_of_an_unfinished_run(runs: Path, tmp_path: Path, keep: str, best: int) -> None:
    folder = shutil.copytree(runs / "table-1" / "seed-0", tmp_path / "unfinished")
    (folder / "checksums.json").unlink()
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["train"]["keep"] == "best"
    settings["train"] |= {"keep": keep, "watched": "val_accuracy"}
    (folder / "settings.json").write_text(json.dumps(settings))
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()][:3]
    for row, accuracy in zip(rows, (0.5, 0.75, 0.7), strict=True):
        row["metrics"]["val_accuracy"] = accuracy
        del row["crc32"]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = look_at(folder)
    assert found.best_epoch == best and found.metrics["val_accuracy"] == 0.75
    assert [one.best_epoch for one in histories([folder])] == [ReadRun(folder).best_epoch] == [best]
    settings["train"] |= {"keep": "last", "watched": None}
    (folder / "settings.json").write_text(json.dumps(settings))
    assert look_at(folder).metrics["val_accuracy"] == 0.7 and ReadRun(folder).best_epoch is None


def test_the_page_of_a_run_without_epochs(runs: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(runs / "images-1", tmp_path / "images-1")
    (folder / "metrics.jsonl").write_text("")
    bodies = {section.key: section.body for section in run_sections([ReadRun(folder)])}
    assert "No epoch has ended yet" in bodies["training"] and "interrupted" in bodies["summary"]


def test_data_are_read_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(source: Source, folder: Path) -> Dataset:
        read.append(source.word)
        return load(source, folder)

    load = reading._load
    monkeypatch.setattr(reading, "_load", counted)
    page = netspec.report(runs / "images-1").html
    assert "Some training examples" in page and "Confusion matrix" in page
    assert read == ["digits"]


def test_data_that_are_gone_are_said_to_be(runs: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(runs / "table-1" / "seed-0", tmp_path / "moved")
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps({**spec, "folder": str(tmp_path / "nowhere")}))
    (folder / "checksums.json").unlink()
    assert "The data cannot be read now" in netspec.report(folder).html


def test_runs_that_have_no_report(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "page.html")
    damaged, trained = (shutil.copytree(runs / "images-1", tmp_path / name) for name in ("damaged", "trained"))
    (damaged / "spec.net").write_text("input 3")
    with locked(trained):
        for folder, code in ((tmp_path / "none", "NS473"), (damaged, "NS475"), (trained, "NS491")):
            assert run(["report", str(folder), "-o", output]) == 1 and code in capsys.readouterr().err
    assert run(["report", str(runs / "images-1"), "-o", str(tmp_path / "page.pdf")]) == 1
    assert "a report is written as .html" in capsys.readouterr().err
    assert run(["report", str(runs / "images-1"), "-o", str(tmp_path / "none" / "page.html")]) == 1
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_report_is_written_by_the_command(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["report", "images-1", "--runs", str(runs), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["report"] == "images-1-report.html" and record["runs"] == [str(runs / "images-1")]
    assert Path(record["report"]).stat().st_size == record["bytes"]


def test_several_seeds_are_compared_by_their_means(runs: Path) -> None:
    folder = runs / "table-1"
    found = tables(netspec.report(folder, folder / "seed-1").html)
    rows = {row[0]: row[1:] for caption, part in found.items() if caption.startswith("The runs side") for row in part}
    assert rows["epochs"] == ["2 × 3", "3"] and rows["best epoch"][0] == "of each seed"
    losses = [json.loads((folder / f"seed-{i}/metrics.jsonl").read_text().splitlines()[-1])["metrics"] for i in (0, 1)]
    values = [one["test_loss"] for one in losses]
    text = " ± ".join(metric_text("loss", of(values)) for of in (statistics.fmean, statistics.stdev))
    assert rows["test loss"][0].startswith(text)
    (seeds,) = (part for caption, part in found.items() if "best weights of each seed (mean ±" in caption)
    assert next(row for row in seeds if row[0] == "loss")[3] == text


def test_the_command_of_a_seed_of_an_example_trains_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    train = ["train", "--example", "xor", "--no-report", "-D", "train.epochs=2"]
    assert run([*train, "--seeds", "2"]) in (0, 1)  # expectations of the spec are not met so soon
    commands = [command_of(ReadRun(Path("runs/xor-1", folder))) for folder in ("", "seed-1")]
    start = "netspec train --example xor -D train.epochs=2 "
    assert commands == [f"{start}--seeds 2", f"{start}--seed 1"]
    assert run([*shlex.split(commands[1])[1:], "--no-report"]) in (0, 1)
    weights = [Path("runs", name, "weights.safetensors").read_bytes() for name in ("xor-1/seed-1", "xor-2")]
    assert weights[0] == weights[1]
    Path("runs/xor-2/spec.net").write_text(Path("runs/xor-2/spec.net").read_text() + "# other\n")
    Path("runs/xor-2/checksums.json").unlink()
    assert command_of(ReadRun(Path("runs/xor-2"))).startswith("netspec train xor.net ")


def test_names_that_are_not_utf8(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, shown = tmp_path / os.fsdecode(b"i\xff-1"), r"i\udcff-1"
    shutil.copytree(runs / "images-1", folder)
    for command in (["report", "-o", "page.html"], ["plot", "-o", "plot.svg"], ["plot", "-o", "plot.png"]):
        assert run([command[0], folder.name, *command[1:], "--runs", ".", "--json"]) == 0
    assert shown in Path("page.html").read_text() and shown in Path("plot.svg").read_text()
    found = netspec.report(folder)
    found.save("saved.html")
    assert found.title == shown and Path("saved.html").read_text() == found.html
    capsys.readouterr()
    assert run(["report", folder.name, "--runs", ".", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["report"] == f"{folder.name}-report.html" and Path(record["report"]).stat().st_size == record["bytes"]
    feed = Feed([str(folder)], tmp_path)
    assert shown in feed.page()
    data = json.loads(event_text(Update("1", "status", {"title": folder.name})).partition("data: ")[2])
    assert data == {"title": shown}


def test_specs_in_folders_that_are_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xfe")
    folder.mkdir()
    spec = 'input 2\ndense(2, softmax)\ndata { source = csv("a.csv", target = "kind") }'
    (folder / os.fsdecode(b"net\xff.net")).write_text(spec)
    (folder / "a.csv").write_text("a,b,kind\n0,1,x\n1,0,y\n0,0,x\n1,1,y\n0.5,1,x\n1,0.5,y\n")
    trained = netspec.train(folder / os.fsdecode(b"net\xff.net"), runs=folder, epochs=1, verbose=0)
    again = netspec.resume(trained.run, epochs=2, verbose=0)  # the data are found
    assert again.epochs == 2 and "have changed" not in netspec.report(trained).html


def test_seeds_without_metrics_are_listed(runs: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(runs / "table-1", tmp_path / "table-1")
    (folder / "seed-1" / "settings.json").write_text("{")
    page = netspec.report(folder).html
    assert "1 of 2" in page and "seed-1 is broken" in page and "table-1/seed-0" in page
    shutil.rmtree(folder / "seed-1")
    page = netspec.report(folder).html
    assert "1 of 2" in page and "seed-1 is broken" in page


def test_a_page_that_cannot_be_written_is_not_made(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.html").mkdir()
    found = netspec.report(runs / "images-1")
    with pytest.raises(FileNotFoundError) as missing:
        found.save(tmp_path / "none" / "x.html")
    assert missing.value.filename == str(tmp_path / "none" / "x.html")
    monkeypatch.setattr(pages, "report", None)
    for name, words in (("folder.html", "it is a folder"), ("none/x.html", "there is no folder")):
        assert run(["report", str(runs / "images-1"), "-o", str(tmp_path / name)]) == 1
        assert words in " ".join(capsys.readouterr().err.split())


# ---------------------------------------------------------------- netspec train


def test_training_leaves_a_report_of_each_seed(runs: Path) -> None:
    for folder in (runs / "images-1", runs / "table-1", runs / "table-1" / "seed-0", runs / "table-1" / "seed-1"):
        page = (folder / "report.html").read_text()
        assert "<h2" in page and f"netspec report {folder}" in page
        assert "report.html" not in (folder / "checksums.json").read_text()


def test_no_failure_of_the_report_costs_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "iris.csv").write_text(flowers().to_csv(index=False))
    (tmp_path / "table.net").write_text(TABLE.replace("seeds = 2", "seeds = 1").replace("epochs = 3", "epochs = 1"))
    train = ["train", str(tmp_path / "table.net"), "--runs", str(tmp_path)]
    assert run([*train, "--no-report"]) == 0 and not (tmp_path / "table-1" / "report.html").exists()

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(pages, "page_html", fails)
    capsys.readouterr()
    assert run(train) == 0
    assert "the report of" in (err := capsys.readouterr().err) and "RuntimeError: a mistake" in err
    assert netspec.load(tmp_path / "table-2") is not None and not (tmp_path / "table-2" / "report.html").exists()


# ---------------------------------------------------------------- from Python, and the text of specs


def test_a_report_from_python(runs: Path, tmp_path: Path) -> None:
    import netspec.display.text  # the folder of the same name hides nothing

    found = netspec.report(runs / "images-1")
    assert repr(found) == "<Report images-1>"
    found.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == found.html
    frame = re.fullmatch(r'<iframe srcdoc="([^"]*)" title="images-1" .*></iframe>', found._repr_html_(), re.S)
    assert frame is not None and unescape(frame[1]) == found.html
    with pytest.raises(ValueError, match=r"a report is written as \.html, not as `page\.txt`"):
        found.save(tmp_path / "page.txt")
    with pytest.raises(TypeError, match="give at least one run folder"):
        netspec.report()
    with pytest.raises(TypeError, match="`run` is a run folder"):
        netspec.report(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", 'conv(3 "abc\n ?? # x -> 1\n= 3..4é', (SPECS / "transformer.net").read_text()])
def test_code_in_pieces_is_the_same_text(text: str) -> None:
    assert "".join(piece for _, piece in lexed(text)) == text


def test_pieces_of_code_have_their_kinds() -> None:
    text = 'input 8x8 # "no" text\nx = conv(10%) -> csv("a -> 1")'
    found = [(kind, piece) for kind, piece in lexed(text) if kind]
    assert found == [
        ("keyword", "input"), ("number", "8x8"), ("comment", '# "no" text'), ("number", "10%"), ("arrow", "->"),
        ("string", '"a -> 1"'),
    ]  # fmt: skip


def test_a_run_on_arrays_is_reported_with_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    y = x[:, :1] * 3 + 50
    spec = "param width = 2\ninput 3\ndense(width) -> dense(1)\nexpect { test_mae < 1000\ntest_rmse < 0 }"
    trained = netspec.train(spec, (x, y), epochs=1, params={"width": 3}, runs=tmp_path, verbose=0, expect="ignore")
    call = 'netspec.train("network.net", data, epochs=1, params={"width": 3})'
    without, found = netspec.report(trained).html, netspec.report(trained, data=(x, y)).html
    assert call in unescape(without) and "which a run folder does not hold" in without
    index = read_splits(ReadRun(trained.run, data=(x, y))).train_index
    inputs = tables(found)["Numbers of the 40 training examples"]  # targets alone are normalized
    targets = tables(found)["Numbers of the 40 training examples, before normalization"]
    assert len(index) == 40 and inputs[-1][0] == "feature 3"
    assert [row[::2][:2] for row in targets[1:]] == [["target", number_text(float(y[index].mean(dtype=np.float64)))]]
    means = [row[2] for row in inputs[1:]]
    assert means == [number_text(float(x[index, i].mean(dtype=np.float64))) for i in range(3)]
    expected = {row[0]: row[2] for row in tables(found)["What the spec expects"][1:]}
    assert expected == {"test_mae < 1000": "met", "test_rmse < 0": "not met"}


def test_pages_of_large_images_and_long_names_are_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 400, 300, 3)).astype(np.float32), np.arange(40) % 3
    spec = "input 400x300x3\nmaxpool(100) -> flatten -> dense(3, softmax)"
    page = netspec.report(netspec.train(spec, (x, y), epochs=1, runs=tmp_path, verbose=0), data=(x, y)).html
    assert len(page.encode()) < 500_000 and "they are shown smaller" in page
    shown = [
        Image.open(BytesIO(b64decode(part))) for part in re.findall(r'<img src="data:image/\w+;base64,([^"]*)"', page)
    ]
    assert len(shown) == 16 and {image.size for image in shown} == {(72, 96)}
    means = sorted(float(np.mean(image)) / 255 for image in shown)
    assert means == pytest.approx(sorted(x.mean(axis=(1, 2, 3)))[:16], abs=0.01)
    long, other = ("x" * 10_000, "wide \U0001f600" * 2_000)
    rows = "".join(f"{i},{i * i % 7},{(long, other)[i % 2]}\n" for i in range(40))
    (tmp_path / "long.csv").write_text(f"{long},b,kind\n{rows}")
    (tmp_path / "long.net").write_text('input 2\ndense(2, softmax)\ndata { source = csv("long.csv", target = "kind") }')
    run_of_names = netspec.train(tmp_path / "long.net", runs=tmp_path, epochs=1, verbose=0)
    page = netspec.report(run_of_names).html
    assert len(page.encode()) < 250_000 and "x" * 59 + "…" in page
    assert (
        max(map(len, re.findall(r"x{61,}", re.sub(r'<section id="reproduce".*', "", page, flags=re.S))), default=0) == 0
    )
