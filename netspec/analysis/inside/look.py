"""What is inside a trained network, as pictures: filters, feature maps, weights, decision regions.

Input: a model with its weights. Output: `Picture`s, whose numbers are those of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from netspec.analysis.inside.activity import activity_svg
from netspec.analysis.inside.attention import attention_svg
from netspec.analysis.inside.embedding import embedding_svg
from netspec.analysis.inside.function import curve_svg
from netspec.analysis.inside.heat_maps import grad_cam_svg, integrated_gradients_svg, occlusion_svg, saliency_svg
from netspec.analysis.inside.inputs import Inputs, given_inputs, split_inputs
from netspec.analysis.inside.maximize import maximize_svg
from netspec.analysis.inside.plane import film_picture, regions_picture
from netspec.analysis.inside.reconstructions import reconstructions_svg
from netspec.analysis.inside.scores import Scores
from netspec.compiler.ir.cost import Row as LayerRow
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.pictures import Picture
from netspec.language.corrections import suggest
from netspec.language.shape import Shape
from netspec.runs.arguments import run_folder
from netspec.runs.model import Model
from netspec.spec.saved import load_model
from netspec.storage.weights import flat_weights, weights_of

MAX_TILES = 64
"""Filters, maps or units of a layer that are shown; the heading says of how many."""
MAX_CHANNELS = 8
"""Input channels of a filter that are shown."""
SQUARE, LINE, MAX_SIDE = 14.0, 60, 840.0
"""CSS pixels of a number of a vector, how many there are in a line, and the width of a sequence."""
MOVES = ("flatten", "reshape", "dropout")
"""Layers that only move numbers, which the layer before them shows already."""


class Look:
    """The inside of a trained network. Each method gives a picture that a notebook shows and `save` writes.

    Args:
        model: a trained model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._weights = flat_weights(weights_of(model.module))

    def __repr__(self) -> str:
        return f"<Look {self.model.name}: filters, maps, weights, activations, saliency, …>"

    def filters(self, layer: str | None = None) -> Picture:
        """The filters of a convolution, each as an image; of several input channels each one, of an image its colors.

        Args:
            layer: its name as in `netspec show`; None: the first convolution.

        Raises:
            ValueError: the layer is unknown.
        """
        row = self._layer(layer, 4, "convolutions of images")
        kernel = self._kernel(row)
        rows, columns, channels, count = kernel.shape
        are_colors = channels == 3 and row.name == self.model.layers[0].name
        inputs = range(1 if are_colors else min(channels, MAX_CHANNELS))
        shown = range(min(count, MAX_TILES // len(inputs)))
        heading = _count("filters", len(shown), count)
        if are_colors:
            tiles = [Tile(_colors(kernel[..., i]), str(i + 1)) for i in shown]
        elif channels == 1:
            tiles = [Tile(kernel[:, :, 0, i], str(i + 1)) for i in shown]
        else:
            tiles = [Tile(kernel[:, :, c, i], f"{i + 1}, channel {c + 1}") for i in shown for c in inputs]
            heading += f", {_count('input channels', len(inputs), channels)}"
        title = f"{self.model.name}: {row.name}, {count} filters {rows}x{columns}x{channels}"
        return Picture(grid_svg(title, [Row(heading, tiles, signed=not are_colors)]))

    def maps(self, x: Any = None, layers: str | Sequence[str] | None = None, *, example: int = 0) -> Picture:
        """What each layer makes of an input: feature maps as images, vectors as rows of squares.

        Args:
            x: one example, as for `model.predict`; None: one of the test split.
            layers: their names as in `netspec show`; None: all of them.
            example: the index of the example of the test split.

        Raises:
            ValueError: the layer is unknown, or there is no test split.
        """
        names = [layers] if isinstance(layers, str) else layers
        moved = {row.name for row in self.model.layers if row.word in MOVES} if names is None else set()
        seen = self.inputs(x, example).first(1)
        found: Mapping[str, Array] = self.model.layer_results(names, *seen.raw.values())
        rows = []
        for name, values in found.items():
            if name in moved:
                continue
            value = np.asarray(values[0], np.float32)
            if value.ndim == 3:
                shown = min(value.shape[-1], MAX_TILES)
                tiles = [Tile(value[:, :, channel]) for channel in range(shown)]
                rows.append(Row(f"{name}: {_count('maps', shown, value.shape[-1])} {Shape(value.shape)}", tiles))
            elif value.ndim in (1, 2):
                squares = value.T if value.ndim == 2 else _in_lines(value)
                side = min(SQUARE * max(squares.shape), MAX_SIDE)
                rows.append(Row(f"{name}: {Shape(value.shape)}", [Tile(squares)], side=side))
        of = "an input" if x is not None else f"example {example:,} of the test split"
        return Picture(grid_svg(f"{self.model.name}: feature maps of {of}", rows))

    def weights(self, layer: str | None = None) -> Picture:
        """The weights of a dense layer as images, one for each unit, in the shape of the image that it reads.

        Args:
            layer: its name as in `netspec show`; None: the first dense layer.

        Raises:
            ValueError: the layer is unknown, or does not read an image.
        """
        row = self._layer(layer, 2, "dense layers")
        kernel = self._kernel(row)
        shape = self._image_before(row, kernel.shape[0])
        if shape is None:
            raise ValueError(f"`{row.name}` reads {kernel.shape[0]} numbers, not an image")
        count = kernel.shape[1]
        shown = min(count, MAX_TILES)
        images = [kernel[:, unit].reshape(shape) for unit in range(shown)]
        tiles = [Tile(image.mean(axis=-1) if image.ndim == 3 else image, str(i + 1)) for i, image in enumerate(images)]
        title = f"{self.model.name}: {row.name}, {count} units"
        return Picture(grid_svg(title, [Row(_count("units", shown, count), tiles, signed=True)]))

    def attention(self, x: Any = None, layer: str | None = None, *, example: int = 0) -> Picture:
        """Which steps of a sequence each head of an attention layer looks at: in the row of a query are the weights of
        the keys, whose sum is 1.

        Args:
            x: one example, as for `model.predict`; None: one of the test split.
            layer: its name as in `netspec show`; None: the first attention layer.
            example: the index of the example of the test split.

        Raises:
            ValueError: the layer is unknown, or there is no test split.
        """
        return Picture(attention_svg(self.model, self.inputs(x, example), layer))

    def embedding(
        self,
        layer: str | None = None,
        *,
        method: Literal["pca", "tsne"] = "pca",
        split: Literal["train", "val", "test"] = "test",
        data: Any = None,
    ) -> Picture:
        """What a layer gives for the examples of a split, at most 2,000, as points of a plane in the colors of their
        classes; of an `embedding` layer the vectors of the tokens.

        Args:
            layer: its name as in `netspec show`; None: the one before the output layer.
            method: `pca`: the first two principal components; `tsne`: van der Maaten and Hinton 2008, by scikit-learn.
            split: the examples.
            data: what the network was trained on, where its spec does not name it.

        Raises:
            ValueError: the layer, the method or the split is unknown, or there are no data.
            CompileError: the data cannot be read.
        """
        return Picture(embedding_svg(self.model, layer, method, split, data))

    def curve(self, data: Any = None) -> Picture:
        """The output of a network against its only input number, with the training data. Where the output is a weighted
        sum of at most 12 units, what each of them adds is drawn as well.

        Args:
            data: what the network was trained on, where its spec does not name it; without it no data are drawn.

        Raises:
            ValueError: the network does not take one number.
        """
        return Picture(curve_svg(self.model, data))

    def reconstructions(
        self, x: Any = None, *, split: Literal["train", "val", "test"] = "test", data: Any = None
    ) -> Picture:
        """What an autoencoder makes of examples: input, output, difference, and the root mean squared error of each.

        Args:
            x: inputs with examples first, of which 10 are shown; None: those of a split.
            split: the examples.
            data: what the network was trained on, where its spec does not name it.

        Raises:
            ValueError: the output has another shape than the input, or there are no data.
        """
        return Picture(reconstructions_svg(self.model, x, split, data))

    def film(self, data: Any = None) -> Picture:
        """`regions` over the epochs: `save` writes a page with a slider (.html), a picture that plays by itself (.svg),
        or the last frame. The training is repeated for it, since a run folder has the weights of one epoch only.

        Args:
            data: what the network was trained on, where its spec does not name it.

        Raises:
            ValueError: as `regions`; or the repeated training does not get the weights of the run.
        """
        return film_picture(self.model, data)

    def regions(self, points: Any = None, classes: Sequence[int] | None = None) -> Picture:
        """What a network with two inputs predicts over the plane: the most probable class, pale where it is not sure.

        Args:
            points: examples to draw over it, of shape (examples, 2); None: those of the training, where the spec names
                its data and they can be read.
            classes: their class ids.

        Raises:
            ValueError: the network does not take two numbers, or gives no classes.
        """
        return regions_picture(self.model, points, classes)

    def saliency(self, x: Any = None, class_name: int | str | None = None, *, example: int = 0) -> Picture:
        """How much the score of a class changes with each number of an input: the derivative (Simonyan et al. 2014).

        Args:
            x: up to 8 examples as for `model.predict`; None: one of the test split.
            class_name: the name or the id of a class; None: the predicted one.
            example: the index of the example of the test split.

        Raises:
            ValueError: there is no such class, the network gives images, or there is no test split.
        """
        return Picture(saliency_svg(self.scores, self.inputs(x, example), class_name))

    def integrated_gradients(self, x: Any = None, class_name: int | str | None = None, *, example: int = 0) -> Picture:
        """What each number of an input adds to the score of a class (Sundararajan et al. 2017), from a black image, a
        mean row or zero vectors of tokens on. Arguments and errors are those of `saliency`."""
        return Picture(integrated_gradients_svg(self.scores, self.inputs(x, example), class_name))

    def grad_cam(
        self, x: Any = None, class_name: int | str | None = None, *, layer: str | None = None, example: int = 0
    ) -> Picture:
        """Where a convolution (None: the last one) finds what speaks for a class (Selvaraju et al. 2017). Other
        arguments and errors are those of `saliency`."""
        return Picture(grad_cam_svg(self.scores, self.inputs(x, example), class_name, layer))

    def occlusion(
        self,
        x: Any = None,
        class_name: int | str | None = None,
        *,
        size: int | None = None,
        step: int | None = None,
        example: int = 0,
    ) -> Picture:
        """How much the probability of a class drops where a patch of `size` pixels in the mean color of an image, which
        moves by `step`, hides a part of it (Zeiler and Fergus 2014). Other arguments and errors are those of
        `saliency`."""
        return Picture(occlusion_svg(self.scores, self.inputs(x, example), class_name, size, step))

    def activations(self, x: Any = None, layers: str | Sequence[str] | None = None, *, data: Any = None) -> Picture:
        """How active layers are: histograms of what they give, the fraction of zeros, and dead or saturated units.

        Args:
            x: examples as for `model.predict`; None: the first 500 of the test split.
            layers: their names as in `netspec show`; None: all of them.
            data: what the network was trained on, where its spec does not name it.

        Raises:
            ValueError: the layer is unknown, or there is no test split.
        """
        names = [layers] if isinstance(layers, str) else layers
        return Picture(activity_svg(self.model, x, names, data))

    def maximize(
        self, layer: str | None = None, *, units: Sequence[int] | int = 16, steps: int = 128, seed: int = 0
    ) -> Picture:
        """Inputs that excite units most, by gradient ascent (Erhan et al. 2009; Olah et al. 2017).

        Args:
            layer: its name as in `netspec show`; None: the last one, whose units are the classes.
            units: the indices of units or channels, or how many, from the first one on.
            steps: of the ascent.
            seed: equal seeds give equal images.

        Raises:
            ValueError: the input is not one image, or there is no such layer or unit.
        """
        return Picture(maximize_svg(self.scores, layer, units, steps, seed))

    @cached_property
    def scores(self) -> Scores:
        """The network as a differentiable function."""
        return Scores(self.model)

    def inputs(self, x: Any, example: int = 0, count: int = 1) -> Inputs:
        """What is looked at: given examples, or some of the test split."""
        return split_inputs(self.model, first=example, count=count) if x is None else given_inputs(self.model, x)

    # ------------------------------------------------------------ layers

    def _layer(self, name: str | None, rank: int, what: str) -> LayerRow:
        """A layer with a kernel of this rank."""
        fitting = {row.name: row for row in self.model.layers if len(row.sizes.get("kernel", ())) == rank}
        if not fitting:
            raise ValueError(f"the network has no {what}")
        if name is not None and name not in fitting:
            raise ValueError(f"no `{name}` among the {what}: {suggest(name, fitting, what='there are')}")
        return fitting[name] if name is not None else next(iter(fitting.values()))

    def _kernel(self, row: LayerRow) -> Array:
        return np.asarray(self._weights[f"{row.name}/kernel"], np.float32)

    def _image_before(self, row: LayerRow, count: int) -> tuple[int, ...] | None:
        """The shape of the image whose numbers a dense layer reads."""
        before = [other.shape.sizes for other in self.model.layers[: self.model.layers.index(row)]]
        shapes = [*(shape.sizes for shape in self.model.inputs.values()), *before]
        for sizes in reversed(shapes):
            known = tuple(size for size in sizes if isinstance(size, int))
            if len(known) == len(sizes) == 3 and int(np.prod(known)) == count:
                return known
        return (isqrt(count), isqrt(count)) if isqrt(count) ** 2 == count else None


def _in_lines(values: Array) -> Array:
    """A vector as lines of squares; what the last line lacks is as the smallest number."""
    lines = -(-len(values) // LINE)
    filled = np.full(max(lines * LINE if lines > 1 else len(values), 1), values.min(), values.dtype)
    filled[: len(values)] = values
    return filled.reshape(max(lines, 1), -1)


def _count(what: str, shown: int, total: int) -> str:
    return f"{total} {what}" if shown == total else f"{shown} of {total} {what}"


def _colors(filter_: Array) -> Array:
    """Three channels as colors: zero is gray, the largest weight of the filter black or white."""
    return np.round(127.5 + 127.5 * filter_ / max(float(np.abs(filter_).max()), 1e-12)).astype(np.uint8)


def look(run: str | Path | Model) -> Look:
    """The inside of a trained network as pictures: `look(run).filters("conv")`.

    Args:
        run: a run folder, or a model.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    return Look(run if isinstance(run, Model) else Model.of(load_model(run_folder(run))))
