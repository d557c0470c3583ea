"""Images as people have them, from the files to predictions: where each was read wrongly once, all are right now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netspec.cli.main import run

NET = """
dense(classes, softmax)
data { source = images("photos") }
train {
    epochs = 60
    batch = 16
    optimizer = adam(0.05)
}
"""


def depth_maps(folder: Path) -> None:
    """16 bits: near is from 0.1 to 0.3 of them, far from 0.6 to 0.8."""
    random = np.random.default_rng(0)
    for name, low in (("far", 0.6), ("near", 0.1)):
        for index in range(40):
            numbers = (random.uniform(low, low + 0.2, (8, 8)) * 65535).astype(np.uint16)
            Image.fromarray(numbers).save(folder / name / f"{index}.png")


def sideways(folder: Path) -> None:
    """Bright at the top or at the bottom, as shown; stored turned in four ways, as cameras do."""
    random = np.random.default_rng(1)
    turns = {1: 0, 6: 1, 3: 2, 8: 3}
    for name in ("bottom", "top"):
        for index in range(40):
            shown = random.integers(0, 90, (8, 8)).astype(np.uint8)
            shown[slice(0, 4) if name == "top" else slice(4, 8)] += 150
            orientation = [*turns][index % 4]
            exif = Image.Exif()
            exif[0x0112] = orientation
            stored = np.ascontiguousarray(np.rot90(shown, turns[orientation]))
            Image.fromarray(stored).save(folder / name / f"{index}.jpg", exif=exif, quality=95)


def colored(folder: Path) -> None:
    """Red and blue of the same brightness; one in four, and the first, is gray."""
    for name, color in (("blue", (60, 60, 255)), ("red", (156, 60, 60))):
        for index in range(40):
            image = Image.new("RGB", (8, 8), color)
            if name == "blue" and index < 10:
                image = Image.new("L", (8, 8), 200)
            image.save(folder / name / f"{index:02}.png")


@pytest.mark.parametrize("kind", [depth_maps, sideways, colored])
def test_all_are_told_apart(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {depth_maps: ("far", "near"), sideways: ("bottom", "top"), colored: ("blue", "red")}[kind]
    for name in names:
        (tmp_path / "photos" / name).mkdir(parents=True)
    kind(tmp_path / "photos")
    Path("net.net").write_text(NET, encoding="utf-8")
    assert run(["train", "net.net", "--runs", "runs", "--json"]) == 0
    assert run(["eval", "runs/net-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["test_accuracy"] == 1
    files = [str(path) for name in names for path in sorted(Path("photos", name).iterdir())[-12:]]
    assert run(["predict", "runs/net-1", *files, "--json"]) == 0
    found = [json.loads(line)["outputs"]["output"]["class"] for line in capsys.readouterr().out.splitlines()]
    assert found == [Path(file).parent.name for file in files]
