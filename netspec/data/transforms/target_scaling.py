"""The setting `normalize_targets`: targets that are numbers, brought to mean 0 and standard deviation 1.

Input: the training examples and the heads of the outputs. Output: a `Normalization` for each output whose targets are
scaled, by which predictions and metrics are converted back to the units of the targets.
"""

from __future__ import annotations

from collections.abc import Mapping

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import Array, in_memory, is_streamed, read_all
from netspec.data.transforms.normalization import Normalization
from netspec.language.lazy import np


def find_target_scaling(train: Arrays, heads: Mapping[str, OutputHead]) -> dict[str, Normalization]:
    """The statistics of each target of numbers that fits its head, one for each unit; targets that are streamed are
    inputs, and are not scaled."""
    scales = {}
    for name, head in heads.items():
        column = train.targets[name]
        if not is_streamed(column) and in_memory(column)[0].size == head.count:
            scales[name] = _measured(in_memory(column), head, train)
    return scales


def scale_targets(arrays: Arrays, scales: Mapping[str, Normalization]) -> Arrays:
    """The same examples with scaled targets, float32; the difference is taken in double precision."""

    def scaled(array: Array, scale: Normalization) -> Array:
        rows = array.reshape(len(array), -1, len(scale.mean)).astype(np.float64)
        found: Array = ((rows - np.array(scale.mean)) / np.array(scale.std)).astype(np.float32).reshape(array.shape)
        return found

    targets = {name: scaled(in_memory(y), scales[name]) if name in scales else y for name, y in arrays.targets.items()}
    return Arrays(arrays.inputs, targets)


def _measured(array: Array, head: OutputHead, train: Arrays) -> Normalization:
    """Mean and standard deviation of each unit over the examples and the steps that are not padding; a unit whose
    targets are all equal is only centered."""
    steps = array.reshape(len(array), -1, head.units).astype(np.float64)
    if head.padding is not None:
        steps = steps[head.padding.real(np.asarray(read_all(train.inputs[head.padding.input])))][None]
    rows = steps.reshape(-1, head.units)
    if not len(rows):
        return Normalization((0.0,) * head.units, (1.0,) * head.units)
    is_constant = rows.min(axis=0) == rows.max(axis=0)
    mean = np.where(is_constant, rows[0], rows.mean(axis=0))
    std = np.where(is_constant, 1.0, rows.std(axis=0))
    return Normalization(tuple(mean.tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))
