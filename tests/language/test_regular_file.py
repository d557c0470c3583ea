"""Files that would be waited for, or read, for ever are refused at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from netspec.language.files.regular_file import Limit, Refused, check_regular, open_regular, read_regular

KILO = Limit("NETSPEC_MAX_TEST_KB", 2, "kB", 1000)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 2000)
    assert read_regular(path, KILO) == b"x" * 2000
    with open_regular(path, KILO) as file:
        assert file.read(3) == b"xxx"
    assert check_regular(path).st_size == 2000


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "socket"])
def test_everything_else_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    path = Path("/dev/zero") if kind == "device" else Path("p")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind("p")
    (tmp_path / "link").symlink_to(path if path.is_absolute() else tmp_path / path)
    named = {"pipe": "a named pipe"}.get(kind, f"a {kind}")
    for function in (check_regular, open_regular, lambda path: read_regular(path, KILO)):
        for name in (path, tmp_path / "link"):
            with pytest.raises(Refused, match=f"it is {named}, not a file"):
                function(name)


def test_a_limit_is_named_and_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 2001)
    with pytest.raises(Refused) as caught:
        open_regular(path, KILO)
    assert caught.value.strerror == "it has 2.001 kB, and the limit is 2 kB"
    assert caught.value.advice == "set the environment variable NETSPEC_MAX_TEST_KB to a larger number of kB"
    monkeypatch.setenv("NETSPEC_MAX_TEST_KB", "2.001")
    assert len(read_regular(path, KILO)) == 2001
    for wrong in ("many", "0", "-1", "nan", ""):
        monkeypatch.setenv("NETSPEC_MAX_TEST_KB", wrong)
        with pytest.raises(Refused, match=f"NETSPEC_MAX_TEST_KB is `{wrong}`, not a number above 0"):
            read_regular(path, KILO)


def test_a_file_that_has_more_than_its_size_says() -> None:
    """The files of the system say that they have no bytes."""
    path = Path("/proc/self/maps")
    assert path.stat().st_size == 0
    with pytest.raises(Refused, match="it has more than the limit of 2 kB"):
        read_regular(path, KILO)


def test_a_missing_file_is_a_usual_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "a", KILO)
