"""Pages in a browser: what they show is what Python computes, without requests and for everybody to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netspec.compiler.ir.outline import opened, outline_of
from netspec.report.drawing.html import network_html
from netspec.report.drawing.layout.arrange import Placed, arrange, layout_of
from netspec.report.drawing.styles.flow import MARGIN
from netspec.spec.compilation import Compilation, read_source

SPECS = Path(__file__).parents[2] / "specs"

PLACES = """() => {
    const svg = document.getElementById("drawing"), found = {}, all = svg.getScreenCTM().inverse();
    for (const group of svg.querySelectorAll("[data-key]")) {
        const first = group.children[0], place = all.multiply(first.getScreenCTM());
        const x = first.getAttribute("x") || 0, y = first.getAttribute("y") || 0;
        found[group.dataset.key] = [place.e + Number(x), place.f + Number(y)];
    }
    return [found, Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
}"""
"""The upper left corner of each box, and the size of the drawing."""


def places(placed: Placed, x: float, y: float) -> dict[str, tuple[float, float]]:
    """What the page should have, from the arrangement in Python."""
    found = {}
    for box in placed.boxes:
        if not box.box.is_port:
            found[box.box.key] = (box.left + x, box.top + y)
        if box.inside is not None:
            found |= places(box.inside, box.x + x, box.top + y)
    return found


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "transformer", "unet", "densenet121", "multitask"])
def test_a_page_arranges_blocks_as_python_does(page: Any, tmp_path: Path, name: str) -> None:
    network = Compilation(read_source(SPECS / f"{name}.net")).network
    (tmp_path / "net.html").write_text(network_html(network), encoding="utf-8")
    page.goto(f"file://{tmp_path}/net.html")
    plan = outline_of(network)
    for levels, button in ((None, None), (1000, "#open"), (0, "#close")):
        if button is not None and page.is_visible(button):
            page.click(button)
        placed = arrange(layout_of(plan), opened(plan, levels))
        found, width, height = page.evaluate(PLACES)
        wanted = places(placed, MARGIN - placed.left, MARGIN)
        assert found.keys() == wanted.keys()
        for key, place in wanted.items():
            assert found[key] == pytest.approx(place, abs=0.02), key
        assert (width, height) == pytest.approx((placed.right - placed.left + 2 * MARGIN, placed.height + 2 * MARGIN))


def test_blocks_open_by_mouse_and_by_keyboard(page: Any, tmp_path: Path) -> None:
    network = Compilation(read_source(SPECS / "resnet18.net")).network
    (tmp_path / "net.html").write_text(network_html(network, 0), encoding="utf-8")
    page.goto(f"file://{tmp_path}/net.html")
    closed = page.locator("[data-key]").count()
    handle = page.locator(".handle").first
    handle.click()
    after = page.locator("[data-key]").count()
    assert after > closed and page.locator(".handle[aria-expanded=true]").count() == 1
    page.keyboard.press("Enter")  # the focus is still on the block
    assert page.locator("[data-key]").count() == closed


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["resnet18", "lenet5"])
def test_a_drawing_is_accessible(browser: Any, tmp_path: Path, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    network = Compilation(read_source(SPECS / f"{name}.net")).network
    (tmp_path / "net.html").write_text(network_html(network), encoding="utf-8")
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"file://{tmp_path}/net.html")
    found = axe.Axe().run(page)
    page.close()
    assert [problem["id"] for problem in found.response["violations"]] == []
