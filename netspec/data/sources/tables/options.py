"""The options that sources have for the columns of a table.

Input: what a spec says. Output: checked options, and what a run adds to them.
"""

from __future__ import annotations

from netspec.data.dataset.dataset import HoldOut, Source, TrainRows
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.options import Missing, Names
from netspec.data.sources.tables.columns import OfColumns, TextColumn
from netspec.data.transforms.dates import Dates
from netspec.data.transforms.encoders import CodedBy, Column, Encoder, ImageEncoder, RowEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.language.kinds import Chain, Choice, NewShape
from netspec.language.shape import Size
from netspec.language.word import hidden, option


class ColumnOptions(Source):
    """What sources say of the columns of a table."""

    columns: tuple[str, ...] | None = option(
        Names(),
        "the columns to predict from, in this order (none: all others)",
        default=None,
        aliases=("features", "usecols"),
    )
    drop: tuple[str, ...] = option(Names(), "columns to leave out, such as an id", default=(), aliases=("ignore",))
    categories: tuple[str, ...] | str = option(
        Names(auto=True),
        "columns whose values are names, not quantities; `auto`: those that contain text",
        default=(),
        aliases=("categorical",),
    )
    text: tuple[str, ...] = option(
        Names(),
        "columns of texts, each an input of token ids, `N tokens(V, pad = 0)`; how they are split: "
        '`per_column = of("review", as = text(…))`',
        default=(),
        aliases=("texts", "text_column", "text_columns"),
    )
    encode: str = option(
        Choice(("onehot", "ids")),
        "how categories are encoded: a 0 or 1 for each value, or a separate input with token ids, for `embedding`",
        default="onehot",
    )
    missing: str | float = option(
        Missing(),
        "missing values: an error, leave the row out, or fill in the mean or median of the training set, or a number; "
        "where these are filled in, a missing name is a category",
        default="error",
        aliases=("fillna",),
    )
    absent: tuple[str, ...] = option(
        Names(), 'other marks of a missing value, such as "-999"', default=(), aliases=("na_values",)
    )
    task: str = option(
        Choice(("auto", "classes", "numbers", "text")),
        "what the targets are; `auto`: decided by their cells; `text`: each is a text whose characters are predicted, "
        "with `loss = ctc`",
        default="auto",
    )
    shape: tuple[Size, ...] | None = option(
        NewShape(),
        "the shape of an example, such as 28x28x1 (none: a vector, or a square image for columns like `pixel0`)",
        default=None,
    )
    per_column: tuple[OfColumns, ...] | None = option(
        Chain("column"),
        'single columns: `of("fare", missing = median) -> of("day", as = date)` (none: all alike)',
        default=None,
        aliases=("dtype", "converters", "parse_dates"),
    )
    of_run: tuple[tuple[str, Dates | ImageEncoder | Column | TextCoder], ...] = hidden(default=())
    coded_by: CodedBy | None = hidden(default=None)
    learns_from: TrainRows | None = hidden(default=None)
    divided_by: str | None = hidden(default=None)
    is_apart: bool = hidden(default=False)
    texts_from: TrainRows | None = hidden(default=None)

    @property
    def _names_texts(self) -> bool:
        """Whether there are columns of texts whose words are still to be learned."""
        typed = [name for of in self.per_column or () if isinstance(of.as_, TextColumn) for name in of.columns]
        return not {*self.text, *typed} <= dict(self.of_run).keys()

    def learning_texts_from(self, rows: TrainRows) -> Source:
        return self.replace(texts_from=rows)

    def under(self, hold_out: HoldOut) -> Source:
        return self.replace(divided_by=hold_out.column, is_apart=hold_out.is_apart)

    def learning_from(self, rows: Array) -> Source:
        return self.replace(learns_from=TrainRows.of(rows))

    def as_of_run(self, encoder: Encoder | None) -> Source:
        if not isinstance(encoder, RowEncoder):
            return self
        dates = tuple((column.name, column.dates) for column in encoder.columns if column.dates is not None)
        categories = tuple((column.name, column) for column in encoder.columns if column.kind == "category")
        names = tuple(column.name for column in encoder.columns)
        return self.replace(
            columns=names, of_run=(*dates, *categories, *encoder.images.items(), *encoder.texts.items())
        )

    def coded_as(self, encoder: Encoder | None) -> Source:
        return self.as_of_run(encoder).replace(coded_by=CodedBy(encoder)) if isinstance(encoder, RowEncoder) else self
