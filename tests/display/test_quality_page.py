"""The sections of quality in a browser: counts of a confusion matrix show examples, and everybody can read the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.analysis.quality.sections import quality_sections
from netspec.display.drawing.theme import style_sheet

SERIES = """input 6x1
flatten -> dense(3)
data {
    source = windows("series.csv", past = 6, ahead = 3, season = 4, inputs = "load", targets = "load",
        time = "hour", group = "group")
    test = last(20%)
}
train { epochs = 1 }
"""
MASKS = "input 6x6x1\nconv(3, 1x1, softmax)\ntrain { epochs = 1 }"
ASSETS = Path(netspec.__file__).parent / "display" / "page" / "assets"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the sections of runs on images and on tables, with yes and no and with two numbers, on series and
    with masks, and only their style."""
    folder, rng = tmp_path_factory.mktemp("quality"), np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    table = x, (x[:, 0] + rng.normal(size=80) > 0).astype(int)
    numbers = x, x[:, :2] + rng.normal(size=(80, 2))
    images = rng.random((200, 5, 5, 3)).astype(np.float32), rng.integers(0, 3, 200)
    specs = {
        "input 3\ndense(1, sigmoid)": table,
        "input 5x5x3\nflatten -> dense(3, softmax)": images,
        "input 3\ndense(2)": numbers,
    }
    runs = [
        netspec.train(f"{spec}\ntrain {{ epochs = 1 }}", data, runs=folder, verbose=0).run
        for spec, data in specs.items()
    ]
    hours = (np.datetime64("2024-12-30T00:00", "m") + 60 * np.arange(60)).astype(str)
    rows = [f"{hour},{group},{rng.random()}" for group in "ab" for hour in hours]
    (folder / "series.csv").write_text("\n".join(["hour,group,load", *rows]))
    (folder / "series.net").write_text(SERIES)
    runs.append(netspec.train(folder / "series.net", runs=folder / "runs", verbose=0).run)
    ids = rng.integers(-1, 3, (40, 6, 6))
    masks = rng.random((40, 6, 6, 1)).astype(np.float32), ids
    runs.append(netspec.train(MASKS, masks, runs=folder, verbose=0).run)
    body = ""
    for number, (run, data) in enumerate(zip(runs, [*specs.values(), None, masks], strict=True)):
        for one in quality_sections(run, data=data):
            html = one.body.replace('"cell-', f'"cell{number}-')
            body += f"<section><h2>{one.title}</h2>{html}</section>"
    style = style_sheet(":root") + (ASSETS / "quality.css").read_text()
    style += "body{background:var(--page);color:var(--text)}button{color:inherit}caption{color:var(--faint)}"
    script = (ASSETS / "quality.js").read_text()
    html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>q</title><style>{style}</style></head>'
    html += f"<body><main><h1>q</h1>{body}</main><script>{script}</script></body></html>"
    (folder / "page.html").write_text(html, encoding="utf-8")
    return folder / "page.html"


def test_a_count_shows_its_examples(page: Any, file: Path) -> None:
    page.goto(f"file://{file}")
    buttons = page.locator(".confusion button")
    shown = page.locator(".cells > div:visible")
    assert buttons.count() >= 4 and shown.count() == 0
    buttons.first.click()
    assert shown.count() == 1 and buttons.first.get_attribute("aria-expanded") == "true"
    assert shown.first.get_attribute("id") == buttons.first.get_attribute("aria-controls")
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    assert shown.count() == 1 and shown.first.get_attribute("id") == buttons.nth(1).get_attribute("aria-controls")
    page.keyboard.press("Escape")
    assert shown.count() == 0
    last = buttons.last
    last.click()
    assert shown.locator(".thumb").count() >= 1
    count = int((last.text_content() or "").replace(",", ""))
    assert shown.locator(".thumb").count() == min(count, 8)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sections_are_accessible(browser: Any, file: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"file://{file}")
    for button in page.locator(".confusion").all():
        button.locator("button").first.click()
    found = axe.Axe().run(page)
    page.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
