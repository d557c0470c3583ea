"""The confusion matrix as a table; a click on a count shows examples of that cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.views.shown import Remark, Shown
from netspec.data.dataset.lazy_rows import Array
from netspec.display.class_tables import MAX_CLASSES
from netspec.display.page.elements import heading, paragraph, table_html

SHADES = 8
MAX_OF_CELL = 8
MAX_SHOWN = 160
"""Examples of all cells together."""
MAX_PAIRS = 20
MAX_NAMED = 3
"""Pairs in a sentence."""
MAX_HEAD = 3
"""Longer names of more than `FEW` classes are written upwards over their columns."""
FEW = 6


def confusion_html(matrix: Array, outcome: Outcome, shown: Shown, probabilities: Array, key: str) -> str:
    """The matrix of up to `MAX_CLASSES` classes, otherwise the pairs of classes that are confused most.

    Args:
        matrix: counts; rows are true classes.
        outcome: whose predictions they are.
        shown: shows examples.
        probabilities: of the predicted class, one for each prediction.
        key: begins the anchors of the cells.
    """
    if len(matrix) > MAX_CLASSES:
        return _pairs_html(matrix, outcome, shown, probabilities)
    chosen = _examples_of_cells(matrix, outcome, probabilities, MAX_OF_CELL)
    names = outcome.names
    is_tall = len(names) > FEW and max(map(len, names)) > MAX_HEAD
    heads = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in names)
    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    worst = float(np.where(np.eye(len(matrix), dtype=bool), 0, fractions).max())
    rows, panels = "", ""
    for i, name in enumerate(names):
        cells = ""
        for j, count in enumerate(matrix[i].tolist()):
            anchor = f"{key}-{i}-{j}"
            part = fractions[i, j] / (1.0 if i == j else worst or 1.0)
            cells += _cell(count, part, i == j, (name, names[j]), anchor if chosen.get((i, j)) else "")
            if chosen.get((i, j)):
                panels += _panel(chosen[i, j], count, (name, names[j]), anchor, outcome, shown, probabilities)
        side = f'<th scope="rowgroup" rowspan="{len(names)}" class="side"><span>true</span></th>' if i == 0 else ""
        rows += f'<tr>{side}<th scope="row">{escape(name)}</th>{cells}</tr>'
    text = "The stronger the color, the larger is the fraction of its row. "
    text += (
        f"Mistakes are orange, the most frequent one ({100 * worst:.2g}% of its row) the strongest. " if worst else ""
    )
    text += "Press a colored count to see examples of it."
    kind = "matrix tall" if is_tall else "matrix"
    return (
        heading("Confusion matrix")
        + paragraph(text)
        + (
            '<div class="confusion"><div class="scroll" role="group" aria-label="confusion matrix">'
            f'<table class="{kind}"><caption>True classes in rows, predicted ones in columns</caption>'
            f'<thead><tr><td colspan="2"></td><th scope="colgroup" colspan="{len(names)}">predicted</th></tr>'
            f'<tr><td colspan="2"></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
            f'<div class="cells" aria-live="polite">{panels}</div></div>'
        )
        + _most_text(matrix, names)
    )


def _most_text(matrix: Array, names: Sequence[str]) -> str:
    """Which classes are confused most, in a sentence; nothing where none is."""
    pairs = [f"{names[i]} taken for {names[j]} ({_times(int(matrix[i, j]))})" for i, j in _confused(matrix)[:MAX_NAMED]]
    return paragraph(f"Most often confused: {', '.join(pairs)}.") if pairs else ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _confused(matrix: Array) -> list[tuple[int, int]]:
    """The pairs of a true and another predicted class, the most frequent first."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MAX_PAIRS]
    return [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True) if wrong[i, j]]


def _cell(count: int, part: float, is_right: bool, names: tuple[str, str], anchor: str) -> str:
    shade = math.ceil(SHADES * part - 1e-9)
    kind = f"{'right' if is_right else 'wrong'} s{shade}" if count else "zero"
    if not anchor:
        return f'<td class="{kind}">{count:,}</td>'
    label = escape(f"{count:,}: {names[0]} predicted as {names[1]}")
    return (
        f'<td class="{kind}"><button type="button" aria-expanded="false" aria-controls="{anchor}" '
        f'aria-label="{label}">{count:,}</button></td>'
    )


def _panel(
    chosen: list[int],
    count: int,
    names: tuple[str, str],
    anchor: str,
    outcome: Outcome,
    shown: Shown,
    probabilities: Array,
) -> str:
    what = f"{names[0]}, predicted as {names[1]}"
    some = f"{len(chosen)} of {count:,}" if len(chosen) < count else f"{count:,}"
    sure = ", the least certain" if names[0] == names[1] else ", the most certain"
    title = f"{what}: {some}{sure if len(chosen) < count else ''}"
    above = f"<h4>{escape(title)}</h4>" if shown.of.examples.are_pictures else ""
    remarks = [Remark(one, f"{100 * probabilities[one]:.0f}%") for one in chosen]
    body = shown.html(title, outcome, remarks)
    return f'<div id="{anchor}" hidden>{above}{body}</div>'


def _examples_of_cells(
    matrix: Array, outcome: Outcome, probabilities: Array, limit: int
) -> dict[tuple[int, int], list[int]]:
    """Some predictions of each cell: wrong ones that are most certain, right ones that are least certain; as many of
    each cell, as far as there are, up to `MAX_SHOWN`."""
    classes = len(matrix)
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)
    order = np.argsort(np.where(expected == decided, probabilities, -probabilities), kind="stable")
    cells: dict[tuple[int, int], list[int]] = {}
    for one in order.tolist():
        cells.setdefault((int(expected[one]), int(decided[one])), []).append(one)
    rounds = next((n for n in range(limit, 0, -1) if sum(min(n, len(of)) for of in cells.values()) <= MAX_SHOWN), 1)
    ranked = sorted(cells, key=lambda cell: (cell[0] == cell[1], -len(cells[cell])))
    found: dict[tuple[int, int], list[int]] = {}
    left = MAX_SHOWN
    for cell in ranked[: classes * classes]:
        found[cell] = cells[cell][: min(rounds, left)]
        left -= len(found[cell])
    return {cell: of for cell, of in found.items() if of}


def _pairs_html(matrix: Array, outcome: Outcome, shown: Shown, probabilities: Array) -> str:
    """The pairs of classes that are confused most, each with its most certain examples."""
    pairs = _confused(matrix)
    if not pairs:
        return paragraph("No class is confused with another.")
    rows = []
    for i, j in pairs:
        count, support = int(matrix[i, j]), int(matrix[i].sum())
        rows.append([outcome.names[i], outcome.names[j], f"{count:,}", f"{100 * count / support:.1f}%"])
    caption = f"The pairs of classes that are confused most, of {len(matrix):,} classes"
    head = ["true class", "predicted as", "count", "of the true class"]
    return heading("Confused classes") + table_html(caption, head, rows, left=2)
