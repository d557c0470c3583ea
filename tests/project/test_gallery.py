"""The gallery shows what `netspec draw` and `netspec look` draw now."""

from __future__ import annotations

import base64
import io
import re
import runpy
from pathlib import Path

import numpy as np
from PIL import Image

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
IMAGE = r'href="data:image/png;base64,([^"]+)"'
NUMBER = r"-?\d+\.\d+"


def is_same(found: str, drawn: str) -> bool:
    """Whether texts are equal but for rounding: by one level in an image, by the last digit of a coordinate."""
    images = [
        [np.asarray(Image.open(io.BytesIO(base64.b64decode(part))), int) for part in re.findall(IMAGE, text)]
        for text in (found, drawn)
    ]
    rest = [re.sub(IMAGE, "", text) for text in (found, drawn)]
    numbers = [np.array(re.findall(NUMBER, text), float) for text in rest]
    words = [re.sub(NUMBER, "", text) for text in rest]
    return (
        words[0] == words[1]
        and np.allclose(*numbers, atol=0.11, rtol=0)
        and [one.shape for one in images[0]] == [one.shape for one in images[1]]
        and all(abs(a - b).max() <= 1 for a, b in zip(*images, strict=True))
    )


def test_the_gallery_is_fresh() -> None:
    files = dict(runpy.run_path(str(GALLERY / "__main__.py"))["files"]())
    found = {
        path.name: path.read_text(encoding="utf-8") for path in GALLERY.iterdir() if path.suffix in (".svg", ".md")
    }
    assert found.keys() == files.keys()
    is_trained = {name: name.startswith("exercise_") for name in files}  # with weights that are saved
    stale = [n for n in files if not (is_same(found[n], files[n]) if is_trained[n] else found[n] == files[n])]
    assert stale == [], "`python docs/gallery` writes them"
    assert sum(path.stat().st_size for path in GALLERY.glob("exercise*")) < 500_000
