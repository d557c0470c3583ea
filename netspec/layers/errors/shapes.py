"""NS3xx: what a layer says about the shape that reaches it."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class KernelTooLarge(Diagnostic):
    """A window slides over an input that is smaller than it."""

    code = "NS301"
    title = "{what} is larger than its input"
    label = "{kernel} does not fit inside {size}"
    what: str = "kernel"
    kernel: str
    size: str


class WrongRank(Diagnostic):
    """A layer gets a tensor of a kind that it does not work on."""

    code = "NS302"
    title = "`{word}` works on {wants}, and gets {kind}"
    label = "gets {shape}"
    word: str
    wants: str
    kind: str
    shape: str


class UnequalShapes(Diagnostic):
    """Tensors of different shapes are added, multiplied or compared. Only a vector may stand beside a sequence or an
    image: it is repeated at every place, and has a number for each of the channels.
    """

    code = "NS303"
    title = "`{word}` joins tensors of different shapes"
    label = "{shapes}: {axis}"
    word: str
    shapes: str
    axis: str


class CannotConcat(Diagnostic):
    """Tensors whose sizes differ elsewhere than along the axis that they are joined along, the channels if no other is
    named, are concatenated.
    """

    code = "NS304"
    title = "`{word}` joins along the {along}, and the other sizes differ"
    label = "{shapes}: {axis}"
    word: str
    along: str
    shapes: str
    axis: str


class GroupsDoNotDivide(Diagnostic):
    """The channels cannot be split evenly into the groups asked for."""

    code = "NS305"
    title = "{groups} groups do not divide {channels} {what}"
    label = "{channels} is not a multiple of {groups}"
    hint = "use groups = {valid}"
    groups: int
    channels: int
    what: str
    valid: str


class NeedsKnownSize(Diagnostic):
    """A layer has weights whose number depends on a size that is not known before the data come."""

    code = "NS306"
    title = "`{word}` needs a number for {what}, and {size} is not known"
    label = "gets {shape}"
    word: str
    what: str
    size: str
    shape: str
    advice: str = "use `gap` before it, or write a number in the `input` line"


class ReshapeCount(Diagnostic):
    """The new shape holds another number of values than the old one."""

    code = "NS307"
    title = "cannot reshape {old} into {new}"
    label = "{new} holds {new_count} values, the input {old_count}"
    hint = "the product of the new sizes must be {old_count}"
    old: str
    new: str
    new_count: int
    old_count: int


class WeightsShape(Diagnostic):
    """Constant weights do not have the shape that the layer needs."""

    code = "NS308"
    title = "these weights have the wrong shape"
    label = "is {found}, needs {needed}"
    found: str
    needed: str


class ExtentRank(Diagnostic):
    """An extent has more or fewer numbers than the tensor has axes to slide over."""

    code = "NS309"
    title = "{extent} has {count} {unit}, and {kind} has {axes} to slide over"
    label = "for {shape}"
    hint = "use {advice}"
    extent: str
    count: int
    kind: str
    axes: str
    shape: str
    unit: str = "numbers"


class WrongInputs(Diagnostic):
    """A layer for one tensor gets several branches, or a joining layer gets one."""

    code = "NS310"
    title = "`{word}` takes {wants}, but gets {got}"
    label = "gets {shapes}"
    hint = {"": "join the branches first, with `concat` or `add`", "few": "write `(a | b) -> {word}`"}
    word: str
    wants: str
    got: str
    shapes: str


class AlreadyKnown(Diagnostic):
    """A vocabulary is given for an input that has another one."""

    code = "NS311"
    title = "the vocabulary is {given} here and {known} in the input"
    label = "{given} given"
    hint = "leave `vocabulary` out: it follows from the input"
    given: int
    known: str


class PadTooLarge(Diagnostic):
    """A pool is padded by more than half of its window, so that windows would see padding only."""

    code = "NS312"
    title = "a padding of {pad} is too large for a window of {kernel}"
    label = "more than half of the window"
    hint = "use a padding of at most {limit}"
    pad: str
    kernel: str
    limit: str


class NoSharedEmbedding(Diagnostic):
    """`unembed` scores tokens with the table of an embedding; it has to be a shared one that was used before."""

    code = "NS330"
    title = "`unembed` needs a shared embedding that is used before it"
    label = "is no such embedding"
    hint = "write `share table = embedding(64)`, look the ids up with `table`, and end with `unembed(table)`"


class TableWidth(Diagnostic):
    """What reaches `unembed` has as many features as the vectors of its table."""

    code = "NS331"
    title = "{found} features reach `unembed`, and the vectors of its table have {features}"
    label = "{found} against {features}"
    hint = "put `dense({features})` in front"
    found: str
    features: int


class HeadsDoNotDivide(Diagnostic):
    """The features cannot be split evenly into the heads of an attention, or its heads into groups."""

    code = "NS340"
    title = "{count} {what} do not divide {total} {of}"
    label = "{total} is not a multiple of {count}"
    count: int
    what: str
    total: int
    of: str


class OddRotation(Diagnostic):
    """Rotary positions turn pairs of features, so that there must be an even number of them, in each head."""

    code = "NS341"
    title = "rotary positions turn pairs of features, and {what} {count}"
    label = "{count} is odd"
    what: str
    count: int
