"""The words of `per_column`: what single columns of a table are, and how they are read.

Input: what a spec says. Output: checked words.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from netspec.data.dataset.options import Channels, Missing, Names, PictureSize
from netspec.data.transforms.texts.options import TextOptions
from netspec.language.kinds import Choice, Identifier, OneWord, Text
from netspec.language.vocabulary import Declares, register
from netspec.language.word import Mismatch, Word, option


class ColumnType(Word):
    """Base of the types of columns."""

    category: ClassVar[str] = "type"


column_type = Declares("type")
"""The decorator that declares a type of columns: `@column_type("date")`."""


@column_type("number")
class NumberColumn(ColumnType):
    """A quantity: one feature, or a target of regression even if all values are whole numbers.

    Example: data { source = csv("a.csv", target = "rings", per_column = of("rings", as = number)) }
    """

    aliases = ("float", "numeric", "int")


@column_type("category")
class CategoryColumn(ColumnType):
    """One of several names: a 0 or 1 for each value, or with `ids` a separate input with token ids, for `embedding`.

    Example: data { source = csv("a.csv", target = "y", per_column = of("grade", as = category)) }
    """

    aliases = ("categorical", "string", "str")

    encode: str | None = option(
        Choice(("onehot", "ids")), "how it is encoded (none: as `encode` of the table)", default=None, position=0
    )


class DateParts(Choice):
    """Parts of a date: one, or a list."""

    def accept(self, value: object) -> tuple[str, ...]:  # type: ignore[override]
        items = value if isinstance(value, list) else [value]
        if not items:
            raise Mismatch(self.describe(), value)
        return tuple(dict.fromkeys(super(DateParts, self).accept(item) for item in items))

    def describe(self) -> str:
        return "`linear`, `year`, `week` or `day`, or a list such as [week, day]"

    def to_source(self, value: object) -> str:
        parts = value if isinstance(value, tuple) else ()
        return f"[{', '.join(parts)}]" if len(parts) > 1 else "".join(parts)


@column_type("date")
class DateColumn(ColumnType):
    """A date, a time, or both, as several features: a linear part, and the position in the year, the week and the day.

    The linear part is in years from 2000 or, if the dates span less than a year, in days, hours, minutes or seconds
    from the first day. The positions that vary have their sine and cosine as features: Monday and Sunday, or 23:59 and
    0:00, are neighbors. Times with a zone are converted to UTC. What varies is decided by all rows of the file; the
    statistics of `normalize` are those of the training split. The linear part, and the position in a year of which
    the training has no second one, have values at the end of a series that no training example has: `parts = [week,
    day]` leaves them out.

    Formula: sin(2 pi position), cos(2 pi position)
    Example: data { source = csv("a.csv", target = "rides", per_column = of("when", as = date("%d.%m.%Y %H:%M"))) }
    """

    aliases = ("datetime", "timestamp", "time")

    format: str | None = option(
        Text("a date format (string)"),
        "the format of the cells, as in `strptime`, or `unix`, `unix_ms`, `unix_us` for numbers that count seconds, "
        "milli- or microseconds from 1970 (none: detected; an ambiguous one is an error)",
        default=None,
        position=0,
    )
    parts: tuple[str, ...] | None = option(
        DateParts(("linear", "year", "week", "day")),
        "which of its parts are features: `linear`, and the positions in the `year`, the `week` and the `day` (none: "
        "`linear`, and the positions that vary)",
        default=None,
    )


@column_type("set")
class SetColumn(ColumnType):
    """Cells with any number of tags: a 0 or 1 for each tag. As a target it is predicted by `dense(n, sigmoid)`, one
    unit for each tag. An empty cell has no tags.

    Example: data { source = csv("films.csv", target = "genres", per_column = of("genres", as = set("|"))) }
    """

    aliases = ("tags", "multilabel", "list")

    separator: str = option(Text("a string"), "what is between two tags", default=" ", position=0)


@column_type("image")
class ImageColumn(ColumnType):
    """Names of image files, from the folder of the table: an input with the images, as the source `images` reads them.

    Example: data { source = csv("houses.csv", target = "price", per_column = of("photo", as = image(64x64))) }
    """

    aliases = ("path", "picture", "file")

    size: tuple[int, int] | None = option(
        PictureSize(),
        "the size that every image is resized to (none: they all have one size)",
        default=None,
        position=0,
    )
    folder: str | None = option(
        Text("a folder (string)"),
        "the folder of the images, from that of the table (none: that of the table)",
        default=None,
        position=1,
    )
    channels: int | None = option(
        Channels(), "1: gray, 3: RGB, 4: RGB with transparency (none: as the first image)", default=None
    )
    fit: str = option(
        Choice(("stretch", "crop", "pad")),
        "how images of other proportions are resized: stretched, cropped, or padded with black",
        default="stretch",
    )


@column_type("text")
class TextColumn(TextOptions, ColumnType):
    """Texts: an input of token ids, which is padded with 0, `N tokens(V, pad = 0)`.

    The length and the vocabulary are those of the training split; a spec without an `input` line gets both from data.
    A word is a run of letters and digits, which may have apostrophes inside; every other sign that is not a space is a
    word, too. Texts that are equal in Unicode (NFC) have equal ids.

    Example: data { source = csv("reviews.csv", target = "label", per_column = of("review", as = text(length = 200))) }
    """

    aliases = ("TextVectorization", "tokens", "document")


@register("column", "of")
class OfColumns(Word):
    """What one or several columns of a table are; what it does not say follows from the options of the table.

    Join several of them by `->`.

    Example: data {
                 source = csv("a.csv", target = "y", per_column = of("fare", missing = median) -> of("day", as = date))
             }
    """

    columns: tuple[str, ...] = option(Names(), "the column, or several", position=0)
    as_: ColumnType | None = option(
        OneWord("type"), "what the cells are (none: numbers, or categories as the table says)", default=None
    )
    missing: str | float | None = option(
        Missing(category_too=True),
        "missing values: an error, leave the row out, the mean or median of the training set, a number; `category`: a "
        "value of its own, and for numbers the mean and a feature that is 1 (none: as `missing` of the table)",
        default=None,
    )
    normalize: Literal["auto", "none", "standard", "unit"] = option(
        Choice(("auto", "none", "standard", "unit")), "how its features are normalized; `auto`: as `normalize` says",
        default="auto",
    )  # fmt: skip
    to: str | None = option(
        Identifier(), "the input of the network that gets its features (none: the one of all others)", default=None
    )
