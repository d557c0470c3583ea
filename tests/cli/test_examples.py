"""The example specs that come with netspec: listed, written, and trained without the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from netspec.cli.examples import data_source, find_example, needs_no_download, summary
from netspec.cli.main import run
from netspec.language.files.example_specs import example_names

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_example_is_listed_with_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples"]) == 0
    out = capsys.readouterr().out
    assert (
        all(f"  {path.stem} " in out for path in (ROOT / "specs").glob("*.net"))
        and max(map(len, out.splitlines())) <= 80
    )
    assert all(summary(find_example(name)) for name in example_names())
    included, downloaded = out.partition("data downloaded once:")[::2]
    assert (
        "  digits " in included and "  mnist_cnn " in downloaded and "  xor " in included and "  sentiment " in included
    )
    assert run(["examples", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["examples"]
    assert {"name": "digits", "data": "digits", "summary": "Handwritten digits"} in records


def test_an_example_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "digits"]) == 0
    assert Path("digits.net").read_text() == (ROOT / "specs/digits.net").read_text()
    Path("digits.net").write_text("mine")
    assert run(["examples", "digits"]) == 1 and Path("digits.net").read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(["examples", "digits.net", "--force", "--json"]) == 0 and Path("digits.net").read_text() != "mine"
    assert json.loads(capsys.readouterr().out) == {"file": "digits.net"}


def test_how_an_example_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    uses = []
    for name in ("xor", "lenet5"):
        assert run(["examples", name]) == 0
        uses.append(capsys.readouterr().out)
    assert uses == [
        "wrote xor.net; `netspec train xor.net` trains it\n",
        "wrote lenet5.net; it has no data: `netspec show lenet5.net`\n",
    ]


@pytest.mark.parametrize("name", ["mnist_cnn", "mnist_cnn.net", "elsewhere/mnist_cnn.net"])
def test_the_name_of_an_example_as_a_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", name]) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "error[NS109]" in err and "`netspec train --example mnist_cnn` trains the one of this name" in err


def test_an_example_with_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "sentiment"]) == 0
    assert "wrote reviews.csv, its data" in capsys.readouterr().out
    assert Path("reviews.csv").read_bytes() == (ROOT / "specs/reviews.csv").read_bytes()
    assert run(["check", "sentiment.net"]) == 0
    Path("sentiment.net").unlink()
    assert run(["examples", "sentiment"]) == 1 and not Path("sentiment.net").exists()
    assert "reviews.csv already exists" in capsys.readouterr().err
    assert run(["examples", "sentiment", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": "sentiment.net", "data": ["reviews.csv"]}


def test_what_is_no_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["examples", "digts"], ["train", "--example", "digts"], ["examples", "../specs/digits"]):
        assert run(arguments) == 1
        assert "did you mean `digits`?" in capsys.readouterr().err or ".." in arguments[1]
    assert run(["train", "a.net", "--example", "digits"]) == 1
    assert "takes the place of" in capsys.readouterr().err


def test_the_installed_package_trains_an_example(tmp_path: Path) -> None:
    """In the layout that the wheel has, without the source tree."""
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    site = tmp_path / "site"
    shutil.copytree(ROOT / "netspec", site / "netspec", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in included["force-include"].items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, site / target)
    program = "import sys, netspec; assert sys.argv[1] in netspec.__file__; sys.argv[1:2] = []; "
    program += "from netspec.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        str(site),
        "train",
        "--example",
        "slashes",
        "-D",
        "train.epochs=1",
        "--json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert json.loads(ran.stdout.splitlines()[-1])["event"] == "done" or "NS229" in ran.stdout, ran.stderr
    assert (tmp_path / "runs/slashes-1/weights.safetensors").is_file()


def test_every_source_that_is_called_included_works_without_a_download() -> None:
    names = {source for name in example_names() if (source := data_source(find_example(name))) is not None}
    assert {name for name in names if needs_no_download(name)} == {
        "digits",
        "xor",
        "slashes",
        "breast_cancer",
        "shapes",
    }
