"""Images in folders: classes, sizes, and what is said about files that are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from netspec.data.dataset.dataset import Dataset, Target
from netspec.data.dataset.options import Channels, PictureSize
from netspec.data.sources.images.image_folder import Images
from netspec.data.transforms.encoders import Encoder, ImageEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from netspec.language.values import Extent
from netspec.language.word import Mismatch
from tests.data.files import code_and_text, write
from tests.data.image_files import png_head, write_tiff


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


# ---------------------------------------------------------------- colors, depth, order


def remarks(folder: Path, **options: Any) -> list[tuple[str, str]]:
    source = Images(folder="p", **options)
    source.facts(folder)
    return [(r.kind.code, code_and_text(r)[1]) for r in source.remarks(folder)]


def test_the_richest_image_decides_the_colors(tmp_path: Path) -> None:
    """The first one is gray, three of four are not."""
    picture(tmp_path / "p/a/1.png", value=51, mode="L")
    for name in ("a/2.png", "b/1.png", "b/2.png"):
        picture(tmp_path / "p" / name, value=(255, 0, 51))
    source = Images(folder="p")
    data = source.load(tmp_path)
    assert source.facts(tmp_path) == data.facts
    assert data.facts.inputs["input"] == Shape((4, 6, 3))
    assert data.train.inputs["input"][:, 0, 0].tolist() == [
        pytest.approx([0.2] * 3),
        *[pytest.approx([1, 0, 0.2])] * 3,
    ]
    ((code, text),) = remarks(tmp_path)
    assert code == "NS518" and "(1 gray, 3 RGB): all are read as RGB" in text and "`channels = 1` for gray" in text
    assert remarks(tmp_path, channels=1) == []
    picture(tmp_path / "p/b/3.png", value=(1, 2, 3, 4), mode="RGBA")
    assert Images(folder="p").load(tmp_path).facts.inputs["input"] == Shape((4, 6, 4))


def test_colors_of_the_test_images_count_too(photos: Path) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        picture(photos / "p" / name, value=9, mode="L")
        picture(photos / "test" / name)
    data = Images(folder="p", test="test").load(photos)
    assert data.train.inputs["input"].shape[-1] == data.test.inputs["input"].shape[-1] == 3
    assert remarks(photos, test="test")[0][0] == "NS518"


def test_a_rich_image_that_was_not_looked_at(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.sources.images.image_survey.MAX_HEADS", 2)
    for name in ("a", "b", "c", "d"):
        picture(photos / f"gray/{name}/1.png", value=9, mode="L")
    picture(photos / "gray/d/2.png")
    source = Images(folder="gray")
    assert source.facts(photos).inputs["input"] == Shape((4, 6, 1))
    code, text, _ = fail(photos, "load", folder="gray")
    assert code == "NS519" and "d/2.png is RGB, but the images that were looked at before are gray" in text
    assert Images(folder="gray", channels=1).load(photos).facts.inputs["input"] == Shape((4, 6, 1))


def test_numbers_that_are_not_scaled_are_told(tmp_path: Path) -> None:
    (tmp_path / "p/a").mkdir(parents=True)
    for index, high in enumerate((1.0, 0.5)):
        write_tiff(tmp_path / f"p/a/{index}.tif", np.array([[0, high]], np.float32))
    assert remarks(tmp_path) == []
    write_tiff(tmp_path / "p/a/2.tif", np.array([[-3.5, 4000]], np.float32))
    ((code, text),) = remarks(tmp_path)
    assert code == "NS520" and "3 of 3 images hold floats or 32-bit integers from -3.5 to 4000" in text
    assert Images(folder="p").load(tmp_path).train.inputs["input"][2, 0, :, 0].tolist() == [-3.5, 4000]
    stream = Images(folder="p").stream(tmp_path)
    assert stream is not None and stream.train.inputs["input"].bounds is None, "their numbers are checked"


def test_only_the_first_page_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "p/a/1.png")
    pages = [Image.new("RGB", (6, 4), (value, 0, 0)) for value in (51, 102)]
    pages[0].save(tmp_path / "p/a/2.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "p/a/3.gif", save_all=True, append_images=pages[1:])
    ((code, text),) = remarks(tmp_path)
    assert code == "NS521" and "2 of 3 images have several frames or pages" in text and "2.tif" in text
    assert Images(folder="p").load(tmp_path).train.inputs["input"][1, 0, 0].tolist() == pytest.approx([0.2, 0, 0])


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    for name in range(27):
        picture(tmp_path / f"p/{name}/1.png", (1, 1), (name, 0, 0))
    data = Images(folder="p").load(tmp_path)
    assert data.facts.targets["output"].names == tuple(map(str, range(27)))
    assert data.train.targets["output"].tolist() == [*range(27)]
    assert (data.train.inputs["input"][:, 0, 0, 0] * 255).round().tolist() == [*range(27)]
    picture(tmp_path / "p/x/1.png", (1, 1))
    assert Images(folder="p").facts(tmp_path).targets["output"].names[:3] == ("0", "1", "10")  # type: ignore[index]
    picture(tmp_path / "q/-2/1.png")
    picture(tmp_path / "q/010/1.png")
    picture(tmp_path / "q/9/1.png")
    assert Images(folder="q").facts(tmp_path).targets["output"].names == ("-2", "9", "010")


def test_a_run_of_an_earlier_version_reads_them_as_it_did(tmp_path: Path) -> None:
    for name in ("2", "10"):
        picture(tmp_path / f"p/{name}/1.png", value=9, mode="L")
    picture(tmp_path / "p/2/2.png", value=(255, 0, 51))
    source = Images(folder="p")
    data = source.load(tmp_path)
    assert (data.facts.targets["output"].names, data.facts.inputs["input"]) == (("2", "10"), Shape((4, 6, 3)))
    assert source.as_of_run(data.encoder).load(tmp_path).facts == data.facts
    before = msgspec.json.decode(b'{"kind": "images", "height": 4, "width": 6, "channels": 1}', type=Encoder)
    old = source.as_of_run(before).load(tmp_path)
    assert isinstance(old, Dataset)
    assert (old.facts.targets["output"].names, old.facts.inputs["input"]) == (("10", "2"), Shape((4, 6, 1)))


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
    for part in ("train", "val"):
        picture(photos / "two" / part / "cat" / "1.png")
    code, text, _ = fail(photos, folder="two", size=(8, 9), fit="crop")
    assert '`images("two/train", size = 8x9, fit = crop, test = "two/val")`' in text


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
    for act in ("facts", "load"):
        code, text, _ = fail(photos, act)
        assert code == "NS428"
        assert "dog/4.png is 8x8, but cat/a.png is 4x6" in text
        assert "2 of 7 images" in text and "`size = 4x6`" in text
    for number in range(6, 30):  # no size is that of most images
        picture(photos / f"photos/dog/{number}.png", (50 + number, 86 - number))
    assert "`size = 64x64`" in fail(photos, "facts")[1]
    assert len(Images(folder="photos", size=(4, 4)).load(photos).train) == 31


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


def test_pipes_and_huge_images(photos: Path) -> None:
    os.mkfifo(photos / "photos/dog/4.png")
    for act in ("facts", "load"):
        code, text, _ = fail(photos, act)
        assert code == "NS404" and "dog/4.png" in text and "it is a named pipe, not a file" in text
    (photos / "photos/dog/4.png").unlink()
    (photos / "photos/dog/4.png").write_bytes(png_head(50_000, 50_000))
    code, text, _ = fail(photos)
    assert code == "NS404" and "it has 2,500 megapixels, and the limit is 89 megapixels" in text
    assert "NETSPEC_MAX_IMAGE_MEGAPIXELS" in text


def test_the_size_of_the_test_images(photos: Path) -> None:
    picture(photos / "test/cat/1.png")
    picture(photos / "test/dog/1.png", (6, 4))
    code, text, option = fail(photos, test="test")
    assert (code, option) == ("NS428", "test") and "dog/1.png is 6x4, but cat/a.png is 4x6" in text
