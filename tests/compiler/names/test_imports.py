"""Files that use each other: where they are looked for, what they bring, and how a run is read again without them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from netspec.compiler.ir.printer import graph_text
from netspec.language.diagnostics import Diagnostic
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

Files = dict[str, str]


def write(folder: Path, files: Files) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.net"


def compiled(path: Path) -> Compilation:
    return Compilation(Source.read(path))


def found(path: Path) -> list[Diagnostic]:
    return list(compiled(path).diagnose())


FOLDERS = {
    "main.net": 'use "a/blocks.net" (first_block)\nuse "b/blocks.net" (second_block)\nuse std.resnet (basic_block)\n'
    "input 8x8x4\nfirst_block -> second_block -> basic_block(4) -> gap -> dense(2)\n",
    "a/blocks.net": 'use "parts.net" (part)\ndef first_block = part\n',
    "a/parts.net": "def part = conv(3)\n",
    "b/blocks.net": 'use "./parts.net" (part)\nuse "../a/parts.net"\ndef second_block = part\n',
    "b/parts.net": "def part = conv(4)\n",
}
"""Files of one name in two folders; each means the one beside it."""


def test_names_of_files_are_relative_to_the_file_that_uses_them(tmp_path: Path) -> None:
    files = {**FOLDERS, "b/blocks.net": 'use "./parts.net" (part)\ndef second_block = part\n'}
    graph = compiled(write(tmp_path, files)).graph
    assert graph is not None
    assert [str(node.shape) for node in graph.nodes[:3]] == ["8x8x4", "8x8x3", "8x8x4"]


def test_one_name_from_two_files_is_an_error(tmp_path: Path) -> None:
    (problem,) = found(write(tmp_path, FOLDERS))
    assert problem.code == "NS207" and problem.span is not None
    assert problem.span.text == 'use "../a/parts.net"'


def test_what_was_used_is_enough_to_compile_again(tmp_path: Path) -> None:
    files = {**FOLDERS, "b/blocks.net": 'use "./parts.net" (part)\ndef second_block = part\n'}
    first = compiled(write(tmp_path / "here", files))
    assert first.graph is not None
    assert set(first.used_texts) == {"a/blocks.net", "a/parts.net", "b/blocks.net", "b/parts.net", "std.resnet"}
    source = Source("main.net", first.source.text, tmp_path / "elsewhere" / "main.net")
    again = Compilation(source, used=first.used_texts)
    assert list(again.diagnose()) == [] and again.graph is not None
    assert graph_text(again.graph) == graph_text(first.graph)
    assert again.used_texts == first.used_texts


def test_a_circle_among_given_texts_is_found(tmp_path: Path) -> None:
    used = {"lib/a.net": 'use "b.net" (b)\ndef a = b\n', "lib/b.net": 'use "a.net" (a)\ndef b = a\n'}
    source = Source("main.net", 'use "lib/a.net" (a)\ninput 8\na\n', tmp_path / "main.net")
    (problem,) = Compilation(source, used=used).diagnose()
    assert '"lib/a.net" -> "lib/b.net" -> "lib/a.net"' in problem.message


def test_a_file_that_two_files_use_is_one(tmp_path: Path) -> None:
    files = {
        "main.net": 'use "a.net"\nuse "b.net"\ninput 8\na -> b\n',
        "a.net": 'use "both.net"\ndef a = both(3)\n',
        "b.net": 'use "both.net"\ndef b = both(4)\n',
        "both.net": "def both(n) = dense(n)\n",
    }
    spec = compiled(write(tmp_path, files))
    assert list(spec.diagnose()) == []
    assert len(spec.resolution.files) == 4


@pytest.mark.parametrize("rest", ["", " (block, other)"])
def test_a_missing_file_gives_one_message(tmp_path: Path, rest: str) -> None:
    text = f'use "nothing.net"{rest}\ninput 8\nblock(3) -> other -> dense(2)\n'
    assert [p.code for p in found(write(tmp_path, {"main.net": text}))] == ["NS209"]


def test_beside_a_missing_file_misspelt_layers_are_told(tmp_path: Path) -> None:
    text = 'use "nothing.net"\ninput 8\nblock(3) -> dens(4)\n'
    assert [p.code for p in found(write(tmp_path, {"main.net": text}))] == ["NS209", "NS201"]


def test_a_mistake_in_the_text_of_a_used_block_gives_one_message(tmp_path: Path) -> None:
    files = {"main.net": 'use "lib.net"\ninput 8\nblock(3) -> dense(4)\n', "lib.net": "def block(n) = dense(n ->\n"}
    (problem,) = found(write(tmp_path, files))
    assert problem.span is not None and Path(problem.span.source.name).name == "lib.net"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, {"main.net": 'use "weights.bin"\ninput 8\ndense(2)\n'})
    (tmp_path / "weights.bin").write_bytes(b"\xff\xfe\x00\x81")
    (problem,) = found(path)
    assert "not a text file in UTF-8" in problem.message


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = write(tmp_path, {"main.net": 'use "lib.net" (a)\ninput 8\na\n'})
    (tmp_path / "lib.net").write_bytes("\ufeffdef a = dense(2)\n".encode())
    assert found(path) == []


def test_the_edition_of_a_used_file_counts(tmp_path: Path) -> None:
    files = {"main.net": 'use "lib.net" (a)\ninput 8\na\n', "lib.net": "netspec 9\ndef a = dense(2)\n"}
    assert [p.code for p in found(write(tmp_path, files))] == ["NS108"]


def test_a_library_may_pass_on_what_it_does_not_use(tmp_path: Path) -> None:
    files = {
        "main.net": 'use "all.net" (a, b)\ninput 8\na -> b\n',
        "all.net": 'use "a.net" (a)\nuse "b.net"\n',
        "a.net": "def a = dense(2)\n",
        "b.net": "def b = dense(3)\n",
    }
    assert found(write(tmp_path, files)) == []


def test_a_library_that_is_opened_alone_is_not_told_to_use_its_names(tmp_path: Path) -> None:
    files = {"main.net": 'use "a.net" (a)\ndef b = dense(3)\n', "a.net": "def a = dense(2)\n"}
    assert [p.code for p in found(write(tmp_path, files))] == ["NS211"]


def test_the_inputs_and_the_network_of_a_used_file_are_left_out(tmp_path: Path) -> None:
    files = {
        "main.net": 'use "whole.net" (tower)\ninput 8\ntower -> dense(2)\n',
        "whole.net": "param n = 5\nm = 2\ninput left: 3\ninput right: 4\nh = left -> dense(m)\n"
        "def tower = dense(n)\noutput a = h -> dense(9)\noutput b = right -> dense(classes)\ntrain { epochs = 2 }\n",
    }
    spec = compiled(write(tmp_path, files))
    assert list(spec.diagnose()) == [] and spec.graph is not None
    assert [str(node.shape) for node in spec.graph.nodes] == ["8", "5", "2"]
    assert spec.train.epochs == 10


def test_a_long_circle_is_told_soon_and_in_short(tmp_path: Path) -> None:
    count = 3000
    lines = [f"def b{i} = dense(2) -> b{(i + 1) % count}" for i in range(count)]
    start = time.monotonic()
    (problem,) = found(write(tmp_path, {"main.net": "input 8\n" + "\n".join(lines) + "\nb0\n"}))
    assert problem.code == "NS208" and "…" in problem.message
    assert len(problem.message) < 200 and len(problem.notes) <= 8
    assert time.monotonic() - start < 20


def test_every_step_of_a_circle_has_its_place(tmp_path: Path) -> None:
    text = "input 8\ndef a = b -> dense(2)\ndef b = dense(3) -> c\ndef c = identity + a\na\n"
    (problem,) = found(write(tmp_path, {"main.net": text}))
    places = [(note.span.first.line, note.label) for note in problem.notes]
    assert places == [(2, "`a` uses `b`"), (3, "`b` uses `c`")]
    assert problem.span is not None and problem.span.first.line == 4


# ---------------------------------------------------------------- sizes as numbers


SIZES = """
input image: 16x12x6

def inner(n) = conv(n, 3x3)
def block(n = input.channels // 2, m = 2 * n) = {body}

image -> {call}
"""


@pytest.mark.parametrize(
    ("body", "call", "shape"),
    [
        ("conv(n) -> conv(m)", "block", "16x12x6"),
        ("conv(n) -> conv(m)", "block(5)", "16x12x10"),
        ("conv(n) -> conv(m)", "block(m = input.height)", "16x12x16"),
        ("inner(input.channels + n) -> inner(m)", "block -> block", "16x12x6"),
        ("inner(2 * input.width) * (input.height // 8)", "block(1)", "16x12x24"),
        ("conv(8 if input.channels > 5 else 3)", "block(1)", "16x12x8"),
        ("maxpool(2) if input.height != image.width else identity", "block(1)", "8x6x6"),
        ("conv(4, stride = input.width // 6)", "block(1)", "8x6x4"),
        ("reshape((input.height * input.width, input.channels)) -> dense(image.height)", "block(1)", "192x16"),
        ("flatten -> dense(input.rank)", "block(1)", "3"),
        ("(conv(n) | conv(input.channels)) -> concat", "block", "16x12x9"),
    ],
)
def test_sizes_are_numbers(body: str, call: str, shape: str) -> None:
    text = SIZES.format(body=body, call=call)
    spec = Compilation(Source("<spec>", text))
    assert not spec.diagnose().errors
    assert spec.graph is not None
    assert str(spec.graph.shape_of(spec.graph.outputs[0].edge)) == shape


def test_sizes_of_the_input_in_expectations() -> None:
    text = "input 16x12x6\nh = input -> conv(4)\nh -> gap\nexpect { h == (input.height, input.width, 4) }\n"
    assert list(Compilation(Source("<spec>", text)).diagnose()) == []
    (problem,) = Compilation(Source("<spec>", text.replace(", 4)", ", 5)"))).diagnose()
    assert problem.code == "NS229"
