"""The record of a trial."""

from __future__ import annotations

from typing import Literal

from netspec.language.record import Frozen
from netspec.search.spaces.space import Value

State = Literal["waiting", "running", "complete", "pruned", "failed", "interrupted"]


class Trial(Frozen):
    """A trial, by its number from 1.

    `values` are those of the dimensions that count, `overrides` what they set in the spec. `goals` are the values of
    the goals of a complete trial, `metrics` all of its metrics. `reports` has the first goal after each epoch, where
    trials may end early. `reason` says why one failed. `repeats` is the number of the interrupted trial that this one
    does again, `attempt` which time it is. `worker` is the process.
    """

    number: int
    values: dict[str, Value] = {}
    overrides: dict[str, str] = {}
    state: State = "running"
    goals: tuple[float, ...] = ()
    metrics: dict[str, float] = {}
    reports: dict[int, float] = {}
    epochs: int = 0
    seconds: float = 0.0
    code: str = ""
    reason: str = ""
    worker: str = ""
    repeats: int = 0
    attempt: int = 1

    @property
    def is_over(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that are wanted; an interrupted one is done again as another."""
        return self.state != "interrupted"
