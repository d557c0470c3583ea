"""The result of a search as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.display.metric_text import metric_text
from netspec.display.text import duration_text, each_reason, line_width, plural, table_lines
from netspec.language.text import wrap
from netspec.search.goals import Goal
from netspec.search.spaces.space import number_source
from netspec.search.trials.record import Trial

MAX_ROWS = 10
"""Trials that the table shows, the best ones; of a Pareto front all."""
BARS = " ▏▎▍▌▋▊▉█"


def result_text(
    goals: Sequence[Goal], trials: Sequence[Trial], front: Sequence[Trial], importance: Mapping[str, float]
) -> str:
    """The best trials, or those on the front of several goals; what matters most; why trials failed."""
    if not front:
        return "\n".join([counts_text(trials), *_failures(trials)])
    shown = front if len(goals) > 1 else _best_first(trials, goals[0])
    what = "the Pareto front" if len(goals) > 1 else f"the best {len(shown)}" if len(shown) < len(trials) else ""
    lines = [counts_text(trials) + (f"; {what}:" if what else ":"), ""]
    lines += table_lines(trial_rows(shown, goals), width=line_width())
    if importance:
        lines += ["", f"importance of each value for the differences in {goals[0].name}:", ""]
        lines += importance_lines(importance)
    return "\n".join([*lines, *_failures(trials)])


def _best_first(trials: Sequence[Trial], goal: Goal) -> Sequence[Trial]:
    complete = [trial for trial in trials if trial.state == "complete"]
    return sorted(complete, key=lambda trial: goal.sign * trial.goals[0])[:MAX_ROWS]


def counts_text(trials: Sequence[Trial]) -> str:
    """`60 trials, 4 pruned, 1 failed`"""
    parts = [plural(len(trials), "trial")]
    for state, text in (("pruned", "ended early"), ("failed", "failed"), ("running", "under way")):
        if count := sum(trial.state == state for trial in trials):
            parts.append(f"{count} {text}")
    return ", ".join(parts)


def trial_rows(trials: Sequence[Trial], goals: Sequence[Goal]) -> list[list[str]]:
    """The headings, and a row for each trial: its goals and its values."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    rows = [["trial", *(goal.name for goal in goals), *names, "epochs", "time"]]
    for trial in trials:
        values = (number_source(trial.values[name]) if name in trial.values else "" for name in names)
        shown = [goal.text(value) for goal, value in zip(goals, trial.goals, strict=False)]
        shown += [""] * (len(goals) - len(shown))
        rows.append([str(trial.number), *shown, *values, str(trial.epochs), duration_text(trial.seconds)])
    return rows


def importance_lines(importance: Mapping[str, float]) -> list[str]:
    """A line with a bar for each value, the most important one first."""
    width = max(map(len, importance))
    lines = []
    for name, share in sorted(importance.items(), key=lambda pair: -pair[1]):
        eighths = round(share * 8 * 20)
        bar = BARS[8] * (eighths // 8) + (BARS[eighths % 8] if eighths % 8 else "")
        lines.append(f"  {name:<{width}}  {100 * share:3.0f}%  {bar}".rstrip())
    return lines


def _failures(trials: Sequence[Trial]) -> list[str]:
    """Why trials failed, each reason once."""
    reasons = each_reason("trial", ((t.number, t.code, t.reason) for t in trials if t.state == "failed"))
    lines = [""] if reasons else []
    for reason in reasons:
        lines += wrap(reason, line_width(), "  ")
    return lines


def trial_line(trial: Trial, goals: Sequence[Goal], done: int, planned: int, best: Trial | None) -> str:
    """What is printed when a trial ends."""
    width = len(str(planned))
    if trial.state == "complete":
        what = "  ".join(f"{goal.name} {goal.text(v)}" for goal, v in zip(goals, trial.goals, strict=True))
    elif trial.state == "pruned":
        value = trial.metrics.get(goals[0].name)
        shown = f" with {goals[0].name} {metric_text(goals[0].name, value)}" if value is not None else ""
        what = f"ended after {plural(trial.epochs, 'epoch')}{shown}"
    else:
        what = f"{trial.state}: {trial.code + ': ' if trial.code else ''}{trial.reason}".removesuffix(": ")
    values = ", ".join(f"{name} {number_source(value)}" for name, value in trial.values.items())
    mark = "  best so far" if best is not None and best.number == trial.number else ""
    return "\n".join(wrap(f"{done:>{width}}/{planned}  {what}  ({values}){mark}", line_width(), " " * (2 * width + 3)))
