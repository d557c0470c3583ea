"""The examples of a split as people see them: images, rows, texts, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from PIL import Image

from netspec.analysis.quality.numbers.groups import MISSING
from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.dataset.order import Order
from netspec.data.splits.split import Splits
from netspec.data.transforms.columns import Column
from netspec.data.transforms.encoders import RowEncoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.data.transforms.token_names import Tokens, tokens_of
from netspec.display.charts.inside.heat import visible
from netspec.language.shape import Shape
from netspec.language.text import printable

MAX_FEATURES = 100
"""Columns of a table without a header; longer vectors are not shown as tables."""
UNKNOWN = "?"
EMPTY = "∅"
"""What is written for an empty token."""
LOUDEST = 80
"""Decibels below the loudest that a spectrogram shows."""
PICTURE = (72, 120)
"""Height and width of a spectrogram."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: the features of an input that it became. `features` is None where it is all of the input,
    `column` None where it is a number that nothing else is known of, `tokens` what the ids of a text stand for."""

    name: str
    input: str
    features: slice | None
    column: Column | None = None
    tokens: Tokens | None = None

    def of(self, inputs: Array) -> Array:
        """Its features of some examples."""
        return inputs if self.features is None else inputs[:, self.features]

    @property
    def is_number(self) -> bool:
        return self.column is None or self.column.kind == "number"

    def texts(self, inputs: Array) -> list[str]:
        """The cells of some examples, from inputs that are not normalized."""
        found = self.of(inputs)
        if self.is_number:
            return [MISSING if np.isnan(value) else f"{value:.5g}" for value in found[:, 0].astype(float).tolist()]
        assert self.column is not None
        if self.tokens is not None:
            return [self.tokens.separator.join(map(self.tokens.name, row[row != 0].tolist())) for row in found]
        values = self.column.values or ()
        if self.features is None:
            return [values[i - 1] if 0 < i <= len(values) else UNKNOWN for i in found.reshape(-1).tolist()]
        shown = [[name for name, is_set in zip(values, row, strict=False) if is_set > 0.5] for row in found]
        return [" ".join(names) or UNKNOWN for names in shown]


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples of a split by their numbers in it; `shapes` are those of the inputs of the network."""

    splits: Splits
    split: str
    shapes: Mapping[str, Shape]

    def name(self, number: int) -> str:
        """`homes.csv row 17`"""
        return self.splits.where(number, self.split)

    def raw(self, name: str, numbers: Array) -> Array:
        """An input of some examples before it is normalized."""
        dataset, index = self.splits.dataset, self._index
        if index is None:
            assert dataset.test is not None
            return read_all(dataset.test.inputs[name][numbers])
        return read_all(dataset.train.inputs[name][index[numbers]])

    def order(self, numbers: Array) -> Order | None:
        """Which rows some examples hold that are windows over series; None for others."""
        index = self._index
        order = self.splits.dataset.test_order if index is None else self.splits.dataset.order
        return None if order is None else order.take(numbers if index is None else index[numbers])

    @property
    def _index(self) -> Array | None:
        """The examples of the split among those of the training set; None where the source has them apart."""
        return self.splits.index_of(self.split)

    @cached_property
    def kind(self) -> Literal["images", "sounds", "rows", "texts", "other"]:
        """What the examples are shown as."""
        encoder = self.splits.dataset.encoder
        if isinstance(encoder, SoundEncoder):
            return "sounds"
        if self.image_inputs:
            return "images"
        if isinstance(encoder, RowEncoder) and encoder.only_text is not None:
            return "texts"
        if self.columns:
            return "rows"
        return "texts" if self.token_inputs else "other"

    @property
    def are_pictures(self) -> bool:
        """Whether an example is shown as a picture: an image, or the spectrogram of a sound."""
        return self.kind in ("images", "sounds")

    @cached_property
    def image_inputs(self) -> list[str]:
        """The inputs that are images."""
        shapes = {name: shape.sizes for name, shape in self.shapes.items()}
        return [name for name, sizes in shapes.items() if len(sizes) == 3 and sizes[-1] in (1, 3, 4) and sizes[0] != 1]

    @cached_property
    def token_inputs(self) -> list[str]:
        """The inputs that are sequences of token ids."""
        return [name for name, shape in self.shapes.items() if len(shape.sizes) == 1 and shape.is_tokens]

    @cached_property
    def columns(self) -> list[TableColumn]:
        """The columns of a table; none where the examples are not rows of one."""
        dataset = self.splits.dataset
        encoder = dataset.encoder
        if isinstance(encoder, RowEncoder):
            is_table = encoder.shape is None and encoder.only_text is None
            return encoded_columns(encoder, dataset.raw_names) if is_table else []
        found = []
        for name, shape in self.shapes.items():
            if len(shape.sizes) != 1 or not isinstance(shape.sizes[0], int) or shape.is_tokens:
                return []
            names = dataset.columns.get(name) or tuple(f"{name} {i + 1}" for i in range(shape.sizes[0]))
            found += [TableColumn(one, name, slice(i, i + 1)) for i, one in enumerate(names)]
        return found if len(found) <= MAX_FEATURES else []

    def image(self, number: int) -> Array:
        """The image of an example, 8-bit of shape (height, width, channels) with 1 or 3 channels; those of several
        inputs side by side. Of a sound it is the spectrogram, gray: the low frequencies are at the bottom."""
        if isinstance(encoder := self.splits.dataset.encoder, SoundEncoder):
            (name,) = self.shapes
            return spectrogram_bytes(encoder.picture(self.raw(name, np.array([number]))[0]))
        found = [image_bytes(self.raw(name, np.array([number]))[0]) for name in self.image_inputs]
        height, channels = max(len(one) for one in found), max(one.shape[2] for one in found)
        same = [np.pad(np.repeat(x, channels // x.shape[2], 2), ((0, height - len(x)), (0, 0), (0, 0))) for x in found]
        return np.concatenate(same, axis=1)

    def cells(self, number: int) -> list[str]:
        """The cells of a row, in the order of `columns`."""
        raw = {name: self.raw(name, np.array([number])) for name in {column.input for column in self.columns}}
        return [column.texts(raw[column.input])[0] for column in self.columns]

    def tokens(self, number: int) -> list[str]:
        """The tokens of the first text of an example: characters, words, or ids."""
        name = self.token_inputs[0]
        ids = self.raw(name, np.array([number]))[0].tolist()
        tokens = self._tokens
        if name in self.splits.facts.pads:
            ids = ids[: max((i + 1 for i, one in enumerate(ids) if one != self.splits.facts.pads[name]), default=0)]
        return [tokens.name(one) if tokens is not None else str(one) for one in ids]

    @property
    def _tokens(self) -> Tokens | None:
        name = self.token_inputs[0]
        return tokens_of(self.splits.dataset.encoder, self.splits.dataset.raw_names.get(name, name))

    @property
    def noun(self) -> str:
        """What an example is called: `row`, `image`."""
        return self.splits.dataset.noun

    @property
    def separator(self) -> str:
        """What is between two tokens."""
        tokens = self._tokens if self.token_inputs else None
        return tokens.separator if tokens is not None else " "


def token_text(token: str) -> str:
    """A token in a text, also where it has no ink."""
    return printable(visible(token)) or EMPTY


def image_bytes(image: Array) -> Array:
    """An image as 8-bit colors; numbers outside 0..1 are scaled to their range."""
    image = np.asarray(image, np.float32)[..., :3]
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 1:
        image = (image - low) / ((high - low) or 1.0)
    return np.round(255 * image).astype(np.uint8)


def spectrogram_bytes(power: Array) -> Array:
    """A spectrogram as 8-bit gray: of decibels the loudest 80, of other numbers all."""
    high, low = float(power.max()), float(power.min())
    low = max(low, high - LOUDEST) if low < 0 else low
    gray = np.round(255 * (power - low) / ((high - low) or 1.0)).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(gray).resize(PICTURE[::-1], Image.Resampling.BILINEAR))[..., None]


def encoded_columns(encoder: RowEncoder, raw_names: Mapping[str, str]) -> list[TableColumn]:
    """The columns of a table, by the inputs of the data that they became; `raw_names` are those by name."""
    names = {raw: name for name, raw in raw_names.items()}
    found: list[TableColumn] = []
    for raw, group in encoder.groups.items():
        begin = 0
        for column in group:
            end = begin + len(column.features)
            if raw in names:
                found.append(TableColumn(column.name, names[raw], slice(begin, end), column))
            begin = end
    own = [(raw, column) for raw, column in encoder.own_inputs() if raw in names and column.kind != "image"]
    found += [TableColumn(column.name, names[raw], None, column, tokens_of(encoder, raw)) for raw, column in own]
    order = [column.name for column in encoder.columns]
    return sorted(found, key=lambda one: order.index(one.name))
