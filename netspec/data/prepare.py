"""From a data source to the parts that are trained on: load, check, convert, split, check again.

Input: settings and what the network expects. Output: `Splits` that fit it, and warnings. Training calls only
`prepare_data`; its steps can also be called alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import cast

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.checks.leaks import check_leaks
from netspec.data.checks.network import Spans, check_data, join_targets, pair_names, with_channels, with_padding
from netspec.data.checks.values import check_parts, check_rounding, check_scales, check_target_values
from netspec.data.dataset.dataset import Arrays, Dataset
from netspec.data.dataset.lazy_rows import Column, Rows, converted, in_memory
from netspec.data.dataset.precision import narrowed_column
from netspec.data.dataset.ragged import extend_series
from netspec.data.errors.network import UnscaledPixels
from netspec.data.load import settle_dataset
from netspec.data.settings import DataSettings, check_settings
from netspec.data.splits.division import check_classes
from netspec.data.splits.split import Splits, normalize_targets, split_dataset
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
    scaled_heads: Mapping[str, OutputHead] | None = None,
    target_scaling: Mapping[str, Normalization] | None = None,
) -> tuple[Splits, list[Diagnostic]]:
    """The parts to train on, and what is worth a warning.

    Args:
        dataset: the loaded data.
        settings: the section `data`.
        inputs: what the network expects, by the names of its inputs.
        heads: the ends of the network, by the names of its outputs.
        input_spans: where inputs are declared.
        source_span: where the data source is named.
        setting_spans: where the values of the section are, by key.
        self_scaling: the inputs that the network normalizes itself.
        scaling: the statistics of a run, to normalize with; None for those of the training set.
        scaled_heads: the ends of the outputs whose targets are normalized, where they are numbers.
        target_scaling: the same as `scaling`, for targets.

    Raises:
        CompileError: the data do not fit the network or cannot be split; it has all mistakes.
    """
    problems = Problems()
    spans = setting_spans or {}
    try:
        dataset = add_channels(join_dataset(settle_dataset(dataset, settings), heads), inputs)
        dataset = pad_dataset(dataset, inputs, heads)
        later = settings.target is not None
        found = check_data(
            dataset, inputs, heads, input_spans=input_spans, source_span=source_span, targets_come_later=later
        )
        for diagnostic in [*check_settings(settings, dataset.facts, spans), *found]:
            if settings.normalize == "none" or not isinstance(diagnostic, UnscaledPixels):  # any size before it
                problems.add(diagnostic)
        problems.raise_errors()
        splits = split_dataset(fit_dataset(dataset, inputs, heads), settings, scaling)
    except Unplaced as bad:
        for one in bad.all:
            problems.add(one.diagnostic(spans.get(one.option or "", source_span)))
        problems.raise_errors()
        raise
    for one in check_classes(splits.dataset, settings, splits.train_index):
        problems.add(one.diagnostic(spans.get("folds", source_span)))
    for diagnostic in _check_splits(splits, settings, heads, source_span, self_scaling):
        problems.add(diagnostic)
    problems.raise_errors()
    if settings.target is None:
        splits = normalize_targets(splits, scaled_heads or {}, target_scaling)
    return splits, list(problems)


def _check_splits(
    splits: Splits,
    settings: DataSettings,
    heads: Mapping[str, OutputHead],
    source_span: Span | None,
    self_scaling: Collection[str],
) -> Iterator[Diagnostic]:
    """What is wrong with the parts as they are trained on."""
    yield from check_leaks(splits, source_span)
    if not splits.dataset.passes:  # of the first batches nothing follows for all
        yield from check_parts(splits, source_span)
    if settings.target is not None:
        for name, head in heads.items():
            yield from check_target_values(splits, name, head)
    if settings.normalize == "none":
        for name in splits.train.inputs:
            rounded = check_rounding(splits, name, source_span)
            yield from rounded
            if name not in self_scaling and not rounded:
                yield from check_scales(splits, name, source_span)


def join_dataset(dataset: Dataset, heads: Mapping[str, OutputHead]) -> Dataset:
    """The same data, with several targets of numbers as one where the network has one output (`join_targets`)."""
    facts = join_targets(dataset.facts, heads)
    if facts is dataset.facts:
        return dataset

    def join(arrays: Arrays) -> Arrays:
        rows = [in_memory(array).reshape(len(arrays), -1) for array in arrays.targets.values()]
        return Arrays(arrays.inputs, {"output": np.concatenate(rows, axis=1)})

    return dataset.with_arrays(join, facts=facts)


def add_channels(dataset: Dataset, inputs: Mapping[str, Shape]) -> Dataset:
    """The same data, with an axis for the channel of gray images that have none (`with_channels`)."""
    facts = with_channels(dataset.facts, inputs)
    if facts is dataset.facts:
        return dataset

    def add(key: str, column: Column) -> Column:
        shape = facts.inputs[key]
        if shape == dataset.facts.inputs[key]:
            return column
        sizes = cast("tuple[int, ...]", shape.sizes)
        if isinstance(column, Rows):
            return column.map(lambda x: x[..., None], column.dtype, sizes, column.bounds)
        return column.reshape(len(column), *sizes)

    def change(arrays: Arrays) -> Arrays:
        return Arrays({key: add(key, column) for key, column in arrays.inputs.items()}, arrays.targets)

    return dataset.with_arrays(change, facts=facts)


def pad_dataset(dataset: Dataset, inputs: Mapping[str, Shape], heads: Mapping[str, OutputHead]) -> Dataset:
    """The same data, with series of different lengths padded to those that the network declares (`with_padding`)."""
    facts = with_padding(dataset.facts, inputs, heads)
    if facts is dataset.facts:
        return dataset

    def pad(arrays: Arrays) -> Arrays:
        columns = {key: extend_series(in_memory(x), cast("int", facts.inputs[key].sizes[0]))
                   if key in facts.ragged else x for key, x in arrays.inputs.items()}  # fmt: skip
        targets = {}
        for key, y in arrays.targets.items():
            old, new = dataset.facts.targets[key].size, facts.targets[key].size
            targets[key] = y if old == new else extend_series(in_memory(y), y.shape[1] * new // old, 0)
        return Arrays(columns, targets)

    return dataset.with_arrays(pad, facts=facts)


def fit_dataset(dataset: Dataset, inputs: Mapping[str, Shape], heads: Mapping[str, OutputHead]) -> Dataset:
    """The same data as the network takes them: inputs and targets under its names, integers as int32 where it expects
    token ids and as float32 elsewhere (float64 where that is not exact). What the network has no name for is left out.
    """
    x_names = pair_names(dataset.facts.inputs, inputs)
    y_names = pair_names(dataset.facts.targets, heads)

    ragged = tuple(name for name, key in x_names.items() if key in dataset.facts.ragged)

    def fit(arrays: Arrays) -> Arrays:
        columns = {name: arrays.inputs[key] for name, key in x_names.items()}
        return Arrays(
            {n: converted(x, "int32") if inputs[n].is_tokens else narrowed_column(x) for n, x in columns.items()},
            {name: arrays.targets[key] for name, key in y_names.items()},
        )

    facts = dataset.facts.replace(
        inputs={name: dataset.facts.inputs[key] for name, key in x_names.items()},
        targets={name: dataset.facts.targets[key] for name, key in y_names.items()},
        ragged=ragged,
        pads={name: dataset.facts.pads[key] for name, key in x_names.items() if key in dataset.facts.pads},
    )
    columns = {name: dataset.columns[key] for name, key in x_names.items() if key in dataset.columns}
    fill = {name: dataset.fill[key] for name, key in x_names.items() if key in dataset.fill}
    scales = {name: dataset.scales[key] for name, key in x_names.items() if key in dataset.scales}
    return dataset.with_arrays(fit, facts=facts, columns=columns, fill=fill, scales=scales, raw_names=x_names)
