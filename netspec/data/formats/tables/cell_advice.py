"""What to write for columns that are not numbers: options of the source, as they are pasted.

Input: the wrong cells of each column, and what the source says already. Output: lines of a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_layout import Layout
from netspec.data.transforms.columns import tags
from netspec.data.transforms.dates import looks_like_dates

UNIT = re.compile(r"^([+-]?\d[\d.,' ]*?) ?[A-Za-z°µ²³/]{1,5}$")
"""A number and a unit, such as `5 kg`."""

FEW_CLASSES = 20
"""A column with more different values than this, and than half of its rows, hardly holds categories."""

MAX_LISTED = 40
"""How many columns a hint writes out."""

MAX_CELLS = 100
"""By how many cells texts are told from names."""

MAX_TAGS = 40
"""A column with more different tags is hardly a set."""

SEPARATORS = ("|", ";", ",", " ")
"""What may be between the tags of a set."""

FORMS = {
    'decimal = "."': CsvFormat(),
    'decimal = ","': CsvFormat(decimal=","),
    'thousands = ","': CsvFormat(thousands=","),
    'decimal = ",", thousands = "."': CsvFormat(decimal=",", thousands="."),
    'decimal = ",", thousands = " "': CsvFormat(decimal=",", thousands=" "),
    'thousands = " "': CsvFormat(thousands=" "),
    'thousands = "\'"': CsvFormat(thousands="'"),
}
"""How numbers may be written, by the options that say so."""


@dataclass(frozen=True)
class Advice:
    """What to write for columns of a table that are not numbers. `layout` is what the source says of it, `rows` the
    number of rows that are not left out."""

    form: CsvFormat
    layout: Layout | None = None
    rows: int = 0

    def lines(self, cells: Mapping[str, Sequence[str]], *, is_target: bool = False) -> str:
        """Lines of a hint for the wrong cells of some columns."""
        signs: dict[str, list[str]] = {}
        units: list[str] = []
        texts: dict[str, Sequence[str]] = {}
        for column, found in cells.items():
            plain = [UNIT.sub(r"\1", cell.strip("%€$£ ")) for cell in found]
            if form := _form_of(plain, self.form):
                signs.setdefault(form, []).append(column)
            elif any(self.form.number(cell) is None for cell in plain):
                texts[column] = found
            if column not in texts and plain != [*found]:
                units.append(column)
        lines = [f"if numbers are written like this in the whole file, write {form}" for form in signs]
        if units:
            lines.append(f"write the numbers of {listed(units, '`')} without signs and units in the file")
        if texts and not is_target:
            lines += self._text_lines(texts)
        return "\n".join(lines)

    def _text_lines(self, cells: Mapping[str, Sequence[str]]) -> list[str]:
        """For columns that hold texts: categories, dates, or nothing to learn from; each with all columns."""
        dates = [column for column, found in cells.items() if looks_like_dates(found)]
        separators = {column: separator_of(found) for column, found in cells.items() if column not in dates}
        sets = {column: separator for column, separator in separators.items() if separator}
        unique = [column for column in separators if column not in sets and is_unique(cells[column])]
        categories = [column for column in separators if column not in (*sets, *unique)]
        options = []
        if len(categories) > MAX_LISTED and all(len(cells[column]) == self.rows for column in categories):
            options.append("categories = auto")
        elif categories:
            options.append(f"categories = {self._with_own('categories', categories)}")
        of = [f"of({typed(dates)}, as = date)"] if dates else []
        for separator in dict.fromkeys(sets.values()):
            names = [column for column, own in sets.items() if own == separator]
            of.append(f'of({typed(names)}, as = set("{separator}"))')
        has_own = self.layout is not None and bool(self.layout.wanted.on_missing)
        if of and not has_own:
            options.append(f"per_column = {' -> '.join(of)}")
        sentences = [column for column in unique if has_sentences(cells[column])]
        unique = [column for column in unique if column not in sentences]
        if sentences:
            own_texts = self.layout.wanted.texts if self.layout is not None else ()
            options.append(f"text = {typed([*own_texts, *sentences])}")
        if unique and not self._are_all_features(unique):  # nothing can be learned from values that hardly repeat
            options.append(f"drop = {self._with_own('drop', unique)}")
        lines = [f"write `{', '.join(options)}`"] if options else []
        if of and has_own:
            lines.append(f"add `-> {' -> '.join(of)}` to `per_column`")
        if not lines:
            lines.append("add other columns: nothing can be learned from values that hardly ever repeat")
        if len(unique) < len(cells) and not self._are_all_features([*cells]):
            what = "it" if len(cells) == 1 else "them all"
            lines.append(f"to leave {what} out, write `drop = {self._with_own('drop', [*cells])}`")
        return lines

    def _are_all_features(self, columns: Sequence[str]) -> bool:
        """Whether no feature is left without some columns."""
        return self.layout is not None and {*columns} >= {self.layout.header[place] for place in self.layout.features}

    def _with_own(self, option: str, columns: Sequence[str]) -> str:
        """A list of columns after those that the source names already."""
        own: Iterable[str] = ()
        if self.layout is not None:
            said = dict(self.layout.wanted.kinds)
            names = [self.layout.header[position] for position in self.layout.names]
            names = [name for name in names if name not in said]
            own = names if option == "categories" else self.layout.wanted.drop
        return typed([*dict.fromkeys([*own, *columns])])


def _form_of(cells: Sequence[str], form: CsvFormat) -> str:
    """How to say that numbers are written like some cells; empty when they are not numbers."""
    found = [options for options, other in FORMS.items() if all(other.number(cell) is not None for cell in cells)]
    if not found or form.number(cells[0]) is not None:
        return ""
    if found[:2] == [*FORMS][1:3]:  # 1,234 may be both
        meanings = cells[0].replace(",", "."), cells[0].replace(",", "")
        return " or ".join(
            f"`{options}` if {cells[0]} is {value}" for options, value in zip(found[:2], meanings, strict=True)
        )
    return f"`{found[0]}`"


def is_unique(cells: Sequence[str]) -> bool:
    """Whether nearly every row has another value."""
    count = len({*cells} - {""})
    return count > FEW_CLASSES and 2 * count > len(cells)


def has_sentences(cells: Sequence[str]) -> bool:
    """Whether cells are texts of several words, not names."""
    words = [word for cell in cells[:MAX_CELLS] for word in cell.split()]
    return len(words) >= 4 * min(len(cells), MAX_CELLS) and 2 * sum(not word[:1].isupper() for word in words) > len(
        words
    )


def separator_of(cells: Sequence[str]) -> str:
    """What is between the tags of cells that are sets of a few tags, in many combinations; empty where they are not."""
    distinct = {cell for cell in cells if cell}
    for separator in SEPARATORS:
        sets = [tags(cell, separator) for cell in distinct]
        known = {tag for one in sets for tag in one}
        is_few = len(known) <= MAX_TAGS and len(known) < len(distinct) and len({*map(len, sets)}) > 1
        if is_few and all(len({*one}) == len(one) for one in sets):
            return separator
    return ""


def listed(columns: Sequence[str], quote: str = '"') -> str:
    """Columns in a sentence."""
    shown = ", ".join(f"{quote}{column}{quote}" for column in columns[:MAX_LISTED])
    return shown + (f" and {len(columns) - MAX_LISTED} more" if len(columns) > MAX_LISTED else "")


def typed(columns: Sequence[str]) -> str:
    """Columns as they are typed: a string, or a list."""
    return f'"{columns[0]}"' if len(columns) == 1 else f"[{listed(columns)}]"
