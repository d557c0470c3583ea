"""Mistakes in tables and in folders of images: what the hints of a spec say, and what they must not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import netspec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for i in range(8):
        file = folder / f"pets/{('cat', 'dog')[i % 2]}/{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (58 + 3 * i, 52), (20 * i, 90, 10)).save(file)
    return folder


def check(spec: str, folder: Path) -> tuple[str, str]:
    """The codes of the problems, and their texts."""
    (folder / "x.net").write_text(spec)
    found = list(netspec.check(folder / "x.net"))
    return " ".join(p.code for p in found), "\n".join(f"{p.message}\n{p.label_text}\n{p.hint_text}" for p in found)


IMAGES = "input 64x64x3\n\ngap -> dense(2, softmax)\n\ndata {{ source = {} }}\n"


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        ('images("pets")', "NS428", "`size = 64x64`"),
        ('images("pets", size = 64x64)', "", ""),
        ('images("pets", size = 64x64, test_split = 0.2)', "NS202", "write `test = 0.2` on its own line in `data`"),
        ('images("pets", size = 64x64, batch_size = 8)', "NS202", "write `batch = 8` on its own line in `train`"),
        ('images("pets", size = 64x64, shuffle = False)', "NS202", "write `shuffle = false` on its own line"),
        ('images("pets", size = 64x64, test = 20%)', "NS206", "write `test = 20%` on its own line in `data`"),
        ('images("pets", test = 0.2)', "NS206", "write `test = 0.2` on its own line in `data`"),
    ],
)
def test_images(source: str, code: str, hint: str, folder: Path) -> None:
    codes, text = check(IMAGES.format(source), folder)
    assert codes == code and hint in text and '"0.2"' not in text, text


def test_numbers_never_become_names_of_files(folder: Path) -> None:
    for source in ("images(12)", 'csv("a.csv", target = "b", test = 0.25)', "npz(7)", 'csv(3, target = "a")'):
        _, text = check(IMAGES.format(source), folder)
        assert not [number for number in ("12", "0.25", "7", "3") if f'"{number}"' in text], text
