"""NS313 to NS319: options that clash or lack, and places that there are too few of."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic
from netspec.language.record import record


@record
class OptionsClash(Diagnostic):
    """Two options are given of which each leaves the other without a meaning.

    Wrong:
        input 12x12x3
        maxpool(2, to = 4x4) -> flatten -> dense(2)

    Right:
        input 12x12x3
        maxpool(to = 4x4) -> flatten -> dense(2)
    """

    code = "NS313"
    title = "{first} does not go with {second}"
    label = "{reason}"
    hint = "{advice}"
    first: str
    second: str
    reason: str
    advice: str


@record
class MissingChoice(Diagnostic):
    """A layer that can be told in several ways what to come to is told in none.

    Wrong:
        input 12x12x3
        maxpool -> flatten -> dense(2)

    Right:
        input 12x12x3
        maxpool(2) -> flatten -> dense(2)
    """

    code = "NS314"
    title = "`{word}` needs {choices}"
    label = "has none"
    hint = "{advice}"
    word: str
    choices: str
    advice: str


@record
class NothingLeft(Diagnostic):
    """So much is cut away that no place is left.

    Wrong:
        input 8x8x3
        crop(margin = 4) -> flatten -> dense(2)

    Right:
        input 8x8x3
        crop(margin = 2) -> flatten -> dense(2)
    """

    code = "NS315"
    title = "`{word}` leaves nothing of {space}"
    label = "takes {taken} away"
    hint = "{advice}"
    word: str
    space: str
    taken: str
    advice: str


@record
class CropTooLarge(Diagnostic):
    """A crop cuts down to a size; it cannot make anything larger.

    Wrong:
        input 8x8x3
        crop(12x12) -> flatten -> dense(2)

    Right:
        input 8x8x3
        pad(2) -> flatten -> dense(2)
    """

    code = "NS316"
    title = "cannot crop {old} to {new}"
    label = "{new} is larger than {old}"
    hint = "{advice}"
    old: str
    new: str
    advice: str


@record
class TooFewToRepeat(Diagnostic):
    """Padding by reflection or by wrapping takes its numbers from the input, which has not enough places for it.

    Wrong:
        input 4x4x3
        pad(4, mode = reflect) -> conv(8, 3x3) -> gap -> dense(2)

    Right:
        input 4x4x3
        pad(3, mode = reflect) -> conv(8, 3x3) -> gap -> dense(2)
    """

    code = "NS317"
    title = "`mode = {mode}` cannot pad {size} places by {pad}"
    label = "more than {most}"
    hint = "pad by at most {most} here, or use `mode = edge`"
    mode: str
    size: int
    pad: int
    most: int


@record
class AxesOrder(Diagnostic):
    """An order of axes names each axis of the tensor once; axis 1 is the first behind the batch.

    Wrong:
        input 8x6x3
        permute([2, 1]) -> flatten -> dense(2)

    Right:
        input 8x6x3
        permute([2, 1, 3]) -> flatten -> dense(2)
    """

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


@record
class OutputPadTooLarge(Diagnostic):
    """`output_pad` chooses among the sizes from which a convolution would come to the input; there are as many as steps
    of its stride.

    Wrong:
        input 8x8x4
        upconv(8, 3x3, pad = 1, output_pad = 2) -> gap -> dense(2)

    Right:
        input 8x8x4
        upconv(8, 3x3, pad = 1, output_pad = 1) -> gap -> dense(2)
    """

    code = "NS319"
    title = "an output_pad of {given} is too large for a stride of {stride}"
    label = "at most {most}"
    hint = "use `output_pad = {most}`, or a larger stride"
    given: str
    stride: str
    most: str
