"""What every test shares: where the data are, golden files, and no file outside the test's own folder."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netspec.language.vocabulary import categories, words

ROOT = Path(__file__).parents[1]

# Thousands of small programs, each of them compiled once: looking for them in a folder that all workers share takes
# longer than compiling them. Folders of tests that train share theirs (compiled_programs.py).
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")
os.environ.setdefault("GLIBC_TUNABLES", "")  # and tests compile more than they train


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "Run attacks with thousands of cases, not with a sample, and the tests marked `long`."
    parser.addoption("--long", action="store_true", help=text)
    parser.addoption("--update-golden", action="store_true", help="Rewrite the golden files with what comes out now.")


def mnist_folder() -> Path | None:
    folder = Path(os.environ.get("NETSPEC_DATA", "")) / "mnist"
    return folder if os.environ.get("NETSPEC_DATA") and folder.is_dir() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need data or a device that is not there are skipped; with NETSPEC_STRICT none may be. Those of a kind
    of which smaller ones run, too, are left for `--long`."""
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    strict = bool(os.environ.get("NETSPEC_STRICT"))
    for item in items:
        if item.get_closest_marker("mnist") and mnist_folder() is None and not strict:
            item.add_marker(pytest.mark.skip(reason="no MNIST files: set NETSPEC_DATA"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """A word that a test module declares when it is imported would be one in every other test, too."""
    own = [f"{c} {n}" for c in categories() for n, w in words(c).items() if not w.__module__.startswith("netspec.")]
    if own:
        raise pytest.UsageError(f"declared outside `temporary_words`: {', '.join(own)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NETSPEC_STRICT a skipped test is a failure: there everything must really run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NETSPEC_STRICT") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether attacks have thousands of cases."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with a golden file; `--update-golden` rewrites the file."""

    def compare(text: str, path: Path) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"no {path.name}: run pytest --update-golden and read what it writes"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Signals end a program, for tests that send them: under `nohup` or in the background of a script they are ignored,
    and a child process inherits that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, through Playwright (the extra `pages`); `NETSPEC_CHROMIUM` may name another program than `chromium`.

    It is closed after each module: Playwright keeps an event loop of asyncio, in whose thread no other one can run.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("NETSPEC_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium")
    with playwright.sync_playwright() as tools:
        started = tools.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()
