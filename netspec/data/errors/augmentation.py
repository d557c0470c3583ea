"""NS417 to NS419, NS468, NS469 and NS489: augmentations that do not fit the inputs, the targets or the loss."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NotForInput(Diagnostic):
    """An augmentation for another kind of input: most transform images (height x width x channels), `saturation` and
    `hue` RGB images. Token ids cannot be augmented.
    """

    code = "NS417"
    title = "`{word}` transforms {needs}, but {found}"
    label = "for {needs}"
    word: str
    needs: str
    found: str


class TooLarge(Diagnostic):
    """The part of the image that an augmentation cuts out or adds is as large as the image, so nothing of the image may
    be left.
    """

    code = "NS418"
    title = "`{word}` of {size} pixels is too large for images of {image}"
    label = "can cover the whole image"
    hint = "it must be below {limit}; a quarter of the image is usual: `{example}`"
    word: str
    size: int
    image: str
    limit: int
    example: str


class MovesTheAnswer(Diagnostic):
    """An augmentation moves the pixels of the image, but not the target, which has a value for each position (or is the
    image itself, `target = input`). Use augmentations that leave the pixels in place.
    """

    code = "NS419"
    title = "`{word}` moves the pixels, but not the target {target}"
    label = "moves only the image"
    word: str
    target: str


class CannotMix(Diagnostic):
    """`mixup` and `cutmix` combine two examples and their targets into one. Token ids cannot be mixed, and some losses
    take only one class.
    """

    code = "NS489"
    title = "`{word}` cannot mix: {reason}"
    label = "mixes two examples and their targets"
    word: str
    reason: str


class MirrorsDigits(Diagnostic):
    """The classes are the ten digits, and the augmentation mirrors them or turns them upside down. A 6 upside down is a
    9, and a mirrored 2 is not a digit: the network learns from images that never occur.
    """

    code = "NS468"
    severity = "warning"
    title = "`{word}` mirrors digits"
    label = "mirroring changes the digit"
    hint = "remove it, or use `rotate(10) -> shift(10%)`, which preserve the class"
    word: str


class NothingToShow(Diagnostic):
    """`netspec augment` shows augmented images, but the spec has no augmentation or no images."""

    code = "NS469"
    title = {"": "nothing to show: the spec has no `augment`", "input": "nothing to show: no input is an image"}
    hint = {
        "": "add one: `data {{ augment = rotate(10) -> shift(10%) }}`",
        "input": "the input `{name}` is {shape}; only images can be shown",
    }
    name: str = ""
    shape: str = ""
