"""Predictions over HTTP are those of `model.predict`, for everything that it takes."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.data.predict import python_inputs
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import Column, ImageEncoder, RowEncoder
from netspec.serving.http.messages import Request
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served
from netspec.serving.protocol.examples import read_examples
from netspec.serving.start import Handle
from tests.serving.client import Client


def plain(run: Path, inputs: Any) -> list[dict[str, Any]]:
    """The predictions in Python, without the names of examples, and with names of classes as JSON has them."""
    found = netspec.predict(run, inputs).to_dicts()
    return [{key: as_json(value) for key, value in one.items() if key != "input"} for one in found]


def as_json(value: Any) -> Any:
    return {str(key): number for key, number in value.items()} if isinstance(value, dict) else value


def check_same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Equal, numbers up to the rounding of batches of other sizes."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for key, value in other.items():
            is_number = isinstance(value, float | dict) or (isinstance(value, list) and isinstance(value[0], float))
            assert one[key] == (pytest.approx(value, rel=1e-5, abs=1e-6) if is_number else value), key


def test_rows_of_a_table(client: Client, runs: dict[str, Path]) -> None:
    rows = [{"size": 0.5, "color": "red"}, {"size": -1, "color": "white"}, {"size": 2.25, "color": "blue"}]
    with pytest.warns(UserWarning, match="blue"):
        wanted = plain(runs["flowers"], rows)
    answer = client.post("/models/flowers/predict", {"inputs": rows})
    check_same(answer.json["predictions"], wanted)
    assert {*answer.json["predictions"][0]["probabilities"]} == {"rose", "tulip", "daisy"}
    assert "blue" in answer.json["warnings"][0] and (answer.json["model"], answer.json["version"]) == ("flowers", "1")
    check_same(client.predict("flowers", rows[0]), wanted[:1])
    check_same(client.predict("flowers", [[0.5, "red"], [-1, "white"]]), wanted[:2])
    check_same(client.predict("flowers", ["0.5", "red"]), wanted[:1])
    columns = {"size": [0.5, -1], "color": ["red", "white"]}
    check_same(client.predict("flowers", columns), wanted[:2])


def test_values_have_the_names_of_targets_and_their_units(client: Client, runs: dict[str, Path]) -> None:
    rows = [{"rooms": 3, "floor": 1}, {"rooms": 30, "floor": 4}]
    found = client.predict("houses", rows)
    check_same(found, plain(runs["houses"], rows))
    assert {*found[0]["targets"]} == {"price", "rent"} and found[1]["targets"]["price"] > 1000


def test_images_as_numbers_as_base64_and_as_the_body(client: Client, runs: dict[str, Path]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)
    images = [Image.fromarray(one) for one in pixels]
    wanted = plain(runs["digits"], images)
    files = []
    for image, kind in zip(images, ("PNG", "BMP", "TIFF"), strict=True):
        file = io.BytesIO()
        image.save(file, kind)
        files.append(file.getvalue())
    texts = [base64.b64encode(file).decode() for file in files]
    check_same(client.predict("digits", texts), wanted)
    check_same(client.predict("digits", f"data:image/png;base64,{texts[0]}"), wanted[:1])
    answer = client.send("POST", "/models/digits/predict", files[0], Content_Type="image/png")
    check_same(answer.json["predictions"], wanted[:1])
    numbers = np.random.default_rng(1).uniform(0, 1, (4, 64)).round(3)
    check_same(client.predict("digits", numbers.tolist()), plain(runs["digits"], numbers))
    check_same(client.predict("digits", numbers.reshape(4, 8, 8).tolist()), plain(runs["digits"], numbers))


def test_text(client: Client, runs: dict[str, Path]) -> None:
    wanted = plain(runs["letters"], ["the ca", "on t"])
    check_same(client.predict("letters", ["the ca", "on t"]), wanted)
    answer = client.send("POST", "/models/letters/predict", b"the ca", Content_Type="text/plain")
    check_same(answer.json["predictions"], wanted[:1])


def test_several_inputs(client: Client, runs: dict[str, Path]) -> None:
    inputs = {"a": [[0.5, 1.5], [1, 2]], "b": [[1, 2, 3], [0, 0, 0.25]]}
    arrays = {name: np.array(value, np.float32) for name, value in inputs.items()}
    check_same(client.predict("pair", inputs), plain(runs["pair"], arrays))


@pytest.mark.parametrize(
    ("model", "inputs", "message"),
    [
        ("flowers", {"size": 1}, "it lacks `color`"),
        ("flowers", [{"size": "big", "color": "red"}], "big"),
        ("flowers", "/etc/passwd", "not what flowers takes"),
        ("digits", "/etc/passwd", "base64"),
        ("digits", ["digit.png"], "base64"),
        ("digits", base64.b64encode(b"GIF89a").decode(), "image 1 cannot be read"),
        ("digits", base64.b64encode(b"%!PS-Adobe-3.0 EPSF-3.0").decode(), "image 1 cannot be read"),
        ("digits", [[1, 2]], "it has the shape 2"),
        ("digits", [], "at least one example"),
        ("digits", 3, "not what digits takes"),
        ("digits", None, "not what digits takes"),
        ("digits", {"x": "/etc/passwd"}, "not what digits takes"),
        ("digits", [[10**400] * 64], "numbers"),
        ("digits", [[1e39] * 64], "outside the range of float32"),
        ("letters", "", "it is empty"),
        ("letters", [[1, 2, 3, 99]], "token ids from 0 to"),
        ("letters", [[0.5, 1, 1, 1]], "token ids"),
        ("pair", {"a": [[1, 2]]}, "give an array for each of a, b"),
        ("pair", {"a": [[1, 2]], "b": [[1, 2, 3], [1, 2, 3]]}, "different numbers of examples"),
        ("pair", [[1, 2]], "give an array for each of a, b"),
    ],
)
def test_wrong_inputs_say_what_to_send(client: Client, model: str, inputs: Any, message: str) -> None:
    answer = client.post(f"/models/{model}/predict", {"inputs": inputs})
    assert (answer.status, [*answer.json]) == (400, ["error"])
    assert message in answer.json["error"]


def test_images_that_rows_name_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = RowEncoder((Column("photo", type="image"),), images={"photo": ImageEncoder(2, 2, 1)})
    model = netspec.compile("input photo: 2x2x1\nflatten -> dense(2, softmax)")
    model.preprocessing = Preprocessing(encoder=encoder, raw_names={"photo": "photo"})
    served = Served("homes", "1", model)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("a file is opened"))
    for cell in ("a.png", 5, None):
        for inputs in ({"photo": cell}, [{"photo": cell}], [[cell]], {"photo": [cell]}):
            request = Request("POST", "/", (), {}, True, json.dumps({"inputs": inputs}).encode())
            with pytest.raises(Refusal, match=r"in base64|not what homes takes"):
                read_examples(request, served)
    raw = served.tensors({"photo": np.ones((3, 2, 2, 1), np.float32)})
    assert raw.arrays["photo"].shape == (3, 2, 2, 1)


def test_short_requests_for_large_arrays_are_refused(
    client: Client, server: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for served in server._server.registry:
        assert 1000 < served.max_examples <= 1 << 16
        monkeypatch.setattr(served, "max_examples", 8)
    monkeypatch.setattr(python_inputs, "_Python", lambda *_: pytest.fail("examples are encoded"))
    file = io.BytesIO()
    Image.new("1", (1, 1)).save(file, "PNG")
    for model, inputs in {
        "digits": [base64.b64encode(file.getvalue()).decode()] * 9,
        "letters": ["a"] * 9,
        "flowers": [{"size": 1, "color": "red"}] * 9,
        "houses": {"rooms": [1] * 9, "floor": [1] * 9},
    }.items():
        answer = client.post(f"/models/{model}/predict", {"inputs": inputs})
        assert answer.status == 413 and "at most 8 examples" in answer.json["error"]
    assert client.post("/models/flowers/predict", {"inputs": [[1, "red"]] * 9}).status == 413
    monkeypatch.undo()
    monkeypatch.setattr(next(iter(server._server.registry)), "max_examples", 8)
    assert client.post("/models/digits/predict", {"inputs": [[0] * 64] * 9}).status == 413
    assert client.post("/models/digits/predict", {"inputs": [[0] * 64] * 8}).status == 200


def test_many_images_are_large_together(client: Client) -> None:
    file = io.BytesIO()
    Image.new("1", (4000, 4000)).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    answer = client.post("/models/digits/predict", {"inputs": [text] * 30})
    assert (
        answer.status == 400
        and "image 2 cannot be read: all images together have 32 megapixels" in answer.json["error"]
    )


def test_a_large_image_is_refused_before_it_is_decoded(client: Client) -> None:
    file = io.BytesIO()
    Image.new("1", (6000, 6000)).save(file, "PNG")
    answer = client.send("POST", "/models/digits/predict", file.getvalue(), Content_Type="image/png")
    assert answer.status == 400 and "36 megapixels" in answer.json["error"]
