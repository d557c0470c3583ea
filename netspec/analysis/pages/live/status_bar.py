"""The bar at the bottom of the live page: how far the runs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from netspec.analysis.pages.live.run_status import RunStatus, State
from netspec.display.text import plural
from netspec.language.files.assets import asset

PACKAGE = "netspec.analysis.pages.live"

MAX_LINES = 4
"""Runs with a line."""
SIGNS: dict[State, str] = {"running": "▶", "finished": "✓", "interrupted": "‖", "broken": "✗"}
LOST = "No connection: is “netspec watch” still running?"


def with_bar(page: str, bar: str) -> str:
    """The page with the bar, its style sheet, and the script that updates both; it comes before the script of the page,
    which changes what was served.

    Args:
        page: HTML, as `page_html` gives it.
        bar: HTML, as `bar_html` gives it.
    """
    head = f'<link rel="icon" href="data:,"><style>{asset(PACKAGE, "live.css")}</style></head>'
    page = page.replace("</head>", head, 1)
    return page.replace("<script>", f"{bar}<script>{asset(PACKAGE, 'live.js')}</script><script>", 1)


def bar_html(statuses: Sequence[RunStatus], version: str) -> str:
    """The bar; `version` is that of the page it is in."""
    return (
        f'<aside id="live" aria-label="Progress" data-version="{version}">'
        f'<div id="live-status" role="status">{status_html(statuses)}</div>'
        f'<p id="live-lost" role="alert" hidden>{LOST}</p></aside>'
    )


def status_html(statuses: Sequence[RunStatus]) -> str:
    """A line for each run that is trained or needs attention; the others are counted."""
    if not statuses:
        return "<p>Waiting for a run to be started.</p>"
    unfinished: tuple[State, ...] = ("running", "broken", "interrupted")
    ordered = [status for state in unfinished for status in statuses if status.state == state]
    ordered = list(statuses) if len(statuses) == 1 else ordered
    lines = [_line_html(status, has_name=len(statuses) > 1) for status in ordered[:MAX_LINES]]
    shown = {_run_of(status) for status in ordered[:MAX_LINES]}
    others = Counter(_states_of_runs([status for status in statuses if _run_of(status) not in shown]).values())
    if others:
        counted = ", ".join(f"{count} {state}" for state, count in others.items())
        what = f"and {plural(others.total(), 'other run')}" if lines else plural(others.total(), "run")
        lines.append(f"<p>{what}: {counted}</p>")
    return "".join(lines)


def _run_of(status: RunStatus) -> str:
    return status.run or status.name


def _states_of_runs(statuses: Sequence[RunStatus]) -> dict[str, State]:
    """The state of each run: of its seeds, the one that needs most attention."""
    order: tuple[State, ...] = ("running", "broken", "interrupted", "finished")
    found: dict[str, State] = {}
    for status in statuses:
        run = _run_of(status)
        found[run] = min(found.get(run, status.state), status.state, key=order.index)
    return found


def _line_html(status: RunStatus, *, has_name: bool) -> str:
    name = f"<b>{escape(status.name)}</b> " if has_name else ""
    bar = ""
    if status.epochs and status.state == "running":
        label = f"epochs of {escape(status.name)}"
        bar = f'<progress max="{status.epochs}" value="{status.epoch}" aria-label="{label}"></progress>'
    sign = f'<span class="sign {status.state}" aria-hidden="true">{SIGNS[status.state]}</span>'
    return f"<p>{sign}{name}{bar}<span>{escape(status.text)}</span></p>"


def tab_title(title: str, statuses: Sequence[RunStatus]) -> str:
    """The title of the page, with how far it is, for the tab of the browser: `3/12 digits-1`, `✓ digits-1`"""
    running = [status for status in statuses if status.state == "running"]
    if not running:
        states = {status.state for status in statuses}
        return " ".join([*(SIGNS[state] for state in SIGNS if state in states), title])
    epochs = sum(status.epochs or 0 for status in running)
    return f"{sum(status.epoch for status in running)}/{epochs or '?'} {title}"
