"""NS313 to NS319: options that clash or lack, and places that there are too few of."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class OptionsClash(Diagnostic):
    """Two options are given of which each leaves the other without a meaning."""

    code = "NS313"
    title = "{first} does not go with {second}"
    label = "{reason}"
    first: str
    second: str
    reason: str


class MissingChoice(Diagnostic):
    """A layer that can be told in several ways what to come to is told in none."""

    code = "NS314"
    title = "`{word}` needs {choices}"
    label = "has none"
    word: str
    choices: str


class NothingLeft(Diagnostic):
    """So much is cut away that no place is left."""

    code = "NS315"
    title = "`{word}` leaves nothing of {space}"
    label = "takes {taken} away"
    word: str
    space: str
    taken: str


class CropTooLarge(Diagnostic):
    """A crop cuts down to a size; it cannot make anything larger."""

    code = "NS316"
    title = "cannot crop {old} to {new}"
    label = "{new} is larger than {old}"
    old: str
    new: str


class TooFewToRepeat(Diagnostic):
    """Padding by reflection or by wrapping takes its numbers from the input, which has not enough places for it."""

    code = "NS317"
    title = "`mode = {mode}` cannot pad {size} places by {pad}"
    label = "more than {most}"
    hint = "pad by at most {most} here, or use `mode = edge`"
    mode: str
    size: int
    pad: int
    most: int


class AxesOrder(Diagnostic):
    """An order of axes names each axis of the tensor once; axis 1 is the first behind the batch."""

    code = "NS318"
    title = "{order} arranges {count}, and {kind} has {axes}"
    label = "for {shape}"
    hint = "name each axis from 1 to {axes} once, such as {example}"
    order: str
    count: str
    kind: str
    axes: int
    shape: str
    example: str


class OutputPadTooLarge(Diagnostic):
    """`output_pad` chooses among the sizes from which a convolution would come to the input; there are as many as steps
    of its stride.
    """

    code = "NS319"
    title = "an output_pad of {given} is too large for a stride of {stride}"
    label = "at most {most}"
    hint = "use `output_pad = {most}`, or a larger stride"
    given: str
    stride: str
    most: str
