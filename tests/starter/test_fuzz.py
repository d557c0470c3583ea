"""Whatever a table looks like: a spec that is checked and formatted, or an error with a code; never anything else."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

import netspec
from netspec.compiler.syntax.formatter import format_source
from netspec.language.source import Source

NAMES = [
    "price", "a b", "ünïcödé", "日本", "data", "input", "def", "train", "dense", "numbers", "id", "customer_id", "date",
    "x(1)", 'say "hi"', "tab\there", "#", "50%", "a.b", "A", "a", "", " lead", "True", "none", "target", "e" * 300, "1",
    "2021", "-", "new\nline", "{x}", "{", "%s", "\\", "`tick`", "text", "of", "columns", "softmax", "relu",
]  # fmt: skip

CELLS = {
    "integer": lambda r: str(r.randint(-5, 500)),
    "few": lambda r: str(r.randint(0, 3)),
    "binary": lambda r: str(r.randint(0, 1)),
    "number": lambda r: f"{r.gauss(0, 10):.3f}",
    "large": lambda r: f"{r.lognormvariate(10, 3):.2f}",
    "tiny": lambda r: f"{r.gauss(0, 1):.2e}",
    "name": lambda r: r.choice(["red", "green", "blue", "Ünï", "a,b", 'q"q', "x;y"]),
    "many": lambda r: f"town {r.randint(0, 60)}",
    "unique": lambda r: f"{r.random():.12f}x",
    "date": lambda r: f"{r.randint(1990, 2020)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
    "unclear": lambda r: f"{r.randint(1, 12):02}/{r.randint(1, 12):02}/{r.randint(1990, 2020)}",
    "time": lambda r: f"{r.randint(0, 23):02}:{r.randint(0, 59):02}",
    "gaps": lambda r: r.choice(["", "NA", "1.5", "2.5", "3", "-7"]),
    "marks": lambda r: r.choice(["unknown", *map(str, range(40))]),
    "empty": lambda r: "",
    "constant": lambda r: "7",
    "text": lambda r: " ".join(r.choice(["the", "film", "is", "good", "bad", "never", "so"]) for _ in range(9)),
    "tags": lambda r: "|".join(sorted({r.choice("abcdef") for _ in range(r.randint(1, 4))})),
    "boolean": lambda r: r.choice(["true", "false"]),
    "infinite": lambda r: r.choice(["1", "2", "inf"]),
    "german": lambda r: f"{r.randint(0, 99)},{r.randint(0, 99):02}",
    "unix": lambda r: str(1_500_000_000 + r.randint(0, 10**8)),
    "mixed": lambda r: r.choice(["1", "a", "2.5", "", "b"]),
}  # fmt: skip


def write_table(folder: Path, seed: int) -> tuple[Path, list[str]]:
    """A random table, and the names of its columns."""
    r = random.Random(seed)
    width, rows = r.randint(1, 7), r.choice([0, 1, 2, 9, 10, 11, 30, 60, 200])
    names = r.sample(NAMES, width)
    kinds = [r.choice([*CELLS]) for _ in names]
    path = folder / f"table {seed}.csv"
    with path.open("w", newline="", encoding=r.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])) as file:
        writer = csv.writer(file, delimiter=r.choice(",,,;\t|"))
        writer.writerow(names)
        writer.writerows([CELLS[kind](r) for kind in kinds] for _ in range(rows))
    return path, names


def check_draft(path: Path, target: str, goal: str) -> bool:
    """Whether there is a spec; its text is checked, and it is formatted."""
    try:
        text = netspec.new(path, target=target, goal=goal)
    except netspec.CompileError as error:
        assert all(problem.code.startswith("NS") and problem.message for problem in error.diagnostics)
        return False
    assert format_source(Source("<new>", text)) == text
    assert [problem for problem in netspec.check(text) if problem.is_error] == []
    return True


def test_random_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    monkeypatch.chdir(tmp_path)
    written, count = 0, 2000 if long else 30
    for seed in range(count):
        path, names = write_table(tmp_path, seed)
        written += check_draft(path, names[seed % len(names)], ("accuracy", "small", "fast")[seed % 3])
    assert written > count / 10  # many such tables have nothing to learn from
