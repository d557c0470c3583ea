"""A small spec, a finished run of it, and the command `netspec` for programs that call it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from netspec.cli.main import run
from tests.training.conftest import compiled_programs as compiled_programs

ROOT = Path(__file__).parents[3]
SPEC = """\
input 4

dense(8, relu) -> dense(3, softmax)

data {
    source    = iris
    normalize = standard
    val       = 20%
    test      = 20%
}

train {
    epochs = 3
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `net.net`, and the finished run `runs/net`."""
    path = tmp_path_factory.mktemp("workflow")
    (path / "net.net").write_text(SPEC)
    assert run(["train", str(path / "net.net"), "--run-folder", str(path / "runs" / "net"), "--json"]) == 0
    return path


@pytest.fixture(scope="session")
def command_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH whose `netspec` is the one that is tested."""
    shim = tmp_path_factory.mktemp("bin") / "netspec"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m netspec "$@"\n')
    shim.chmod(0o755)
    return os.pathsep.join([str(shim.parent), os.environ["PATH"]])
