"""Drawings of networks: every spec that ships, with blocks closed and open; on coordinates."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

from netspec.cli.main import run
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.outline import Box, flattened, opened, outline_of
from netspec.display.drawing.cards import card_of, frame_title, shape_label, text_width
from netspec.display.drawing.draw import FORMATS, draw
from netspec.display.drawing.layout.arrange import Placed, PlacedBox, PlacedWire, arrange, layout_of
from netspec.display.drawing.styles.u_shape import network_u
from netspec.display.drawing.theme import DARK, LIGHT
from netspec.language.source import Source
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
    if not label or placed.box.is_port or placed.inside is not None:
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
            others += [label for box in boxes if (label := label_of(box)) is not None]
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
def test_what_is_drawn(path: Path, style: str) -> None:
    found = network(path)
    start = time.process_time()
    svg = draw(found, "svg", style).decode()
    assert time.process_time() - start < 2
    check_page(svg)


def check_page(svg: str) -> None:
    """Texts are on the page and do not meet; wires go through no text and no box, from what is written in the file."""
    root = ElementTree.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = []
    for text in with_tag(root, "text"):
        x, y, length, size = (float(text.attrib[key]) for key in ("x", "y", "textLength", "font-size"))
        assert x >= 0 and x + length <= width and 8 <= y <= height, text.text
        texts.append(Rect(x, y - 0.75 * size, x + length, y + 0.1 * size))
    assert texts and [pair for pair in combinations(texts, 2) if pair[0].meets(pair[1], 0.01)] == []
    assert len(re.findall(r"https?://", svg)) == 1  # the namespace
    solids = [outline for outline in map(outline_in, root.iter()) if outline is not None]
    paths = [path.attrib["d"] for path in with_tag(root, "path") if "wire" in path.attrib.get("class", "").split()]
    for wire in map(points_along, paths):
        for left, top, right, bottom in texts:
            x, y = wire.T
            assert not ((x > left) & (x < right) & (y > top) & (y < bottom)).any()
        for solid in solids:
            sides = np.roll(solid, -1, 0) - solid
            lengths = np.hypot(*sides.T)
            steps = wire[:, None] - solid
            inside = (sides[:, 0] * steps[..., 1] - sides[:, 1] * steps[..., 0]) / lengths
            assert not ((inside > 0.6).all(1) | (inside < -0.6).all(1)).any()


def with_tag(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.tag.endswith(f"}}{tag}")]


def outline_in(element: ElementTree.Element) -> np.ndarray | None:
    """The corners of a box or of a side of a solid."""
    given = element.attrib
    if not {"card", "side"} & set(given.get("class", "").split()):
        return None
    if "d" in given:
        return corners(given["d"])
    x, y, width, height = (float(given[key]) for key in ("x", "y", "width", "height"))
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def corners(path: str) -> np.ndarray:
    """The points of an SVG path; curves are given by points along them."""
    found: list[np.ndarray] = []
    at = np.zeros(2)
    for command, rest in re.findall(r"([MLHVCmlhvc])([^A-Za-z]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", rest)]
        base = at if command.islower() else np.zeros(2)
        if command in "Hh":
            numbers = [numbers[0], at[1] - base[1]]
        elif command in "Vv":
            numbers = [at[0] - base[0], numbers[0]]
        given = np.array(numbers).reshape(-1, 2) + base
        if command in "Cc":
            t = np.linspace(0, 1, 25)[1:, None]
            ends = np.stack([at, *given])
            given = sum(k * (1 - t) ** (3 - n) * t**n * ends[n] for n, k in enumerate((1, 3, 3, 1)))
        found.append(given)
        at = given[-1]
    return np.concatenate(found)


def points_along(path: str) -> np.ndarray:
    """Points along an SVG path, about two pixels apart."""
    ends = corners(path)
    pieces = []
    for start, end in pairwise(ends):
        steps = max(2, int(np.hypot(*(end - start)) / 2))
        pieces.append(start + (end - start) * np.linspace(0, 1, steps)[:, None])
    return np.concatenate(pieces)


WIDE = {
    "inputs": "\n".join(f"input i{n}: {n + 4}" for n in range(40))
    + "\n("
    + " | ".join(f"i{n} -> dense(8)" for n in range(40))
    + ") -> concat -> dense(2)",
    "branches": "input 8x8x4\n(" + " | ".join(f"conv({n + 1}, 3x3)" for n in range(30)) + ") -> concat -> dense(2)",
    "names": f'input 8x8x1\nconv(4, 3x3, name = "{"a_very_long_" * 8}name") -> dense(2, name = "{"w" * 90}")',
    "parameters": "input 32768\ndense(32768, relu) -> dense(10)",
    "one pixel": "input 1x1x1\nconv(4, 3x3) -> conv(4, 1x1) -> dense(2)",
    "skips": "input 16x16x4\na = input -> conv(4, 3x3)\nb = a -> conv(4, 5x5)\nc = (a | b) -> concat -> conv(8, 3x3)\n"
    "d = (a | b | c) -> concat -> conv(8, 1x1)\n(input | a | b | c | d) -> concat -> dense(2)",
    "blocks": "def b0(n) = conv(n, 3x3) -> relu\n"
    + "".join(f"def b{n}(n) = b{n - 1}(n) -> maxpool(2) -> b{n - 1}(n) -> conv(n, 1x1)\n" for n in range(1, 6))
    + "input 128x128x4\nb3(4) -> dense(2)",
    "two outputs": "input 8\nh = input -> dense(8)\noutput a = h -> dense(2, softmax)\noutput b = h -> dense(1)",
}


@pytest.mark.parametrize("style", ["flow", "maps", "blocks"])
@pytest.mark.parametrize("name", WIDE)
def test_unusual_networks(name: str, style: str) -> None:
    check_page(draw(network_of(WIDE[name]), "svg", style, levels=1000).decode())


def test_long_names_are_broken() -> None:
    root = ElementTree.fromstring(draw(network_of(WIDE["names"])).decode())
    assert float(root.attrib["width"]) < 600
    shown = "".join("".join(text.text or "" for text in with_tag(root, "text")).split())
    assert "a_very_long_" * 8 + "name" in shown  # nothing is left out


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_bars_without_words_differ_in_gray(colors: dict[str, str]) -> None:
    """Contrasts (WCAG 2.2) of the kinds that a U-Net has, whose bars are told apart by the color alone."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    levels = sorted(luminance(colors[kind]) + 0.05 for kind in ("conv", "pool", "merge"))
    assert all(upper / lower > 1.3 for lower, upper in pairwise(levels))


def test_shared_weights_are_marked() -> None:
    found = network(SPECS / "siamese.net")
    boxes = [box for box in outline_of(found).all_boxes() if box.is_shared and box.layer is not None]
    assert len(boxes) == 5 and "tower (shared)" in draw(found).decode()
    assert draw(found, "svg", "maps").decode().count("(shared)") == 2 * 5  # both towers


@pytest.mark.parametrize(
    ("name", "style", "count"),
    [
        ("lenet5", "flow", "61,706"),
        ("lenet5", "maps", "61,706"),
        ("transformer", "blocks", "44,140,544"),
        ("unet", "blocks", "31,030,658"),
    ],
)
def test_a_drawing_has_its_name_and_the_number_of_parameters(name: str, style: str, count: str) -> None:
    svg = draw(network(SPECS / f"{name}.net"), "svg", style).decode()
    assert f">{name}<" in svg and f">{count} parameters<" in svg


def test_bars_are_fractions_of_all_parameters() -> None:
    plan = outline_of(network(SPECS / "bert_base.net"))
    leaves = [box for box in plan.all_boxes() if box.inside is None]
    assert sum(box.fraction for box in leaves) == pytest.approx(1)
    embedding = next(box for box in leaves if box.title == "embedding(768)")
    assert embedding.fraction == pytest.approx(30522 * 768 / 109_482_240, rel=1e-3)  # the BERT paper: 110 M
    svg = draw(network_of("input 9\ndense(3) -> dense(10)")).decode()  # 30 and 40 parameters
    bars = [float(width) for width in re.findall(r'class="stripe"[^>]*width="([\d.]+)"', svg)]
    assert bars[0] / bars[1] == pytest.approx(30 / 40, abs=0.01)


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_each_weight_is_drawn_once(path: Path) -> None:
    """The numbers of weights in the drawing add up to those of the network."""
    found = network(path)
    plan = flattened(outline_of(found))
    counted = sum(box.counts.parameters * box.count for box in plan.boxes)
    assert counted == total_cost(found).parameters


def test_a_large_network_takes_seconds() -> None:
    widths = np.random.default_rng(0).integers(4, 40, 1000)  # no two parts are alike, which would be one box
    layers = " -> ".join(f"conv({width}, 3x3, relu)" for width in widths)
    residuals = "".join(
        f"x{n + 1} = x{n} + (x{n} -> conv({w}, 3x3) -> conv(8, 1x1))\n" for n, w in enumerate(widths[:333])
    )
    for text in (f"input 8x8x8\n{layers} -> dense(2)", f"input 8x8x8\nx0 = input\n{residuals}x333 -> dense(2)"):
        found = network_of(text)
        assert len(list(outline_of(found).all_boxes())) >= 1000
        start = time.process_time()
        draw(found, "svg", levels=1000)
        assert time.process_time() - start < 10


def test_maps_of_blocks() -> None:
    """Blocks of one map are this map, short drawings have no blocks, and long ones keep them."""
    titles = re.findall(r'class="title"[^>]*>([^<]+)<', draw(network(SPECS / "digits.net"), "svg", "maps").decode())
    assert "conv(32, 3x3," in titles and "block" not in titles
    titles = re.findall(r'class="title"[^>]*>([^<]+)<', draw(network(SPECS / "resnet50.net"), "svg", "maps").decode())
    assert "bottleneck × 5" in titles and "conv_norm" not in titles


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "autoencoder", "googlenet_aux"])
def test_arrows_of_maps_touch_the_solids(name: str) -> None:
    root = ElementTree.fromstring(draw(network(SPECS / f"{name}.net"), "svg", "maps").decode())
    solids = [outline for outline in map(outline_in, root.iter()) if outline is not None]
    edges = np.concatenate([points_along("M" + "L".join(f"{x} {y}" for x, y in [*s, s[0]])) for s in solids])
    for path in with_tag(root, "path"):
        if path.attrib.get("class") == "wire":
            ends = corners(path.attrib["d"])
            for end in (ends[0], ends[-1]):
                assert np.hypot(*(edges - end).T).min() < 2.5


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
    found = re.findall(r'x="([\d.]+)" y="([\d.]+)"[^>]*>(source|target)<', text)
    (encoder, top, _), (decoder, other, _) = sorted(found, key=lambda place: place[2])
    assert top == other and float(encoder) < float(decoder)  # both inputs are at the top, the encoder is on the left


def test_a_network_of_another_form_is_said_to_be_a_flow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, note in (("lenet5", "is drawn as a flow"), ("unet", "")):
        file = tmp_path / f"{name}.svg"
        assert run(["draw", str(SPECS / f"{name}.net"), "--style", "blocks", "-o", str(file)]) == 0
        printed = capsys.readouterr().err
        assert note in printed if note else printed == ""
    assert (tmp_path / "lenet5.svg").read_bytes() == draw(network(SPECS / "lenet5.net"))


def test_copies_in_a_row_are_one_box_with_a_count() -> None:
    text = draw(network(SPECS / "bert_base.net"), "svg", levels=0).decode()
    assert "encoder_layer" in text
    assert "encoder_layer × 12" in text and "12 × 7,087,872 params" in text


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_bars_agree_with_the_numbers_and_are_in_their_boxes(path: Path) -> None:
    root = ElementTree.fromstring(draw(network(path), levels=1000).decode())
    total = total_cost(network(path)).parameters
    for group in with_tag(root, "g"):
        own = [element for element in group if element.tag.endswith("}rect")]
        cards = [Rect(*rect) for element in own if element.attrib["class"] == "card" for rect in [sides_of(element)]]
        bars = [sides_of(element) for element in own if element.attrib["class"] in ("stripe", "track")]
        assert all(cards[-1].holds(Rect(*bar)) for bar in bars)
        notes = [text.text or "" for text in group if text.attrib.get("class") == "note"]
        said = re.findall(r"(?:(\d+) × )?([\d,]+) params", "".join(notes))
        if bars and said:
            copies, number = said[0]
            fraction = int(copies or 1) * int(number.replace(",", "")) / total
            assert bars[1][2] - bars[1][0] == pytest.approx(72 * max(fraction, 0.02), abs=0.1)


def sides_of(element: ElementTree.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


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


def test_each_level_of_a_u_net_has_the_sizes_of_its_blocks() -> None:
    """The sizes of Ronneberger et al. 2015, figure 1, at each block, and the crops between both sides."""
    svg = draw(network(SPECS / "unet.net"), "svg", "blocks").decode()
    notes = re.findall(r'class="note"[^>]*>([^<]+)<', svg)
    sides = [int(note[:-1]) for note in notes if re.fullmatch(r"\d+²", note)]
    assert sides[:3] == [572, 570, 568] and sides[-5:] == [392, 392, 390, 388, 388]
    crops = {note for note in notes if note.startswith("crop")}
    assert crops == {"crop 568² to 392²", "crop 280² to 200²", "crop 136² to 104²", "crop 64² to 56²"}
