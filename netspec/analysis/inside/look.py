"""What is inside a trained network, as pictures: filters, feature maps, weights, decision regions.

Input: a model with its weights. Output: `Picture`s, whose numbers are those of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import isqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from netspec.analysis.inside.activity import MAX_TILES, activity_svg, count_of, maps_rows
from netspec.analysis.inside.attention import attention_layer, attention_svg
from netspec.analysis.inside.attribution import image_input
from netspec.analysis.inside.embedding import embedding_svg
from netspec.analysis.inside.function import curve_svg
from netspec.analysis.inside.heat_maps import (
    grad_cam_svg,
    integrated_gradients_svg,
    occlusion_svg,
    saliency_svg,
)
from netspec.analysis.inside.inputs import Inputs, given_inputs, split_inputs
from netspec.analysis.inside.maximize import maximize_svg, output_layers
from netspec.analysis.inside.plane import film_picture, regions_picture
from netspec.analysis.inside.reconstructions import reconstructions_svg
from netspec.analysis.inside.scores import Scores
from netspec.compiler.ir.cost import Row as LayerRow
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.charts.inside.matrix import Matrix, matrices_svg
from netspec.display.pictures import Picture
from netspec.display.text import name_text
from netspec.language.corrections import suggest
from netspec.runs.arguments import run_folder
from netspec.runs.model import Model
from netspec.spec.saved import load_model
from netspec.storage.weights import flat_weights, weights_of

MAX_CHANNELS = 8
"""Input channels of a filter that are shown."""
MAX_INPUTS = 256
"""Inputs of a dense layer in a matrix of its weights."""


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
        heading = count_of("filters", len(shown), count) if len(shown) < count else "weights"
        if are_colors:
            tiles = [Tile(_colors(kernel[..., i]), str(i + 1)) for i in shown]
        elif channels == 1:
            tiles = [Tile(kernel[:, :, 0, i], str(i + 1)) for i in shown]
        else:
            tiles = [Tile(kernel[:, :, c, i], f"{i + 1}, channel {c + 1}") for i in shown for c in inputs]
            heading += f", {count_of('input channels', len(inputs), channels)}"
        title = f"{self.model.name}: {row.name}, {count} filters {rows}x{columns}x{channels}"
        return Picture(grid_svg(title, [Row(heading, tiles, signed=not are_colors)]))

    def maps(self, x: Any = None, layers: str | Sequence[str] | None = None, *, example: int = 0) -> Picture:
        """What each layer makes of an input: feature maps as images, vectors as rows of squares; without `layers` the
        input stands above them.

        Args:
            x: one example, as for `model.predict`; None: one of the test split.
            layers: their names as in `netspec show`, blocks as well; None: all layers.
            example: the index of the example of the test split.

        Raises:
            ValueError: the layer is unknown, or there is no test split.
        """
        names = [layers] if isinstance(layers, str) else layers
        rows = maps_rows(self.model, self.inputs(x, example).first(1), names, self._classes)
        of = "an input" if x is not None else f"example {example:,} of the test split"
        return Picture(grid_svg(f"{self.model.name}: feature maps of {of}", rows))

    def weights(self, layer: str | None = None) -> Picture:
        """The weights of a dense layer as images, one for each unit, in the shape of the image that it reads; of one
        that reads a vector a matrix with a row for each unit and a column for each number of the vector.

        Args:
            layer: its name as in `netspec show`; None: the first dense layer.

        Raises:
            ValueError: the layer is unknown, or there is none.
        """
        row = self._layer(layer, 2, "dense layers")
        kernel = self._kernel(row)
        names, shape = self._columns_before(row), self._image_before(row, kernel.shape[0])
        if names is not None or shape is None:
            return self._matrix(row.name, kernel, names)
        count = kernel.shape[1]
        shown = min(count, MAX_TILES)
        images = [kernel[:, unit].reshape(shape) for unit in range(shown)]
        units = self._unit_names(row.name, count)
        tiles = [Tile(image.mean(axis=-1) if image.ndim == 3 else image, units[i]) for i, image in enumerate(images)]
        title = f"{self.model.name}: weights of {row.name}, {count} units"
        heading = f"{count_of('units', shown, count)}, {shape[0]}x{shape[1]}"
        heading += f", the mean of {shape[2]} channels" if len(shape) == 3 and shape[2] > 1 else ""
        return Picture(grid_svg(title, [Row(heading, tiles, signed=True)]))

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
        attention_layer(self.model, layer)  # before the input is read
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
            ValueError: the network does not take two numbers, or gives no classes; or the points are not such.
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
        image_input(self.model)  # before the input is read
        self._layer(None, 4, "convolutions of images")
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
        image_input(self.model)  # before the input is read
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
            raise ValueError(f"no `{name}` among the {what}, {suggest(name, fitting, what='there are')}")
        return fitting[name] if name is not None else next(iter(fitting.values()))

    def _kernel(self, row: LayerRow) -> Array:
        return np.asarray(self._weights[f"{row.name}/kernel"], np.float32)

    def _matrix(self, name: str, kernel: Array, columns: Sequence[str] | None) -> Picture:
        """The weights of a layer that reads a vector: the columns of a table, or the units of another layer."""
        inputs, count = kernel.shape
        read = min(inputs, MAX_INPUTS)
        shown = kernel.T[:MAX_TILES, :read]
        what, names = (
            ("feature", columns[:read]) if columns is not None else ("input", [str(i + 1) for i in range(read)])
        )
        caption = count_of("units", len(shown), count) + (f", {read} of {inputs} inputs" if read < inputs else "")
        units = self._unit_names(name, count)[: len(shown)]
        title = f"{self.model.name}: weights of {name}"
        matrix = Matrix(caption, shown)
        return Picture(
            matrices_svg(
                title,
                [matrix],
                units,
                [*map(name_text, names)],
                ("class" if units == self._classes.get(name) else "unit", what, "weight"),
            )
        )

    def _unit_names(self, name: str, count: int) -> list[str]:
        """The classes of a layer that gives an output; otherwise units are counted from 1."""
        own = self._classes.get(name, [])
        return own if len(own) == count > 1 else [str(i + 1) for i in range(count)]

    @cached_property
    def _classes(self) -> dict[str, list[str]]:
        """The classes that the units of each layer stand for that gives an output."""
        units, layers, heads = self.scores.units(), output_layers(self.model), self.scores.heads
        return {
            layer: [unit.name for unit in units if unit.output == output and unit.sign > 0]
            for layer, output in layers.items()
            if heads[output].activation in ("softmax", "sigmoid")
        }

    def _columns_before(self, row: LayerRow) -> list[str] | None:
        """The names of the features of a table that a dense layer reads; None where it reads something else."""
        preprocessing, first = self.model.preprocessing, self.model.layers[0]
        known = dict(preprocessing.columns) if preprocessing is not None else {}
        if row.name != first.name or len(self.model.inputs) != 1 or len(known) != 1:
            return None
        (names,) = known.values()
        return list(names) if len(names) == row.sizes["kernel"][0] else None

    def _image_before(self, row: LayerRow, count: int) -> tuple[int, ...] | None:
        """The shape of the image whose numbers a dense layer reads."""
        before = [other.shape.sizes for other in self.model.layers[: self.model.layers.index(row)]]
        shapes = [*(shape.sizes for shape in self.model.inputs.values()), *before]
        for sizes in reversed(shapes):
            known = tuple(size for size in sizes if isinstance(size, int))
            if len(known) == len(sizes) == 3 and int(np.prod(known)) == count:
                return known
        side = isqrt(count)
        is_flat = row.name == self.model.layers[0].name and side > 1  # an image as one row of a table, such as 784
        return (side, side) if is_flat and side**2 == count else None


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
