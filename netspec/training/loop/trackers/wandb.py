"""Runs in Weights & Biases: the setting `wandb` of the section `train`, and `netspec.WandB` in Python."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.training.errors.tracking import TrackerFailed
from netspec.training.loop.trackers.base import Tracker

MAX_NAME = 128
"""Characters of the name of an artifact."""
MAX_SECONDS = 30
"""How long a training waits for the server when it starts."""
MAX_UPLOAD_SECONDS = 600
"""How long it waits at its end, when everything is uploaded."""


class WandB(Tracker):
    """A callback that records a training in Weights & Biases: the settings as the configuration, every metric of every
    epoch with the epoch as its step, those of the saved weights in the summary, and the files of the run folder as an
    artifact of the type `model`, which `netspec.load` reads once it is downloaded. `train { wandb = true }` does the
    same.

    Without an API key, or with `mode = "offline"`, everything is written to a folder in `wandb/`, which `wandb sync`
    uploads. A resumed run continues the same run of Weights & Biases. Where the program has called `wandb.init`, the
    metrics become part of that run, which stays open.

    Args:
        project: the name of the project; None: `WANDB_PROJECT`, otherwise the name of the spec.
        name: the name of the run; None: that of the run folder.
        mode: "online", "offline" or "disabled"; None: `WANDB_MODE`.
        options: other arguments of `wandb.init`, such as `entity`, `group`, `tags` or `dir`.

    Example:
        netspec.train("digits.net", callbacks=[netspec.WandB(project="digits", mode="offline")])

    Reference: https://docs.wandb.ai/ref/python/init
    """

    title, key = "Weights & Biases", "wandb"

    def __init__(
        self, project: str | None = None, name: str | None = None, mode: str | None = None, **options: Any
    ) -> None:
        super().__init__()
        self.project, self.name, self.mode, self.options = project, name, mode, options
        self.session: Any = None
        self.is_ours = True
        self.folder = ""

    def open(self, run: Path, known: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        import wandb

        self.folder, self.is_ours = run.name, wandb.run is None or bool(known)
        if not self.is_ours:
            self.session = wandb.run
            self.session.config.update(dict(config), allow_val_change=True)
        else:
            mode = self.mode or os.environ.get("WANDB_MODE") or (None if _has_key(wandb) else "offline")
            options = {
                "project": self.project or known.get("project") or os.environ.get("WANDB_PROJECT") or config["spec"],
                "entity": known.get("entity"),
                "name": self.name or run.name,
                "id": known.get("id"),
                "resume": "allow" if known else None,
                "config": dict(config),
                "mode": mode,
                "reinit": "create_new",  # apart from a run of the program
                # What the training prints is in log.txt; a server that does not respond must not delay it for long.
                "settings": wandb.Settings(
                    console="off",
                    quiet=True,
                    init_timeout=MAX_SECONDS,
                    finish_timeout=MAX_UPLOAD_SECONDS,
                    finish_timeout_raises=True,
                ),
                **self.options,
            }
            self.session = wandb.init(**options)
            if mode == "offline" and not (self.mode or os.environ.get("WANDB_MODE")):
                self.warn(TrackerFailed(case="offline", tracker=self.title, folder=str(Path(self.session.dir).parent)))
        return {"id": self.session.id, "project": self.session.project, "entity": self.session.entity or None}

    def logged_epochs(self, epochs: Sequence[int]) -> set[int]:
        # Offline nobody knows what the files of an earlier process have: it has sent every epoch when it ended.
        return {epoch for epoch in epochs if self.session.offline or epoch < self.session.starting_step}

    def log(self, epoch: int, values: Mapping[str, float]) -> None:
        self.session.log({"epoch": epoch, **values}, step=epoch if self.is_ours else None)

    def finish(self, epochs: int, values: Mapping[str, float], files: Sequence[Path]) -> None:
        import wandb

        self.session.summary.update(dict(values))
        artifact = wandb.Artifact(re.sub(r"[^\w\-.]", "_", self.folder, flags=re.ASCII)[:MAX_NAME], type="model")
        for file in files:
            artifact.add_file(str(file))
        self.session.log_artifact(artifact)

    def end(self, status: str) -> None:
        if self.is_ours:
            self.session.finish(exit_code=0 if status == "finished" else 1)


def _has_key(wandb: Any) -> bool:
    """Whether somebody is logged in; otherwise `wandb.init` asks on a terminal, and fails elsewhere."""
    return bool(wandb.login(prompt=False, verify=False))
