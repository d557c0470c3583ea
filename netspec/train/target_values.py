"""The targets themselves against the losses, before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netspec.diagnostics import Problems
from netspec.source import Span
from netspec.train.output_errors import TargetsNotForLoss

if TYPE_CHECKING:
    from netspec.data.split import Splits
    from netspec.train.recipe import Recipe


def check_target_values(recipe: Recipe, splits: Splits, spans: Mapping[str, Span], problems: Problems) -> None:
    """Report the first target of each output that its loss can do nothing with; `spans` are those of `train`."""
    for name, output in recipe.outputs.items():
        for part in ("train", "val", "test"):
            arrays = getattr(splits, part)
            if arrays is None:
                continue
            wrong = output.loss.wrong_targets(output.place_targets(arrays.targets[name]), output.head)
            if wrong is not None:
                problems.add(
                    TargetsNotForLoss(
                        span=spans.get("loss") or output.head.span,
                        loss=output.loss.word,
                        where=splits.where(wrong.index, part),
                        reason=wrong.reason,
                        advice=wrong.advice,
                    )
                )
                break
