"""Segmentation as a user does it: folders of images and masks, a training, masks as files, a report, a server."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as oracle
from PIL import Image

import netspec
from netspec.analysis.quality.sections import quality_sections
from netspec.cli.main import run as command
from netspec.data.sources.synthetic import Shapes
from netspec.data.transforms.encoders import ImageEncoder
from netspec.data.transforms.mask_images import fitted_mask, mask_png, overlay, restored_mask
from netspec.interchange.writing.companion.main import described
from netspec.serving.http.messages import Request
from netspec.serving.models.served import Served
from netspec.serving.protocol.examples import predict_response, read_examples

ROOT = Path(__file__).parents[3]

SPEC = """
input 16x16x3
conv(8, 5x5, relu) -> conv(4, 1x1, softmax)
data {
    source  = masks("photos", "labels", size = 16x16, ignore = 255, colors = [0, 1, 2, 3], classes = NAMES)
    val     = 6
    class_weights = balanced
    augment = flip -> rotate(15) -> brightness(0.1)
}
train {
    epochs    = 2
    batch     = 8
    optimizer = adam(0.01)
    metrics   = accuracy -> iou -> iou(per_class)
}
""".replace("NAMES", '["background", "circle", "square", "triangle"]')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 30 images of 24 x 32 pixels, their masks, a spec and a run."""
    folder = tmp_path_factory.mktemp("segmentation")
    data = Shapes(examples=30, size=32).load(Path())
    for name in ("photos", "labels"):
        (folder / name).mkdir()
    pairs = zip(data.train.inputs["input"], data.train.targets["output"], strict=True)
    for number, (image, mask) in enumerate(pairs):
        mask[:2] = -1
        Image.fromarray(np.round(255 * image[:24]).astype(np.uint8)).save(folder / f"photos/{number}.png")
        (folder / f"labels/{number}_label.png").write_bytes(mask_png(mask[:24]))
    (folder / "s.net").write_text(SPEC)
    assert command(["train", str(folder / "s.net"), "--runs", str(folder / "runs")]) == 0
    return folder


def test_streamed_training_is_the_same(folder: Path) -> None:
    first = netspec.load(folder / "runs/s-1")
    (folder / "streamed.net").write_text(SPEC.replace("    val ", "    stream  = true\n    val "))
    result = netspec.train(folder / "streamed.net", runs=folder / "streamed")
    x = np.random.default_rng(0).uniform(0, 1, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(first(x)), np.asarray(result.model(x)))


def test_masks_as_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, photos, out = str(folder / "runs/s-1"), str(folder / "photos"), folder / "out"
    assert command(["predict", run, photos, "-o", str(out)]) == 0
    assert "30 masks of class ids in " in capsys.readouterr().out
    mask, over = Image.open(out / "7.png"), Image.open(out / "7_overlay.png")
    assert (mask.mode, mask.size, over.mode, over.size) == ("P", (32, 24), "RGB", (32, 24))
    predictions = netspec.predict(run, [str(folder / "photos/7.png")])
    assert predictions.masks.shape == (1, 16, 16) and predictions.probabilities.shape == (1, 16, 16, 4)
    assert predictions.class_names == ["background", "circle", "square", "triangle"]
    assert np.array_equal(predictions.masks, predictions.probabilities.argmax(axis=-1))
    enlarged = Image.fromarray(predictions.masks[0].astype(np.int32)).resize((32, 24), Image.Resampling.NEAREST)
    assert np.array_equal(np.asarray(mask), np.asarray(enlarged))
    assert command(["predict", run, photos, "-o", str(out)]) != 0
    assert "--force overwrites it" in capsys.readouterr().err
    assert command(["predict", run, photos, "-o", str(out), "--force"]) == 0


def test_masks_in_words_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, photo = str(folder / "runs/s-1"), str(folder / "photos/3.png")
    assert command(["predict", run, photo]) == 0
    assert re.search(r"background \d+\.\d%", capsys.readouterr().out)
    assert command(["predict", run, photo, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["outputs"]["output"]
    plain = json.loads(json.dumps(netspec.predict(run, [photo]).to_dicts()[0]))  # as a server sends it
    assert np.shape(shown["mask"]) == (16, 16) and shown["mask"] == plain["mask"]
    assert sum(shown["areas"].values()) == pytest.approx(1)
    assert command(["predict", run, str(folder / "photos"), "-o", str(folder / "areas.csv")]) == 0
    assert (folder / "areas.csv").read_text().startswith("file,background,circle,square,triangle\n")


def test_metrics_of_the_run_are_those_of_its_predictions(folder: Path) -> None:
    """On the whole folder, at the size of the network."""
    run = folder / "runs/s-1"
    data = netspec.compile(folder / "s.net").compilation.data.source.load(folder)
    y, decided = data.train.targets["output"], netspec.predict(run, data.train.inputs["input"]).masks
    found = netspec.evaluate(run, (data.train.inputs["input"], y))
    right, guess = y[y >= 0], decided[y >= 0]
    assert found["test_iou"] == pytest.approx(oracle.jaccard_score(right, guess, average="macro"))


def test_the_report_shows_masks(folder: Path) -> None:
    sections = {one.key: one.body for one in quality_sections(folder / "runs/s-1")}
    assert "IoU" in sections["classes"] and "triangle" in sections["classes"]
    assert sections["mistakes"].count("<img") == 4 * 6, "six test images: image, true, predicted, wrong"
    assert "the lowest IoU first" in sections["mistakes"]


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(40, 24), (24, 40), (30, 30)], ids=str)
def test_predicted_masks_are_restored_to_the_size_of_their_image(fit: str, size: tuple[int, int]) -> None:
    width, height = size
    mask = np.kron(np.arange(4).reshape(2, 2), np.ones((height // 2, width // 2))).astype(np.int32)
    encoder = ImageEncoder(20, 20, 3, fit)
    again = restored_mask(fitted_mask(mask, encoder), encoder, size)
    assert again.shape == mask.shape
    known = again >= 0
    assert (again[known] == mask[known]).mean() > 0.9
    assert known.all() == (fit != "crop" or width == height)


def test_masks_from_a_server(folder: Path) -> None:
    """As JSON, or as a PNG in the size of the network."""
    served = Served("s", "1", netspec.load(folder / "runs/s-1"))
    photo = (folder / "photos/5.png").read_bytes()
    raw = read_examples(Request("POST", "/", (), {"content-type": "image/png"}, False, photo), served)
    outputs = served.model.predictions(*raw.arrays.values())
    expected = netspec.predict(folder / "runs/s-1", [str(folder / "photos/5.png")]).masks[0]
    (shown,) = json.loads(predict_response(served, raw, outputs).body)["predictions"]
    assert shown["mask"] == expected.tolist() and shown["areas"].keys() == {
        "background",
        "circle",
        "square",
        "triangle",
    }
    picture = predict_response(served, raw, outputs, "image/png")
    assert picture.media_type == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.body))), expected)


def test_programs_that_are_exported_say_the_same(folder: Path) -> None:
    photo = str(folder / "photos/5.png")
    predictions = netspec.predict(folder / "runs/s-1", [photo])
    known = {"activation": "softmax", "blank": None, "targets": []}
    found = described(predictions.outputs["output"][0], known, predictions.class_names, 0.5)
    assert found == {key: predictions.to_dicts()[0][key] for key in ("mask", "areas")}


def test_overlays_color_all_classes_but_the_first() -> None:
    image, ids = np.full((2, 2, 1), 100, np.uint8), np.array([[0, 1], [2, -1]])
    shown = overlay(image, ids)
    assert (shown[0, 0] == 100).all() and (shown[1, 1] == 100).all()
    assert (shown[0, 1] != 100).any() and (shown[1, 0] != shown[0, 1]).any()


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/segmentation.md").read_text(), re.M | re.DOTALL)
    exec(block, {})


def test_unet_shapes(tmp_path: Path, long: bool) -> None:
    spec = ROOT / "specs/unet_shapes.net"
    assert list(netspec.check(spec)) == []
    if long:
        assert netspec.train(spec, runs=tmp_path).metrics["test_iou"] >= 0.9
