"""Charts of predicted probabilities: ROC, precision-recall, calibration, and the threshold of yes/no outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.numbers.classification import BINS, Calibration, Ranking, macro_roc
from netspec.analysis.quality.numbers.intervals import wilson
from netspec.data.dataset.lazy_rows import Array
from netspec.display.charts.axes import FRACTIONS, Axis
from netspec.display.charts.plane import Plane, Series, plane_svg
from netspec.display.page.elements import folded_html, paragraph, side_by_side, table_html

MAX_CURVES = 4
MAX_SCORES = 5_000_000
"""Of more probabilities of classes no curves are drawn: each is computed from all predictions."""
MIN_COUNT = 10
"""Examples of a class whose curve is drawn, where there are such classes."""
THRESHOLDS = 201
ZOOMED = 0.98
"""Where all areas are above this, only the corner of the curves is shown."""
LOW = 0.1
"""Where all average precisions are below this, the axis ends at the highest precision."""
FIRST_TENTH = Axis(0.0, 0.1, (0.0, 0.02, 0.04, 0.06, 0.08, 0.1))
LAST_TENTH = Axis(0.9, 1.0, (0.9, 0.92, 0.94, 0.96, 0.98, 1.0))


def probabilities_html(outcome: Outcome) -> str:
    """The charts that fit an output with classes, labels or yes and no."""
    found = rankings(outcome)
    charts = _ranking_charts(outcome, found)
    text = ""
    if (count := len(found)) > MAX_CURVES:
        text = f"The curves are those of the {MAX_CURVES} of {count} {outcome.kind} with the lowest average precision."
        text = paragraph(text)
    if outcome.is_probability:
        is_true, sure = certainty(outcome)
        calibration = Calibration.of(is_true.reshape(-1), sure.reshape(-1))
        charts += [calibration_svg(calibration, outcome), counts_svg(calibration, outcome)]
        often = "the predictions are right" if outcome.kind == "classes" else f"it is {_yes(outcome)}"
        text += paragraph(
            f"Expected calibration error {100 * calibration.error:.1f}% (Guo et al. 2017): the mean difference between "
            f"predicted probabilities and how often {often}."
        )
        text += bins_html(calibration, often)
    if outcome.kind == "yes_no" and outcome.is_probability:
        charts.append(threshold_svg(outcome))
        text += paragraph(best_threshold_text(outcome))
    return side_by_side(charts) + text


def certainty(outcome: Outcome) -> tuple[Array, Array]:
    """What came true, and the probability it was predicted with: of classes whether the most probable one is right, of
    yes and no whether it is yes."""
    if outcome.kind == "classes":
        return outcome.expected == outcome.decided, outcome.predicted.max(axis=-1)
    return outcome.expected, outcome.predicted


def of_decision(outcome: Outcome) -> Array:
    """The probability of what is predicted; of scores their distance from the threshold."""
    if outcome.kind == "classes":
        found: Array = outcome.predicted.max(axis=-1)
        return found
    if not outcome.is_probability:
        return np.abs(outcome.predicted - outcome.threshold)
    return np.where(outcome.decided, outcome.predicted, 1 - outcome.predicted)


# ---------------------------------------------------------------- ROC and precision-recall


def rankings(outcome: Outcome) -> dict[str, Ranking]:
    """Each class or label against the others, where it occurs and is not everywhere."""
    if outcome.kind == "yes_no":
        pairs = {outcome.names[1]: (outcome.expected, outcome.predicted)}
    elif outcome.kind == "labels":
        pairs = {n: (outcome.expected[:, i], outcome.predicted[:, i]) for i, n in enumerate(outcome.names)}
    else:
        there = range(len(outcome.names)) if outcome.predicted.size <= MAX_SCORES else ()
        pairs = {outcome.names[i]: (outcome.expected == i, outcome.predicted[:, i]) for i in there}
    return {name: Ranking.of(*pair) for name, pair in pairs.items() if pair[0].any() and not pair[0].all()}


def _ranking_charts(outcome: Outcome, found: dict[str, Ranking]) -> list[str]:
    if not found:
        return []
    areas = {name: ranking.roc_auc for name, ranking in found.items()}
    frequent = {name: ranking for name, ranking in found.items() if ranking.yes[-1] >= MIN_COUNT} or found
    precisions = {name: ranking.average_precision for name, ranking in frequent.items()}
    roc, recall = [], []
    if len(found) > 1:
        mean = float(np.mean([*areas.values()]))
        roc.append(Series(f"mean of {len(found)} ({mean:.4f})", *thinned(macro_roc([*found.values()])), color=None))
    for color, name in enumerate(_lowest(precisions)):  # in both charts, each in the same color
        roc.append(Series(f"{name} ({areas[name]:.4f})", *thinned(found[name].roc()), color=color))
        curve = thinned(found[name].precision_recall())
        recall.append(Series(f"{name} ({precisions[name]:.4f})", *curve, kind="steps", color=color))
    each = "each label, yes against no" if outcome.kind == "labels" else "each class against the others"
    which = f"{each}; those with the lowest average precision: " if len(found) > 1 else ""
    across, up, where = _corner(areas, FIRST_TENTH)
    guide = [] if where else [Series("chance", (0, 1), (0, 1), color=None, is_dashed=True)]
    names = ("false positive rate", "true positive rate")
    curves = Plane(f"ROC curve{where} (area)", *names, [*roc, *guide], f"{which}{_words(roc)}", across, up)
    across, up, where = _corner(precisions, LAST_TENTH)
    axis = up if max(precisions.values()) >= LOW else None
    title = f"Precision and recall{where} (average precision)"
    return [plane_svg(curves), plane_svg(Plane(title, "recall", "precision", recall, _words(recall), across, axis))]


def _corner(areas: dict[str, float], across: Axis) -> tuple[Axis, Axis, str]:
    """The axes of curves with these areas: whole, or from `across` on only the corner where they differ."""
    return (across, LAST_TENTH, ", zoomed in") if min(areas.values()) > ZOOMED else (FRACTIONS, FRACTIONS, "")


def _words(series: Sequence[Series]) -> str:
    return ", ".join(one.name for one in series)


def _lowest(areas: dict[str, float]) -> Sequence[str]:
    """The classes with the smallest areas, in the order of the classes."""
    lowest = sorted(areas, key=lambda name: areas[name])[:MAX_CURVES]
    return [name for name in areas if name in lowest]


def thinned(found: tuple[Array, Array]) -> tuple[list[float], list[float]]:
    """The points of a curve, without those inside of horizontal and vertical lines."""
    xs, ys = found
    flat = [(values[1:-1] == values[:-2]) & (values[1:-1] == values[2:]) for values in (xs, ys)]
    corners = np.r_[True, ~(flat[0] | flat[1]), True] if len(xs) > 2 else slice(None)
    return xs[corners].tolist(), ys[corners].tolist()


# ---------------------------------------------------------------- calibration and threshold


def calibration_svg(found: Calibration, outcome: Outcome) -> str:
    """The reliability diagram: how often predictions with a probability come true."""
    is_in = found.counts > 0
    counts, observed = found.counts[is_in].tolist(), found.observed[is_in].tolist()
    ends = [wilson(rate * count, count) for rate, count in zip(observed, counts, strict=True)]
    points = Series("observed, 95% interval", found.predicted[is_in].tolist(), observed, kind="marked", ends=ends)
    guide = Series("calibrated", (0, 1), (0, 1), color=None, is_dashed=True)
    what = "true" if outcome.kind == "classes" else _yes(outcome)
    summary = f"expected calibration error {100 * found.error:.1f}%"
    y_name = f"how often it is {what}"
    plane = Plane("Calibration", "predicted probability", y_name, [points, guide], summary, FRACTIONS, FRACTIONS)
    return plane_svg(plane)


def _yes(outcome: Outcome) -> str:
    return outcome.names[1] if outcome.kind == "yes_no" else "yes"


def bins_html(found: Calibration, often: str) -> str:
    """The numbers of the reliability diagram."""
    rows = []
    for i in np.flatnonzero(found.counts).tolist():
        ends = f"{100 * i / BINS:.0f}% to {100 * (i + 1) / BINS:.0f}%"
        means = (f"{100 * values[i]:.1f}%" for values in (found.predicted, found.observed))
        rows.append([ends, f"{int(found.counts[i]):,}", *means])
    caption = f"Predictions by their probability, and how often {often}"
    return folded_html(
        "The bins as a table", table_html(caption, ["probability", "predictions", "mean", "observed"], rows)
    )


def best_threshold_text(outcome: Outcome) -> str:
    """Where the F1 score is best, beside the threshold that is in use."""
    thresholds = np.linspace(0, 1, THRESHOLDS)
    ranking = Ranking.of(outcome.expected, outcome.predicted)
    values = np.nan_to_num(ranking.by_threshold(thresholds)["f1"])
    used = float(ranking.by_threshold(np.array([outcome.threshold]))["f1"][0])
    best = int(values.argmax())
    if values[best] <= used:
        return f"F1 is best, {used:.2f}, at the threshold in use, {outcome.threshold:.3g}."
    return (
        f"F1 is best, {values[best]:.2f}, at a threshold of {thresholds[best]:.3g}; "
        f"in use: {outcome.threshold:.3g}, with {used:.2f}."
    )


def counts_svg(found: Calibration, outcome: Outcome) -> str:
    """How many predictions have which probability."""
    centers = (np.arange(BINS) + 0.5) / BINS
    bars = Series("", centers.tolist(), found.counts.tolist(), kind="bars", width=1 / BINS)
    what = "of the predicted class" if outcome.kind == "classes" else "of yes"
    if outcome.kind == "yes_no":
        what = f"of {outcome.names[1]}"
    summary = f"{int(found.counts[-1]):,} of {int(found.counts.sum()):,} predictions are above 90%"
    return plane_svg(Plane("Predicted probabilities", f"probability {what}", "predictions", [bars], summary, FRACTIONS))


def threshold_svg(outcome: Outcome) -> str:
    """Metrics over the threshold of a yes/no output; the one that is in use is marked."""
    thresholds = np.linspace(0, 1, THRESHOLDS)
    found = Ranking.of(outcome.expected, outcome.predicted).by_threshold(thresholds)
    series = [
        Series(name if name != "f1" else "F1", thresholds.tolist(), values.tolist(), color=color)
        for color, (name, values) in enumerate(found.items())
    ]
    used = outcome.threshold
    mark = Series(f"in use: {used:.3g}", (used, used), (0, 1), color=None, is_dashed=True)
    at = Ranking.of(outcome.expected, outcome.predicted).by_threshold(np.array([used]))
    summary = f"At {used:.3g}: " + ", ".join(f"{name} {100 * values[0]:.1f}%" for name, values in at.items())
    title = f"Threshold of {outcome.names[1]}"
    return plane_svg(Plane(title, "threshold", "metric", [*series, mark], summary, FRACTIONS, FRACTIONS))
