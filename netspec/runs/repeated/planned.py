"""The runs that are planned in a folder of several, such as one for each seed."""

from __future__ import annotations

from typing import Any

from netspec.language.record import Frozen
from netspec.storage.errors import damaged
from netspec.storage.run_files import REPEATED
from netspec.storage.run_folder import RunRecord


class MembersRecord(Frozen):
    """`seeds.json`, `folds.json` or `sweep.json`: the runs that are planned."""

    seeds: list[int] = []
    folds: list[int] = []
    runs: list[int] = []
    failed: dict[str, Any] = {}

    @property
    def planned(self) -> list[int]:
        return self.seeds or self.folds or self.runs


def planned_members(record: RunRecord, noun: str) -> MembersRecord:
    """The runs that are planned in a folder of several, and which of a sweep have failed.

    Raises:
        CompileError: it is damaged.
    """
    head = record.read(REPEATED[noun], MembersRecord)
    if not head.planned:
        raise damaged(record.path / REPEATED[noun], "it names none of its runs")
    return head
