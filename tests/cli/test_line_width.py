"""What commands print has at most 80 columns: of the specs that come with netspec, and of one with long names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from netspec.cli.main import run
from netspec.cli.render.weights import weights_text
from netspec.language.text import cells, fit_columns, wrap_cell, wrap_lines, wrap_row

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.net"))
LONG = """input an_image_with_a_very_long_name_of_many_words: 28x28x1
param a_long_name_for_the_width_of_a_layer = 32

def a_block_with_a_name_that_is_longer_than_others(channels) {
    conv(channels, 3x3, relu, pad = same, init = truncated_normal(0.02)) -> batchnorm
}

a_block_with_a_name_that_is_longer_than_others(32) -> a_block_with_a_name_that_is_longer_than_others(32)
    -> flatten -> dense(a_long_name_for_the_width_of_a_layer, relu, name = "the_hidden_layer_with_a_really_long_name")
    -> dense(10, softmax)
"""
SHOWN = ([], ["--full"], ["--stage", "tree"], ["--stage", "graph"], ["--stage", "optimized"], ["--stage", "inference"])


@pytest.fixture(autouse=True)
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "long.net").write_text(LONG)
    return tmp_path


def too_long(text: str) -> list[str]:
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    return [line for line in plain.splitlines() if cells(line) > 80]


@pytest.mark.parametrize("options", SHOWN, ids=" ".join)
def test_show(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(SPECS) > 10
    for path in [*SPECS, Path("long.net")]:
        assert run(["show", str(path), *options]) == 0
        captured = capsys.readouterr()
        assert captured.out and not too_long(captured.out + captured.err), path.name


def test_the_table_keeps_its_texts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "long.net"]) == 0
    table = capsys.readouterr().out
    for word in ("3x3,", "relu", "9,248", "28x28x32", "multiply-adds"):
        assert word in table
    assert wrap_cell("the_hidden_layer_with_a_name", 12) == ["the_hidden_", "  layer_", "  with_a_", "  name"]
    assert wrap_cell("conv(32, 3x3, relu)", 12) == ["conv(32,", "  3x3, relu)"]
    rows = [("name", "n"), ("a_long_name", "12")]
    widths = fit_columns(rows, 12)
    assert widths == [8, 2] and wrap_row(rows[1], widths, [False, True]) == ["a_long_   12", "  name"]
    assert wrap_lines("  a = f(x = 1, y = 2)", 16) == "  a = f(x = 1,\n      y = 2)"


def test_diff_and_check(narrow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (narrow / "other.net").write_text(LONG.replace("relu", "gelu").replace("hidden", "hidden_and_renamed"))
    pairs = [
        ("long.net", "other.net"),
        ("long.net", "long.net"),
        ("long.net", str(SPECS[0])),
        (str(SPECS[1]), str(SPECS[-1])),
    ]
    for old, new in pairs:
        assert run(["diff", old, new]) == (old != new)
        assert not too_long(capsys.readouterr().out.replace(str(SPECS[0].parent), "")), (old, new)
    name = " ".join(["a name"] * 15) + ".net"
    (narrow / name).write_text(LONG)
    assert run(["check", name]) == 0
    assert not too_long(capsys.readouterr().out)


def test_weights() -> None:
    rng = np.random.default_rng(0)
    shapes = [(12,), (100,), (8, 12), (3, 3, 1, 12), (3, 3, 2, 4), (1, 1, 1, 100)]
    arrays = {"a_layer_with_a_long_name/" * 4 + f"kernel_{i}": rng.normal(size=s) * 1e-3 for i, s in enumerate(shapes)}
    text = weights_text(arrays)
    assert "filter 12" in text and not too_long(text)
    assert max(cells(line) for line in text.splitlines()) > 70
