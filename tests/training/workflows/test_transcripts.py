"""A network that reads, as a user trains it: from a table of images and texts to texts."""

from __future__ import annotations

import csv
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run as command
from netspec.data.dataset.dataset import Dataset
from netspec.data.sources.tables.words import Csv
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.runs.predictions.transcripts import beam_search, best_path
from tests.data.files import code_and_text, write

PAGE = (Path(__file__).parents[3] / "docs/transcripts.md").read_text()
(LINES,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.DOTALL)
(SPEC,) = re.findall(r"^```net\n(.*?)^```", PAGE, re.M | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lines of the page, its spec, and a run."""
    folder = tmp_path_factory.mktemp("lines")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(LINES, {})
    (folder / "lines.net").write_text(SPEC)
    assert command(["train", str(folder / "lines.net"), "--runs", str(folder / "runs")]) == 0
    return folder


def edits(text: str, other: str) -> int:
    """The distance of Levenshtein."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(text, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def test_lines_are_read(folder: Path) -> None:
    """The error rate is that of the texts, and a vocabulary of ten characters is saved with the run."""
    run = folder / "runs/lines-1"
    with (folder / "lines.csv").open() as file:
        rows = list(csv.DictReader(file))[:200]
    (folder / "some.csv").write_text("file,text\n" + "".join(f"{row['file']},{row['text']}\n" for row in rows))
    texts = netspec.predict(run, str(folder / "some.csv")).classes
    errors = sum(edits(text, row["text"]) for text, row in zip(texts, rows, strict=True))
    rate = errors / sum(len(row["text"]) for row in rows)
    found = netspec.evaluate(run, str(folder / "some.csv"))
    assert found["test_error_rate"] == pytest.approx(rate) and rate < 0.05
    assert netspec.load(run).class_names == {"output": ["", *"0123456789"]}
    beams = netspec.predict(run, str(folder / "some.csv"), beams=4).classes
    assert sum(edits(text, row["text"]) for text, row in zip(beams, rows, strict=True)) <= errors + 2


def test_predict_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, image = str(folder / "runs/lines-1"), str(folder / "lines/1.png")
    (wanted,) = netspec.predict(run, image).to_dicts()
    assert command(["predict", run, image, "--beams", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"]["output"] == {"text": wanted["text"]}
    assert command(["predict", run, image]) == 0
    assert capsys.readouterr().out.endswith(f"text = {wanted['text']}\n")
    assert command(["predict", run, str(folder / "lines.csv"), "-o", str(folder / "out.csv")]) == 0
    assert (folder / "out.csv").read_text().splitlines()[2] == f"2,{wanted['text']}"
    capsys.readouterr()
    assert command(["predict", run, image, "--beams", "0"]) == 1
    with pytest.raises(ValueError, match="positive integer"):
        netspec.predict(run, image, beams=0)


def test_what_cannot_be_read(folder: Path) -> None:
    """Other characters than those of the run, more of them than steps, and fewer than three rows."""
    run = folder / "runs/lines-1"
    for text, code, words in (("1a", "NS558", "`a`"), ("1" * 20, "NS462", "needs 39 steps for 20 classes")):
        (folder / "odd.csv").write_text(f"file,text\nlines/1.png,82\nlines/2.png,{text}\n")
        with pytest.raises(CompileError) as caught:
            netspec.evaluate(run, str(folder / "odd.csv"))
        assert caught.value.diagnostics[0].code == code and words in str(caught.value)
    (folder / "odd.csv").write_text("file,text\nlines/1.png,82\nlines/2.png,1234567\n")
    assert netspec.evaluate(run, str(folder / "odd.csv"))["test_error_rate"] > 0
    with pytest.raises(CompileError, match="NS634"):
        model = netspec.compile("input 3\ndense(2, softmax)")
        model.predict(np.zeros((1, 3)), beams=2)
    spec = SPEC.replace("loss      = ctc", "")
    (folder / "plain.net").write_text(spec)
    found = netspec.check(folder / "plain.net")
    assert [one.code for one in found] == ["NS450"] and "use `loss = ctc`" in found[0].hint_text


def test_characters_are_classes_and_the_blank_pads(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,text\n1,ba\n2,e\u0301b\n3,a b\n")
    write(tmp_path / "u.csv", "a,text\n1,baba\n2,b\n")
    write(tmp_path / "v.csv", "a,text\n1,bac\n2,b\n3,c\n")
    data = Csv(file="t.csv", target=("text",), task="text", test="u.csv").load(tmp_path)
    assert isinstance(data, Dataset) and data.test is not None
    target = data.facts.targets["output"]
    assert target.names == ("", " ", "a", "b", "\u00e9") and (target.classes, target.size) == (5, 3)
    assert data.train.targets["output"].tolist() == [[3, 2, 0], [4, 3, 0], [2, 1, 3]]
    assert data.test.targets["output"].tolist() == [[3, 2, 3, 2], [3, 0, 0, 0]]
    with pytest.raises(Unplaced) as caught:
        Csv(file="t.csv", target=("text",), task="text", test="v.csv").load(tmp_path)
    code, text = code_and_text(caught.value)
    assert code == "NS633" and "v.csv row 2, column `text`: the character `c`" in text and "2 such rows" in text


@pytest.mark.parametrize("blank", [0, 2])
def test_a_search_finds_the_most_probable_text(blank: int) -> None:
    """Against the sum over all alignments, by enumeration."""
    rng = np.random.default_rng(blank)
    steps, classes = 5, 3
    different = 0
    for _ in range(30):
        p = rng.dirichlet(np.full(classes, 0.7), size=steps)
        totals: dict[tuple[int, ...], float] = {}
        for path in itertools.product(range(classes), repeat=steps):
            text = tuple(k for k, _ in itertools.groupby(path) if k != blank)
            totals[text] = totals.get(text, 0.0) + float(np.prod(p[np.arange(steps), path]))
        best = max(totals, key=lambda text: totals[text])
        assert tuple(beam_search(p, blank, 1000)) == best
        greedy = tuple(k for k, _ in itertools.groupby(p.argmax(axis=1).tolist()) if k != blank)
        assert tuple(best_path(p, blank)) == greedy
        assert totals[tuple(beam_search(p, blank, 8))] >= totals[greedy] * (1 - 1e-9)
        different += greedy != best
    assert different > 0
