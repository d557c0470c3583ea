"""Two networks side by side: what is marked in which."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import run
from tests.display.test_drawing import check_page

SPECS = Path(__file__).parents[2] / "specs"


def drawn(folder: Path, old: Path, new: Path) -> tuple[str, Counter[str]]:
    """The drawing, and how many boxes have each mark."""
    path = folder / "pair.svg"
    assert run(["draw", str(old), str(new), "-o", str(path)]) == 0
    svg = path.read_text(encoding="utf-8")
    check_page(svg)
    return svg, Counter(re.findall(r'<g class="(added|removed|changed)"', svg))


def test_more_copies_are_marked_in_both(tmp_path: Path) -> None:
    """VGG-19 has one convolution more in three stages, which are drawn as one box with its copies."""
    svg, marks = drawn(tmp_path, SPECS / "vgg16.net", SPECS / "vgg19.net")
    assert marks == {"changed": 12}  # in both, the stage and the convolutions in it
    marked = re.findall(r'<rect class="changed"[^>]*/><text [^>]*>([^<]+)<', svg)
    assert marked and {text[-3:] for text in marked} == {"× 2", "× 3", "× 4"}
    counts = ("138,357,544", "143,667,240")  # Simonyan and Zisserman 2015, table 2: 138 and 144 million
    assert all(f">{count} parameters<" in svg for count in counts)
    assert svg.count("~ changed") == 1 and "added" not in re.findall(r">[+-] (\w+)<", svg)


def test_blocks_of_which_only_the_number_differs_stay_closed(tmp_path: Path) -> None:
    """ResNet-34 has more copies of four blocks of ResNet-18 (He et al. 2015, table 1), and all else is the same."""
    svg, marks = drawn(tmp_path, SPECS / "resnet18.net", SPECS / "resnet34.net")
    assert marks == {"changed": 8}
    assert [text[-3:] for text in re.findall(r">(basic_block × \d)<", svg)] == ["× 2", "× 3", "× 3", "× 5", "× 2"]


def test_one_is_marked_where_it_is(tmp_path: Path) -> None:
    svg, marks = drawn(tmp_path, SPECS / "mnist_cnn.net", SPECS / "multitask.net")
    assert marks == {"added": 1} and "+ added" in svg
    _, marks = drawn(tmp_path, SPECS / "multitask.net", SPECS / "mnist_cnn.net")
    assert marks == {"removed": 1}


def test_a_whole_block_is_added(tmp_path: Path) -> None:
    for name, more in (("old", ""), ("new", " -> pair")):
        text = f"def pair = layernorm -> dropout(0.5)\ninput 8\ndense(4, relu){more} -> dense(2)"
        (tmp_path / f"{name}.net").write_text(text)
    _, marks = drawn(tmp_path, tmp_path / "old.net", tmp_path / "new.net")
    assert marks["added"] == 3 and set(marks) <= {"added", "changed"}  # the block and both of its layers


@pytest.mark.parametrize("name", ["xor", "resnet18"])
def test_equal_networks(tmp_path: Path, name: str) -> None:
    svg, marks = drawn(tmp_path, SPECS / f"{name}.net", SPECS / f"{name}.net")
    assert not marks and "the layers are the same" in svg


@pytest.mark.parametrize(
    ("old", "new"), [("vgg16_bn", "vgg16"), ("resnet18", "resnet34"), ("googlenet", "googlenet_aux")]
)
def test_large_differences(tmp_path: Path, old: str, new: str) -> None:
    assert drawn(tmp_path, SPECS / f"{old}.net", SPECS / f"{new}.net")[1]


def test_what_a_style_or_a_pair_is_not_drawn_as(capsys: pytest.CaptureFixture[str]) -> None:
    lenet, mlp = str(SPECS / "lenet5.net"), str(SPECS / "mlp.net")
    for arguments in ([lenet, "--style", "blocks"], [lenet, mlp]):
        assert run(["draw", *arguments, "-o", "x.html"]) == 1
        err = capsys.readouterr().err
        assert "takes a name that ends in .svg, .png, .pdf" in err and err.endswith("hint: write `-o x.svg`\n")
    assert run(["draw", lenet, mlp, "--style", "maps"]) == 1
    assert "error: --style maps draws one network" in capsys.readouterr().err


def test_python_draws_the_same(tmp_path: Path) -> None:
    old, new = SPECS / "vgg16.net", SPECS / "vgg16_bn.net"
    svg, _ = drawn(tmp_path, old, new)
    assert netspec.draw(old, new).svg == svg == netspec.draw(netspec.compile(old), new).svg
    with pytest.raises(ValueError, match="omit them to see what differs"):
        netspec.draw(old, new, style="maps")
