"""Puts the boxes of a plan into layers, and orders each layer so that few wires cross.

Sugiyama, Tagawa and Toda 1981, Methods for visual understanding of hierarchical system structures: longest paths, a
stand-in in each layer that a long wire passes, and sweeps by barycenters. Items are boxes, by their index in the plan,
and then the stand-ins.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netspec.compiler.ir.outline import Plan, Wire

SWEEPS = 8


@dataclass(eq=False)
class Layered:
    """`layers` has the items of each layer from left to right, `routes` the items that each wire passes, ends included.

    Items from `boxes` on are stand-ins.
    """

    boxes: int
    layers: list[list[int]]
    routes: list[list[int]]
    wires: list[Wire]

    def segments(self) -> Iterator[tuple[int, int, Wire]]:
        """The part of a wire between neighboring layers: from an item to one in the next layer."""
        for wire, route in zip(self.wires, self.routes, strict=True):
            for upper, lower in pairwise(route):
                yield upper, lower, wire


def layered(plan: Plan, port_places: Mapping[int, Sequence[float]] | None = None) -> Layered:
    """Layers for a plan. Entries are in the first, exits in the last; an input is just above what reads it.

    `port_places` says, for blocks whose ports have a fixed order, where each port is: -0.5 is left, 0.5 right.
    """
    ranks = _ranks(plan)
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for index, rank in enumerate(ranks):
        layers[rank].append(index)
    routes: list[list[int]] = []
    items = len(plan.boxes)
    # Long wires are outside of short ones: their stand-ins come last.
    for wire in plan.wires:
        between = range(ranks[wire.source] + 1, ranks[wire.target])
        routes.append([wire.source, *range(items, items + len(between)), wire.target])
        items += len(between)
    by_length = sorted(range(len(routes)), key=lambda number: len(routes[number]))
    for number in by_length:
        for step, item in enumerate(routes[number][1:-1], 1):
            layers[ranks[plan.wires[number].source] + step].append(item)
    result = Layered(len(plan.boxes), layers, routes, plan.wires)
    _order(result, items, port_places or {})
    return result


def _ranks(plan: Plan) -> list[int]:
    ranks = [0] * len(plan.boxes)
    lower: list[list[int]] = [[] for _ in plan.boxes]
    for wire in plan.wires:
        lower[wire.source].append(wire.target)
    for index in range(len(plan.boxes)):  # the boxes are in the order of the computation
        for target in lower[index]:
            ranks[target] = max(ranks[target], ranks[index] + 1)
    starts = set(range(len(plan.boxes))) - {wire.target for wire in plan.wires}
    for index in starts:
        if plan.boxes[index].kind != "entry" and lower[index]:
            ranks[index] = min(ranks[target] for target in lower[index]) - 1
    last = max(ranks, default=0)
    for index, box in enumerate(plan.boxes):
        if box.kind == "exit":
            ranks[index] = last
    return ranks


Neighbors = list[list[tuple[int, float]]]
"""The neighbors of each item in the next layer, with the place of the port from the middle of the neighbor."""


def _order(graph: Layered, items: int, port_places: Mapping[int, Sequence[float]]) -> None:
    """Sweeps down and up by barycenters; the order with the fewest crossings is kept."""
    above: Neighbors = [[] for _ in range(items)]
    below: Neighbors = [[] for _ in range(items)]
    for upper, lower, wire in graph.segments():
        ports = port_places.get(lower, ())
        below[upper].append((lower, ports[wire.target_port] if wire.target_port < len(ports) else 0.0))
        above[lower].append((upper, 0.0))
    best, fewest = [list(layer) for layer in graph.layers], _crossings(graph.layers, below)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        is_down = sweep % 2 == 0
        order = range(1, len(graph.layers)) if is_down else range(len(graph.layers) - 2, -1, -1)
        for number in order:
            fixed = graph.layers[number - 1 if is_down else number + 1]
            place = {item: position for position, item in enumerate(fixed)}
            graph.layers[number] = _by_barycenter(graph.layers[number], place, above if is_down else below)
        crossings = _crossings(graph.layers, below)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in graph.layers], crossings
    graph.layers = best


def _by_barycenter(layer: Sequence[int], place: Mapping[int, int], neighbors: Neighbors) -> list[int]:
    """The layer sorted by the mean place of each item's neighbors; items without neighbors stay where they are."""

    def mean(item: int) -> float:
        return sum(place[other] + port for other, port in neighbors[item]) / len(neighbors[item])

    moved = iter(sorted((item for item in layer if neighbors[item]), key=mean))
    return [next(moved) if neighbors[item] else item for item in layer]


def _crossings(layers: Sequence[Sequence[int]], below: Neighbors) -> int:
    """The number of pairs of segments that cross, layer by layer."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {item: position for position, item in enumerate(lower)}
        seen: list[float] = []
        for item in upper:
            ends = sorted(place[other] + port for other, port in below[item])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
