"""Texts of charts of every kind: on the page and apart, whatever the names and the numbers are; points are in the
picture."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from netspec.display.charts.axes import axis_of, tight_axis
from netspec.display.charts.bars import Bar, bars_svg
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.charts.histograms import Histogram, histogram_svg, histograms_svg
from netspec.display.charts.history import RunHistory, history_svg
from netspec.display.charts.inside.film import Frame, film_svg
from netspec.display.charts.inside.heat import Bars, ImageHeat, Panel as HeatPanel, Tokens, heat_svg
from netspec.display.charts.inside.matrix import Matrix, matrices_svg
from netspec.display.charts.inside.regions import regions_plane, regions_svg
from netspec.display.charts.lines import Curve, Panel, panel_svg
from netspec.display.charts.plane import Plane, Series, large_svg, plane_svg
from tests.display.test_drawing import check_page

LONG = "a_name_of_80_characters_" * 3 + "12345678"
NUMBERS = {
    "tiny": [1e-300, 2e-300, 7e-300],
    "huge": [-1e300, 1e300, 3e299],
    "tiny to huge": [1e-300, 1.0, 1e300],
    "one point": [42.0],
    "all equal": [0.1] * 5,
    "all zero": [0.0] * 5,
    "almost equal": [1.0, 1 + 1e-15, 1 + 2e-15],
    "close": [1e6, 1e6 + 1e-3, 1e6 + 2e-3],
    "long ticks": [123456.781, 123456.782, 123456.783],
    "negative": [-3.0, -1.0, -2.0],
    "NaN": [math.nan, 1.0, math.nan, 2.0, math.inf],
    "only NaN": [math.nan] * 3,
    "thousands": [123_456_789.0, 987_654_321.0],
    "denormal": [0.0, 5e-324],
}
many = pytest.mark.parametrize("values", NUMBERS.values(), ids=NUMBERS.keys())


def check_chart(svg: str) -> None:
    """The texts, and that no path has a number that is not one or that is far outside of the picture."""
    check_page(svg)
    assert not re.search(r'\bd="[^"]*(nan|inf|e[+-])', svg)
    width, height = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg):
        assert -1 <= float(x) <= width + 1 and -1 <= float(y) <= height + 1


@many
def test_axes_hold_any_numbers(values: list[float]) -> None:
    known = [value for value in values if math.isfinite(value)]
    axes = [axis_of(values), tight_axis(values), axis_of(values, may_be_log=True), axis_of(values, in_percent=True)]
    for axis in axes:
        assert 1 < len(axis.ticks) <= 16 and len({*axis.texts}) == len(axis.ticks)
        assert all(-1e-9 <= axis.at(value) <= 1 + 1e-9 for value in (*known, *axis.ticks))
        sign, factor = ("%", 100) if axis.in_percent else ("", 1)
        read = [float(text.replace(",", "").removesuffix(sign)) / factor for text in axis.texts]
        assert read == pytest.approx(axis.ticks, rel=1e-6, abs=1e-3 * (axis.high - axis.low))


@many
@pytest.mark.parametrize("in_percent", [False, True])
@pytest.mark.parametrize("count", [1, 12])
def test_curves(values: list[float], in_percent: bool, count: int) -> None:
    runs = [RunHistory(f"{LONG}{i}", [{"loss": value} for value in values], 1) for i in range(count)]
    check_chart(history_svg(runs))
    curves = [Curve(f"{LONG}{i}", values, i) for i in range(count)]
    for may_be_log in (False, True):
        check_chart(panel_svg(Panel(LONG, curves, in_percent, may_be_log=may_be_log), len(values)))


@many
@pytest.mark.parametrize("kind", ["line", "steps", "points", "bars"])
@pytest.mark.parametrize("name", ["a", LONG])
def test_planes(values: list[float], kind: str, name: str) -> None:
    width = 1.0 if kind == "bars" else 0.0
    series = [Series(f"{name}{i}", values, values, kind, i, width=width) for i in range(12)]  # type: ignore[arg-type]
    check_chart(plane_svg(Plane(name, name, name, series)))
    known = [value for value in values if math.isfinite(value)]
    if kind == "points" and known:
        labels = [f"{name}{i}" for i in range(len(known))]
        for more in ({"is_named": True}, {"labels": labels}):
            named = [Series(name, known, known, "points", **more)]  # type: ignore[arg-type]
            check_chart(large_svg(name, (name, name), named))


@many
@pytest.mark.parametrize("in_percent", [False, True])
def test_bars(values: list[float], in_percent: bool) -> None:
    known = [value for value in values if math.isfinite(value)] or [1.0]
    bars = [Bar(f"{name}{i}", value, value, value) for i, value in enumerate(known) for name in ("", LONG)]
    check_chart(bars_svg(LONG, LONG, bars, in_percent=in_percent))
    check_chart(bars_svg("t", "x", bars[::2], in_percent=in_percent))
    check_chart(heat_svg(LONG, [LONG], [Bars(LONG, [LONG] * len(known), np.array(known))]))


@many
def test_histograms(values: list[float]) -> None:
    known = [value for value in values if math.isfinite(value)] or [1.0]
    low, high = min(known), max(known)
    high = high if high - low > 1e-9 * abs(high) else low + abs(low) + 1
    parts = [Histogram(LONG, LONG, LONG * i, 0.5, low, high, counts) for i, counts in enumerate(([0, 1, 10**9], [3]))]
    check_chart(histograms_svg(LONG, [LONG], parts * 2))
    assert "nan" not in histogram_svg([1, 0, 10**6], low, high)


@pytest.mark.parametrize("ends", [(1e-300, 2e-300), (-1e300, 1e300), (-3.0, -1.0), (1e6, 1e6 + 1e-3)], ids=str)
@pytest.mark.parametrize("count", [2, 12])
def test_regions(ends: tuple[float, float], count: int) -> None:
    names = [f"{LONG}{i}" for i in range(count)]
    plane = regions_plane(LONG, [ends, ends], names, (LONG, LONG), [ends, ends], [0, count - 1])
    probabilities = np.full((4, 4, count), 1 / count)
    check_chart(regions_svg(plane, probabilities))
    for loss in (0.1234, 1e30):
        caption = f"epoch 40, loss {loss:.4f}, the best weights"
        check_chart(film_svg(plane, [Frame(caption, np.zeros((4, 4, 3), np.uint8))]))


def test_images() -> None:
    image = np.zeros((4, 6), np.uint8)
    check_chart(grid_svg(LONG, [Row(LONG, [Tile(image / 1.0, LONG)] * 12, signed=True), Row("", [Tile(image)])]))
    heat = ImageHeat(LONG, image, [HeatPanel(LONG, image + 1e-300), HeatPanel("b", image + 1e300, "negative")])
    tokens = Tokens(LONG, [LONG, "b", *"abc"] * 9, np.linspace(-1e300, 1e-300, 45))
    check_chart(heat_svg(LONG, [LONG], [heat, tokens]))
    for count in (1, 12, 60):
        names = [f"{LONG}{i}" for i in range(count)]
        matrix = Matrix("c", np.full((count, count), 1e-300))
        check_chart(matrices_svg("t", [matrix] * 3, names, ["x"] * count, ("row", "column", "weight")))
