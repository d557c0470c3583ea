"""What can be known to go wrong before the first step: data against the inputs and the heads of a net.

Comes in: facts alone (`check_facts`, which needs no arrays), or a `Dataset` or `Splits` (`check_data`), with what the
net expects. Goes out: diagnostics, one for each mistake. Shapes of inputs may be symbolic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netspec.data import check_errors as errors
from netspec.data.base import Dataset, Facts
from netspec.data.check_heads import Head, check_head, source_notes
from netspec.diagnostics import Diagnostic, Note, suggest
from netspec.shape import Dim, Shape, Size, product
from netspec.source import Span

if TYPE_CHECKING:
    from netspec.data.split import Splits

Spans = Mapping[str, Span]


@dataclass(frozen=True)
class Expected:
    """What a net expects of its data, and where to point."""

    inputs: Mapping[str, Shape]
    heads: Mapping[str, Head]
    input_spans: Spans
    source_span: Span | None

    def input_span(self, name: str) -> Span | None:
        """Where an input is declared; the data source when the text declares none."""
        declared = next((head.input_span for head in self.heads.values() if head.input_span is not None), None)
        return self.input_spans.get(name) or declared or self.source_span

    def notes(self, label: str, but: Span | None) -> tuple[Note, ...]:
        """The data source as a second place."""
        return source_notes(self.source_span, label, but)


def check_facts(
    facts: Facts,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, Head],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
) -> list[Diagnostic]:
    """What is wrong by shapes, class counts and heads alone; nothing is loaded."""
    expected = Expected(inputs, heads, input_spans or {}, source_span)
    found = check_inputs(facts, expected)
    for name, target in pair_names(facts.targets, heads).items():
        found.extend(check_head(facts.targets[target], heads[name], source_span))
    return found


def check_data(
    data: Dataset | Splits,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, Head],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
) -> list[Diagnostic]:
    """Everything that is wrong with data for a net; for `Splits` also what went wrong in splitting.

    A target whose values are wrong is not compared with its head by counts as well: one mistake, one message.
    """
    from netspec.data.check_values import check_input_values, check_parts, check_target_values
    from netspec.data.split import Splits

    expected = Expected(inputs, heads, input_spans or {}, source_span)
    found = check_inputs(data.facts, expected)
    for name, key in pair_names(data.facts.inputs, inputs).items():
        found.extend(check_input_values(data, key, inputs[name], expected.input_span(name), source_span))
    for name, key in pair_names(data.facts.targets, heads).items():
        wrong = check_target_values(data, key, heads[name])
        found.extend(wrong or check_head(data.facts.targets[key], heads[name], source_span))
    if isinstance(data, Splits):
        found.extend(check_parts(data, source_span))
    return found


def pair_names(ours: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, str]:
    """From a name in the spec to the one in the data; a single one fits a single one whatever they are called."""
    if len(ours) == 1 and len(wanted) == 1:
        return {next(iter(wanted)): next(iter(ours))}
    return {name: name for name in wanted if name in ours}


def check_inputs(facts: Facts, expected: Expected) -> list[Diagnostic]:
    """Names of inputs and outputs, and shapes of inputs."""
    found: list[Diagnostic] = []
    pairs = pair_names(facts.inputs, expected.inputs)
    for name in expected.inputs.keys() - pairs.keys():
        advice = suggest(name, facts.inputs, what="its inputs")
        span = expected.input_span(name)
        found.append(errors.NamesUnlikeData(span=span, what="input", name=name, advice=advice))
    targets = pair_names(facts.targets, expected.heads)
    for name in expected.heads.keys() - targets.keys():
        advice = suggest(name, facts.targets, what="its targets")
        span = expected.heads[name].head_span
        found.append(errors.NamesUnlikeData(span=span, what="target", name=name, advice=advice))
    bound: dict[Dim, Size] = {}
    for name, key in pairs.items():
        wrong = _check_shape(name, facts.inputs[key], expected, bound)
        found.extend([wrong] if wrong is not None else [])
    return found


def _check_shape(name: str, found: Shape, expected: Expected, bound: dict[Dim, Size]) -> Diagnostic | None:
    shape, span = expected.inputs[name], expected.input_span(name)
    sizes = found.sizes
    is_declared = span is not None and span != expected.source_span
    if _fits(sizes, shape.sizes, bound):
        return None if is_declared or not _looks_reversed(sizes) else _channels_first(found, shape, span)
    if len(sizes) == 3 and _fits((*sizes[1:], sizes[0]), shape.sizes, bound):
        return _channels_first(found, shape, span)
    return errors.InputUnlikeData(
        span=span,
        notes=expected.notes(f"gives {Shape(sizes)}", span),
        what="the input of the net" if len(expected.inputs) == 1 else f"the input `{name}`",
        found=str(Shape(sizes)),
        expected=str(Shape(shape.sizes)),
        advice=_shape_advice(sizes, shape.sizes),
    )


def _fits(found: tuple[Size, ...], wanted: tuple[Size, ...], bound: dict[Dim, Size]) -> bool:
    """Whether sizes go with declared ones; a name takes the size it meets, and keeps it from then on."""
    if len(found) != len(wanted):
        return False
    named = dict(bound)
    for size, want in zip(found, wanted, strict=True):
        if isinstance(want, Dim):
            want = named.setdefault(want, size)
        if size != want:
            return False
    bound.update(named)
    return True


def _looks_reversed(sizes: tuple[Size, ...]) -> bool:
    """Whether these are rather channels x height x width: 1 or 3 in front, larger numbers behind."""
    known = [size for size in sizes if isinstance(size, int)]
    return len(known) == len(sizes) == 3 and known[0] in (1, 3) and min(known[1:]) > 4


def _channels_first(found: Shape, shape: Shape, span: Span | None) -> Diagnostic:
    sizes = Shape((*found.sizes[1:], found.sizes[0]))
    return errors.ChannelsFirst(span=span, found=str(found), expected=str(Shape(shape.sizes)), wanted=str(sizes))


def _shape_advice(found: tuple[Size, ...], wanted: tuple[Size, ...]) -> str:
    advice = f"write `input {Shape(found)}`" if len(found) > 1 else f"write `input {found[0]}`"
    if (*found, 1) == wanted:
        return f"give the examples an axis for the channel, `x[..., None]`, or {advice}"
    if product(found) != product(wanted):
        return advice
    if len(wanted) == 1:
        return f"{advice}; `dense` and `flatten` make a vector of it"
    return f"{advice} and begin the net with `reshape({Shape(wanted)})`"
