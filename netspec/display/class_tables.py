"""Metrics of each class, with the names of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netspec.display.text import line_width
from netspec.language.text import cells, pad, printable, truncated, wrap

MAX_CLASSES = 28
"""A confusion matrix of more classes is not shown; its most frequent mistakes are."""
MAX_MISTAKES = 10
MAX_NAME_LENGTH = 10
"""Names over the columns of a matrix are truncated to this length."""
MANY = 10
"""In a matrix of more classes, zeros are dots."""


def table_text(metric: str, value: list[Any], class_names: Mapping[str, Sequence[str]]) -> str:
    """A metric of each class, or a confusion matrix.

    Args:
        metric: its name, such as `test_confusion_matrix`.
        value: a number for each class, or a row of counts for each true class.
        class_names: the names of the classes, by output; those without names have their numbers.
    """
    names = [printable(name) for name in _names_of(metric, len(value), class_names)]
    if not isinstance(value[0], list):
        names = [truncated(name, line_width() - 9) for name in names]
        width = max(cells(name) for name in names)
        lines = [f"  {pad(name, width)} {_number(number)}" for name, number in zip(names, value, strict=True)]
        return "\n".join([metric, *lines])
    if len(value) > MAX_CLASSES:
        return _mistakes_text(metric, value, names)
    return _matrix_text(metric, value, names)


def _names_of(metric: str, classes: int, class_names: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of the classes of a metric: those of the only output, or of the one that the metric is named after."""
    found = [names for output, names in class_names.items() if len(class_names) == 1 or f"_{output}_" in metric]
    names = list(found[0]) if found else []
    # A network may have more units than the data have classes.
    return [*names[:classes], *(str(i) for i in range(len(names), classes))]


def _number(value: float | None) -> str:
    """A metric of a class; it may not be a number, as the recall of a class without examples."""
    return "?" if value is None else f"{value:.4f}"


def _matrix_text(metric: str, rows: list[list[int]], names: Sequence[str]) -> str:
    """The matrix with names over its columns; where that is too wide, with numbers, in several blocks of columns."""
    room = line_width()
    texts = [[str(value or ("." if len(rows) > MANY else 0)) for value in row] for row in rows]
    widest = max(len(text) for row in texts for text in row)
    heads = [truncated(name, MAX_NAME_LENGTH) for name in names]
    edges = [f"  {name}" for name in names]
    width = max(widest, *map(cells, heads))
    digits = len(str(len(names)))
    is_wide = max(map(cells, edges)) + len(names) * (width + 1) > room
    if is_wide and width > max(widest, digits):
        heads = [str(number) for number in range(1, len(names) + 1)]
        edges = [f"  {head:>{digits}} {truncated(name, room // 3)}" for head, name in zip(heads, names, strict=True)]
        width = max(widest, digits)
    edge = max(map(cells, edges))
    count = -(-len(names) // -(-len(names) // max(1, (room - edge) // (width + 1))))  # blocks of about one size
    lines = []
    for begin in range(0, len(names), count):
        block = slice(begin, begin + count)
        lines += [""] if begin else []
        lines.append(" " * edge + "".join(" " + pad(head, width, right=True) for head in heads[block]))
        for name, row in zip(edges, texts, strict=True):
            lines.append(pad(name, edge) + "".join(f" {text:>{width}}" for text in row[block]))
    return "\n".join([f"{metric} (rows: true class, columns: prediction)", *lines])


def _mistakes_text(metric: str, rows: list[list[int]], names: Sequence[str]) -> str:
    wrong = [(count, i, j) for i, row in enumerate(rows) for j, count in enumerate(row) if i != j and count]
    wrong.sort(key=lambda mistake: (-mistake[0], mistake[1:]))
    texts = (f"  {count:>6}  {names[i]}, taken for {names[j]}" for count, i, j in wrong[:MAX_MISTAKES])
    lines = [line for text in texts for line in wrap(text, line_width(), " " * 10)]
    if not wrong:
        return f"{metric}: no errors"
    head = f"{metric}: the most frequent mistakes (all: metrics.jsonl)"
    return "\n".join([*wrap(head, line_width(), "  "), *lines])
