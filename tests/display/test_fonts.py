"""Characters that the usual font of a PNG lacks: other fonts, or a warning."""

from __future__ import annotations

import unicodedata
import warnings
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from netspec.display.drawing.fonts import USUAL, families
from netspec.display.pictures import Picture

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30">'
    '<text class="title" x="5" y="20" font-size="12">{}</text></svg>'
)
NOWHERE = "\U000e0fff"  # not assigned
HEBREW = unicodedata.lookup("HEBREW LETTER ALEF")  # in DejaVu Sans, which comes with Matplotlib


def png(text: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(Picture(SVG.format(text)).content("png"))))


def test_other_fonts_have_what_one_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    fonts, missing = families(["abc", HEBREW])
    assert fonts[0] == USUAL and len(fonts) == 2 and missing == ""
    assert families(["abc é →"]) == ([USUAL], "")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert (png(HEBREW) != png("")).any() and capsys.readouterr().err == ""


def test_missing_glyphs_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        Picture(SVG.format(f"{NOWHERE} {NOWHERE}")).content("pdf")
    assert capsys.readouterr().err.count("NS567") == 1
