"""The tables of the parser in the cache: used, data only, and made again when they are not as they were saved."""

from __future__ import annotations

import os
import pickle
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import lark
import pytest

import netspec
from netspec.compiler.syntax import grammar_cache, parser
from netspec.compiler.syntax.grammar_cache import FILE, load_tables, save_tables
from netspec.language.diagnostics import Problems
from netspec.language.source import Source

SPEC = Source("a", "input 4\ndense(3) -> dense(2, softmax)\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(grammar_cache, "cache_folder", lambda: tmp_path)
    parser._lark.cache_clear()
    yield tmp_path
    parser._lark.cache_clear()


def test_tables_are_saved_and_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = parser.parse_source(SPEC, Problems())
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    parser._lark.cache_clear()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the tables are made again")

    monkeypatch.setattr(lark.Lark, "__init__", refuse)
    problems = Problems()
    assert parser.parse_source(SPEC, problems) == first and not len(problems)
    parser.parse_source(Source("b", "dense(3 -> relu\n"), problems)
    assert [d.code for d in problems] == ["NS102"]


def test_what_is_not_as_it_was_saved_is_ignored(folder: Path) -> None:
    tables = ({"parser": {"parser": {"tokens": {0: "A"}, "states": {1: {0: [0, 2]}}}}}, {7: {"@": 1}})
    save_tables("grammar", tables)
    content = (folder / FILE).read_bytes()
    assert load_tables("grammar") == tables and load_tables("another") is None
    for bit in range(0, 8 * len(content), 5):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        (folder / FILE).write_bytes(changed)
        assert load_tables("grammar") is None, bit
    for cut in range(0, len(content), 9):
        (folder / FILE).write_bytes(content[:cut])
        assert load_tables("grammar") is None
    (folder / FILE).unlink()
    assert load_tables("grammar") is None
    os.mkfifo(folder / FILE)
    assert load_tables("grammar") is None  # and it does not wait for a writer
    save_tables("grammar", tables)
    assert load_tables("grammar") == tables


class _Runs:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_in_the_cache_is_not_run(folder: Path) -> None:
    (folder / FILE).write_bytes(b"x\n" + pickle.dumps(_Runs(folder / "ran")))
    assert len(parser.parse_source(SPEC, Problems()).statements) == 2
    assert not (folder / "ran").exists()


def test_netspec_does_not_unpickle() -> None:
    found = re.compile(
        r"\b(?:import|from)\s+(?:c?[pP]ickle|cloudpickle|dill|joblib|marshal|shelve)\b|allow_pickle=True"
    )
    files = list(Path(netspec.__file__).parent.rglob("*.py"))
    assert len(files) > 200
    assert [path.name for path in files if found.search(path.read_text(encoding="utf-8"))] == []
