"""A Siamese net from files as a user trains it: folders of classes, tables and archives; and its predictions."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.cli.main import run as command
from netspec.serving.http.messages import Request
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served
from netspec.serving.protocol.examples import example_of, read_examples

PAGE = (Path(__file__).parents[3] / "docs/pairs.md").read_text()
(NUMERALS,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.DOTALL)
(SPEC,) = re.findall(r"^```net\n(.*?)^```", PAGE, re.M | re.DOTALL)


def train(folder: Path, name: str, source: str, epochs: int = 1) -> Path:
    (folder / f"{name}.net").write_text(SPEC.replace('pairs("numerals")', source))
    arguments = ["--runs", str(folder / "runs"), "-D", f"train.epochs={epochs}"]
    assert command(["train", str(folder / f"{name}.net"), *arguments]) == 0
    return folder / "runs" / f"{name}-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of the page, and a table of pairs of them."""
    folder = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(NUMERALS, {})
    files = {number: sorted((folder / "numerals" / str(number)).iterdir()) for number in range(10)}
    rng = np.random.default_rng(0)
    with (folder / "pairs.csv").open("w") as file:
        table = csv.writer(file)
        table.writerow(["left", "right", "same"])
        for number in range(60):
            a, i, j = (int(n) for n in rng.integers((10, 150, 150)))
            b = a if number % 2 else int(rng.integers(10))
            table.writerow([*(str(path.relative_to(folder)) for path in (files[a][i], files[b][j])), int(a == b)])
    return folder


@pytest.fixture(scope="module")
def siamese(folder: Path) -> Path:
    return train(folder, "siamese", 'pairs("numerals", count = 2000)', epochs=15)


def images(folder: Path) -> dict[str, Any]:
    """The images of the table, as bytes and as arrays, and the answers."""
    with (folder / "pairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    found: dict[str, Any] = {"same": np.array([int(row["same"]) for row in rows])}
    for side in ("left", "right"):
        found[side] = [folder / row[side] for row in rows]
    return found


def pixels(paths: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def probabilities(found: Any) -> np.ndarray:
    return np.array([one["probability"] for one in found.to_dicts()])


def test_digits_that_are_alike(folder: Path, siamese: Path) -> None:
    """The network tells same from different digits, and gives one answer for all forms of the same pairs."""
    assert netspec.evaluate(siamese)["test_accuracy"] > 0.9
    pairs = images(folder)
    of_table = netspec.predict(siamese, str(folder / "pairs.csv"))
    assert {one["answer"] for one in of_table.to_dicts()} == {"same", "different"}
    wanted = probabilities(of_table)
    assert ((wanted > 0.5) == pairs["same"]).mean() > 0.85
    names = {side: [str(path) for path in pairs[side]] for side in ("left", "right")}
    opened = {side: [Image.open(path) for path in pairs[side]] for side in names}
    arrays = {side: pixels(pairs[side]) for side in names}
    mixed = {"left": opened["left"], "right": arrays["right"]}
    for form in (names, opened, arrays, mixed):
        np.testing.assert_allclose(probabilities(netspec.predict(siamese, form)), wanted, atol=1e-6)
    one = {side: files[0] for side, files in opened.items()}
    row = ",".join(names[side][0] for side in ("left", "right"))
    for form in (one, row, {side: files[0] for side, files in names.items()}):
        np.testing.assert_allclose(probabilities(netspec.predict(siamese, form)), wanted[:1], atol=1e-6)


def test_predict_and_eval_on_the_command_line(folder: Path, siamese: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = sorted(map(str, (folder / "numerals/0").iterdir()))[:2]
    assert command(["predict", str(siamese), *sides]) == 1
    assert "write `left.png,right.png`" in capsys.readouterr().err
    assert command(["predict", str(siamese), str(folder / "pairs.csv"), "--all"]) == 0
    shown = capsys.readouterr().out
    assert len(re.findall(r"row \d+:\s+(same|different)", shown)) == 60
    assert command(["eval", str(siamese), "--data", str(folder / "numerals")]) == 0
    assert "2,000 examples of numerals" in capsys.readouterr().out


def test_a_table_and_an_archive_of_pairs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = images(folder)
    arrays = {side: pixels(pairs[side]) for side in ("left", "right")}
    np.savez(folder / "pairs.npz", **arrays, y=pairs["same"])
    np.savez(folder / "new.npz", **arrays)
    np.savez(folder / "half.npz", left=arrays["left"])
    table = train(folder, "table", 'csv("pairs.csv", target = "same", image = ["left", "right"])')
    archive = train(folder, "archive", 'npz("pairs.npz")')
    found = [netspec.predict(run, str(folder / f)) for run, f in ((table, "pairs.csv"), (archive, "new.npz"))]
    np.testing.assert_allclose(*map(probabilities, found), atol=1e-6)  # the same numbers, in the same splits
    capsys.readouterr()
    assert command(["predict", str(archive), str(folder / "half.npz")]) == 1
    assert "it has no array `right`, but left" in " ".join(capsys.readouterr().err.split())
    assert command(["predict", str(archive), str(folder / "pairs.csv")]) == 1
    assert "give an .npz file with an array for each" in " ".join(capsys.readouterr().err.split())


def test_pairs_over_http(folder: Path, siamese: Path) -> None:
    served = Served("siamese", "1", netspec.load(siamese))
    pairs = images(folder)
    texts = {s: [base64.b64encode(path.read_bytes()).decode() for path in pairs[s][:3]] for s in ("left", "right")}
    wanted = netspec.predict(siamese, {side: pixels(pairs[side][:3]) for side in texts})
    rows = [{side: cells[i] for side, cells in texts.items()} for i in range(3)]
    for value, count in ((texts, 3), (rows, 3), (rows[0], 1)):
        raw = read_examples(request({"inputs": value}), served)
        outputs = served.model.predictions(*(raw.arrays[name] for name in served.inputs))
        np.testing.assert_allclose(outputs["output"], wanted.outputs["output"][:count], atol=1e-6)
    assert '"left": "iVBORw0KGgo…"' in example_of(served)
    for bad in ({"left": texts["left"]}, [{"left": 1, "right": 2}], [], {"left": "a.png", "right": "b.png"}):
        with pytest.raises(Refusal):
            read_examples(request({"inputs": bad}), served)


def request(content: object) -> Request:
    return Request("POST", "/", (), {}, True, json.dumps(content).encode())
