"""The page of a film in a browser: slider, button and keys show the frames; it is accessible, and still where that is
preferred."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.display.charts.inside.film import Frame, film_html, film_svg
from netspec.display.charts.inside.regions import regions_plane

PLANE = regions_plane("moons", [(-1.0, 1.0), (0.0, 2.0)], ["upper", "lower"], ("x1", "x2"), [[0.0, 1.0]], [1])
FRAMES = [Frame(f"epoch {i}", np.full((4, 4, 3), 60 * i, np.uint8)) for i in range(4)]
SEEN = """() => [...document.querySelectorAll("#film > g")]
    .filter((frame) => getComputedStyle(frame).visibility === "visible")
    .map((frame) => frame.querySelector("text").textContent)"""


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film.html").write_text(film_html(PLANE, FRAMES), encoding="utf-8")
    return f"file://{tmp_path}/film.html"


def test_frames_by_slider_button_and_keys(page: Any, film: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(film)
    assert page.evaluate(SEEN) == ["epoch 3"] and page.inner_text("#play") == "play"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(SEEN) == ["epoch 2"]
    page.focus("#frame")
    page.keyboard.press("Home")
    assert page.evaluate(SEEN) == ["epoch 0"]
    assert page.get_attribute("#frame", "aria-valuetext") == "epoch 0"
    page.click("#play")
    assert page.inner_text("#play") == "pause"
    page.wait_for_function("document.getElementById('play').textContent === 'play'")
    assert page.evaluate(SEEN) == ["epoch 3"]


def test_it_plays_by_itself(page: Any, film: str, tmp_path: Path) -> None:
    page.goto(film)
    assert page.inner_text("#play") == "pause"
    page.keyboard.press(" ")
    assert page.inner_text("#play") == "play"
    (tmp_path / "film.svg").write_text(film_svg(PLANE, FRAMES), encoding="utf-8")
    page.goto(f"file://{tmp_path}/film.svg")
    seen = {tuple(page.evaluate(SEEN)) for _ in range(12) if page.wait_for_timeout(60) is None}
    assert len(seen) > 1 and all(1 <= len(frames) <= 2 for frames in seen)  # 2: between them
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(SEEN) == ["epoch 3"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_film_is_accessible(browser: Any, film: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(color_scheme=scheme)
    page.goto(film)
    found = axe.Axe().run(page)
    page.close()
    assert [problem["id"] for problem in found.response["violations"]] == []
