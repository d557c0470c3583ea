"""Lists of examples in a page: images, rows of a table, or texts, with what is said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

import numpy as np

from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.analysis.quality.examples import token_text
from netspec.analysis.quality.views.thumbnails import Thumbnails
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.inside.heat import heat_colors
from netspec.display.page.elements import Cell, table_html
from netspec.display.text import name_text

MAX_COLUMNS = 5
MAX_CELL = 40
MAX_CONTEXT = 60
"""Tokens of a text that are shown before one that is predicted."""
MAX_SHOWN = 200
"""Tokens of a text that is classified as a whole."""
LEVELS = 5
"""Shades of tokens."""


@dataclass(frozen=True)
class Remark:
    """A prediction, by its number in the outcome, and what is said of it, such as `4, predicted 9 (87%)`; `heat` has a
    number from 0 to 1 for each pixel or token (from -1 on where they may speak against the prediction). `cells` say the
    same in columns of a table."""

    prediction: int
    text: str
    heat: Array | None = None
    cells: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> Mapping[str, str]:
        """What is said, by the heads of the columns of a table."""
        return self.cells or {"prediction": self.text}


class Shown:
    """How the examples of a run are shown. `order` are the columns of a table, the most important ones first."""

    def __init__(self, of: Evaluated, order: Sequence[int] = ()) -> None:
        self.of = of
        self.thumbnails = Thumbnails(of.examples)
        count = len(of.examples.columns)
        self.order = [*order, *(i for i in range(count) if i not in order)][:MAX_COLUMNS]

    def html(self, caption: str, outcome: Outcome, remarks: Sequence[Remark]) -> str:
        """Some predictions with their examples."""
        kind = self.of.examples.kind
        numbers = [int(self.of.index[outcome.example(one.prediction)]) for one in remarks]
        if self.of.examples.are_pictures:
            return self._images(numbers, outcome, remarks)
        if kind == "rows":
            return self._rows(caption, numbers, remarks)
        if kind == "texts":
            return self._texts(caption, numbers, outcome, remarks)
        rows = [[self.of.examples.name(n), *one.columns.values()] for n, one in zip(numbers, remarks, strict=True)]
        return table_html(caption, ["example", *_heads(remarks)], rows, left=2)

    def _images(self, numbers: Sequence[int], outcome: Outcome, remarks: Sequence[Remark]) -> str:
        items = []
        for number, one in zip(numbers, remarks, strict=True):
            name = self.of.examples.name(number)
            where = "" if outcome.position is None else f", position {outcome.position[one.prediction]}"
            shown = self.thumbnails.example(number, f"{name}{where}")
            if one.heat is not None:
                heat = heat_colors(one.heat, 1.0, "positive")
                shown = f'<div class="pair">{shown}{self.thumbnails.heat(heat, "saliency")}</div>'
            items.append(f'<li title="{escape(name)}">{shown}<span>{escape(one.text)}</span></li>')
        return f'<ul class="thumbs">{"".join(items)}</ul>'

    def _rows(self, caption: str, numbers: Sequence[int], remarks: Sequence[Remark]) -> str:
        columns = self.of.examples.columns
        head = ["row", *_heads(remarks), *(name_text(columns[i].name) for i in self.order)]
        rows = []
        for number, one in zip(numbers, remarks, strict=True):
            cells = self.of.examples.cells(number)
            shown = [cells[i][:MAX_CELL] for i in self.order]
            rows.append([self.of.examples.name(number), *one.columns.values(), *shown])
        heads = _heads(remarks)  # numbers are at the right
        if len(self.order) < len(columns):
            caption += f"; {len(self.order)} of {len(columns)} columns"
        return table_html(caption, head, rows, left=1 if "error" in heads else 1 + len(heads))

    def _texts(self, caption: str, numbers: Sequence[int], outcome: Outcome, remarks: Sequence[Remark]) -> str:
        rows: list[list[str | Cell]] = []
        for number, one in zip(numbers, remarks, strict=True):
            tokens, begin, end = self.of.examples.tokens(number), 0, ""
            if outcome.position is not None:
                tokens = tokens[: int(outcome.position[one.prediction]) + 1]
                begin = max(0, len(tokens) - MAX_CONTEXT)
            elif len(tokens) > MAX_SHOWN:
                tokens, end = tokens[:MAX_SHOWN], "…"
            pieces = [one if one == " " else token_text(one) for one in tokens[begin:]]
            levels = [0] * len(pieces)
            if one.heat is not None:
                levels = np.round(LEVELS * one.heat[begin : len(tokens)]).astype(int).tolist()
            text = f'<span class="mono">{"…" * bool(begin)}{self._shaded(pieces, levels)}{end}</span>'
            rows.append([self.of.examples.name(number), *one.columns.values(), Cell(html=text)])
        heads = ["text", *_heads(remarks), "up to there" if outcome.position is not None else "words"]
        return table_html(caption, heads, rows, left=len(heads))

    def _shaded(self, pieces: Sequence[str], levels: Sequence[int]) -> str:
        """Tokens, those with the same level of heat in one element."""
        parts = []
        for level, group in groupby(zip(pieces, levels, strict=True), key=lambda pair: pair[1]):
            text = escape(self.of.examples.separator.join(piece for piece, _ in group))
            name = f"h{level}" if level > 0 else f"n{-level}"
            parts.append(f'<span class="{name}">{text}</span>' if level else text)
        return self.of.examples.separator.join(parts)


def _heads(remarks: Sequence[Remark]) -> list[str]:
    return [*remarks[0].columns] if remarks else ["prediction"]
