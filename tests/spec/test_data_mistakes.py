"""Mistakes in tables and in folders of images: what the hints of a spec say, and what they must not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import netspec

WORDS = ("a", "bad", "good", "plot", "really", "the")
TAGS = ("games", "games net", "net", "games net tv", "tv", "")
TABLES = {
    "reviews.csv": ["review,stars,mood"]
    + [f'"{" ".join(WORDS[i % k] for k in range(1, 7))}, number {i}",{i % 5},{i % 2}' for i in range(60)],
    "customers.csv": ["fee,payment,extras,left"]
    + [f"{i / 4},{('card', 'check', '')[i % 3]},{TAGS[i % 6]},{'no' if i % 2 else 'yes'}" for i in range(60)],
    "cars.csv": ["make,year,price"]
    + [f'{("Audi", "VW")[i % 2]},{2000 + i % 20},"${(7 * i) % 60 + 5},{100 + 13 * i % 800}"' for i in range(60)],
    "wine.csv": ["sugar,color,quality"] + [f"{i / 7},{('red', 'white', 'rose')[i % 3]},{3 + i % 6}" for i in range(60)],
    "sensor.csv": ["time,temp,rain"] + [f"{i},{i / 8},{i % 2}{',note: new' if i == 9 else ''}" for i in range(60)],
    "short.csv": ["time,temp,rain"] + [f"{i},{i / 8},{i % 2}" if i != 9 else "9" for i in range(60)],
    "wide.csv": ["time,rain"] + [f"{i},{i / 8},{i % 2}" for i in range(60)],
    "iris.csv": [f"{5 + i % 3}.{i % 7},{i % 9 / 2},{('a', 'b')[i % 2]}" for i in range(60)],
    "kaggle.csv": ["time,temp", *(f"{i},{i / 8}" for i in range(9))],
    "good.csv": ["time,temp,rain", *(f"{i},{i / 8},{i % 2}" for i in range(60))],
    "named.csv": ["name,left"] + [f"Person{i},{i % 2}" for i in range(60)],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for i in range(8):
        file = folder / f"pets/{('cat', 'dog')[i % 2]}/{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (58 + 3 * i, 52), (20 * i, 90, 10)).save(file)
    for name, rows in TABLES.items():
        (folder / name).write_text("\n".join(rows) + "\n")
    return folder


def check(spec: str, folder: Path) -> tuple[str, str]:
    """The codes of the problems, and their texts."""
    (folder / "x.net").write_text(spec)
    found = list(netspec.check(folder / "x.net"))
    return " ".join(p.code for p in found), "\n".join(f"{p.message}\n{p.label_text}\n{p.hint_text}" for p in found)


IMAGES = "input 64x64x3\n\ngap -> dense(2, softmax)\n\ndata {{ source = {} }}\n"


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        ('images("pets")', "NS428", "`size = 64x64`"),
        ('images("pets", size = 64x64)', "", ""),
        ('images("pets", size = 64x64, test_split = 0.2)', "NS202", "write `test = 0.2` on its own line in `data`"),
        ('images("pets", size = 64x64, batch_size = 8)', "NS202", "write `batch = 8` on its own line in `train`"),
        ('images("pets", size = 64x64, shuffle = False)', "NS202", "write `shuffle = false` on its own line"),
        ('images("pets", size = 64x64, test = 20%)', "NS206", "write `test = 20%` on its own line in `data`"),
        ('images("pets", test = 0.2)', "NS206", "write `test = 0.2` on its own line in `data`"),
    ],
)
def test_images(source: str, code: str, hint: str, folder: Path) -> None:
    codes, text = check(IMAGES.format(source), folder)
    assert codes == code and hint in text and '"0.2"' not in text, text


def test_numbers_never_become_names_of_files(folder: Path) -> None:
    for source in ("images(12)", 'csv("a.csv", target = "b", test = 0.25)', "npz(7)", 'csv(3, target = "a")'):
        _, text = check(IMAGES.format(source), folder)
        assert not [number for number in ("12", "0.25", "7", "3") if f'"{number}"' in text], text


TABLE = "dense(4, relu) -> dense(1, sigmoid)\n\ndata {{\n    normalize = standard\n    source = csv({})\n}}\n"
TEXTS = 'write `text = "review"`'
CASES = [
    (
        '"iris.csv", target = 2',
        "NS206",
        ['write `target = "2"` if the header', 'write `header = none, target = "column_3"`'],
        [],
    ),
    (
        '"iris.csv", target = "2", usecols = [0, 1]',
        "NS202",
        ['write `header = none, columns = ["column_1", "column_2"]`'],
        [],
    ),
    ('"iris.csv", target = 2, header = none', "NS206", ['write `target = "column_3"`'], ['"2"']),
    ('"iris.csv", target = "2"', "NS406", ['`header = none, target = "column_3"`'], ["names ="]),
    ('"iris.csv", target = "2", header = none', "NS408", ['write `target = "column_3"`'], ["header"]),
    ('"iris.csv", target = "kind", header = none', "NS408", ["its columns: column_1, column_2, column_3"], ["header"]),
    ('"good.csv", target = "rain", drop = ["temp", "wind"]', "NS408", ["its columns: time, temp, rain"], []),
    (
        '"good.csv", target = "rain", test = "kaggle.csv"',
        "NS408",
        ["has no targets", "leave `test` out", "`netspec predict RUN kaggle.csv -o predictions.csv`"],
        ["its columns"],
    ),
    (
        '"sensor.csv", target = "rain"',
        "NS407",
        ["row 11 has 4 cells, but the header has 3", 'it ends in "note: new": remove', "in double quotes"],
        ["`delimiter`"],
    ),
    ('"short.csv", target = "rain"', "NS407", ["row 11 has 1 cell, but", "add the missing cells"], ["`delimiter`"]),
    ('"wide.csv", target = "rain"', "NS407", ["every row of wide.csv has 3 cells", "a name for each column"], []),
    ('"reviews.csv", target = "mood", columns = "review"', "NS409", [TEXTS], ["drop ="]),
    ('"reviews.csv", target = "mood", drop = "stars"', "NS409", [TEXTS], ["drop ="]),
    ('"reviews.csv", target = "mood", drop = "stars", categories = auto', "NS442", [TEXTS], ["drop ="]),
    ('"reviews.csv", target = "mood"', "NS409", [TEXTS, 'write `drop = "review"`'], []),
    ('"named.csv", target = "left"', "NS409", ["add other columns"], ["drop =", "texts such as"]),
    (
        '"customers.csv", target = "left"',
        "NS409",
        ['`categories = "payment", per_column = of("extras", as = set(" "))`'],
        ["missing"],
    ),
    (
        '"customers.csv", target = "left", categories = "payment", per_column = of("extras", as = set)',
        "NS410",
        ['add `-> of("payment", missing = category)` to `per_column`'],
        ["mean"],
    ),
    (
        '"customers.csv", target = "left", categories = ["payment", "extras"]',
        "NS410",
        ['write `per_column = of(["payment", "extras"], missing = category)`'],
        ["mean"],
    ),
    (
        '"customers.csv", target = "left", categories = auto, missing = drop',
        "NS561",
        ["leaves 40 of 60 rows of customers.csv", "`payment` (20), `extras` (10)"],
        [],
    ),
    ('"customers.csv", target = "left", categories = auto, missing = mean', "", [], []),
    (
        '"cars.csv", target = "price", categories = "make"',
        "NS411",
        ["write the numbers of `price` without signs and units in the file"],
        ["is this the column"],
    ),
]


@pytest.mark.parametrize(("source", "code", "hints", "others"), CASES, ids=[case[0] for case in CASES])
def test_tables(source: str, code: str, hints: list[str], others: list[str], folder: Path) -> None:
    codes, text = check(TABLE.format(source), folder)
    assert codes == code and all(hint in text for hint in hints), text
    assert not [other for other in others if other in text], text


HEADS = [
    ("dense(1)", '"wine.csv", target = "quality", columns = "sugar"', ["`task = numbers` to `csv(…)`"], ["astype"]),
    ("dense(1)", '"wine.csv", target = "color", columns = "sugar"', ["`dense(3, softmax)`"], ["astype", "task"]),
    ("dense(1)", '"wine.csv", target = "quality", columns = "sugar", task = classes', ["`dense(6"], ["task"]),
    ("dense(3, softmax)", '"wine.csv", target = "sugar", columns = "quality"', ["`task = classes` to"], ["astype"]),
]


@pytest.mark.parametrize(("head", "source", "hints", "others"), HEADS)
def test_last_layers(head: str, source: str, hints: list[str], others: list[str], folder: Path) -> None:
    _, text = check(f"{head}\n\ndata {{ source = csv({source}) }}\n", folder)
    assert all(hint in text for hint in hints) and not [other for other in others if other in text], text


def test_a_number_for_classes_of_images(folder: Path) -> None:
    _, text = check('gap -> dense(1)\n\ndata { source = images("pets", size = 8x8) }\n', folder)
    assert "task" not in text and "astype" not in text, text


def test_the_wrong_name_of_a_list_is_underlined(folder: Path) -> None:
    (folder / "x.net").write_text(TABLE.format('"good.csv", target = "rain", drop = ["temp", "wind"]'))
    (wrong,) = netspec.check(folder / "x.net")
    assert wrong.span is not None and wrong.span.text == '"wind"'
