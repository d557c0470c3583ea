"""The pages of the server: they show what the server predicts, load nothing from elsewhere, and are for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netspec.serving.start import Handle
from tests.serving.client import Client

MODELS = {"digits": 0, "flowers": 1, "houses": 2, "letters": 3, "pair": 4}
"""The positions of the models in the list of the page."""


def is_error(message: Any) -> bool:
    """Whether the console shows a mistake of ours; the status of wrong inputs is none."""
    return message.type == "error" and "400" not in message.text


INKED = """() => [...document.querySelector("canvas.preview").getContext("2d").getImageData(0, 0, 8, 8).data]
    .filter((value, i) => i % 4 === 0 && value > 100).length"""
"""How many pixels of what the network gets are white."""


@pytest.fixture
def page(browser: Any, server: Handle) -> Iterator[Any]:
    """The page, whose errors and whose requests to other addresses are mistakes."""
    opened, found = browser.new_page(viewport={"width": 1100, "height": 800}), list[str]()
    opened.on("pageerror", lambda error: found.append(str(error)))
    opened.on("console", lambda message: found.append(message.text) if is_error(message) else None)
    opened.on("request", lambda request: None if request.url.startswith(server.url) else found.append(request.url))
    opened.goto(server.url)
    opened.wait_for_selector("#form > *")
    yield opened
    opened.close()
    assert [text for text in found if not text.startswith(("data:", "blob:"))] == []


def bars_of(page: Any) -> dict[str, float]:
    names = page.locator("ol.bars .name").all_inner_texts()
    numbers = [float(text.rstrip("%")) for text in page.locator("ol.bars .percent").all_inner_texts()]
    return dict(zip(names, numbers, strict=True))


def test_a_row_is_predicted(page: Any, client: Client) -> None:
    page.select_option("#model", str(MODELS["flowers"]))
    page.fill("#column-0", "0.75")
    page.select_option("#column-1", "white")
    page.focus("#column-1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the button
    page.wait_for_selector("ol.bars")
    (wanted,) = client.predict("flowers", {"size": 0.75, "color": "white"})
    shown = {name: pytest.approx(100 * value, abs=0.06) for name, value in wanted["probabilities"].items()}
    assert bars_of(page) == shown
    assert page.inner_text(".best .name") == wanted["class"]
    assert page.evaluate("document.querySelector('.best .bar').style.width") == page.inner_text(".best .percent")
    page.fill("#column-0", "large")
    page.keyboard.press("Enter")  # in the field
    page.wait_for_selector(".error")
    assert "not a number" in page.inner_text(".error")


def test_values_text_and_numbers_are_predicted(page: Any, client: Client) -> None:
    page.select_option("#model", str(MODELS["houses"]))
    page.fill("#column-0", "12")
    page.fill("#column-1", "2")
    page.click("button.main")
    page.wait_for_selector("dl.values")
    (wanted,) = client.predict("houses", {"rooms": 12, "floor": 2})
    found = [float(text.replace(",", "")) for text in page.locator("dl.values dd").all_inner_texts()]
    assert found == pytest.approx([*wanted["targets"].values()], rel=1e-4)
    page.select_option("#model", str(MODELS["letters"]))
    page.fill("#text", "the c")
    page.click("button.main")
    page.wait_for_selector("ol.bars")
    assert len(bars_of(page)) == 10 and "10 most probable of 1" in page.inner_text("#result")
    page.select_option("#model", str(MODELS["pair"]))
    page.click("button.main")
    page.wait_for_selector("ol.bars")
    assert {*bars_of(page)} == {"no", "yes"}


def test_a_drawing_is_predicted_with_the_mouse_and_with_keys(page: Any) -> None:
    pen = page.locator("canvas.pen")
    box = pen.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 220, steps=5)
    page.mouse.up()
    page.wait_for_selector("ol.bars")
    assert len(bars_of(page)) == 10 and sum(bars_of(page).values()) == pytest.approx(100, abs=1)
    assert 3 <= page.evaluate(INKED) <= 24
    page.click("text=clear")
    assert page.locator("ol.bars").count() == 0 and page.evaluate(INKED) == 0
    pen.focus()
    for key in (" ", *["ArrowRight"] * 3, " "):
        page.keyboard.press(key)
    page.wait_for_selector("ol.bars")
    assert page.evaluate(INKED) > 0


def test_a_picture_is_predicted(page: Any, client: Client, tmp_path: Path) -> None:
    from PIL import Image

    Image.linear_gradient("L").resize((8, 8)).save(tmp_path / "a.png")
    page.set_input_files("#file", tmp_path / "a.png")
    page.wait_for_selector("ol.bars")
    answer = client.send("POST", "/models/digits/predict", (tmp_path / "a.png").read_bytes(), Content_Type="image/png")
    wanted = answer.json["predictions"][0]["probabilities"]
    assert bars_of(page) == {name: pytest.approx(100 * value, abs=0.06) for name, value in wanted.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(browser: Any, server: Handle, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # the policy of the pages forbids the script of the checker, too
    page = browser.new_page(color_scheme=scheme, bypass_csp=True)
    page.goto(server.url)
    for name, index in MODELS.items():
        page.select_option("#model", str(index))
        if name in ("flowers", "houses"):
            page.fill("#column-0", "1")
            page.click("button.main")
            page.wait_for_selector("ol.bars, dl.values, .error")
        violations = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == [], name
    page.goto(f"{server.url}/docs")
    assert [one["id"] for one in axe.Axe().run(page).response["violations"]] == []
    page.close()


def test_pages_have_a_strict_policy(client: Client) -> None:
    for path in ("/", "/docs", "/page.js", "/page.css"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
    for text in (client.get("/").body.decode(), client.get("/docs").body.decode()):
        assert not re.search(r"<style|<script(?! src=\"/page.js\")| style=| on\w+=", text)


def test_openapi_and_its_page(client: Client) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"] == "3.1.0" and "security" not in document
    schemas = document["components"]["schemas"]
    row = schemas["flowers.inputs"]["oneOf"][0]
    assert row["required"] == ["size", "color"] and row["properties"]["color"]["examples"] == ["red", "white"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and "200" in operation["responses"]
            if method == "get":
                assert client.get(path).status == 200, path
            elif (example := operation["requestBody"]["content"]["application/json"].get("example")) is not None:
                assert client.post(path, example).status == 200, path
    references = re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', client.get("/openapi.json").body.decode())
    assert references and {*references} <= {*schemas}
    text = client.get("/docs").body.decode()
    assert all(f"<code>{path}</code>" in text for path in document["paths"])


def test_what_is_known_of_models(client: Client) -> None:
    models = {one["name"]: one for one in client.get("/models").json["models"]}
    assert {name: one["takes"] for name, one in models.items()} == {
        "digits": "image",
        "flowers": "row",
        "houses": "row",
        "letters": "text",
        "pair": "numbers",
    }
    assert models["digits"]["image"] == {"height": 8, "width": 8, "channels": 1}
    assert models["digits"]["outputs"][0]["classes"] == [*"0123456789"]
    rooms = models["houses"]["columns"][0]
    assert rooms["name"] == "rooms" and 15 < rooms["mean"] < 26 and 8 < rooms["std"] < 14
    assert models["letters"]["text"] == {"unit": "character", "length": 4}
