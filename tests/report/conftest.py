"""These tests train: they share compiled programs. Tests of pages share a browser, where there is one."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compiled_programs import compiled_programs as compiled_programs


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, through Playwright (the extra `pages`); `NETSPEC_CHROMIUM` may name another program than `chromium`."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("NETSPEC_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium")
    with playwright.sync_playwright() as tools:
        started = tools.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose requests and whose errors are mistakes."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    found: list[str] = []
    opened.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: found.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith("file:") else found.append(request.url))
    yield opened
    opened.close()
    assert found == []
