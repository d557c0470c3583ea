"""The table of `netspec show`: what it adds up to, and receptive fields as the literature has them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.graph import Graph
from netspec.compiler.ir.layer_table import LayerTable, bar, short
from netspec.compiler.ir.receptive_field import receptive_fields
from netspec.language.source import Source
from netspec.spec.compilation import Compilation, read_source

SPECS = Path(__file__).parent.parent.parent / "specs"


def zoo(name: str) -> Graph:
    return Compilation(read_source(SPECS / f"{name}.net")).network


def network(text: str) -> Graph:
    return Compilation(Source("test.net", text)).network


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [
        # Araujo, Norris and Sim 2019, table of receptive fields (stride of ResNets in the 3x3, as in torchvision)
        ("alexnet", "maxpool_3", 195),
        ("vgg16", "maxpool_5", 212),
        ("resnet50", "bottleneck_16", 427),
        ("resnet101", "bottleneck_33", 971),
        ("mobilenet_v2", "conv_norm_2", 491),
        ("lenet5", "conv_2", 14),
    ],
)
def test_receptive_fields(name: str, layer: str, expected: int) -> None:
    fields = {"/".join(path): field for path, field in receptive_fields(zoo(name)).items()}
    found = [field for key, field in fields.items() if key == layer or key.endswith(f"/{layer}")]
    assert {float(field.seen[0]) for field in found} == {float(expected)} if found else list(fields)


def test_receptive_fields_with_dilation_stride_and_upsampling() -> None:
    layers = "conv(2, 3x3, dilation = 2) -> conv(2, 3x3, stride = 2) -> conv(2, 5x3) -> upsample(2) -> conv(1, 3x3)"
    found = {path[-1]: str(field) for path, field in receptive_fields(network(f"input 64x64x1\n{layers}")).items()}
    # 5, then 5 + 2, then 7 + 4 * 2 and 7 + 2 * 2; upsampling halves the distance again: 15 + 2 and 11 + 2
    assert found == {"conv": "5x5", "conv_2": "7x7", "conv_3": "15x11", "upsample": "15x11", "conv_4": "17x13"}


@pytest.mark.parametrize("levels", [0, 1, None, 1000], ids=str)
@pytest.mark.parametrize("path", sorted(SPECS.glob("*.net")), ids=lambda path: path.stem)
def test_the_lines_add_up(path: Path, levels: int | None) -> None:
    graph = Compilation(read_source(path)).network
    table = LayerTable(graph, levels=levels)
    total = sum(line.parameters * line.times for line in table.lines)
    assert total == total_cost(graph).parameters
    assert max(len(line) for line in table.text(80).splitlines()) <= 80


def test_formats() -> None:
    table = LayerTable(zoo("lenet5"))
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert [row["name"] for row in rows[1:3]] == ["conv", "avgpool"]
    assert sum(int(row["parameters"] or 0) for row in rows) == 61706  # the paper's net with all connections
    assert int(rows[1]["memory_bytes"]) == 28 * 28 * 6 * 4
    assert table.markdown().splitlines()[2].startswith("| `input x` | 32x32x1 |")
    assert r"\texttt{conv(6, 5x5, tanh, pad = valid)} & 28x28x6 & 156 &" in table.latex()
    assert "<table>" in table.html() and "\x1b[34m" in table.text(color=True) and "\x1b" not in table.text()


@pytest.mark.parametrize("name", ["resnet50", "unet", "transformer", "siamese", "edge_filter"])
def test_cells_of_markdown_and_latex(name: str) -> None:
    """Nothing in a cell ends it: branches begin with `|`, and names of layers have `_`."""
    table = LayerTable(zoo(name), levels=1000)
    rows = table.markdown().partition("\n\n")[0].splitlines()
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert [row.split("`")[1].replace("\\|", "|").replace("\u00a0", " ") for row in rows[2:]] == [
        line.text for line in table.lines
    ]
    inner = table.latex().splitlines()[4:-2]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in inner} == {5}
    assert not re.search(r"(?<!\\)[_#%$]|[\^~…]", "\n".join(inner))


def test_copies_and_branches() -> None:
    table = LayerTable(zoo("resnet50")).text(100)
    assert "bottleneck_9 x 5" in table and "  + conv_norm " in table and "  | relu " in table and "  add " in table


def test_frozen_layers_say_so() -> None:
    text = LayerTable(network("input 8\ndense(4) -> dense(2)"), ("dense",)).text()
    assert text.count("frozen") == 2 and "36 frozen" in text and "frozen parameters          36" in text


def test_numbers() -> None:
    assert [short(n) for n in (0, 999, 1000, 112_896, 1_582_671_872)] == ["0", "999", "1 k", "113 k", "1.58 G"]
    assert [bar(share) for share in (0, 0.001, 0.5, 1)] == ["", "▏", "██▌", "█████"]
