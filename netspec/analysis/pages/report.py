"""The report of runs: one page of HTML in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.analysis.pages.data import changes_html
from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.sections import run_sections
from netspec.analysis.quality.generated import generated_sections
from netspec.analysis.quality.sections import quality_sections
from netspec.display.page.document import page_html
from netspec.display.page.section import Section
from netspec.display.problems import print_problems
from netspec.language.diagnostics import CompileError, fail
from netspec.language.files.atomic_files import replace_file
from netspec.language.text import encodable
from netspec.runs.arguments import run_folder
from netspec.runs.catalog import look_at
from netspec.storage.errors import RunIsBusy
from netspec.storage.run_files import distinct_names, member_folders
from netspec.storage.run_folder import Run, read_run
from netspec.storage.weights import check_not_search

if TYPE_CHECKING:
    from netspec.runs.model import Result
    from netspec.runs.repeated.seed_runs import SeedsResult


class Report:
    """A report, which a notebook shows and `save` writes. `html` is the whole page, which loads nothing."""

    def __init__(self, title: str, html: str) -> None:
        self.title, self.html = encodable(title), html

    def save(self, path: str | Path) -> None:
        """Write the page, completely or not at all; an existing file is replaced.

        Raises:
            ValueError: its ending is not .html.
            OSError: it cannot be written.
        """
        check_ending(Path(path))
        replace_file(Path(path), [self.html.encode()])

    def __repr__(self) -> str:
        return f"<Report {self.title}>"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" '
            'style="width:100%;height:44em;border:1px solid #b9c0ca;border-radius:8px"></iframe>'
        )


def check_ending(path: Path) -> None:
    """Raises ValueError unless the file is one of HTML by its name."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"a report is written as .html, not as `{path.name}`")


def report(
    *runs: str | Path | Result | SeedsResult | Sequence[str | Path | Result | SeedsResult], data: Any = None
) -> Report:
    """A page about a run for people who were not there: what was trained, on what, how it went, how good it is, and how
    to train the same again. Several runs, or those of several seeds or of a sweep, are compared.

    Args:
        runs: run folders, or results of trainings, also in a list.
        data: the arrays that they were trained on, where their spec names no source.

    Raises:
        CompileError: a run cannot be read, or is being trained (NS491).
    """
    folders = list({folder.resolve(): folder for folder in _folders(runs)}.values())
    if not folders:
        raise TypeError("give at least one run folder")
    for folder in folders:
        read_run(folder)
        check_not_search(folder)
        if look_at(folder).state == "running":
            raise fail(RunIsBusy(run=str(folder), process=""))
    title = ", ".join(distinct_names(folders)) if len(folders) <= 3 else f"{len(folders)} runs"
    return Report(title, page_html(title, [*_sections(folders, data)], note=_note(folders)))


def write_short_reports(run: Path) -> None:
    """Write `report.html` into a run folder, and into those of its seeds or folds: without what needs the data or
    predictions, so that it takes a fraction of a second.

    Raises:
        CompileError: the run is damaged, or a page cannot be written.
    """
    for folder in (run, *member_folders(run)):
        full = f"the full report, with the data and what the predictions show: netspec report {folder}"
        note = f"{_note([folder])}; {full}"
        page = page_html(distinct_names([folder])[0], run_sections([ReadRun(folder)]), note=note)
        Run.open(folder).write_report(page)


def _folders(runs: Iterable[Any]) -> Iterator[Path]:
    for run in runs:
        if isinstance(run, list | tuple):
            yield from _folders(run)
        else:
            yield run_folder(getattr(run, "run", run))


def _sections(folders: Sequence[Path], data: Any) -> Iterator[Section]:
    """Those of the runs; of a single one, what its predictions show follows its metrics."""
    runs = [ReadRun(folder, name, data) for folder, name in zip(folders, distinct_names(folders), strict=True)]
    for section in run_sections(runs, is_cheap=False):
        yield section
        if section.key == "results" and runs[0].info.state == "finished":
            yield from _quality(runs[0])
    if len(runs) == 1:  # several are shown without their data
        print_problems(runs[0].changes)


def _quality(run: ReadRun) -> Iterator[Section]:
    """What the predictions show, for the data that another section has read; it says where they have changed."""
    try:
        prepared = run.experiment
    except CompileError:  # the sections say why
        prepared = None
    for number, section in enumerate(quality_sections(run.path, data=run.data, prepared=prepared)):
        yield section if number else replace(section, body=changes_html(run) + section.body)
    yield from generated_sections(run.path, prepared)


def _note(folders: Sequence[Path]) -> str:
    """With what the first of the runs was made, and when."""
    versions = read_run(folders[0]).versions
    made = str(versions.get("made") or "").partition("T")[0]
    return f"Trained with netspec {versions.get('netspec', '')} on {made}"
