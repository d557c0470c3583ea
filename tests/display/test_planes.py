"""Charts over axes of numbers: where points, curves and bars are, and what is written."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from netspec.display.charts.axes import FRACTIONS, Axis, tight_axis
from netspec.display.charts.bars import Bar, bars_svg
from netspec.display.charts.field import HEIGHT, WIDTH
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.drawing.picture import picture_of
from tests.display.test_drawing import check_page

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str, kind: str, number: int = 0) -> list[list[float]]:
    """The numbers of the pieces of a path of a series."""
    groups = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    paths = [path for group in groups for path in group.iter(f"{SVG}path") if path.attrib["class"] == kind]
    pieces = paths[number].attrib["d"].split("M")[1:]
    return [[float(text) for text in re.findall(r"-?[\d.]+", piece)] for piece in pieces]


def texts(svg: str) -> list[ElementTree.Element]:
    return [*ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_points_are_where_their_numbers_are() -> None:
    xs, ys = [0.0, 0.25, 1.0, math.nan], [0.0, 0.5, 1.0, 0.3]
    svg = plane_svg(Plane("p", "x", "y", [Series("s", xs, ys, kind="points")], "", FRACTIONS, FRACTIONS))
    points = np.array(drawn(svg, "stripe back"))[:, :2]
    assert len(points) == 3
    np.testing.assert_allclose(points - points[0], np.array([[0, 0], [WIDTH / 4, -HEIGHT / 2], [WIDTH, -HEIGHT]]))


def test_lines_end_at_the_axes() -> None:
    axis = Axis(0.9, 1.0, (0.9, 1.0))
    series = Series("s", [0.8, 1.0, 1.1], [0.9, 1.0, 0.5])
    svg = plane_svg(Plane("p", "x", "y", [series], "", axis, axis))
    ((x0, y0, x1, y1, *rest),) = drawn(svg, "mark")
    assert (x1 - x0, y0 - y1) == pytest.approx((WIDTH, HEIGHT / 2), abs=0.11) and not rest  # from (0.9, 0.95) to (1, 1)
    outside = Series("s", [0.0, 0.5], [0.0, 0.5])
    assert (
        'class="mark"' not in plane_svg(Plane("p", "x", "y", [outside], "", axis, axis)).partition("</text>")[2][600:]
    )


def test_steps_change_at_each_x_and_gaps_stay() -> None:
    xs, ys = [0.0, 0.5, 1.0], [1.0, 0.5, 0.0]
    svg = plane_svg(Plane("p", "x", "y", [Series("s", xs, ys, kind="steps")], "", FRACTIONS, FRACTIONS))
    ((x, y, *steps),) = drawn(svg, "mark")
    assert steps == pytest.approx([x + WIDTH / 2, y + HEIGHT / 2, x + WIDTH, y + HEIGHT], abs=0.11)
    gap = Series("s", [0, 0.2, 0.4, 0.6, 0.8], [0, 0.2, math.nan, 0.6, 0.8])
    assert len(drawn(plane_svg(Plane("p", "x", "y", [gap], "", FRACTIONS, FRACTIONS)), "mark")) == 2


def test_bars_reach_down_to_the_axis() -> None:
    svg = plane_svg(Plane("p", "x", "y", [Series("s", [0.5, 1.5], [1.0, 2.0], kind="bars", width=1.0)]))
    (x0, floor, top0, end, _), (x1, _, top1, *_) = drawn(svg, "stripe", -1)
    assert 2 * (floor - top0) == pytest.approx(floor - top1, abs=0.2) and floor - top1 == pytest.approx(
        HEIGHT, abs=0.11
    )
    assert x1 - x0 == pytest.approx(WIDTH / 2, abs=0.11) and end - x0 == pytest.approx(WIDTH / 2 - 1, abs=0.11)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_texts_are_apart_and_pictures_can_be_written(scale: float) -> None:
    rng = np.random.default_rng(0)
    xs, ys = (scale * rng.normal(size=50)).tolist(), (scale * rng.normal(size=50)).tolist()
    series = [Series(f"a rather long name {i}", xs, ys, kind="points", color=i) for i in range(6)]
    svg = plane_svg(Plane("a title", "x", "y", series, "in words", tight_axis(xs), tight_axis(ys)))
    check_page(svg)
    assert 'aria-label="a title. in words"' in svg and picture_of(svg, "png").startswith(b"\x89PNG")
    bars = [Bar(f"a very long name of a column {i}", x, x / 2, x) for i, x in enumerate(xs[:5])]
    check_page(bars_svg("a title", "what is shown", bars))


def test_the_lengths_of_bars_are_their_numbers() -> None:
    svg = bars_svg("t", "unit", [Bar("a", 2.0, 1.0, 3.0), Bar("b", -1.0), Bar("c", 0.0)], in_percent=True)
    lengths = [piece[2] - piece[0] for number in range(3) for piece in drawn(svg, "stripe", number)]
    assert lengths[0] == pytest.approx(-2 * lengths[1], abs=0.11) and lengths[2] == 0
    ends = re.search(r'class="whisker" d="M([\d.]+) [\d.]+v8M([\d.]+) ', svg)
    assert ends is not None and float(ends[2]) - float(ends[1]) == pytest.approx(lengths[0], abs=0.11)
    assert [text.text for text in texts(svg) if (text.text or "").endswith("%")][:2] == ["-100%", "0%"]


def test_an_axis_is_tight() -> None:
    axis = tight_axis([-80.0, 1900.0])
    assert axis.low > -200 and axis.high < 2000 and axis.ticks == (0, 500, 1000, 1500)
    assert tight_axis([5.0]).at(5.0) == pytest.approx(0.5)
