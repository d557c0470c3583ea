"""The metrics of each epoch in the format of TensorBoard: the option `tensorboard` of the section `train`.

They go into the folder `tensorboard` of the run, under the names of metrics.jsonl, with the epoch as their step; show
them with `tensorboard --logdir runs`. The files are written by tensorboardX, which is imported when a training starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from netspec.training.loop.callback import Record, TrainingCallback

FOLDER = "tensorboard"


def is_installed() -> bool:
    """Whether tensorboardX can be imported."""
    return find_spec("tensorboardX") is not None


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
        scalars = {"loss": record["loss"], **record["metrics"], "gradients": record.get("gradients", {})}
        scalars |= {"rate": record["rate"]} if "rate" in record else {}
        for name, value in _scalars(scalars):
            self.writer.add_scalar(name, value, record["epoch"])
        self.writer.flush()

    def done(self, record: Record) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file, also when the training ends with an error."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def _scalars(scalars: Mapping[str, Any], front: str = "") -> Iterator[tuple[str, float]]:
    for name, value in scalars.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{front}{name}/")
        elif isinstance(value, int | float):
            yield f"{front}{name}", float(value)
