"""Every example of the docs compiles, and the reference pages say what the declarations say."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import netspec
from netspec import extend
from netspec.cli.main import COMMANDS, run
from netspec.language.diagnostics import KINDS, render
from netspec.language.reference.entries import word_page
from netspec.language.reference.pages import PAGES, linked, word_markdown
from netspec.language.source import Source
from netspec.language.vocabulary import categories, temporary_words, words
from netspec.language.word import Word
from netspec.spec.compilation import Compilation
from netspec.testing import check_docs

ROOT = Path(__file__).parents[2]
BLOCKS = [
    (name, int(text[: match.start()].count("\n")), match[1], match[2])
    for name in ("docs/language.md", "docs/first_aid.md", "README.md")
    for text in [(ROOT / name).read_text(encoding="utf-8")]
    for match in re.finditer(r"^```net *([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("name", "line", "options", "text"), BLOCKS, ids=lambda v: str(v)[:24])
def test_example_compiles(
    name: str, line: int, options: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options.split("--input ")[1] if "--input" in options else None
    if options == "tables":
        write_tables(tmp_path)
        monkeypatch.chdir(tmp_path)
    spec = Compilation(Source(f"{name}:{line}", text), input=given)
    found = [problem for problem in spec.diagnose() if problem.is_error or options != "warning"]
    assert [render(problem) for problem in found] == []
    compile(spec.python, name, "exec")


def test_the_python_of_the_readme_runs_as_it_is_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["result"].metrics["test_accuracy"] > 0.5 and (tmp_path / "runs").is_dir()


def test_the_python_of_the_page_about_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    for name in ("digits.net", "unet.net"):
        (tmp_path / "specs" / name).write_text((ROOT / "specs" / name).read_text())
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 9
    for block in blocks:
        exec(block, {})


def test_the_python_of_the_page_about_first_aid_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "digits.net").write_text((ROOT / "specs" / "digits.net").read_text())
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/first_aid.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})


def test_the_messages_of_the_readme_are_those_of_the_program(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    text = (ROOT / "README.md").read_text()
    (shown,) = re.findall(r"^\$ netspec check lenet.net\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = {int(n): line for n, line in re.findall(r"^ +(\d+) \| (.*)$", shown, re.MULTILINE)}
    spec = ["input 28x28x1", "", "", "conv(6, 5x5, relu)", lines[5], lines[6], lines[7]]
    Path("lenet.net").write_text("\n".join(spec) + "\n")
    assert run(["check", "lenet.net"]) == 1
    printed = capsys.readouterr()
    assert printed.err + printed.out == shown


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"| `netspec {name}" not in text] == []


def write_tables(folder: Path) -> None:
    """The files that the examples of tables name."""
    shutil.copy(ROOT / "specs" / "load.csv", folder)
    flats = [f"1.00{i},5;K\u00f6ln;{'gas' * (i % 2)};0{i}.12.2024;9{i},5" for i in range(1, 6)]
    (folder / "flats.csv").write_text("\n".join(["area;city;heating;listed;rent", *flats]), encoding="cp1252")
    films = [f"{1990 + i},9{i},{i},{i},{'|'.join(['Drama', 'War', 'Comedy'][: i % 4])}" for i in range(8)]
    (folder / "films.csv").write_text("\n".join(["year,minutes,budget,votes,genres", *films]))
    customers = [f"{'Yes' if i % 3 else 'No'},20{10 + i}-01-0{i},{'' if i == 2 else 9 * i},Fiber" for i in range(1, 9)]
    (folder / "churn.csv").write_text("\n".join(["Churn,Joined,Total Charges,Internet", *customers]))
    houses = [f"{i}.png,{i},{i * i},2,{i},1,{i},4,{i}.5" for i in range(1, 4)]
    (folder / "houses.csv").write_text("\n".join(["photo,lat,lon,a,b,c,d,e,price", *houses]))
    homes = [f"{i},{i % 7},{50_000 * i + 7},{70 + i}" for i in range(1, 31)]
    (folder / "homes.csv").write_text("\n".join(["rooms,floor,price,area", *homes]))
    (folder / "reviews.csv").write_text((ROOT / "specs" / "reviews.csv").read_text())
    ratings = [f'"Good, {"or" if i % 2 else "and"} bad",{2000 + i},{90 + i % 9},{i % 5}.5' for i in range(20)]
    (folder / "ratings.csv").write_text("\n".join(["review,year,minutes,stars", *ratings]))
    for i in range(1, 4):
        Image.new("RGB", (80, 60), (i, i, i)).save(folder / f"{i}.png")


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 9


def test_the_words_of_the_page_on_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "own_words.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "words_of_the_docs.py").write_text("\n\n".join(blocks))
    monkeypatch.syspath_prepend(tmp_path)
    with temporary_words():
        module = importlib.import_module("words_of_the_docs")
        module.test_words()
        net = "input 5 tokens(9, pad = 0)\nembedding(4) -> gaussian -> largest -> distances(3) -> dense(1, squareplus)"
        assert netspec.check(net + "\ntrain { loss = log_cosh }") == []


# ---------------------------------------------------------------- pages from the declarations


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_declarations_say(name: str) -> None:
    path = ROOT / "docs" / name
    is_fresh = path.exists() and path.read_text(encoding="utf-8") == PAGES[name]()
    assert is_fresh, f"docs/{name} is stale: run `netspec words --write docs`"


OTHERS = [w for c in categories() if c not in ("layer", "activation", "init") for w in words(c).values()]


@pytest.mark.parametrize("word", OTHERS, ids=lambda w: f"{w.category}-{w.word}")
def test_every_word_says_what_it_does(word: type[Word]) -> None:
    check_docs(word)


BUILT_IN = [w for c in ("layer", "activation") for w in words(c).values()]


@pytest.mark.parametrize("word", BUILT_IN, ids=lambda w: f"{w.category}-{w.word}")
def test_every_layer_and_every_activation_has_a_formula(word: type[Word]) -> None:
    """Their other parts are checked with what they compute, by `check_layer` and `check_activation`."""
    check_docs(word, facts=("Formula",))


def test_every_word_and_every_code_has_its_place() -> None:
    pages = {name: page() for name, page in PAGES.items()}
    headings = {name: re.findall(r"^### (\S+)$", text, re.MULTILINE) for name, text in pages.items()}
    assert sorted(headings["errors.md"]) == sorted(KINDS)
    assert "## Other packages" not in pages["errors.md"], "a module of errors has no heading in ROOMS"
    wanted = [w for c in categories() for w in words(c)]
    assert sorted(headings["layers.md"] + headings["words.md"]) == sorted(wanted)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    anchors = github_anchors(text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if file.startswith("https://"):
            continue
        other = path.parent / file if file else path
        assert other.exists(), target
        found = anchors if not file else github_anchors(other.read_text(encoding="utf-8"))
        assert not anchor or anchor in found, target


def github_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives headings: lower case, blanks to dashes, a number where one comes again."""
    found: dict[str, int] = {}
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        anchor = "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
        anchors.add(f"{anchor}-{found[anchor]}" if anchor in found else anchor)
        found[anchor] = found.get(anchor, 0) + 1
    return anchors


# ---------------------------------------------------------------- how a page is made


@pytest.fixture
def doubled() -> Any:
    """A layer with everything that a docstring may have."""
    with temporary_words():

        @extend.layer("doubled")
        class Doubled(extend.Layer):
            """Doubles
            every number.

            More about it, with `a | b` in it.

            Shape: any -> the same
            Parameters: none, where nothing is trained;
                two, where something is
            Formula: y = 2 x
            Example: (identity | doubled)
                -> add
            Reference: Nobody 1999, arXiv:1234.56789; Somebody 2001, doi:10.1000/xyz(1).
            """

            aliases = ("Twice",)

            way: bool = extend.option(extend.Flag(), "one way | the other: 2 * x", default=True, position=0)
            power: int = extend.option(extend.Count(), "the power", aliases=("exponent",))

        yield Doubled


def test_the_parts_of_a_docstring(doubled: Any) -> None:
    page = word_page(doubled)
    assert page.summary == "Doubles every number."
    assert page.details == "More about it, with `a | b` in it."
    assert page.facts["Parameters"] == "none, where nothing is trained;\ntwo, where something is"
    assert page.facts["Example"] == "(identity | doubled)\n-> add"
    assert page.facts["Formula"] == "y = 2 x"


def test_the_page_of_a_word(doubled: Any) -> None:
    text = word_markdown(word_page(doubled))
    assert text.startswith("### doubled\n\n`doubled(way = true, power)`\n\nDoubles every number.\n\nMore about it")
    assert "| `way` | one way \\| the other: 2 \\* x | `true` or `false` | `true` |" in text
    assert "| `power` | the power (elsewhere `exponent`) | a positive integer | required |" in text
    assert "Formula:    y = 2 x\n" in text
    assert "[arXiv:1234.56789](https://arxiv.org/abs/1234.56789)" in text
    assert text.endswith("In other libraries: `Twice`")
    assert "| `name`" not in text


def test_links_of_references() -> None:
    assert linked("A, doi:10.24432/C5PC7J; B") == "A, [doi:10.24432/C5PC7J](https://doi.org/10.24432/C5PC7J); B"
    assert linked("A 2015, arXiv:1502.01852.").endswith("(https://arxiv.org/abs/1502.01852).")
