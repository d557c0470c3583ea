"""The metrics of each epoch in the format of TensorBoard: the option `tensorboard` of the section `train`.

They go into the folder `tensorboard` of the run, under the names of metrics.jsonl, with the epoch as their step; show
them with `tensorboard --logdir runs`. The files are written by tensorboardX, which is imported when a training starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.training.loop.callback import Record, TrainingCallback
from netspec.training.loop.trackers.base import scalars_of

FOLDER = "tensorboard"


class TensorBoard(TrainingCallback):
    """A callback that writes scalars.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: Any = None

    def start(self, record: Record) -> None:
        from tensorboardX import SummaryWriter

        # Epochs after the checkpoint were written before the resume: TensorBoard discards them.
        purged = record["epoch"] if record["is_resumed"] else None
        self.writer = SummaryWriter(str(self.folder), purge_step=purged)

    def epoch(self, record: Record) -> None:
        for name, value in scalars_of(record):
            self.writer.add_scalar(name, value, record["epoch"])
        self.writer.flush()

    def done(self, record: Record) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file, also when the training ends with an error."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
