"""The page of runs while they are trained, and which parts of it have changed."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netspec.analysis.pages.live.run_status import Marks, RunStatus, status_of
from netspec.analysis.pages.live.status_bar import bar_html, status_html, tab_title, with_bar
from netspec.analysis.pages.read_run import ReadRun
from netspec.analysis.pages.sections import run_sections
from netspec.display.page.document import page_html, section_html
from netspec.display.page.elements import paragraph
from netspec.display.page.section import Section
from netspec.display.text import plural
from netspec.language.diagnostics import CompileError
from netspec.language.files.paths import is_folder
from netspec.language.text import encodable
from netspec.storage.run_files import distinct_names, is_run, member_folders, repeated_by
from netspec.storage.run_folder import RunRecord, read_run

POLL_SECONDS = 0.5
"""The time between two looks at the files."""
MAX_LOAD = 0.2
"""The fraction of the time in which the page is rendered: the processor is for the training."""
KEEP_ALIVE_SECONDS = 15.0
MAX_RUNS = 12
"""Runs of a folder that are shown, those that were started last."""

LAST = ("network", "data", "reproduce")
"""Sections that stay as they are while a run is trained: the others come first."""


@dataclass(frozen=True)
class Update:
    """A part of the page that has changed.

    Args:
        version: of the page, with this update.
        event: `section`, `status`, or `page`: the whole, where it has other sections than before.
        data: what the script of the page replaces it by.
    """

    version: str
    event: str
    data: Mapping[str, str]


@dataclass(frozen=True)
class _View:
    """What the page shows."""

    title: str = ""
    note: str = ""
    sections: tuple[Section, ...] = ()
    statuses: tuple[RunStatus, ...] = ()

    @property
    def outline(self) -> Any:
        """What only the page as a whole shows."""
        return self.title, self.note, [(one.key, one.title) for one in self.sections]


class Feed:
    """The page of runs, and its updates, for any number of threads.

    Args:
        names: of runs, or of folders of runs.
        folder: where runs are that are called by their name alone.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        self.names, self.folder = names, folder
        self._series, self._number = secrets.token_hex(4), 0
        self._view = _View()
        self._changed_in: dict[str, int] = {}
        self._records: dict[Path, tuple[Marks, RunRecord | str]] = {}
        self._rendered: Any = None
        self._viewers = 0
        self._looking = threading.Lock()
        self._changed = threading.Condition()
        self._closed = threading.Event()

    # ------------------------------------------------------------ for those who look at the page

    def page(self) -> str:
        """The page as it is now."""
        self.look()
        with self._changed:
            return self._page()

    def updates(self, since: str) -> Iterator[Update | None]:
        """What changes after a version of the page, until `close`; None after some time without any update, so that the
        connection is used.

        Args:
            since: the version; for one that this feed does not know, the first update is the whole page.
        """
        series, _, number = since.rpartition("-")
        seen = int(number) if series == self._series and re.fullmatch("[0-9]{1,15}", number) else -1
        if seen > self._number:
            seen = -1
        with self._changed:
            self._viewers += 1
        try:
            self.look()
            while not self._closed.is_set():
                with self._changed:
                    has_news = self._number > seen or self._changed.wait(KEEP_ALIVE_SECONDS)
                    news, seen = list(self._news(seen)), self._number
                yield from news if has_news else [None]
        finally:
            with self._changed:
                self._viewers -= 1

    def _page(self) -> str:
        view = self._view
        html = page_html(view.title, view.sections, note=view.note)
        return encodable(with_bar(html, bar_html(view.statuses, self._version)))

    @property
    def _version(self) -> str:
        return f"{self._series}-{self._number}"

    def _news(self, seen: int) -> Iterator[Update]:
        """The parts that have changed since a version."""
        if self._changed_in.get("page", 0) > seen:
            yield Update(self._version, "page", {"html": self._page(), **self._tab()})
            return
        for one in self._view.sections:
            if self._changed_in[f"section {one.key}"] > seen:
                yield Update(self._version, "section", {"key": one.key, "html": section_html(one)})
        if self._changed_in.get("status", 0) > seen:
            yield Update(self._version, "status", {"html": status_html(self._view.statuses), **self._tab()})

    def _tab(self) -> dict[str, str]:
        return {"title": tab_title(self._view.title, self._view.statuses)}

    # ------------------------------------------------------------ looking at the runs

    def poll(self) -> None:
        """Look at the files again and again while somebody looks at the page, until `close`."""
        wait = POLL_SECONDS
        while not self._closed.wait(wait):
            began = time.thread_time()
            if self._viewers:
                self.look()
            wait = max(POLL_SECONDS, (time.thread_time() - began) / MAX_LOAD)

    def close(self) -> None:
        """End `poll` and all `updates`, and wait until nothing is rendered any more: a process must not end in the
        middle of what JAX compiles in another thread."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        with self._looking:
            pass

    def look(self) -> None:
        """Look at the files, and render what has changed."""
        with self._looking:
            if self._closed.is_set():
                return
            runs = self._runs()
            parts = {run: member_folders(run) if repeated_by(run) else [run] for run in runs}
            marks = {part: Marks.of(part) for run in runs for part in (run, *parts[run])}
            self._read(marks)
            names = dict(zip(runs, distinct_names(runs), strict=True))
            pairs = [(run, part) for run in runs for part in parts[run] or [run]]
            statuses = [
                self._status(part, names[run] if part == run else f"{names[run]}/{part.name}", marks[part], names[run])
                for run, part in pairs
            ]
            shown = [(part, mark.texts) for part, mark in marks.items()], [status.state for status in statuses]
            view = _View(self._view.title, self._view.note, self._view.sections, tuple(statuses))
            if shown != self._rendered:
                self._rendered = shown
                readable = [run for run in runs if not any(self._is_unreadable(part) for part in (run, *parts[run]))]
                view = _View(_title(runs), self._note(runs), tuple(self._sections(names, readable)), tuple(statuses))
            self._publish(view)

    def _runs(self) -> list[Path]:
        """The runs that there are now."""
        found: dict[Path, Path] = {}
        for name in self.names:
            candidates = (Path(name), self.folder / name)
            run = next(filter(is_run, candidates), None)
            folder = next(filter(is_folder, candidates), None)
            for one in [run] if run is not None else _latest_runs(folder) if folder is not None else []:
                found.setdefault(one.resolve(), one)
        return list(found.values())

    def _read(self, marks: Mapping[Path, Marks]) -> None:
        """Read the runs whose files have changed."""
        before, self._records = self._records, {}
        for run, mark in marks.items():
            known = before.get(run)
            if known is not None and known[0].texts == mark.texts and not isinstance(known[1], str):
                self._records[run] = known
                continue
            try:
                self._records[run] = mark, read_run(run)
            except CompileError as error:
                self._records[run] = mark, error.diagnostics[0].message

    def _is_unreadable(self, run: Path) -> bool:
        return isinstance(self._records[run][1], str)

    def _status(self, run: Path, name: str, marks: Marks, whole: str) -> RunStatus:
        """How far a run, or a seed of the run `whole`, is."""
        record = self._records[run][1]
        if isinstance(record, str):
            return RunStatus(name, "broken", record, run=whole)
        return replace(status_of(record, name, marks, time.time()), run=whole)

    def _note(self, runs: Sequence[Path]) -> str:
        folders = dict.fromkeys(str(run.parent) for run in runs)
        return f"live from {', '.join(folders)}" if folders else "live"

    def _sections(self, names: Mapping[Path, str], readable: Sequence[Path]) -> list[Section]:
        """The sections of the report, or why there are none."""
        if not names:
            text = f"Nothing is trained in {', '.join(self.names)} yet; a run appears here as soon as it is started."
            return [Section("waiting", "No run yet", paragraph(text))]
        if not readable:
            return [Section("problem", "Problem", paragraph("None of the runs can be read; see below."))]
        try:
            return sorted(run_sections([ReadRun(run, names[run]) for run in readable]), key=lambda one: one.key in LAST)
        except CompileError as error:
            texts = [each.message for each in error.diagnostics]
        except Exception as error:  # noqa: BLE001  # a mistake of ours must not end the updates of the page
            texts = [f"internal error: {type(error).__name__}: {error}"]
        self._rendered = None  # the next look may be luckier: the files are written to
        return [Section("problem", "Problem", "".join(map(paragraph, texts)))]

    def _publish(self, view: _View) -> None:
        """Let everybody know what differs from the last view."""
        with self._changed:
            before, number = self._view, self._number + 1
            old = {one.key: one.body for one in before.sections}
            changed = [f"section {one.key}" for one in view.sections if old.get(one.key) != one.body]
            changed += ["page"] if view.outline != before.outline else []
            changed += ["status"] if view.statuses != before.statuses else []
            self._view = view
            if changed:
                self._number = number
                self._changed_in.update(dict.fromkeys(changed, number))
                self._changed.notify_all()


def _title(runs: Sequence[Path]) -> str:
    return runs[0].name if len(runs) == 1 else plural(len(runs), "run") if runs else "Waiting for a run"


def _latest_runs(folder: Path) -> list[Path]:
    """The runs of a folder that were started last, the last one first; names with a dot are of folders that are being
    made or removed."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and is_run(path)]
        return sorted(found, key=lambda run: -(run / "versions.json").stat().st_mtime_ns)[:MAX_RUNS]
    except OSError:  # one was removed in between; the next look finds the others
        return []
