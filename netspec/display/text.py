"""Small pieces of text: counts, durations, tables of columns; and where color is wanted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netspec.language.text import fit_columns, printable, truncated, wrap_row


def wants_color(stream: Any) -> bool:
    """Color goes to terminals only, and not where NO_COLOR is set (no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")


def line_width() -> int:
    """How long lines may be: as wide as the terminal, 80 in a file, or what COLUMNS says."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`"""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration_text(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `1 h 05 min`"""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def table_lines(rows: Sequence[Sequence[str]], *, left: int = 1, width: int | None = None) -> list[str]:
    """Rows in columns, the first row underlined; the first `left` columns are aligned left, others right. Texts that
    make the table wider than `width` are wrapped in their columns."""
    widths = fit_columns(rows, width)
    head, *others = (wrap_row(row, widths, [i >= left for i in range(len(widths))]) for row in rows)
    return [*head, "  ".join("-" * w for w in widths), *(line for lines in others for line in lines)]


def wrapped(parts: Sequence[str], width: int, gap: str = "  ", indent: str = "  ") -> list[str]:
    """Parts side by side in lines of at most `width`; none of them is cut, and later lines are indented."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(gap) + len(part) <= width:
            lines[-1] += gap + part
        else:
            lines.append((indent if lines else "") + part)
    return lines


MAX_NAME = 60
"""Columns that a name of the data may take in a page."""


def name_text(name: str) -> str:
    """A name without control characters, whose end is cut where it is long; in quotes where it is blank, such as that
    of the class of a space."""
    begin = name[: 4 * MAX_NAME]
    return truncated(printable(begin) if name.strip() else json.dumps(begin), MAX_NAME)


def number_text(value: float, digits: int = 4) -> str:
    """`184,047`, `0.00127`: whole numbers with separators, others with `digits` significant digits."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.{digits}g}"


MAX_AREAS = 6


def areas_text(areas: Mapping[str, float]) -> str:
    """Which part of an image each class covers, the largest first: `road 71.0%, car 29.0%`."""
    ranked = sorted(((name, part) for name, part in areas.items() if part), key=lambda item: -item[1])
    more = f", and {len(ranked) - MAX_AREAS} more" if len(ranked) > MAX_AREAS else ""
    return ", ".join(f"{name} {100 * part:.1f}%" for name, part in ranked[:MAX_AREAS]) + more


def each_reason(noun: str, failed: Iterable[tuple[int, str, str]]) -> list[str]:
    """Why runs or trials failed, each reason once: from the number, the code and the reason of each."""
    reasons: dict[str, list[int]] = {}
    for number, code, reason in failed:
        reasons.setdefault(f"{code}: {reason}".removeprefix(": "), []).append(number)
    texts = []
    for reason, numbers in reasons.items():
        which = ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")
        texts.append(f"{noun if len(numbers) == 1 else f'{noun}s'} {which} failed: {reason}")
    return texts
