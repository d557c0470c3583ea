"""Images in folders: classes, sizes, and what is said about files that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from netspec.data.dataset.dataset import Target
from netspec.data.dataset.options import Channels, PictureSize
from netspec.data.sources.image_folder import Images
from netspec.data.transforms.encoders import Encoder, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from netspec.language.values import Extent
from netspec.language.word import Mismatch
from tests.data.files import code_and_text, write


def picture(path: Path, size: tuple[int, int] = (4, 6), value: Any = (255, 0, 0), mode: str = "RGB") -> Path:
    """An image of height x width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), value).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two cats and three dogs under `photos`."""
    for name in ("cat/b.png", "cat/a.png", "dog/1.png", "dog/2.bmp", "dog/3.JPG"):
        picture(tmp_path / "photos" / name)
    write(tmp_path / "photos" / "cat" / "notes.txt", "no image")
    picture(tmp_path / "photos" / ".cache" / "x.png")
    return tmp_path


def test_a_folder_for_each_class(photos: Path) -> None:
    source = Images(folder="photos")
    facts, data = source.facts(photos), source.load(photos)
    assert facts == data.facts
    assert facts.inputs == {"input": Shape((4, 6, 3))}
    assert facts.targets["output"] == Target.of_classes(("cat", "dog"))
    assert facts.examples == len(data.train) == 5
    assert data.train.targets["output"].tolist() == [0, 0, 1, 1, 1]
    assert data.train.inputs["input"][0, 0, 0].tolist() == [1, 0, 0]
    assert [data.where(i) for i in (0, 4)] == ["photos image cat/a.png", "photos image dog/3.JPG"]


@pytest.mark.parametrize(("channels", "pixel"), [(1, [76 / 255]), (3, [1, 0, 0]), (4, [1, 0, 0, 1])])
def test_channels_and_size_are_as_asked_for(photos: Path, channels: int, pixel: list[float]) -> None:
    source = Images(folder="photos", size=(2, 3), channels=channels)
    assert source.facts(photos).inputs["input"] == Shape((2, 3, channels))
    assert source.load(photos).train.inputs["input"][0, 1, 2].tolist() == pytest.approx(pixel, abs=1e-6)


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    picture(tmp_path / "p/a/1.png", value=51, mode="L")
    data = Images(folder="p").load(tmp_path)
    assert data.facts.inputs["input"] == Shape((4, 6, 1))
    assert data.train.inputs["input"].max() == pytest.approx(0.2)


@pytest.mark.parametrize(("fit", "corner", "middle"), [("stretch", 1, 1), ("crop", 1, 1), ("pad", 0, 1)])
def test_other_proportions(tmp_path: Path, fit: str, corner: int, middle: int) -> None:
    picture(tmp_path / "p/a/1.png", (4, 8), 255, "L")
    x = Images(folder="p", size=(8, 8), fit=fit).load(tmp_path).train.inputs["input"]
    assert (x[0, 0, 0, 0], x[0, 4, 4, 0]) == (corner, middle)


def test_images_without_classes(tmp_path: Path) -> None:
    picture(tmp_path / "p/1.png")
    picture(tmp_path / "p/2.png")
    source = Images(folder="p")
    assert source.facts(tmp_path).targets == source.load(tmp_path).train.targets == {}


def test_a_folder_for_the_test(photos: Path) -> None:
    picture(photos / "test/cat/1.png")
    picture(photos / "test/dog/1.png")
    data = Images(folder="photos", test="test").load(photos)
    assert data.facts.has_test
    assert data.test.targets["output"].tolist() == [0, 1]
    assert data.where(1, "test") == "test image dog/1.png"


def test_the_encoder_goes_to_json_and_back() -> None:
    encoder = ImageEncoder(4, 6, 3, "crop")
    assert msgspec.json.decode(msgspec.json.encode(encoder), type=Encoder) == encoder


@pytest.mark.parametrize(("typed", "kept"), [(Extent((4, 6)), (4, 6)), (8, (8, 8))])
def test_sizes(typed: object, kept: tuple[int, int]) -> None:
    assert PictureSize().accept(typed) == kept


@pytest.mark.parametrize("wrong", [Extent((4, 6, 3)), 0, 2.5, "4x6", True])
def test_no_sizes(wrong: object) -> None:
    with pytest.raises(Mismatch, match="height x width"):
        PictureSize().accept(wrong)
    with pytest.raises(Mismatch, match="1, 3 or 4"):
        Channels().accept(wrong)


# ---------------------------------------------------------------- mistakes


def fail(home: Path, act: str = "facts", **options: Any) -> tuple[str, str, str | None]:
    source = Images(**({"folder": "photos"} | options))
    with pytest.raises(Unplaced) as caught:
        getattr(source, act)(home)
    return *code_and_text(caught.value), caught.value.option


def test_no_such_folder(photos: Path) -> None:
    code, text, option = fail(photos, folder="fotos")
    assert (code, option) == ("NS401", "folder")
    assert "folders in" in text and "photos" in text
    assert "it is a file" in fail(photos, folder="photos/cat/notes.txt")[1]


def test_nothing_in_it(photos: Path) -> None:
    (photos / "empty").mkdir()
    code, text, _ = fail(photos, folder="empty")
    assert code == "NS427" and "has no images in it" in text and ".png" in text
    (photos / "photos" / "fish").mkdir()
    code, text, _ = fail(photos)
    assert code == "NS427" and "fish is a class without images" in text


def test_parts_are_no_classes(photos: Path) -> None:
    for part in ("Train", "test", "val"):
        picture(photos / "parts" / part / "cat" / "1.png")
    code, text, _ = fail(photos, folder="parts/")
    assert code == "NS427"
    assert '`images("parts/Train", test = "parts/test")`' in text


def test_other_classes_in_the_test(photos: Path) -> None:
    picture(photos / "test/cat/1.png")
    code, text, option = fail(photos, "load", test="test")
    assert (code, option) == ("NS427", "test")
    assert "has no class `dog`" in text
    picture(photos / "test/dog/1.png")
    picture(photos / "test/cow/1.png")
    assert "has a class `cow`" in fail(photos, "load", test="test")[1]


def test_images_of_several_sizes(photos: Path) -> None:
    picture(photos / "photos/dog/4.png", (8, 8))
    picture(photos / "photos/dog/5.png", (9, 8))
    code, text, _ = fail(photos, "load")
    assert code == "NS428"
    assert "dog/4.png is 8x8, but cat/a.png is 4x6" in text
    assert "2 of 7 images" in text and "`size = 4x6`" in text
    assert len(Images(folder="photos", size=(4, 4)).load(photos).train) == 7


def test_damaged_images_are_told_together(photos: Path) -> None:
    whole = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    Image.fromarray(whole).save(photos / "photos/cat/c.png")
    content = (photos / "photos/cat/c.png").read_bytes()
    (photos / "photos/cat/c.png").write_bytes(content[:60])
    write(photos / "photos/dog/4.png", "hello")
    code, text, option = fail(photos, "load")
    assert (code, option) == ("NS404", "folder")
    assert "cat/c.png, dog/4.png" in text
    write(photos / "photos/cat/a.png", "hello")  # the first one says what size they have
    code, text, _ = fail(photos)
    assert code == "NS404" and "cat/a.png is not a valid image file" in text
