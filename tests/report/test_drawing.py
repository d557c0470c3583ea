"""Drawings of networks: every spec that ships, with blocks closed and open; on coordinates."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from netspec.compiler.ir.outline import Box, flattened, opened, outline_of
from netspec.language.source import Source
from netspec.report.drawing.cards import card_of, frame_title, shape_label, text_width
from netspec.report.drawing.draw import FORMATS, draw
from netspec.report.drawing.layout.arrange import Placed, PlacedBox, PlacedWire, arrange, layout_of
from netspec.report.drawing.styles.u_shape import network_u
from netspec.spec.compilation import Compilation, read_source

SPECS = Path(__file__).parent.parent.parent / "specs"
ZOO = sorted(SPECS.glob("*.net"))


class Rect(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rect, slack: float = 0.0) -> bool:
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )

    def holds(self, other: Rect) -> bool:
        return (
            self.left <= other.left + 0.01
            and self.top <= other.top + 0.01
            and other.right <= self.right + 0.01
            and other.bottom <= self.bottom + 0.01
        )


@cache
def network(path: Path) -> object:
    return Compilation(read_source(path)).network


def network_of(text: str) -> object:
    return Compilation(Source("test.net", text)).network


def levels_of(count: int | None) -> Callable[..., Callable[[Box], bool]]:
    return lambda plan: opened(plan, count)


def rect_of(placed: PlacedBox) -> Rect:
    """What is drawn of a box, without its label."""
    right = placed.right
    if placed.inside is None:
        right = placed.left + card_of(placed.box).width
    return Rect(placed.left, placed.top, right, placed.bottom)


def label_of(placed: PlacedBox) -> Rect | None:
    label = shape_label(placed.box)
    if not label or placed.box.is_port:
        return None
    left = placed.exits[0] + 6
    return Rect(left, placed.bottom + 2, left + text_width(label, 10.5), placed.bottom + 16)


def plans(placed: Placed) -> Iterator[Placed]:
    yield placed
    for box in placed.boxes:
        if box.inside is not None:
            yield from plans(box.inside)


def points(wire: PlacedWire) -> Iterator[tuple[float, float]]:
    """Points along a wire: pieces are straight, and between two of them is a cubic curve."""
    for number, (x, top, bottom) in enumerate(wire.pieces):
        if number:
            x0, _, y0 = wire.pieces[number - 1]
            for step in range(21):
                t = step / 20
                share = 3 * t * t * (1 - t) + t**3
                middle = (y0 + top) / 2
                yield x0 + (x - x0) * share, y0 * (1 - t) ** 3 + 3 * middle * t * (1 - t) + top * t**3
        for step in range(11):
            yield x, top + (bottom - top) * step / 10


@pytest.mark.parametrize("levels", [0, 1, None, 1000], ids=str)
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_nothing_meets(path: Path, levels: int | None) -> None:
    plan = outline_of(network(path))
    placed = arrange(layout_of(plan), opened(plan, levels))
    for part in plans(placed):
        boxes = [box for box in part.boxes if not box.box.is_port]
        everything = [rect for box in boxes for rect in (rect_of(box), label_of(box)) if rect is not None]
        assert [pair for pair in combinations(everything, 2) if pair[0].meets(*pair[1:])] == []
        for wire, ends in zip(part.wires, wires_of(part, plan), strict=True):
            others = [rect_of(box) for box in boxes if box.box.key not in ends]
            near = [(x, y) for x, y in points(wire)]
            assert not [1 for r in others for x, y in near if r.left < x < r.right and r.top < y < r.bottom]
        for box in boxes:
            if box.inside is not None:
                frame = Rect(box.left, box.top, box.right, box.bottom)
                for inner in box.inside.boxes:
                    found = rect_of(inner)
                    assert frame.holds(
                        Rect(found.left + box.x, found.top + box.top, found.right + box.x, found.bottom + box.top)
                    )
                    label = label_of(inner)
                    assert label is None or label.right + box.x <= box.right
                title = text_width(frame_title(box.box), 12.5) + 12
                assert all(box.left + title < entry for entry in box.entries)  # no wire through the title


def wires_of(part: Placed, plan: object) -> list[set[str]]:
    """The keys of the boxes that each wire connects."""
    from netspec.compiler.ir.outline import Plan

    assert isinstance(plan, Plan)
    keys = [box.box.key for box in part.boxes]
    for inner in [plan, *(box.inside for box in plan.all_boxes() if box.inside is not None)]:
        if [box.key for box in inner.boxes] == keys:
            return [{keys[wire.source], keys[wire.target]} for wire in inner.wires]
    raise AssertionError


@pytest.mark.parametrize("style", ["flow", "maps", "blocks"])
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_texts_are_inside_the_page(path: Path, style: str) -> None:
    root = ElementTree.fromstring(draw(network(path), "svg", style).decode())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert texts
    rects = []
    for text in texts:
        x, y, length = (float(text.attrib[key]) for key in ("x", "y", "textLength"))
        assert x >= 0 and x + length <= width and 8 <= y <= height, text.text
        rects.append(Rect(x, y - 8, x + length, y + 1))
    assert [pair for pair in combinations(rects, 2) if pair[0].meets(pair[1], 0.01)] == []
    assert len(re.findall(r"https?://", ElementTree.tostring(root).decode())) == 1  # the namespace


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_each_weight_is_drawn_once(path: Path) -> None:
    """The numbers of weights in the drawing add up to those of the network."""
    from netspec.compiler.ir.cost import total_cost

    found = network(path)
    plan = flattened(outline_of(found))
    counted = sum(box.counts.parameters * box.count for box in plan.boxes)
    assert counted == total_cost(found).parameters


def test_a_large_network_takes_seconds() -> None:
    layers = " -> ".join(["conv(8, 3x3, relu)"] * 1000)
    found = network_of(f"input 8x8x8\n{layers} -> dense(2)")
    start = time.process_time()
    draw(found, "svg", levels=1000)
    assert time.process_time() - start < 10


def test_a_residual_goes_beside() -> None:
    found = network_of("input 8x8x4\nx = input -> conv(4, 3x3)\n(x + (x -> conv(4, 3x3) -> conv(4, 3x3))) -> dense(2)")
    plan = outline_of(found)
    placed = arrange(layout_of(plan), lambda box: False)
    main = [box.x for box in placed.boxes]
    assert len(set(main)) == 1  # one straight line
    skip = max(placed.wires, key=lambda wire: len(wire.pieces))
    widest = max(rect_of(box).right for box in placed.boxes[2:4])
    assert skip.pieces[1][0] > widest


def test_branches_are_side_by_side() -> None:
    found = network_of(
        "input 8x8x4\n(conv(4, 1x1) | conv(4, 3x3) | maxpool(3, stride = 1, pad = same)) -> concat -> dense(2)"
    )
    placed = arrange(layout_of(outline_of(found)), lambda box: False)
    branches = placed.boxes[1:4]
    assert len({box.top + box.bottom for box in branches}) == 1
    merge = next(box for box in placed.boxes if box.box.title == "concat")
    assert merge.x == pytest.approx(sum(box.x for box in branches) / 3, abs=1)


def test_unet_is_a_u_and_the_transformer_has_two_towers() -> None:
    unet = network_u(network(SPECS / "unet.net"))
    assert unet is not None
    assert network_u(network(SPECS / "resnet18.net")) is None
    text = draw(network(SPECS / "transformer.net"), "svg", "blocks").decode()
    places = dict(re.findall(r'y="([\d.]+)"[^>]*>(source|target)<', text))
    assert len(places) == 1  # both inputs are at the top


def test_copies_in_a_row_are_one_box_with_a_count() -> None:
    text = draw(network(SPECS / "bert_base.net"), "svg", levels=0).decode()
    assert "encoder_layer" in text
    assert "× 12  7,087,872 params each" in text


@pytest.mark.parametrize("form", FORMATS)
def test_each_format(form: str) -> None:
    found = network(SPECS / "lenet5.net")
    content = draw(found, form)
    assert content == draw(found, form)  # the same bytes
    begins = {"svg": b"<svg", "html": b"<!doctype html>", "png": b"\x89PNG", "pdf": b"%PDF", "mmd": b"flowchart TD"}
    assert content.startswith(begins.get(form, b"digraph"))


def test_hostile_names_are_escaped() -> None:
    found = network_of('input 4\ndense(2, name = "a") -> dense(1)')
    found.name = '</script><script>alert("1")</script>'  # type: ignore[attr-defined]
    for form in ("svg", "html"):
        assert b"<script>alert" not in draw(found, form)
