"""Pictures of the inside of a network: their pixels are the numbers of the model."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import netspec
from netspec.analysis.inside.inputs import experiment_of
from netspec.cli.main import run
from netspec.display.pictures import Picture

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def images() -> netspec.Model:
    return netspec.compile("input 8x8x1\nconv(3, 3x3, relu) -> conv(2, 3x3) -> flatten -> dense(4, softmax)", seed=3)


@pytest.fixture(scope="module")
def plane() -> netspec.Model:
    return netspec.compile("input 2\ndense(6, tanh) -> dense(3, softmax)", seed=1)


def pixels(picture: Picture, form: str = "RGB") -> list[np.ndarray]:
    """The images in a picture without scales, as 8-bit colors; `RGBA` with their alpha channel."""
    found = []
    for element in ElementTree.fromstring(picture.svg).iter(f"{SVG}image"):
        if element.findtext(f"{SVG}title") == "scale":
            continue
        data = base64.b64decode(element.attrib["href"].partition(",")[2])
        image = Image.open(io.BytesIO(data))
        if form == "RGB" and image.mode == "RGBA":  # as on a white page
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        found.append(np.asarray(image.convert(form), float))
    return found


def headings(picture: Picture) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(picture.svg).iter(f"{SVG}text")]


def signed(colors: np.ndarray, end: float) -> np.ndarray:
    """The numbers that colors stand for: white is 0, blue is negative, orange positive."""
    amount = (255 - colors) / (255 - np.array([[0, 114, 178], [213, 94, 0]]).reshape(2, 1, 1, 3))
    is_blue = colors[..., 2] >= colors[..., 0]
    return end * np.where(is_blue, -amount[0].mean(axis=-1), amount[1].mean(axis=-1))


def test_filters_are_the_kernel(images: netspec.Model) -> None:
    kernel = np.asarray(images.module.conv.kernel[...])[:, :, 0]
    shown = pixels(images_look := netspec.look(images).filters("conv"))
    assert len(shown) == 3 and f"{-abs(kernel).max():.3g}" in headings(images_look)
    for i, colors in enumerate(shown):
        np.testing.assert_allclose(signed(colors, abs(kernel).max()), kernel[..., i], atol=0.02 * abs(kernel).max())


def test_filters_of_several_channels_are_apart_and_colors_are_colors(images: netspec.Model) -> None:
    second = netspec.look(images).filters("conv_2")
    kernel = np.asarray(images.module.conv_2.kernel[...])
    assert len(pixels(second)) == 6 and "2, channel 3" in headings(second)
    np.testing.assert_allclose(signed(pixels(second)[4], abs(kernel).max()), kernel[:, :, 1, 1], atol=0.01)
    colors = netspec.compile("input 8x8x3\nconv(2, 3x3) -> gap -> dense(2, softmax)")
    first = pixels(netspec.look(colors).filters())[0]
    weights = np.asarray(colors.module.conv.kernel[...])[..., 0]
    np.testing.assert_allclose(first, 127.5 * (1 + weights / abs(weights).max()), atol=0.51)


def test_maps_are_the_activations(images: netspec.Model) -> None:
    x = np.random.default_rng(0).random((8, 8, 1)).astype(np.float32)
    first, *shown = pixels(netspec.look(images).maps(x))
    np.testing.assert_allclose(first[..., 0], 255 * (x[..., 0] - x.min()) / (x.max() - x.min()), atol=0.51)
    assert len(shown) == 3 + 2 + 1  # `flatten` only moves numbers
    conv = images.activations(x, "conv")[0]
    low, high = conv.min(), conv.max()
    for channel in range(3):
        np.testing.assert_allclose(shown[channel][..., 0], 255 * (conv[..., channel] - low) / (high - low), atol=0.51)
    dense = images.activations(x, "dense")[0]
    np.testing.assert_allclose(shown[5][0, :, 0], 255 * (dense - dense.min()) / (dense.max() - dense.min()), atol=0.51)
    assert len(pixels(netspec.look(images).maps(x, "conv_2"))) == 2


def test_maps_of_an_example_of_the_test_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = "input 8x8x1\nconv(2, 3x3) -> gap -> dense(classes, softmax)\ndata { source = digits\nnormalize = standard }"
    trained = netspec.train(spec, runs=tmp_path, epochs=1, verbose=0)
    look = netspec.look(trained.run)
    index = experiment_of(look.model).splits.test_index
    assert index is not None
    x = load_digits().images[index[3], ..., None] / 16
    assert pixels(look.maps(example=3))[0].tolist() == pixels(look.maps(x.astype(np.float32)))[0].tolist()
    arguments = ["look", str(trained.run), "maps", "conv", "--example", "3", "-o", str(tmp_path / "maps.svg")]
    assert run(arguments) == 0 and (tmp_path / "maps.svg").read_text() == look.maps(layers="conv", example=3).svg
    assert "example 3 of the test split" in (tmp_path / "maps.svg").read_text()


def test_long_vectors_and_sequences_are_shown_whole() -> None:
    model = netspec.compile("input 12 tokens(9)\nembedding(70) -> dense(5) -> mean_pool -> dense(130)")
    shown = pixels(netspec.look(model).maps(np.arange(12) % 9))
    assert [image.shape[:2] for image in shown] == [(70, 12), (5, 12), (1, 5), (3, 60)]


def test_weights_have_the_shape_of_the_image(images: netspec.Model) -> None:
    model = netspec.compile("input 4x6x1\nflatten -> dense(3) -> dense(2)")
    kernel = np.asarray(model.module.dense.kernel[...])
    shown = pixels(netspec.look(model).weights())
    assert len(shown) == 3
    np.testing.assert_allclose(
        signed(shown[2], abs(kernel).max()), kernel[:, 2].reshape(4, 6), atol=0.02 * abs(kernel).max()
    )


@pytest.mark.parametrize("hidden", [3, 16, 300])
def test_weights_of_a_layer_that_reads_a_vector_are_a_matrix(hidden: int) -> None:
    """16 hidden units are no image of 4x4."""
    model = netspec.compile(f"input 4x6x1\nflatten -> dense({hidden}, relu) -> dense(2)")
    kernel, picture = np.asarray(model.module.dense_2.kernel[...]), netspec.look(model).weights("dense_2")
    assert "a row for each unit, a column for each input" in picture.svg
    shown = {*re.findall(r">(-?\d\.\d\d)<", picture.svg)}
    assert {f"{number:.2f}" for number in kernel.ravel()} <= shown or hidden > 8
    assert ("256 of 300 inputs" in picture.svg) == (hidden == 300)
    (colors,) = pixels(picture)
    assert colors.shape[:2] == (2, min(hidden, 256))


def test_blocks_are_shown_where_they_are_named() -> None:
    """A block gives what its last layer gives, which all layers have already."""
    model = netspec.compile("def pair = conv(2, 3x3) -> relu\ninput 4x4x1\npair -> gap -> dense(2)")
    x = np.random.default_rng(1).random((4, 4, 1)).astype(np.float32)
    look = netspec.look(model)
    shown = [text.split(":")[0] for text in headings(look.maps(x)) if ": " in text]
    assert shown == ["network", "input x", "pair/conv", "pair/relu", "gap", "dense"]
    assert pixels(look.maps(x, "pair"))[1].tolist() == pixels(look.maps(x, "pair/relu"))[1].tolist()


def test_regions_have_the_color_of_the_prediction(plane: netspec.Model) -> None:
    points = np.array([[-2.0, -1.0], [2.0, 3.0], [0.5, 0.5]])
    picture = netspec.look(plane).regions(points, [0, 1, 2])
    (colors,) = pixels(picture)
    across, along = np.linspace(-2.4, 2.4, 120), np.linspace(-1.4, 3.4, 120)
    blue, orange, green = np.array([[0, 114, 178], [213, 94, 0], [0, 158, 115]], float)
    for i, j in ((0, 0), (119, 5), (60, 60), (17, 101)):
        winner = int(plane(np.array([[across[j], along[i]]], np.float32)).argmax())
        shade = 255 - colors[119 - i, j]  # rows go down, the second input goes up
        wanted = 255 - [blue, orange, green][winner]
        assert shade @ wanted >= 0.995 * np.linalg.norm(shade) * np.linalg.norm(wanted)
    markers = re.findall(r'<title>(\d)</title><path class="stripe outline" d="([^"]*)"', picture.svg)
    assert [(name, path.count("M")) for name, path in markers] == [("0", 1), ("1", 1), ("2", 1)]


def test_what_a_network_does_not_have(images: netspec.Model, plane: netspec.Model) -> None:
    with pytest.raises(ValueError, match=r"no `cnv` among the convolutions of images, did you mean `conv`\?"):
        netspec.look(images).filters("cnv")
    with pytest.raises(ValueError, match="the network has no convolutions of images"):
        netspec.look(plane).filters()
    with pytest.raises(ValueError, match="one input of two numbers"):
        netspec.look(images).regions()
    with pytest.raises(ValueError, match="gives numbers, not classes"):
        netspec.look(netspec.compile("input 2\ndense(1)")).regions()


@pytest.mark.parametrize(("form", "begin"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_command(tmp_path: Path, form: str, begin: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    trained = str(
        netspec.train("input 2\ndense(2, softmax)", (x, x.argmax(axis=1)), runs=tmp_path, epochs=1, verbose=0).run
    )
    for what, more in (("regions", []), ("maps", ["--input", "0.5,1"])):
        assert run(["look", trained, what, *more, "-o", str(tmp_path / f"{what}.{form}")]) == 0
        assert (tmp_path / f"{what}.{form}").read_bytes().startswith(begin)
    for arguments, words in (
        (["maps"], "trained on arrays"),
        (["maps", "--input", "0.5,1", "--example", "1"], "not both"),
        (["filters"], "error: the network has no convolutions of images\n"),
        (["attention", "--input", "missing.png"], "error: the network has no attention layers\n"),
        (["grad-cam", "--input", "missing.png"], "error: "),
        (["gradcam"], "did you mean `grad-cam`?"),
        (["saliency", "--input", "0.5,1", "--class", "7"], "error: no class `7`, the classes are: 0, 1\n"),
        (["regions", "dense"], "`regions` takes no layer"),
        (["regions", "-o", "a.gif"], "-o takes a name that ends in .svg"),
    ):
        capsys.readouterr()
        assert run(["look", trained, *arguments]) == 1
        assert words in capsys.readouterr().err


def test_an_image_of_another_size_is_resized_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((40, 8, 8, 1)).astype(np.float32)
    spec = "input 8x8x1\nflatten -> dense(2, softmax)"
    trained = netspec.train(spec, (x, np.arange(40) % 2), runs=tmp_path / "runs", epochs=1, verbose=0).run.name
    for name, size in (("fl.png", (64, 48)), ("same.png", (8, 8)), ("b.png", (9, 8))):
        Image.new("L", size, 99).save(name)
    look = ["look", trained, "saliency", "--input"]
    for command, output in ((["predict", trained], ""), (look, f"{trained}-saliency")):
        assert run([*command, "same.png"]) == 0 and "resized" not in capsys.readouterr().err
        assert run([*command, "fl.png"]) == 0
        assert "warning[NS568]: fl.png: 64x48 is resized to 8x8\n" in capsys.readouterr().err
        assert not output or {Path(f"{output}-{name}.svg").exists() for name in ("same", "fl")} == {True}
    assert run(["predict", trained, "fl.png", "same.png", "b.png"]) == 0
    assert capsys.readouterr().err.startswith("warning[NS568]: fl.png and 1 more are resized: 64x48 to 8x8\n")
    with pytest.warns(UserWarning, match="image 1: 64x48 is resized to 8x8"):
        netspec.predict(trained, Image.open("fl.png"))
