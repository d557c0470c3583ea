"""Branches whose shapes do not fit: what the hint says to write, put in place of the join, passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netspec

JOINS = [
    ("x = input -> conv(16)\ny = x -> conv(32)\n{}\nz", "z = x + y", "z = (x -> conv(32, 1x1)) + y"),
    ("x = input -> conv(32)\ny = x -> conv(16, stride = 2)\n{}", "x + y", "(x -> conv(16, 1x1, stride = 2)) + y"),
    ("x = input -> conv(8)\ny = x -> maxpool(2)\n{}", "(x | y) -> add", "(x -> maxpool(2) | y) -> add"),
    ("x = conv(8)\n{}", "x + x + identity", "x + x + (identity -> conv(8, 1x1))"),
    ("{} -> gap", "identity + (conv(8) -> conv(16, stride = 2))", "residual(conv(8) -> conv(16, stride = 2))"),
    ("{}", "(identity | conv(8) -> conv(16)) -> add", "residual(conv(8) -> conv(16))"),
    ("{}", "(conv(8) | conv(16)) -> add", "(conv(8) -> conv(16, 1x1) | conv(16)) -> add"),
    ("{}", "(conv(8) | conv(9) | conv(9)) -> max", "(conv(8) -> conv(9, 1x1) | conv(9) | conv(9)) -> max"),
    ("{}", "(conv(8) | maxpool(2)) -> concat", "(conv(8) | maxpool(3, stride = 1, pad = same)) -> concat"),
    ("{}", "(conv(8) | conv(8, 5, stride = 2)) -> concat", "(conv(8) | conv(8, 5)) -> concat"),
    ("{}", "(crop(18x18) | conv(8)) -> concat", "(crop(18x18) -> resize(20x20) | conv(8)) -> concat"),
    (
        "crop(14x14) -> conv(4) -> {}",
        "(identity | maxpool(3, stride = 4, pad = same) -> upsample(4)) -> concat",
        "(identity | maxpool(3, stride = 4, pad = same) -> upsample(4) -> resize(14x14)) -> concat",
    ),
    ("flatten -> {}", "(dense(8) | dense(9)) -> average", "(dense(8) -> dense(9) | dense(9)) -> average"),
    (
        "reshape(20x60) -> {}",
        "(identity | maxpool(2)) -> add",
        "(identity | maxpool(3, stride = 1, pad = same)) -> add",
    ),
]


@pytest.mark.parametrize(("spec", "join", "expected"), JOINS, ids=[join for _, join, _ in JOINS])
def test_the_hint_passes(spec: str, join: str, expected: str) -> None:
    (problem,) = netspec.check("input 20x20x3\n" + spec.format(join))
    (written,) = re.findall("write `(.*)`", problem.hint_text)
    assert written == expected
    assert netspec.check("input 20x20x3\n" + spec.format(written)) == []


def test_the_pool_that_drops_rows_is_shown() -> None:
    spec = """
input 50x50x3
def double(f) = conv(f, 3x3, relu) * 2
a = input -> double(16)
b = a -> maxpool(2) -> double(32)
c = b -> maxpool(2) -> double(64)
d = (c -> upconv(32) | b) -> concat -> double(32)
e = (d -> upconv(16) | a) -> concat -> double(16)
e -> conv(1, 1x1, sigmoid)
"""
    (problem,) = netspec.check(spec)
    assert "ignores the last row and the last column of 25x25x32" in str(problem.notes)
    assert problem.hint_text == "write `(c -> upconv(32) -> resize(25x25) | b) -> concat`"
    mended = spec.replace("(c -> upconv(32) | b)", "(c -> upconv(32) -> resize(25x25) | b)")
    assert [problem for problem in netspec.check(mended) if problem.is_error] == []


def test_inputs_that_the_data_name_are_told(tmp_path: Path) -> None:
    rows = [f"a {'good' if i % 2 else 'bad'} film,{i % 5},{'yn'[i % 2]}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["review,stars,label", *rows]) + "\n")
    chain = "embedding(8) -> mean_pool -> dense(1, sigmoid)"
    source = 'data {{ source = csv("reviews.csv", target = "label", text = "review"{}) }}'
    (tmp_path / "reviews.net").write_text(f"{chain}\n{source.format('')}\n")
    (problem,) = netspec.check(tmp_path / "reviews.net")
    assert problem.code == "NS310"
    assert "`numbers` is an input too" in problem.hint_text
    dropped = source.format(', drop = "stars"')
    (tmp_path / "reviews.net").write_text(f"{chain}\n{dropped}\n")
    assert not netspec.check(tmp_path / "reviews.net")
    declared = re.findall("`(input .*?)`", problem.hint_text.replace("\n", " "))
    used = "(review -> embedding(8) -> mean_pool | numbers) -> concat -> dense(1, sigmoid)"
    (tmp_path / "reviews.net").write_text("\n".join([*declared, used, source.format("")]) + "\n")
    assert not netspec.check(tmp_path / "reviews.net")
