"""Places the items of a layered plan from left to right: columns straight, merges below the middle of what they merge.

Items that should be in one vertical line (a chain of layers, the stand-ins of a long wire) form a column, as the blocks
of Brandes and Koepf 2001, Fast and simple horizontal coordinate assignment. Columns start as far left as their
neighbors allow, and then move towards the middle of what they are connected with as far as there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from math import inf

from netspec.display.drawing.layout.layering import Layered

ROUNDS = 24
GAP = 20.0
WIRE_GAP = 14.0


@dataclass(eq=False)
class Columns:
    """The column of each item; `order` has the columns so that each comes after those to the left of it."""

    graph: Layered
    column: list[int]
    order: list[int]

    def positions(self, extents: Sequence[tuple[float, float]]) -> list[float]:
        """The x of each item. `extents` says how far each box reaches to the left and to the right of it."""
        gaps = _gaps(self.graph, self.column, extents)
        left_of: dict[int, list[tuple[int, float]]] = {column: [] for column in self.order}
        right_of: dict[int, list[tuple[int, float]]] = {column: [] for column in self.order}
        for (left, right), distance in gaps.items():
            left_of[right].append((left, distance))
            right_of[left].append((right, distance))
        links: dict[int, list[int]] = {column: [] for column in self.order}
        for upper, lower, _ in self.graph.segments():
            a, b = self.column[upper], self.column[lower]
            if a != b:
                links[a].append(b)
                links[b].append(a)
        x = dict.fromkeys(self.order, 0.0)
        for column in self.order:
            x[column] = max((x[other] + distance for other, distance in left_of[column]), default=0.0)
        for number in range(ROUNDS):
            for column in self.order if number % 2 else reversed(self.order):
                if links[column]:
                    wanted = sum(x[other] for other in links[column]) / len(links[column])
                    low = max((x[other] + distance for other, distance in left_of[column]), default=-inf)
                    high = min((x[other] - distance for other, distance in right_of[column]), default=inf)
                    x[column] = max(low, min(wanted, high))
        return [x[column] for column in self.column]


def _gaps(
    graph: Layered, column: Sequence[int], extents: Sequence[tuple[float, float]]
) -> dict[tuple[int, int], float]:
    """How far neighboring columns are apart at least."""
    gaps: dict[tuple[int, int], float] = {}
    for layer in graph.layers:
        for left, right in pairwise(layer):
            reach = extents[left][1] if left < graph.boxes else 0.0
            reach += extents[right][0] if right < graph.boxes else 0.0
            gap = GAP if left < graph.boxes and right < graph.boxes else WIRE_GAP
            pair = column[left], column[right]
            gaps[pair] = max(gaps.get(pair, 0.0), reach + gap)
    return gaps


def columns_of(graph: Layered) -> Columns:
    """Puts the items into columns."""
    column = _Alignment(graph).column
    pairs = {(column[left], column[right]) for layer in graph.layers for left, right in pairwise(layer)}
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(column, ()))
    for left, right in sorted(pairs):
        sorter.add(right, left)
    return Columns(graph, column, list(sorter.static_order()))


class _Alignment:
    def __init__(self, graph: Layered) -> None:
        self.graph = graph
        items = sum(map(len, graph.layers))
        self.column = list(range(items))
        """The column of each item, named after its first item."""
        self.above: list[list[int]] = [[] for _ in range(items)]
        self.below: list[list[int]] = [[] for _ in range(items)]
        for upper, lower, _ in graph.segments():
            self.above[lower].append(upper)
            self.below[upper].append(lower)
        self.steps_above = self._steps(self.above, [item for layer in graph.layers for item in layer])
        """How many boxes come before an item, on the longest way."""
        self.steps_below = self._steps(self.below, [item for layer in reversed(graph.layers) for item in layer])
        for upper_layer, lower_layer in pairwise(graph.layers):
            self._align(upper_layer, lower_layer)

    def _steps(self, neighbors: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
        steps = [0] * len(neighbors)
        for item in order:
            own = 0 if self._is_wire(item) else 1
            steps[item] = own + max((steps[other] for other in neighbors[item]), default=0)
        return steps

    def _align(self, upper_layer: Sequence[int], lower_layer: Sequence[int]) -> None:
        """Continues columns from a layer to the next, long wires first; columns do not cross."""
        place = {item: position for position, item in enumerate(upper_layer)}
        pairs = []
        for position, item in enumerate(lower_layer):
            upper = self._partner(item)
            if upper is not None:
                is_wire = self._is_wire(item) and self._is_wire(upper)
                pairs.append((not is_wire, position, place[upper], item, upper))
        kept: list[tuple[int, int]] = []
        for _, position, above, item, upper in sorted(pairs):
            if all((position - p) * (above - a) > 0 for p, a in kept):
                kept.append((position, above))
                self.column[item] = self.column[upper]

    def _is_wire(self, item: int) -> bool:
        return item >= self.graph.boxes

    def _partner(self, item: int) -> int | None:
        """The item above that it should be in line with: each is the main neighbor of the other."""
        upper = self._main(item, self.above, self.steps_above)
        return upper if upper is not None and self._main(upper, self.below, self.steps_below) == item else None

    def _main(self, item: int, neighbors: Sequence[Sequence[int]], steps: Sequence[int]) -> int | None:
        """The only neighbor that is not just passing by, or the one of two that is on the longer way."""
        others = list(dict.fromkeys(neighbors[item]))
        if len(others) > 1 and not self._is_wire(item):
            others = [other for other in others if not self._is_wire(other)]
        if len(others) == 2 and steps[others[0]] != steps[others[1]]:
            return max(others, key=steps.__getitem__)
        return others[0] if len(others) == 1 else None
