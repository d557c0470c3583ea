"""The worst mistakes: wrong predictions that are most certain, and the largest errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.views.saliency import saliencies
from netspec.analysis.quality.views.shown import Remark, Shown
from netspec.data.dataset.lazy_rows import Array
from netspec.display.page.elements import heading, paragraph
from netspec.display.text import number_text

MAX_IMAGES = 24
MAX_ROWS = 10


def worst_mistakes_html(outcome: Outcome, shown: Shown, probabilities: Array) -> str:
    """The wrong predictions of classes or of yes and no that are most certain."""
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)
    wrong = np.flatnonzero(expected != decided)
    if not len(wrong):
        return paragraph("Every prediction is right.")
    limit = MAX_IMAGES if shown.of.examples.kind == "images" else MAX_ROWS
    worst = wrong[np.argsort(-probabilities[wrong], kind="stable")]
    if outcome.owner is not None:  # one of each example
        worst = worst[np.sort(np.unique(outcome.owner[worst], return_index=True)[1])]
    worst = worst[:limit]
    found = saliencies(shown.of, outcome, worst)
    heats: Sequence[Array | None] = found or [None] * len(worst)
    remarks = []
    for one, heat in zip(worst.tolist(), heats, strict=True):
        sure = f" ({100 * probabilities[one]:.0f}%)" if outcome.is_probability else ""
        text = f"{outcome.names[expected[one]]}, predicted {outcome.names[decided[one]]}{sure}"
        remarks.append(Remark(one, text, heat))
    title = "The wrong predictions that are most certain"
    what = "pixels of an image, beside it," if shown.of.examples.kind == "images" else "tokens"
    about = (
        f"Saliency (Simonyan et al. 2014) marks the {what} with which the score of the predicted class changes most: "
        "the stronger the color, the larger the derivative; the strongest color is the largest one of each example."
    )
    note = paragraph(about) if found else ""
    return heading("Worst mistakes") + note + shown.html(title, outcome, remarks)


def worst_labels_html(outcome: Outcome, shown: Shown) -> str:
    """The wrong predictions of labels whose probabilities are farthest from the threshold."""
    wrong = np.argwhere(outcome.expected != outcome.decided)
    if not len(wrong):
        return paragraph("Every label is right.")
    far = np.abs(outcome.predicted - outcome.threshold)[wrong[:, 0], wrong[:, 1]]
    remarks = []
    for one, label in wrong[np.argsort(-far, kind="stable")][:MAX_ROWS].tolist():
        true, guess = ("yes", "no") if outcome.expected[one, label] else ("no", "yes")
        sure = f" ({100 * outcome.predicted[one, label]:.0f}%)" if outcome.is_probability else ""
        remarks.append(Remark(one, f"{outcome.names[label]}: {true}, predicted {guess}{sure}"))
    title = "The labels that are predicted worst"
    return heading("Worst mistakes") + shown.html(title, outcome, remarks)


def largest_errors_html(outcome: Outcome, shown: Shown) -> str:
    """The examples whose numbers are predicted worst; of several columns the error counts in units of the deviation."""
    spread = outcome.expected.std(axis=0)
    errors = np.abs(outcome.predicted - outcome.expected) / np.where(spread > 0, spread, 1)
    worst = np.argsort(-errors.max(axis=1), kind="stable")[:MAX_ROWS]
    remarks = []
    for one in worst.tolist():
        column = int(errors[one].argmax())
        true, guess = float(outcome.expected[one, column]), float(outcome.predicted[one, column])
        front = f"{outcome.names[column]}: " if len(outcome.names) > 1 else ""
        remarks.append(Remark(one, f"{front}{number_text(true)}, predicted {number_text(guess)}"))
    title = "The largest errors"
    return heading(title) + shown.html(title, outcome, remarks)
