"""The cache folder is the user's alone: compiled programs in it are run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from netspec.language.files import cache_dir
from netspec.language.files.cache_dir import NothingCached, cache_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache_dir, "user_cache_path", lambda *_, **__: tmp_path / "deep" / "netspec")
    cache_dir._warn_once.cache_clear()
    return tmp_path / "deep" / "netspec"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_the_user_alone(folder: Path) -> None:
    assert cache_folder() == folder and mode(folder) == 0o700
    folder.chmod(0o755)  # as earlier versions made it
    assert cache_folder() == folder and mode(folder) == 0o700


@pytest.mark.parametrize("others", [0o777, 0o770, 0o702])
def test_it_is_not_used_where_others_can_write(folder: Path, others: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(others)
    with pytest.warns(NothingCached, match="others can write to"):
        assert cache_folder() is None
    assert mode(folder) == others
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert cache_folder() is None


def test_it_is_not_used_when_it_belongs_to_another_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == folder
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.warns(NothingCached, match="belongs to another user"):
        assert cache_folder() is None


@pytest.mark.parametrize("blocked", ["file", "name"])
def test_a_folder_that_cannot_be_made(folder: Path, blocked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if blocked == "file":
        folder.parent.write_text("")
    else:
        monkeypatch.setattr(cache_dir, "user_cache_path", lambda *_, **__: folder / "a\0b")
    assert cache_folder() is None


def test_the_command_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "netspec").mkdir()
    (tmp_path / "netspec").chmod(0o777)
    (tmp_path / "a.net").write_text("input 4\ndense(2)\n")
    found = subprocess.run(
        [sys.executable, "-m", "netspec", "check", "a.net", "a.net"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr.count("warning: netspec caches nothing: others can write to") == 1
    assert "UserWarning" not in found.stderr and list((tmp_path / "netspec").iterdir()) == []
