"""The epoch of the best weights, from the files of a run."""

from __future__ import annotations

import re

from netspec.language.record import Frozen
from netspec.language.values import is_plain_number
from netspec.storage.records import typed
from netspec.storage.run_folder import RunRecord
from netspec.training.metrics import is_higher_better


class _Settings(Frozen):
    """What decides, of the settings of `train`: `keep` as in a spec, and the metric that it compares."""

    keep: str | None = None
    watched: str | None = None


def best_epoch(record: RunRecord) -> int | None:
    """The epoch, from 1, of the best weights of a run (so far, where it has not ended); None where those of the last
    epoch are saved, or before the first one has ended.

    Raises:
        CompileError: its settings are damaged (NS475).
    """
    if record.done is not None:
        found: int | None = record.done.get("best_epoch")
        return found
    train = typed(record.settings.get("train", record.settings), _Settings, record.path / "settings.json")
    if train.watched is None or not re.match(r"best\b", train.keep or ""):
        return None
    sign = 1 if is_higher_better(train.watched) else -1
    values = ((row.get("metrics", {}).get(train.watched), -epoch) for epoch, row in enumerate(record.history, 1))
    ranked = [(sign * value, order) for value, order in values if is_plain_number(value)]
    return -max(ranked)[1] if ranked else None
