"""NS645 to NS649: masks, which have a class for each pixel of an image."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class NoPartner(Diagnostic):
    """The source `masks` pairs images with masks of the same name: `images/001.jpg` with `masks/001.png`, also in
    folders inside of them. All masks may have a common beginning or end, such as `001_mask.png`. Where the pairs are
    named in a table or a COCO file, these files must exist.
    """

    code = "NS645"
    title = "{file} has no {missing}"
    label = "{count} of {total} without a {missing}"
    file: str
    missing: str
    count: int
    total: int


class MaskSize(Diagnostic):
    """A mask has a class for each pixel of its image, so that both have the same height and width. With `size` both are
    resized together.
    """

    code = "NS646"
    title = "the mask {file} is {found}, but its image {image} is {expected}"
    label = "{count} of {total} masks have another size than their image"
    hint = "a mask has a pixel for each one of its image: save the mask in the size of the image"
    file: str
    image: str
    found: str
    expected: str
    count: int
    total: int


class BadMask(Diagnostic):
    """The pixels of a mask are class ids from 0, in a gray or a palette PNG, or colors that `colors` lists in the order
    of the classes. `ignore` is the number or the color of pixels that do not count.
    """

    code = "NS647"
    title = "the mask {file} {problem}"
    label = "{problem}"
    file: str
    problem: str


class BadCoco(Diagnostic):
    """A COCO file (JSON) has `images`, `annotations` with polygons in `segmentation`, and `categories`; the id of the
    image and of the category of each annotation must be among them.
    """

    code = "NS648"
    title = "{file} is not a COCO file with polygons: {reason}"
    label = "{reason}"
    file: str
    reason: str


class MasksRead(Diagnostic):
    """Masks that are read in a way that may surprise: as two classes where they have only two numbers, or as the
    classes that occur in some of them. `classes` and `colors` say which there are.
    """

    severity: ClassVar[str] = "warning"
    code = "NS649"
    title = "{what}"
    label = "{how}"
    what: str
    how: str
