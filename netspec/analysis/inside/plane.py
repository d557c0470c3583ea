"""What a network with two inputs predicts over the plane, and how that changes while it is trained.

Input: a model with one input of two numbers. Output: probabilities on a grid, as a picture or as a film.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.analysis.inside.inputs import Inputs, experiment_of, split_inputs, training_inputs
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.inside.film import Frame, film_html, film_svg
from netspec.display.charts.inside.regions import region_colors, regions_plane, regions_svg
from netspec.display.charts.plane import Plane
from netspec.display.pictures import Picture
from netspec.language.text import encodable
from netspec.runs.model import Model
from netspec.spec.experiment import load_init, prepare
from netspec.storage.weights import flat_weights, put_weights, weights_of
from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.loop import fit

POINTS = 120
"""Along each axis."""
MARGIN = 0.1
"""How much further than the data the plane reaches, as a fraction of their range."""
MAX_DATA = 400
"""Examples that are drawn."""
MAX_FRAMES = 40
SHADE = "shade: the predicted class, paler where less probable"
TOLERANCE = 1e-3
"""How far the weights of a repeated training may be from those of the run: devices round differently."""


def regions_picture(model: Model, points: Any, classes: Sequence[int] | None) -> Picture:
    """See `Look.regions`."""
    _check(model)
    if points is not None:
        _check_points(points, classes)
    if are_own := points is None and (examples := training_inputs(model, MAX_DATA)) is not None:
        points, classes = examples.single, _ids(examples)
    table, names = _probabilities(model, ends := _ends(model, points))
    note = SHADE
    if points is not None:
        note += f"; points: {'training data' if are_own else 'given examples'}"
        note += " in the color of the true class" if classes is not None else ""
    plane = _plane(model, note, names, ends, points, classes)
    return Picture(regions_svg(plane, table))


def film_picture(model: Model, data: Any) -> Picture:
    """See `Look.film`."""
    _check(model)
    return film_of(model, weights_over_epochs(model, data), training_points(model, data))


def film_of(model: Model, history: Sequence[tuple[str, Mapping[str, Array]]], examples: Inputs) -> Picture:
    """The film of a network with these weights, one after the other, each with a caption, over some examples."""
    ends = _ends(model, examples.single)
    frames: list[Frame] = []
    names: list[str] = []
    for caption, weights in history:
        copy = Model(model.compilation)
        copy.preprocessing = model.preprocessing
        put_weights(copy.module, weights, model.name)
        table, names = _probabilities(copy, ends)
        frames.append(Frame(caption, region_colors(table)))
    note = f"{SHADE}; points: training data in the color of the true class"
    plane = _plane(model, note, names, ends, examples.single, _ids(examples))
    last = Picture(film_svg(plane, frames[-1:]))
    others = {"png": lambda: last.content("png"), "pdf": lambda: last.content("pdf")}
    return Picture(film_svg(plane, frames), {"html": lambda: encodable(film_html(plane, frames)).encode(), **others})


def training_points(model: Model, data: Any = None) -> Inputs:
    """The examples that are drawn; arguments and errors are those of `split_inputs`."""
    return split_inputs(model, "train", count=MAX_DATA, is_spread=True, data=data)


# ---------------------------------------------------------------- the plane


def _check(model: Model) -> None:
    """Raises ValueError unless a network takes two numbers and gives one output."""
    shapes = [shape.sizes for shape in model.inputs.values()]
    if shapes != [(2,)] or len(model.outputs) != 1:
        raise ValueError("decision regions are for a network with one input of two numbers and one output")


def _ends(model: Model, points: Any) -> list[tuple[float, float]]:
    """The lowest and the highest number of both inputs, from the data, or from what is known of them."""
    ends = [(-1.0, 1.0)] * 2
    name, preprocessing = next(iter(model.inputs)), model.preprocessing
    if points is not None:
        array = np.asarray(points, np.float64)
        ends = [_widened(float(array[:, i].min()), float(array[:, i].max())) for i in (0, 1)]
    elif preprocessing is not None and name in preprocessing.ranges:
        ends = [_widened(*preprocessing.ranges[name])] * 2
    return [(low - MARGIN * (high - low), high + MARGIN * (high - low)) for low, high in ends]


def _widened(low: float, high: float) -> tuple[float, float]:
    """The ends of a range; around equal ones, or such that 32-bit numbers hardly tell apart, there is some space."""
    if high - low > 1e-5 * max(abs(low), abs(high)):
        return low, high
    half = max(abs(low), abs(high)) / 2 or 1.0
    return (low + high) / 2 - half, (low + high) / 2 + half


def _check_points(points: Any, classes: Any) -> None:
    """Raises ValueError unless points are finite pairs of numbers, with as many class ids."""
    try:
        array = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        raise ValueError("points are numbers, an array of shape (examples, 2)") from None
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"points are an array of shape (examples, 2), not {array.shape}")
    if not len(array):
        raise ValueError("there are no points; leave them out to draw those of the training")
    if not np.isfinite(array).all():
        raise ValueError("a point is not finite")
    if classes is not None and np.shape(classes) != (len(array),):
        raise ValueError(f"class ids are as many as points, {len(array)}, not of shape {np.shape(classes)}")


def _probabilities(model: Model, ends: Sequence[tuple[float, float]]) -> tuple[Array, list[str]]:
    """The probability of each class on a grid, of shape (second input, first input, classes), and their names.

    Raises:
        ValueError: the network gives no classes.
    """
    across, along = (np.linspace(*end, POINTS) for end in ends)
    grid = np.stack(np.meshgrid(across, along), axis=-1).reshape(-1, 2).astype(np.float32)
    predictions = model.predict(grid)
    try:
        probabilities, names = predictions.probabilities, [str(one) for one in predictions.class_names]
    except AttributeError:
        raise ValueError("the network gives numbers, not classes") from None
    return np.asarray(probabilities).reshape(POINTS, POINTS, -1), names


def _plane(
    model: Model, note: str, names: Sequence[str], ends: Sequence[tuple[float, float]], points: Any, classes: Any
) -> Plane:
    columns = model.preprocessing.columns if model.preprocessing is not None else {}
    axes = columns.get(next(iter(model.inputs))) or ("x1", "x2")
    return regions_plane(f"{model.name}: decision regions", ends, names, (axes[0], axes[1]), points, classes, note)


def _ids(examples: Inputs) -> list[int] | None:
    return None if (ids := examples.class_ids) is None else ids.tolist()


# ---------------------------------------------------------------- over the epochs


@dataclass
class _Frames(TrainingCallback):
    """Keeps the weights of some epochs of a training; epoch 0 is before the first step."""

    epochs: set[int]
    kept: dict[int, tuple[str, Mapping[str, Array]]]

    def on_begin(self, training: Any) -> None:
        self._keep(training, 0, "epoch 0")

    def on_epoch_end(self, training: Any, record: dict[str, Any]) -> None:
        if record["epoch"] in self.epochs:
            self._keep(training, record["epoch"], f"epoch {record['epoch']}, loss {record['loss']:.4f}")

    def _keep(self, training: Any, epoch: int, caption: str) -> None:
        arrays = flat_weights(training.weights)  # valid until the next step
        self.kept[epoch] = caption, {name: np.array(array) for name, array in arrays.items()}


def weights_over_epochs(model: Model, data: Any) -> list[tuple[str, Mapping[str, Array]]]:
    """The weights over the epochs, each with a caption; the last ones are those of the run.

    A run folder keeps the weights of one epoch, so the training is repeated with the same spec, seed and data.

    Raises:
        ValueError: it does not end at the weights of the run.
    """
    experiment_of(model, data)  # its errors first
    experiment = load_init(prepare(model.compilation, data))
    epochs = experiment.recipe.epochs
    wanted = np.unique((np.linspace(0, 1, MAX_FRAMES) ** 2 * epochs).round().astype(int)).tolist()
    frames = _Frames({*wanted}, {})
    result = fit(experiment, reporter=frames)
    if result.interrupted:
        raise KeyboardInterrupt
    own, again = flat_weights(weights_of(model.module)), flat_weights(result.weights)
    if own.keys() != again.keys() or any(not np.allclose(own[n], again[n], atol=TOLERANCE, rtol=0) for n in own):
        raise ValueError(
            "trained again with the same spec and seed, the network does not get the weights that it has: "
            "a film needs the data, and the version of netspec, that it was trained with"
        )
    best = result.best_epoch
    found = [kept for epoch, kept in sorted(frames.kept.items()) if epoch < result.epochs or best is not None]
    record = result.history[(best or result.epochs) - 1]
    caption = f"epoch {record['epoch']}, loss {record['loss']:.4f}" + (", the best weights" if best is not None else "")
    return [*found, (caption, own)]
