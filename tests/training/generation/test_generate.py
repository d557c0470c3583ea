"""Continuing prompts, from Python and on the command line, with what was trained."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run as command
from netspec.data.transforms.encoders import TextEncoder
from netspec.language.diagnostics import CompileError, render
from netspec.language.source import Source
from netspec.runs.generation.vocabulary import Pieces, TextStream
from netspec.spec.compilation import Compilation

TEXT = "the cat sat on the mat. the dog sat on the log. " * 12
CHARS = """
embedding(16) -> gru(32) -> dense(classes, softmax)
data { source = text("pets.txt", length = 16, stride = 4) }
train {
    epochs = 12
    batch = 16
    optimizer = adam(1e-2)
}
"""
BACKWARD = """
input source: 4 tokens(8, pad = 0)
input target: 5 tokens(8, pad = 0)
memory = source -> embedding(16) -> posembed
asked = target -> embedding(16) -> gru(32)
(asked | (asked | memory) -> attention(2, head_size = 16)) -> concat -> dense(8, softmax)
train {
    epochs = 25
    batch = 64
    optimizer = adam(1e-2)
}
"""
START, END = 1, 2


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small network of characters."""
    folder = tmp_path_factory.mktemp("pets")
    (folder / "pets.txt").write_text(TEXT)
    (folder / "pets.net").write_text(CHARS)
    netspec.train(folder / "pets.net", runs=folder / "runs", verbose=0)
    return folder / "runs" / "pets-1"


def test_the_same_text_everywhere(pets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = {"length": 40, "temperature": 0.7, "top_k": 8, "top_p": 0.95, "seed": 5}
    text = netspec.generate(pets, "the ", **options)
    assert len(text) == 40 and set(text) <= set(TEXT)
    model = netspec.load(pets)
    assert "".join(netspec.generate(model, "the ", stream=True, **options)) == text
    assert netspec.generate(model, "the ", **{**options, "seed": 6}) != text
    arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    assert command(["generate", str(pets), "--prompt", "the ", *arguments]) == 0
    assert capfd.readouterr().out == text + "\n"
    assert command(["generate", str(pets), "--prompt", "the ", "--json", *arguments]) == 0
    *pieces, last = map(json.loads, capfd.readouterr().out.splitlines())
    assert "".join(piece["piece"] for piece in pieces) == text
    assert last == {"prompt": "the ", "text": text, "reason": "length"}


def test_the_report_shows_texts(pets: Path) -> None:
    page = netspec.report(pets).html
    section = page[page.index("Generated texts") :]
    prompt, text = re.findall(r"temperature 0.5</span><br><strong>(.*?)</strong>(.*?)</li>", section)[0]
    assert prompt in TEXT and len(text) == 240 and set(text) <= set(TEXT)


def test_what_was_learned(pets: Path) -> None:
    model = netspec.load(pets)
    likely = netspec.generate(model, "the dog s", temperature=0, length=14)
    assert likely == "at on the log."
    assert netspec.generate(model, "the dog s", temperature=0, length=50, stop=["zzz", "log"]) == "at on the "
    assert netspec.generate(model, "the dog s", beams=4, length=14) == "at on the log."


def test_a_prompt_with_unknown_characters(pets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match=r'the characters "T", "é".*(\n.*)*"t"'):
        netspec.generate(pets, "Thé", length=1)
    assert command(["generate", str(pets), "--prompt", "a#", "--length", "3"]) == 0
    found = capfd.readouterr()
    assert 'warning[NS487]: `a#` has the character "#"' in found.err and ".acdeghlmnost" in found.err
    assert len(found.out) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--prompt", ""], "NS618"),
        (["--prompt-ids", "99"], "from 0 to 14"),
        (["--prompt-ids", "a"], "whole numbers"),
        ([], "--prompt"),
        (["--prompt", "a", "--length", "0"], "`length`"),
        (["--prompt", "a", "--temperature", "-1"], "`temperature`"),
        (["--prompt", "a", "--top-p", "0"], "`top_p`"),
        (["--prompt", "a", "--beams", "2", "--seed", "1"], "draws nothing"),
        (["--prompt", "a", "--start-id", "1"], "encoder"),
        (["--prompt", "a", "--topk", "1"], "--top-k"),
    ],
)
def test_wrong_arguments(pets: Path, arguments: list[str], text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert command(["generate", str(pets), *arguments]) == 1
    assert text in capfd.readouterr().err


def test_wrong_arguments_in_python(pets: Path) -> None:
    model = netspec.load(pets)
    for options, kind in (
        ({"length": True}, TypeError),
        ({"length": 0}, ValueError),
        ({"stop": ""}, ValueError),
        ({"stop": [3]}, TypeError),
        ({"stop": 3.5}, TypeError),
        ({"length_penalty": 1.0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"beams": 2, "stop": "a"}, ValueError),
    ):
        with pytest.raises(kind):
            netspec.generate(model, "a", **options)
    with pytest.raises(ValueError, match="NS618"):
        netspec.generate(model, "")
    with pytest.raises(CompileError, match="NS615"):
        netspec.generate(netspec.compile("input 4\ndense(3, softmax)"), [1])


@pytest.mark.usefixtures("default_signals")
def test_interrupting_ends_the_text(pets: Path) -> None:
    arguments = [sys.executable, "-m", "netspec", "generate", str(pets), "--prompt", "the", "--length", "900000"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = process.stdout.read(20)
        os.kill(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == "" and rest.endswith("\n") and len(begun) == 20


@pytest.fixture(scope="module")
def reverse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an encoder and a decoder that write the ids from 3 to 7 backward."""
    folder = tmp_path_factory.mktemp("reverse")
    rng = np.random.default_rng(0)
    source, target = np.zeros((1500, 4), np.int32), np.zeros((1500, 6), np.int32)
    for row in range(1500):
        ids = rng.integers(3, 8, rng.integers(1, 5))
        source[row, : len(ids)] = ids
        target[row, : len(ids) + 2] = [START, *ids[::-1], END]
    (folder / "reverse.net").write_text(BACKWARD)
    data = ({"source": source, "target": target[:, :-1]}, target[:, 1:])
    netspec.train(folder / "reverse.net", data, runs=folder / "runs", verbose=0)
    return folder / "runs" / "reverse-1"


def test_an_encoder_and_a_decoder(reverse: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = netspec.load(reverse)
    hits = 0
    for ids in ([3, 4, 5], [7, 6], [5], [3, 7, 7, 4], [6, 3, 5, 4]):
        found = netspec.generate(model, ids, start=START, stop=END, beams=4, length=5)
        hits += found == ids[::-1]
    assert hits >= 4
    greedy = netspec.generate(model, {"source": [7, 6]}, start=START, stop=[END], temperature=0, length=5)
    assert greedy == [6, 7]
    arguments = ["--prompt-ids", "3,4,5", "--start-id", "1", "--stop", "2", "--beams", "4", "--length", "5"]
    assert command(["generate", str(reverse), *arguments]) == 0
    assert capfd.readouterr().out == "5 4 3\n"
    assert command(["generate", str(reverse), *arguments, "--json"]) == 0
    last = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (last["ids"], last["reason"]) == ([5, 4, 3], "stop") and last["score"] < 0


def test_prompts_of_an_encoder(reverse: Path) -> None:
    model = netspec.load(reverse)
    for prompt, options, text in (
        ([3, 4], {}, "every target begins"),
        ([3, 4, 5, 6, 7], {"start": 1}, "at most 4"),
        ([3, 9], {"start": 1}, "from 0 to 7"),
        ({"sorce": [3]}, {"start": 1}, "did you mean `source`"),
        ("abc", {"start": 1}, "`source`"),
    ):
        with pytest.raises(ValueError, match=text):
            netspec.generate(model, prompt, **options)
    with pytest.warns(UserWarning, match="NS619"):
        netspec.generate(model, [3], start=START, length=9)


def test_words_and_texts_that_end_a_text() -> None:
    encoder = TextEncoder("word", 8, ("<unknown>", "hello", ",", "world", "!", "(", "a", ")"))
    words = Pieces(encoder)
    assert words.encode("hello, world!")[0] == [1, 2, 3, 4]
    assert words.decode([1, 2, 3, 5, 6, 7, 4]) == "hello, world (a)!"
    stream = TextStream(words, [1], [])
    assert [stream.add(i) for i in (2, 3, 5, 6, 7)] == [",", " world", " (", "a", ")"]
    letters = Pieces(TextEncoder("char", 8, ("<unknown>", *"abc\n")))
    stream = TextStream(letters, [1], ["b\nc", "cc"])
    assert [stream.add(i) for i in (1, 2, 4, 1, 2, 4, 3)] == ["a", "", "", "b\na", "", "", ""] and stream.is_ended
    stream = TextStream(letters, [1], ["cc"])
    assert [stream.add(3), stream.finish()] == ["", "c"] and not stream.is_ended


def test_the_examples_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "generation.md").read_text()
    (tmp_path / "poems.txt").write_text(TEXT)
    for number, text in enumerate(re.findall(r"^```net\n(.*?)^```", page, re.MULTILINE | re.DOTALL)):
        spec = Compilation(Source(str(number), text, tmp_path / "poems.net"))
        assert [render(d) for d in spec.diagnose()] == []
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block, names)
    assert netspec.generate(names["model"], [0, 1], length=6, temperature=0) == [2, 3, 4, 0, 1, 2]
