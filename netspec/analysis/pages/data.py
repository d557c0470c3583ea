"""The data of a run in a report: where they come from, how many there are of what, and some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import structs

from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.samples import samples_html
from netspec.analysis.pages.statistics import MAX_FEATURES, Statistics, features, sampled
from netspec.data.dataset.dataset import Arrays, Facts, Target
from netspec.data.dataset.lazy_rows import read_all
from netspec.data.load import settle_dataset
from netspec.data.prepare import add_channels, join_dataset
from netspec.data.splits.split import Splits, split_dataset
from netspec.display.charts.histograms import histogram_svg
from netspec.display.metric_text import SPLITS
from netspec.display.page.elements import Cell, paragraph, table_html
from netspec.display.page.section import Section
from netspec.display.text import name_text, number_text
from netspec.language.diagnostics import CompileError, Unplaced, fail
from netspec.runs.diff import text_of
from netspec.spec.network_ends import input_shapes, output_heads

MAX_CLASSES = 40
"""Classes in the table; of more, the most frequent ones."""


def data_section(run: ReadRun, *, is_cheap: bool) -> Section:
    """The data of a run.

    Args:
        run: what was trained.
        is_cheap: whether they are described without reading them.
    """
    body = _source_html(run) + _splits_html(run)
    return Section("data", "Data", body if is_cheap else body + _read_html(run))


def _source_html(run: ReadRun) -> str:
    """The source, what goes into the network and what is predicted."""
    settings, facts = run.meaning.data, run.spec.facts or Facts({}, {})
    source = settings.get("source", "none")
    name = "arrays from Python" if source == "none" else text_of(source)
    rows: list[list[str | Cell]] = [["source", Cell(name, is_code=True)]]
    rows += [[f"input {name}", Cell(str(shape), is_code=True)] for name, shape in facts.inputs.items()]
    rows += [[f"target {name}", _target_text(target)] for name, target in facts.targets.items()]
    for key, word in (("normalize", "normalization"), ("augment", "augmentation"), ("class_weights", "class weights")):
        if (value := settings.get(key, "none")) != "none":
            rows.append([word, Cell(text_of(value), is_code=True)])
    return table_html("What the network reads and predicts", ["", "value"], rows, left=2)


def _target_text(target: Target) -> str:
    if target.kind == "class":
        steps = f", at each of {target.size:,} positions" if target.size > 1 else ""
        return f"one of {target.classes:,} classes{steps}" if target.classes else f"a class{steps}"
    if target.kind == "binary":
        return "yes or no" if target.size == 1 else f"{target.size:,} times yes or no"
    return "a number" if target.size == 1 else f"{target.size:,} numbers"


def _splits_html(run: ReadRun) -> str:
    counts = run.counts
    total = sum(counts.values())
    rows = [[SPLITS[name], f"{count:,}", f"{100 * count / total:.1f}%"] for name, count in counts.items()]
    return table_html("Examples of each split", ["split", "examples", "of all"], rows) if rows else ""


# ---------------------------------------------------------------- what needs the data


def _read_html(run: ReadRun) -> str:
    """The classes, the numbers and some examples; a notice where the data cannot be read any more."""
    if run.data is None and run.compilation.data.source is None:
        text = "The data were given as arrays, which a run folder does not hold: `netspec.report(run, data=(x, y))`."
        return paragraph(text, "notice")
    try:
        splits = read_splits(run)
    except CompileError as error:
        return paragraph(f"The data cannot be read now: {error.diagnostics[0].message}", "notice")
    words = [run.meaning.data.get(key, "none") for key in ("normalize_targets", "normalize")]
    befores = ["" if word == "none" else ", before normalization" for word in words]
    targets = "".join(_target_html(name, one, splits, befores[0]) for name, one in splits.facts.targets.items())
    inputs = "".join(_input_html(name, splits, befores[1]) for name in splits.dataset.train.inputs)
    return changes_html(run) + targets + inputs + samples_html(run, splits)


def changes_html(run: ReadRun) -> str:
    """A notice where the data have changed since the training."""
    found = [structs.replace(one, run=run.name).message for one in run.changes]
    texts = [f"T{text.removeprefix('t')}. What follows is about the data as they are now." for text in found]
    return "".join(paragraph(text, "notice") for text in texts)


def read_splits(run: ReadRun) -> Splits:
    """The examples that a run was trained on, read and divided again, but not normalized. What training checks is not
    checked again, since they are only described.

    Raises:
        CompileError: they cannot be read or divided.
    """
    spec, dataset = run.compilation, run.dataset
    heads, shapes = output_heads(spec.optimized, spec.train.loss), input_shapes(spec.optimized)
    try:
        dataset = add_channels(join_dataset(settle_dataset(dataset, spec.data), heads), shapes)
        return split_dataset(dataset, spec.data, scaling={})
    except Unplaced as bad:
        raise fail(bad.diagnostic()) from None


def _target_html(name: str, target: Target, splits: Splits, before: str) -> str:
    label = "" if len(splits.facts.targets) == 1 else f" of {name}"
    if target.kind == "numbers":
        index = splits.train_index
        values, count = sampled(splits.dataset.train.targets[name], index)
        found = list(features(values, target.columns or (["target"] if target.size == 1 else None)))
        return _statistics_html(f"Targets{label}", found, count, len(index), before)
    counts = {split: _counts(target, part.targets[name]) for split, part in _parts(splits)}
    return _balance_html(f"Classes{label}", list(_class_names(target)), counts)


def _parts(splits: Splits) -> Iterator[tuple[str, Arrays]]:
    for split in SPLITS_IN_ORDER:
        part = getattr(splits, split)
        if part is not None:
            yield split, part


SPLITS_IN_ORDER = ("train", "val", "test")


def _class_names(target: Target) -> Iterator[str]:
    """The names of the classes; of several yes/no targets their names."""
    if target.kind == "binary" and target.size == 1:
        yield from target.names if target.names is not None and len(target.names) == 2 else ("no", "yes")
        return
    count = target.size if target.kind == "binary" else target.classes or 0
    names = target.names or target.columns
    yield from (names[i] if i < len(names) else str(i) for i in range(count))


def _counts(target: Target, column: object) -> list[int]:
    """How many examples (or positions) are of each class; of several yes/no targets, how many are yes."""
    values = np.asarray(read_all(column))  # type: ignore[arg-type]
    if target.kind == "binary" and target.size > 1:
        return [int(count) for count in (values > 0.5).reshape(len(values), -1).sum(axis=0)]
    count = 2 if target.kind == "binary" else target.classes or 0
    ids = np.round(values).astype(np.int64).reshape(-1)
    return [int(n) for n in np.bincount(ids[(ids >= 0) & (ids < count)], minlength=count)]


def _balance_html(title: str, names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> str:
    """A row for each class: how many examples each split has of it, and a bar for those of training."""
    train = counts["train"]
    order = range(len(names))
    if len(names) > MAX_CLASSES:
        order = sorted(order, key=lambda i: -train[i])[:MAX_CLASSES]  # type: ignore[assignment]
    largest, total = max(train, default=0) or 1, sum(train) or 1
    rows: list[list[str | Cell]] = [
        [
            name_text(names[i]),
            *(f"{found[i]:,}" for found in counts.values()),
            f"{100 * train[i] / total:.1f}%",
            Cell(html=f'<span class="bar" style="width:{9 * train[i] / largest:.2f}rem"></span>'),
        ]
        for i in order
    ]
    more = f", the {MAX_CLASSES} most frequent of {len(names):,}" if len(names) > MAX_CLASSES else ""
    heads = ["class", *(SPLITS[split] for split in counts), "of training", "balance"]
    return f"<h3>{title}</h3>" + table_html(f"Examples of each class{more}", heads, rows)


def _input_html(name: str, splits: Splits, before: str) -> str:
    dataset, index = splits.dataset, splits.train_index
    values, count = sampled(dataset.train.inputs[name], index)
    names = dataset.columns.get(name)
    label = "" if len(dataset.train.inputs) == 1 else f" {name}"
    found = list(features(values, names))
    left_out = len(names) - MAX_FEATURES if names is not None else 0
    more = paragraph(f"And {left_out:,} more columns.", "muted") if left_out > 0 else ""
    return _statistics_html(f"Input{label}", found, count, len(index), before) + more


def _statistics_html(title: str, found: Sequence[Statistics], count: int, total: int, before: str) -> str:
    """A row for each feature; numbers as they are before normalization, which `before` says where there is one."""
    has_missing = any(one.missing for one in found)
    rows: list[list[str | Cell]] = []
    for one in found:
        missing = [f"{one.missing:,}"] if has_missing else []
        numbers = [one.low, one.mean, one.std, one.high] if one.counts else []
        drawn = histogram_svg(one.counts, one.low, one.high) if one.counts else ""
        shown = [number_text(number) for number in numbers] or [""] * 4
        rows.append([name_text(one.name), *missing, *shown, Cell(html=drawn)])
    heads = ["", *(["missing"] if has_missing else []), "minimum", "mean", "std", "maximum", "distribution"]
    of = f"a sample of {count:,} of the {total:,}" if count < total else f"the {total:,}"
    return f"<h3>{title}</h3>" + table_html(f"Numbers of {of} training examples{before}", heads, rows)
