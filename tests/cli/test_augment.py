"""`netspec augment`: the sheet of examples before and after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netspec.cli.commands.spec.augment import Example, choose, draw, label_texts
from netspec.cli.main import run
from netspec.data.dataset.dataset import Target

SPEC = """
input 8x8x1
conv(4, 3x3, relu) -> gap -> dense(classes, softmax)
data {
    source    = digits
    normalize = standard
    augment   = rotate(10) -> mixup(0.4)
}
train { seed = 2 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.net").write_text(SPEC)
    return tmp_path


def test_the_sheet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["augment", "digits.net"]) == 0
    assert capsys.readouterr().out.strip() == (
        "digits_augment.png: 16 training examples before and after rotate(10) ->\n    mixup(0.4)"
    )
    first = (folder / "digits_augment.png").read_bytes()
    with Image.open(folder / "digits_augment.png") as picture:
        assert picture.width > 1000 and picture.height > 800
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
    assert run(["augment", "digits.net", "-o", "again.png", "--seed", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (folder / "again.png").read_bytes() == first  # the seed of the spec
    assert found["augment"] == "rotate(10) -> mixup(0.4)" and found["seed"] == 2
    targets = [example["target"] for example in found["examples"]]
    assert len(targets) == 16 and {t for (t,) in targets} == set("0123456789") and targets == sorted(targets)
    assert any(len(example["after"]) == 2 for example in found["examples"])


def test_other_settings_and_seeds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = ["augment", "digits.net", "-D", "data.augment=noise(0.2)", "--json"]
    found = []
    for seed in ("0", "1"):
        assert run([*noise, "--seed", seed, "-o", "x.svg"]) == 0
        found.append(json.loads(capsys.readouterr().out))
        assert (folder / "x.svg").read_text().startswith("<?xml")
    assert [f["augment"] for f in found] == ["noise(0.2)", "noise(0.2)"]
    assert [e["example"] for e in found[0]["examples"]] != [e["example"] for e in found[1]["examples"]]
    assert all(example["after"] == example["target"] for f in found for example in f["examples"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-D", "data.augment=none"], "NS469"),
        (["-o", "sheet.doc"], "-o takes a name that ends in .png, .svg or .pdf, not `sheet.doc`"),
        (["-o", "missing/sheet.png"], "hint: make the folder `missing` first"),
        (["-D", "data.augment=cutout(9)"], "NS418"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_mistakes(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    assert run(["augment", "digits.net", *arguments]) == 1
    assert text in capsys.readouterr().err
    assert not [*folder.glob("*.png")]


def test_no_images(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "iris.net").write_text(
        "dense(classes, softmax)\ndata {\n    source = iris\n    augment = mixup\n}\n",
    )
    assert run(["augment", "iris.net"]) == 1
    assert "no input is an image" in capsys.readouterr().err


def test_examples_of_every_class_come_first() -> None:
    labels = np.array([0] * 90 + [1] * 5 + [2] * 5, np.int32)
    chosen = choose({"y": labels}, 100, 3)
    assert np.bincount(labels[chosen]).tolist() == [6, 5, 5] and len(set(chosen.tolist())) == 16
    assert (np.diff(labels[chosen]) >= 0).all()
    assert len(choose({"y": np.zeros((100, 2), np.float32)}, 100, 3)) == 16
    assert len(choose({"y": labels[:5]}, 5, 3)) == 5


def test_what_stands_above_an_image() -> None:
    named = Target.of_classes(["cat", "dog", "owl"])
    ids, shares = np.array([1, 2]), np.array([[0.0, 1.0, 0.0], [0.25, 0.7, 0.05]])
    assert label_texts({"y": ids}, {"y": named}) == [("dog",), ("owl",)]
    assert label_texts({"y": shares}, {"y": named}) == [("dog",), ("dog 70%", "cat 25%")]
    assert label_texts({"y": ids}, {"y": Target("class", 1, 3)}) == [("1",), ("2",)]
    numbers = {"a": np.array([[0.5], [2.0]]), "b": np.zeros((2, 4, 4, 1))}
    assert label_texts(numbers, {"a": Target("numbers"), "b": Target("numbers", 16)}) == [("0.5",), ("2",)]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_short_sheet_and_a_long_title(channels: int) -> None:
    image = np.full((5, 7, channels), 0.5, np.float32)
    examples = [Example(i, image, image, ("a very long name of a class 12%",), ("b",)) for i in range(3)]
    for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        sheets = [draw(examples, "net: " + " -> ".join(["rotate(10)"] * 20), form) for _ in range(2)]
        assert sheets[0].startswith(start) and sheets[0] == sheets[1]
