"""From a data source to the parts that are trained on: load, check, convert, split, check again.

Comes in: settings and what the net expects. Goes out: `Splits` that fit the net, and warnings. This is the one function
that training calls; its steps can be called alone as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netspec.data.base import Array, Arrays, BadData, Dataset
from netspec.data.check_heads import Head
from netspec.data.check_values import check_parts
from netspec.data.checks import Spans, check_data, pair_names
from netspec.data.settings import DataSettings, check_settings
from netspec.data.split import Splits, split_dataset
from netspec.diagnostics import Diagnostic, Problems
from netspec.shape import Shape
from netspec.source import Span


def prepare_data(
    dataset: Dataset,
    settings: DataSettings,
    inputs: Mapping[str, Shape],
    heads: Mapping[str, Head],
    *,
    input_spans: Spans | None = None,
    source_span: Span | None = None,
    setting_spans: Spans | None = None,
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

    Raises:
        CompileError: the data do not fit the net or cannot be split; it carries everything that was found.
    """
    problems = Problems()
    found = check_data(dataset, inputs, heads, input_spans=input_spans, source_span=source_span)
    for diagnostic in [*check_settings(settings, dataset.facts, setting_spans), *found]:
        problems.add(diagnostic)
    problems.raise_errors()
    try:
        splits = split_dataset(fit_dataset(dataset, inputs, heads), settings)
    except BadData as bad:
        problems.add(bad.diagnostic((setting_spans or {}).get(bad.option or "", source_span)))
        problems.raise_errors()
        raise
    for diagnostic in check_parts(splits, source_span):
        problems.add(diagnostic)
    return splits, list(problems)


def fit_dataset(dataset: Dataset, inputs: Mapping[str, Shape], heads: Mapping[str, Head]) -> Dataset:
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
    )


def _as_expected(array: Array, shape: Shape) -> Array:
    return array.astype("int32" if shape.is_tokens else "float32", copy=False)
