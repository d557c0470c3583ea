"""Which tensors need names, so that everything between them is chains and branches.

A *region* is what a named tensor or an output is computed by, back to other named tensors. One of these is its source,
from which it flows as a chain; the others are references. A region can be written without further names if, for every
tensor in it that is read more than once, the branches in which its readers meet begin with this tensor (Valdes, Tarjan
and Lawler 1982, The recognition of series parallel digraphs).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from netspec.interchange.reading.sketch import Step

MAX_DEPTH = 3
"""Branches inside branches: where there are more, as in a U-Net, the tensors that they begin with get names."""

NEAR = 0.4
"""A source is at least this far from the end of its region, relative to the farthest one."""
MAX_SOURCES = 6
"""How many named tensors are tried as the source of a region."""


@dataclass(eq=False)
class Region:
    """The steps between named tensors and `end`, in order; `source` is None where nothing flows in."""

    end: Step
    steps: list[Step]
    source: Step | None = None
    flows: set[int] = field(default_factory=set)
    """The steps that are computed from the source, by identity, and the source."""
    above: dict[int, Step] = field(default_factory=dict)
    """The last step that everything flows through on its way to a step."""
    jumps: bool = False
    """Whether layers that join tensors read the source by its name."""

    def flowing(self, step: Step) -> list[Step]:
        """The inputs of a step that flow from the source."""
        inputs = [i for i in step.inputs if id(i) in self.flows]
        if self.jumps and self.source is not None and len(step.inputs) > 1:
            inner = [i for i in inputs if i is not self.source]
            return inner or inputs
        return inputs


class Regions:
    """The regions of a network, and its `named` tensors by identity."""

    def __init__(self, steps: list[Step], ends: list[Step]) -> None:
        self.order = {id(step): index for index, step in enumerate(steps)}
        self.named = {id(step): step for step in steps if step.is_input}
        self.last_reader = {id(i): index for index, step in enumerate(steps) for i in step.inputs}
        self.ends = ends
        self.skips: set[int] = set()
        self.steps = steps
        self.found: list[Region] = []

    def divide(self) -> list[Region]:
        """Name tensors until every region can be written."""
        ends = {id(end): end for end in self.ends}
        for step in self.steps:
            if id(step) in ends and any(step in other.inputs for other in self.steps):
                self.named[id(step)] = step
        while True:
            self.found = [self._region(target) for target in self._targets()]
            more = self._read_by_several() or self._crossing() or self._deep()
            if not more:
                return self.found
            self.named.update((id(step), step) for step in more)

    def _targets(self) -> list[Step]:
        targets = {**self.named, **{id(end): end for end in self.ends}}
        return sorted((s for s in targets.values() if not s.is_input), key=lambda s: self.order[id(s)])

    def _region(self, end: Step) -> Region:
        inside = {id(end): end}
        stack = [end]
        sources: dict[int, Step] = {}
        while stack:
            for i in stack.pop().inputs:
                if id(i) in self.named:
                    sources[id(i)] = i
                elif id(i) not in inside:
                    inside[id(i)] = i
                    stack.append(i)
        region = Region(end, sorted(inside.values(), key=lambda s: self.order[id(s)]))
        self._choose_source(region, list(sources.values()))
        return region

    def _choose_source(self, region: Region, sources: list[Step]) -> None:
        """The source is the named tensor that leaves the fewest others to be named; of equal ones the farthest."""
        far = {id(region.end): 0}
        for step in reversed(region.steps):
            for i in step.inputs:
                far[id(i)] = max(far.get(id(i), 0), far[id(step)] + 1)
        sources.sort(key=lambda s: (-far[id(s)], -self.order[id(s)]))
        counts = []
        sources = [s for s in sources if far[id(s)] >= NEAR * far[id(sources[0])]]
        for source in sources[:MAX_SOURCES] if len(sources) > 1 else []:
            self._flow_from(region, source)
            counts.append(len(_crossing_of(region)))
        if sources:
            self._flow_from(region, sources[counts.index(min(counts)) if counts else 0])

    def _flow_from(self, region: Region, source: Step) -> None:
        region.source = source
        region.jumps = id(source) in self.skips
        region.above = {}
        _find_flow(region)

    def _read_by_several(self) -> list[Step]:
        """Tensors that are read in several regions."""
        members: dict[int, set[int]] = {}
        for index, region in enumerate(self.found):
            for step in region.steps:
                members.setdefault(id(step), set()).add(index)
        more: dict[int, Step] = {}
        for step in self.steps:
            for i in step.inputs:
                mine = members.get(id(i))
                if mine is not None and id(i) not in self.named and not mine <= members.get(id(step), set()):
                    more[id(i)] = i
        return list(more.values())

    def _crossing(self) -> list[Step]:
        """Of each region, the tensor that is read from the farthest, of those without which branches do not cross."""
        more = []
        for region in self.found:
            wishes: list[tuple[int, Step, bool]] = []
            for step, start in _crossing_of(region):
                wishes.append((self._reach(step), step, False))
                if start is not None and start is not region.source and self._reach(start) > 2 * self._reach(step):
                    wishes.append((self._reach(start), start, True))
            if wishes:
                _reach, step, is_skip = max(wishes, key=lambda wish: wish[0])
                more.append(step)
                self.skips |= {id(step)} if is_skip else set()
        return more

    def _reach(self, step: Step) -> int:
        """How far away a tensor is read."""
        return self.last_reader.get(id(step), 0) - self.order[id(step)]

    def _deep(self) -> list[Step]:
        """The tensors that branches begin with which are nested too deeply."""
        for region in self.found:
            starts = _too_deep(region)
            if starts:
                self.skips |= {id(s) for s in starts}
                return [s for s in starts if id(s) not in self.named]
        return []


def _find_flow(region: Region) -> None:
    """What flows from the source, and the dominators of it (Cooper, Harvey and Kennedy 2001)."""
    source = region.source
    if source is None:
        return
    region.flows = {id(source)}
    level = {id(source): 0}
    for step in region.steps:
        inputs = region.flowing(step)
        if not inputs:
            continue
        region.flows.add(id(step))
        meet = inputs[0]
        for other in inputs[1:]:
            meet = _meeting(meet, other, region.above, level)
        region.above[id(step)] = meet
        level[id(step)] = level[id(meet)] + 1


def _meeting(one: Step, other: Step, above: dict[int, Step], level: dict[int, int]) -> Step:
    while one is not other:
        if level[id(one)] >= level[id(other)]:
            one = above[id(one)]
        else:
            other = above[id(other)]
    return one


def _crossing_of(region: Region) -> list[tuple[Step, Step | None]]:
    """The steps that are read more than once, and not only by branches that begin with them; with the step that the
    branches which they are in begin with."""
    readers: dict[int, list[Step]] = {}
    for step in region.steps:
        for i in region.flowing(step) if id(step) in region.flows else step.inputs:
            readers.setdefault(id(i), []).append(step)
    below: dict[int, Step] = {}
    level = {id(region.end): 0}
    found: list[tuple[Step, Step | None]] = [(step, None) for step in _forked(region)]
    for step in reversed(region.steps):
        mine = readers.get(id(step), [])
        if id(step) not in region.flows or not mine:
            continue
        meet = mine[0]
        for other in mine[1:]:
            meet = _meeting(meet, other, below, level)
        below[id(step)] = meet
        level[id(step)] = level[id(meet)] + 1
        if len(mine) > 1 and region.above[id(meet)] is not step:
            found.append((step, region.above[id(meet)]))
    return found


def _forked(region: Region) -> list[Step]:
    """The steps that do not flow from the source and are joined with what does, but for those at the end of a line."""
    reads: dict[int, int] = {}
    for step in region.steps:
        for i in step.inputs:
            reads[id(i)] = reads.get(id(i), 0) + 1
    lines: set[int] = set()
    for step in region.steps:
        inner = [i for i in step.inputs if id(i) in lines or i not in region.steps]
        if reads.get(id(step)) == 1 and len(inner) == len(step.inputs) == 1:
            lines.add(id(step))
    return [
        i
        for i in {id(i): i for step in region.steps if id(step) in region.flows for i in step.inputs}.values()
        if id(i) not in region.flows and id(i) not in lines and i in region.steps
    ]


def _too_deep(region: Region) -> list[Step]:
    """The steps that nested branches begin with, outer ones first, where there are more than `MAX_DEPTH` of them."""
    own: dict[int, tuple[Step, ...]] = {}
    deepest: tuple[Step, ...] = ()
    for step in region.steps:
        inputs = region.flowing(step) if id(step) in region.flows else []
        if len(inputs) > 1:
            start = region.above[id(step)]
            inside = [_nested(i, start, own, region) for i in inputs]
            own[id(step)] = (start, *max(inside, key=len))
            deepest = max(deepest, own[id(step)], key=len)
    return [*deepest] if len(deepest) > MAX_DEPTH else []


def _nested(end: Step, start: Step, own: dict[int, tuple[Step, ...]], region: Region) -> tuple[Step, ...]:
    """The deepest branches on the way from a step to another one."""
    deepest: tuple[Step, ...] = ()
    while end is not start:
        deepest = max(deepest, own.get(id(end), ()), key=len)
        end = region.above[id(end)]
    return deepest
