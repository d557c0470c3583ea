"""Pairs the layers of two networks: the alignment of two lists with the least cost."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
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

    Layers that differ only in their names are a better pair than layers with the same name and different options. Of
    alignments that leave as much unpaired, that of whole blocks is taken: a block that was added is not made of the
    ends of its neighbors.
    """
    begin = 0
    while begin < min(len(old), len(new)) and _cost(old[begin], new[begin]) == 0:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and _cost(old[-1 - end], new[-1 - end]) == 0:
        end += 1
    inner_old, inner_new = old[begin : len(old) - end], new[begin : len(new) - end]
    middle = _by_name if len(inner_old) * len(inner_new) > MAX_PAIRS else _best
    pairs: Pairs = [(i, i) for i in range(begin)]
    pairs += _moved(middle(inner_old, inner_new), begin, begin)
    return pairs + [(len(old) - i, len(new) - i) for i in range(end, 0, -1)]


def _best(old: Sequence[Layer], new: Sequence[Layer]) -> Pairs:
    prices = [[_cost(a, b) for b in new] for a in old]
    _, layers = _cheapest(prices, [GAP] * len(old), [GAP] * len(new))
    _, blocks = _Blocks().pairs(old, new)
    return blocks if _difference(blocks, old, new) <= _difference(layers, old, new) else layers


def _difference(pairs: Pairs, old: Sequence[Layer], new: Sequence[Layer]) -> float:
    """The cost of pairs without that of names."""
    return sum(GAP if i is None or j is None else _changes(old[i], new[j]) for i, j in pairs)


def _cost(a: Layer, b: Layer, depth: int = 0) -> float:
    """0 for equal layers, 2 gaps for layers that are not to be paired; names count within the block at a depth."""
    renamed = _renamed(*("/".join(layer["name"].split("/")[depth:]) for layer in (a, b)))
    return 2 * GAP if renamed and a["word"] != b["word"] else _changes(a, b) + renamed


def _changes(a: Layer, b: Layer) -> float:
    """What differs in two layers of a pair beside their names."""
    if a["word"] != b["word"]:
        return 1.5
    differing: int = sum(a["options"].get(key) != b["options"].get(key) for key in {*a["options"], *b["options"]})
    return min(1.4, 0.3 * differing)


def _renamed(a: str, b: str) -> float:
    """What was only renumbered is closer than what has the same name and other options."""
    return 0.0 if a == b else 0.02 if NUMBER.sub("", a) == NUMBER.sub("", b) else 0.2


class _Blocks:
    """Pairs blocks with blocks, and then what is in them."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[float, Pairs]] = {}
        """The pairs in two blocks with these contents: networks have many blocks that are the same."""

    def pairs(self, old: Sequence[Layer], new: Sequence[Layer], depth: int = 0) -> tuple[float, Pairs]:
        """What the pairs of layers cost, and the pairs; `depth` is that of the blocks that are compared."""
        before, after = _split(old, depth), _split(new, depth)
        prices = [[self._cost(a, b, depth) for b in after] for a in before]
        cost, found = _cheapest(prices, [GAP * len(block) for block in before], [GAP * len(block) for block in after])
        pairs: Pairs = []
        i = j = 0
        for first, second in found:
            rows = 0 if first is None else len(before[first])
            columns = 0 if second is None else len(after[second])
            if first is None or second is None:
                pairs += [(i + row, None) for row in range(rows)] + [(None, j + column) for column in range(columns)]
            else:
                pairs += _moved(self._inside(before[first], after[second], depth)[1], i, j)
            i, j = i + rows, j + columns
        return cost, pairs

    def _cost(self, a: Sequence[Layer], b: Sequence[Layer], depth: int) -> float:
        """That of a pair of blocks or layers; that of leaving both unpaired where they are none."""
        if _is_block(a, depth) != _is_block(b, depth):
            return GAP * (len(a) + len(b))
        if not _is_block(a, depth):
            return _cost(a[0], b[0], depth)
        return self._inside(a, b, depth)[0] + _renamed(_part(a[0], depth), _part(b[0], depth))

    def _inside(self, a: Sequence[Layer], b: Sequence[Layer], depth: int) -> tuple[float, Pairs]:
        if not _is_block(a, depth):
            return _changes(a[0], b[0]), [(0, 0)]
        key = _content(a, depth), _content(b, depth)
        if key not in self._found:
            self._found[key] = self.pairs(a, b, depth + 1)
        return self._found[key]


def _split(layers: Sequence[Layer], depth: int) -> list[Sequence[Layer]]:
    """The blocks at a depth, and the layers between them as blocks of one."""
    found: list[Sequence[Layer]] = []
    for _, run in groupby(layers, lambda layer: _part(layer, depth)):
        block = list(run)  # or a layer, and then further uses of it if it is shared
        found += [block] if _is_block(block, depth) else [[layer] for layer in block]
    return found


def _part(layer: Layer, depth: int) -> str:
    return str(layer["name"].split("/")[depth])


def _is_block(layers: Sequence[Layer], depth: int) -> bool:
    return str(layers[0]["name"]).count("/") > depth


def _content(layers: Sequence[Layer], depth: int) -> str:
    """What a block has beside its own name."""
    inside = [(layer["name"].split("/")[depth + 1 :], layer["word"], layer["options"]) for layer in layers]
    return json.dumps(inside, sort_keys=True)


def _moved(pairs: Pairs, i: int, j: int) -> Pairs:
    return [(None if a is None else a + i, None if b is None else b + j) for a, b in pairs]


def _cheapest(prices: Sequence[Sequence[float]], old: Sequence[float], new: Sequence[float]) -> tuple[float, Pairs]:
    """The pairs with the least total cost (Needleman and Wunsch 1970), and that cost.

    Args:
        prices: what a pair costs; where that is as much as both gaps, there is none.
        old: what it costs to leave one of the old list unpaired.
        new: the same for the new list.
    """
    costs = [[0.0, *accumulate(new)]]
    for i, gap in enumerate(old):
        row, above = [costs[-1][0] + gap], costs[-1]
        for j, price in enumerate(prices[i]):
            row.append(min(above[j] + price, above[j + 1] + gap, row[j] + new[j]))
        costs.append(row)
    pairs: Pairs = []
    i, j = len(old), len(new)
    while i or j:
        if j and costs[i][j] == costs[i][j - 1] + new[j - 1]:  # from the end: removed layers come before new ones, and
            j -= 1  # of several that are equal the first are paired
            pairs.append((None, j))
        elif i and costs[i][j] == costs[i - 1][j] + old[i - 1]:
            i -= 1
            pairs.append((i, None))
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return costs[-1][-1], pairs[::-1]


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
