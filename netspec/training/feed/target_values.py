"""The targets themselves against the losses, before the first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from netspec.data.dataset.lazy_rows import Column, blocks
from netspec.language.diagnostics import Problems
from netspec.language.source import Span
from netspec.training.errors.outputs import TargetsNotForLoss

if TYPE_CHECKING:
    from netspec.data.splits.split import Splits
    from netspec.training.recipe.outputs import OutputRecipe
    from netspec.training.recipe.recipe import Recipe


def check_target_values(recipe: Recipe, splits: Splits, spans: Mapping[str, Span], problems: Problems) -> None:
    """Report the first target of each output that its loss can do nothing with; `spans` are those of `train`."""
    for name, output in recipe.outputs.items():
        for part in ("train", "val", "test"):
            arrays = getattr(splits, part)
            if arrays is None:
                continue
            wrong = _report_wrong(output, arrays.targets[name], partial(splits.where, part=part), spans)
            if wrong is not None:
                problems.add(wrong)
                break


def _report_wrong(
    output: OutputRecipe, column: Column, where: Callable[[int], str], spans: Mapping[str, Span]
) -> TargetsNotForLoss | None:
    """The first target of a part that the loss can do nothing with; those that are streamed are read block by block."""
    begin = 0
    for block in blocks(column):
        wrong = output.loss.wrong_targets(output.place_targets(block), output.head)
        if wrong is not None:
            return TargetsNotForLoss(
                span=spans.get("loss") or output.head.span,
                loss=output.loss.word,
                where=where(begin + wrong.index),
                reason=wrong.reason,
                advice=wrong.advice,
            )
        begin += len(block)
    return None
