"""Pages in a browser: what they show is what Python computes, without requests and for everybody to read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.compiler.ir.outline import opened, outline_of
from netspec.display.drawing.html import network_html
from netspec.display.drawing.layout.arrange import Placed, arrange, layout_of
from netspec.display.drawing.styles.flow import MARGIN
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_picture_is_accessible(browser: Any, tmp_path: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    netspec.draw(SPECS / "lenet5.net", style="maps").save(tmp_path / "maps.html")
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"file://{tmp_path}/maps.html")
    found = axe.Axe().run(page)
    box = page.locator("svg").bounding_box()
    page.close()
    assert [problem["id"] for problem in found.response["violations"]] == []
    assert box["x"] == 0 and box["width"] > 600


# ---------------------------------------------------------------- reports

REPORTS = {
    "table": ["table-1/seed-0"],
    "images": ["images-1"],
    "seeds": ["table-1"],
    "compared": ["images-1", "table-1"],
    "alike": ["images-1", "other/images-1"],
}
CUT = """all => all.filter(one => one.scrollHeight > one.clientHeight + 1
    && getComputedStyle(one).overflowY !== "visible").length"""
"""How many elements do not show all that is in them."""


@pytest.fixture(scope="module")
def reports(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in REPORTS}
    other = shutil.copytree(runs / "images-1", folder / "other" / "images-1")
    for name, file in files.items():
        netspec.report([other if one.startswith("other") else runs / one for one in REPORTS[name]]).save(file)
    return files


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_accessible(browser: Any, reports: dict[str, Path], name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(color_scheme=scheme)
    page.goto(reports[name].as_uri())
    found = axe.Axe().run(page)
    page.close()
    assert [problem["id"] for problem in found.response["violations"]] == []


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_fits_a_phone_and_loads_nothing(page: Any, reports: dict[str, Path], name: str) -> None:
    assert reports[name].stat().st_size < 500_000
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(reports[name].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))
    for link in page.eval_on_selector_all("nav a", "all => all.map(one => one.getAttribute('href').slice(1))"):
        assert link in ids


def test_a_report_by_keyboard(page: Any, reports: dict[str, Path]) -> None:
    page.goto(reports["table"].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("button[data-copy]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.copy [role=status]').textContent !== ''")
    assert page.locator("pre#command").inner_text().startswith("netspec train table.net --seed")


def test_a_printed_report_has_everything(page: Any, reports: dict[str, Path]) -> None:
    page.goto(reports["table"].as_uri())
    row = page.locator("details table").first
    assert not row.is_visible() and page.locator("nav").is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert row.is_visible()
    assert not page.locator("nav").is_visible() and not page.locator(".copy button").is_visible()
    assert page.eval_on_selector_all(".drawing, pre, .scroll", CUT) == 0
