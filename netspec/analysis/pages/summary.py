"""The first section of a report: a few large numbers, and what they mean in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.analysis.pages.read_run import ReadRun
from netspec.display.metric_text import metric_text, words_of
from netspec.display.page.elements import paragraph, tiles_html
from netspec.display.page.section import Section
from netspec.display.text import duration_text, plural
from netspec.runs.catalog import RunInfo

STATES = {
    "running": "It is still being trained, and this is what it has reached so far.",
    "interrupted": "The training was interrupted; `netspec train --resume` continues it.",
    "broken": "The run is broken",
}
UNNAMED = "network"
"""What a network is called whose spec is a text from Python."""


def summary_section(run: ReadRun) -> Section:
    """What was reached, with what, and in which time."""
    return Section("summary", "Summary", summary_body(run))


def summary_body(run: ReadRun) -> str:
    """The large numbers and the sentences of a run."""
    state = STATES.get(run.info.state, "")
    if run.info.state == "broken":
        state += f": {run.info.reason}."
    notice = paragraph(state, "notice") if state else ""
    if unmet := [one for one in run.expectations if not one.is_met]:
        texts = (f"{e.text} (it is {metric_text(e.name, e.value)})" if e.value is not None else e.text for e in unmet)
        notice += paragraph(f"Expectations not met: {', '.join(texts)}.", "notice unmet")
    return tiles_html(dict(_numbers(run))) + paragraph(" ".join(_sentences(run))) + notice


def _numbers(run: ReadRun) -> Iterator[tuple[str, str]]:
    """What is shown large, by what it is: the main metric of each split that was held out comes first."""
    metric, info = run.main_metric, run.info
    if metric is not None:
        for split in ("test", "val"):
            if f"{split}_{metric}" in info.metrics:
                yield words_of(f"{split}_{metric}"), spread_text(info, f"{split}_{metric}")
        if f"test_{metric}" not in info.metrics and f"val_{metric}" not in info.metrics:
            yield f"training {words_of(metric)}", spread_text(info, metric)
    if info.parameters is not None:
        yield "parameters", f"{info.parameters:,}"
    yield "training time", duration_text(info.seconds) if info.seconds >= 1 else f"{info.seconds:.1f} s"
    planned = f" of {info.of}" if info.of is not None and info.of != info.epochs else ""
    best = f", best: {run.best_epoch}" if run.best_epoch not in (None, info.epochs) else ""
    yield f"epochs{planned}{best}", info.epochs_text


def spread_text(info: RunInfo, metric: str) -> str:
    """A metric, or nothing where it is not known; of several seeds the mean ± the standard deviation."""
    text = metric_text(metric, info.metrics[metric]) if metric in info.metrics else ""
    return f"{text} ± {metric_text(metric, info.stds[metric])}" if metric in info.stds else text


def _sentences(run: ReadRun) -> Iterator[str]:
    info, counts, metric = run.info, run.counts, run.main_metric
    name = "The network" if info.spec == UNNAMED else f"The network {info.spec}"
    size = f" with {plural(info.parameters, 'parameter')}" if info.parameters is not None else ""
    data = f" on {plural(counts['train'], 'example')}" if "train" in counts else ""
    took = f", which took {duration_text(info.seconds)}" if info.seconds >= 1 else ""
    yield f"{name}{size} was trained {_epochs(info)}{data}{took}."
    if info.members:
        yield f"The metrics are those of the best weights of each {info.noun}: mean ± standard deviation."
    if run.best_epoch is not None:
        is_last = run.best_epoch == info.of == info.epochs and info.state == "finished"
        more = ", and the last one: it may become better with more epochs" if is_last else ""
        yield f"The weights are those of epoch {run.best_epoch}, the best by {words_of(run.train['watched'])}{more}."
    shown = f"test_{metric}"
    if metric is not None and shown in info.metrics and "test" in counts:
        what = f"{words_of(metric)} is {spread_text(info, shown)}"
        others = {label: known[shown] for label, known in run.baselines.items() if known.get(shown) is not None}
        if others:
            texts = (f"{metric_text(shown, value)} ({label})" for label, value in others.items())
            what += f", against {' and '.join(texts)} without a network"
        yield f"On the {plural(counts['test'], 'test example')}, which training has never seen, {what}."


def _epochs(info: RunInfo) -> str:
    """`for 8 epochs`, or of several seeds `with 3 seeds, for 24 epochs together,`."""
    epochs = f"for {plural(info.epochs, 'epoch')}"
    return f"with {plural(info.members, info.noun)}, {epochs} together," if info.members else epochs
