"""CSV files by polars against the same files by Python's `csv` and `float`, cell by cell."""

from __future__ import annotations

import csv
import io
import math
import random
from pathlib import Path

import polars as pl
import pytest

from netspec.data.formats.tables.csv_format import CsvFormat
from netspec.data.formats.tables.table_files import CsvFile, TableFile
from netspec.data.sources.tables.words import Csv
from netspec.language.diagnostics import Unplaced

NUMBERS = """1_000|0x10| 1 | 1|1 |1e5|1E5|1e-400|-0|+1|1.|.5|1e|--1|１|1\u00a0|1d5|0b1|1,5|inf|-Inf|infinity|nan|-nan
|NA|n/a|None|null|?|-|True|true|1e999|1e39|3.4028236e38|0.1234567890123456789|123456789012345678901|16777217|1__0|#1|'1'"""
CELLS = [cell for line in NUMBERS.split("\n") for cell in line.split("|")]


def expected(cell: str) -> float | str:
    """What Python makes of a cell, or what is wrong with it."""
    if cell.strip().lower() in ("", "na", "n/a", "nan", "null", "none", "?", "-"):
        return "NS410"
    try:
        value = float(cell)
    except ValueError:
        return "NS409"
    return value if math.isfinite(value) else "NS409"


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_is_the_number_that_python_reads(tmp_path: Path, cell: str, quoted: bool) -> None:
    typed = f'"{cell}"' if quoted else cell
    (tmp_path / "t.csv").write_text(f"a;b;y\n2;7;p\n{typed};8;q\n", encoding="utf-8")
    try:
        data = Csv(file="t.csv", target=("y",), delimiter=";").load(tmp_path)
        found: float | str = data.train.inputs["input"][1, 0].item()
        assert data.train.inputs["input"][:, 1].tolist() == [7, 8]
    except Unplaced as bad:
        found = bad.kind.code
        assert bad.fields["row"] == 3 and bad.fields["column"] == "a"
    assert found == expected(cell)


def by_python(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    return [(reader.line_num, cells) for cells in reader if cells]


def stripped(cells: pl.Series) -> list[str]:
    return cells.fill_null("").str.strip_chars().to_list()


def random_table(rng: random.Random, *, plain: bool) -> tuple[str, str]:
    """A text and its delimiter; unless it is `plain`, with spaces and quotes where readers differ over them."""
    delimiter, end = rng.choice(",;\t|"), rng.choice(["\n", "\r\n"])
    width = rng.randrange(2, 6)
    contents = ["1", "-2.5", "", "x", 'a "b"', f"p{delimiter}q", f"line{end}break", "é", "NA", "0"]

    def cell() -> str:
        content = rng.choice(contents)
        if any(sign in content for sign in ('"', delimiter, "\n")) or rng.random() < 0.2:
            content = '"' + content.replace('"', '""') + '"'
        if not plain and rng.random() < 0.02:
            content = rng.choice([" " + content, "5 'inch", 'end"x'])
        return content

    lines = [delimiter.join(cell() for _ in range(width)) for _ in range(rng.randrange(1, 60))]
    for _ in range(rng.randrange(3)):
        lines.insert(rng.randrange(len(lines) + 1), "")
    header = delimiter.join(f"c{i}" for i in range(width))
    return end.join([header, *lines]) + rng.choice(["", end, end * 2]), delimiter


@pytest.mark.parametrize("plain", [True, False])
def test_random_files_are_read_as_python_reads_them(tmp_path: Path, plain: bool) -> None:
    path = tmp_path / "t.csv"
    rng = random.Random(0)
    for _ in range(300):
        text, delimiter = random_table(rng, plain=plain)
        path.write_bytes(text.encode())
        file = CsvFile(path, "t.csv", CsvFormat(delimiter))
        (_, header), *rows = by_python(text, delimiter)
        rows = [(line, cells) for line, cells in rows if len(cells) == len(header)]
        frame = file.read([0])
        assert file.lines.tolist() == [line for line, _ in rows], text
        again = file.texts(range(len(header)))
        for position in range(len(header)):
            texts = [cells[position] for _, cells in rows]
            assert stripped(again[str(position)]) == [cell.strip() for cell in texts], text
            if position:
                assert frame[str(position)].equals(again[str(position)])
            else:
                numbers = pl.Series(again["0"].str.strip_chars_start()).cast(pl.Float64, strict=False)
                assert frame["0"].to_list() == numbers.to_list()


def test_a_plain_file_is_read_by_polars_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CsvFile, "_read_rows", lambda self: pytest.fail("read row by row"))
    text = '"a",b,y\r\n1,"x ""1""",p\r\n\r\n2,"line\r\nbreak, comma",q'
    (tmp_path / "t.csv").write_bytes(text.encode())
    data = Csv(file="t.csv", target=("y",), categories=("b",)).load(tmp_path)
    assert data.columns == {"input": ("a", "b = line\r\nbreak, comma", 'b = x "1"')}
    assert [data.where(i) for i in range(2)] == ["t.csv row 2", "t.csv row 5"]


def test_rows_whose_lengths_cancel_out_are_found(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,p\n1,2,3,p\n1,p\n4,5,q\n")
    with pytest.raises(Unplaced) as caught:
        Csv(file="t.csv", target=("y",)).load(tmp_path)
    assert caught.value.kind.code == "NS407"
    assert caught.value.fields["row"] == 3 and caught.value.fields["also"].startswith("the same in row 4")


def test_a_large_file_with_quoted_line_breaks(tmp_path: Path) -> None:
    """polars divides such a file between threads; every row stays whole."""
    count = 40_000
    rows = (f'{i},"text {i % 7}\nof {"several " * (i % 5)}, lines\n",{i % 3}\n' for i in range(count))
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(rows))
    data = Csv(file="t.csv", target=("y",), drop=("b",)).load(tmp_path)
    assert data.train.inputs["input"][:, 0].tolist() == [*range(count)]
    assert data.train.targets["output"].tolist() == [i % 3 for i in range(count)]
    assert data.rows[-1] == 1 + 3 * count


def test_rows_of_a_table_in_memory() -> None:
    file = TableFile.of_rows("", ["a", "b"], [["1", "x"], [" 2", ""]])
    assert file.read([0])["0"].to_list() == [1, None]  # a cell with spaces is looked at as a text
    assert file.texts([1])["1"].to_list() == ["x", ""]
    assert file.lines.tolist() == [1, 2]
