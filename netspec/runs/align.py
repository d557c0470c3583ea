"""Pairs the layers of two networks: the alignment of two lists with the least cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

GAP = 1.0
"""The cost of a layer that only one of the lists has; layers whose pair costs two gaps are not paired."""
MAX_PAIRS = 500_000
"""Lists whose lengths multiply to more are paired by name alone."""

NUMBER = re.compile(r"_?\d+")
Layer = Mapping[str, Any]
Pairs = list[tuple[int | None, int | None]]
"""Indices in the old and in the new list; None where a list has no such layer."""


def align(old: Sequence[Layer], new: Sequence[Layer]) -> Pairs:
    """Pair the layers of two lists, both in order.

    Layers that differ only in their names are a better pair than layers with the same name and different options.
    """
    begin = 0
    while begin < min(len(old), len(new)) and _cost(old[begin], new[begin]) == 0:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and _cost(old[-1 - end], new[-1 - end]) == 0:
        end += 1
    inner_old, inner_new = old[begin : len(old) - end], new[begin : len(new) - end]
    middle = _by_name if len(inner_old) * len(inner_new) > MAX_PAIRS else _cheapest
    pairs: Pairs = [(i, i) for i in range(begin)]
    for i, j in middle(inner_old, inner_new):
        pairs.append((None if i is None else i + begin, None if j is None else j + begin))
    return pairs + [(len(old) - i, len(new) - i) for i in range(end, 0, -1)]


def _cost(a: Layer, b: Layer) -> float:
    """0 for equal layers, 2 gaps for layers that are not to be paired."""
    is_named = bool(a["name"] == b["name"])
    if a["word"] != b["word"]:
        return 1.5 if is_named else 2 * GAP
    differing: int = sum(a["options"].get(key) != b["options"].get(key) for key in {*a["options"], *b["options"]})
    # A layer that was only renumbered is closer than one with the same name and other options.
    renamed = 0.0 if is_named else 0.02 if NUMBER.sub("", a["name"]) == NUMBER.sub("", b["name"]) else 0.2
    return min(1.4, 0.3 * differing) + renamed


def _cheapest(old: Sequence[Layer], new: Sequence[Layer]) -> Pairs:
    """The pairs with the least total cost (Needleman and Wunsch 1970)."""
    prices = [[_cost(a, b) for b in new] for a in old]
    costs = [[GAP * j for j in range(len(new) + 1)]]
    for i in range(len(old)):
        row, above = [GAP * (i + 1)], costs[-1]
        for j, price in enumerate(prices[i]):
            row.append(min(above[j] + price, above[j + 1] + GAP, row[j] + GAP))
        costs.append(row)
    pairs: Pairs = []
    i, j = len(old), len(new)
    while i or j:
        price = prices[i - 1][j - 1] if i and j else 2 * GAP
        if price < 2 * GAP and costs[i][j] == costs[i - 1][j - 1] + price:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif j and costs[i][j] == costs[i][j - 1] + GAP:  # from the end: removed layers come before new ones
            j -= 1
            pairs.append((None, j))
        else:
            i -= 1
            pairs.append((i, None))
    return pairs[::-1]


def _by_name(old: Sequence[Layer], new: Sequence[Layer]) -> Pairs:
    """Pairs of layers with the same name, as far as they are in the same order."""
    indices = {layer["name"]: j for j, layer in enumerate(new)}
    pairs: Pairs = []
    done = 0
    for i, layer in enumerate(old):
        j = indices.get(layer["name"], -1)
        if j < done:
            pairs.append((i, None))
            continue
        pairs += [(None, k) for k in range(done, j)]
        pairs.append((i, j))
        done = j + 1
    return pairs + [(None, k) for k in range(done, len(new))]
