"""How much the numbers of targets differ from their mean: what R^2 compares the errors of a network with.

Input: the targets of a split, or of one batch after the other. Output: by output, the sums of (target - mean)^2 of each
number, in double precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netspec.data.dataset.dataset import Arrays
from netspec.data.dataset.lazy_rows import blocks, is_streamed, read_all
from netspec.training.recipe.outputs import OutputRecipe
from netspec.training.recipe.recipe import Recipe


def spreads_of(recipe: Recipe, arrays: Arrays) -> dict[str, Any]:
    """For each output with numbers, the sums of (target - mean)^2 of each of its numbers, in double precision."""
    spreads: dict[str, Any] = {}
    for name, output in recipe.outputs.items():
        column = arrays.targets[name]
        if not _has_spread(output):
            continue
        if is_streamed(column):  # the target is the input: the deviation of each number, without a copy of all
            total = sum(block.reshape(len(block), -1).sum(axis=0, dtype=np.float64) for block in blocks(column))
            mean = total / len(column)
            spreads[name] = sum(((b.reshape(len(b), -1) - mean) ** 2).sum(axis=0) for b in blocks(column))
            continue
        spreads[name] = _Moments.of(_numbers(output, name, arrays)).spread * _squared_scale(output)
    return spreads


class RunningSpreads:
    """The same over batches, of which one is in memory at a time (Chan, Golub and LeVeque 1979)."""

    def __init__(self, recipe: Recipe) -> None:
        self.outputs = {name: output for name, output in recipe.outputs.items() if _has_spread(output)}
        self.moments: dict[str, _Moments] = {}

    def of_batch(self, arrays: Arrays) -> dict[str, _Moments]:
        """What a batch adds."""
        return {name: _Moments.of(_numbers(output, name, arrays)) for name, output in self.outputs.items()}

    def add(self, batch: Mapping[str, _Moments]) -> None:
        """Add what `of_batch` gave."""
        self.moments = {
            name: self.moments[name].with_(one) if name in self.moments else one for name, one in batch.items()
        }

    @property
    def spreads(self) -> dict[str, Any]:
        """The sums over all batches so far."""
        return {name: one.spread * _squared_scale(self.outputs[name]) for name, one in self.moments.items()}


class _Moments:
    """How many numbers there are in each column, their mean, and the sum of (number - mean)^2."""

    def __init__(self, counts: Any, mean: Any, spread: Any) -> None:
        self.counts, self.mean, self.spread = counts, mean, spread

    @classmethod
    def of(cls, values: Any) -> _Moments:
        """Of examples x numbers, without those that are NaN."""
        counts = (~np.isnan(values)).sum(axis=0)
        mean = np.nansum(values, axis=0) / np.maximum(1, counts)  # a step may be padding in all examples
        return cls(counts, mean, np.nansum((values - mean) ** 2, axis=0))

    def with_(self, other: _Moments) -> _Moments:
        counts = self.counts + other.counts
        delta, fraction = other.mean - self.mean, other.counts / np.maximum(1, counts)
        spread = self.spread + other.spread + delta**2 * self.counts * fraction
        return _Moments(counts, self.mean + delta * fraction, spread)


def _has_spread(output: OutputRecipe) -> bool:
    return not (output.is_mask or (output.target.kind == "class" and output.head.shape[-1:] != (1,)))


def _numbers(output: OutputRecipe, name: str, arrays: Arrays) -> Any:
    """The targets of an output in double precision, examples x numbers; NaN for steps that are padding."""
    column, padding = arrays.targets[name], output.head.padding
    values = np.asarray(read_all(column), np.float64).reshape(len(column), *output.head.shape)
    if padding is not None:
        counts = padding.real(np.asarray(read_all(arrays.inputs[padding.input])))
        values = np.where(counts[..., None], values, np.nan)
    return values.reshape(len(values), -1)


def _squared_scale(output: OutputRecipe) -> Any:
    """Of each unit, at every step."""
    return np.resize(output.std, int(np.prod(output.head.shape))) ** 2
