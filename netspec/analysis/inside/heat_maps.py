"""Attributions as pictures: over images, beside the columns of tables, behind the tokens of texts.

Input: the attributions of some examples. Output: SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from netspec.analysis.inside.attribution import Attribution, grad_cam_of, integrated_gradients_of, saliency_of
from netspec.analysis.inside.inputs import Inputs, given_inputs, input_tokens
from netspec.analysis.inside.occlusion import occlusion_of
from netspec.analysis.inside.scores import Scores, Unit
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.token_names import Tokens as TokenNames
from netspec.display.charts.inside.heat import Bars, ImageHeat, Panel, Tokens, heat_svg, visible
from netspec.display.text import number_text
from netspec.language.shape import Shape
from netspec.spec.model import Model

MAX_EXAMPLES = 8
"""Examples in a picture, below each other."""
NEGLIGIBLE = 0.01
"""What speaks against a class is shown if it is more than this fraction of what speaks for it."""


def saliency_svg(scores: Scores, x: Any, class_name: int | str | None) -> str:
    """See `saliency` in attribution.py."""
    note = "|d score / d input| (Simonyan et al. 2014): how much the score changes per unit of the normalized input"
    return _svg(scores, x, "saliency", [note], lambda inputs: saliency_of(scores, inputs, class_name))


def integrated_gradients_svg(scores: Scores, x: Any, class_name: int | str | None) -> str:
    """See `integrated_gradients` in attribution.py."""
    notes = [
        "what each part of the input adds to the score, from the baseline to the input (Sundararajan et al. 2017);",
        f"baseline: {_baseline_text(scores.model)}; their sum approximates the difference of both scores",
    ]
    return _svg(
        scores, x, "integrated gradients", notes, lambda inputs: integrated_gradients_of(scores, inputs, class_name)
    )


def grad_cam_svg(scores: Scores, x: Any, class_name: int | str | None, layer: str | None) -> str:
    """See `grad_cam` in attribution.py."""
    return _svg(
        scores,
        x,
        "Grad-CAM",
        ["the maps of a layer, weighted with the mean gradients of the score, where positive (Selvaraju et al. 2017)"],
        lambda inputs: grad_cam_of(scores, inputs, class_name, layer),
    )


def occlusion_svg(scores: Scores, x: Any, class_name: int | str | None, size: int | None, step: int | None) -> str:
    """See `occlusion` in occlusion.py."""
    return _svg(
        scores,
        x,
        "occlusion",
        ["how much the probability drops where a patch hides a part of the image (Zeiler and Fergus 2014)"],
        lambda inputs: occlusion_of(scores, inputs, class_name, size, step),
    )


def _svg(scores: Scores, x: Any, what: str, notes: list[str], compute: Callable[[Inputs], Attribution]) -> str:
    """The picture of the first examples; of integrated gradients with the sums of the attributions."""
    model = scores.model
    inputs = given_inputs(model, x).first(MAX_EXAMPLES)
    found = compute(inputs)
    targets = _targets(scores, inputs)
    blocks = []
    for i in range(len(inputs)):
        heading = _heading(found, i, targets[i])
        for number, (name, shape) in enumerate(model.inputs.items()):
            label = (
                heading if len(model.inputs) == 1 else f"{heading}; input {name}" if number == 0 else f"input {name}"
            )
            values, unit = np.asarray(found.values[name][i]), found.units[i]
            panels = partial(_panels, unit.name, what, _unit_text(scores, unit, what))
            if values.ndim == 3:
                values = values.max(axis=-1) if what == "saliency" else values.sum(axis=-1)
            blocks.append(_block(model, name, shape, inputs, i, values, label, panels))
    return heat_svg(f"{model.name}: {what}", [*notes, found.note] if found.note else notes, blocks)


def _baseline_text(model: Model) -> str:
    """Where integrated gradients begin, for each kind of input."""
    kinds = {
        "zero vectors of tokens" if shape.is_tokens else "a black image" if shape.rank == 3 else "normalized zeros"
        for shape in model.inputs.values()
    }
    return " and ".join(sorted(kinds))


def _unit_text(scores: Scores, unit: Unit, what: str) -> str:
    """The unit of the numbers of a panel."""
    is_class = scores.heads[unit.output].activation in ("softmax", "sigmoid")
    if what == "occlusion":
        return "probability" if is_class else "output"
    score = "logit" if is_class else "output"
    return {"Grad-CAM": "weighted sum", "saliency": f"{score} / unit"}.get(what, score)


def _heading(found: Attribution, i: int, target: str) -> str:
    """`predicted 7 (99.9%)`, its true class, and what the example was looked at for, where that is another class."""
    predicted, unit = found.predicted[i], found.units[i]
    if found.probabilities[1][i] is None:
        text = f"{visible(unit.name)}: {number_text(found.scores[i])}"
    else:
        text = f"predicted {visible(predicted.name)} ({_percent(found.probabilities[1][i])}){target}"
        if unit != predicted:
            text += f", here for {visible(unit.name)} ({_percent(found.probabilities[0][i])})"
    if found.differences:
        total = sum(float(values[i].sum()) for values in found.values.values())
        text += f"; sum = {number_text(total)}, score(input) - score(baseline) = {number_text(found.differences[i])}"
    return text


def _targets(scores: Scores, inputs: Inputs) -> list[str]:
    """The true class of each example of a split, of the first output; nothing where it is not known."""
    output, head = next(iter(scores.heads.items()))
    ids = np.asarray(inputs.targets.get(output, ()))
    own = [unit.name for unit in scores.units() if unit.output == output]
    if len(ids) != len(inputs) or ids.size != len(inputs) or head.activation not in ("softmax", "sigmoid"):
        return [""] * len(inputs)
    return [f", target {visible(own[int(one)])}" for one in ids.reshape(-1)]


def _percent(probability: float | None) -> str:
    return f"{100 * (probability or 0.0):.3g}%" if (probability or 0.0) < 0.9995 else f"{100 * (probability or 0):.2f}%"


def _block(
    model: Model,
    name: str,
    shape: Shape,
    inputs: Inputs,
    i: int,
    values: Array,
    heading: str,
    panels: Callable[[Array], list[Panel]],
) -> ImageHeat | Bars | Tokens:
    """An input of an example with its attributions, those of images without channels."""
    raw = np.asarray(inputs.raw[name][i])
    if shape.rank in (2, 3) and not shape.is_tokens:
        if shape.rank == 2:  # steps across, features down
            return ImageHeat(heading, _gray(raw.T), panels(values.T), has_outline=False)
        return ImageHeat(heading, image_of(model, name, raw), panels(values))
    if shape.is_tokens and shape.rank == 1:
        last = inputs.last[i] if inputs.last is not None else None
        return _tokens(input_tokens(model, name), raw, values, last, heading)
    columns = model.preprocessing.columns.get(name) if model.preprocessing is not None else None
    flat = np.atleast_1d(raw).reshape(-1)
    names = columns if columns is not None and len(columns) == len(flat) else _numbered(name, len(flat))
    shown = [f"{column} = {number_text(float(number))}" for column, number in zip(names, flat, strict=True)]
    return Bars(heading, shown, np.atleast_1d(values).reshape(-1))


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name} {number}" for number in range(1, count + 1)]


def _panels(class_name: str, what: str, unit: str, values: Array) -> list[Panel]:
    """One panel, or two where some numbers speak against the class."""
    fall, rise = (f"drop of the {unit}", f"rise of the {unit}") if what == "occlusion" else (unit, unit)
    if -float(values.min()) <= NEGLIGIBLE * float(values.max()):
        return [Panel(f"{what} for {class_name}", np.maximum(values, 0), unit=fall)]
    against = Panel(f"against {class_name}", np.maximum(-values, 0), "negative", rise)
    return [Panel(f"for {class_name}", np.maximum(values, 0), unit=fall), against]


def _tokens(known: TokenNames | None, raw: Array, values: Array, last: int | None, heading: str) -> Tokens:
    """The tokens of a text without its padding, on which nothing depends."""
    (used,) = np.nonzero(values)
    end = last + 1 if last is not None else int(used.max()) + 1 if used.size else len(raw)
    begin = int(used.min()) if used.size and last is None else 0
    texts = [str(one) for one in raw[begin:end]]
    if known is not None:
        texts = [known.name(int(one)) for one in raw[begin:end]]
    return Tokens(heading, texts, values[begin:end], joint=known is not None and known.is_joint)


def image_of(model: Model, name: str, raw: Array) -> Array:
    """An image of the data as 8-bit grays or colors: from the smallest to the largest number of the training set."""
    ranges = model.preprocessing.ranges if model.preprocessing is not None else {}
    limits = ranges.get(name, (float(raw.min()), float(raw.max())))
    pixels = _gray(raw, limits)
    return pixels if raw.shape[-1] == 3 else pixels.mean(axis=-1).astype(np.uint8)


def _gray(numbers: Array, limits: Sequence[float] | None = None) -> Array:
    low, high = limits if limits is not None else (float(numbers.min()), float(numbers.max()))
    part = np.clip((np.asarray(numbers, float) - low) / ((high - low) or 1.0), 0, 1)
    pixels: Array = np.round(255 * part).astype(np.uint8)
    return pixels
