"""Elements of pages as HTML: tables, large numbers, legends. Texts are plain and escaped here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a text, or `html` that is escaped already; the best one of its row or column is marked."""

    text: str = ""
    html: str | None = None
    is_best: bool = False
    is_code: bool = False
    is_bold: bool = False

    def inner(self) -> str:
        return escape(self.text) if self.html is None else self.html


def table_html(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    left: int = 1,
    is_code: bool = False,
) -> str:
    """A table that is scrolled where it is too wide. The first cell of a row is its heading; a row of one cell is the
    heading of those below it.

    Args:
        caption: what it shows.
        head: the headings of the columns; that of the first one may be empty.
        rows: the cells.
        left: how many columns are aligned left; the others are numbers, or drawn.
        is_code: whether the first column is code.
    """
    drawn = {i for row in rows for i, cell in enumerate(row) if isinstance(cell, Cell) and cell.html is not None}
    kinds = ["" if index < left or index in drawn else "number" for index in range(len(head))]
    heads = "".join(
        f'<th scope="col"{_class(kind)}>{escape(text)}</th>' if text else "<td></td>"
        for kind, text in zip(kinds, head, strict=True)
    )
    body = "".join(_row_html(row, kinds, is_code=is_code) for row in rows)
    return (
        f'<div class="scroll" role="group" aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row_html(row: Sequence[str | Cell], kinds: Sequence[str], *, is_code: bool) -> str:
    first, *others = (cell if isinstance(cell, Cell) else Cell(cell) for cell in row)
    code = "code" if is_code else ""
    if not others:
        return f'<tr class="group"><th scope="rowgroup" colspan="{len(kinds)}"{_class(code)}>{first.inner()}</th></tr>'
    cells = "".join(
        f"<td{_class(kind, *_kinds(cell))}>{cell.inner()}</td>" for kind, cell in zip(kinds[1:], others, strict=True)
    )
    return f'<tr><th scope="row"{_class(kinds[0], code)}>{first.inner()}</th>{cells}</tr>'


def _kinds(cell: Cell) -> Iterator[str]:
    marks = {"best": cell.is_best, "code": cell.is_code, "bold": cell.is_bold}
    return (name for name, is_set in marks.items() if is_set)


def _class(*names: str) -> str:
    found = " ".join(filter(None, names))
    return f' class="{found}"' if found else ""


def tiles_html(numbers: Mapping[str, str]) -> str:
    """A few large numbers by what they are; the first is the main one."""
    parts = (
        f"<div><dt>{escape(name)}</dt><dd{_class('' if index else 'main')}>{escape(value)}</dd></div>"
        for index, (name, value) in enumerate(numbers.items())
    )
    return f'<dl class="tiles">{"".join(parts)}</dl>'


def paragraph(text: str, kind: str = "") -> str:
    """A plain text as a paragraph."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def heading(text: str) -> str:
    """The heading of a part of a section."""
    return f"<h3>{escape(text)}</h3>"


def side_by_side(pictures: Sequence[str]) -> str:
    """Pictures beside and below each other; nothing without pictures."""
    shown = "".join(f"<div>{picture}</div>" for picture in pictures)
    return f'<div class="charts">{shown}</div>' if pictures else ""


def folded_html(title: str, body: str, *, is_open: bool = False) -> str:
    """A part that is opened by a click, and in print."""
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{body}</details>"


def copied_html(key: str, text: str, what: str) -> str:
    """A text with a button that copies it; `key` is its anchor, `what` what is copied."""
    return (
        f'<pre id="{key}">{escape(text)}</pre><div class="copy"><button type="button" data-copy="{key}" hidden>'
        f'Copy the {escape(what)}</button><span role="status"></span></div>'
    )
