"""Which parts of an input decide: saliency, integrated gradients, Grad-CAM.

Input: a model and examples. Output: arrays with a number for each number of the normalized input, or for each token.
The score of a class is what comes before the softmax or sigmoid; of an output with a prediction at each step it is that
of the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from netspec.analysis.inside.inputs import Inputs, given_inputs
from netspec.analysis.inside.scores import Scores, Unit
from netspec.data.dataset.lazy_rows import Array
from netspec.language.corrections import suggest
from netspec.spec.model import Model

STEPS, MAX_STEPS = 32, 1024
"""Points on the path of integrated gradients: at first, and at most."""
TOLERANCE, ROUNDING = 0.01, 1e-4
"""How far the sum of attributions may be from the difference of the scores: a fraction of the latter, and a number."""


@dataclass(frozen=True)
class Attribution:
    """What the parts of some examples have to do with the scores of units.

    Args:
        values: by the name of an input, of its shape; of token ids a number for each token; of Grad-CAM without the
            channels.
        units: the unit that each example was looked at for.
        predicted: the unit that the network predicts for each.
        scores: of these units.
        probabilities: of the units, and of those predicted; None where the network gives plain numbers.
        differences: of integrated gradients, the score of each example minus that of the baseline.
        note: with which sizes they were computed, for the caption of a picture.
    """

    values: Mapping[str, Array]
    units: Sequence[Unit]
    predicted: Sequence[Unit]
    scores: Sequence[float]
    probabilities: tuple[Sequence[float | None], Sequence[float | None]]
    differences: Sequence[float] = ()
    note: str = ""

    @property
    def plain(self) -> Any:
        """The array of the only input, or a dict by input."""
        return next(iter(self.values.values())) if len(self.values) == 1 else dict(self.values)


def saliency(model: Model, x: Any, class_id: int | str | None = None) -> Any:
    """How much the score of a class changes with each number of an input: the absolute value of the derivative
    (Simonyan, Vedaldi and Zisserman 2014, Deep inside convolutional networks).

    Args:
        model: a trained model.
        x: examples as for `model.predict`.
        class_id: the id or the name of the class; None: the predicted one of each example.

    Returns:
        An array of the shape of the input, examples first; of token ids the Euclidean norm of the derivative with
        regard to the vector of each token; with several inputs a dict of arrays.

    Raises:
        ValueError: there is no such class, or the network gives images.
    """
    return saliency_of(Scores(model), given_inputs(model, x), class_id).plain


def integrated_gradients(model: Model, x: Any, class_id: int | str | None = None, *, baseline: Any = None) -> Any:
    """What each number of an input adds to the score of a class: the derivative, averaged over the straight line from a
    baseline to the input, times the way (Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks).

    The attributions of an example add up to the difference of its score and that of the baseline: points are added on
    the line until this is so up to 1%.

    Args:
        model: a trained model.
        x: examples as for `model.predict`.
        class_id: the id or the name of the class; None: the predicted one of each example.
        baseline: an example; None: a black image, a row with the means of the training set where these were
            normalized, and zeros instead of the vectors of tokens.

    Returns:
        An array of the shape of the input, examples first; of token ids a number for each token; with several inputs a
        dict of arrays.

    Raises:
        ValueError: there is no such class, or the network gives images.
    """
    return integrated_gradients_of(Scores(model), given_inputs(model, x), class_id, baseline).plain


def grad_cam(model: Model, x: Any, class_id: int | str | None = None, *, layer: str | None = None) -> Array:
    """Where in an image a convolution has found what speaks for a class: its feature maps, each weighted with the mean
    derivative of the score with regard to it, added up, without what is negative (Selvaraju et al. 2017, Grad-CAM).

    Args:
        model: a trained model.
        x: images as for `model.predict`.
        class_id: the id or the name of the class; None: the predicted one of each example.
        layer: the name of a layer that gives feature maps; None: the last convolution.

    Returns:
        An array of shape (examples, height, width) in the size of the image, to which the maps are interpolated.

    Raises:
        ValueError: the input is not one image, there is no such class or layer, or the layer gives no feature maps.
    """
    cam: Array = grad_cam_of(Scores(model), given_inputs(model, x), class_id, layer).plain
    return cam


def saliency_of(scores: Scores, examples: Inputs, class_id: int | str | None) -> Attribution:
    """See `saliency`."""
    logits, results = scores(examples)
    units = scores.chosen(logits, class_id)
    offsets = {layer: np.zeros_like(results[layer]) for layer in scores.readers.values()}
    by_input, by_layer = scores.gradients(examples, units, offsets)
    values = {
        name: np.linalg.norm(by_layer[scores.readers[name]], axis=-1)
        if name in scores.readers
        else np.abs(by_input[name])
        for name in scores.model.inputs
    }
    return attribution_of(scores, logits, values, units)


def integrated_gradients_of(
    scores: Scores, examples: Inputs, class_id: int | str | None, baseline: Any = None
) -> Attribution:
    """See `integrated_gradients`."""
    logits, results = scores(examples)
    units = scores.chosen(logits, class_id)
    begin, starts = _baseline(scores, examples, baseline)
    ways = [x - start for x, start in zip(examples.ready, begin, strict=True)]
    layer_ways = {layer: results[layer] - start for layer, start in starts.items()}
    path = _Path(scores, examples, units, ways, layer_ways)
    first, _ = scores(examples, *path.point(0.0))
    differences = _scores(logits, units) - _scores(first, units)
    count = STEPS
    while True:
        values = path.integral(count)
        totals = sum(value.reshape(len(examples), -1).sum(axis=1) for value in values.values())
        if count >= MAX_STEPS or (np.abs(totals - differences) <= TOLERANCE * np.abs(differences) + ROUNDING).all():
            return attribution_of(scores, logits, values, units, differences.tolist())
        count *= 2


@dataclass(frozen=True)
class _Path:
    """The straight line from a baseline to examples: `ways` are the differences of normalized inputs (of token ids 0),
    `layer_ways` those of the vectors of tokens, by the layer that gives them."""

    scores: Scores
    examples: Inputs
    units: Sequence[Unit]
    ways: Sequence[Array]
    layer_ways: Mapping[str, Array]

    def point(self, part: float) -> tuple[dict[str, Array], list[Array]]:
        """What is added to the vectors of tokens, and the inputs, at a fraction of the way."""
        back = np.float32(part - 1)
        offsets = {layer: back * way for layer, way in self.layer_ways.items()}
        pairs = zip(self.examples.ready, self.ways, strict=True)
        return offsets, [x + back * way if x.dtype.kind == "f" else x for x, way in pairs]

    def integral(self, count: int) -> dict[str, Array]:
        """The attributions by the midpoint rule with `count` points."""
        totals: dict[str, Any] = {}
        for step in range(count):
            by_input, by_layer = self.scores.gradients(self.examples, self.units, *self.point((step + 0.5) / count))
            for name, value in (*by_input.items(), *by_layer.items()):
                totals[name] = totals.get(name, 0) + value / count
        readers, values = self.scores.readers, {}
        for name, way in zip(self.scores.model.inputs, self.ways, strict=True):
            layer = readers.get(name)
            values[name] = totals[name] * way if layer is None else (totals[layer] * self.layer_ways[layer]).sum(-1)
        return values


def grad_cam_of(scores: Scores, examples: Inputs, class_id: int | str | None, layer: str | None) -> Attribution:
    """See `grad_cam`."""
    name, sizes = image_input(scores.model)
    logits, results = scores(examples)
    layer = _convolution(scores.model, results) if layer is None else layer
    if layer not in results:
        raise ValueError(f"no layer `{layer}`: {suggest(layer, results, what='layers')}")
    maps = results[layer]
    if maps.ndim != 4:
        raise ValueError(f"`{layer}` gives {'x'.join(map(str, maps.shape[1:]))}, not feature maps")
    units = scores.chosen(logits, class_id)
    _, by_layer = scores.gradients(examples, units, {layer: np.zeros_like(maps)})
    weights = by_layer[layer].mean(axis=(1, 2), keepdims=True)
    cam = np.maximum((weights * maps).sum(axis=-1), 0)
    values = np.asarray(jax.image.resize(cam, (len(cam), *sizes), "linear"))
    note = f"{layer}, {maps.shape[1]}x{maps.shape[2]}, interpolated"
    return replace(attribution_of(scores, logits, {name: values}, units), note=note)


def image_input(model: Model) -> tuple[str, tuple[int, int]]:
    """The name of the only input, and the height and width of its images.

    Raises:
        ValueError: there are several inputs, or it is not an image.
    """
    name, shape = next(iter(model.inputs.items()))
    sizes = tuple(size for size in shape.sizes if isinstance(size, int))
    if len(model.inputs) != 1 or len(sizes) != 3 or shape.rank != 3 or shape.is_tokens:
        takes = " and ".join(f"{name} ({shape})" for name, shape in model.inputs.items())
        raise ValueError(f"this is for networks with one image as input, and {model.name} takes {takes}")
    return name, (sizes[0], sizes[1])


def _convolution(model: Model, results: Mapping[str, Array]) -> str:
    """The last convolution that gives feature maps.

    Raises:
        ValueError: there is none.
    """
    kernels = [row.name for row in model.layers if len(row.sizes.get("kernel", ())) == 4]
    found = [name for name in kernels if name in results and results[name].ndim == 4]
    if not found:
        raise ValueError("the network has no convolution of images")
    return found[-1]


def _baseline(scores: Scores, examples: Inputs, baseline: Any) -> tuple[list[Array], dict[str, Any]]:
    """Where the line begins: the normalized inputs, of token ids those of the examples, and the vectors of tokens by
    the layer that gives them."""
    model = scores.model
    if baseline is not None:
        given = given_inputs(model, baseline)
        vectors = scores(given)[1]
        begin = [one[:1] if x.dtype.kind == "f" else x for one, x in zip(given.ready, examples.ready, strict=True)]
        return begin, {layer: vectors[layer][:1] for layer in scores.readers.values()}
    black = model.normalized(*(np.zeros_like(x[:1]) for x in examples.raw.values()))
    triples = zip(model.inputs.values(), examples.ready, black, strict=True)
    begin = [
        x if shape.is_tokens else np.asarray(dark, np.float32) if shape.rank == 3 else np.zeros_like(x[:1])
        for shape, x, dark in triples
    ]
    return begin, dict.fromkeys(scores.readers.values(), np.float32(0))


def _scores(logits: Mapping[str, Array], units: Sequence[Unit]) -> Array:
    return np.array([unit.sign * logits[unit.output][i, unit.index] for i, unit in enumerate(units)])


def attribution_of(
    scores: Scores,
    logits: Mapping[str, Array],
    values: Mapping[str, Array],
    units: Sequence[Unit],
    differences: Sequence[float] = (),
) -> Attribution:
    """Attributions with what the network predicts."""
    predicted = scores.chosen(logits, None)
    chances = scores.probabilities(logits, units), scores.probabilities(logits, predicted)
    return Attribution(values, units, predicted, _scores(logits, units).tolist(), chances, differences)
