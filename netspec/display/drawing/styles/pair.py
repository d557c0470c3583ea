"""Two networks side by side, with what differs marked in both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.outline import Box, Plan, outline_of
from netspec.display.drawing.cards import TITLE_SIZE, text_width
from netspec.display.drawing.glyph import largest_side
from netspec.display.drawing.layout.arrange import arrange, layout_of
from netspec.display.drawing.styles.flow import HEADING, MARGIN, SIGNS, document, heading_svg, plan_svg, text_svg

MEANINGS = {
    "added": "added",
    "removed": "removed",
    "changed": "changed: options, number of copies, or layers inside",
}
"""What the signs of the drawing mean."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Which layers differ, by their names: `old` has those that were `removed` or `changed`, `new` those that were
    `added` or `changed`. `twins` has the old name of every layer of the new network that the old one has, too."""

    old: Mapping[str, str]
    new: Mapping[str, str]
    twins: Mapping[str, str]


def pair_svg(old: Graph, new: Graph, found: Differences) -> str:
    """The drawing as SVG; blocks are open where what is in them differs."""
    plans = outline_of(old), outline_of(new)
    before = _Marked(plans[0], {*found.old, *found.twins.values()}, found.old)
    after = _Marked(plans[1], {*found.new, *found.twins}, found.new)
    before.mark_parts_of(after.changed(found.twins))
    after.mark_parts_of(before.changed({was: name for name, was in found.twins.items()}))
    _mark_words(before, after, found.twins)
    body, x, height = "", MARGIN, 0.0
    for network, plan in zip((old, new), plans, strict=True):
        placed = arrange(layout_of(plan), _differs_inside)
        heading, room = heading_svg(network, x)
        body += heading
        body += "".join(plan_svg(placed, x - placed.left, MARGIN + HEADING, largest_side(plan.shapes())))
        x += max(placed.right - placed.left, room - 2 * MARGIN) + 3 * MARGIN
        height = max(height, placed.height)
    y = height + 3 * MARGIN + HEADING
    legend, right = _legend({box.mark for plan in plans for box in plan.all_boxes()}, y)
    return document(f"{old.name} and {new.name}", body + legend, max(x - 3 * MARGIN, right) + MARGIN, y + MARGIN)


def _differs_inside(box: Box) -> bool:
    return box.inside is not None and any(part.mark for part in box.inside.all_boxes())


class _Marked:
    """A plan whose boxes have marks. A block or copies in a row of which only a part is `added` are `changed`."""

    def __init__(self, plan: Plan, names: Iterable[str], marks: Mapping[str, str]) -> None:
        self.below: dict[str, set[str]] = {}
        """The names of the layers in each block, by its path."""
        for name in names:
            for path in accumulate(name.split("/"), "{}/{}".format):
                self.below.setdefault(path, set()).add(name)
        self.boxes = list(plan.all_boxes())
        for box in self.boxes:
            kinds = {marks.get(name, "") for name in self.layers(box)}
            box.mark = kinds.pop() if len(kinds) == 1 else "changed" if kinds else ""

    def layers(self, box: Box) -> set[str]:
        """The names of the layers that a box stands for."""
        return set().union(*(self.below.get(path, ()) for path in box.copies or (box.key,)))

    def _groups(self) -> Iterator[tuple[Box, int]]:
        """The boxes that stand for several layers, with their depth."""
        for box in self.boxes:
            if box.inside is not None or box.count > 1:
                yield box, box.key.count("/")

    def changed(self, twins: Mapping[str, str]) -> list[tuple[set[str], int]]:
        """What the other network has of each group that is changed: the names there, and the depth."""
        groups = [(self.layers(box), depth) for box, depth in self._groups() if box.mark == "changed"]
        return [({twins[name] for name in names if name in twins}, depth) for names, depth in groups]

    def mark_parts_of(self, groups: Iterable[tuple[set[str], int]]) -> None:
        """Marks groups of which the other network has more than they have."""
        groups = list(groups)
        for box, depth in self._groups():
            own = self.layers(box)
            if not box.mark and own and any(depth == level and own <= names for names, level in groups):
                box.mark = "changed"


def _mark_words(old: _Marked, new: _Marked, twins: Mapping[str, str]) -> None:
    """Sets what differs in the titles of boxes that are changed in both networks."""
    for box in new.boxes:
        names = {twins[name] for name in new.layers(box) if name in twins}
        for other in old.boxes:
            is_same = box.mark == other.mark == "changed" and box.kind == other.kind and names & old.layers(other)
            if is_same and box.key.count("/") == other.key.count("/"):
                ours, theirs = _words(box), _words(other)
                box.other_words = tuple(word for word in ours if word not in theirs)
                other.other_words = tuple(word for word in theirs if word not in ours)


def _words(box: Box) -> list[str]:
    """The options of a box, and its number of copies."""
    words = [word.strip() for word in re.split(r"[(),]", box.title)]
    return [*filter(None, words), *([f"× {box.count}"] if box.count > 1 else [])]


def _legend(marks: set[str], y: float) -> tuple[str, float]:
    """What the signs of the drawing mean, in one row, and where it ends."""
    shown = [(f"{SIGNS[mark]} {MEANINGS[mark]}", mark) for mark in SIGNS if mark in marks] or [
        ("the layers are the same", "note")
    ]
    x, parts = MARGIN, []
    for text, kind in shown:
        parts.append(text_svg(text, x, y, TITLE_SIZE, kind, bold=kind != "note"))
        x += text_width(text, TITLE_SIZE) + 1.5 * MARGIN
    return "".join(parts), x - 1.5 * MARGIN
