"""Augmentations: words that are chained, `rotate(10) -> shift(10%) -> noise(0.05)`, and vary the training examples.

Input: what a spec says. Output: checked words. Their computation is in netspec/training/augment/ and runs inside the
compiled training step, with new random numbers for each example in each step; netspec/data/checks/augmentation.py
checks that they fit the network. The words see images with numbers from 0 (the darkest of the training
examples) to 1 (the brightest), whatever `normalize` makes of them. Validation, test and prediction are left alone.
"""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Literal

from netspec.language.kinds import Chain, Choice, Count, Number
from netspec.language.shape import Shape
from netspec.language.values import Symbol
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option

Needs = Literal["an image", "a colour image", "numbers"]


class Augmentations(Chain):
    """A chain of augmentations, or `none`, so that one can be switched off where a run is started."""

    of: str = "augmentation"

    def accept(self, value: object) -> Any:
        return None if isinstance(value, Symbol) and value.name in self.names else super().accept(value)

    @property
    def names(self) -> tuple[str, ...]:
        return ("none",)


CHANCE = Number(0, 1)
FRACTION = Number(0, 1, open_high=True)


class Augmentation(Word, ABC):
    """Base of every augmentation."""

    category: ClassVar[str] = "augmentation"

    needs: ClassVar[Needs] = "an image"
    """What an input must be to be varied; the others are left alone."""
    moves: ClassVar[bool] = False
    """Pixels change their places, so a target at each place would no longer fit."""

    pixels: ClassVar[str | None] = None
    """The option that counts pixels of the image, which must have more of them."""

    def apply(self, key: Any, images: Any) -> Any:
        """What a word of your own does, with JAX, inside the compiled step.

        Args:
            key: of `jax.random`; another one in each step and for each input.
            images: batch x H x W x C, from 0 to 1. What comes out has the same shape.
        """
        raise NotImplementedError(f"the augmentation `{self.word}` has no `apply`")


augmentation = Declares("augmentation")
"""The decorator that declares an augmentation: `@augmentation("name")`."""


# ---------------------------------------------------------------- where pixels stand


class Moving(Augmentation):
    """What moves the image has to say what comes in from outside."""

    moves = True

    fill: str = option(
        Choice(("black", "edge", "mirror")),
        "what stands outside of the image: the darkest value, the pixel at the edge, or the image mirrored",
        default="black",
        aliases=("fill_mode", "padding_mode"),
    )


class Affine(Moving):
    """Rotations and their kin: those that stand side by side (and flips among them) are made one map of the plane, and
    the image is sampled once, bilinearly."""


@augmentation("rotate")
class Rotate(Affine):
    """Turns each image about its middle, by an angle from -degrees to degrees.

    Formula: angle ~ uniform(-degrees, degrees)
    Example: data { augment = rotate(10) }
    """

    aliases = ("RandomRotation", "random_rotation", "rotation_range")
    degrees: float = option(Number(0, 180), "the greatest angle", default=10.0, position=0)


@augmentation("zoom")
class Zoom(Affine):
    """Enlarges or shrinks each image about its middle, by a factor from 1 - amount to 1 + amount.

    Formula: factor ~ uniform(1 - amount, 1 + amount)
    Example: data { augment = zoom(10%) }
    """

    aliases = ("RandomZoom", "random_zoom", "zoom_range", "scale")
    amount: float = option(FRACTION, "how far the factor is from 1 at most", default=0.1, position=0)


@augmentation("shift")
class Shift(Affine):
    """Moves each image up or down and left or right, by at most `amount` of its height and width.

    Formula: dy ~ uniform(-amount, amount) * height; dx ~ uniform(-amount, amount) * width
    Example: data { augment = shift(10%) }
    """

    aliases = ("RandomTranslation", "random_translation", "translate", "width_shift_range", "height_shift_range")
    amount: float = option(FRACTION, "the greatest way, as a part of the side", default=0.1, position=0)


@augmentation("shear")
class Shear(Affine):
    """Slants each image, as italics do: rows move to the side by their height above the middle.

    Formula: x' = x + tan(angle) * y, with angle ~ uniform(-degrees, degrees)
    Example: data { augment = shear(10) }
    """

    aliases = ("RandomShear", "shear_range")
    degrees: float = option(Number(0, 90, open_high=True), "the greatest angle", default=10.0, position=0)


@augmentation("flip")
class Flip(Augmentation):
    """Mirrors half of the images: left and right, top and bottom, or both, each with a chance of its own.

    Example: data { augment = flip(horizontal) }
    """

    aliases = ("RandomFlip", "random_flip", "RandomHorizontalFlip", "RandomVerticalFlip", "horizontal_flip")
    moves = True
    axis: str = option(
        Choice(("horizontal", "vertical", "both")),
        "what is swapped: left and right, top and bottom, or both",
        default="horizontal",
        position=0,
    )
    chance: float = option(CHANCE, "how likely an image is mirrored", default=0.5, position=1, aliases=("p",))


@augmentation("crop")
class Crop(Moving):
    """Adds `pad` pixels on every side and cuts an image of the old size out of the result, anywhere.

    So an image moves by at most `pad` whole pixels, without being blurred.

    Example: data { augment = crop(pad = 4) -> flip(horizontal) }
    Reference: He et al. 2015, arXiv:1512.03385, section 4.2.
    """

    aliases = ("RandomCrop", "random_crop")
    pixels = "pad"
    pad: int = option(Count(), "pixels on every side", default=4, aliases=("padding",))


# ---------------------------------------------------------------- what is hidden


@augmentation("cutout")
class Cutout(Augmentation):
    """Blackens a square of each image; its middle may be anywhere, so a part of the square may lie outside.

    Example: data { augment = cutout(8) }
    Reference: DeVries and Taylor 2017, arXiv:1708.04552.
    """

    aliases = ("RandomCutout",)
    pixels = "size"
    size: int = option(Count(), "the side of the square, in pixels", position=0, aliases=("length",))


@augmentation("erase")
class Erase(Augmentation):
    """Blackens a rectangle of random size and form inside of some of the images.

    Its area is from `smallest` to `largest` of the image, and its height from 0.3 to 3.3 times its width.

    Example: data { augment = erase(0.5) }
    Reference: Zhong et al. 2017, Random erasing, arXiv:1708.04896.
    """

    aliases = ("RandomErasing", "random_erasing")
    chance: float = option(CHANCE, "how likely it is that an image loses something", default=0.5, position=0)
    smallest: float = option(CHANCE, "the least area, as a part of the image", default=0.02)
    largest: float = option(CHANCE, "the greatest area, as a part of the image", default=0.33)


# ---------------------------------------------------------------- light and colour


@augmentation("brightness")
class Brightness(Augmentation):
    """Multiplies all pixels of an image by a factor from 1 - amount to 1 + amount; black stays black.

    What gets brighter than the brightest training example is cut off.

    Formula: y = clip(factor * x, 0, 1)
    Example: data { augment = brightness(0.2) }
    """

    aliases = ("RandomBrightness", "random_brightness")
    amount: float = option(CHANCE, "how far the factor is from 1 at most", default=0.2, position=0)


@augmentation("contrast")
class Contrast(Augmentation):
    """Moves the pixels of an image away from their mean, or towards it, by a factor from 1 - amount to 1 + amount.

    The mean is that of all pixels, of the grey image for one in colour.

    Formula: y = clip(mean + factor * (x - mean), 0, 1)
    Example: data { augment = contrast(0.2) }
    """

    aliases = ("RandomContrast", "random_contrast")
    amount: float = option(CHANCE, "how far the factor is from 1 at most", default=0.2, position=0)


@augmentation("saturation")
class Saturation(Augmentation):
    """Makes the colours of an image stronger or weaker, by a factor from 1 - amount to 1 + amount; 0 would be grey.

    Formula: grey = 0.299 r + 0.587 g + 0.114 b; y = clip(grey + factor * (x - grey), 0, 1)
    Example: data { augment = saturation(0.2) }
    """

    aliases = ("RandomSaturation", "random_saturation")
    needs = "a colour image"
    amount: float = option(CHANCE, "how far the factor is from 1 at most", default=0.2, position=0)


@augmentation("hue")
class Hue(Augmentation):
    """Turns the colours of an image around the colour circle, by at most `amount` of a whole turn either way.

    Example: data { augment = hue(5%) }
    """

    aliases = ("RandomHue", "random_hue")
    needs = "a colour image"
    amount: float = option(Number(0, 0.5), "the greatest part of a turn", default=0.05, position=0)


@augmentation("noise")
class Noise(Augmentation):
    """Adds a random number to every pixel and channel, from a normal distribution.

    Inputs that are no images take the layer `noise`.

    Formula: y = clip(x + deviation * normal(0, 1), 0, 1)
    Example: data { augment = noise(0.05) }
    """

    aliases = ("RandomGaussianNoise", "GaussianNoise")
    deviation: float = option(Number(0), "the deviation, where black is 0 and white 1", default=0.05, position=0)


# ---------------------------------------------------------------- two examples in one


def _alpha(default: float) -> Any:
    doc = "the share of the one example is drawn from Beta(alpha, alpha): below 1 mostly one of them, at 1 evenly"
    return option(Number(0, open_low=True), doc, default=default, position=0)


class Mixing(Augmentation):
    """Makes one example of two of the batch, targets included."""

    alpha: float = _alpha(1.0)
    chance: float = option(CHANCE, "how likely an example is mixed", default=1.0, aliases=("p",))


@augmentation("mixup")
class Mixup(Mixing):
    """Adds two examples, weighted: numbers of inputs and targets alike.

    Figures of the training examples count the class that has the larger share.

    Formula: x = share * x1 + (1 - share) * x2; y = share * y1 + (1 - share) * y2; share = max(b, 1 - b), b ~ Beta
    Example: data { augment = mixup(0.2) }
    Reference: Zhang et al. 2017, arXiv:1710.09412.
    """

    aliases = ("MixUp",)
    needs = "numbers"
    alpha: float = _alpha(0.2)


@augmentation("cutmix")
class Cutmix(Mixing):
    """Puts a rectangle of another image into each image; the target is mixed by the areas.

    The form is that of the image, and its middle may be anywhere. Figures of the training examples count the class that
    has the larger share.

    Formula: sides = sqrt(1 - share) * sides of the image; y = share * y1 + (1 - share) * y2, by what is seen
    Example: data { augment = cutmix(1.0) }
    Reference: Yun et al. 2019, arXiv:1905.04899.
    """

    aliases = ("CutMix",)
    moves = True


# ---------------------------------------------------------------- what varies what


def can_vary(word: Augmentation, shape: Shape) -> bool:
    """Whether a word varies inputs of this shape."""
    if word.needs == "numbers":
        return not shape.is_tokens
    return is_image(shape) and (word.needs == "an image" or shape.channels == 3)


def is_image(shape: Shape) -> bool:
    """Height x width x channels."""
    return shape.rank == 3 and not shape.is_tokens
