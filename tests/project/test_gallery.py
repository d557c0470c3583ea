"""The gallery shows what `netspec draw` draws now."""

from __future__ import annotations

import runpy
from pathlib import Path

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"


def test_the_gallery_is_fresh() -> None:
    files = dict(runpy.run_path(str(GALLERY / "__main__.py"))["files"]())
    found = {
        path.name: path.read_text(encoding="utf-8") for path in GALLERY.iterdir() if path.suffix in (".svg", ".md")
    }
    assert found.keys() == files.keys()
    assert [name for name in files if found[name] != files[name]] == [], "`python docs/gallery` writes them"
