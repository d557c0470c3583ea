"""Specs become sketches, without the names of their layers and blocks, and sketches become specs again: these compute
the same, and are about as long as what a person wrote."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from netspec.interchange.reading.text.simplify import simplify
from netspec.interchange.reading.text.spec import best_text
from netspec.language.source import Source
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from tests.interchange.reading.sketches import sketch_of

ROOT = Path(__file__).parents[3]
SPECS = sorted((ROOT / "specs").rglob("*.net"))
DOCS = [
    (f"{name}:{text[: match.start()].count(chr(10)) + 1}", match[1], match[2])
    for name in ("docs/language.md", "README.md")
    for text in [(ROOT / name).read_text(encoding="utf-8")]
    for match in re.finditer(r"^```net *([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if match[1] != "tables"
]
LONGER = 1.3
"""How many times as long as the original a text may be."""


def network_only(text: str) -> str:
    """A spec without padding ids, which a file of another program does not have, and without what it expects."""
    sections = "expect" if "classes" in text or not re.search("^input", text, re.MULTILINE) else "expect|data|train"
    text = re.sub(rf"^({sections}) \{{.*?\}}$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = text.replace(", pad = true)", ")")
    return text.replace(", pad = 0)", ")") if "tokens(" in text else text


def plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options in one form: `3x3` is 3, and the padding `same` a number where it is the same."""
    found = {
        name: value.split("x")[0]
        if isinstance(value, str) and re.fullmatch(r"(\d+)(x\1)+", value) and name != "shape"
        else value
        for name, value in options.items()
    }
    window = found.get("kernel", found.get("window"))
    if found.get("pad") == "valid":
        found["pad"] = "0"
    if found.get("pad") == "same" and "output_pad" not in found and str(window).isdigit():
        reach = (int(window) - 1) * int(found.get("dilation", "1"))
        if reach % 2 == 0 and (found["stride"] == "1" or reach == 0):
            found["pad"] = str(reach // 2)
    return found


def digest(compilation: Compilation) -> tuple[list[str], dict[str, Any]]:
    """What a network computes: a hash for each output, over all that it is computed from; and its totals."""
    meaning = meaning_of(compilation)
    digests: dict[int | str, str] = {name: f"input {i} {s}" for i, (name, s) in enumerate(meaning.inputs.items())}
    for index, layer in enumerate(meaning.layers):
        inputs = [digests[source] for source in layer["inputs"]]
        text = repr((layer["word"], sorted(plain(layer["options"]).items(), key=repr), inputs, layer["shape"]))
        digests[index] = hashlib.sha256(text.encode()).hexdigest()
    return [digests[output["from"]] for output in meaning.outputs], meaning.totals


def length(text: str) -> int:
    """How many lines the network of a spec has, without comments, sections and blank lines; with those of the blocks
    of the library that it uses."""
    text = re.sub(r"^(expect|data|train) \{.*?\}$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return len(lines) + sum(
        library_length(*use) for use in re.findall(r"^use std\.(\w+) \((.*?)\)", text, re.MULTILINE)
    )


def library_length(file: str, names: str) -> int:
    text = (ROOT / "netspec" / "std" / f"{file}.net").read_text()
    blocks = {
        match[1]: match[0] for match in re.finditer(r"^def (\w+)(.*\n)(?:(?: .*|\}|\).*|\n)\n?)*", text, re.MULTILINE)
    }
    todo, used = names.split(", "), set()
    while todo:
        name = todo.pop()
        if name in blocks and name not in used:
            used.add(name)
            todo += re.findall(r"\w+", blocks[name])
    return sum(length(blocks[name]) for name in used)


def rewritten(compilation: Compilation) -> str:
    """The text of the network, as if it were imported; it is the one that reads best, and computes the same."""
    sketch = sketch_of(compilation)
    simplify(sketch)
    text, form = best_text(sketch)
    assert form == "blocks", text
    assert digest(Compilation(Source("again.net", text))) == digest(compilation), text
    return text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_is_written_again(path: Path) -> None:
    original = network_only(path.read_text(encoding="utf-8")).replace('csv("', f'csv("{path.parent}/')
    text = rewritten(Compilation(Source(str(path), original)))
    assert length(text) <= max(LONGER * length(original), length(original) + 1), text


@pytest.mark.parametrize(("name", "options", "text"), DOCS, ids=lambda value: str(value)[:24])
def test_an_example_of_the_docs_is_written_again(name: str, options: str, text: str) -> None:
    given = options.split("--input ")[1] if "--input" in options else None
    rewritten(Compilation(Source(name, network_only(text)), input=given))
