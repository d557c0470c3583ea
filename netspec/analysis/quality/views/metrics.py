"""The metrics of an output with their intervals, and a table of its classes, labels or columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.numbers import intervals
from netspec.analysis.quality.numbers.classification import Ranking, class_metrics, log_losses, top
from netspec.analysis.quality.numbers.intervals import Estimate, Statistic
from netspec.analysis.quality.views.estimates import estimates_html, value_text
from netspec.data.dataset.lazy_rows import Array
from netspec.display.page.elements import heading, paragraph, table_html

MAX_CLASSES = 30
"""Of more classes those with the lowest F1 scores are listed."""
TOP = 5

Found = dict[str, tuple[str, Estimate | float]]
"""What is shown, by its name: the name of the metric in netspec, and its value."""


def metrics_html(outcome: Outcome, caption: str) -> str:
    """The main metrics of an output, with their 95% intervals where a prediction is that of an example."""
    makers = {"classes": _of_classes, "yes_no": _of_yes_no, "labels": _of_labels}
    if outcome.kind in makers:
        return estimates_html(caption, makers[outcome.kind](outcome))
    return _of_numbers(outcome, caption)


def _estimated(statistics: dict[str, tuple[str, Statistic]], examples: int) -> Found:
    found = intervals.estimates({name: statistic for name, (_, statistic) in statistics.items()}, examples)
    return {name: (statistics[name][0], estimate) for name, estimate in found.items()}


def _of_classes(outcome: Outcome) -> Found:
    expected, decided, classes = outcome.expected, outcome.decided, len(outcome.names)
    mean, examples = _mean(outcome)
    statistics: dict[str, tuple[str, Statistic]] = {"accuracy": ("accuracy", mean(expected == decided))}
    if classes > 2 * TOP:
        statistics[f"true class among the {TOP} most probable"] = (
            "accuracy",
            mean(top(expected, outcome.predicted, TOP)),
        )
    if outcome.owner is None:
        balanced, macro = intervals.balanced_accuracy, intervals.macro_f1
        statistics["balanced accuracy"] = ("balanced_accuracy", balanced(expected, decided, classes))
        statistics["F1, mean of the classes"] = ("f1", macro(expected, decided, classes))
    if outcome.is_probability:
        losses = log_losses(expected, outcome.predicted)
        statistics["cross-entropy"] = ("loss", mean(losses))
        if outcome.owner is not None:
            statistics["perplexity"] = ("perplexity", lambda weights: np.exp(mean(losses)(weights)))
    return _estimated(statistics, examples)


def _mean(outcome: Outcome) -> tuple[Callable[[Array], Statistic], int]:
    """The mean over the predictions, and how many examples are resampled: where an example has several predictions,
    these stay together."""
    if outcome.owner is None:
        return intervals.ratio, len(outcome)
    owner, counts = outcome.owner, np.bincount(outcome.owner)
    return (lambda values: intervals.ratio(np.bincount(owner, values), counts)), len(counts)


def _of_yes_no(outcome: Outcome) -> Found:
    expected, decided = outcome.expected, outcome.decided
    mean, examples = _mean(outcome)
    accuracy: dict[str, tuple[str, Statistic]] = {"accuracy": ("accuracy", mean(expected == decided))}
    if outcome.owner is not None:
        return _estimated(accuracy, examples)
    ids = expected.astype(int), decided.astype(int)
    both = (expected & decided).astype(float)
    statistics = accuracy | {
        "balanced accuracy": ("balanced_accuracy", intervals.balanced_accuracy(*ids, 2)),
        "precision": ("precision", intervals.ratio(both, decided)),
        "recall": ("recall", intervals.ratio(both, expected)),
        "F1": ("f1", intervals.f1(expected, decided)),
        "ROC AUC": ("roc_auc", intervals.roc_auc(expected, outcome.predicted)),
    }
    ranking = Ranking.of(expected, outcome.predicted)
    return _estimated(statistics, examples) | {"average precision": ("roc_auc", ranking.average_precision)}


def _of_labels(outcome: Outcome) -> Found:
    right = outcome.expected == outcome.decided
    statistics: dict[str, tuple[str, Statistic]] = {
        "accuracy, mean of the labels": ("accuracy", intervals.ratio(right.mean(axis=1))),
        "all labels right": ("accuracy", intervals.ratio(right.all(axis=1))),
    }
    return _estimated(statistics, len(outcome)) if outcome.owner is None else {}


def _of_numbers(outcome: Outcome, caption: str) -> str:
    """RMSE, MAE and R² of each column; of arrays, over all numbers of an example."""
    errors = outcome.predicted - outcome.expected
    if outcome.kind == "arrays":
        errors = errors.reshape(len(errors), -1)
        squares, sizes = np.square(errors).mean(axis=1), np.abs(errors).mean(axis=1)
        statistics: dict[str, tuple[str, Statistic]] = {
            "RMSE": ("rmse", intervals.root(intervals.ratio(squares))),
            "MAE": ("mae", intervals.ratio(sizes)),
        }
        return estimates_html(caption, _estimated(statistics, len(errors)))
    tables = []
    mean, examples = _mean(outcome)
    for column, name in enumerate(outcome.names):
        own, true = errors[:, column], outcome.expected[:, column]
        statistics = {
            "RMSE": ("rmse", intervals.root(mean(np.square(own)))),
            "MAE": ("mae", mean(np.abs(own))),
        }
        if outcome.owner is None:
            statistics["R²"] = ("r2", intervals.r2(true, own))
        found = _estimated(statistics, examples)
        found["median absolute error"] = ("mae", float(np.median(np.abs(own))))
        tables.append((heading(name) if len(outcome.names) > 1 else "") + estimates_html(caption, found))
    return "".join(tables)


def classes_html(matrix: Array, outcome: Outcome) -> str:
    """Precision, recall, F1 and support of each class; of many classes the worst."""
    found = class_metrics(matrix)
    order = np.arange(len(matrix))
    text = "Precision: how many of the predictions of a class are right. Recall: how many of its examples are found."
    caption = "Each class"
    if len(matrix) > MAX_CLASSES:
        caption = f"The {MAX_CLASSES} of {len(matrix):,} classes with the lowest F1"
        scores = np.where(found["support"] > 0, np.nan_to_num(found["f1"]), np.inf)
        order = np.lexsort((-found["support"], scores))[:MAX_CLASSES]
    rows = []
    columns = {"precision": "precision", "recall": "recall", "f1": "F1"}
    if outcome.owner is not None:
        columns["iou"] = "IoU"
        text += " IoU: the intersection over the union of the predicted and the true positions."
    for one in order.tolist():
        values = [value_text(name, float(found[name][one])) for name in columns]
        rows.append([outcome.names[one], *values, f"{int(found['support'][one]):,}"])
    counted = "examples" if outcome.owner is None else "positions"
    return paragraph(text) + table_html(caption, ["class", *columns.values(), counted], rows)


def labels_html(outcome: Outcome) -> str:
    """The same for each label of several."""
    rows = []
    order = range(len(outcome.names))[:MAX_CLASSES]
    for one in order:
        expected, decided = outcome.expected[:, one], outcome.decided[:, one]
        matrix = np.array([[0, np.sum(~expected & decided)], [np.sum(expected & ~decided), np.sum(expected & decided)]])
        found = class_metrics(matrix)
        values = [value_text(name, float(found[name][1])) for name in ("precision", "recall", "f1")]
        area = Ranking.of(expected, outcome.predicted[:, one]).roc_auc
        rows.append([outcome.names[one], *values, value_text("roc_auc", area), f"{int(expected.sum()):,}"])
    caption = "Each label on its own"
    if len(outcome.names) > MAX_CLASSES:
        caption += f": the first {MAX_CLASSES} of {len(outcome.names):,}"
    return table_html(caption, ["label", "precision", "recall", "F1", "ROC AUC", "examples"], rows)
