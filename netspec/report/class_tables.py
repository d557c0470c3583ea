"""Metrics of each class, with the names of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAX_COLUMNS = 20
"""A confusion matrix of more classes is not shown; its most frequent mistakes are."""
MAX_MISTAKES = 10
MAX_NAME_LENGTH = 10
"""Names over the columns of a matrix are truncated to this length; those of the rows are whole."""


def table_text(metric: str, value: list[Any], class_names: Mapping[str, Sequence[str]]) -> str:
    """A metric of each class, or a confusion matrix.

    Args:
        metric: its name, such as `test_confusion_matrix`.
        value: a number for each class, or a row of counts for each true class.
        class_names: the names of the classes, by output; those without names have their numbers.
    """
    names = _names_of(metric, len(value), class_names)
    if not isinstance(value[0], list):
        width = max(len(name) for name in names)
        lines = [f"  {name:<{width}} {number:.4f}" for name, number in zip(names, value, strict=True)]
        return "\n".join([metric, *lines])
    if len(value) > MAX_COLUMNS:
        return _mistakes_text(metric, value, names)
    return _matrix_text(metric, value, names)


def _names_of(metric: str, classes: int, class_names: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of the classes of a metric: those of the only output, or of the one that the metric is named after."""
    found = [names for output, names in class_names.items() if len(class_names) == 1 or f"_{output}_" in metric]
    names = list(found[0]) if found else []
    # A network may have more units than the data have classes.
    return [*names[:classes], *(str(i) for i in range(len(names), classes))]


def _matrix_text(metric: str, rows: list[list[int]], names: Sequence[str]) -> str:
    heads = [name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - 1] + "…" for name in names]
    width = max(len(str(text)) for text in (*heads, *(value for row in rows for value in row)))
    edge = max(len(name) for name in names)
    lines = [" " * (edge + 2) + "".join(f" {head:>{width}}" for head in heads)]
    for name, row in zip(names, rows, strict=True):
        lines.append(f"  {name:<{edge}}" + "".join(f" {value:>{width}}" for value in row))
    return "\n".join([f"{metric} (rows: true class, columns: prediction)", *lines])


def _mistakes_text(metric: str, rows: list[list[int]], names: Sequence[str]) -> str:
    wrong = [(count, i, j) for i, row in enumerate(rows) for j, count in enumerate(row) if i != j and count]
    wrong.sort(key=lambda mistake: (-mistake[0], mistake[1:]))
    lines = [f"  {count:>6}  {names[i]}, taken for {names[j]}" for count, i, j in wrong[:MAX_MISTAKES]]
    if not wrong:
        return f"{metric}: no errors"
    return "\n".join([f"{metric}: the most frequent mistakes; the whole table is in the record of the run", *lines])
