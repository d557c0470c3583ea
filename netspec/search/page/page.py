"""The page about a search: its best trial, what matters, and every trial. One file of HTML, which loads nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from netspec.display.page.code import spec_html
from netspec.display.page.document import page_html
from netspec.display.page.elements import Cell, copied_html, paragraph, side_by_side, table_html, tiles_html
from netspec.display.page.section import Section
from netspec.display.text import duration_text
from netspec.runs.repeated.members_table import members_rows
from netspec.runs.repeated.seed_runs import SeedsResult
from netspec.search.best.result import SearchResult
from netspec.search.best.table import counts_text, trial_rows
from netspec.search.folder import Search
from netspec.search.goals import Goal
from netspec.search.page.charts import front_svg, importance_svg, progress_svg, slice_svg
from netspec.search.page.parallel import parallel_svg
from netspec.search.spaces.space import number_source
from netspec.search.trials.record import Trial

MAX_ROWS = 500
MAX_SLICES = 12
"""Values that have a chart of their own, the most important ones."""


def search_page(search: Search, result: SearchResult) -> str:
    """The page of a search with at least one complete trial."""
    title = search.folder.name
    space = "Optuna" if search.plan.uses_optuna else "netspec"
    note = f"{counts_text(result.trials)}, chosen by {search.plan.sampler} of {space}, seed {search.plan.seed}"
    return page_html(title, [*_sections(search, result)], note=note)


def _sections(search: Search, result: SearchResult) -> Iterator[Section]:
    goals, best = search.plan.goals, result.best
    complete = [trial for trial in result.trials if trial.state == "complete"]
    assert best is not None
    yield Section("summary", "Summary", _summary(search, result, best))
    if len(goals) > 1:
        yield Section("front", "Pareto front", _front(goals, complete, result.front))
    yield Section("spec", "Best spec", _spec(search, result))
    if result.seeds is not None:
        yield Section("seeds", "Several seeds", _seeds(result.seeds))
    yield Section("progress", "Progress", progress_svg(goals[0], complete))
    if result.importance:
        what = "By how much a random forest that predicts the goal is wrong when a value is permuted (Breiman 2001)."
        body = importance_svg(dict(result.importance), goals[0].name) + paragraph(what, "muted")
        yield Section("importance", "Importance", body)
    yield Section("parallel", "Parallel coordinates", _parallel(search, goals[0], complete))
    yield Section("slices", "Slices", _slices(search, result, complete, best))
    yield Section("trials", "Trials", _trials(result, goals))


def _summary(search: Search, result: SearchResult, best: Trial) -> str:
    goals = search.plan.goals
    numbers = {f"{goal.name}, best": goal.text(value) for goal, value in zip(goals, best.goals, strict=True)}
    numbers |= {"trials": str(len(result.trials)), "time": duration_text(sum(t.seconds for t in result.trials))}
    if result.seeds is not None:
        shown = [name for name in result.seeds.spreads if name.startswith("test_") and not name.endswith("loss")][:1]
        for name in shown:
            spread, goal = result.seeds.spreads[name], Goal(name)
            text = f"{goal.text(spread.mean)} ± {goal.text(spread.std)}"
            numbers[f"{name}, {len(result.seeds.metrics)} seeds"] = text
    rows: list[list[str | Cell]] = [[name, Cell(number_source(v), is_code=True)] for name, v in best.values.items()]
    heads = ["", "value"]
    return tiles_html(numbers) + table_html(f"Values of the best trial, number {best.number}", heads, rows, left=2)


def _front(goals: Sequence[Goal], complete: Sequence[Trial], front: Sequence[Trial]) -> str:
    what = "No other trial is as good as one of these for each goal and better for one of them."
    head, *rows = trial_rows(front, goals)
    table = table_html("Trials on the front; their specs are in the folder front", head, rows, left=1)
    return paragraph(what) + front_svg(goals, complete, front) + table


def _spec(search: Search, result: SearchResult) -> str:
    assert result.spec is not None
    command = shlex.join(["netspec", "train", str(result.spec)])
    return spec_html(result.spec.read_text(encoding="utf-8"), "best-spec") + copied_html("command", command, "command")


def _seeds(seeds: SeedsResult) -> str:
    head, *rows = members_rows("seed", seeds.metrics, seeds.spreads)
    what = "The best spec, trained with several seeds. The best of many trials is lucky on its validation split; "
    what += "these runs, and the test split, show how good it is."
    return paragraph(what) + table_html("Metrics of the best weights of each seed", head, rows)


def _parallel(search: Search, goal: Goal, complete: Sequence[Trial]) -> str:
    picture = parallel_svg(search.plan.space.dimensions, goal, complete)
    return f'<div class="drawing" tabindex="0" role="group" aria-label="Parallel coordinates">{picture}</div>'


def _slices(search: Search, result: SearchResult, complete: Sequence[Trial], best: Trial) -> str:
    order = [*result.importance]
    dimensions = sorted(search.plan.space.dimensions, key=lambda d: order.index(d.name) if d.name in order else 99)
    shown = [d for d in dimensions if any(d.name in trial.values for trial in complete)][:MAX_SLICES]
    return side_by_side([slice_svg(dimension, search.plan.goals[0], complete, best) for dimension in shown])


def _trials(result: SearchResult, goals: Sequence[Goal]) -> str:
    trials = result.trials[:MAX_ROWS]
    head, *rows = trial_rows(trials, goals)
    on_front = {trial.number for trial in result.front}
    shown: list[list[str | Cell]] = [
        [row[0], Cell(row[1], is_best=trial.number in on_front), *row[2:], trial.reason or _state(trial)]
        for row, trial in zip(rows, trials, strict=True)
    ]
    more = paragraph(f"The first {MAX_ROWS} of {len(result.trials)} trials.") if len(result.trials) > MAX_ROWS else ""
    return table_html("Every trial", [*head, "end"], shown, left=1) + more


def _state(trial: Trial) -> str:
    return {"complete": "", "pruned": "ended early"}.get(trial.state, trial.state)
