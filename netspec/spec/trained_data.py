"""Whether data are those that a run was trained on.

Input: a run folder, and an experiment with the data as they are now. Output: a warning where they differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.language.record import Frozen
from netspec.storage.array_file import Damaged
from netspec.storage.checkpoints.read import read_record
from netspec.storage.errors import ChangedData
from netspec.storage.run_files import CHECKPOINTS, checkpoints_in
from netspec.storage.run_folder import read_run
from netspec.training.experiment import Experiment
from netspec.training.feed.data_checksum import fingerprint

SPLITS = {"train": "training", "val": "validation", "test": "test"}


class _SettingsRecord(Frozen):
    """What is read of `settings.json`; runs of old versions have no counts."""

    parts: dict[str, int] = {}


@dataclass(frozen=True)
class TrainedData:
    """What a run knows of the data that it was trained on.

    Args:
        run: the folder.
        counts: the examples of `train`, `val` and `test`.
        checksum: that of the examples, which each checkpoint has; None where the run has no checkpoint.
    """

    run: Path
    counts: Mapping[str, int]
    checksum: str | None

    def changes(self, experiment: Experiment) -> tuple[ChangedData, ...]:
        """A warning unless the data of an experiment are the same; they are coded as in the run."""
        now = {name: len(getattr(experiment, name) or ()) for name in self.counts}
        if now != self.counts:
            differing = [name for name in now if now[name] != self.counts[name]]
            words = [f"{now[n]:,} {SPLITS.get(n, n)} examples instead of {self.counts[n]:,}" for n in differing]
            return (ChangedData(run=str(self.run), case="counts", counts=", ".join(words)),)
        splits = (experiment.train, experiment.val, experiment.test)
        if self.checksum is None or fingerprint(*splits) == self.checksum:
            return ()
        return (ChangedData(run=str(self.run)),)


def trained_data(run: Path) -> TrainedData:
    """What a run knows of its data.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    return TrainedData(run, read_run(run).read("settings.json", _SettingsRecord).parts, _checksum(run))


def _checksum(run: Path) -> str | None:
    """That of the newest checkpoint whose record can be read."""
    for checkpoint in reversed(checkpoints_in(run / CHECKPOINTS)):
        try:
            found: Any = read_record(run, checkpoint).get("data")
        except Damaged:
            continue
        if isinstance(found, str):
            return found
    return None
