"""Several runs in a report, side by side: what differs in their settings, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.reproduce import command_of
from netspec.analysis.pages.results import metrics_html
from netspec.analysis.pages.summary import spread_text, summary_body
from netspec.analysis.pages.training import charts_html
from netspec.display.metric_text import SPLITS, best_value, by_split, metric_text, plain_metrics, words_of
from netspec.display.page.elements import Cell, copied_html, paragraph, table_html, tiles_html
from netspec.display.page.section import Section
from netspec.display.text import duration_text, plural
from netspec.runs.catalog import RunInfo, histories_of, look_at, metric_names
from netspec.runs.diff import differing_options, text_of
from netspec.runs.repeated.members_table import members_rows
from netspec.runs.repeated.planned import planned_members
from netspec.runs.repeated.seed_runs import spreads
from netspec.runs.repeated.sweep_runs import failures, read_sweep, sweep_rows


def comparison_section(runs: Sequence[ReadRun]) -> Section:
    """A column for each run: its settings where they differ, its size and its metrics."""
    infos = [run.info for run in runs]
    rows: list[Sequence[str | Cell]] = [
        ["spec", *(info.spec for info in infos)],
        ["state", *(info.state for info in infos)],
        ["epochs", *(info.epochs_text for info in infos)],
        ["best epoch", *(f"of each {info.noun}" if info.members else str(info.best_epoch or "") for info in infos)],
        ["training time", *(duration_text(info.seconds) for info in infos)],
        ["parameters", *(f"{info.parameters:,}" if info.parameters is not None else "" for info in infos)],
    ]
    settings = differing_options([run.meaning for run in runs])
    if settings:
        rows += [["Settings that differ"], *([name, *texts] for name, texts in settings.items())]
    is_same = len({text_of(run.meaning.data.get("source", "none")) for run in runs}) == 1
    rows += [["Metrics"], *(_metric_row(name, infos, has_best=is_same) for name in by_split(metric_names(infos)))]
    repeated = [run.info for run in runs if run.info.members]
    notes = "".join(
        paragraph(
            f"{one.name}: {'the best' if one.runs else 'mean ± standard deviation'} of {plural(one.members, one.noun)}."
        )
        for one in repeated
    )
    caption = "The runs side by side; ★: the best of a row" if is_same else "The runs side by side"
    table = table_html(caption, ["", *(run.name for run in runs)], rows)
    text = _best_text(runs) if is_same else f"{len(runs)} runs on different data: metrics have no best one."
    return Section("comparison", "Comparison", paragraph(text + _running_text(runs)) + table + notes)


def _with_split(name: str) -> str:
    """A metric as words, with its split also where that is the training."""
    return words_of(name if name.partition("_")[0] in SPLITS else f"train_{name}")


def _metric_row(name: str, infos: Sequence[RunInfo], *, has_best: bool) -> list[str | Cell]:
    best = best_value(name, [info.metrics[name] for info in infos if name in info.metrics]) if has_best else None
    cells: list[str | Cell] = [_with_split(name)]
    for info in infos:
        text = spread_text(info, name)
        cells.append(Cell(text, is_best=best is not None and info.metrics.get(name) == best))
    return cells


def _best_text(runs: Sequence[ReadRun]) -> str:
    """Which run is the best, by the main metric of the split that decides."""
    infos = [run.info for run in runs]
    for name in _deciding(infos):
        best = best_value(name, [info.metrics[name] for info in infos if name in info.metrics])
        if best is not None:
            names = [run.name for run in runs if run.info.metrics.get(name) == best]
            what = f"the best {words_of(name)}, {metric_text(name, best)}"
            return f"Of {len(infos)} runs, {' and '.join(names)} {'has' if len(names) == 1 else 'have'} {what}."
    return f"{len(infos)} runs."


def _running_text(runs: Sequence[ReadRun]) -> str:
    """Which runs are still trained."""
    names = [run.name for run in runs if run.info.state == "running"]
    return f" In training now: {', '.join(names)}." if names else ""


def _deciding(infos: Sequence[RunInfo]) -> list[str]:
    """Metrics that all runs have: first those of validation, since the test is not for choosing."""
    shared = [name for name in metric_names(infos) if all(name in info.metrics for info in infos)]
    plain = plain_metrics(name.removeprefix("val_").removeprefix("test_") for name in shared)
    return [name for sign in ("val_", "test_") for m in (*plain, "loss") if (name := f"{sign}{m}") in shared]


def curves_section(runs: Sequence[ReadRun]) -> Section:
    """The curves of all runs, in the same charts; those of each seed where a run has several."""
    histories = [history for run in runs for history in histories_of(run.path, run.name) if history.records]
    body = charts_html(histories) if histories else paragraph("No epoch has ended yet.")
    return Section("training", "Training", body)


def members_section(parent: ReadRun, runs: Sequence[ReadRun]) -> Section:
    """The spread of each metric over runs that differ in their seed, or in the fold that is held out; of a sweep its
    table."""
    if parent.info.runs:
        return _sweep_section(parent)
    noun = parent.info.noun
    done = [run for run in runs if run.info.state == "finished"]
    planned = planned_members(parent.record, noun).planned
    found = spreads([run.metrics for run in done])
    metric = next((run.main_metric for run in runs if run.main_metric is not None), "loss")
    tiles = {
        words_of(name): f"{metric_text(name, found[name].mean)} ± {metric_text(name, found[name].std)}"
        for name in (f"test_{metric}", f"val_{metric}")
        if name in found
    }
    some = f"{len(done)} of {len(planned)}" if len(done) < len(planned) else str(len(done))
    tiles |= {f"{noun}s": some, "parameters": f"{parent.info.parameters or 0:,}"}
    tiles |= {"training time of all": duration_text(parent.info.seconds)}
    how = "with different seeds" if noun == "seed" else "with another fold held out, on which test metrics are measured"
    text = (
        f"The network {parent.info.spec} was trained {plural(len(done), 'time')} {how}; metrics are the "
        "mean ± the standard deviation of the sample (divided by n - 1)."
    )
    names = [run.name.removeprefix(f"{noun}-") for run in done]
    head, *rows = members_rows(noun, names, found)
    rows = [[_with_split(name), *values] for name, *values in rows]
    table = table_html(f"Metrics of all {noun}s", head, rows) if found else ""
    return Section(
        "summary", "Summary", tiles_html(tiles) + paragraph(text) + _missing_html(parent, planned, done) + table
    )


def _sweep_section(parent: ReadRun) -> Section:
    """The values and metrics of each run of a sweep, and which one is the best."""
    result = read_sweep(parent.path)
    best, done = result.best, sum(one.state == "finished" for one in result.runs)
    tiles = {"runs": f"{done} of {len(result.runs)}" if done < len(result.runs) else str(done)}
    tiles |= {"training time of all": duration_text(parent.info.seconds)}
    text = f"The network {parent.info.spec} was trained with {plural(len(result.runs), 'combination')} of values."
    if best is not None and result.metric is not None:
        tiles = {f"best {words_of(result.metric)}": metric_text(result.metric, best.metrics[result.metric]), **tiles}
        values = ", ".join(f"{name} {value}" for name, value in best.values.items())
        text += f" The best one by {words_of(result.metric)} is {best.path.name}: {values}."
    head, *rows = sweep_rows(result)
    notes = "".join(paragraph(f"{reason}.", "notice") for reason in failures(result.runs))
    table = table_html("The runs; ★: the best one", head, rows)
    return Section("summary", "Summary", tiles_html(tiles) + paragraph(text) + notes + table)


def _missing_html(parent: ReadRun, planned: Sequence[int], done: Sequence[ReadRun]) -> str:
    """The seeds or folds without metrics, and why; nothing where there are none."""
    names = {run.path.name for run in done}
    reasons = []
    folders = (parent.path / f"{parent.info.noun}-{number}" for number in planned)
    for folder in (one for one in folders if one.name not in names):
        info = look_at(folder)
        reasons.append(f"{folder.name} is {info.state}{f' ({info.reason})' if info.reason else ''}")
    return paragraph(f"Without metrics: {'; '.join(reasons)}.", "notice") if reasons else ""


def run_section(run: ReadRun, number: int) -> Section:
    """What a report of several runs says of each."""
    key = f"run-{number}"
    command = copied_html(f"{key}-command", command_of(run), f"command of {run.name}")
    return Section(key, run.name, summary_body(run) + metrics_html(run) + command)
