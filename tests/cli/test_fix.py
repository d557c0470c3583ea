"""`netspec check --fix`: what is certain is mended, what is not is left alone, and the file is otherwise untouched."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from netspec.cli.main import run
from netspec.language.corrections import is_misspelling


def fix(path: Path, *more: str) -> int:
    return run(["check", "--fix", *more, str(path)])


FIXES = {
    "a layer": ("cnov(8) -> gap -> dense(2)", "conv(8) -> gap -> dense(2)"),
    "several in a line": ("cnov(8, rleu) -> gapp -> dens(2, sofmax)", "conv(8, relu) -> gap -> dense(2, softmax)"),
    "an option": ("conv(8, strde = 2) -> gap -> dense(2)", "conv(8, stride = 2) -> gap -> dense(2)"),
    "aliases": (
        'Conv2D(8, kernel_size = 3, padding = "same") -> Flatten -> Linear(2)',
        "conv(8, kernel = 3, pad = same) -> flatten -> dense(2)",
    ),
    "a missing arrow": ("conv(8) gap -> dense(2)", "conv(8) -> gap -> dense(2)"),
    "two missing arrows": ("conv(8) gap dense(2)", "conv(8) -> gap -> dense(2)"),
    "an arrow at a line end": ("conv(8) -> gap\n\ndense(2)", "conv(8) -> gap\n\n-> dense(2)"),
    "an arrow in a body": (
        "def b(n) {\n\tconv(n)  # wide\n\trelu\n}\nb(8) -> gap -> dense(2)",
        "def b(n) {\n\tconv(n)  # wide\n\t-> relu\n}\nb(8) -> gap -> dense(2)",
    ),
    "other arrows": ("conv(8) => gap - > relu --> relu → dense(2)", "conv(8) -> gap -> relu -> relu -> dense(2)"),
    "an arrow in a group": (
        "(conv(8) relu | conv(8)) -> concat -> gap -> dense(2)",
        "(conv(8) -> relu | conv(8)) -> concat -> gap -> dense(2)",
    ),
    "a missing comma": ("conv(8 3x3) -> gap -> dense(2 softmax)", "conv(8, 3x3) -> gap -> dense(2, softmax)"),
    "pasted characters": (
        "conv(8, 3×3, pad = ’same’) -> gap -> dense(2)",
        "conv(8, 3x3, pad = same) -> gap -> dense(2)",
    ),
    "text for a word": ('conv(8, "3x3", "relu") -> gap -> dense(2)', "conv(8, 3x3, relu) -> gap -> dense(2)"),
    "a flag": (
        "conv(8, bias = no) -> gap -> dense(2, bias = 0)",
        "conv(8, bias = false) -> gap -> dense(2, bias = false)",
    ),
    "settings": (
        "gap -> dense(2)\ntrian { epoch: 3, }\n",
        "gap -> dense(2)\ntrain { epochs = 3 }\n",
    ),
    "commas at the ends of settings": (
        'gap -> dense(2)\ntrain {\n    epochs = 3,\n    batch_size = 8,\n    loss = "mse",\n}\n',
        "gap -> dense(2)\ntrain {\n    epochs = 3\n    batch = 8\n    loss = mse\n}\n",
    ),
    "a name after é and 🙂": ("# é🙂\ngap -> dens(2)  # né 🙂", "# é🙂\ngap -> dense(2)  # né 🙂"),
    "a name of the file": ("hiden = dense(4)\ngap -> hidden -> dense(2)", "hiden = dense(4)\ngap -> hiden -> dense(2)"),
    "an expectation": ("gap -> dense(2)\nexpect { parms == 4 }", "gap -> dense(2)\nexpect { params == 4 }"),
    "a library": (
        "use std.resnt (basic_blok)\nbasic_block(8) -> gap -> dense(2)",
        "use std.resnet (basic_block)\nbasic_block(8) -> gap -> dense(2)",
    ),
}


@pytest.mark.parametrize("name", FIXES)
def test_what_is_certain_is_fixed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, right = FIXES[name]
    path = tmp_path / "a.net"
    path.write_text(f"input 8x8x1\n{wrong}", encoding="utf-8")
    assert run(["check", str(path)]) == 1
    assert path.read_text(encoding="utf-8") == f"input 8x8x1\n{wrong}", "without --fix nothing changes"
    capsys.readouterr()
    assert fix(path) == 0, capsys.readouterr()
    assert path.read_text(encoding="utf-8") == f"input 8x8x1\n{right}"
    shown = capsys.readouterr().out
    assert f"--- {path}\n+++ {path}\n@@" in shown and " applied" in shown and "\x1b" not in shown
    assert fix(path) == 0 and "@@" not in capsys.readouterr().out


def test_softmax_for_sigmoid_where_the_data_have_classes(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    pairs = (("dense(10, sigmoid)", "dense(10, softmax)"), ("dense(10) -> sigmoid", "dense(10) -> softmax"))
    for wrong, right in pairs:
        path.write_text(f"flatten -> {wrong}\ndata {{ source = digits }}\ntrain {{ epochs = 1 }}\n")
        assert fix(path) == 0
        assert path.read_text() == f"flatten -> {right}\ndata {{ source = digits }}\ntrain {{ epochs = 1 }}\n"
    several = "flatten -> dense(10, sigmoid)\ndata { source = digits }\ntrain { loss = mse }\n"
    path.write_text(several)
    fix(path)
    assert path.read_text() == several, "a loss that was asked for is not overruled"


UNCERTAIN = {
    "two near names": "maxpool(2) -> flatten -> dense(2, relu7)",
    "a number in a name": "gap -> dense1(2)\n",
    "another meaning": "conv(8, trainable = false) -> gap -> dense(2)",
    "other arguments": "AdaptiveAvgPool2d(1) -> flatten -> dense(2)",
    "nothing near": "gap -> xyzzy(3)",
    "given already": "conv(8, stride = 2, strides = 2) -> gap -> dense(2)",
    "a tensor on a line of its own": "h = input -> gap\nh -> dense(2)\nh -> dense(2)",
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_not_certain_is_left_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(f"input 8x8x1\n{UNCERTAIN[name]}")
    assert fix(path) == 1
    assert path.read_text() == f"input 8x8x1\n{UNCERTAIN[name]}"


def test_what_is_left_is_reported_and_the_rest_is_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fix may bring another error to light; the exit status is that of what is left."""
    path = tmp_path / "a.net"
    path.write_text("input 8\nLinear(784, 128) -> dense(2, sofmax)\n")
    assert fix(path) == 1
    assert path.read_text() == "input 8\ndense(784, 128) -> dense(2, softmax)\n"
    out = capsys.readouterr()
    said = " ".join(out.out.split())  # lines break in other places where the name of the folder is long
    assert "error[NS206]" in out.err and "2 fixes applied" in said and "1 error" in said


def test_line_ends_mark_mode_and_link_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "real.net", tmp_path / "link.net"
    target.write_bytes("\ufeffinput 8x8x1\r\n\r\n# \t é\nconv(8)\r\ngapp\r\n-> dens(2)".encode())
    target.chmod(0o640)
    link.symlink_to("real.net")
    assert fix(link) == 0
    assert target.read_bytes() == "\ufeffinput 8x8x1\r\n\r\n# \t é\nconv(8)\r\n-> gap\r\n-> dense(2)".encode()
    assert link.is_symlink() and target.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.net", "real.net"]


def test_a_read_only_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.net"
    path.write_text("input 8\ndens(2)\n")
    path.chmod(0o444)
    assert fix(path) != 0
    assert path.read_text() == "input 8\ndens(2)\n" and "read-only" in capsys.readouterr().err


def test_only_files_that_are_named_are_changed(tmp_path: Path) -> None:
    lib, main_file = tmp_path / "lib.net", tmp_path / "a.net"
    lib.write_text("def block(n) = dens(n, rleu)\n")
    main_file.write_text('use "lib.net" (blok)\ninput 8\nblock(4) -> dens(2)\n')
    assert fix(main_file) == 1
    assert lib.read_text() == "def block(n) = dens(n, rleu)\n"
    assert main_file.read_text() == 'use "lib.net" (block)\ninput 8\nblock(4) -> dense(2)\n'
    assert run(["check", "--fix", str(main_file), str(lib)]) == 1, "a file of blocks defines no network"
    assert lib.read_text() == "def block(n) = dense(n, relu)\n"
    assert fix(main_file) == 0


def test_json_carries_the_fixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.net"
    path.write_text("input 8\n dens(2) -> relu7\n")
    assert run(["check", "--json", str(path)]) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["fixes"] == [
        {
            "message": "replace `dens` with `dense`",
            "file": str(path),
            "start": {"line": 2, "column": 2},
            "end": {"line": 2, "column": 6},
            "replacement": "dense",
            "applicability": "sure",
        }
    ]
    assert [f["applicability"] for f in second["fixes"]] == ["maybe"]
    assert fix(path, "--json") == 1
    done, left = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert done == {"file": str(path), "changed": True, "fixes": first["fixes"]}
    assert left["code"] == "NS201" and path.read_text() == "input 8\n dense(2) -> relu7\n"


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"input 8\ndens(2)\n")))
    assert run(["check", "--fix", "-"]) == 0
    out = capsys.readouterr()
    assert out.out == "input 8\ndense(2)\n" and "+dense(2)" in out.err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"input 8\ndens(2)\n")))
    assert run(["check", "-"]) == 1
    assert "<stdin>:2:1" in capsys.readouterr().err


def test_mistakes_of_the_command_line_change_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text("param width = 4\ninput 8\ndense(width) -> dense(2)\n")
    assert run(["check", "--fix", str(path), "-D", "widht=3"]) == 1
    assert path.read_text().startswith("param width = 4\n")


def test_a_diff_has_colors_on_a_terminal(tmp_path: Path) -> None:
    from netspec.cli.commands.spec.fix import diff_text

    shown = diff_text("a.net", "x\ny\n", "x\nz\n", color=True)
    assert "\x1b[31m-y\x1b[0m\n\x1b[32m+z\x1b[0m\n" in shown


@pytest.mark.parametrize(
    ("word", "name", "is_near"),
    [
        ("cnov", "conv", True), ("sofmax", "softmax", True), ("btchnrm", "batchnorm", True), ("relu7", "relu6", False),
        ("gap", "gmp", True), ("ga", "gap", False), ("dens", "dense", True), ("adma", "adam", True),
        ("cnv", "gru", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_misspelling(word: str, name: str, is_near: bool) -> None:
    assert is_misspelling(word, name) is is_near


def test_nothing_to_fix_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.net"
    for text, status in (("input 8\ndense(2)\n", 0), ("input 8\ndense(zzz)\n", 1)):
        path.write_text(text)
        assert fix(path) == status
        assert f"{path}: nothing that can be fixed automatically" in capsys.readouterr().out
        assert fix(path, "--json") == status
        assert "automatically" not in capsys.readouterr().out
