"""Translates a program of ATen operators into a sketch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotImported
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import NO_AXIS, Value
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.interchange.torch.reading.attention import Attention, Finder
from netspec.interchange.torch.reading.operations.table import ATTENTION, OPERATORS, PATTERN
from netspec.interchange.torch.reading.patterns import find_patterns
from netspec.interchange.torch.reading.places import place_of
from netspec.interchange.torch.reading.program import SAME, Call, Program, Ref
from netspec.interchange.torch.reading.results import Rows, States
from netspec.language.lazy import lazy
from netspec.language.vocabulary import RESERVED as KEYWORDS

torch = lazy("torch")

RESERVED = frozenset(KEYWORDS.split())
POSITIONS = frozenset(("conv1d", "conv_transpose1d", "max_pool1d", "avg_pool1d", "batch_norm", "adaptive_avg_pool1d"))
"""Operators whose input of rank 3 has its channels first."""


class ModuleBuilder(Builder):
    """A builder whose messages name modules by their paths."""

    path = ""

    def what(self, word: str) -> str:
        return self.path or word


class Translator:
    """Translates a program.

    Args:
        program: the program.
        sketch: what is built.
        batch: the size of the batch in the program.

    `inputs` and `outputs` are the values by name.
    """

    def __init__(self, program: Program, sketch: Sketch, batch: int) -> None:
        self.program, self.sketch, self.batch = program, sketch, batch
        self.builder = ModuleBuilder(sketch)
        self.fixed = program.fixed
        self.calls = {call.name: call for call in program.calls}
        self.values: dict[str, Any] = {}
        self.tables: dict[str, Step] = {}
        self.uses: dict[tuple[str, ...], list[Step]] = {}
        self.matches = Finder(program, batch, self.fixed).all()
        self.patterns = find_patterns(program)
        self.needed = self._needed()
        self.constants = program.computed_constants(self._wanted())
        masks = {match.mask for match in self.matches.values()} | {found.mask for found in self.patterns.values()}
        self.masks = {mask for mask in masks if mask is not None}
        self.has_padding = bool(self.masks)
        self.inputs = {name: self._input(name, value) for name, value in program.inputs.items()}
        self.outputs: dict[str, Value] = {}

    def run(self) -> None:
        """Add the steps of all calls that the outputs need, and the outputs."""
        for call in self.program.calls:
            if call.name in self.needed and call.name not in self.fixed:
                self.values[call.name] = self._translated(call)
        for name, value in self.program.outputs:
            with self.builder.place(""):
                self.builder.path = f"the output `{name}`" if name else "the output"
                self.outputs[name] = self.builder.output(self._output(Ref(value)), name)
        self._drop_unused()
        self._warn_of_ties()

    def _output(self, ref: Ref) -> Value:
        try:
            found = self.value(ref)
            order = [axis for axis in found.layout if axis is not None] if not found.is_lost else []
            if len(order) < len(found.layout):  # axes of size 1 that the output does not have
                return self.builder.arrange(found, order)
        except CannotSay as reason:
            return self.builder.lost(self.builder.path, str(reason))
        return found

    # ------------------------------------------------------------ what is needed

    def _sources(self, call: Call) -> list[str]:
        """The names of what is needed for the result of a call."""
        match = self.matches.get(call.name)
        if call.name in self.patterns:
            return [self.patterns[call.name].source]
        if match is None:
            return list(call.reads)
        weights = [name for c in match.linear for name in c.reads if name in self.fixed]
        return [match.query.source, match.key.source, match.value.source, *weights]

    def _needed(self) -> set[str]:
        needed = {value for _, value in self.program.outputs}
        for call in reversed(self.program.calls):
            if call.name in needed and call.name not in self.fixed:
                needed |= set(self._sources(call))
        return needed

    def _wanted(self) -> set[str]:
        """The constants that are needed; those of attention are weights of the program."""
        return {name for name in self.needed if name in self.fixed}

    def _drop_unused(self) -> None:
        """Leave steps out that no output needs, such as the sequence where only the last state is used."""
        kept: set[int] = set()
        stack = [step for _, step in self.sketch.outputs]
        while stack:
            step = stack.pop()
            if id(step) not in kept:
                kept.add(id(step))
                stack += step.inputs
        self.sketch.steps = [step for step in self.sketch.steps if id(step) in kept]
        for step in self.sketch.steps:
            if step.shared is not None and id(step.shared) not in kept:
                step.shared = None

    # ------------------------------------------------------------ inputs

    def _input(self, name: str, value: str) -> Value:
        shape = self.program.shapes[value]
        readers = self._readers(value)
        tables = [self.program.shapes[c["weight"].name][0] for c in readers if c.target == "embedding"]
        axes = None
        if len(shape) == 3 and any(call.target in POSITIONS for call in readers):
            axes = (0, 2, 1)
        tokens = min(tables) if tables else None
        made = self.builder.input(self._input_name(name), [int(size) for size in shape[1:]], tokens=tokens, axes=axes)
        self.values[value] = made
        pads = {self._pad(mask, value) for mask in self.masks} - {None}
        if len(pads) == 1 and tokens is not None:
            made.step.pad = pads.pop()
        return made

    def _input_name(self, name: str) -> str:
        """The name of an argument, where the language has no such keyword."""
        names = {*self.program.inputs, *RESERVED}
        return name if name not in RESERVED else next(n for n in ("x", f"{name}_x", "x_1", "x_2") if n not in names)

    def _pad(self, mask: str, value: str) -> int | None:
        call = self.calls[mask]
        is_own = isinstance(call.first, Ref) and call.first.name == value
        return int(call["other"]) if is_own and isinstance(call["other"], int | float) else None

    def _readers(self, value: str) -> list[Call]:
        """What reads a value, or a copy of it."""
        names, found = {value}, []
        for call in self.program.calls:
            if names & set(call.reads):
                found.append(call)
                if call.target in SAME:
                    names.add(call.name)
        return found

    # ------------------------------------------------------------ calls

    def _translated(self, call: Call) -> Any:
        lost = next((v for name in self._sources(call) if (v := self._lost(name)) is not None), None)
        if lost is not None:
            return lost
        place = place_of(call, self.program)
        self.builder.path = place.path
        before = len(self.sketch.steps)
        with self.builder.place(place.name, place.scope):
            try:
                found = self._read(call)
            except CannotSay as reason:
                return self.builder.lost(place.path, str(reason), advice=reason.advice)
        self._share(call, self.sketch.steps[before:])
        return found

    def _read(self, call: Call) -> Any:
        name = ATTENTION if call.name in self.matches else PATTERN if call.name in self.patterns else call.target
        read = OPERATORS.get(name)
        if read is None:
            raise CannotSay(_absent(call))
        return read(self, call)

    def _lost(self, name: str) -> Value | None:
        found = self.values.get(name)
        found = found.value if isinstance(found, Rows) else found
        return found if isinstance(found, Value) and found.is_lost else None

    def _share(self, call: Call, steps: Sequence[Step]) -> None:
        """Note which steps use the weights of earlier ones."""
        weighted = [step for step in steps if step.weights]
        match = self.matches.get(call.name)
        calls = [call] if match is None else match.linear
        names = tuple(sorted({name for c in calls for name in c.reads if name in self.program.constants}))
        if not weighted or not names:
            return
        first = self.uses.setdefault(names, weighted)
        if first is weighted:
            return
        if len(first) == len(weighted) and all(a.layer == b.layer for a, b in zip(first, weighted, strict=True)):
            for before, step in zip(first, weighted, strict=True):
                step.shared = before

    def _warn_of_ties(self) -> None:
        """Report weights that different layers share: they become two copies."""
        readers: dict[str, set[tuple[str, ...]]] = {}
        for names in self.uses:
            for name in names:
                readers.setdefault(name, set()).add(names)
        for name, users in readers.items():
            if len(users) > 1:
                reason = "layers of different kinds share it; each has a copy, which are trained apart"
                advice = "a spec can share it: `share table = embedding(…)`, and `unembed(table)` at the end"
                self.sketch.report(NotImported(what=self.program.paths[name], reason=reason, advice=advice))

    # ------------------------------------------------------------ for the functions that read operators

    def is_fixed(self, argument: Any) -> bool:
        """Whether an argument is a constant tensor."""
        return isinstance(argument, Ref) and argument.name in self.fixed

    def array(self, argument: Any) -> Any:
        """A constant tensor as an array; None for None.

        Raises:
            CannotSay: an input has an influence on it.
        """
        if argument is None:
            return None
        if not self.is_fixed(argument):
            raise CannotSay("its weights are computed from an input")
        tensor = self.constants[argument.name].detach()
        array: Array = (tensor.float() if tensor.dtype != torch.bool else tensor).numpy()
        return array

    def any_value(self, argument: Any) -> Any:
        """The result of a call: a `Value`, `Rows`, `States`, or several.

        Raises:
            CannotSay: it is a constant.
        """
        if not isinstance(argument, Ref) or argument.name not in self.values:
            raise CannotSay("it computes with a constant where netspec needs a tensor")
        return self.values[argument.name]

    def plain(self, found: Any) -> Value:
        """A tensor.

        Raises:
            CannotSay: it mixes examples with steps, or is the states of several layers.
        """
        if isinstance(found, States):
            return self.only_state(found)
        if isinstance(found, Rows):
            raise CannotSay("it uses the steps of all examples as one axis")
        if not isinstance(found, Value):
            raise CannotSay("it uses several tensors as one")
        return found

    def only_state(self, states: States) -> Value:
        """The only state of several, as batch x units.

        Raises:
            CannotSay: there are several, or it is that of one of two directions.
        """
        if len(states.states) != 1:
            raise CannotSay("it uses the states of several recurrent layers together")
        if states.states[0].is_bidirectional:
            raise CannotSay("it uses the last state of one direction alone")
        sequence = states.states[0].sequence
        batch = sequence.axes.index(0)
        return self.batch_first(sequence, lambda x, _: self.builder.select(x, 1, -1), gone=1 - batch)

    def value_of(self, name: str) -> Value:
        """The tensor of a name."""
        return self.value(Ref(name))

    def value(self, argument: Any) -> Value:
        """The tensor of an argument.

        Raises:
            CannotSay: it is not one tensor of the network.
        """
        return self.plain(self.any_value(argument))

    def each_row(self, argument: Any, function: Callable[[Value], Value], *, alone: bool = False) -> Any:
        """Apply what computes the last axis of each row, or each number, alone.

        Args:
            argument: the input.
            function: adds the steps.
            alone: it depends on the order of the axes, too.
        """
        found = self.any_value(argument)
        if isinstance(found, Rows) and not alone:
            return Rows(function(found.value), found.lead)
        x = self.plain(found)
        if alone or x.is_lost:
            return function(x)
        return self.batch_first(x, lambda y, _: function(y))

    def batch_first(self, x: Value, function: Callable[[Value, list[int]], Value], *, gone: int | None = None) -> Value:
        """Apply something to a tensor whose batch is moved to the front for it.

        Args:
            x: the tensor.
            function: gets the tensor, and which axis of `x` each of its axes is.
            gone: an axis that the result does not have.
        """
        if x.is_lost or x.axes[0] == 0 or 0 not in x.axes:
            return function(x, list(range(x.rank)))
        batch = x.axes.index(0)
        order = [batch, *(axis for axis in range(x.rank) if axis != batch)]
        y = function(x.with_axes([x.axes[axis] for axis in order]), order)
        left = [axis for axis in order if axis != gone]
        if y.is_lost or y.rank != len(left):
            return y
        return y.with_axes([y.axes[left.index(axis)] for axis in sorted(left)])

    def joined(self, function: Callable[..., Value], a: Value, b: Value) -> Value:
        """Join two tensors elementwise, also where the batch of both is another axis than the first."""
        if a.is_lost or b.is_lost:
            return a if a.is_lost else b
        ranks = max(a.rank, b.rank)
        a, b = (v if v.rank == ranks else self._widened(v, ranks) for v in (a, b))
        if a.axes[0] == 0 or 0 not in a.axes or a.axes.index(0) != b.axes.index(0):
            return function(a, b)
        batch = a.axes.index(0)
        order = [batch, *(axis for axis in range(a.rank) if axis != batch)]
        return self.batch_first(a, lambda x, _: function(x, b.with_axes([b.axes[axis] for axis in order])))

    def _widened(self, x: Value, rank: int) -> Value:
        raise CannotSay("it joins tensors of different ranks") if x.axes[0] == 0 else CannotSay("it mixes examples")

    def check_sizes(self, call: Call, argument: Any) -> None:
        """Raises CannotSay where constants are broadcast to more axes or larger ones than the input has."""
        if self.program.shapes.get(call.name) != self.program.shapes.get(argument.name):
            raise CannotSay("its constants have more numbers than its input")

    def rows_of(self, lead: tuple[int, ...]) -> int:
        """How many rows there are with these leading sizes."""
        total = 1
        for size in lead:
            total *= size
        return total


def _absent(call: Call) -> str:
    if call.target == "scaled_dot_product_attention" or call.target in ("bmm", "baddbmm"):
        return "netspec has attention only with a linear map before queries, keys and values, and one after the heads"
    if call.target.endswith("_"):
        return "it changes a part of a tensor in place"
    return f"netspec has no operator for `{call.target}` of PyTorch"


__all__ = ["NO_AXIS", "Attention", "ModuleBuilder", "Rows", "States", "Translator"]
