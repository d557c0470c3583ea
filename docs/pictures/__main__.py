"""Write `report.png`, some sections of a page that `netspec report` gives: `python docs/pictures RUN`, with a run of
`specs/digits.net`. It needs Chromium and the extra `pages`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import netspec

WIDTH, HEIGHT = 1080, 940
HIDDEN = "#network, #data, #results, #quality, #classes { display: none }"
COLORS = 64


def screenshot(page: Path) -> bytes:
    """The upper part of a page without some of its sections, as PNG in few colors."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page(color_scheme="light", viewport={"width": WIDTH, "height": HEIGHT})
        shown.goto(page.as_uri())
        shown.add_style_tag(content=HIDDEN)
        content = shown.screenshot()
        browser.close()
    image, written = Image.open(io.BytesIO(content)).convert("RGB"), io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(written, "png", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        netspec.report(sys.argv[1]).save(file)
        (Path(__file__).parent / "report.png").write_bytes(screenshot(file))
