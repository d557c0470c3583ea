"""The sections of a report that need only what is in the run folders."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.analysis.pages.comparison import comparison_section, curves_section, members_section, run_section
from netspec.analysis.pages.data import data_section
from netspec.analysis.pages.network import network_section
from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.reproduce import reproduce_section
from netspec.analysis.pages.results import results_section
from netspec.analysis.pages.summary import summary_section
from netspec.analysis.pages.training import training_section
from netspec.display.page.section import Section
from netspec.storage.run_files import member_folders, repeated_by


def run_sections(runs: Sequence[ReadRun], *, is_cheap: bool = True) -> list[Section]:
    """What was trained, on what, and how it went; of several runs side by side.

    Args:
        runs: run folders, or folders of runs with several seeds; they may still be trained.
        is_cheap: whether the data are not read.

    Raises:
        CompileError: one of them is not a run, or is damaged.
    """
    if len(runs) > 1:
        return _side_by_side(runs)
    (run,) = runs
    if repeated_by(run.path) is not None:
        members = [member for member in map(ReadRun, member_folders(run.path)) if member.info.state != "broken"]
        return _members(run, members, is_cheap=is_cheap)
    return [
        summary_section(run),
        network_section(run),
        data_section(run, is_cheap=is_cheap),
        training_section(run),
        results_section(run),
        reproduce_section(run),
    ]


def _members(parent: ReadRun, runs: Sequence[ReadRun], *, is_cheap: bool) -> list[Section]:
    return [
        members_section(parent, runs),
        network_section(parent),
        data_section(parent, is_cheap=is_cheap),
        curves_section([ReadRun(run.path, f"{parent.name}/{run.path.name}") for run in runs]),
        *(run_section(run, number) for number, run in enumerate(runs, 1)),
        reproduce_section(parent),
    ]


def _side_by_side(runs: Sequence[ReadRun]) -> list[Section]:
    """The network is shown where all runs have the same."""
    is_same = len({run.meaning.network_hash for run in runs}) == 1
    return [
        comparison_section(runs),
        curves_section(runs),
        *([network_section(runs[0])] if is_same else []),
        *(run_section(run, number) for number, run in enumerate(runs, 1)),
    ]
