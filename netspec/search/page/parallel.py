"""Parallel coordinates: an axis for each value of a search and one for its goal, and a line for each trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from netspec.display.charts.key import Entry, color_class, fitted, full_width, head_svg
from netspec.display.drawing.cards import SMALL_SIZE, text_width
from netspec.display.drawing.styles.flow import MARGIN, document, text_svg
from netspec.search.goals import Goal
from netspec.search.page.charts import goal_axis, within
from netspec.search.spaces.space import Choice, Dimension, Range, number_source
from netspec.search.trials.record import Trial

GAP, HEIGHT, EDGE = 118.0, 230.0, 60.0
BEST = 0.2
"""The part of the trials that is in color."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def parallel_svg(dimensions: Sequence[Dimension], goal: Goal, trials: Sequence[Trial]) -> str:
    """The lines of complete trials; the best fifth is above the others and in color, and the best one is thick. A line
    has a gap where a value does not count."""
    ranked = sorted(trials, key=lambda trial: -goal.sign * trial.goals[0])  # the best one is drawn last
    many = max(1, round(BEST * len(trials)))
    entries = [Entry("best trial", 1, look="mark thick"), Entry(f"best {many} trials", 0), Entry("others", 9)]
    width = GAP * len(dimensions) + 2 * EDGE
    body, bottom = head_svg("Parallel coordinates", entries, width)
    top = bottom + 44
    axis = goal_axis(goal, trials)
    for index, dimension in enumerate(dimensions):
        body += _axis(dimension.name, _marks(dimension), MARGIN + EDGE + index * GAP, top)
    marks = [(axis.at(tick), text) for tick, text in zip(axis.ticks, axis.texts, strict=True)]
    body += _axis(goal.name, marks, MARGIN + EDGE + len(dimensions) * GAP, top)
    for place, trial in enumerate(ranked):
        rest = len(ranked) - 1 - place
        color, look = (1, "mark thick") if not rest else (0, "mark thin") if rest < many else (9, "mark thin")
        places = [_fraction(dimension, trial) for dimension in dimensions]
        path = "".join(_pieces([*places, axis.at(within(axis, trial.goals[0]))], top))
        values = ", ".join(f"{name} {number_source(value)}" for name, value in trial.values.items())
        about = f"<title>{escape(f'trial {trial.number}: {goal.text(trial.goals[0])}, {values}')}</title>"
        body += f'<g class="{color_class(color)}">{about}<path class="{look}" d="{path}"/></g>'
    best = ranked[-1]
    values = ", ".join(f"{name} {number_source(value)}" for name, value in best.values.items())
    summary = f"The best of {len(trials)} trials has {values}, and {goal.name} {goal.text(best.goals[0])}."
    return document("Parallel coordinates", body, full_width("", MARGIN + width), top + HEIGHT + 24, summary)


def _marks(dimension: Dimension) -> list[tuple[float, str]]:
    """The numbers or labels of an axis, each with where it is, from 0 to 1."""
    if isinstance(dimension, Choice):
        return [(_place(dimension, label), label) for label in dimension.labels]
    found = {number_source(dimension.at(tick)): dimension.fraction_of(float(dimension.at(tick))) for tick in TICKS}
    return [(place, text) for text, place in found.items()]


def _place(dimension: Choice, label: str) -> float:
    return (dimension.labels.index(label) + 0.5) / len(dimension.labels)


def _fraction(dimension: Dimension, trial: Trial) -> float | None:
    value = trial.values.get(dimension.name)
    if value is None:
        return None
    return dimension.fraction_of(float(value)) if isinstance(dimension, Range) else _place(dimension, str(value))


def _axis(name: str, marks: Sequence[tuple[float, str]], x: float, top: float) -> str:
    """An axis with its name above it."""
    title = fitted(name, GAP - 10)
    body = text_svg(title, round(x - text_width(title, SMALL_SIZE) / 2, 1), top - 14, SMALL_SIZE, "title")
    body += f'<path class="ray" d="M{x:g} {top:g}v{HEIGHT:g}"/>'
    for place, text in marks:
        y = top + HEIGHT * (1 - place)
        shown = fitted(text, GAP / 2)
        body += f'<path class="ray" d="M{x:g} {y:.1f}h-4"/>'
        body += text_svg(shown, round(x - 7 - text_width(shown, SMALL_SIZE), 1), round(y + 4, 1), SMALL_SIZE, "shape")
    return body


def _pieces(places: Sequence[float | None], top: float) -> Iterator[str]:
    """The path of a line; a value between two that do not count is a short line of its own."""
    is_open = False
    for index, place in enumerate(places):
        x = MARGIN + EDGE + index * GAP
        if place is None:
            is_open = False
            continue
        y = top + HEIGHT * (1 - place)
        follows = index + 1 < len(places) and places[index + 1] is not None
        if is_open or follows:
            yield f"{'L' if is_open else 'M'}{x:.1f} {y:.1f}"
        else:
            yield f"M{x - 6:.1f} {y:.1f}h12"
        is_open = True
