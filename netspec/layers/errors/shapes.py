"""NS3xx: shapes that do not fit a layer."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class KernelTooLarge(Diagnostic):
    """The kernel or window is larger than the input."""

    code = "NS301"
    title = "{what} is larger than its input"
    label = "{kernel} does not fit inside {size}"
    hint = {
        "kernel": "use pad = same, or a kernel of at most {size}",
        "window": "use a window of at most {size}",
        "point": "remove this pool, or one before it",
    }
    what: str
    kernel: str
    size: str


class WrongRank(Diagnostic):
    """A layer gets a tensor of the wrong rank or type."""

    code = "NS302"
    title = "`{word}` expects {wants}, but gets {kind}"
    label = "gets {shape}"
    word: str
    wants: str
    kind: str
    shape: str


class UnequalShapes(Diagnostic):
    """Tensors of different shapes are added, multiplied or compared. Only a vector can be combined with a sequence or
    an image: it is broadcast to every position, and needs as many values as there are channels.
    """

    code = "NS303"
    title = "`{word}` cannot combine {shapes}"
    label = "{axis}"
    word: str
    shapes: str
    axis: str


class CannotConcat(Diagnostic):
    """Concatenated tensors may differ only along the axis of concatenation, which is the channels by default."""

    code = "NS304"
    title = "`{word}` along the {along} needs inputs whose other sizes are equal"
    label = "{shapes}: {axis}"
    word: str
    along: str
    shapes: str
    axis: str


class GroupsDoNotDivide(Diagnostic):
    """The channels cannot be split evenly into this number of groups."""

    code = "NS305"
    title = "{channels} {what} are not divisible by {groups} groups"
    label = "{channels} is not a multiple of {groups}"
    hint = "use groups = {valid}"
    groups: int
    channels: int
    what: str
    valid: str


class NeedsKnownSize(Diagnostic):
    """The number of weights of a layer depends on a size that is not known before the data are loaded."""

    code = "NS306"
    title = "`{word}` needs {what}, but {size} is not known"
    label = "gets {shape}"
    word: str
    what: str
    size: str
    shape: str
    advice: str = "use `gap` before it, or write sizes as numbers in the `input` line"


class ReshapeCount(Diagnostic):
    """The new shape has another number of values than the old one."""

    code = "NS307"
    title = "cannot reshape {old} into {new}"
    label = "{new} has {new_count} values, the input {old_count}"
    hint = {
        "": "the product of the new sizes must be {old_count}",
        "dense": "write `{advice}` instead of `{written}`, or a shape of {old_count} values",
    }
    old: str
    new: str
    new_count: int
    old_count: int
    written: str = ""


class WeightsShape(Diagnostic):
    """Constant weights have another shape than the layer needs."""

    code = "NS308"
    title = "these weights have the wrong shape"
    label = "has the shape {found}, needs {needed}"
    found: str
    needed: str


class ExtentRank(Diagnostic):
    """A kernel, stride or padding has more or fewer numbers than the input has spatial axes."""

    code = "NS309"
    title = "{extent} has {count}, but {kind} has {axes}"
    label = "for {shape}"
    hint = "use {advice}"
    extent: str
    count: str
    kind: str
    axes: str
    shape: str


class WrongInputs(Diagnostic):
    """A layer that takes one tensor gets several branches, or a layer that joins branches gets one tensor."""

    code = "NS310"
    title = "`{word}` takes {wants}, but gets {got}"
    label = "gets {shapes}"
    hint = {
        "": "join the branches first, with `concat` or `add`",
        "layer": "join the branches first: write `concat -> {text}`, or `add -> {text}`",
        "few": "write `(a | b) -> {word}`",
        "inputs": "{others} is an input too: leave its columns out with `drop` in the source, or name the inputs and "
        "use each: {declared}",
    }
    word: str
    wants: str
    got: str
    shapes: str
    text: str = ""
    others: str = ""
    declared: str = ""


class AlreadyKnown(Diagnostic):
    """The vocabulary differs from that of the input."""

    code = "NS311"
    title = "the vocabulary is {given} here, but {known} in the input"
    label = "{given} given"
    hint = "omit `vocabulary`: it is inferred from the input"
    given: int
    known: str


class PadTooLarge(Diagnostic):
    """A pool is padded by more than half of its window, so some windows would contain only padding."""

    code = "NS312"
    title = "a padding of {pad} is too large for a window of {kernel}"
    label = "more than half of the window"
    hint = "use a padding of at most {limit}"
    pad: str
    kernel: str
    limit: str


class NoSharedEmbedding(Diagnostic):
    """`unembed` computes logits with the table of an embedding, which must be shared and used before it."""

    code = "NS330"
    title = "`unembed` needs a shared embedding that is used before it"
    label = "not a shared embedding"
    hint = "write `share table = embedding(64)`, look the ids up with `table`, and end with `unembed(table)`"


class TableWidth(Diagnostic):
    """The input of `unembed` must have as many features as the vectors of its table."""

    code = "NS331"
    title = "`unembed` gets {found} features, but the vectors of its table have {features}"
    label = "{found} instead of {features}"
    hint = "put `dense({features})` before it"
    found: str
    features: int


class HeadsDoNotDivide(Diagnostic):
    """The features cannot be split evenly into attention heads, or the heads into groups."""

    code = "NS340"
    title = "{total} {of} are not divisible by {count} {what}"
    label = "{total} is not a multiple of {count}"
    count: int
    what: str
    total: int
    of: str


class OddRotation(Diagnostic):
    """Rotary positions rotate pairs of features, so each head needs an even number of them."""

    code = "NS341"
    title = "rotary positions rotate pairs of features, but {what} {count}"
    label = "{count} is odd"
    what: str
    count: int
