"""The sections of a report that need the predictions of a split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.analysis.quality.evaluated import Evaluated, Outcome, describe_examples, evaluated
from netspec.analysis.quality.numbers.classification import confusion_matrix
from netspec.analysis.quality.numbers.importance import Importance
from netspec.analysis.quality.views.columns import groups_html, importance_html, importances
from netspec.analysis.quality.views.confusion import confusion_html
from netspec.analysis.quality.views.forecasts import forecasts_html
from netspec.analysis.quality.views.intervals import intervals_html
from netspec.analysis.quality.views.masks import masks_html
from netspec.analysis.quality.views.metrics import classes_html, labels_html, metrics_html
from netspec.analysis.quality.views.mistakes import largest_errors_html, worst_labels_html, worst_mistakes_html
from netspec.analysis.quality.views.probabilities import of_decision, probabilities_html
from netspec.analysis.quality.views.residuals import arrays_html, errors_html
from netspec.analysis.quality.views.shown import Shown
from netspec.display.page.elements import heading, paragraph
from netspec.display.page.section import Section
from netspec.language.diagnostics import CompileError
from netspec.spec.experiment import SpecExperiment


def quality_sections(
    run: Path, split: str = "test", data: Any = None, prepared: SpecExperiment | None = None
) -> list[Section]:
    """What the predictions of a run show; no section where there is nothing to compare them with.

    Args:
        run: a run folder.
        split: the split that is predicted; that of validation where there is no test split.
        data: arrays that the run was trained on, where its spec names no source.
        prepared: the run with its data as `prepared_run` gives it, where that was called before.
    """
    try:
        of = evaluated(run, split, data, prepared)
    except CompileError as error:
        first = error.diagnostics[0]
        return [
            Section("quality", "Quality", paragraph(f"The examples cannot be predicted: {first.message}.", "notice"))
        ]
    if of is None:
        return []
    has_columns = bool(of.examples.columns) and all(one.owner is None for one in of.outcomes.values())
    columns = importances(of) if has_columns and of.outcomes else {}
    return [section for outcome in of.outcomes.values() for section in _of_output(of, outcome, columns)]


def _of_output(of: Evaluated, outcome: Outcome, columns: dict[str, list[Importance | None]]) -> list[Section]:
    is_only = len(of.outcomes) == 1
    front, end = ("", "") if is_only else (f"{outcome.name}: ", f"-{outcome.name}")
    found = columns.get(outcome.name, [])
    order = sorted((i for i, one in enumerate(found) if one is not None), key=lambda i: -found[i].mean)  # type: ignore[union-attr]
    shown = Shown(of, order)
    caption = describe_examples(of)
    if outcome.name in of.splits.own_targets:  # the metrics of the run are those of normalized numbers
        caption += " Errors are in the units of the data, before they are normalized."
    parts = {"quality": ("Quality", metrics_html(outcome, caption))}
    if forecasts := forecasts_html(of, outcome):
        parts["forecasts"] = ("Forecasts", forecasts)
    if of.recipes[outcome.name].is_mask:
        parts |= _of_masks(of, outcome)
    elif outcome.kind in ("classes", "yes_no"):
        parts |= _of_classes(outcome, shown, f"cell{end}")
    elif outcome.kind == "labels":
        parts["quality"] = ("Quality", parts["quality"][1] + heading("Labels") + labels_html(outcome))
        parts["mistakes"] = ("Mistakes", shown.thumbnails.around(worst_labels_html(outcome, shown)))
        parts["probabilities"] = ("Probabilities", probabilities_html(outcome))
    elif outcome.kind == "numbers":
        body = errors_html(outcome) + largest_errors_html(outcome, shown)
        parts["errors"] = ("Errors", shown.thumbnails.around(body))
        if outcome.bounds is not None:
            parts["intervals"] = ("Intervals", intervals_html(outcome))
    else:
        parts["errors"] = ("Errors", arrays_html(outcome, of))
    if found:
        parts["columns"] = ("Columns", importance_html(of, outcome, found) + groups_html(of, outcome))
    return [Section(f"{key}{end}", _title(front, title), body) for key, (title, body) in parts.items()]


def _title(front: str, title: str) -> str:
    return f"{front}{title.lower()}" if front else title


def _of_masks(of: Evaluated, outcome: Outcome) -> dict[str, tuple[str, str]]:
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)
    matrix = confusion_matrix(expected, decided, len(outcome.names))
    return {
        "classes": ("Classes", classes_html(matrix, outcome)),
        "mistakes": ("Mistakes", masks_html(of, outcome)),
        "probabilities": ("Probabilities", probabilities_html(outcome)),
    }


def _of_classes(outcome: Outcome, shown: Shown, key: str) -> dict[str, tuple[str, str]]:
    expected, decided = outcome.expected.astype(int), outcome.decided.astype(int)
    matrix = confusion_matrix(expected, decided, len(outcome.names))
    probabilities = of_decision(outcome)
    mistakes = confusion_html(matrix, outcome, shown, probabilities, key)
    mistakes += worst_mistakes_html(outcome, shown, probabilities)
    return {
        "classes": ("Classes", classes_html(matrix, outcome)),
        "mistakes": ("Mistakes", shown.thumbnails.around(mistakes)),
        "probabilities": ("Probabilities", probabilities_html(outcome)),
    }
