"""The worst mistakes: wrong predictions that are most certain, and the largest errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netspec.analysis.quality.evaluated import Outcome
from netspec.analysis.quality.views.saliency import is_signed, saliencies
from netspec.analysis.quality.views.shown import Remark, Shown
from netspec.data.dataset.lazy_rows import Array
from netspec.display.page.elements import heading, paragraph
from netspec.display.text import number_text

MAX_IMAGES = 24
MAX_ROWS = 10
SPECTROGRAM = (
    "The pictures are spectrograms: time goes from left to right, the mel frequency from bottom to top; the brighter, "
    "the louder, up to 80 decibels below the loudest of each."
)


def worst_mistakes_html(outcome: Outcome, shown: Shown, probabilities: Array) -> str:
    """The wrong predictions of classes or of yes and no that are most certain."""
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)
    wrong = np.flatnonzero(expected != decided)
    if not len(wrong):
        return paragraph("Every prediction is right.")
    limit = MAX_IMAGES if shown.of.examples.are_pictures else MAX_ROWS
    worst = wrong[np.argsort(-probabilities[wrong], kind="stable")]
    if outcome.owner is not None:  # one of each example
        worst = worst[np.sort(np.unique(outcome.owner[worst], return_index=True)[1])]
    worst = worst[:limit]
    found = saliencies(shown.of, outcome, worst)
    heats: Sequence[Array | None] = found or [None] * len(worst)
    remarks = []
    for one, heat in zip(worst.tolist(), heats, strict=True):
        sure = f" ({100 * probabilities[one]:.0f}%)" if outcome.is_probability else ""
        true, guess = outcome.names[expected[one]], f"{outcome.names[decided[one]]}{sure}"
        remarks.append(Remark(one, f"{true}, predicted {guess}", heat, {"true": true, "predicted": guess}))
    title = _title("wrong prediction", len(remarks), len(wrong))
    note = paragraph(_about(shown, outcome)) if found else ""
    above = paragraph(f"{title}.") if shown.of.examples.are_pictures else ""  # a table has it as its caption
    if shown.of.examples.kind == "sounds":
        above += paragraph(SPECTROGRAM)
    return heading("Worst mistakes") + above + note + shown.html(title, outcome, remarks)


def _about(shown: Shown, outcome: Outcome) -> str:
    """What the colors of pixels or tokens mean."""
    if is_signed(shown.of, outcome):
        return (
            "Integrated gradients (Sundararajan, Taly and Yan 2017) say what each token adds to the score of the "
            "predicted class: orange tokens speak for it, blue and underlined ones against it. The strongest color is "
            "the largest one of each text."
        )
    kinds = {"images": "pixels of an image, beside it,", "sounds": "moments and frequencies of a sound, beside it,"}
    what = kinds.get(shown.of.examples.kind, "tokens")
    return (
        f"Saliency (Simonyan et al. 2014) marks the {what} with which the score of the predicted class changes most: "
        "the stronger the color, the larger the derivative; the strongest color is the largest one of each example."
    )


def _title(what: str, shown: int, count: int) -> str:
    """`All 11 wrong predictions, the most certain first`, or how many of them."""
    some = f"All {count:,}" if 1 < shown == count else f"{shown:,} of {count:,}" if shown < count else "The only"
    return f"{some} {what}{'s' if count > 1 else ''}{', the most certain first' if count > 1 else ''}"


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
        name, guess = outcome.names[label], f"{guess}{sure}"
        cells = {"label": name, "true": true, "predicted": guess}
        remarks.append(Remark(one, f"{name}: {true}, predicted {guess}", cells=cells))
    title = _title("wrong label", len(remarks), len(wrong))
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
        name = outcome.names[column]
        front = f"{name}: " if len(outcome.names) > 1 else ""
        cells = {"column": name} if front else {}
        cells |= {"true": number_text(true), "predicted": number_text(guess), "error": number_text(guess - true)}
        remarks.append(Remark(one, f"{front}{number_text(true)}, predicted {number_text(guess)}", cells=cells))
    title = f"{len(remarks):,} of {len(outcome):,} predictions, the largest error first"
    return heading("Largest errors") + shown.html(title, outcome, remarks)
