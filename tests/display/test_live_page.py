"""The live page in a browser, while another process trains."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netspec.analysis.pages.live.server import LiveServer
from tests.display.live_server import served

SPEC = """input 4
dense(8, relu) -> dense(classes, softmax)
data {
    source = iris
    val = 20%
}
train {
    epochs = 400
    batch = 120
}
"""
FOLLOW = """() => {
    window.seen = [];
    const status = document.getElementById("live-status");
    new MutationObserver(() => {
        const epoch = /epoch ([0-9,]+) of/.exec(status.textContent);
        if (epoch) seen.push(Number(epoch[1].replace(",", "")));
    }).observe(status, {subtree: true, childList: true, characterData: true});
}"""
"""Keeps the epochs that the status line shows."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with served(tmp_path / "runs") as started:
        yield started


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """Errors of the page, and requests to elsewhere."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def page(browser: Any, server: LiveServer, problems: list[str]) -> Iterator[Any]:
    own = server.url.partition("?")[0]
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.on(
        "console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith(own) else problems.append(request.url))
    opened.goto(server.url)
    yield opened
    opened.close()


def wait_until(page: Any, condition: str, seconds: float = 30.0) -> None:
    """Wait for a condition in JavaScript; what Playwright has for it is refused by the policy of the page."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"{condition}: {page.inner_text('#live')}"
        page.wait_for_timeout(100)


def violations(page: Any) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    return [problem["id"] for problem in axe.Axe().run(page).response["violations"]]


def test_a_training_is_followed(page: Any, server: LiveServer, tmp_path: Path) -> None:
    assert "Nothing is trained" in page.inner_text("main") and violations(page) == []
    page.evaluate(FOLLOW)
    (tmp_path / "iris.net").write_text(SPEC)
    command = [sys.executable, "-m", "netspec", "train", "iris.net", "--save-every", "0"]
    training = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    wait_until(page, "document.querySelector('#training svg') !== null", 60)
    page.locator("#training summary").click()
    page.locator("#training summary").focus()
    page.evaluate("scrollTo(0, 700)")
    top = page.evaluate("document.querySelector('#training').getBoundingClientRect().top")
    curve = page.locator("#training .charts path.mark").first.get_attribute("d")
    wait_until(page, "seen.length > 1 && seen.at(-1) < 400")
    if training.poll() is None:
        assert violations(page) == []
    wait_until(page, "document.getElementById('live-status').textContent.includes('done: 400 epochs')", 90)
    assert training.wait(10) == 0
    # What is shown has changed, but nothing of what a reader has done to it.
    wait_until(page, "document.querySelector('#summary').textContent.includes('test accuracy')")
    assert page.locator("#training .charts path.mark").first.get_attribute("d") != curve
    assert page.locator("#training details").first.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.nodeName") == "SUMMARY"
    assert page.evaluate("document.querySelector('#training').getBoundingClientRect().top") == pytest.approx(top, abs=2)
    assert page.title() == "✓ iris-1"
    seen = page.evaluate("seen")
    assert len(set(seen)) > 1 and seen == sorted(seen)
    assert violations(page) == []


def test_a_lost_connection_is_shown_until_it_is_back(
    page: Any, server: LiveServer, problems: list[str], tmp_path: Path
) -> None:
    token, port = server.token, server.server_address[1]
    assert page.is_hidden("#live-lost")
    server.feed.close()
    server.shutdown()
    server.server_close()
    page.wait_for_selector("#live-lost", state="visible")
    with served(tmp_path / "others", port=port, token=token):
        page.wait_for_selector("#live-lost", state="hidden")
        wait_until(page, "document.querySelector('main').textContent.includes('others')")
    problems[:] = [problem for problem in problems if "net::ERR" not in problem]  # of the connection that was lost
