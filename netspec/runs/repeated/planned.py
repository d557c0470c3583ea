"""The runs that are planned in a folder of several, such as one for each seed."""

from __future__ import annotations

from netspec.language.record import Frozen
from netspec.storage.run_files import REPEATED
from netspec.storage.run_folder import RunRecord


class MembersRecord(Frozen):
    """`seeds.json` or `folds.json`: the runs that are planned."""

    seeds: list[int] = []
    folds: list[int] = []

    @property
    def planned(self) -> list[int]:
        return self.seeds or self.folds


def planned_members(record: RunRecord, noun: str) -> list[int]:
    """The numbers of the runs that are planned in a folder of several.

    Raises:
        CompileError: it is damaged.
    """
    return record.read(REPEATED[noun], MembersRecord).planned
