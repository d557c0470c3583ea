"""Some examples of the data in a report: images as pictures, rows as a table, texts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.quality.examples import encoded_columns
from netspec.data.dataset.dataset import Target
from netspec.data.dataset.lazy_rows import Array, read_all
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import RowEncoder
from netspec.data.transforms.token_names import Tokens, tokens_of
from netspec.display.charts.grid import MAX_PIXELS, small_uri
from netspec.display.page.elements import paragraph, table_html
from netspec.display.text import name_text, number_text
from netspec.language.text import shorten

IMAGES, ROWS, TEXTS = 16, 5, 3
SIDE = 84
"""CSS pixels of an image."""
MAX_COLUMNS = 14
MAX_TEXT = 400
MAX_CELL = 40


def samples_html(run: ReadRun, splits: Splits) -> str:
    """A few training examples of the first input, as many of each class as of any other."""
    name, column = next(iter(splits.dataset.train.inputs.items()))
    encoder = splits.dataset.encoder
    tokens = tokens_of(encoder, splits.dataset.raw_names.get(name, name))
    is_text = tokens is not None and not (isinstance(encoder, RowEncoder) and encoder.only_text is None)
    chosen = _choose(splits, IMAGES if column.ndim == 4 else TEXTS if is_text else ROWS)
    values = read_all(column[splits.train_index[chosen]])
    labels = _labels(splits, chosen)
    if values.ndim == 4 and values.shape[-1] in (1, 3):
        return _section(_images_html(values, labels))
    if is_text and tokens is not None and values.ndim == 2:
        return _section(_texts_html(values, labels, tokens, is_padded=name in splits.facts.pads))
    if values.ndim == 2 and np.issubdtype(values.dtype, np.floating):
        if isinstance(encoder, RowEncoder) and encoder.shape is None:
            return _section(_table_html(splits, encoder, chosen, labels))
        names = splits.dataset.columns.get(name) or [f"feature {i + 1}" for i in range(values.shape[1])]
        rows = [["" if np.isnan(number) else number_text(float(number)) for number in row] for row in values]
        return _section(_rows_html(rows, names, labels))
    return ""


def _section(body: str) -> str:
    return f"<h3>Some training examples</h3>{body}"


def _choose(splits: Splits, count: int) -> Array:
    """The first examples of each class in turn, or the first ones where there are no classes."""
    target = next(iter(splits.facts.targets.items()), None)
    count = min(count, len(splits.train))
    if target is None or target[1].kind != "class" or target[1].size != 1:
        return np.arange(count)
    ids = read_all(splits.train.targets[target[0]]).reshape(-1)
    nth = np.zeros(len(ids), np.int64)
    for one in np.unique(ids):
        mine = ids == one
        nth[mine] = np.arange(mine.sum())
    chosen: Array = np.argsort(nth, kind="stable")[:count]
    return chosen[np.argsort(ids[chosen], kind="stable")]


def _labels(splits: Splits, chosen: Array) -> list[str]:
    """The first target of each example in a few words; empty where it is not a single one."""
    target = next(iter(splits.facts.targets.items()), None)
    if target is None:
        return [""] * len(chosen)
    values = read_all(splits.dataset.train.targets[target[0]][splits.train_index[chosen]])
    return [_label(target[1], value) for value in values]


def _label(target: Target, value: Array) -> str:
    if np.size(value) != 1:
        return ""
    number = float(np.reshape(value, -1)[0])
    if target.kind == "numbers":
        return number_text(number)
    names: Sequence[str] = target.names or (("no", "yes") if target.kind == "binary" else ())
    return name_text(names[int(number)]) if 0 <= int(number) < len(names) else str(int(number))


def _images_html(values: Array, labels: Sequence[str]) -> str:
    low, high = float(values.min()), float(values.max())
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high if high > low else low + 1)
    items = ""
    height, width = values.shape[1:3]
    scale, is_smaller = SIDE / max(height, width), max(height, width) > MAX_PIXELS
    for image, label in zip(np.clip((values - low) / (high - low), 0, 1), labels, strict=True):
        colors = np.round(255 * image).astype(np.uint8)
        uri = small_uri(colors[..., 0] if colors.shape[-1] == 1 else colors)
        size = f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
        words = f"training example of {label}" if label else "training example"
        items += f'<li><img src="{uri}" {size} alt="{escape(words)}">{escape(label)}</li>'
    note = paragraph(f"The images have {width:,}x{height:,} pixels; they are shown smaller.") if is_smaller else ""
    return f'{note}<ul class="samples">{items}</ul>'


def _table_html(splits: Splits, encoder: RowEncoder, chosen: Array, labels: Sequence[str]) -> str:
    """Rows as they are in the table, not as they are encoded."""
    inputs, index = splits.dataset.train.inputs, splits.train_index[chosen]
    columns = encoded_columns(encoder, {name: name for name in inputs})
    cells = [column.texts(read_all(inputs[column.input][index])) for column in columns]
    return _rows_html([*zip(*cells, strict=True)], [column.name for column in columns], labels)


def _rows_html(values: Sequence[Sequence[str]], names: Sequence[str], labels: Sequence[str]) -> str:
    shown = min(len(names), MAX_COLUMNS)
    rows = [
        [str(i + 1), *(shorten(cell, MAX_CELL) for cell in row[:shown]), label]
        for i, (row, label) in enumerate(zip(values, labels, strict=False))
    ]
    more = f", the first {shown} of {len(names):,} columns" if shown < len(names) else ""
    heads = ["row", *map(name_text, names[:shown]), "target"]
    return table_html(f"Rows of the data{more}", heads, rows)


def _texts_html(values: Array, labels: Sequence[str], tokens: Tokens, *, is_padded: bool) -> str:
    items = ""
    for ids, label in zip(values, labels, strict=False):
        kept = [i for i in ids.tolist() if i or not is_padded]
        text = tokens.separator.join(tokens.name(i) if i else "…" for i in kept)
        head = f"<strong>{escape(label)}</strong> " if label else ""
        items += f"<li>{head}{escape(shorten(text, MAX_TEXT))}</li>"
    return f'<ul class="samples texts">{items}</ul>'
