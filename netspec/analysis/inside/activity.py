"""What the layers of a network give: for an example as feature maps, and over some examples how it is distributed, with
the units that are dead.

Input: a model and examples. Output: numbers for each layer, and pictures of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netspec.analysis.inside.heat_maps import image_of
from netspec.analysis.inside.inputs import Inputs, given_inputs, split_inputs
from netspec.compiler.ir.cost import Row
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.grid import Row as Tiles, Tile
from netspec.display.charts.histograms import Histogram, histograms_svg
from netspec.display.text import number_text, plural
from netspec.language.corrections import suggest
from netspec.language.shape import Shape
from netspec.layers.base import Layer
from netspec.runs.evaluate_predict import batches
from netspec.spec.model import Model

MAX_EXAMPLES = 500
"""Examples of the test split that are looked at."""
MAX_LAYERS, MAX_NAMED = 60, 64
"""Layers in a picture, and dead units that are named."""
BINS = 40
MAX_TILES = 64
"""Filters, maps or units of a layer that are shown; the heading says of how many."""
SQUARE, LINE, MAX_SIDE = 14.0, 60, 840.0
"""CSS pixels of a number of a vector, how many there are in a line, and the width of a sequence."""
MAX_BYTES = 1 << 28
"""Of the results of a batch."""
MOVES = ("flatten", "reshape", "dropout", "permute", "padding_mask")
"""Layers that only move numbers, which the layer before them has already, and the one that says what is padding."""
RECTIFIERS = ("relu", "relu6")
"""Activations whose result is exactly 0 where a unit is not active."""
SATURATED: Mapping[str, tuple[float, float]] = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}
"""Beyond which numbers an activation hardly changes; for the same inputs, since tanh(z) = 2 sigmoid(2 z) - 1."""


@dataclass(frozen=True)
class LayerActivity:
    """What a layer gives for some examples.

    Args:
        name: as in `netspec show`.
        activation: the word of its activation, or of the layer where that is one; empty: it has none.
        shape: of the result for one example; its last size is the number of `units`.
        zeros: the fraction of the numbers that are exactly 0.
        mean: of all numbers.
        std: of the population of all numbers.
        low: the smallest number.
        high: the largest number.
        counts: how many of the numbers that are not 0 are in each of the bins of equal width between `low` and `high`.
        dead: the indices of the units that are 0 (relu) for every example at every position, or beyond 0.01 and 0.99
            (sigmoid), -0.98 and 0.98 (tanh); None for other activations.
    """

    name: str
    activation: str
    shape: Shape
    zeros: float
    mean: float
    std: float
    low: float
    high: float
    counts: Array
    dead: tuple[int, ...] | None

    @property
    def units(self) -> int:
        """How many units or channels the layer has."""
        last = self.shape.sizes[-1] if self.shape.sizes else 1
        return last if isinstance(last, int) else 1


def activity(
    model: Model, x: Any = None, layers: Sequence[str] | None = None, *, data: Any = None
) -> list[LayerActivity]:
    """What the layers of a network give for some examples, in inference mode.

    Args:
        model: a trained model.
        x: examples as for `model.predict`; None: the first 500 of the test split.
        layers: names as in `netspec show`; None: all but those that only move numbers.
        data: what the model was trained on, as for `netspec.train`; None: what its spec names.

    Raises:
        ValueError: there is no such layer, or no test split.
        CompileError: the data cannot be read.
    """
    chosen = _chosen(model, layers)
    inputs = _inputs(model, x, data)
    sums = {row.name: _Sums(row) for row in chosen}
    for results in _results(model, inputs, [*sums]):
        for name, values in results.items():
            sums[name].add(values)
    counts = {name: np.zeros(BINS, int) for name in sums}
    for results in _results(model, inputs, [*sums]):
        for name, values in results.items():
            low, high = sums[name].ends
            counts[name] += np.histogram(values[values != 0], BINS, (low, high))[0]
    return [replace(found.activity(), counts=counts[name]) for name, found in sums.items()]


def activation_of(row: Row) -> str:
    """The word of the activation of a layer, or of the layer itself where it has none, such as `relu`."""
    operation = row.node.operation
    word = operation.activation_word if isinstance(operation, Layer) else None
    return word.word if word is not None else row.word


class _Sums:
    """What is known of the results of a layer so far."""

    def __init__(self, row: Row) -> None:
        self.row, self.activation = row, activation_of(row)
        self.count = self.zeros = 0
        self.total = self.squares = 0.0
        self.low, self.high, self.idle = np.inf, -np.inf, np.array(True)

    def add(self, values: Array) -> None:
        """Count the results for some examples."""
        wide = values.astype(np.float64)
        self.count += values.size
        self.zeros += int((values == 0).sum())
        self.total += float(wide.sum())
        self.squares += float(np.square(wide).sum())
        self.low, self.high = min(self.low, float(wide.min())), max(self.high, float(wide.max()))
        low, high = SATURATED.get(self.activation, (-np.inf, np.inf))
        idle = values == 0 if self.activation in RECTIFIERS else (values < low) | (values > high)
        self.idle = self.idle & idle.reshape(-1, values.shape[-1] if values.ndim > 1 else 1).all(axis=0)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits of the histogram, which differ."""
        return self.low, self.high if self.high > self.low else self.low + 1

    def activity(self) -> LayerActivity:
        mean = self.total / self.count
        std = max(self.squares / self.count - mean**2, 0.0) ** 0.5
        can_die = self.activation in (*RECTIFIERS, *SATURATED)
        dead = tuple(np.flatnonzero(self.idle).tolist()) if can_die else None
        word = self.activation if can_die or self.activation != self.row.word else ""
        low, high = self.ends
        fraction = self.zeros / self.count
        return LayerActivity(self.row.name, word, self.row.shape, fraction, mean, std, low, high, np.zeros(0), dead)


def _inputs(model: Model, x: Any, data: Any) -> Inputs:
    return split_inputs(model, count=MAX_EXAMPLES, data=data) if x is None else given_inputs(model, x)


def _chosen(model: Model, layers: Sequence[str] | None) -> list[Row]:
    rows = {row.name: row for row in model.layers if not row.is_shared_again}
    if layers is None:
        return [row for row in rows.values() if row.word not in MOVES]
    if not layers:
        raise ValueError("name at least one layer, or leave them out for all")
    for name in layers:
        if name not in rows:
            raise ValueError(f"no layer `{name}`: {suggest(name, rows, what='layers')}")
    return [rows[name] for name in layers]


def _results(model: Model, inputs: Inputs, names: Sequence[str]) -> Iterator[dict[str, Array]]:
    """The results of layers, batch by batch."""
    size = model.cost.activation_bytes
    batch = max(1, min(100, MAX_BYTES // size)) if isinstance(size, int) and size else 1
    for arrays, count in batches([inputs.raw[name] for name in model.inputs], batch):
        yield {name: np.asarray(value)[:count] for name, value in model.layer_results(names, *arrays).items()}


# ---------------------------------------------------------------- the picture


def activity_svg(model: Model, x: Any, layers: Sequence[str] | None, data: Any) -> str:
    """Histograms of the layers; arguments and errors are those of `activity`."""
    inputs = _inputs(model, x, data)
    found = activity(model, inputs, layers)
    examples = f"{plural(len(inputs), 'example')}{' of the test split' if x is None else ''}"
    shown = [_histogram(layer) for layer in found[:MAX_LAYERS]]
    notes = [f"what each layer gives over {examples}; bars: those that are not 0; a dead unit is 0 for every example"]
    if len(found) > MAX_LAYERS:
        notes.append(f"the first {MAX_LAYERS} of {len(found)} layers: name others")
    return histograms_svg(f"{model.name}: activations", notes, shown)


def _histogram(layer: LayerActivity) -> Histogram:
    is_named = layer.name.rpartition("/")[2].startswith(layer.activation)
    title = f"{layer.name}  {'' if is_named else layer.activation}".rstrip() + f"  {layer.shape}"
    numbers = f"mean {number_text(layer.mean, 3)}, std {number_text(layer.std, 3)}"
    warning, state = "", "dead" if layer.activation in RECTIFIERS else "saturated"
    if layer.dead:
        named = ", ".join(str(unit + 1) for unit in layer.dead[:MAX_NAMED])
        more = ", …" if len(layer.dead) > MAX_NAMED else ""
        warning = f"{len(layer.dead)} of {layer.units} units {state}, counted from 1: {named}{more}"
    elif layer.dead is not None:
        numbers += f", no unit {state}"
    return Histogram(title, numbers, warning, layer.zeros, layer.low, layer.high, layer.counts.tolist())


# ---------------------------------------------------------------- feature maps


def maps_rows(
    model: Model, seen: Inputs, names: Sequence[str] | None, classes: Mapping[str, Sequence[str]]
) -> list[Tiles]:
    """What layers make of an example; without `names` the input and all layers that do more than move numbers.

    Args:
        model: a trained model.
        seen: one example.
        names: of layers or blocks.
        classes: what the units of the layers stand for that give outputs.
    """
    found: Mapping[str, Array] = model.layer_results(names, *seen.raw.values())
    rows: list[Tiles] = []
    if names is None:
        computing = {row.name for row in model.layers if row.word not in MOVES}
        found = {name: values for name, values in found.items() if name in computing}
        rows = [_input_row(model, name, values[0]) for name, values in seen.raw.items()]
    for name, values in found.items():
        row, own = _tiles_row(name, np.asarray(values[0]), "maps"), classes.get(name, ())
        if values[0].ndim == 1 and len(own) == len(values[0]) > 1:
            row = replace(row, heading=f"{row.heading}, the largest: {own[int(np.argmax(values[0]))]}")
        rows.append(row)
    return [row for row in rows if row.tiles]


def _input_row(model: Model, name: str, values: Array) -> Tiles:
    """An input as it is in the data; tokens have no picture."""
    if model.inputs[name].is_tokens:
        return Tiles(name, [])
    if values.ndim == 3 and values.shape[-1] == 3:
        return Tiles(f"input {name}: {Shape(values.shape)}", [Tile(image_of(model, name, values))])
    return _tiles_row(f"input {name}", np.asarray(values), "channels")


def _tiles_row(name: str, values: Array, what: str) -> Tiles:
    """The numbers of a layer or an input; of other shapes than those of images, sequences and vectors none."""
    heading, values = f"{name}: {Shape(values.shape)}", values.astype(np.float32)
    if values.ndim == 3:
        count = values.shape[-1]
        shown = [Tile(values[:, :, channel]) for channel in range(min(count, MAX_TILES))]
        parts = f"{name}: {count_of(what, len(shown), count)} {Shape(values.shape)}"
        return Tiles(parts if count > 1 or what == "maps" else heading, shown)
    if values.ndim not in (1, 2):
        return Tiles(heading, [])
    squares = values.T if values.ndim == 2 else _in_lines(values)
    return Tiles(heading, [Tile(squares)], side=min(SQUARE * max(squares.shape), MAX_SIDE))


def _in_lines(values: Array) -> Array:
    """A vector as lines of squares; what the last line lacks is as the smallest number."""
    lines = -(-len(values) // LINE)
    filled = np.full(max(lines * LINE if lines > 1 else len(values), 1), values.min(), values.dtype)
    filled[: len(values)] = values
    return filled.reshape(max(lines, 1), -1)


def count_of(what: str, shown: int, total: int) -> str:
    """`32 maps`, `64 of 512 maps`"""
    return f"{total} {what}" if shown == total else f"{shown} of {total} {what}"
