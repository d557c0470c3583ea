"""Masks in a report: the worst by the IoU of scikit-learn, over their images, with ignored pixels striped."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

import netspec
from netspec.analysis.quality.evaluated import evaluated
from netspec.analysis.quality.sections import quality_sections
from netspec.data.transforms.mask_images import class_colors

SPEC = "input 8x8x1\nconv(3, 1x1, softmax)\ndata { test = 10\nval = 0 }\ntrain { epochs = 1 }"


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[np.ndarray, np.ndarray]]:
    """A run on images whose first column of pixels is ignored, and its data."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 3, (40, 8, 8))
    images = (ids[..., None] / 2 + rng.normal(0, 0.3, (40, 8, 8, 1))).astype(np.float32)
    ids[:, :, 0] = -1
    data = images, ids
    return netspec.train(SPEC, data, runs=tmp_path_factory.mktemp("masks"), verbose=0).run, data


def pictures(body: str, label: str) -> list[np.ndarray]:
    """The pixels of the images of a page whose descriptions end with a word."""
    found = re.findall(rf'<img src="data:image/png;base64,([^"]*)" alt="[^"]*, {label}"', body)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB")) for one in found]


def test_the_worst_masks_are_first(masks: tuple[Path, tuple[np.ndarray, np.ndarray]]) -> None:
    run, data = masks
    of = evaluated(run, data=data)
    assert of is not None
    (body,) = (one.body for one in quality_sections(run, data=data) if one.key == "mistakes")
    shown = [float(text) for text in re.findall(r"IoU ([\d.]+)</span>", body)]
    guess = np.argmax(netspec.load(run)(next(iter(of.inputs.values()))), axis=-1)
    index = of.splits.test_index
    assert index is not None
    true, kept = data[1][index], np.s_[:, 1:]
    scores = [
        jaccard_score(a[kept].ravel(), b[kept].ravel(), average="macro", labels=np.union1d(a[kept], b[kept]))
        for a, b in zip(true, guess, strict=True)
    ]
    assert shown == pytest.approx(sorted(scores), abs=6e-4) and len(shown) == 10


def test_ignored_pixels_are_striped(masks: tuple[Path, tuple[np.ndarray, np.ndarray]]) -> None:
    run, data = masks
    (body,) = (one.body for one in quality_sections(run, data=data) if one.key == "mistakes")
    assert "ignored: in no metric" in body
    for label in ("true", "predicted", "wrong pixels"):
        found = pictures(body, label)
        assert len(found) == 10
        for picture in found:
            assert picture[:, 0].tolist() == [[255 if row % 4 < 2 else 96] * 3 for row in range(8)]
    wrong = pictures(body, "wrong pixels")
    assert {tuple(color) for picture in wrong for color in picture[:, 1:].reshape(-1, 3).tolist()} <= {
        (0, 0, 0),
        (255, 255, 255),
    }
    colors = class_colors()
    number = int(re.findall(r"<span>[^<]*?(\d+): IoU", body)[0])
    mask, image = data[1][number, :, 1:], pictures(body, "true")[0][:, 1:]
    for id_ in (1, 2):  # gray under a color: what is left of the color is the same
        mixed = image[mask == id_].astype(int) - np.round(0.65 * colors[id_]).astype(int)
        assert np.abs(mixed - mixed[:, :1]).max() <= 2
    plain = image[mask == 0].astype(int)
    assert (plain == plain[:, :1]).all()


def test_nothing_is_said_of_ignored_pixels_where_all_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.random((20, 4, 4, 1)).astype(np.float32), rng.integers(0, 2, (20, 4, 4))
    run = netspec.train(SPEC.replace("8x8x1", "4x4x1").replace("test = 10", "test = 5"), data, runs=tmp_path).run
    (body,) = (one.body for one in quality_sections(run, data=data) if one.key == "mistakes")
    assert "ignored" not in body
