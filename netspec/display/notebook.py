"""The progress of a training in a notebook: one display that changes, with a bar and a row for some of the epochs."""

from __future__ import annotations

import time
from typing import Any

from netspec.display.metric_text import metric_parts
from netspec.display.progress import COMPILING, Rows, TimeLeft, epochs_done, fitting, start_lines
from netspec.display.text import duration_text
from netspec.language.text import terminal_html
from netspec.training.loop.callback import Record, Tick

MAX_ROWS = 20
FIRST_ROWS = 6
"""Rows that are shown, and how many of them are the first ones; between these and the last ones others are left out."""
MIN_SECONDS = 0.2
"""Between two changes of the display."""


class NotebookReporter(Rows):
    """A display of IPython that is updated in place.

    Args:
        display: the module `IPython.display`.
    """

    def __init__(self, display: Any, verbose: int = 1) -> None:
        super().__init__(verbose)
        self.display = display

    def start(self, record: Record) -> None:
        self.begin(record)
        self.head = start_lines(record, self.width)
        self.table: list[str] = []
        self.first = record["epoch"]
        self.clock, self.shown_at = TimeLeft(self.first, self.epochs), 0.0
        self.completed: float = self.first - 1
        self.handle = self.display.display(_Shown(*self._content(COMPILING)), display_id=True)

    def progress(self, tick: Tick) -> None:
        self.completed = epochs_done(tick)
        speed = COMPILING if tick.is_compiling else f"{tick.examples_per_second:,.0f} examples/s"
        seconds = self.clock.at(tick)
        left = [] if seconds is None else [f"{duration_text(seconds)} left"]
        self._update(fitting([f"epoch {tick.epoch}", *left, *metric_parts(tick.metrics), speed], self.width))

    def epoch(self, record: Record) -> None:
        self.table += self.rows(record)
        self.completed = record["epoch"]
        left = self.clock.after(record["epoch"])
        self._update("" if left is None else f"{duration_text(left)} left  {self.curve(12)}")

    def done(self, record: Record) -> None:
        lines = [*self.head, *self._table(), *self.end(record).splitlines()]
        self.handle.update(_Shown("\n".join(lines)))

    def _update(self, line: str) -> None:
        now = time.monotonic()
        if now - self.shown_at >= MIN_SECONDS:
            self.shown_at = now
            self.handle.update(_Shown(*self._content(line)))

    def _table(self) -> list[str]:
        """The names of the columns, the first rows and the last ones."""
        if len(self.table) <= MAX_ROWS + 2:
            return self.table
        return [*self.table[: FIRST_ROWS + 1], "    …", *self.table[FIRST_ROWS - MAX_ROWS :]]

    def _content(self, line: str) -> tuple[str, str]:
        bar = f'<progress max="{self.epochs}" value="{self.completed:g}" style="width:30em;max-width:90%"></progress>'
        return "\n".join([*self.head, *self._table(), line]), bar


class _Shown:
    """Text, with an element of HTML below it where HTML is shown."""

    def __init__(self, text: str, element: str = "") -> None:
        self.text, self.element = text, element

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return terminal_html(self.text) + self.element
