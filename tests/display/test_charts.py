"""Charts: the numbers that axes show, the places of curves, and the pictures of runs in every form."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.display.charts.axes import axis_of, count_axis, tick_texts
from netspec.display.charts.field import HEIGHT, WIDTH
from netspec.display.charts.history import RunHistory, history_svg
from netspec.language.diagnostics import CompileError
from tests.display.test_drawing import check_page

SPEC = """\
input 4
dense(8, relu) -> dense(3, softmax)
data { val = 20% }
train {
    epochs    = 6
    optimizer = adam(0.05)
}
"""


@pytest.mark.parametrize(
    ("values", "ticks", "texts"),
    [
        ([0.12, 0.93], [0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([12_000, 52_000], [10_000, 20_000, 30_000, 40_000, 50_000, 60_000], ["10,000", "20,000"]),
        ([-1.0, 1.0, math.nan, math.inf], [-1, -0.5, 0, 0.5, 1], ["-1", "-0.5", "0", "0.5", "1"]),
        ([5.0], [2, 3, 4, 5, 6, 7, 8], ["2", "3"]),
        ([], [0, 0.2, 0.4, 0.6, 0.8, 1], ["0"]),
    ],
)
def test_ticks_are_round_and_hold_the_numbers(values: list[float], ticks: list[float], texts: list[str]) -> None:
    axis = axis_of(values)
    assert axis.ticks == pytest.approx(ticks)
    assert tick_texts(axis.ticks)[: len(texts)] == texts
    assert all(0 <= axis.at(value) <= 1 for value in values if math.isfinite(value))


def test_numbers_that_fall_by_factors_are_on_a_logarithmic_scale() -> None:
    axis = axis_of([2.0, 0.02, 0.0002], may_be_log=True)
    assert axis.is_log and axis.ticks == pytest.approx((0.001, 0.01, 0.1, 1.0))
    assert [axis.at(value) for value in (2.0, 0.02, 0.0002)] == pytest.approx([1, 0.5, 0])
    assert not axis_of([2.0, 1.0], may_be_log=True).is_log and not axis_of([2.0, 0.0], may_be_log=True).is_log


@pytest.mark.parametrize(("last", "ticks"), [(1, [1]), (4, [1, 2, 3, 4]), (40, [1, 10, 20, 30, 40]), (7, [1, 2, 4, 6])])
def test_epochs_begin_at_1(last: int, ticks: list[int]) -> None:
    assert list(count_axis(last).ticks) == ticks


def test_fractions_are_in_percent() -> None:
    assert tick_texts((0.5, 0.75, 1.0), in_percent=True) == ["50%", "75%", "100%"]
    assert tick_texts((0.99, 0.995, 1.0), in_percent=True) == ["99.0%", "99.5%", "100.0%"]


def records(loss: list[float | None], **metrics: list[float]) -> list[dict[str, object]]:
    found = []
    for i, value in enumerate(loss):
        found.append({"epoch": i + 1, "loss": value, "metrics": {name: values[i] for name, values in metrics.items()}})
    return found


def points(svg: str, kind: str, number: int) -> list[list[tuple[float, float]]]:
    """The lines of a curve: solid or dashed (`mark skip`), the places of its points."""
    path = re.findall(rf'</title><path class="{kind}" d="(M[^"]*)"', svg)[number]
    lines: list[list[tuple[float, float]]] = []
    for part in path.split("M")[1:]:
        lines.append([])
        for command, text in re.findall("([LHV])([^LHV]*)", "L" + part):
            x, y = lines[-1][-1] if lines[-1] else (0.0, 0.0)
            numbers = [*map(float, text.split())]
            lines[-1].append({"H": (numbers[0], y), "V": (x, numbers[0])}.get(command) or (numbers[0], numbers[1]))
    return lines


def test_the_places_of_a_curve_are_its_numbers() -> None:
    loss, val_loss = [1.0, 0.5, 0.25, 0.1], [0.9, 0.7, 0.6, 0.65]
    svg = history_svg([RunHistory("a", records(list(loss), val_loss=val_loss), 3)], ["loss"])
    for kind, values in (("mark skip", loss), ("mark", val_loss)):
        ((*line,),) = points(svg, kind, 0)
        xs, ys = np.array(line).T
        np.testing.assert_allclose(np.diff(xs), WIDTH / 3, atol=0.11)
        # 0 and 1 are the ends of the axis
        np.testing.assert_allclose(np.diff(ys), -HEIGHT * np.diff(values), atol=0.11)
    best = re.search(r'class="stripe" d="M([\d.]+) ([\d.]+)l([\d.]+) ', svg.split("</title>")[-1])
    assert best is not None
    assert (float(best[1]), float(best[2]) + float(best[3])) == pytest.approx(points(svg, "mark", 0)[0][2], abs=0.11)


def test_what_is_not_finite_is_a_gap() -> None:
    svg = history_svg([RunHistory("a", records([1.0, 0.5, None, 0.25, 0.2, 0.1]))])
    assert [len(line) for line in points(svg, "mark", 0)] == [2, 3]


def test_an_epoch_between_gaps_is_a_point() -> None:
    svg = history_svg([RunHistory("a", records([1.0, None, 0.5, 0.5, None, 0.0]))])
    assert [len(line) for line in points(svg, "mark", 0)] == [2]
    (marks,) = re.findall(r'class="stripe" d="([^"]*)"', svg)
    large = [mark for mark in marks.split("M")[1:] if "h6.0" in mark]
    assert marks.count("M") == 4 and len(large) == 2  # few epochs have a point each
    (x0, top), (x1, bottom) = [tuple(map(float, mark.split("h")[0].split())) for mark in large]
    assert (x1 - x0, bottom - top) == pytest.approx((WIDTH, HEIGHT), abs=0.11)


@pytest.mark.parametrize("epochs", [1, 2, 300])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_texts_are_on_the_page_and_apart(epochs: int, count: int) -> None:
    rng = np.random.default_rng(0)
    runs = []
    for i in range(count):
        rmse = (200_000 * rng.random(epochs)).tolist()
        of_run = records([*(10.0 ** rng.normal(size=epochs))], val_loss=rng.random(epochs).tolist(), rmse=rmse)
        runs.append(RunHistory(f"a_rather_long_name_of_a_run-{i}", of_run, epochs))
    check_page(history_svg(runs))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> netspec.Result:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4)).astype(np.float32)
    return netspec.train(SPEC, (x, x[:, :3].argmax(axis=1)), runs=tmp_path_factory.mktemp("runs"), verbose=0)


def test_a_notebook_shows_networks_and_runs(trained: netspec.Result) -> None:
    shown = trained._repr_html_()
    assert shown.count("<svg") == 1 and ">val_accuracy" not in shown and "accuracy" in shown
    model = trained.model._repr_html_()
    assert model.count("<svg") == 1 and "<details><summary>" in model and "dense_2(3, softmax)" in model
    assert "<svg" in netspec.plot(trained)._repr_html_() and "<svg" in netspec.draw(trained.model)._repr_html_()


@pytest.mark.parametrize(("form", "begin"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_written(trained: netspec.Result, tmp_path: Path, form: str, begin: bytes) -> None:
    netspec.plot(trained.run, metrics="loss").save(tmp_path / f"plot.{form}")
    netspec.draw(trained.run).save(tmp_path / f"draw.{form}")
    assert run(["plot", str(trained.run), "-o", str(tmp_path / f"cli.{form}")]) == 0
    assert all((tmp_path / f"{name}.{form}").read_bytes().startswith(begin) for name in ("plot", "draw", "cli"))


def test_drawings_have_more_forms_than_curves(trained: netspec.Result, tmp_path: Path) -> None:
    netspec.draw("specs/lenet5.net", levels=0).save(tmp_path / "net.html")
    assert b"<script" in (tmp_path / "net.html").read_bytes()
    for picture in (netspec.plot(trained), netspec.draw("input 2\ndense(1)", style="maps")):
        with pytest.raises(ValueError, match=r"written as .svg, .png, .pdf, .html, not as `a.dot`"):
            picture.save(tmp_path / "a.dot")
    with pytest.raises(ValueError, match="'flow', 'maps' or 'blocks', not 'tower'"):
        netspec.draw("input 2\ndense(1)", style="tower")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["net.html"]


def test_a_picture_says_what_it_is(trained: netspec.Result) -> None:
    assert repr(netspec.plot(trained)) == f"<Picture {trained.run.name}>"
    assert netspec.plot(trained)._repr_svg_().startswith("<svg")
    assert repr(trained).startswith(f"<Result {trained.run.name}: 6 epochs, test_loss")


def test_curves_in_the_terminal(trained: netspec.Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot", str(trained.run), "loss"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    first, last = (trained.history["val_loss"][i] for i in (0, -1))
    assert head.startswith(f"val_loss of {trained.run.name}: {first:.4f} to {last:.4f} in 6 epochs")
    assert len(rows) == 9 and all(len(row) <= 80 for row in rows)
    assert run(["plot", str(trained.run), "loss", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["runs"][trained.run.name]
    assert values["loss"] == pytest.approx(trained.history["loss"])


def test_what_cannot_be_plotted(trained: netspec.Result, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["acuracy"], "did you mean `accuracy`?"),
        (["-o", "a.jpg"], "-o takes a name that ends in .svg, .png, .pdf"),
    ):
        assert run(["plot", str(trained.run), *arguments]) == 1
        assert words in capsys.readouterr().err
    with pytest.raises(CompileError, match="NS495"):
        netspec.plot(trained, metrics=["f1"])
    with pytest.raises(TypeError, match="at least one run"):
        netspec.plot()


def test_seeds_of_a_folder_have_one_color_and_a_single_curve_is_named() -> None:
    runs = [RunHistory(f"a/seed-{n}", records([1.0, 0.5]), group="a") for n in range(3)]
    svg = history_svg([*runs, RunHistory("b", records([0.9, 0.4]))])
    assert ">a (3 seeds)<" in svg and ">b<" in svg and ">training<" in svg
    assert len(re.findall(r'<g class="conv"><title>a/', svg)) == 3 and '<g class="dense"><title>b, loss' in svg
    assert ">training<" in history_svg([RunHistory("b", records([0.9, 0.4]))])
