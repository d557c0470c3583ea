"""NS417 to NS419, NS468, NS469 and NS489: augmentations that do not go with the inputs, the targets or the loss."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NotForInput(Diagnostic):
    """An augmentation works on another kind of input: most vary images (height x width x channels), `saturation` and
    `hue` those with the three channels red, green and blue. What they vary must not be token ids.
    """

    code = "NS417"
    title = "`{word}` varies {needs}, and {found}"
    label = "for {needs}"
    word: str
    needs: str
    found: str


class TooLarge(Diagnostic):
    """A part of the image that an augmentation cuts out or adds is as large as the image, so nothing of the image may
    be left.
    """

    code = "NS418"
    title = "`{word}` of {size} pixels is too large for images of {image}"
    label = "nothing of an image may be left"
    hint = "it must be below {limit}; a quarter of the image is usual: `{example}`"
    word: str
    size: int
    image: str
    limit: int
    example: str


class MovesTheAnswer(Diagnostic):
    """An augmentation moves the pixels of the image, and the target says something about each place of it (or is the
    image itself, `target = input`): it would stay where it was. Augmentations that leave the pixels where they are go
    with such targets.
    """

    code = "NS419"
    title = "`{word}` moves the pixels, and the target {target} stays where it was"
    label = "moves the image only"
    word: str
    target: str


class CannotMix(Diagnostic):
    """`mixup` and `cutmix` make one example of two, with a target that is so many parts of each. Token ids have nothing
    in between, and some losses take one class only.
    """

    code = "NS489"
    title = "`{word}` cannot mix: {reason}"
    label = "mixes two examples and their targets"
    word: str
    reason: str


class MirrorsDigits(Diagnostic):
    """The classes are the ten digits, and the augmentation shows some of them mirrored or upside down. A 6 on its head
    is a 9, and a mirrored 2 is no digit: the net learns figures that never come.
    """

    code = "NS468"
    severity = "warning"
    title = "`{word}` mirrors digits"
    label = "a mirrored 2 is no 2"
    hint = "leave it out, or use `rotate(10) -> shift(10%)`, which keep what a digit means"
    word: str


class NothingToShow(Diagnostic):
    """`netspec augment` makes a picture of varied images; the spec varies nothing, or has no images."""

    code = "NS469"
    title = "there is nothing to show: the spec has {what}"
    what: str
