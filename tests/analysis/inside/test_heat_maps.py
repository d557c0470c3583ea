"""Pictures of attributions: their colors are the numbers, and the command writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.attribution import grad_cam, integrated_gradients
from netspec.cli.main import run
from netspec.data.predict.preprocessing import Preprocessing
from netspec.display.charts.inside.heat import heat_colors, outline
from tests.analysis.test_look import headings, pixels

SPEC = """\
input 3x3x1
conv(3, 2x2, relu) -> flatten -> dense(4, softmax)
data { source = four_shapes }
train { epochs = 2 }
"""


@pytest.fixture(scope="session")
def shapes_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(netspec.train(SPEC, runs=tmp_path_factory.mktemp("runs"), verbose=0).run)


def test_zero_is_the_page_and_colors_become_stronger_on_light_and_dark() -> None:
    for tone in ("positive", "negative"):
        ramp = heat_colors(np.linspace(0, 2, 50)[None], 2.0, tone)[0].astype(float)
        assert ramp[0, 3] == 0 and ramp[-1, 3] == 255
        for page, sign in ((255, -1), (20, 1)):
            shown = page + ramp[:, 3:] / 255 * (ramp[:, :3] - page)
            assert (sign * np.diff(shown @ [0.2126, 0.7152, 0.0722]) > 0).all()


def test_the_colors_of_a_map_are_those_of_its_bar(convolutions: netspec.Model) -> None:
    x = np.random.default_rng(5).random((1, 8, 6, 2)).astype(np.float32)
    images = pixels(netspec.look(convolutions).integrated_gradients(x, 1), "RGBA")
    maps = [image for image in images if image.shape[:2] == (8, 6)][1:]
    bars = [image for image in images if image.shape[0] == 1]
    assert len(maps) == len(bars) == 2
    for colors, bar in zip(maps, bars, strict=True):
        assert bar[..., 3].min() == 0 and bar[..., 3].max() == colors[..., 3].max()
        assert {tuple(color) for color in colors.reshape(-1, 4)[:, :3]} == {tuple(bar[0, 0, :3])}


def test_the_outline_is_between_bright_and_dark_pixels() -> None:
    image = np.array([[0, 0, 0], [0, 255, 0], [0, 0, 0]], np.uint8)
    path = outline(image, 10, 20, (30.0, 30.0))
    assert sorted(path.split("M")[1:]) == ["20.0 30.0h10.0", "20.0 30.0v10.0", "20.0 40.0h10.0", "30.0 30.0v10.0"]


def test_the_darkest_pixels_are_the_largest_numbers(convolutions: netspec.Model) -> None:
    x = np.random.default_rng(5).random((2, 8, 6, 2)).astype(np.float32)
    look = netspec.look(convolutions)
    cam = grad_cam(convolutions, x, 1)
    shown = [image for image in pixels(look.grad_cam(x, 1), "RGBA") if image.shape[:2] == (8, 6)]
    assert len(shown) == 4  # two examples, each with its map beside it
    for colors, values in zip(shown[1::2], cam, strict=True):
        if values.max() > 0:
            assert colors[np.unravel_index(values.argmax(), values.shape)][3] == 255
    picture = look.integrated_gradients(x[:1], 1)
    values = integrated_gradients(convolutions, x[:1], 1)[0].sum(axis=-1)
    against = [image for image in pixels(picture, "RGBA") if image.shape[:2] == (8, 6)][2]
    assert (against[values > 0][:, 3] == 0).all()
    assert any(f"sum = {values.sum():.3g}"[:10] in text for text in headings(picture))


def test_columns_of_a_table_have_bars() -> None:
    model = netspec.compile("input 3\ndense(2, softmax)", seed=2)
    model.preprocessing = Preprocessing(columns={"x": ("age", "price", "size")})
    kernel = np.asarray(model.module.dense.kernel[...])[:, 1]
    svg = netspec.look(model).integrated_gradients(np.array([[2.0, 0.5, 1.0]]), 1).svg
    for name, number, value in zip(("age", "price", "size"), (2, 0.5, 1), kernel, strict=True):
        assert f"<title>{name} = {number:g}: {number * value:.4g}</title>" in svg


def test_tokens_are_shaded(tokens: netspec.Model) -> None:
    ids = np.array([[3, 1, 6, 0, 2, 5]])
    values = integrated_gradients(tokens, ids, 2)[0]
    picture = netspec.look(tokens).integrated_gradients(ids, 2)
    for one, value in zip(ids[0], values, strict=True):
        assert f"<title>{one}: {value:.4g}</title>" in picture.svg
        assert f'fill-opacity="{0.55 * abs(value) / abs(values).max():.3f}"' in picture.svg
    picture.content("pdf")


@pytest.mark.parametrize(
    "arguments",
    [
        ["saliency"],
        ["integrated-gradients", "--example", "2", "--class", "O"],
        ["grad-cam", "conv"],
        ["occlusion", "--size", "2", "--step", "1"],
        ["activations"],
        ["maximize", "--steps", "2", "--units", "2", "--seed", "1"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_command(shapes_run: str, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for form, begin in (("svg", b"<svg"), ("png", b"\x89PNG")):
        path = tmp_path / f"a.{form}"
        assert run(["look", shapes_run, *arguments, "-o", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["picture"] == str(path)
        assert path.read_bytes().startswith(begin)


def test_mistakes_in_the_command(shapes_run: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["saliency", "--class", "cat"], "no class `cat`"),
        (["saliency", "--size", "3"], "--size is for occlusion"),
        (["saliency", "--input", "a.png", "--example", "1"], "not both"),
        (["saliency", "--example", "100000"], "the test split has"),
        (["saliency", "conv"], "`saliency` takes no layer"),
        (["grad-cam", "cnv"], "did you mean `conv`?"),
        (["occlusion", "--size", "4"], "the patch is from 1 to 3 pixels, not 4"),
        (["maximize", "cnv"], "did you mean `conv`?"),
        (["grad-cam", "--input", "missing.png"], "error[NS"),
    ):
        capsys.readouterr()
        assert run(["look", shapes_run, *arguments]) == 1
        assert words in capsys.readouterr().err
