"""Masks over their images: the examples whose masks are predicted worst."""

from __future__ import annotations

from html import escape

import numpy as np

from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.data.dataset.dataset import IGNORED
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.mask_images import class_colors, overlay
from netspec.display.charts.grid import png_uri
from netspec.display.page.elements import heading, paragraph

MAX_IMAGES = 12
MAX_KEYS = 20
MAX_SIDE = 192
"""Larger images are thinned out."""
STRIPE = 4
"""Pixels from a stripe of ignored pixels to the next."""


def masks_html(of: Evaluated, outcome: Outcome) -> str:
    """The images with the lowest IoU, the mean of the classes that occur: with the true and the predicted mask."""
    assert outcome.owner is not None
    scores = image_ious(outcome)
    worst = np.argsort(scores, kind="stable")[:MAX_IMAGES]
    height, width = of.recipes[outcome.name].head.shape[:2]
    items = ""
    for one in worst.tolist():
        number = int(of.index[one])
        name = of.examples.name(number)
        true, guess = (_mask(outcome, ids, one, height, width) for ids in (outcome.expected, outcome.decided))
        is_ignored = true == IGNORED
        wrong = np.where(true != guess, np.uint8(255), np.uint8(0))
        shown = [("true", true), ("predicted", guess)]
        image = of.examples.image(number) if of.examples.kind == "images" else np.full((*true.shape, 1), 128, np.uint8)
        pictures = _picture(image, f"{name}", "image")
        pictures += "".join(_picture(overlay(image, ids), f"{name}, {what}", what, is_ignored) for what, ids in shown)
        pictures += _picture(np.repeat(wrong[..., None], 3, 2), f"{name}, wrong pixels", "wrong pixels", is_ignored)
        items += f'<li><span>{escape(name)}: IoU {scores[one]:.3f}</span><div class="masks">{pictures}</div></li>'
    count = f"{len(worst)} of {len(scores):,} images" if len(worst) < len(scores) else f"All {len(scores)} images"
    text = f"{count}, the lowest IoU first: the mean of the classes that are in the mask or predicted."
    pixels = len(scores) * height * width
    key = _key(outcome, has_ignored=len(outcome) < pixels)
    return heading("Worst masks") + paragraph(text) + key + f'<ul class="masks-list">{items}</ul>'


def image_ious(outcome: Outcome) -> Array:
    """The IoU of each predicted example: the mean of the classes that occur; 1 where no pixel counts."""
    assert outcome.owner is not None
    classes, examples = len(outcome.names), int(outcome.owner.max()) + 1
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)

    def counts(ids: Array, rows: Array) -> Array:
        flat = np.bincount(rows * classes + ids, minlength=examples * classes)
        return flat.reshape(examples, classes).astype(float)

    right = expected == decided
    both = counts(expected[right], outcome.owner[right])
    union = counts(expected, outcome.owner) + counts(decided, outcome.owner) - both
    seen = union > 0
    sums = np.divide(both, union, out=np.zeros_like(union), where=seen).sum(axis=1)
    found: Array = np.divide(sums, seen.sum(axis=1), out=np.ones(examples), where=seen.any(axis=1))
    return found


def _mask(outcome: Outcome, ids: Array, example: int, height: int, width: int) -> Array:
    """The mask of an example, with ignored pixels."""
    assert outcome.owner is not None and outcome.position is not None
    own = outcome.owner == example
    mask = np.full(height * width, IGNORED, np.int32)
    mask[outcome.position[own]] = ids[own]
    return mask.reshape(height, width)


def _picture(pixels: Array, label: str, caption: str, is_ignored: Array | None = None) -> str:
    """An image; pixels that are ignored are striped."""
    step = -(-max(pixels.shape[:2]) // MAX_SIDE)
    small = pixels[::step, ::step]
    if is_ignored is not None:
        stripes = np.add.outer(*map(np.arange, small.shape[:2])) % STRIPE < STRIPE // 2
        colors = np.where(stripes, np.uint8(255), np.uint8(96))[..., None]
        small = np.where(is_ignored[::step, ::step, None], colors, small)
    source = png_uri(small[..., 0] if small.shape[2] == 1 else small)
    return f'<div><img src="{source}" alt="{escape(label)}"><span>{escape(caption)}</span></div>'


def _key(outcome: Outcome, *, has_ignored: bool) -> str:
    """The colors of the classes; class 0 has none. Pixels that are ignored are explained where there are any."""
    colors = class_colors()
    items = ""
    for number, name in enumerate(outcome.names[: MAX_KEYS + 1]):
        if number:
            color = "#" + "".join(f"{part:02x}" for part in colors[number % 255].tolist())
            items += f'<li><span class="swatch" style="background:{color}"></span>{escape(name)}</li>'
    if has_ignored:
        items += '<li><span class="swatch striped"></span>ignored: in no metric</li>'
    return f'<ul class="mask-key">{items}</ul>'
