"""From the steps of a network to statements: each names a tensor and has the chain that computes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from netspec.interchange.reading.options import SIZES, settings_of
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.interchange.reading.text.chains.regions import Region, Regions
from netspec.interchange.reading.text.simplify import is_implied
from netspec.interchange.reading.text.terms import Chain, Label, Merge, Reference, Term, Use
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.sequence.unembed import TiedOutput


@dataclass(eq=False)
class Statement:
    """A named tensor, or an output: what it flows from (None: only from references), and the chain to it."""

    step: Step
    source: Step | None
    chain: Chain


@dataclass(eq=False)
class Program:
    """The statements of a spec, in order; `shares` are the shared chains with their names, and `tables` the names of
    shared embeddings by the identity of their steps."""

    statements: list[Statement]
    labels: dict[int, Label] = field(default_factory=dict)
    """The names of tensors, by the identity of their steps."""
    skips: set[int] = field(default_factory=set)
    shares: list[tuple[Label, Chain]] = field(default_factory=list)
    tables: dict[int, Label] = field(default_factory=dict)
    output_names: list[str] = field(default_factory=list)
    is_in_order: bool = True
    """Whether the outputs are computed in the order of the file, and none of them is read."""


def structure_of(sketch: Sketch) -> Program:
    """The statements of a simplified sketch."""
    regions = Regions(sketch.steps, [step for _, step in sketch.outputs])
    roots = {id(step.shared) for step in sketch.steps if step.shared is not None}
    program = Program([])
    found = regions.divide()
    program.skips = regions.skips
    for region in found:
        builder = _Builder(region, regions.named, roots, program)
        chain = builder.chain(region.end, region.source)
        is_open = not chain or not _is_closed(chain[0])
        program.statements.append(Statement(region.end, region.source if is_open else None, chain))
    return program


def _is_closed(term: Term) -> bool:
    """Whether it begins with references alone, so that nothing flows into it."""
    if isinstance(term, Merge):
        return all(branch and _is_closed(branch[0]) for branch in term.branches)
    return isinstance(term, Reference)


class _Builder:
    """The chains of one region."""

    def __init__(self, region: Region, named: dict[int, Step], roots: set[int], program: Program) -> None:
        self.region = region
        self.named = named
        self.roots = roots
        self.program = program

    def chain(self, end: Step, start: Step | None) -> Chain:
        """From one step (without it) to another; it begins with a reference if it does not come from `start`."""
        items: list[Term] = []
        step = end
        while step is not start:
            if (id(step) in self.named and step is not self.region.end) or step.is_input:
                items.append(_term(Reference, step, values=(self._label(step),)))
                break
            if len(step.inputs) == 1:
                before = step.inputs[0]
                if is_implied(before, step) and id(before) not in self.named and before is not start:
                    before = before.inputs[0]
                items.append(self._use(step, before))
                step = before
                continue
            flowing = self.region.flowing(step) if id(step) in self.region.flows else []
            meet = self.region.above[id(step)] if flowing else None
            merge = self._merge(step, meet, flowing, may_close=start is self.region.source)
            items.append(merge)
            if meet is None or _is_closed(merge):
                break
            step = meet
        return tuple(reversed(items))

    def _merge(self, step: Step, meet: Step | None, flowing: list[Step], *, may_close: bool) -> Merge:
        """Branches from `meet`; if others come from references through layers, what is before `meet` joins it."""
        ids = {id(i) for i in flowing}
        branches = [self.chain(i, meet if id(i) in ids else None) for i in step.inputs]
        source = self.region.source
        if (
            may_close
            and meet is not None
            and source is not None
            and len(flowing) == 1
            and any(len(b) > 1 for b in branches)
        ):
            line = self._line(meet, source)
            if line is not None:
                head: Term = _term(Reference, source, values=(self._label(source),))
                branches = [
                    (head, *line, *b) if i is flowing[0] else b for i, b in zip(step.inputs, branches, strict=True)
                ]
        at = meet if meet is not None else step.inputs[0]
        joint = self._use(step, step.inputs[0])
        return _term(Merge, at, chains=(*branches, (joint,)))

    def _label(self, step: Step) -> Label:
        return self.program.labels.setdefault(id(step), Label())

    def _line(self, end: Step, source: Step) -> Chain | None:
        """The chain from the source to a step, if it has no branches."""
        step = end
        while step is not source:
            if len(step.inputs) != 1:
                return None
            step = step.inputs[0]
        return self.chain(end, source)

    def _use(self, step: Step, before: Step) -> Use:
        layer = step.layer
        assert layer is not None
        root = step.shared if step.shared is not None else step
        share = id(root) if step.shared is not None or id(step) in self.roots else None
        if isinstance(layer, TiedOutput):
            table = self.program.tables.setdefault(id(root), Label())
            return _term(Use, before, layer=layer, fixed=(("table", table),))
        shapes = [i.shape for i in step.inputs]
        has_weights = bool(layer.parameters(*shapes) or layer.state(*shapes))
        more = {"layer": layer, "share": share, "is_owner": has_weights and share is None, "scope": step.scope}
        if isinstance(layer, ActivationLayer):
            return _term(Use, before, fixed=(("activation", layer.activation),), **more)
        settings = settings_of(layer, before.shape)
        names = tuple(name for name, value in settings.items() if _is_number(name, value))
        fixed = tuple((name, value) for name, value in settings.items() if name not in names)
        values = tuple(settings[name] for name in names)
        return _term(Use, before, values=values, fixed=fixed, names=names, **more)


def _is_number(name: str, value: object) -> bool:
    if isinstance(value, tuple):
        return name in SIZES and all(isinstance(n, int) for n in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


T = TypeVar("T", bound=Term)


def _term(kind: type[T], before: Step, **fields: object) -> T:
    """A term that reads a step."""
    shape = before.shape
    channels = shape.channels if shape.rank and not shape.is_tokens else None
    return kind(channels=(channels if isinstance(channels, int) else None,), rank=shape.rank, **fields)  # type: ignore[arg-type]
