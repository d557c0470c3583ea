"""Damage to run folders: files that are missing, truncated, mistyped key by key, nested, in another encoding, or that
have a flipped bit. Each is one change of a folder that can be undone.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError

TEXTS = ("spec.json", "settings.json", "versions.json", "meaning.json", "coding.json")
DEEP = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
WRONG: list[Any] = [None, True, -1, 0, 1.5, 2**70, "x", "", "a\0b", [], {}, [[]], [None], {"x": [{}]}]
"""What is put in the place of a value."""


class Damage(NamedTuple):
    """A file of a run with other content; None: it is missing."""

    file: str
    what: str
    content: bytes | None


def of_text(file: str, content: bytes) -> Iterator[Damage]:
    """Damage to a text as a whole."""
    yield Damage(file, "missing", None)
    for size in {0, 1, len(content) // 3, len(content) // 2, len(content) - 2, len(content) - 1}:
        yield Damage(file, f"truncated to {size}", content[:size])
    text = content.decode()
    others = {
        "nested": DEEP, "list": "[]", "number": "1", "null": "null", "twice": text + text, "NaN": '{"a": NaN}',
        "digits": '{"a": ' + "9" * 5000 + "}", "empty": "{}", "spaces": " \n" * 50, "nulls": "\0" * len(text),
    }  # fmt: skip
    for what, other in others.items():
        yield Damage(file, what, other.encode())
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        yield Damage(file, encoding, text.encode(encoding))
    yield Damage(file, "latin-1", content[: len(content) // 2] + b"\xe9\xff" + content[len(content) // 2 :])


def of_record(file: str, record: Any) -> Iterator[Damage]:
    """Damage to one value of JSON: gone, or of another type."""
    for path in _paths(record):
        for what, change in _changes(path):
            changed = copy.deepcopy(record)
            with suppress(TypeError):
                change(changed)
                if (text := json.dumps(changed)) != json.dumps(record):
                    yield Damage(file, f"{'.'.join(map(str, path))} {what}", text.encode())


def of_lines(file: str, content: bytes) -> Iterator[Damage]:
    """Damage to one value of a line."""
    lines = content.decode().splitlines()
    for index in {0, len(lines) - 1}:
        for damage in of_record(file, json.loads(lines[index])):
            assert damage.content is not None
            changed = [*lines[:index], damage.content.decode(), *lines[index + 1 :]]
            yield Damage(file, f"line {index} {damage.what}", ("\n".join(changed) + "\n").encode())


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if not isinstance(key, int) or key < 2:  # the rest of a list is alike
            yield from _paths(item, (*path, key))


def _changes(path: tuple[Any, ...]) -> Iterator[tuple[str, Callable[[Any], None]]]:
    *before, last = path

    def holder(record: Any) -> Any:
        for key in before:
            record = record[key]
        return record

    yield "gone", lambda record: holder(record).__delitem__(last)
    for value in WRONG:
        yield f"= {value!r}"[:30], lambda record, value=value: holder(record).__setitem__(last, value)  # type: ignore[misc]


def all_damage(folder: Path) -> list[Damage]:
    """Every damage to the texts of a run."""
    found: list[Damage] = []
    for file in TEXTS:
        content = (folder / file).read_bytes()
        found += [*of_text(file, content), *of_record(file, json.loads(content))]
    metrics = (folder / "metrics.jsonl").read_bytes()
    return [*found, *of_text("metrics.jsonl", metrics), *of_lines("metrics.jsonl", metrics)]


@contextmanager
def damaged(folder: Path, damage: Damage) -> Iterator[None]:
    """The folder with a damage, undone afterwards."""
    path = folder / damage.file
    before = path.read_bytes()
    if damage.content is None:
        path.unlink()
    else:
        path.write_bytes(damage.content)
    try:
        yield
    finally:
        path.write_bytes(before)


def flip(folder: Path, file: str, rng: Random) -> Damage:
    """A file with one bit flipped."""
    content = bytearray((folder / file).read_bytes())
    bit = rng.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    return Damage(file, f"bit {bit}", bytes(content))


# ---------------------------------------------------------------- what reads a run


def outcome(call: Callable[[], Any]) -> str:
    """`ok`, or the code of the error; every other exception is raised."""
    try:
        call()
    except CompileError as error:
        assert error.diagnostics[0].is_error and error.diagnostics[0].message
        return error.diagnostics[0].code
    return "ok"


def readers(folder: Path, inputs: Any) -> dict[str, Callable[[], Any]]:
    """All that reads a run folder, but for resuming it."""
    return {
        "runs": lambda: listed(folder),
        "load": lambda: netspec.load(folder),
        "eval": lambda: netspec.evaluate(folder),
        "predict": lambda: netspec.predict(folder, inputs),
        "diff": lambda: silent(["diff", str(folder), str(folder / "spec.net")]),
    }


def listed(folder: Path) -> None:
    """The list of all runs, which one bad run may not break."""
    assert silent(["runs", "--runs", str(folder.parent)]) == 0
    assert silent(["runs", "--runs", str(folder.parent), "--json"]) == 0


def silent(arguments: list[str]) -> int:
    status = run(arguments)
    assert status in (0, 1), arguments  # 2: an exception that is a bug of netspec
    return status


def resume_copy(folder: Path, aside: Path) -> None:
    """Resume a copy of a run."""
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside, symlinks=True)
    netspec.resume(aside)


def without_checksums(folder: Path) -> None:
    """Make a run one of those whose texts are not checked."""
    (folder / "checksums.json").unlink()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    text = "".join(json.dumps({k: v for k, v in line.items() if k != "crc32"}) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)


def files_read_back(folder: Path) -> list[str]:
    """The files of a run that have a checksum."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.suffix in (".json", ".jsonl", ".net", ".safetensors") and not path.is_symlink()
    )
