"""`netspec predict -o picture`: images that a network gives, and what the terminal says of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netspec.cli.main import run
from netspec.cli.render.prediction_images import image_text, is_image, limits, picture_of


def predictions(images: Any) -> Any:
    """What `netspec.predict` returns for a network with one output."""
    examples = [{"input": f"in_{i}.png", "outputs": {"output": {"values": v.tolist()}}} for i, v in enumerate(images)]
    return SimpleNamespace(outputs={"output": images}, examples=examples)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_image_is_written_pixel_by_pixel(channels: int, tmp_path) -> None:
    images = np.random.default_rng(0).random((1, 5, 7, channels)).astype(np.float32)
    content, text = picture_of(predictions(images), "png")
    (tmp_path / "out.png").write_bytes(content)
    pixels = np.asarray(Image.open(tmp_path / "out.png"))
    wanted = images[0, ..., 0] if channels == 1 else images[0]
    assert pixels.shape == wanted.shape and np.abs(pixels / 255 - wanted).max() <= 0.5 / 255 + 1e-6
    assert text == "an image of 5x7 pixels, black is 0 and white 1"


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_several_are_a_sheet(form: str) -> None:
    content, text = picture_of(predictions(np.zeros((70, 8, 8, 3), np.float32)), form)
    assert content[:4] in (b"\x89PNG", b"<?xm", b"%PDF")
    assert text == "the first 64 of 70 images of 8x8 pixels, black is 0 and white 1"


def test_black_and_white() -> None:
    assert limits(np.asarray([0.2, 0.7])) == (0, 1)
    assert limits(np.asarray([-0.02, 1.3])) == (0, 1)  # a linear layer that was trained on 0 to 1
    assert limits(np.asarray([3.0, 250.0])) == (0, 255)
    assert limits(np.asarray([-1.0, 0.9])) == (-1.0, 0.9)
    assert limits(np.asarray([0.0, 5000.0])) == (0, 5000)


def test_which_outputs_are_images() -> None:
    assert is_image((28, 28, 1)) and is_image((4, 400, 3)) and is_image((8, 8, 4))
    assert not any(map(is_image, [(28, 28), (28, 28, 10), (1, 100, 3), (64,), (3, 3, 1)]))
    assert image_text(np.full((8, 9, 3), 0.5)).startswith("an image of 8x9 pixels, RGB, values from 0.5 to 0.5; -o")


def test_a_network_that_reconstructs_its_images(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ae.net").write_text(
        "input 8x8x1\nconv(1, 3x3, sigmoid)\ndata {\n    source = digits\n    target = input\n}\n"
        "train {\n    epochs = 1\n    batch = 512\n}\n"
    )
    assert run(["train", "ae.net"]) == 0
    np.save(tmp_path / "x.npy", np.zeros((3, 8, 8, 1), np.float32))
    capsys.readouterr()
    assert run(["predict", "runs/ae-1", "x.npy"]) == 0
    out = capsys.readouterr().out
    assert out.count("an image of 8x8 pixels, gray, values from ") == 3 and max(map(len, out.splitlines())) <= 80
    assert run(["predict", "runs/ae-1", "x.npy", "-o", "out.png"]) == 0
    assert capsys.readouterr().out == "out.png: 3 images of 8x8 pixels, black is 0 and white 1\n"
    assert Image.open(tmp_path / "out.png").format == "PNG"
    assert run(["predict", "runs/ae-1", "x.npy", "-o", "out.png"]) == 1
    assert "already exists" in capsys.readouterr().err
