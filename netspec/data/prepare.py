"""From a data source to the parts that are trained on: load, check, convert, split, check again.

Comes in: settings and what the net expects. Goes out: `Splits` that fit the net, and warnings. This is the one function
that training calls; its steps can be called alone as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.network import Expected, Spans, check_data, join_targets, pair_names
from netspec.data.checks.values import check_parts, check_scales, check_target_values
from netspec.data.dataset.dataset import Arrays, Dataset
from netspec.data.dataset.lazy_rows import Column, converted, in_memory
from netspec.data.errors.network import UnscaledPixels
from netspec.data.load import settle_dataset
from netspec.data.settings import DataSettings, check_settings
from netspec.data.splits.split import Splits, split_dataset
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import Diagnostic, Problems, Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.source import Span


def prepare_data(
    dataset: Dataset,
    settings: DataSettings,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, OutputHead],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
    setting_spans: Spans | None = None,
    self_scaling: Collection[str] = (),
    scaling: Mapping[str, Normalization] | None = None,
) -> tuple[Splits, list[Diagnostic]]:
    """The parts to train on, and what is worth a warning.

    Args:
        dataset: the loaded data.
        settings: the section `data`.
        inputs: what the net expects, by the names of its inputs.
        heads: the ends of the net, by the names of its outputs.
        input_spans: where inputs are declared.
        source_span: where the data source is named.
        setting_spans: where the values of the section stand, by key.
        self_scaling: the inputs that the net normalizes itself.
        scaling: the figures of a run, to normalize by; None for those of the training part.

    Raises:
        CompileError: the data do not fit the net or cannot be split; it carries everything that was found.
    """
    problems = Problems()
    spans = setting_spans or {}
    try:
        dataset = join_dataset(settle_dataset(dataset, settings), heads)
        found = _check_dataset(dataset, settings, Expected(inputs, heads, input_spans or {}, source_span))
        for diagnostic in [*check_settings(settings, dataset.facts, spans), *found]:
            problems.add(diagnostic)
        problems.raise_errors()
        splits = split_dataset(fit_dataset(dataset, inputs, heads), settings, scaling)
    except Unplaced as bad:
        for one in bad.all:
            problems.add(one.diagnostic(spans.get(one.option or "", source_span)))
        problems.raise_errors()
        raise
    for diagnostic in _check_splits(splits, settings, heads, source_span, self_scaling):
        problems.add(diagnostic)
    problems.raise_errors()
    return splits, list(problems)


def _check_dataset(dataset: Dataset, settings: DataSettings, expected: Expected) -> list[Diagnostic]:
    """What can be said of the data as they were loaded."""
    found = check_data(
        dataset,
        expected.inputs,
        expected.heads,
        input_spans=expected.input_spans,
        source_span=expected.source_span,
        targets_come_later=settings.target is not None,
    )
    if settings.normalize == "none":
        return found
    return [wrong for wrong in found if not isinstance(wrong, UnscaledPixels)]  # they may be of any size before


def _check_splits(
    splits: Splits,
    settings: DataSettings,
    heads: Mapping[str, OutputHead],
    source_span: Span | None,
    self_scaling: Collection[str],
) -> Iterator[Diagnostic]:
    """What can be said of the parts as they are trained on."""
    yield from check_parts(splits, source_span)
    if settings.target is not None:
        for name, head in heads.items():
            yield from check_target_values(splits, name, head)
    if settings.normalize == "none":
        for name in splits.train.inputs:
            if name not in self_scaling:
                yield from check_scales(splits, name, source_span)


def join_dataset(dataset: Dataset, heads: Mapping[str, OutputHead]) -> Dataset:
    """The same data, with several targets of numbers as one where the net has one output (`join_targets`)."""
    facts = join_targets(dataset.facts, heads)
    if facts is dataset.facts:
        return dataset

    def join(arrays: Arrays) -> Arrays:
        rows = [in_memory(array).reshape(len(arrays), -1) for array in arrays.targets.values()]
        return Arrays(arrays.inputs, {"output": np.concatenate(rows, axis=1)})

    test = join(dataset.test) if dataset.test is not None else None
    return replace(dataset, facts=facts, train=join(dataset.train), test=test)


def fit_dataset(dataset: Dataset, inputs: Mapping[str, Shape], heads: Mapping[str, OutputHead]) -> Dataset:
    """The same data as the net takes them: inputs and targets under its names, whole numbers as int32 where it expects
    token ids and as float32 elsewhere. What the net has no name for is left out."""
    x_names = pair_names(dataset.facts.inputs, inputs)
    y_names = pair_names(dataset.facts.targets, heads)

    def fit(arrays: Arrays) -> Arrays:
        return Arrays(
            {name: _as_expected(arrays.inputs[key], inputs[name]) for name, key in x_names.items()},
            {name: arrays.targets[key] for name, key in y_names.items()},
        )

    facts = replace(
        dataset.facts,
        inputs={name: dataset.facts.inputs[key] for name, key in x_names.items()},
        targets={name: dataset.facts.targets[key] for name, key in y_names.items()},
    )
    return replace(
        dataset,
        facts=facts,
        train=fit(dataset.train),
        test=fit(dataset.test) if dataset.test is not None else None,
        columns={name: dataset.columns[key] for name, key in x_names.items() if key in dataset.columns},
        fill={name: dataset.fill[key] for name, key in x_names.items() if key in dataset.fill},
        raw_names=x_names,
    )


def _as_expected(column: Column, shape: Shape) -> Column:
    return converted(column, "int32" if shape.is_tokens else "float32")
