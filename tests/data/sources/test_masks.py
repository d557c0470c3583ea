"""The source `masks`: pairs by name, tables and COCO polygons; what the numbers of masks mean; what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from netspec.data.dataset.lazy_rows import read_all
from netspec.data.sources.masks.masks import Masks
from netspec.language.diagnostics import CompileError, Unplaced

SIZE = (12, 16)  # height x width


def ids_of(seed: int, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, SIZE).astype(np.uint8)


def write_images(folder: Path, names: list[str], size: tuple[int, int] = SIZE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(100 + number).integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)


def write_masks(folder: Path, masks: dict[str, np.ndarray], palette: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, ids in masks.items():
        image = Image.fromarray(ids)
        if palette:
            image.putpalette([*range(256)] * 3)
        image.save(folder / name)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_images(tmp_path / "images", ["a.png", "b.jpg", "c.png"])
    write_masks(tmp_path / "masks", {f"{name}.png": ids_of(i) for i, name in enumerate("abc")})
    return tmp_path


def fault(folder: Path, **options: Any) -> tuple[str, str]:
    """The code and the whole text of the mistake."""
    with pytest.raises(Unplaced) as caught:
        Masks(**options).load(folder)
    found = caught.value.diagnostic()
    return found.code, f"{found.message}; {found.hint_text}"


def test_pairs_by_name(pairs: Path) -> None:
    source = Masks(images="images", masks="masks")
    facts, data = source.facts(pairs), source.load(pairs)
    target = facts.targets["output"]
    assert (facts.inputs["input"].sizes, target.mask, target.classes) == ((12, 16, 3), SIZE, 3)
    assert target.names == ("0", "1", "2") and target.size == 12 * 16
    assert (data.train.targets["output"] == np.stack([ids_of(i) for i in range(3)])).all()
    expected = np.asarray(Image.open(pairs / "images/c.png"), np.float32) / 255
    assert np.array_equal(data.train.inputs["input"][2], expected)


def test_streamed_examples_equal_loaded_ones(pairs: Path) -> None:
    source = Masks(images="images", masks="masks", size=(8, 8))
    loaded, streamed = source.load(pairs), source.stream(pairs)
    assert streamed is not None
    for part in ("inputs", "targets"):
        for name, column in getattr(loaded.train, part).items():
            assert np.array_equal(column, read_all(getattr(streamed.train, part)[name]))


def test_common_endings_of_masks(tmp_path: Path) -> None:
    write_images(tmp_path / "x/city", ["1.png", "2.png"])
    write_masks(tmp_path / "y/city", {f"{i}_mask.png": ids_of(i) for i in (1, 2)})
    data = Masks(images="x", masks="y").load(tmp_path)
    assert np.array_equal(data.train.targets["output"], np.stack([ids_of(1), ids_of(2)]))
    assert list(data.rows or ()) == ["city/1.png", "city/2.png"]


def test_palettes_and_ignored_pixels(pairs: Path) -> None:
    ids = ids_of(0)
    ids[:2] = 255
    write_masks(pairs / "masks", {"a.png": ids}, palette=True)
    data = Masks(images="images", masks="masks", ignore=255, classes=("sky", "road", "car")).load(pairs)
    assert (data.train.targets["output"][0][:2] == -1).all()
    assert np.array_equal(data.train.targets["output"][0][2:], ids[2:])
    assert data.facts.targets["output"].names == ("sky", "road", "car")
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS647" and "`ignore = 255`" in text


def test_colors_become_ids(pairs: Path) -> None:
    colors = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255], [255, 255, 255]], np.uint8)
    ids = {f"{name}.png": ids_of(i, 4) for i, name in enumerate("abc")}
    write_masks(pairs / "masks", {name: colors[one] for name, one in ids.items()})
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS647" and '"#ff0000"' in text
    options = {"colors": ("#000000", "#0080ff", "#ff0000"), "ignore": "#ffffff"}
    data = Masks(images="images", masks="masks", **options).load(pairs)
    expected = np.array([0, 2, 1, -1])[np.stack([*ids.values()])]
    assert np.array_equal(data.train.targets["output"], expected)
    code, text = fault(pairs, images="images", masks="masks", colors=("#000000", "#ff0000"))
    assert code == "NS647" and "none of the classes" in text


def test_two_numbers_are_two_classes_with_a_warning(pairs: Path) -> None:
    write_masks(pairs / "masks", {f"{name}.png": ids_of(i, 2) * 255 for i, name in enumerate("abc")})
    source = Masks(images="images", masks="masks")
    assert {*np.unique(source.load(pairs).train.targets["output"]).tolist()} == {0, 1}
    (remark,) = source.remarks(pairs)
    assert remark.kind.code == "NS649" and "colors = [0, 255]" in remark.diagnostic().hint_text
    assert not Masks(images="images", masks="masks", colors=(0, 255)).remarks(pairs)


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_masks_are_resized_as_images_are(tmp_path: Path, fit: str) -> None:
    """Of an image that is its own mask, the resized image is near 0 or 1 where the mask says so."""
    shape = np.zeros((40, 60), np.uint8)
    shape[8:30, 12:50] = 1
    write_masks(tmp_path / "images", {"a.png": shape * 255})
    write_masks(tmp_path / "masks", {"a.png": shape})
    data = Masks(images="images", masks="masks", size=(30, 30), fit=fit).load(tmp_path)
    image, mask = data.train.inputs["input"][0, ..., 0], data.train.targets["output"][0]
    counted = mask >= 0
    assert np.abs(image - mask)[counted].mean() < 0.05 and {*np.unique(mask[counted]).tolist()} == {0, 1}
    assert (not counted.all()) == (fit == "pad")


def test_a_table_of_pairs(pairs: Path) -> None:
    (pairs / "t.csv").write_text("mask,image\nmasks/b.png,images/a.png\nmasks/a.png,images/c.png\n")
    data = Masks(images="t.csv").load(pairs)
    assert np.array_equal(data.train.targets["output"], np.stack([ids_of(1), ids_of(0)]))
    (pairs / "t.csv").write_text("mask,image\nmasks/x.png,images/a.png\n")
    code, text = fault(pairs, images="t.csv")
    assert code == "NS645" and "row 2" in text and "masks/x.png" in text
    (pairs / "t.csv").write_text("mask,picture\nmasks/b.png,images/a.png\n")
    assert fault(pairs, images="t.csv")[0] == "NS408"


def coco(images: list[str], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    pictures = [{"id": i, "file_name": n, "height": SIZE[0], "width": SIZE[1]} for i, n in enumerate(images)]
    return {
        "info": {"year": 2026},
        "images": pictures,
        "annotations": [{"id": i, "iscrowd": 0, "bbox": [], **one} for i, one in enumerate(annotations)],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    }


def test_polygons_of_coco(pairs: Path) -> None:
    square, runs = [2, 2, 9, 2, 9, 8, 2, 8], np.zeros(SIZE[::-1], int)
    runs[10:12, 3:6] = 1  # columns first
    lengths, last, values = [0], 0, runs.reshape(-1).tolist()
    for value in values:
        if value != last:
            lengths.append(0)
            last = value
        lengths[-1] += 1
    content = coco(
        ["a.png", "b.jpg"],
        [
            {"image_id": 0, "category_id": 7, "segmentation": [square]},
            {"image_id": 0, "category_id": 3, "segmentation": [[4, 4, 6, 4, 6, 6]]},
            {"image_id": 0, "category_id": 3, "iscrowd": 1, "segmentation": {"counts": lengths, "size": [*SIZE]}},
        ],
    )
    (pairs / "c.json").write_text(json.dumps(content))
    source = Masks(images="images", masks="c.json")
    data = source.load(pairs)
    first, second = data.train.targets["output"]
    drawn = Image.new("L", SIZE[::-1])
    ImageDraw.Draw(drawn).polygon([(2, 2), (9, 2), (9, 8), (2, 8)], fill=2)
    ImageDraw.Draw(drawn).polygon([(4, 4), (6, 4), (6, 6)], fill=1)
    expected = np.asarray(drawn).astype(int)
    expected[runs.T == 1] = -1
    assert np.array_equal(first, expected) and not second.any()
    assert data.facts.targets["output"].names == ("background", "cat", "dog")
    (remark,) = source.remarks(pairs)  # c.png is not listed
    assert remark.kind.code == "NS649" and "1 images" in remark.diagnostic().message


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"annotations": [{"image_id": 5, "category_id": 7}]}, "image 5"),
        ({"annotations": [{"image_id": 0, "category_id": 1}]}, "category 1"),
        ({"annotations": [{"image_id": 0, "category_id": 7, "segmentation": [[1, 2, 3]]}]}, "polygon"),
        (
            {"annotations": [{"image_id": 0, "category_id": 7, "segmentation": {"counts": "a", "size": [1, 1]}}]},
            "compr",
        ),
        ({"annotations": 3}, "annotations"),
        ({"images": []}, "no images"),
    ],
)
def test_damaged_coco_files(pairs: Path, change: dict[str, Any], text: str) -> None:
    (pairs / "c.json").write_text(json.dumps(coco(["a.png"], []) | change))
    code, found = fault(pairs, images="images", masks="c.json")
    assert code == "NS648" and text in found


def test_images_of_coco_that_are_missing(pairs: Path) -> None:
    (pairs / "c.json").write_text(json.dumps(coco(["aa.png"], [])))
    code, text = fault(pairs, images="images", masks="c.json")
    assert code == "NS645" and "did you mean `a.png`" in text
    (pairs / "c.json").write_text('{"images": [')
    assert fault(pairs, images="images", masks="c.json")[0] == "NS648"


def test_missing_partners(pairs: Path) -> None:
    (pairs / "masks/b.png").rename(pairs / "masks/bb.png")
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS645" and "b.jpg has no mask" in text and "did you mean `bb`?" in text
    write_images(pairs / "images", ["bb.png"])
    write_masks(pairs / "masks", {"b.png": ids_of(1), "d.png": ids_of(2)})
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS645" and "d.png has no image" in text


def test_what_is_refused(pairs: Path) -> None:
    assert fault(pairs, images="images", masks="mask")[0] == "NS401"
    write_masks(pairs / "masks", {"b.png": ids_of(1)[:, :9]})
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS646" and "b.png is 12x9" in text and "12x16" in text
    (pairs / "masks/b.png").write_bytes(b"no image")
    assert fault(pairs, images="images", masks="masks")[0] == "NS404"
    write_masks(pairs / "masks", {"b.png": ids_of(1) + 3})
    code, text = fault(pairs, images="images", masks="masks", classes=("a", "b", "c"))
    assert code == "NS647" and "3 classes" in text
    (pairs / "masks/b.png").unlink()
    write_masks(pairs / "masks", {"b.jpg": ids_of(1)})
    code, text = fault(pairs, images="images", masks="masks")
    assert code == "NS647" and "PNG" in text
    assert fault(pairs, images="images")[0] == "NS401"
    assert fault(pairs, images="images", masks="masks", test_masks="masks")[0] == "NS416"


def test_a_streamed_mask_that_changes(pairs: Path) -> None:
    data = Masks(images="images", masks="masks").stream(pairs)
    assert data is not None
    write_masks(pairs / "masks", {"b.png": ids_of(1) + 9})
    with pytest.raises(CompileError) as caught:
        read_all(data.train.targets["output"])
    assert caught.value.diagnostics[0].code == "NS647"
