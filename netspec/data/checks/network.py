"""Data against the inputs and the heads of a network, before the first step.

Input: facts alone (`check_facts`, which needs no arrays), or a `Dataset` or `Splits` (`check_data`), with what the
network expects. Output: diagnostics, one for each mistake. Shapes of inputs may be symbolic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.heads import check_head, source_notes
from netspec.data.dataset.dataset import Dataset, Facts, Target
from netspec.data.dataset.ragged import too_long
from netspec.data.errors import network as errors
from netspec.data.transforms.columns import names_in_metrics
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Diagnostic, Note
from netspec.language.lazy import lazy
from netspec.language.shape import Dim, Shape, Size, product
from netspec.language.source import Span
from netspec.language.values import to_source

if TYPE_CHECKING:
    from netspec.data.checks import values
    from netspec.data.splits.split import Splits
else:
    values = lazy("netspec.data.checks.values")

Spans = Mapping[str, Span]


@dataclass(frozen=True)
class Expected:
    """What a network expects of its data, and the spans for messages."""

    inputs: Mapping[str, Shape]
    heads: Mapping[str, OutputHead]
    input_spans: Spans
    source_span: Span | None

    def input_span(self, name: str) -> Span | None:
        """Where an input is declared; the data source when the text declares none."""
        return self.input_spans.get(name) or self.source_span

    def notes(self, label: str, except_: Span | None) -> tuple[Note, ...]:
        """The data source as a second place."""
        return source_notes(self.source_span, label, except_)


def check_facts(
    facts: Facts,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, OutputHead],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
) -> list[Diagnostic]:
    """What is wrong by shapes, class counts and heads alone; nothing is loaded."""
    expected = Expected(inputs, heads, input_spans or {}, source_span)
    facts = with_padding(with_channels(join_targets(facts, heads), inputs), inputs, heads)
    found = check_inputs(facts, expected)
    if any(isinstance(wrong, errors.TokensUnlikeData) for wrong in found):
        return found  # networks for numbers and for ids end differently: a consequence
    for name, target in pair_names(facts.targets, heads).items():
        found.extend(check_head(facts.targets[target], heads[name], source_span))
    return found


def check_data(
    data: Dataset | Splits,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, OutputHead],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
    targets_come_later: bool = False,
) -> list[Diagnostic]:
    """All mistakes of data for a network; for `Splits` also those of splitting.

    A target whose values are wrong is not compared with its head by counts as well: one mistake, one message. Targets
    of several numbers have been joined where the network has one output (`join_targets`). `targets_come_later` skips
    the values of targets that are inputs which are not normalized yet.
    """
    expected = Expected(inputs, heads, input_spans or {}, source_span)
    found = check_inputs(data.facts, expected)
    for name, key in pair_names(data.facts.inputs, inputs).items():
        found.extend(values.check_input_values(data, key, inputs[name], expected.input_span(name), source_span))
    for name, key in pair_names(data.facts.targets, heads).items():
        wrong = values.check_target_values(data, key, heads[name]) if not targets_come_later else []
        found.extend(wrong or check_head(data.facts.targets[key], heads[name], source_span))
    if not isinstance(data, Dataset):
        found.extend(values.check_parts(data, source_span))
    return found


def pair_names(ours: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, str]:
    """From a name in the spec to the one in the data; a single one fits a single one with any name."""
    if len(ours) == 1 and len(wanted) == 1:
        return {next(iter(wanted)): next(iter(ours))}
    return {name: name for name in wanted if name in ours}


def join_targets(facts: Facts, heads: Mapping[str, object]) -> Facts:
    """The same facts, with several targets of numbers (or of zeros and ones) as one, for a network whose only output is
    named differently."""
    if len(heads) != 1 or not can_join(facts.targets, next(iter(heads))):
        return facts
    kinds = {target.kind for target in facts.targets.values()}
    size = sum(target.size for target in facts.targets.values())
    kind: Literal["binary", "numbers"] = "binary" if kinds == {"binary"} else "numbers"
    return facts.replace(targets={"output": Target(kind, size, columns=_column_names(facts.targets))})


def with_channels(facts: Facts, inputs: Mapping[str, Shape]) -> Facts:
    """The same facts, with an axis for the channel of gray images that have none, where the network takes them so."""
    shapes = {
        key: inputs[name]
        for name, key in pair_names(facts.inputs, inputs).items()
        if len(facts.inputs[key].sizes) == 2 and not inputs[name].is_tokens
        if _fits((*facts.inputs[key].sizes, 1), inputs[name].sizes, {})
    }
    if not shapes:
        return facts
    return facts.replace(inputs=facts.inputs | {key: Shape((*facts.inputs[key].sizes, 1)) for key in shapes})


def with_padding(facts: Facts, inputs: Mapping[str, Shape], heads: Mapping[str, OutputHead]) -> Facts:
    """The same facts, with series of different lengths, and a target at each of their steps, padded to the lengths that
    the network declares; none is cut."""
    shapes, targets = {}, {}
    outputs = pair_names(facts.targets, heads)
    for name, key in pair_names(facts.inputs, inputs).items():
        length, shape = inputs[name].sizes[0] if inputs[name].sizes else None, facts.inputs[key]
        steps = shape.sizes[0] if shape.sizes else None
        if key not in facts.ragged or not isinstance(length, int) or not isinstance(steps, int) or steps > length:
            continue
        shapes[key] = Shape((length, *shape.sizes[1:]))
        for output, target in outputs.items():
            padding, size = heads[output].padding, facts.targets[target].size
            if padding is not None and padding.input == name and size % steps == 0:
                targets[target] = facts.targets[target].replace(size=size // steps * length)
    return facts.replace(inputs=facts.inputs | shapes, targets=facts.targets | targets) if shapes else facts


def _column_names(targets: Mapping[str, Target]) -> tuple[str, ...]:
    """The names of the numbers of several targets; of one with several numbers they are numbered."""
    names = [
        name if target.size == 1 else f"{name}_{number}"
        for name, target in targets.items()
        for number in range(1, target.size + 1)
    ]
    return names_in_metrics(names)


def can_join(targets: Mapping[str, Target], output: str) -> bool:
    """Whether several targets can be the numbers of one output of this name."""
    return len(targets) > 1 and output not in targets and all(t.kind != "class" for t in targets.values())


def _one_hot(facts: Facts) -> str:
    """What to do with a column of zeros and ones for each class, as a further line of a hint."""
    if not all(target.kind == "class" and target.classes == 2 for target in facts.targets.values()):
        return ""
    names = ", ".join(f'"{name}"' for name in facts.targets)
    return (
        "\nif each row has a single 1 among these columns, make one column of class names: "
        f'`frame["class"] = frame[[{names}]].idxmax(axis=1)`'
    )


def check_inputs(facts: Facts, expected: Expected) -> list[Diagnostic]:
    """Names of inputs and outputs, and shapes of inputs."""
    found: list[Diagnostic] = []
    pairs = pair_names(facts.inputs, expected.inputs)
    missing = [name for name in expected.inputs if name not in pairs]
    unlike = partial(errors.NamesUnlikeData, what="input")
    if missing and len(facts.inputs) == 1:
        span, *others = [expected.input_span(name) for name in missing]
        notes = tuple(Note(other, "nor this one") for other in others if other is not None and other != span)
        found.append(unlike(span=span, notes=notes, name=missing[0], advice=_single_advice(missing, facts, expected)))
    else:
        spans = {name: expected.input_span(name) for name in missing}
        found += [unlike(span=span, name=name, advice=_input_advice(name, facts)) for name, span in spans.items()]
    targets = pair_names(facts.targets, expected.heads)
    for name in [name for name in expected.heads if name not in targets]:
        advice = suggest(name, facts.targets, what="its targets")
        if len(expected.heads) == 1 and len(facts.targets) > 1:
            lines = " · ".join(f"`output {target} = …`" for target in facts.targets)
            advice = f"the data have several targets, each for an output with its name: {lines}{_one_hot(facts)}"
        span = expected.heads[name].span
        found.append(errors.NamesUnlikeData(span=span, what="target", name=name, advice=advice))
    bound: dict[Dim, Size] = {}
    for name, key in pairs.items():
        shape, length = facts.inputs[key], expected.inputs[name].sizes[:1]
        if key in facts.ragged and length != shape.sizes[:1] and all(isinstance(size, int) for size in length):
            steps, features = (cast("int", size) for size in (shape.sizes[0], shape.channels))
            bad = too_long("the longest series", steps, name, cast("int", length[0]), features)
            found.append(bad.diagnostic(expected.input_span(name)))
            continue
        wrong = _check_shape(name, shape, facts.pads.get(key), expected, bound)
        found.extend([wrong] if wrong is not None else [])
    return found


def _input_advice(name: str, facts: Facts) -> str:
    """The declarations of the inputs of the data."""
    shapes = {key: _declared(shape, facts.pads.get(key)) for key, shape in facts.inputs.items()}
    declared = " · ".join(f"`input {key}: {shape}`" for key, shape in shapes.items())
    near = suggest(name, facts.inputs, what="its inputs")
    return f"{near}\nthe data give {declared}" if "did you mean" in near else f"the data give {declared}"


def _single_advice(missing: Sequence[str], facts: Facts, expected: Expected) -> str:
    """What to write where the spec declares several inputs, and the data have one."""
    text = expected.source_span.text if expected.source_span is not None else ""
    word = text.partition("(")[0]
    tokens = [name for name in missing if expected.inputs[name].is_tokens]
    if word in ("csv", "parquet") and tokens and "encode" not in text:
        columns = "" if all(f'"{name}"' in text for name in tokens) else f"categories = {to_source(tokens)}, "
        columns = "" if "categories" in text else columns
        return f"add `{columns}encode = ids` to `{word}(…)`"
    return f"the data give one input: `input {next(iter(facts.inputs.values()))}`"


def _declared(shape: Shape, pad: int | None) -> str:
    """A shape as the declaration of an input has it."""
    return str(shape) if pad is None else f"{str(shape).removesuffix(')')}, pad = {pad})"


def _check_shape(
    name: str, found: Shape, pad: int | None, expected: Expected, bound: dict[Dim, Size]
) -> Diagnostic | None:
    shape, span = expected.inputs[name], expected.input_span(name)
    sizes = found.sizes
    what, declared = "the input of the network", f"input {_declared(found, pad)}"
    if len(expected.inputs) > 1:
        what, declared = f"the input `{name}`", f"input {name}: {_declared(found, pad)}"
    notes = expected.notes(f"gives {found}", span)
    if _fits(sizes, shape.sizes, bound):
        if _is_wrong_vocabulary(found, shape):
            takes = f"ids below {shape.vocabulary}" if shape.is_tokens else "numbers"
            unlike = partial(errors.TokensUnlikeData, span=span, notes=notes, what=what, expected=takes)
            return unlike(vocabulary=cast("int", found.vocabulary), declared=declared)
        is_declared = span is not None and span != expected.source_span
        return None if is_declared or not _looks_reversed(sizes) else _channels_first(found, shape, span)
    if len(sizes) == 3 and _fits((*sizes[1:], sizes[0]), shape.sizes, bound):
        return _channels_first(found, shape, span)
    advice = f"write `{declared}`" if found.is_tokens else _shape_advice(sizes, shape.sizes, declared)
    if pad is not None and shape.is_tokens and shape.rank == 1:  # texts
        advice += f", leave out the line, or set `length = {shape.sizes[0]}` for the texts"
    return errors.InputUnlikeData(
        span=span,
        notes=notes,
        what=what,
        found=str(found),
        expected=str(shape if found.is_tokens else Shape(shape.sizes)),
        advice=advice,
    )


def _is_wrong_vocabulary(found: Shape, shape: Shape) -> bool:
    """Whether ids are given where numbers are expected, or some are not in the vocabulary; arrays of integers are only
    checked by their numbers."""
    if not isinstance(found.vocabulary, int):
        return False
    return not shape.is_tokens or (isinstance(shape.vocabulary, int) and shape.vocabulary < found.vocabulary)


def _fits(found: tuple[Size, ...], wanted: tuple[Size, ...], bound: dict[Dim, Size]) -> bool:
    """Whether sizes fit declared ones; a name is bound to the first size it meets."""
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
    """Whether these are probably channels x height x width: 1 or 3 first, larger numbers after it."""
    known = [size for size in sizes if isinstance(size, int)]
    return len(known) == len(sizes) == 3 and known[0] in (1, 3) and min(known[1:]) > 4


def _channels_first(found: Shape, shape: Shape, span: Span | None) -> Diagnostic:
    sizes = Shape((*found.sizes[1:], found.sizes[0]))
    return errors.ChannelsFirst(span=span, found=str(found), expected=str(Shape(shape.sizes)), wanted=str(sizes))


def _shape_advice(found: tuple[Size, ...], wanted: tuple[Size, ...], declared: str) -> str:
    advice = f"write `{declared}`"
    if product(found) != product(wanted):
        return advice
    if len(wanted) == 1:
        return f"{advice}; `dense` and `flatten` make a vector of it"
    return f"{advice} and begin the network with `reshape({Shape(wanted)})`"
