"""`netspec new` as it is typed, and its example in the guide."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the guide, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 + i * 7 % 6},{i % 7},{90_000 + 500 * (i * 7919 % 401)},{60 + i * 31 % 97}" for i in range(30)]
    Path("homes.csv").write_text("\n".join(["rooms,floor,price,area", *rows]))


def test_the_spec_is_written_checked_and_formatted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "homes.csv", "--target", "price"]) == 0
    printed = capsys.readouterr().out
    assert "wrote homes.net; `netspec train homes.net` trains it" in printed
    assert "- `price` is a number from 90,000 to 289,000" in printed
    assert run(["check", "homes.net"]) == 0
    assert run(["fmt", "--check", "homes.net"]) == 0
    assert Path("homes.net").read_text() == netspec.new("homes.csv", target="price")


def test_no_file_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("homes.net").write_text("mine")
    assert run(["new", "homes.csv", "--target", "price"]) == 1
    assert "NS663" in capsys.readouterr().err
    assert Path("homes.net").read_text() == "mine"


def test_another_folder_and_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs").mkdir()
    assert run(["new", "homes.csv", "--target", "price", "-o", "specs/price.net"]) == 0
    assert '"../homes.csv"' in Path("specs/price.net").read_text()
    assert run(["check", "specs/price.net"]) == 0
    capsys.readouterr()
    assert run(["new", "homes.csv", "--target", "price", "-o", "-"]) == 0
    assert capsys.readouterr().out == netspec.new("homes.csv", target="price")
    assert run(["new", "homes.csv", "--target", "price", "-o", "-", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["file"] is None
    assert record["findings"]
    assert not Path("homes.net").exists()


def test_without_a_target_the_columns_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "homes.csv"]) == 1
    printed = capsys.readouterr().err
    assert "NS660" in printed
    assert "--target price" in printed
    assert "rooms, floor, price, area" in printed
    assert not Path("homes.net").exists()


def test_the_example_of_the_guide_is_what_is_written() -> None:
    guide = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    section = guide.partition("## A first spec for your own data")[2]
    (shown,) = re.findall(r"^```net tables\n(# Predicts.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert netspec.new("homes.csv", target="price") == shown
