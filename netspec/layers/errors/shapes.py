"""NS3xx: what a layer says about the shape that reaches it."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic
from netspec.language.record import record


@record
class KernelTooLarge(Diagnostic):
    """A window slides over an input that is smaller than it.

    Wrong:
        input 4x4x1
        conv(8, 5x5, pad = valid) -> flatten -> dense(2)

    Right:
        input 4x4x1
        conv(8, 3x3, pad = valid) -> flatten -> dense(2)
    """

    code = "NS301"
    title = "{what} is larger than its input"
    label = "{kernel} does not fit inside {size}"
    hint = "{advice}"
    what: str = "kernel"
    kernel: str
    size: str
    advice: str


@record
class WrongRank(Diagnostic):
    """A layer gets a tensor of a kind that it does not work on.

    Wrong:
        input 784
        conv(16, 3x3) -> dense(10, softmax)

    Right:
        input 784
        reshape(28x28x1) -> conv(16, 3x3) -> dense(10, softmax)
    """

    code = "NS302"
    title = "`{word}` works on {wants}, and gets {kind}"
    label = "gets {shape}"
    hint = "{advice}"
    word: str
    wants: str
    kind: str
    shape: str
    advice: str


@record
class UnequalShapes(Diagnostic):
    """Tensors of different shapes are added, multiplied or compared. Only a vector may stand beside a sequence or an
    image: it is repeated at every place, and has a number for each of the channels.

    Wrong:
        input 8x8x16
        identity + conv(32, 3x3) -> gap -> dense(2)

    Right:
        input 8x8x16
        residual(conv(32, 3x3)) -> gap -> dense(2)
    """

    code = "NS303"
    title = "`{word}` joins tensors of different shapes"
    label = "{shapes}: {axis}"
    hint = "{advice}"
    word: str
    shapes: str
    axis: str
    advice: str


@record
class CannotConcat(Diagnostic):
    """Tensors whose sizes differ elsewhere than along the axis that they are joined along, the channels if no other is
    named, are concatenated.

    Wrong:
        input 8x8x3
        (conv(8, 3x3) | conv(8, 3x3, stride = 2)) -> concat -> gap -> dense(2)

    Right:
        input 8x8x3
        (conv(8, 3x3, stride = 2) | conv(8, 3x3, stride = 2)) -> concat -> gap -> dense(2)
    """

    code = "NS304"
    title = "`{word}` joins along the {along}, and the other sizes differ"
    label = "{shapes}: {axis}"
    hint = "{advice}"
    word: str
    along: str
    shapes: str
    axis: str
    advice: str


@record
class GroupsDoNotDivide(Diagnostic):
    """The channels cannot be split evenly into the groups asked for.

    Wrong:
        input 8x8x6
        conv(16, 3x3, groups = 4) -> gap -> dense(2)

    Right:
        input 8x8x6
        conv(16, 3x3, groups = 2) -> gap -> dense(2)
    """

    code = "NS305"
    title = "{groups} groups do not divide {channels} {what}"
    label = "{channels} is not a multiple of {groups}"
    hint = "use groups = {valid}"
    groups: int
    channels: int
    what: str
    valid: str


@record
class NeedsKnownSize(Diagnostic):
    """A layer has weights whose number depends on a size that is not known before the data come.

    Wrong:
        input (H, W, 3)
        conv(8) -> flatten -> dense(2)

    Right:
        input (H, W, 3)
        conv(8) -> gap -> dense(2)
    """

    code = "NS306"
    title = "`{word}` needs a number for {what}, and {size} is not known"
    label = "gets {shape}"
    hint = "{advice}"
    word: str
    what: str
    size: str
    shape: str
    advice: str = "use `gap` before it, or write a number in the `input` line"


@record
class ReshapeCount(Diagnostic):
    """The new shape holds another number of values than the old one.

    Wrong:
        input 784
        reshape(28x29x1) -> conv(8) -> gap -> dense(2)

    Right:
        input 784
        reshape(28x28x1) -> conv(8) -> gap -> dense(2)
    """

    code = "NS307"
    title = "cannot reshape {old} into {new}"
    label = "{new} holds {new_count} values, the input {old_count}"
    hint = "the product of the new sizes must be {old_count}"
    old: str
    new: str
    new_count: int
    old_count: int


@record
class WeightsShape(Diagnostic):
    """Constant weights do not have the shape that the layer needs.

    Wrong:
        input 4x4x1
        conv(1, 3x3, weights = [[1, 0], [0, 1]]) -> gap -> dense(2)

    Right:
        input 4x4x1
        conv(1, 2x2, weights = [[1, 0], [0, 1]]) -> gap -> dense(2)
    """

    code = "NS308"
    title = "these weights have the wrong shape"
    label = "is {found}, needs {needed}"
    hint = "{advice}"
    found: str
    needed: str
    advice: str


@record
class ExtentRank(Diagnostic):
    """An extent has more or fewer numbers than the tensor has axes to slide over.

    Wrong:
        input 8x8x3
        conv(8, 3x3x3) -> gap -> dense(2)

    Right:
        input 8x8x3
        conv(8, 3x3) -> gap -> dense(2)
    """

    code = "NS309"
    title = "{extent} has {count} {unit}, and {kind} has {axes} to slide over"
    label = "for {shape}"
    hint = "use {advice}"
    extent: str
    count: int
    kind: str
    axes: str
    shape: str
    advice: str
    unit: str = "numbers"


@record
class WrongInputs(Diagnostic):
    """A layer for one tensor gets several branches, or a joining layer gets one.

    Wrong:
        input 8
        (dense(4) | dense(4)) -> dense(2)

    Right:
        input 8
        (dense(4) | dense(4)) -> concat -> dense(2)
    """

    code = "NS310"
    title = "`{word}` takes {wants}, and gets {got}"
    label = "gets {shapes}"
    hint = "{advice}"
    word: str
    wants: str
    got: str
    shapes: str
    advice: str


@record
class AlreadyKnown(Diagnostic):
    """A vocabulary is given for an input that has another one.

    Wrong:
        input 16 tokens(500)
        embedding(8, vocabulary = 1000) -> gap -> dense(2)

    Right:
        input 16 tokens(500)
        embedding(8) -> gap -> dense(2)
    """

    code = "NS311"
    title = "the vocabulary is {given} here and {known} in the input"
    label = "{given} given"
    hint = "leave `vocabulary` out: it follows from the input"
    given: int
    known: str


@record
class PadTooLarge(Diagnostic):
    """A pool is padded by more than half of its window, so that windows would see padding only.

    Wrong:
        input 8x8x3
        maxpool(2, pad = 2) -> gap -> dense(2)

    Right:
        input 8x8x3
        maxpool(2, pad = 1) -> gap -> dense(2)
    """

    code = "NS312"
    title = "a padding of {pad} is too large for a window of {kernel}"
    label = "more than half of the window"
    hint = "use a padding of at most {limit}"
    pad: str
    kernel: str
    limit: str


@record
class NoSharedEmbedding(Diagnostic):
    """`unembed` scores tokens with the table of an embedding; it has to be a shared one that was used before.

    Wrong:
        input 8 tokens(50)
        embedding(16) -> unembed(embedding(16))

    Right:
        input 8 tokens(50)
        share table = embedding(16)
        table -> dense(16, relu) -> unembed(table)
    """

    code = "NS330"
    title = "`unembed` needs a shared embedding that is used before it"
    label = "is no such embedding"
    hint = "write `share table = embedding(64)`, look the ids up with `table`, and end with `unembed(table)`"


@record
class TableWidth(Diagnostic):
    """What reaches `unembed` has as many features as the vectors of its table.

    Wrong:
        input 8 tokens(50)
        share table = embedding(16)
        table -> dense(32, relu) -> unembed(table)

    Right:
        input 8 tokens(50)
        share table = embedding(16)
        table -> dense(32, relu) -> dense(16) -> unembed(table)
    """

    code = "NS331"
    title = "{found} features reach `unembed`, and the vectors of its table have {features}"
    label = "{found} against {features}"
    hint = "put `dense({features})` in front"
    found: str
    features: int


@record
class HeadsDoNotDivide(Diagnostic):
    """The features cannot be split evenly into the heads of an attention, or its heads into groups.

    Wrong:
        input 10x64
        attention(5) -> gap -> dense(2)

    Right:
        input 10x64
        attention(4) -> gap -> dense(2)
    """

    code = "NS340"
    title = "{count} {what} do not divide {total} {of}"
    label = "{total} is not a multiple of {count}"
    hint = "{advice}"
    count: int
    what: str
    total: int
    of: str
    advice: str


@record
class OddRotation(Diagnostic):
    """Rotary positions turn pairs of features, so that there must be an even number of them, in each head.

    Wrong:
        input 10x7
        rope -> gap -> dense(2)

    Right:
        input 10x7
        dense(8) -> rope -> gap -> dense(2)
    """

    code = "NS341"
    title = "rotary positions turn pairs of features, and {what} {count}"
    label = "{count} is odd"
    hint = "{advice}"
    what: str
    count: int
    advice: str
