"""How far runs are, from what is in their folders: nothing is locked or written, so no training is disturbed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

from netspec.display.metric_text import metric_parts, metrics_of_epoch, numbers_of
from netspec.display.text import duration_text, plural
from netspec.storage.run_files import CHECKPOINTS, log_lines
from netspec.storage.run_folder import METRICS, RunRecord
from netspec.storage.run_lock import trainer_exists

QUIET_SECONDS = 300
"""A training that has written nothing for so long may have ended."""
RECENT = 5
"""How many epochs, the last ones, say how long the next ones take."""
MAX_METRICS = 4

State = Literal["running", "finished", "interrupted", "broken"]


@dataclass(frozen=True)
class RunStatus:
    """How far a run is.

    Args:
        name: of the run.
        state: as in `netspec runs`; one that may have ended is `running` as long as that is not certain.
        text: for people, without the name.
        epoch: how many epochs are trained.
        epochs: how many are planned, where that is known.
    """

    name: str
    state: State
    text: str
    epoch: int = 0
    epochs: int | None = None


@dataclass(frozen=True)
class Marks:
    """Size and time of the files that a training writes to: as long as they are the same, there is no news.

    Args:
        texts: of metrics, log and settings, which the page shows.
        checkpoints: of the folder of checkpoints, which only show that the training goes on.
    """

    texts: tuple[tuple[int, int], ...]
    checkpoints: tuple[int, int]

    @classmethod
    def of(cls, run: Path) -> Marks:
        """Those of a run folder."""
        return cls(tuple(_mark(run / name) for name in (METRICS, "log.txt", "settings.json")), _mark(run / CHECKPOINTS))

    @property
    def news(self) -> float:
        """When something was written last, in seconds since 1970."""
        return max(mark[1] for mark in (*self.texts, self.checkpoints)) / 1e9

    @property
    def epoch(self) -> float:
        """When the last epoch ended."""
        return self.texts[0][1] / 1e9


def _mark(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def status_of(record: RunRecord, name: str, marks: Marks, now: float) -> RunStatus:
    """How far a run is.

    Args:
        record: what is in its folder.
        name: what it is called.
        marks: of its files.
        now: seconds since 1970.
    """
    planned = record.settings.get("train", record.settings).get("epochs")
    epochs, count = planned if isinstance(planned, int) else None, len(record.history)
    if record.done is not None:
        return RunStatus(name, "finished", _done_text(record), count, count)
    if record.failed is not None:
        text = f"failed after {plural(count, 'epoch')}: {record.failed['message']}"
        return RunStatus(name, "broken", text, count, epochs)
    exists, log = trainer_exists(record.path), log_lines(record.path)
    if exists is False or (log and log[-1].partition(" ")[2].startswith("interrupted after epoch ")):
        text = f"interrupted after {_count_text(count, epochs)}: `netspec train --resume {record.path}` resumes it"
        return RunStatus(name, "interrupted", text, count, epochs)
    if record.history:
        metrics = numbers_of(metrics_of_epoch({"loss": None, "metrics": {}, **record.history[-1]}))
        parts = [_count_text(count, epochs), *metric_parts(metrics)[:MAX_METRICS]]
    else:
        parts = ["the first epoch has begun" if log else "the training is being prepared"]
    parts += _time_parts(record, epochs, marks, exists, now)
    return RunStatus(name, "running", ", ".join(parts), count, epochs)


def _count_text(count: int, epochs: int | None) -> str:
    return f"epoch {count:,}" if epochs is None else f"epoch {count:,} of {epochs:,}"


def _done_text(record: RunRecord) -> str:
    """How long it took, and the metrics of the test split, or those of the best weights."""
    assert record.done is not None
    metrics, rule = record.done["metrics"], record.done.get("stopped_by")
    shown = {name: value for name, value in metrics.items() if name.startswith("test_")} or metrics
    head = f"done: {plural(record.done['epochs'], 'epoch')} in {duration_text(record.done['seconds'])}"
    return ", ".join([head, *([f"stopped by {rule}"] if rule else []), *metric_parts(numbers_of(shown))[:MAX_METRICS]])


def _time_parts(record: RunRecord, epochs: int | None, marks: Marks, exists: bool | None, now: float) -> list[str]:
    """How long it still takes, or for how long there has been no news."""
    quiet = now - marks.news
    if quiet >= QUIET_SECONDS:
        doubt = "its process still exists" if exists else "has its process ended?"
        return [f"no news for {_minutes_text(quiet // 60)}: {doubt}"]
    seconds = seconds_left(record, epochs, now - marks.epoch)
    if seconds is None:
        return []
    about = "about" if len(record.history) > 1 else "at most"  # the only epoch was compiled in
    return ["less than a minute left" if seconds < 60 else f"{about} {_minutes_text(ceil(seconds / 60))} left"]


def seconds_left(record: RunRecord, epochs: int | None, since: float) -> float | None:
    """As long as recent epochs took, for each epoch that is left. The first one does not count where there are others,
    since it is compiled in.

    Args:
        record: what is in the run folder.
        epochs: how many are planned; None: that is not known, and neither is the result.
        since: seconds since the last epoch ended.
    """
    seconds = [float(epoch.get("seconds", 0)) for epoch in record.history]
    if epochs is None or not seconds:
        return None
    each = statistics.median((seconds[1:] or seconds)[-RECENT:])
    return max(each * (epochs - len(seconds)) - since, 0.0)


def _minutes_text(minutes: float) -> str:
    """Whole minutes, so that a screen reader does not read seconds out at every moment."""
    return duration_text(60 * minutes).removesuffix(" 00 s")
