"""Augmentations: words that are chained, `rotate(10) -> shift(10%) -> noise(0.05)`, and vary the training examples.

Input: what a spec says. Output: checked words. They are implemented in netspec/training/augment/ and run in the
compiled training step, with new random numbers for each example in each step; netspec/data/checks/augmentation.py
checks that they fit the network. They see images with numbers from 0 (the darkest of the training examples) to 1 (the
brightest), regardless of `normalize`. Validation, test and prediction are not augmented.
"""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Literal

from netspec.language.kinds import Chain, Choice, Count, Number
from netspec.language.shape import Shape
from netspec.language.values import Symbol
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option

Needs = Literal["an image", "an RGB image", "numbers"]


class Augmentations(Chain):
    """A chain of augmentations, or `none`, so that one can be switched off on the command line."""

    of: str = "augmentation"
    names = ("none",)

    def accept(self, value: object) -> Any:
        return None if isinstance(value, Symbol) and value.name in self.names else super().accept(value)


CHANCE = Number(0, 1)
FRACTION = Number(0, 1, open_high=True)


class Augmentation(Word, ABC):
    """Base of every augmentation."""

    category: ClassVar[str] = "augmentation"

    needs: ClassVar[Needs] = "an image"
    """What an input must be to be augmented; others are not changed."""
    moves: ClassVar[bool] = False
    """Whether pixels move, so that a target for each position would no longer fit."""

    pixels: ClassVar[str | None] = None
    """The option that is a number of pixels; the sides of the image must be larger."""

    def apply(self, key: Any, images: Any) -> Any:
        """The augmentation itself, in JAX, inside the compiled step; user-defined words define it.

        Args:
            key: of `jax.random`, different in each step and for each input.
            images: batch x H x W x C, from 0 to 1. The result has the same shape.
        """
        raise NotImplementedError(f"the augmentation `{self.word}` has no `apply`")


augmentation = Declares("augmentation")
"""The decorator that declares an augmentation: `@augmentation("name")`."""


class Moving(Augmentation):
    """Augmentations that move the image, with the pixels that are filled in from outside."""

    moves = True

    fill: str = option(
        Choice(("black", "edge", "mirror")),
        "the pixels outside of the image: the darkest value, the pixel at the edge, or the image mirrored",
        default="black",
        aliases=("fill_mode", "padding_mode"),
    )


class Affine(Moving):
    """Affine maps: adjacent ones (and flips among them) are composed, and the image is sampled once, bilinearly."""


@augmentation("rotate")
class Rotate(Affine):
    """Rotates each image about its center by a random angle in [-degrees, degrees].

    Formula: angle ~ uniform(-degrees, degrees)
    Example: data { augment = rotate(10) }
    """

    aliases = ("RandomRotation", "random_rotation", "rotation_range")
    degrees: float = option(Number(0, 180), "the maximum angle in degrees", default=10.0, position=0)


@augmentation("zoom")
class Zoom(Affine):
    """Zooms each image in or out about its center, by a factor in [1 - amount, 1 + amount].

    Formula: factor ~ uniform(1 - amount, 1 + amount)
    Example: data { augment = zoom(10%) }
    """

    aliases = ("RandomZoom", "random_zoom", "zoom_range", "scale")
    amount: float = option(FRACTION, "the maximum deviation of the factor from 1", default=0.1, position=0)


@augmentation("shift")
class Shift(Affine):
    """Shifts each image horizontally and vertically, by at most the fraction `amount` of its size.

    Formula: dy ~ uniform(-amount, amount) * height; dx ~ uniform(-amount, amount) * width
    Example: data { augment = shift(10%) }
    """

    aliases = ("RandomTranslation", "random_translation", "translate", "width_shift_range", "height_shift_range")
    amount: float = option(FRACTION, "the maximum shift, as a fraction of the side", default=0.1, position=0)


@augmentation("shear")
class Shear(Affine):
    """Shears each image horizontally, like italics.

    Formula: x' = x + tan(angle) * y, with angle ~ uniform(-degrees, degrees)
    Example: data { augment = shear(10) }
    """

    aliases = ("RandomShear", "shear_range")
    degrees: float = option(Number(0, 90, open_high=True), "the maximum angle in degrees", default=10.0, position=0)


@augmentation("flip")
class Flip(Augmentation):
    """Flips images horizontally, vertically, or both, each with probability `chance`.

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
    chance: float = option(CHANCE, "the probability of a flip", default=0.5, position=1, aliases=("p",))


@augmentation("crop")
class Crop(Moving):
    """Pads each image by `pad` pixels and takes a random crop of the original size.

    An image moves by at most `pad` whole pixels, without being blurred.

    Example: data { augment = crop(pad = 4) -> flip(horizontal) }
    Reference: He et al. 2015, arXiv:1512.03385, section 4.2.
    """

    aliases = ("RandomCrop", "random_crop")
    pixels = "pad"
    pad: int = option(Count(), "the padding on each side, in pixels", default=4, aliases=("padding",))


@augmentation("cutout")
class Cutout(Augmentation):
    """Sets a square of each image to black; its center is random, so part of it may be outside the image.

    Example: data { augment = cutout(8) }
    Reference: DeVries and Taylor 2017, arXiv:1708.04552.
    """

    aliases = ("RandomCutout",)
    pixels = "size"
    size: int = option(Count(), "the side of the square, in pixels", position=0, aliases=("length",))


@augmentation("erase")
class Erase(Augmentation):
    """Sets a rectangle of random size and aspect ratio to black, in some of the images.

    Its area is from `smallest` to `largest` of the image, and its height from 0.3 to 3.3 times its width.

    Example: data { augment = erase(0.5) }
    Reference: Zhong et al. 2017, Random erasing, arXiv:1708.04896.
    """

    aliases = ("RandomErasing", "random_erasing")
    chance: float = option(CHANCE, "the probability that an image is changed", default=0.5, position=0)
    smallest: float = option(CHANCE, "the minimum area, as a fraction of the image", default=0.02)
    largest: float = option(CHANCE, "the maximum area, as a fraction of the image", default=0.33)


@augmentation("brightness")
class Brightness(Augmentation):
    """Multiplies all pixels of an image by a factor in [1 - amount, 1 + amount]; black stays black.

    Values above the brightest training example are clipped.

    Formula: y = clip(factor * x, 0, 1)
    Example: data { augment = brightness(0.2) }
    """

    aliases = ("RandomBrightness", "random_brightness")
    amount: float = option(CHANCE, "the maximum deviation of the factor from 1", default=0.2, position=0)


@augmentation("contrast")
class Contrast(Augmentation):
    """Scales the deviation of the pixels from their mean by a factor in [1 - amount, 1 + amount].

    The mean is that of all pixels; of RGB images, that of the gray image.

    Formula: y = clip(mean + factor * (x - mean), 0, 1)
    Example: data { augment = contrast(0.2) }
    """

    aliases = ("RandomContrast", "random_contrast")
    amount: float = option(CHANCE, "the maximum deviation of the factor from 1", default=0.2, position=0)


@augmentation("saturation")
class Saturation(Augmentation):
    """Changes the color saturation by a factor in [1 - amount, 1 + amount]; 0 would be grayscale.

    Formula: gray = 0.299 r + 0.587 g + 0.114 b; y = clip(gray + factor * (x - gray), 0, 1)
    Example: data { augment = saturation(0.2) }
    """

    aliases = ("RandomSaturation", "random_saturation")
    needs = "an RGB image"
    amount: float = option(CHANCE, "the maximum deviation of the factor from 1", default=0.2, position=0)


@augmentation("hue")
class Hue(Augmentation):
    """Rotates the hue, by at most the fraction `amount` of a full turn in either direction.

    Example: data { augment = hue(5%) }
    """

    aliases = ("RandomHue", "random_hue")
    needs = "an RGB image"
    amount: float = option(
        Number(0, 0.5), "the maximum rotation, as a fraction of a full turn", default=0.05, position=0
    )


@augmentation("noise")
class Noise(Augmentation):
    """Adds Gaussian noise to every pixel and channel.

    For other inputs use the layer `noise`.

    Formula: y = clip(x + deviation * normal(0, 1), 0, 1)
    Example: data { augment = noise(0.05) }
    """

    aliases = ("RandomGaussianNoise", "GaussianNoise")
    deviation: float = option(
        Number(0), "the standard deviation, for values from 0 (black) to 1 (white)", default=0.05, position=0
    )


def _alpha(default: float) -> Any:
    doc = "the mixing weight is drawn from Beta(alpha, alpha): at 1 uniformly, below 1 mostly near 0 or 1"
    return option(Number(0, open_low=True), doc, default=default, position=0)


class Mixing(Augmentation):
    """Combines two examples of the batch, with their targets."""

    alpha: float = _alpha(1.0)
    chance: float = option(CHANCE, "the probability that an example is mixed", default=1.0, aliases=("p",))


@augmentation("mixup")
class Mixup(Mixing):
    """Mixes pairs of examples and their targets by a random weight.

    Training metrics count the class with the larger weight.

    Formula: x = w * x1 + (1 - w) * x2; y = w * y1 + (1 - w) * y2; w = max(b, 1 - b), b ~ Beta(alpha, alpha)
    Example: data { augment = mixup(0.2) }
    Reference: Zhang et al. 2017, arXiv:1710.09412.
    """

    aliases = ("MixUp",)
    needs = "numbers"
    alpha: float = _alpha(0.2)


@augmentation("cutmix")
class Cutmix(Mixing):
    """Pastes a rectangle of another image into each image, and mixes the targets in proportion to the areas.

    The rectangle has the proportions of the image, and its center may be anywhere. Training metrics count the class
    with the larger area.

    Formula: sides = sqrt(1 - w) * sides of the image; y = area1 * y1 + area2 * y2, as fractions; w ~ Beta(alpha, alpha)
    Example: data { augment = cutmix(1.0) }
    Reference: Yun et al. 2019, arXiv:1905.04899.
    """

    aliases = ("CutMix",)
    moves = True


def can_vary(word: Augmentation, shape: Shape) -> bool:
    """Whether an augmentation changes inputs of this shape."""
    if word.needs == "numbers":
        return not shape.is_tokens
    return is_image(shape) and (word.needs == "an image" or shape.channels == 3)


def moves_masks(word: Augmentation) -> bool:
    """Whether a word that moves pixels moves a mask, a class for each pixel, in the same way."""
    return isinstance(word, Moving | Flip | Cutmix)


def is_image(shape: Shape) -> bool:
    """Height x width x channels."""
    return shape.rank == 3 and not shape.is_tokens
