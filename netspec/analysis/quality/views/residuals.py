"""Charts of the errors of predicted numbers, and pairs of images."""

from __future__ import annotations

import numpy as np

from netspec.analysis.quality.evaluated import Evaluated, Outcome
from netspec.analysis.quality.examples import image_bytes
from netspec.analysis.quality.numbers.regression import histogram, normal_quantiles
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.axes import FRACTIONS, tight_axis
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.page.elements import heading, side_by_side, table_html
from netspec.display.text import number_text

MAX_POINTS = 800
"""Of all charts of an output together."""
MAX_COLUMNS = 4
"""Columns with charts of their own."""
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
PAIRS = 8
SIDE = 64.0


def errors_html(outcome: Outcome) -> str:
    """The charts of each column, and the quantiles of the errors of all of them."""
    parts = []
    limit = MAX_POINTS // min(len(outcome.names), MAX_COLUMNS)
    for column, name in list(enumerate(outcome.names))[:MAX_COLUMNS]:
        true, guess = outcome.expected[:, column], outcome.predicted[:, column]
        charts = side_by_side(_charts(name, true, guess, limit))
        parts.append(heading(name) + charts if len(outcome.names) > 1 else charts)
    head = ["", *(f"{100 * q:.0f}th" for q in QUANTILES[:-1]), "largest"]
    rows = []
    for column, name in enumerate(outcome.names):
        sizes = np.quantile(np.abs(outcome.predicted[:, column] - outcome.expected[:, column]), QUANTILES)
        rows.append([name, *(number_text(float(size)) for size in sizes)])
    caption = "Percentiles of the absolute error"
    return "".join(parts) + table_html(caption, head, rows)


def _charts(name: str, true: Array, guess: Array, limit: int) -> list[str]:
    error = guess - true
    chosen = np.linspace(0, len(true) - 1, min(len(true), limit)).round().astype(int)
    some = f" ({len(chosen):,} of {len(true):,})" if len(chosen) < len(true) else ""
    ends = tight_axis([*true[chosen], *guess[chosen]])
    diagonal = Series("equal", (ends.low, ends.high), (ends.low, ends.high), color=None, is_dashed=True)
    points = Series(f"examples{some}", true[chosen].tolist(), guess[chosen].tolist(), kind="points")
    rmse = number_text(float(np.sqrt(np.mean(np.square(error)))))
    compared = Plane("Predicted and true", f"true {name}", f"predicted {name}", [points, diagonal], "", ends, ends)
    across, up = tight_axis(guess[chosen]), tight_axis([0.0, *error[chosen]])
    zero = Series("no error", (across.low, across.high), (0, 0), color=None, is_dashed=True)
    points = Series(f"examples{some}", guess[chosen].tolist(), error[chosen].tolist(), kind="points")
    residuals = Plane("Errors by prediction", f"predicted {name}", "predicted - true", [points, zero], "", across, up)
    return [
        plane_svg(compared),
        plane_svg(residuals),
        histogram_svg("Errors", "predicted - true", error, f"RMSE {rmse}"),
        _quantiles_svg(error),
        _sizes_svg(name, error),
    ]


def histogram_svg(title: str, x_name: str, values: Array, summary: str = "") -> str:
    """How many examples have which number."""
    counts, edges = histogram(values)
    centers = (edges[:-1] + edges[1:]) / 2
    bars = Series("", centers.tolist(), counts.tolist(), kind="bars", width=float(edges[1] - edges[0]))
    return plane_svg(Plane(title, x_name, "examples", [bars], summary))


def _quantiles_svg(error: Array) -> str:
    theory, measured = normal_quantiles(error)
    ends = (float(theory[0]), float(theory[-1]))
    guide = Series("normal distribution", ends, ends, color=None, is_dashed=True)
    points = Series("errors", theory.tolist(), measured.tolist(), kind="points")
    names = ("quantile of the normal distribution", "quantile of the errors, in standard deviations")
    axes = tight_axis(theory), tight_axis([*measured, *ends])
    return plane_svg(Plane("Quantiles of the errors (Q-Q)", *names, [points, guide], "", *axes))


def _sizes_svg(name: str, error: Array) -> str:
    levels = np.linspace(0, 1, 101)
    sizes = np.quantile(np.abs(error), levels)
    line = Series("", sizes.tolist(), levels.tolist())
    half = f"half of the errors are at most {number_text(float(sizes[50]))}"
    x_name = f"absolute error of {name}"
    return plane_svg(Plane("Size of the errors", x_name, "fraction of the examples", [line], half, None, FRACTIONS))


# ---------------------------------------------------------------- images


def arrays_html(outcome: Outcome, of: Evaluated) -> str:
    """Large outputs: the errors of whole examples, and of images the best, the middle and the worst ones."""
    errors = (outcome.predicted - outcome.expected).reshape(len(outcome), -1)
    sizes = np.sqrt(np.square(errors).mean(axis=1))
    half = f"half of the examples are below {number_text(float(np.median(sizes)))}"
    chart = side_by_side([histogram_svg("Errors of the examples", "RMSE of an example", sizes, half)])
    shape = outcome.predicted.shape[1:]
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return chart
    order = np.argsort(sizes, kind="stable")
    middle = (len(order) - PAIRS) // 2
    rows = []
    for title, chosen in (
        ("best", order[:PAIRS]),
        ("middle", order[max(middle, 0) :][:PAIRS]),
        ("worst", order[-PAIRS:]),
    ):
        rows += _pairs(title, chosen, outcome, sizes)
    return chart + f'<div class="pairs">{grid_svg("Targets and predictions, by their errors", rows)}</div>'


def _pairs(title: str, chosen: Array, outcome: Outcome, sizes: Array) -> list[Row]:
    true = [Tile(_pixels(outcome.expected[i])) for i in chosen]
    guess = [Tile(_pixels(outcome.predicted[i]), f"{sizes[i]:.3g}") for i in chosen]
    return [Row(f"{title}: targets", true, side=SIDE), Row(f"{title}: predictions, with RMSE", guess, side=SIDE)]


def _pixels(image: Array) -> Array:
    colors = image_bytes(np.clip(image, 0, 1) if image.min() > -0.5 and image.max() < 1.5 else image)
    return np.repeat(colors, 3, axis=2) if colors.shape[2] == 1 else colors
