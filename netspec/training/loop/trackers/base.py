"""What trackers of experiments have in common: which runs, parameters, metrics and files they receive, and when.

A tracker is a service or a database that may be slow, full or unreachable. What it raises becomes a warning (NS555);
the epochs that it lacks are sent again at the end of the training, and when the run is resumed.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.language.diagnostics import CompileError, Diagnostic, render
from netspec.language.files.paths import is_file
from netspec.language.text import json_text
from netspec.language.values import is_plain_number
from netspec.storage.run_folder import Run, read_run
from netspec.training.errors.tracking import TrackerFailed
from netspec.training.loop.callback import Record, TrainingCallback

TRACKERS = "trackers.json"
"""The file of a run folder with the ids that trackers have given the run, so that a resumed run continues there."""
MAX_REASON = 200
"""Characters of an exception that a warning shows."""


class Tracker(TrainingCallback):
    """A callback that records a training elsewhere.

    Subclasses say how: `open`, `log`, `finish` and `end` may raise whatever their package raises.
    """

    title = ""
    """The name of the tracker in messages."""
    key = ""
    """Its key in `trackers.json`."""

    def __init__(self) -> None:
        self.training: Any = None
        self.run: Path | None = None
        self._reset()

    def _reset(self) -> None:
        self.is_open = self.has_failed = self.is_done = False
        self.pending: list[Record] = []

    # ------------------------------------------------------------ what a subclass does

    @abstractmethod
    def open(self, run: Path, known: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """Start a run there, or continue the one that `known` identifies if there is one.

        Returns:
            What identifies it: `known` when the run is resumed.
        """

    @abstractmethod
    def logged_epochs(self, epochs: Sequence[int]) -> set[int]:
        """Which of these epochs, those before a resume, a run that is continued has already."""

    @abstractmethod
    def log(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record the metrics of an epoch."""

    @abstractmethod
    def finish(self, epochs: int, values: Mapping[str, float], files: Sequence[Path]) -> None:
        """Record the metrics of the saved weights and the files of the run."""

    @abstractmethod
    def end(self, status: str) -> None:
        """Close the run there: `finished`, `interrupted` or `failed`."""

    # ------------------------------------------------------------ the events of a training

    def on_begin(self, training: Any) -> None:
        self.training = training

    def start(self, record: Record) -> None:
        self._reset()
        self.run = Path(record["run"]) if record["run"] is not None else None
        self.begun = record
        if self.run is not None:
            self.pending = list(read_run(self.run).history) if record["is_resumed"] else []
            self._attempt(self._send)

    def epoch(self, record: Record) -> None:
        if self.run is not None:
            self.pending.append(record)
            if not self.has_failed:  # a service that does not respond must not delay every epoch
                self._attempt(self._send)

    def done(self, record: Record) -> None:
        if self.run is not None:
            self.is_done = True
            self._attempt(lambda: self._finish(record))

    def close(self) -> None:
        """When the training ends with an error, so does the run there."""
        if self.is_open and not self.is_done:
            self.is_done = True
            self._attempt(lambda: self.end("failed"))

    # ------------------------------------------------------------ sending

    def _attempt(self, action: Callable[[], None]) -> None:
        """Call the tracker; a failure is a warning."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  # whatever a service raises, the training continues
            is_first, self.has_failed = not self.has_failed, True
            if is_first:
                self.warn(TrackerFailed(tracker=self.title, reason=_reason(error)))

    def warn(self, diagnostic: Diagnostic) -> None:
        """Report something while the training continues."""
        if self.training is not None:
            self.training.warn(diagnostic)
        else:
            warnings.warn(render(diagnostic), stacklevel=2)

    def _send(self) -> None:
        """Everything that the tracker lacks so far."""
        assert self.run is not None
        if not self.is_open:
            identities = _identities(self.run)
            known = identities.get(self.key, {})
            identity = self.open(self.run, known, config_of(self.run, self.begun))
            self.is_open = True
            if identity == known:
                has = self.logged_epochs([record["epoch"] for record in self.pending])
                self.pending = [record for record in self.pending if record["epoch"] not in has]
            else:
                Run.open(self.run).write_text(TRACKERS, json_text({**identities, self.key: identity}))
        while self.pending:
            record = self.pending[0]
            self.log(record["epoch"], dict(scalars_of(record)))
            self.pending.pop(0)

    def _finish(self, record: Record) -> None:
        assert self.run is not None
        self._send()
        if record["event"] == "done":
            final = {**record["metrics"], "best_epoch": record["best_epoch"]}
            self.finish(record["epochs"], dict(_numbers(final)), _files(self.run))
        self.end("finished" if record["event"] == "done" else "interrupted")


def _identities(run: Path) -> dict[str, Any]:
    return read_run(run).json(TRACKERS) if is_file(run / TRACKERS) else {}


def _files(run: Path) -> list[Path]:
    """What is recorded of a run folder: everything but its checkpoints."""
    return sorted(path for path in run.iterdir() if is_file(path) and not path.name.startswith("."))


def _reason(error: Exception) -> str:
    """An exception in one line."""
    if isinstance(error, CompileError):
        return error.diagnostics[0].message
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


def scalars_of(record: Record) -> Iterator[tuple[str, float]]:
    """The numbers of an epoch by name, those of `watch = gradients` as `gradients/conv/gradient_norm`."""
    yield from _numbers({"loss": record["loss"], **record["metrics"], "gradients": record.get("gradients", {})})
    yield from _numbers({"rate": record["rate"]} if "rate" in record else {})


def _numbers(values: Mapping[str, Any], front: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{front}{name}/")
        elif is_plain_number(value):
            yield f"{front}{name}", float(value)


def config_of(run: Path, begun: Record) -> dict[str, Any]:
    """What a training was started with, as flat names: `train.batch`, `train.optimizer.rate`, `param.width`."""
    known = read_run(run)
    meaning, versions = known.json("meaning.json"), known.versions
    config: dict[str, Any] = {"spec": meaning["name"], "hash": meaning["hash"]}
    config |= {f"param.{name}": _typed(value) for name, value in meaning["params"].items()}
    for section in ("train", "data"):
        config |= {f"{section}.{name}": _typed(_text(value)) for name, value in meaning[section].items()}
    for word in _words(meaning["train"]["optimizer"]):
        config |= {f"train.optimizer.{name}": _typed(_text(value)) for name, value in word["options"].items()}
    config |= {name: begun[name] for name in ("parameters", "trainable", "examples", "device")}
    return {**config, "train.epochs": begun["epochs"], "netspec": versions["netspec"], "jax": versions["jax"]}


def _words(value: Any) -> list[dict[str, Any]]:
    """The words with options in a setting, which is a word or a chain of them."""
    return [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, dict)]


def _text(value: Any) -> str:
    """A setting of `meaning.json` as it is written in a spec."""
    if isinstance(value, list):
        return " -> ".join(map(_text, value))
    return str(value["text"] if isinstance(value, dict) else value)


def _typed(text: str) -> int | float | bool | str:
    """A number, true or false as such, so that a tracker can sort and filter by it."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
