"""NS313 to NS319: options that conflict or are missing, and sizes that are too small."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic, Unplaced


class OptionsClash(Diagnostic):
    """Two options exclude each other."""

    code = "NS313"
    title = "{first} cannot be combined with {second}"
    label = "{reason}"
    first: str
    second: str
    reason: str


def clash(option: str, first: str, second: str, reason: str, advice: str) -> Unplaced:
    """The error for an option that excludes another one."""
    return Unplaced(OptionsClash, option=option, first=first, second=second, reason=reason, advice=advice)


class MissingChoice(Diagnostic):
    """One of several alternative options must be given, but none is."""

    code = "NS314"
    title = "`{word}` needs {choices}"
    label = "none is given"
    word: str
    choices: str


class NothingLeft(Diagnostic):
    """The whole input is cut off."""

    code = "NS315"
    title = "`{word}` removes all of {space}"
    label = "cuts off {taken}"
    word: str
    space: str
    taken: str


class CropTooLarge(Diagnostic):
    """The size of a crop is larger than the input."""

    code = "NS316"
    title = "cannot crop {old} to {new}"
    label = "{new} is larger than {old}"
    old: str
    new: str


class TooFewToRepeat(Diagnostic):
    """Padding by reflection or wrapping copies values of the input, which is too small for it."""

    code = "NS317"
    title = "`mode = {mode}` cannot pad a size of {size} by {pad}"
    label = "more than {most}"
    hint = "pad by at most {most} here, or use `mode = edge`"
    mode: str
    size: int
    pad: int
    most: int


class AxesOrder(Diagnostic):
    """An order of axes must name each axis of the tensor once; axis 1 is the first after the batch."""

    code = "NS318"
    title = "{order} permutes {count}, but {kind} has {axes}"
    label = "for {shape}"
    hint = "name each axis from 1 to {axes} once, such as {example}"
    order: str
    count: str
    kind: str
    axes: int
    shape: str
    example: list[int]


class OutputPadTooLarge(Diagnostic):
    """`output_pad` chooses among the output sizes that are possible for a stride, so it must be smaller than the
    stride.
    """

    code = "NS319"
    title = "`output_pad = {given}` is too large for a stride of {stride}"
    label = "at most {most}"
    hint = "use `output_pad = {most}`, or a larger stride"
    given: str
    stride: str
    most: str
