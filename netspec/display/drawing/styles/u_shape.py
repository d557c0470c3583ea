"""Drawings of nets that go down and up again in resolution, in the manner of the U-Net paper: from left to right as it
is computed, one row for each resolution, and skip connections straight across.

Ronneberger, Fischer and Brox 2015, U-Net: convolutional networks for biomedical image segmentation, first drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log2, sqrt

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, Plan, Wire, flattened, outline_of
from netspec.display.drawing.cards import SMALL_SIZE, details_of, text_width
from netspec.display.drawing.glyph import known, largest_side
from netspec.display.drawing.styles.flow import HEAD, HEADING, MARGIN, document, heading_svg, text_svg
from netspec.display.drawing.styles.maps import reduced

STEP = 1.4
"""The sides of two neighboring rows differ by at least this factor."""
TALL = 110.0
BETWEEN = 26.0
NUMBER_SIZE = 10.0
LANE = 16.0
ROW_GAP = 66.0
"""The room between rows: for the sizes below a bar, and skip connections and channels above one."""
ROOM = 20.0
"""The room at the left and at the right: for the numbers of the first and the last bar."""
ENLARGING = ("upconv", "upsample", "resize")
"""Words of layers whose maps are larger than what they read."""


def network_u(network: Graph) -> str | None:
    """The drawing as SVG; None for a network that is not of this form."""
    plan = reduced(flattened(outline_of(network)))
    rows = _rows(plan)
    if rows is None:
        return None
    return _Drawing(plan, rows).svg(network)


def _side(box: Box) -> int | None:
    """The height of an image."""
    return known(box.shape.sizes[0]) if box.shape is not None and len(box.shape.sizes) == 3 else None


def _rows(plan: Plan) -> list[int] | None:
    """The row of each box, 0 for the full resolution; None if it does not go down and up with skips within rows."""
    if any(_side(box) is None for box in plan.boxes) or len(plan.boxes) < 5:
        return None
    sources: dict[int, list[int]] = {}
    for wire in plan.wires:
        sources.setdefault(wire.target, []).append(wire.source)
    rows: list[int] = []
    for index, box in enumerate(plan.boxes):
        found = sources.get(index, [])
        if not found:
            rows.append(0)
            continue
        before, side = max(found), _side(box) or 1
        ratio = (_side(plan.boxes[before]) or 1) / side
        rows.append(rows[before] + (round(log2(ratio)) if max(ratio, 1 / ratio) > STEP else 0))
    skips = [wire for wire in plan.wires if wire.target > wire.source + 1]
    deep = max(rows)
    turns_once = deep >= 1 and all(rows[wire.source] == rows[wire.target] for wire in skips)
    return rows if turns_once and skips and min(rows) == 0 and rows[-1] < deep else None


class _Drawing:
    def __init__(self, plan: Plan, rows: Sequence[int]) -> None:
        self.plan, self.rows = plan, rows
        largest = largest_side(plan.shapes())
        self.sizes = [_bar(box, largest) for box in plan.boxes]
        between = max(BETWEEN, max(text_width(_size_text(box), NUMBER_SIZE) for box in plan.boxes) - 8)
        self.tallest = [0.0] * (max(rows) + 1)
        for (_, height), row in zip(self.sizes, rows, strict=True):
            self.tallest[row] = max(self.tallest[row], height)
        self.middles, y = [], MARGIN + HEADING + ROW_GAP / 2
        for height in self.tallest:
            self.middles.append(y + height / 2)
            y += height + ROW_GAP
        self.height = y
        self.x: list[float] = []
        place = MARGIN + ROOM
        for index, (width, _) in enumerate(self.sizes):
            is_below = index > 0 and rows[index] > rows[index - 1]
            if is_below:  # straight below what it is pooled from
                place = self.x[-1] - width / 2
            self.x.append(place + width / 2)
            place += width + between
        self.width = max(x + s[0] / 2 for x, s in zip(self.x, self.sizes, strict=True)) + ROOM + MARGIN

    def svg(self, network: Graph) -> str:
        heading, room = heading_svg(network)
        bodies = [self._wire(wire) for wire in self.plan.wires] + [self._box(i) for i in range(len(self.plan.boxes))]
        legend, height = self._legend()
        return document(network.name, heading + "".join(bodies) + legend, max(self.width, room), self.height + height)

    def _edges(self, index: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a bar."""
        (width, height), x, y = self.sizes[index], self.x[index], self.middles[self.rows[index]]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    def _wire(self, wire: Wire) -> str:
        source, target = self._edges(wire.source), self._edges(wire.target)
        row, next_row = self.rows[wire.source], self.rows[wire.target]
        if wire.target > wire.source + 1:
            start, end, lane = self.x[wire.source], self.x[wire.target], self._lane(row)
            head = f"M{end:.1f} {target[1]:.1f}l{-HEAD:g} {-1.6 * HEAD:g}h{2 * HEAD:g}z"
            path = f"M{start:.1f} {source[1]:.1f}V{lane:.1f}H{end:.1f}V{target[1]:.1f}"
            sizes = [_size_text(self.plan.boxes[end]) for end in (wire.source, wire.target)]
            crop = f"crop {sizes[0]} to {sizes[1]}" if sizes[0] != sizes[1] else ""
            label = text_svg(crop, start + 8, lane - 4, NUMBER_SIZE, "note") if crop else ""
            return f'<path class="wire skip" d="{path}"/><path class="head" d="{head}"/>{label}'
        if row == next_row:
            return _arrow("wire", source[2], self.middles[row], target[0], self.middles[row])
        x = self.x[wire.target]
        if next_row > row:
            return _arrow("wire", x, source[3], x, target[1])
        start_x, y = self.x[wire.source], source[1]
        end = self.middles[next_row]
        head = f"M{target[0]:.1f} {end:.1f}l{-1.6 * HEAD:g} {-HEAD:g}v{2 * HEAD:g}z"
        path = f"M{start_x:.1f} {y:.1f}V{end:.1f}H{target[0]:.1f}"
        return f'<path class="wire" d="{path}"/><path class="head" d="{head}"/>'

    def _lane(self, row: int) -> float:
        """The y of skip connections: above the bars of the row."""
        return self.middles[row] - self.tallest[row] / 2 - LANE

    def _channels(self, index: int, top: float) -> str:
        """The number of channels above a bar, left of a wire that comes from above and right of one that goes up: there
        it is away from the next bar, too."""
        shape, x = self.plan.boxes[index].shape, self.x[index]
        assert shape is not None
        text = str(shape.sizes[-1])
        width = text_width(text, NUMBER_SIZE)
        skips = [wire for wire in self.plan.wires if wire.target > wire.source + 1]
        is_below = index > 0 and self.rows[index] > self.rows[index - 1]
        goes_up = index + 1 < len(self.rows) and self.rows[index + 1] < self.rows[index]
        if is_below or any(wire.target == index for wire in skips):
            x -= 5 + width
        else:
            x += 5 if goes_up or any(wire.source == index for wire in skips) else -width / 2
        return text_svg(text, x, top - 4, NUMBER_SIZE, "shape")

    def _size(self, index: int, bottom: float) -> str:
        """Height and width below a bar, right of a wire that goes down."""
        text = _size_text(self.plan.boxes[index])
        goes_down = index + 1 < len(self.rows) and self.rows[index + 1] > self.rows[index]
        shift = 5.0 if goes_down else -text_width(text, NUMBER_SIZE) / 2
        return text_svg(text, self.x[index] + shift, bottom + 11, NUMBER_SIZE, "note")

    def _box(self, index: int) -> str:
        box = self.plan.boxes[index]
        left, top, right, bottom = self._edges(index)
        parts = [
            f"<title>{escape(chr(10).join(details_of(box)))}</title>",
            f'<rect class="side" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>',
            self._channels(index, top),
            self._size(index, bottom),
        ]
        return f'<g class="{_kind(box)}">{"".join(parts)}</g>'

    def _legend(self) -> tuple[str, float]:
        """What the colors stand for, in one row of words below, and the room that it takes."""
        words: dict[str, dict[str, None]] = {}
        for box in self.plan.boxes:
            words.setdefault(_kind(box), {})[_word(box)] = None
        x, y = MARGIN, self.height
        parts = []
        for kind, own in words.items():
            label = ", ".join(own)
            parts.append(f'<g class="{kind}"><rect class="side" x="{x:g}" y="{y - 9:g}" width="10" height="10"/></g>')
            parts.append(text_svg(label, x + 15, y, SMALL_SIZE, "note"))
            x += 15 + text_width(label, SMALL_SIZE) + 18
        parts.append(f'<path class="wire skip" d="M{x:g} {y - 4:g}h18"/>')
        parts.append(text_svg("skip", x + 23, y, SMALL_SIZE, "note"))
        self.width = max(self.width, x + 60)
        numbers = "above a block: channels; below: height and width, 64² is 64x64; not to scale"
        parts.append(text_svg(numbers, MARGIN, y + 18, SMALL_SIZE, "note"))
        self.width = max(self.width, 2 * MARGIN + text_width(numbers, SMALL_SIZE))
        return "".join(parts), 42.0


def _word(box: Box) -> str:
    return "input" if box.kind == "input" else box.title.partition("(")[0]


def _kind(box: Box) -> str:
    """The class of its color (theme.py): the way up is green, as in the paper."""
    return "recurrent" if _word(box) in ENLARGING else box.kind


def _size_text(box: Box) -> str:
    """`64²` or `48x64`."""
    assert box.shape is not None
    height, width = box.shape.sizes[:-1]
    return f"{height}²" if height == width else f"{height}x{width}"


def _bar(box: Box, largest: int) -> tuple[float, float]:
    """Width and height of a feature map: the channels by their logarithm, the side by its square root."""
    assert box.shape is not None
    channels = min(1.0, log2(1 + known(box.shape.sizes[-1])) / 11)
    return 4 + 22 * channels, 10 + (TALL - 10) * sqrt((_side(box) or 1) / largest)


def _arrow(kind: str, x0: float, y0: float, x1: float, y1: float) -> str:
    if y0 == y1:
        head = f"M{x1:.1f} {y1:.1f}l{-1.6 * HEAD:g} {-HEAD:g}v{2 * HEAD:g}z"
    else:
        head = f"M{x1:.1f} {y1:.1f}l{-HEAD:g} {-1.6 * HEAD:g}h{2 * HEAD:g}z"
    return f'<path class="{kind}" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/><path class="head" d="{head}"/>'
