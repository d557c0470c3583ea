"""Figures of each class as people read them: with the names of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_COLUMNS = 20
"""A confusion matrix of more classes is not shown; the mistakes that are made most often are."""
MOST_MISTAKES = 10
LONGEST_NAME = 10
"""Names over the columns of a matrix are cut to this length; those of the rows are whole."""


def table_text(figure: str, value: list[Any], class_names: Mapping[str, Sequence[str]]) -> str:
    """A figure of each class, or a confusion matrix.

    Args:
        figure: its name, such as `test_confusion_matrix`.
        value: a number for each class, or a row of counts for each true class.
        class_names: the names of the classes, by output; those without names have their numbers.
    """
    names = _names_of(figure, len(value), class_names)
    if not isinstance(value[0], list):
        width = max(len(name) for name in names)
        lines = [f"  {name:<{width}} {number:.4f}" for name, number in zip(names, value, strict=True)]
        return "\n".join([figure, *lines])
    if len(value) > MOST_COLUMNS:
        return _mistakes_text(figure, value, names)
    return _matrix_text(figure, value, names)


def _names_of(figure: str, classes: int, class_names: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of the classes of a figure: those of the only output, or of the one that the figure is called by."""
    found = [names for output, names in class_names.items() if len(class_names) == 1 or f"_{output}_" in figure]
    names = list(found[0]) if found else []
    # A net may have more units than the data have classes.
    return [*names[:classes], *(str(i) for i in range(len(names), classes))]


def _matrix_text(figure: str, rows: list[list[int]], names: Sequence[str]) -> str:
    heads = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
    width = max(len(str(text)) for text in (*heads, *(value for row in rows for value in row)))
    edge = max(len(name) for name in names)
    lines = [" " * (edge + 2) + "".join(f" {head:>{width}}" for head in heads)]
    for name, row in zip(names, rows, strict=True):
        lines.append(f"  {name:<{edge}}" + "".join(f" {value:>{width}}" for value in row))
    return "\n".join([f"{figure} (rows: true class, columns: answer)", *lines])


def _mistakes_text(figure: str, rows: list[list[int]], names: Sequence[str]) -> str:
    wrong = [(count, i, j) for i, row in enumerate(rows) for j, count in enumerate(row) if i != j and count]
    wrong.sort(key=lambda mistake: (-mistake[0], mistake[1:]))
    lines = [f"  {count:>6}  {names[i]}, taken for {names[j]}" for count, i, j in wrong[:MOST_MISTAKES]]
    if not wrong:
        return f"{figure}: no mistakes"
    return "\n".join([f"{figure}: the most frequent mistakes; the whole table is in the record of the run", *lines])
